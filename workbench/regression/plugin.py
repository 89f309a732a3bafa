"""The pytest plugin: a scenario file with expectations is a test.

`pytest scenarios/` runs each of them and fails with every bound that does not hold. The plugin looks only at files below paths that
were named on the command line, reads only the beginning of YAML files to tell a scenario from anything else, and imports the
workbench only when a scenario is run, so that it costs other projects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from workbench.errors import Problem

SNIFFED_BYTES = 1 << 20
"""How far into a file its top-level keys are looked for."""
_HEAD_BYTES = 2048
"""How far into a file `apiVersion` must have come."""
_API = re.compile(rb"^apiVersion:\s*[\"']?workbench/", re.MULTILINE)
_KIND = re.compile(rb"^kind:\s*[\"']?Scenario\b", re.MULTILINE)
_EXPECTING = re.compile(rb"^(?:expect|extends):", re.MULTILINE)


def is_expecting_scenario(path: Path) -> bool:
    """Whether a file looks like a scenario that states or inherits expectations; unreadable files do not."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if not _API.search(head):
                return False
            text = head + file.read(SNIFFED_BYTES - _HEAD_BYTES)
    except OSError:
        return False
    return bool(_KIND.search(text) and _EXPECTING.search(text))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """Collect scenario files below paths that the user named."""
    if file_path.suffix not in {".yaml", ".yml"} or parent.config.args_source is not pytest.Config.ArgsSource.ARGS:
        return None
    if not is_expecting_scenario(file_path):
        return None
    made: ScenarioFile = ScenarioFile.from_parent(parent, path=file_path)
    return made


class ScenarioFile(pytest.File):
    """One scenario file."""

    def collect(self) -> Iterator[ScenarioItem]:
        """One test: the scenario with its own seed."""
        yield ScenarioItem.from_parent(self, name="expectations")


class ExpectationsFailed(AssertionError):
    """Some expectations do not hold."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


class ScenarioItem(pytest.Item):
    """One run, judged."""

    def runtest(self) -> None:
        """Run the scenario; skip it if it turns out to expect nothing."""
        from workbench.alerts.loading import load_scenario  # noqa: PLC0415 - loading this plugin must cost nothing
        from workbench.expect import judge  # noqa: PLC0415 - loading this plugin must cost nothing
        from workbench.run.month import run  # noqa: PLC0415 - loading this plugin must cost nothing

        scenario = load_scenario(self.path)
        if not scenario.expect:
            pytest.skip("the scenario states no expectations")
        problems = judge(run(scenario), scenario.expect)
        if problems:
            raise ExpectationsFailed(problems)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, one problem a line, without a traceback of ours."""
        from workbench.errors import BadInput  # noqa: PLC0415 - loading this plugin must cost nothing

        error = excinfo.value
        if isinstance(error, ExpectationsFailed):
            count = len(error.problems)
            lines = [f"{count} expectation{'s do' if count != 1 else ' does'} not hold:"]
            lines += [f"  {_line(one)}" for one in error.problems]
            return "\n".join(lines)
        if isinstance(error, BadInput):
            return "\n".join(["the scenario cannot be used:", *(f"  {one}" for one in error.problems)])
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where, and under which name, the test is reported."""
        return self.path, None, f"scenario: {self.path.name}"


def _line(problem: Problem) -> str:
    """Place, message, found, allowed and the nearest name, as far as there are any."""
    text = f"{problem.path}: {problem.message}: found {problem.found}"
    if problem.allowed is not None:
        text += f", allowed {problem.allowed}"
    return text + (f"; did you mean {problem.nearest!r}?" if problem.nearest else "")
