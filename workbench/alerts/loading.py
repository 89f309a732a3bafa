"""Files as everything reads them that makes rules of a policy: with what rules would refuse, at its line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from workbench.alerts.readiness import rule_problems
from workbench.errors import Problem
from workbench.scenario import load as files
from workbench.scenario.model import Scenario
from workbench.scenario.reading import Loaded
from workbench.scenario.schema.policy import Policy

_CHECKS = (rule_problems,)


def load(path: Path) -> Loaded:
    """A scenario, world or policy file; raises BadInput with all problems, also of its rules."""
    return files.load(path, _CHECKS)


def load_scenario(path: Path) -> Scenario:
    """A scenario; raises BadInput with all problems, also of its rules."""
    return files.load_scenario(path, _CHECKS)


def load_policy(path: Path) -> Policy:
    """A policy on its own; raises BadInput with all problems, also of its rules."""
    return files.load_policy(path, _CHECKS)


def check_paths(paths: Iterable[Path]) -> tuple[list[Problem], int]:
    """All problems of all files, also of their rules, and how many files were looked at."""
    return files.check_paths(paths, _CHECKS)
