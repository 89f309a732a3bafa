import subprocess
import sys
from importlib.metadata import entry_points
from types import ModuleType, SimpleNamespace

import pytest

from tests.test_expect import OUTCOME
from workbench.errors import BadInput, Problem
from workbench.regression.plugin import is_expecting_scenario
from workbench.scenario.schema.scenario import Expectation

pytest_plugins = ["pytester"]

HEAD = "apiVersion: workbench/v1\nkind: Scenario\nname: x\n"
KEPT, BROKEN = {"metric": "pages", "at_most": 2}, {"metric": "pages", "at_most": 1, "why": "quiet nights"}


@pytest.fixture
def scenarios(pytester, monkeypatch):
    """A folder of scenarios whose content decides what `load_scenario` makes of them; every run is the same outcome."""

    def load_scenario(path):
        text = path.read_text()
        if "unusable" in text:
            raise BadInput(Problem("scenario/x", "unknown key", file=str(path), line=4))
        expect = [KEPT] if "kept" in text else [KEPT, BROKEN, {"metric": "pagez", "at_most": 1}] if "broken" in text else []
        return SimpleNamespace(expect=tuple(Expectation(**one) for one in expect))

    for name, member in (("workbench.alerts.loading", load_scenario), ("workbench.run.month", None)):
        module = ModuleType(name)
        setattr(module, name.rsplit(".", 1)[1] if member is None else "load_scenario", member)
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules["workbench.run.month"].run = lambda _scenario: OUTCOME

    def run(*arguments, **files):
        for name, text in files.items():
            (pytester.path / "scenarios").mkdir(exist_ok=True)
            (pytester.path / "scenarios" / f"{name}.yaml").write_text(text)
        loaded = (
            [] if "slo-workbench" in {one.name for one in entry_points(group="pytest11")} else ["-p", "workbench.regression.plugin"]
        )
        return pytester.runpytest_inprocess(*loaded, "-p", "no:cacheprovider", *arguments)

    return run


def test_a_scenario_passes_fails_or_is_skipped_by_its_expectations(scenarios):
    found = scenarios("scenarios", good=HEAD + "expect: kept\n", bad=HEAD + "expect: broken\n", none=HEAD + "expect: []\n")

    found.assert_outcomes(passed=1, failed=1, skipped=1)


def test_a_failure_names_every_bound_that_does_not_hold_and_shows_no_traceback(scenarios):
    found = scenarios("scenarios", bad=HEAD + "expect: broken\n")

    text = found.stdout.str()
    found.stdout.fnmatch_lines(
        [
            "2 expectations do not hold:",
            "  expect[[]1[]]: pages is out of bounds (quiet nights): found 2, allowed at most 1",
            "  expect[[]2[]].metric: no metric of this outcome has that name: found pagez; did you mean 'pages'?",
        ]
    )
    assert "Traceback" not in text
    assert "plugin.py" not in text


def test_a_scenario_that_cannot_be_used_fails_with_its_problems(scenarios):
    found = scenarios("scenarios", bad=HEAD + "expect: unusable\n")

    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["the scenario cannot be used:", "*bad.yaml:4: error: unknown key*"])


def test_a_run_without_paths_does_not_look_at_yaml(scenarios, pytester):
    pytester.makepyfile(test_one="def test_one(): pass")

    found = scenarios(good=HEAD + "expect: kept\n")

    found.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "expect:\n  - metric: pages\n", True),
        (HEAD + "extends: base.yaml\n", True),
        ("# a comment\n" + HEAD.replace("Scenario", '"Scenario"') + "expect: []\n", True),
        (HEAD, False),
        (HEAD.replace("Scenario", "World") + "expect: []\n", False),
        ("kind: Scenario\nexpect: []\n", False),
        ("apiVersion: apps/v1\nkind: Scenario\nexpect: []\n", False),
        ("\0" * 5000, False),
        ("# " + "x" * 5000 + "\n" + HEAD + "expect: []\n", False),
    ],
)
def test_only_scenarios_with_expectations_are_collected(tmp_path, text, expected):
    path = tmp_path / "file.yaml"
    path.write_text(text)

    assert is_expecting_scenario(path) is expected


def test_a_file_that_cannot_be_read_is_not_a_scenario(tmp_path):
    assert is_expecting_scenario(tmp_path / "nowhere.yaml") is False


def test_loading_the_plugin_imports_nothing_heavy():
    code = "import sys, pytest; import workbench.regression.plugin; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "workbench.regression.plugin" in loaded
    assert not {"numpy", "pydantic", "pandas", "scipy", "simpy", "yaml", "workbench.expect"} & set(loaded)
