"""Broken documents of other tools give a policy or problems with lines, never a traceback."""

import random

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.interop.foreign_files import ALL
from workbench.errors import BadInput
from workbench.interop.importing import import_files
from workbench.scenario.schema.policy import Policy

ODD = [
    None,
    True,
    "",
    "x",
    "99.9",
    "-1",
    0,
    -1,
    1e308,
    "{{.window}}",
    "[5m]",
    [],
    {},
    [[]],
    {"a": {}},
    "a" * 300,
    "1M",
    "0m",
    "é\n",
]


def paths_of(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, below in value.items():
            yield from paths_of(below, (*path, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from paths_of(below, (*path, index))


def mutated(document, draw):
    """One value replaced, removed, renamed or doubled."""
    path = draw.choice([path for path in paths_of(document) if path])
    holder = document
    for part in path[:-1]:
        holder = holder[part]
    kind = draw.randrange(4)
    if kind == 0:
        holder[path[-1]] = draw.choice(ODD)
    elif kind == 1:
        del holder[path[-1]]
    elif kind == 2 and isinstance(holder, dict):
        holder[str(path[-1])[:-1] + "x"] = holder.pop(path[-1])
    elif isinstance(holder, list):
        holder.append(holder[path[-1]])
    else:
        holder["labels"] = {"a-b": holder[path[-1]], "severity": 1}


def read(folder, text):
    """Import the text: the policy's own model must take what comes of it, and problems must have a place."""
    file = folder / "x.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    policy, problems = "", ()
    try:
        policy, imported = import_files([file], "x")
        problems = imported.problems
    except BadInput as error:
        problems = error.problems
    for problem in problems:
        assert problem.file == str(file)
        assert problem.line or problem.check in ("file/empty", "import/nothing")
    if policy:
        Policy.model_validate(yaml.safe_load(policy))
    else:
        assert problems


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_mutated_documents_give_a_policy_or_problems_with_lines(name, seed, times, tmp_path_factory):
    draw = random.Random(seed)  # noqa: S311 - which mutation, from a seed that hypothesis shrinks
    documents = list(yaml.safe_load_all(ALL[name]))
    for _ in range(times):
        document = draw.choice(documents)
        if document:
            mutated(document, draw)
    read(tmp_path_factory.mktemp("fuzz"), yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False))


@settings(max_examples=60)
@given(name=st.sampled_from(sorted(ALL)), at=st.floats(0, 1), cut=st.integers(0, 40), junk=st.binary(max_size=6))
def test_torn_files_give_problems_with_lines(name, at, cut, junk, tmp_path_factory):
    raw = ALL[name].encode()
    start = int(at * len(raw))
    read(tmp_path_factory.mktemp("torn"), raw[:start] + junk + raw[start + cut :])


DEEP = "(" * 200 + "a" + ")" * 200
HOSTILE = {
    "a number without end": """\
version: prometheus/v1
service: s
slos: [{name: n, objective: 1e999999999, sli: {raw: {error_ratio_query: a}}}]
""",
    "an alias inside itself": "version: prometheus/v1\nservice: s\nslos: &a\n- *a\n",
    "a merge key and no list": "version: prometheus/v1\n<<: {service: s}\nslos: 3\n",
    "a list in a list": "kind: List\nitems: &a [{kind: List, items: [1]}]\n",
    "an empty list": "kind: List\nitems: []\n",
    "an empty ratio": """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: n}
spec: {objectives: [{target: 0.5}], indicator: {spec: {ratioMetric: {}}}}
""",
    "a query of parentheses": f"""\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {{name: n}}
spec: {{target: '5', window: 4w, indicator: {{bool_gauge: {{metric: '{DEEP}'}}}}}}
""",
    "a window of nothing": """\
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: n}
spec: {severity: p, condition: {threshold: 1, lookbackWindow: 0m}}
""",
    "windows without windows": "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec: {sloPeriod: 1ms, page: {}, ticket: {}}\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_give_problems_with_lines(name, tmp_path):
    read(tmp_path, HOSTILE[name])
