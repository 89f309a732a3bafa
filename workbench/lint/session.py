"""Files to findings: what each file is, which checks can look, what comments silence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.alerts.loading import load
from workbench.errors import BadInput, Problem
from workbench.lint.months import Months, simulate
from workbench.lint.registry import all_checks, lint, lint_months, lint_rules, ran
from workbench.lint.rules.document import Rules
from workbench.lint.rules.reading import is_rule_file, read_rules
from workbench.lint.silence import silenced
from workbench.lint.traffic import Needed, failures_needed
from workbench.scenario.load import load_world
from workbench.scenario.model import Scenario
from workbench.scenario.reading import Loaded
from workbench.scenario.references import pair_problems
from workbench.scenario.schema.scenario import Clock
from workbench.scenario.schema.world import World
from workbench.scenario.source import read_bytes

START = "2026-01-05"
"""Of the months of a policy that stands in no scenario: a Monday."""


@dataclass(frozen=True)
class Report:
    """What linting some files came to."""

    problems: tuple[Problem, ...]
    """By file as named, then by line and column."""
    silenced: tuple[Problem, ...]
    checks: int
    """That could look at something."""
    sources: dict[str, tuple[str, ...]]
    """Lines of every file, by name."""
    needed: tuple[Needed, ...] = ()
    """How many failures page, where there is a world."""
    months: Months | None = None


def examine(
    files: Sequence[Path],
    *,
    world_file: Path | None = None,
    months: int | None = None,
    seed: int | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Report:
    """Lint policies, scenarios and rule files.

    Args:
        files: What each is, it says itself; rule files are looked at together.
        world_file: A world to check against; in place of a scenario's own.
        months: How many to simulate; needs a world.
        seed: Of the first month.
        progress: Called with the months that are done.

    Raises:
        BadInput: A file that cannot be read, a world that does not fit, months without a world.
    """
    rule_files = [path for path in files if is_rule_file(path)]
    found: list[Problem] = []
    looked: set[str] = set()
    needed: list[Needed] = []
    sources: dict[str, tuple[str, ...]] = {}
    watched: Months | None = None
    world = None if world_file is None else load_world(world_file)
    if rule_files:
        document = read_rules(rule_files)
        rules = Rules(document.views, world=world)
        sources |= document.lines
        found += [*document.problems, *lint_rules(rules)]
        looked |= ran(subject="rules", has=frozenset(["world"] if world else []))
    for path in files:
        if path in rule_files:
            continue
        loaded = _with_world(path, world_file)
        assert loaded.policy is not None  # noqa: S101 - checked by _with_world
        clock = None if loaded.scenario is None else loaded.scenario.clock
        found += [loaded.placed(problem) for problem in lint(loaded.policy, loaded.world, clock)]
        has = {"world"} if loaded.world else set()
        looked |= ran(subject="policy", has=frozenset(has | ({"clock"} if clock else set())))
        if loaded.world is not None:
            needed += failures_needed(loaded.policy, loaded.world)
        if months is not None:
            scenario = loaded.scenario or _scenario(loaded)
            if scenario is None:
                raise BadInput(
                    Problem("lint/world", "months can only be simulated with a world", file=str(path), allowed="--world WORLD")
                )
            first = scenario.seed if seed is None else seed
            watched = simulate(scenario, range(first, first + months), progress)
            found += [loaded.placed(problem) for problem in lint_months(watched)]
            looked |= ran(subject="months", has=frozenset(["months"]))
    for path in (*(path for path in files if path not in rule_files), *(Path(problem.file) for problem in found if problem.file)):
        if str(path) not in sources:
            sources[str(path)] = _lines(path)
    kept, hushed = silenced(found, sources, [check.name for check in all_checks()], frozenset(looked))
    order = {name: index for index, name in enumerate(dict.fromkeys([*map(str, files), *sources]))}
    kept.sort(key=lambda problem: (order.get(problem.file or "", len(order)), problem.line or 0, problem.column or 0))
    return Report(tuple(kept), tuple(hushed), len(looked), sources, tuple(needed), watched)


def _with_world(path: Path, world_file: Path | None) -> Loaded:
    """The file, with the world put in place of its own; raises BadInput if the two do not fit."""
    loaded = load(path)
    if loaded.policy is None:
        allowed = "a policy, a scenario, a file of Prometheus rules, or a PrometheusRule resource"
        raise BadInput(Problem("lint/policy", f"there is nothing to lint in a {loaded.kind}", file=str(path), allowed=allowed))
    if world_file is None:
        return loaded
    other = load(world_file)
    assert other.world is not None  # noqa: S101 - it was loaded as a world before
    problems = list(pair_problems(other.trees["world"], loaded.trees["policy"]))
    if problems:
        raise BadInput(problems)
    scenario = None if loaded.scenario is None else dataclasses.replace(loaded.scenario, world=other.world)
    return dataclasses.replace(loaded, world=other.world, scenario=scenario, trees={**loaded.trees, "world": other.trees["world"]})


def _scenario(loaded: Loaded) -> Scenario | None:
    """A policy and a world as a scenario with the usual clock."""
    if loaded.policy is None or loaded.world is None:
        return None
    world: World = loaded.world
    clock = Clock.model_validate({"start": START})
    return Scenario(loaded.policy.name, "", world, loaded.policy, clock, 1)


def _lines(path: Path) -> tuple[str, ...]:
    raw = read_bytes(path)
    return tuple(raw.decode("utf-8", "replace").splitlines()) if isinstance(raw, bytes) else ()
