"""Files to models, or all problems of all files involved at once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from workbench.errors import BadInput, Problem
from workbench.scenario.model import Scenario
from workbench.scenario.reading import Kind, Loaded, PolicyCheck, Reading
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.world import World
from workbench.scenario.source import UNREADABLE, read_bytes


def load(path: Path, policy_checks: Iterable[PolicyCheck] = ()) -> Loaded:
    """A scenario, world or policy file, whichever it is; raises BadInput with all problems of all files involved.

    `policy_checks` are those of rooms further up (`alerts.loading` brings its own).
    """
    return _load(path, policy_checks=policy_checks)


def load_scenario(path: Path, policy_checks: Iterable[PolicyCheck] = ()) -> Scenario:
    """A scenario, complete and checked; raises BadInput with all problems of all files involved."""
    loaded = _load(path, "Scenario", policy_checks)
    assert loaded.scenario is not None  # noqa: S101 - its kind was checked
    return loaded.scenario


def load_world(path: Path) -> World:
    """A world on its own; raises BadInput with all problems."""
    loaded = _load(path, "World")
    assert loaded.world is not None  # noqa: S101 - its kind was checked
    return loaded.world


def load_policy(path: Path, policy_checks: Iterable[PolicyCheck] = ()) -> Policy:
    """A policy on its own: names of tiers and routes are checked only beside a world; raises BadInput with all problems."""
    loaded = _load(path, "Policy", policy_checks)
    assert loaded.policy is not None  # noqa: S101 - its kind was checked
    return loaded.policy


def check_paths(paths: Iterable[Path], policy_checks: Iterable[PolicyCheck] = ()) -> tuple[list[Problem], int]:
    """All problems of all files, and how many files were looked at, those that scenarios refer to among them.

    A folder stands for every `*.yaml` and `*.yml` in it and below, by name. Raises BadInput if a path itself cannot be read.
    """
    files: list[Path] = []
    unreadable: list[Problem] = []
    for path in paths:
        if path.is_dir():
            below = _yaml_files(path)
            files.extend(below)
            if not below:
                message = "there is no file to check in this folder"
                unreadable.append(Problem("file/missing", message, file=str(path), allowed="*.yaml or *.yml files"))
            continue
        files.append(path)
        raw = read_bytes(path)
        if isinstance(raw, Problem) and raw.check in UNREADABLE:
            unreadable.append(raw)
    if unreadable:
        raise BadInput(unreadable)
    reading = Reading(policy_checks)
    for file in dict.fromkeys(files):
        reading.document(file)
    return _ordered(reading.problems), reading.files


def _load(path: Path, kind: Kind | None = None, policy_checks: Iterable[PolicyCheck] = ()) -> Loaded:
    reading = Reading(policy_checks)
    loaded = reading.document(path, wanted=kind)
    if loaded is None or reading.problems:
        raise BadInput(_ordered(reading.problems))
    return loaded


def _ordered(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once; by file as first met, then by line and column."""
    files: dict[str | None, int] = {}
    once = list(dict.fromkeys(problems))
    for problem in once:
        files.setdefault(problem.file, len(files))
    return sorted(once, key=lambda p: (files[p.file], p.line or 0, p.column or 0))


def _yaml_files(folder: Path) -> list[Path]:
    """Files of a folder and the folders below, sorted; hidden folders and links to folders are left out."""
    found: list[Path] = []
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.extend(Path(base, name) for name in sorted(names) if name.endswith((".yaml", ".yml")))
    return found
