"""Reading YAML: values of the core schema, places that PyYAML confirms, and no text that breaks it."""

import json
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scenario.files import DATA
from workbench.scenario.compose import MAX_NODES
from workbench.scenario.source import parse
from workbench.scenario.tree import ListNode, MapNode, ScalarNode, find, format_path, plain, positions, shorten, walk

FUZZ = settings(derandomize=True, deadline=None, max_examples=100)


def tree(text):
    source = parse(text.encode(), "f.yaml")
    assert source.problems == ()
    return source.root


def composed_scalars(node, path=()):
    """Paths, marks and raw values as PyYAML's own composer reports them."""
    if isinstance(node, yaml.ScalarNode):
        yield path, node.start_mark, node.end_mark, node.value
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from composed_scalars(item, (*path, index))
    else:
        for key, value in node.value:
            yield from composed_scalars(value, (*path, key.value))


TRICKY = """\
plain: [1, "é ü", 'it''s', ~]
"ключ": {deep: {er: |
  two
  lines
}}
anchored: &a {x: 1}
again: *a
? long key
: - - nested
  - ü: ä  # comment
empty:
last: >-
  folded
  text
""".replace("|\n  two\n  lines\n}}", '"one\\ttwo"}}')


@pytest.mark.parametrize("text", [TRICKY, *(file.read_text() for file in sorted(DATA.iterdir()))], ids=str)
def test_every_position_is_where_pyyaml_finds_the_same_scalar(text):
    root = tree(text)
    places = positions(root)
    lines = text.split("\n")
    seen = set()

    for path, start, end, value in composed_scalars(yaml.compose(text, Loader=yaml.SafeLoader)):
        place = places[path].value
        assert (place.line, place.column) == (start.line + 1, start.column + 1), path
        node, _ = find(root, path)
        assert node.text == value
        if start.line == end.line and node.plain and not node.text.startswith("&"):
            assert lines[place.line - 1][place.column - 1 :].startswith(value)
        seen.add(path)

    assert seen == {path for path, node, _ in walk(root) if isinstance(node, ScalarNode)}


@pytest.mark.parametrize("text", [file.read_text() for file in sorted(DATA.iterdir())], ids=str)
def test_every_key_is_where_its_position_says(text):
    lines = text.split("\n")
    for path, position in positions(tree(text)).items():
        if position.key is not None:
            written = lines[position.key.line - 1][position.key.column - 1 :].lstrip("\"'")
            assert written.startswith(str(path[-1]))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("~", None), ("null", None), ("true", True), ("FALSE", False), ("yes", "yes"), ("on", "on"), ("No", "No"),
        ("12", 12), ("-7", -7), ("007", 7), ("0o17", 15), ("0x1F", 31), ("1_000", "1_000"), ("12:30", "12:30"),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("2026-04-01", "2026-04-01"), ("1.2.3", "1.2.3"), ("5m", "5m"),
        ("99.9%", "99.9%"), ('"12"', "12"), ("'true'", "true"), ("!!str 12", "12"), ("! 12", "12"), ("!!float 1", 1), ("-", None),
    ],
)  # fmt: skip
def test_scalars_mean_what_the_core_schema_of_yaml_1_2_says(text, value):
    root = tree(f"a: {text}") if text != "-" else tree("a:")

    found = plain(root)["a"]

    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_as_written():
    assert plain(tree("{503: a, on: b, 2026-04-01: c, 1.50: d, true: e}")) == {
        "503": "a", "on": "b", "2026-04-01": "c", "1.50": "d", "true": "e",
    }  # fmt: skip


def test_all_faults_of_a_text_are_reported_at_once():
    text = "a: 1\na: 2\nb: !thing 3\nc: .inf\nd: *nobody\n[x]: 4\n"

    source = parse(text.encode(), "f.yaml")

    assert [(p.line, p.column, p.check) for p in source.problems] == [
        (2, 1, "yaml/duplicate-key"),
        (3, 4, "yaml/tag"),
        (4, 4, "yaml/number"),
        (5, 4, "yaml/alias"),
        (6, 1, "yaml/key"),
    ]


def test_an_alias_counts_as_often_as_it_stands_there():
    ten = "a: &a [" + "x, " * 99 + "x]\n"
    fits = (MAX_NODES - 300) // 101
    just = ten + "b: [" + "*a, " * fits + "]"
    over = ten + "b: [" + "*a, " * (fits + 10) + "]"

    assert parse(just.encode(), "f.yaml").problems == ()
    assert [p.check for p in parse(over.encode(), "f.yaml").problems] == ["yaml/nodes"]


def test_64_levels_are_read_and_65_are_not():
    assert parse(("[" * 64 + "]" * 64).encode(), "f.yaml").problems == ()
    assert [p.check for p in parse(("[" * 65 + "]" * 65).encode(), "f.yaml").problems] == ["yaml/depth"]


def test_pure_python_parser_reads_the_same_tree(monkeypatch):
    with_c = {file.name: parse(file.read_bytes(), file.name) for file in DATA.iterdir()}
    monkeypatch.setattr("workbench.scenario.source._LOADER", yaml.SafeLoader)

    for file in DATA.iterdir():
        source = parse(file.read_bytes(), file.name)
        assert plain(source.root) == plain(with_c[file.name].root)
        assert positions(source.root) == positions(with_c[file.name].root)


def test_a_byte_order_mark_does_not_shift_columns():
    source = parse("\ufeffa: .nan".encode(), "f.yaml")

    assert (source.problems[0].line, source.problems[0].column) == (1, 4)


# Control characters are refused before; YAML folds Unicode's own line breaks, which JSON keeps.
words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"], exclude_characters="\ufeff"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


@FUZZ
@given(json_values)
def test_json_is_read_as_json_reads_it(value):
    source = parse(json.dumps(value, ensure_ascii=False).encode(), "f.yaml")

    assert source.problems == ()
    assert plain(source.root) == value


def check_source(raw):
    source = parse(raw, "f.yaml")
    assert (source.root is None) <= bool(source.problems)
    if source.root is not None:
        json.dumps(plain(source.root), allow_nan=False)
        for _, node, position in walk(source.root):
            assert isinstance(node, ScalarNode | ListNode | MapNode)
            assert position.value.line >= 1
            assert position.value.column >= 1
    for problem in source.problems:
        assert str(problem)
        assert problem.found is None or len(problem.found) < 100


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw):
    check_source(raw)


@FUZZ
@given(st.text(alphabet="ab1 \n\t:-?,[]{}&*!|>%@'\"#.~<é", max_size=60))
def test_any_text_like_yaml_is_read_or_refused(text):
    check_source(text.encode())


def test_a_path_is_written_so_that_it_can_be_read():
    assert format_path(("routes", "/login", "calls", 0)) == 'routes["/login"].calls[0]'
    assert format_path(("slos", "login", "target")) == "slos.login.target"
    assert format_path(()) == ""


def test_what_is_shown_of_a_long_value_fits_a_line():
    assert len(shorten("x" * 5000)) <= 60
    assert shorten("x" * 60) == "x" * 60
    assert "\n" not in shorten("a\nb")
    assert math.isclose(len(shorten("ab" * 1000)), 59, abs_tol=1)


@pytest.mark.parametrize("text", [".nan", "-.inf", "+.INF", "1e999", "-1e400", "9" * 41])
def test_what_is_no_number_to_reckon_with_is_refused_where_it_is_read(text):
    source = parse(f"a: {text}".encode(), "f.yaml")

    assert [(p.check, p.line, p.column) for p in source.problems] == [("yaml/number", 1, 4)]
    assert source.broken
