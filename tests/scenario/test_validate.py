"""The verb `validate`, and messages that tell a user what to type next."""

import json
import os

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scenario.files import DATA, copy_of_files
from tests.support.places import ROOT
from workbench.cli.validate import command
from workbench.errors import BadInput
from workbench.scenario.explain import check
from workbench.scenario.load import check_paths
from workbench.scenario.references import pair_problems, policy_problems, world_problems
from workbench.scenario.schema.base import Document, Duration, Money, Share
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import ScenarioFile
from workbench.scenario.schema.world import World
from workbench.scenario.source import parse

FIVE_FAULTS = (
    ("policy.yaml", "target: 99.9%", "target: 0.999"),
    ("policy.yaml", "factor: 14.4", "facter: 14.4"),
    ("policy.yaml", "    window: history", "    window: history\n    window: 30d"),
    ("policy.yaml", "tiers: [paying]", "tiers: [payng]"),
    ("policy.yaml", "price: 9.90 EUR", "price: 9,90"),
)


@pytest.fixture
def folder(tmp_path):
    copy_of_files(tmp_path)
    for file, old, new in FIVE_FAULTS:
        text = (tmp_path / file).read_text()
        assert text.count(old) == 1
        (tmp_path / file).write_text(text.replace(old, new))
    (tmp_path / "week.yaml").unlink()
    return tmp_path


def run(*args):
    return CliRunner().invoke(command, [str(arg) for arg in args])


def test_five_faults_of_one_file_are_five_problems_of_one_call(folder):
    result = run(folder / "scenario.yaml", "-o", "json")

    answer = json.loads(result.output)
    assert [(p["line"], p["column"], p["nearest"]) for p in answer["problems"]] == [
        (11, 13, "99.9%"),
        (18, 15, "paying"),
        (25, 5, None),
        (28, 31, "factor"),
        (33, 12, "9.90 EUR"),
    ]
    assert answer["files"] == 3
    assert result.exit_code == 1


def test_what_is_printed_says_place_path_found_allowed_and_nearest(folder):
    text = " ".join(run(folder).output.split())

    assert f"{folder / 'policy.yaml'}:11:13: error: a share is written in percent: 99.9%" in text
    assert "at slos.login.target found 0.999 allowed a share in percent such as 99.9%, from 0% to 100% nearest 99.9%" in text
    assert text.endswith("3 files, 5 problems")


def test_no_problem_is_exit_code_0_and_one_line():
    result = run(DATA)

    assert result.exit_code == 0
    assert result.output == "4 files, 0 problems\n"


def test_a_path_that_is_not_there_names_the_nearest_one():
    result = run(DATA / "wrold.yaml", DATA / "scenario.yaml")

    assert isinstance(result.exception, BadInput)
    assert result.exception.problems[0].nearest == str(DATA / "world.yaml")


def test_a_file_whose_name_is_no_text_is_reported_too(tmp_path):
    file = tmp_path / os.fsdecode(b"w\xf6rld.yaml")
    file.write_bytes(b"kind: World\nname: 5\n")

    problems = json.loads(run(tmp_path, "-o", "json").output)["problems"]

    assert {problem["file"] for problem in problems} == {str(file)}
    assert "w\\udcf6rld.yaml:2:7" in run(tmp_path).output


def test_the_order_of_problems_is_that_of_the_files_and_lines(folder):
    (folder / "world.yaml").write_text("kind: World\nname: 5\n")

    problems, _ = check_paths([folder / "world.yaml", folder / "policy.yaml"])

    assert [p.file for p in problems] == sorted((p.file for p in problems), key=str.lower, reverse=True)
    for file in {p.file for p in problems}:
        lines = [p.line for p in problems if p.file == file]
        assert lines == sorted(lines)


class _Sample(Document):
    length: Duration = 0.0
    share: Share = 0
    price: Money | None = None
    flag: bool = False
    numbers: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("length: 300", "300s"), ("length: 5 min", "5m"), ("length: 2hours", "2h"), ("length: 7 Days", "7d"),
        ("length: 250 msec", "250ms"), ("length: soon", None), ("length: 5mo", None), ("length: 1M", None), ("length: -5m", None),
        ("share: 0.999", "99.9%"), ("share: .5", "50%"),
        ("share: 0.05", "5%"), ("share: 0.0002", "0.02%"),
        ("share: 99.95", "99.95%"),
        ("share: 99.9 %", "99.9%"), ("share: 95 percent", "95%"), ("share: 1", "1%"), ("share: most", None),
        ("share: 99,9%", "99.9%"),
        ("price: 499", "499 EUR"), ("price: $5", "5 USD"), ("price: 12.50€", "12.50 EUR"), ("price: chf 3", "3 CHF"),
        ("price: CHF 3", "3 CHF"), ("price: cheap", None), ("flag: maybe", None), ("numbers: 5", "[5]"),
    ],
)  # fmt: skip
def test_a_value_written_wrong_is_suggested_as_it_must_be(written, meant):
    tree = parse(written.encode(), "f.yaml").root

    _, problems = check(_Sample, tree)

    assert [problem.nearest for problem in problems] == [meant]
    if meant:
        key = written.partition(":")[0]
        assert check(_Sample, parse(f"{key}: {meant}".encode(), "f.yaml").root)[1] == []


MODELS = {"world.yaml": World, "policy.yaml": Policy, "scenario.yaml": ScenarioFile}
TEXTS = {name: (DATA / name).read_text() for name in MODELS}
SNIPPETS = (
    "",
    " ",
    "\n",
    "  ",
    ":",
    "- ",
    "[",
    "}",
    "null",
    "-1",
    "yes",
    "1e400",
    ".nan",
    "&a ",
    "*a",
    "!!x ",
    "5m",
    "99%",
    "é",
    '"',
    "0x",
    "# ",
)


@settings(derandomize=True, deadline=None, max_examples=120)
@given(
    st.sampled_from(sorted(MODELS)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 12), st.sampled_from(SNIPPETS)), min_size=1, max_size=4),
)
def test_any_change_to_a_valid_file_gives_a_model_or_problems_with_places(name, changes):
    text = TEXTS[name]
    for at, length, snippet in changes:
        start = int(at * len(text))
        text = text[:start] + snippet + text[start + length :]

    source = parse(text.encode(), name)
    problems = list(source.problems)
    if source.root is not None:
        model, more = check(MODELS[name], source.root, broken=source.broken)
        problems += more
        world, policy = parse(TEXTS["world.yaml"].encode(), "w").root, parse(TEXTS["policy.yaml"].encode(), "p").root
        if name == "world.yaml":
            problems += [*world_problems(source.root), *pair_problems(source.root, policy)]
        if name == "policy.yaml":
            problems += [*policy_problems(source.root), *pair_problems(world, source.root)]
        assert model is not None or problems
    for problem in problems:
        assert problem.line is not None
        assert problem.line <= text.count("\n") + 1
        assert problem.message
        for jargon in ("Input should", "function-", "Value error", "pydantic", "__", "tuple", "Decimal", "dict"):
            assert jargon not in f"{problem.message} {problem.allowed}"


def test_the_scenarios_that_ship_are_valid():
    problems, files = check_paths([ROOT / "scenarios"])

    assert problems == []
    assert files >= 6
