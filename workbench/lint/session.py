"""Files to findings: what each file is, which checks can look, what comments silence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.alerts.loading import load
from workbench.alerts.rule_files import read_rule_files
from workbench.errors import BadInput, Problem, Severity
from workbench.lint.burn_rates import severities
from workbench.lint.months import Months, simulate
from workbench.lint.registry import all_checks, lint, lint_months, lint_rules, ran
from workbench.lint.rules.document import Rules
from workbench.lint.rules.reading import is_rule_file, read_rules
from workbench.lint.rules.traffic import rule_failures_needed
from workbench.lint.silence import silenced
from workbench.lint.traffic import Needed, failures_needed
from workbench.scenario.load import load_world
from workbench.scenario.model import Scenario
from workbench.scenario.reading import Loaded
from workbench.scenario.references import pair_problems
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import Clock
from workbench.scenario.schema.world import World
from workbench.scenario.source import read_bytes

START = "2026-01-05"
"""Of the months of a policy that stands in no scenario: a Monday."""
_BARE = {
    "apiVersion": "workbench/v1",
    "kind": "Policy",
    "name": "rules",
    "slos": {"requests": {"indicator": {"kind": "events"}, "target": "99.9%", "alerts": []}},
}
"""What stands beside rule files that are simulated without a policy."""


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
    months: tuple[Months, ...] = ()
    """Of each policy, and of all rule files together."""


def examine(
    files: Sequence[Path],
    *,
    world_file: Path | None = None,
    months: int | None = None,
    seed: int | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> Report:
    """Lint policies, scenarios and rule files.

    Rule files are looked at together, in the world (and with the clock and the metrics map) of the first policy or scenario beside
    them.

    Args:
        files: What each is, it says itself.
        world_file: A world to check against; in place of a scenario's own.
        months: How many to simulate; needs a world.
        seed: Of the first month.
        progress: Called with the months that are done, of all that are to be simulated.

    Raises:
        BadInput: A file that cannot be read, a world that does not fit, months without a world.
    """
    rule_files = [path for path in files if is_rule_file(path)]
    session = _Session(world_file, months, seed, progress)
    loaded = [(path, session.load(path)) for path in files if path not in rule_files]
    if rule_files:
        session.rules(rule_files, loaded[0][1] if loaded else None)
    for path, one in loaded:
        session.policy(path, one)
    return session.report(files)


@dataclass
class _Session:
    world_file: Path | None
    months: int | None
    seed: int | None
    progress: Callable[[float], None]
    found: list[Problem] = field(default_factory=list)
    looked: set[str] = field(default_factory=set)
    needed: list[Needed] = field(default_factory=list)
    watched: list[Months] = field(default_factory=list)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def load(self, path: Path) -> Loaded:
        """A policy or scenario, with the world put in place of its own."""
        loaded = load(path)
        if loaded.policy is None:
            allowed = "a policy, a scenario, a file of Prometheus rules, or a PrometheusRule resource"
            raise BadInput(Problem("lint/policy", f"there is nothing to lint in a {loaded.kind}", file=str(path), allowed=allowed))
        if self.world_file is None:
            return loaded
        other = load(self.world_file)
        if other.world is None:
            raise BadInput(
                Problem("lint/world", "this is no world", file=str(self.world_file), found=other.kind, allowed="kind: World")
            )
        problems = list(pair_problems(other.trees["world"], loaded.trees["policy"]))
        if problems:
            raise BadInput(problems)
        scenario = None if loaded.scenario is None else dataclasses.replace(loaded.scenario, world=other.world)
        trees = {**loaded.trees, "world": other.trees["world"]}
        return dataclasses.replace(loaded, world=other.world, scenario=scenario, trees=trees)

    def policy(self, path: Path, loaded: Loaded) -> None:
        """One policy, alone or in its scenario."""
        assert loaded.policy is not None  # noqa: S101 - `load` checked it
        clock = None if loaded.scenario is None else loaded.scenario.clock
        self.found += [loaded.placed(problem) for problem in lint(loaded.policy, loaded.world, clock)]
        self.looked |= ran(subject="policy", has=frozenset((["world"] if loaded.world else []) + (["clock"] if clock else [])))
        if loaded.world is not None:
            self.needed += failures_needed(loaded.policy, loaded.world)
        if self.months is not None:
            scenario = _scenario(loaded.policy, loaded.world, loaded.scenario)
            if scenario is None:
                raise BadInput(
                    Problem("lint/world", "months can only be simulated with a world", file=str(path), allowed="--world WORLD")
                )
            watched = self._simulated(scenario)
            self.found += [loaded.placed(problem) for problem in lint_months(watched)]

    def rules(self, paths: Sequence[Path], beside: Loaded | None) -> None:
        """All rule files together."""
        document = read_rules(paths)
        self.sources |= document.lines
        world = beside.world if beside is not None else load_world(self.world_file) if self.world_file is not None else None
        clock = None if beside is None or beside.scenario is None else beside.scenario.clock
        rules = Rules(
            document.views,
            scrape_interval_s=None if clock is None else clock.scrape_interval,
            evaluation_interval_s=None if clock is None else clock.evaluation_interval,
            world=world,
            severities=() if beside is None or beside.policy is None else severities(beside.policy),
        )
        self.found += [*document.problems, *lint_rules(rules)]
        self.looked |= ran(subject="rules", has=frozenset(["world"] if world else []))
        self.needed += rule_failures_needed(rules)
        if self.months is None:
            return
        policy = Policy.model_validate(_BARE) if beside is None or beside.policy is None else beside.policy
        scenario = _scenario(policy, world, None if beside is None else beside.scenario)
        if scenario is None:
            raise BadInput(
                Problem("lint/world", "months can only be simulated with a world", file=str(paths[0]), allowed="--world WORLD")
            )
        try:
            watched = self._simulated(scenario, paths, rules)
        except BadInput as error:  # what is wrong with the rules themselves is found already
            message = f"these rules cannot be simulated: {error.problems[0].message}"
            self.found.append(Problem("lint/months", message, Severity.WARNING, str(paths[0])))
        else:
            self.found += [*lint_months(watched), *watched.findings]

    def _simulated(self, scenario: Scenario, paths: Sequence[Path] = (), rules: Rules | None = None) -> Months:
        first = scenario.seed if self.seed is None else self.seed
        months = simulate(
            scenario,
            range(first, first + (self.months or 1)),
            self.progress,
            rules=None if rules is None else read_rule_files(paths),
            views=() if rules is None else rules.alerts,
        )
        self.watched.append(months)
        self.looked |= ran(subject="months", has=frozenset(["months"]))
        return months

    def report(self, files: Sequence[Path]) -> Report:
        """Everything found, but for what comments silence."""
        named = [str(path) for path in files if not path.is_dir()]
        for name in (*named, *(problem.file for problem in self.found if problem.file)):
            if name not in self.sources:
                self.sources[name] = _lines(Path(name))
        kept, hushed = silenced(self.found, self.sources, [check.name for check in all_checks()], frozenset(self.looked))
        order = {name: index for index, name in enumerate(dict.fromkeys([*named, *self.sources]))}
        kept.sort(key=lambda problem: (order.get(problem.file or "", len(order)), problem.line or 0, problem.column or 0))
        return Report(tuple(kept), tuple(hushed), len(self.looked), self.sources, tuple(self.needed), tuple(self.watched))


def _scenario(policy: Policy, world: World | None, scenario: Scenario | None) -> Scenario | None:
    """The scenario, or policy and world as one with the usual clock."""
    if scenario is not None or world is None:
        return scenario
    return Scenario(policy.name, "", world, policy, Clock.model_validate({"start": START}), 1)


def _lines(path: Path) -> tuple[str, ...]:
    raw = read_bytes(path)
    return tuple(raw.decode("utf-8", "replace").splitlines()) if isinstance(raw, bytes) else ()
