"""Rule groups made ready: parsed, in their places, with what each rule may read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.alerts.naming import Naming, rule_labels
from workbench.alerts.plan import Readers, components, results_of
from workbench.alerts.rules import AlertRule, Profile, RecordingRule, RuleGroup
from workbench.errors import BadInput, Problem
from workbench.promql.ast import Expr
from workbench.promql.parse import parse
from workbench.promql.recorded import Writer
from workbench.promql.rule_reader import selectors


@dataclass(frozen=True, eq=False, slots=True)
class Ruling:
    """One rule in its place."""

    group: RuleGroup
    rule: AlertRule | RecordingRule
    expr: Expr
    step_ms: int
    writer: Writer
    naming: Naming | None
    """Of an alerting rule."""

    @property
    def alert(self) -> AlertRule | None:
        """The rule, if it is an alerting rule."""
        return self.rule if isinstance(self.rule, AlertRule) else None

    @property
    def name(self) -> str:
        """Of the alert or of the recorded series."""
        return self.rule.name if isinstance(self.rule, AlertRule) else self.rule.record

    @property
    def labels(self) -> dict[str, str]:
        """What it sets, the group's labels included; empty texts take a label away."""
        return rule_labels(self.group, self.rule.labels)

    @property
    def place(self) -> int:
        """Its number in the order of evaluation."""
        return self.writer.place


@dataclass(frozen=True, slots=True)
class Step:
    """Rules to compute for a whole block of instants: one by itself, or several (or one that reads itself) instant by instant."""

    places: tuple[int, ...]
    by_instant: bool


@dataclass(frozen=True, slots=True)
class Program:
    """All rules, and in which order to compute them."""

    rulings: tuple[Ruling, ...]
    steps: tuple[Step, ...]
    """What is read comes before what reads it."""
    scraped_only: frozenset[int]
    """Rules that read nothing that rules write."""
    read: frozenset[int]
    """Rules whose series some rule may read."""
    readers: Readers
    """Which rules may write what a selector finds."""
    grids: tuple[int, ...]
    """The evaluation intervals of all groups, in milliseconds; never empty."""


def program(groups: Sequence[RuleGroup], profile: Profile) -> Program:
    """Parse every rule; raises BadInput with all that cannot be evaluated, each with its group and rule."""
    rulings: list[Ruling] = []
    grids: dict[int, None] = {}
    problems: list[Problem] = []
    place = 0
    for group in groups:
        interval_s = profile.evaluation_interval_s if group.interval_s is None else group.interval_s
        step_ms = round(interval_s * 1000)
        grids[step_ms] = None
        for rule in group.rules:
            try:
                naming = Naming(group, rule) if isinstance(rule, AlertRule) else None
                writer = Writer(place, round(group.query_offset_s * 1000))
                rulings.append(Ruling(group, rule, parse(rule.expr, profile.prometheus), step_ms, writer, naming))
            except BadInput as error:
                problems += [of_rule(problem, group, rule, "expr") for problem in error.problems]
            place += 1
    if problems:
        raise BadInput(problems)
    readers = Readers([results_of(one.rule, _fixed(one)) for one in rulings])
    reads = [_reads(one, readers, len(rulings)) for one in rulings]
    alone = frozenset(place for place, some in enumerate(reads) if not some)
    steps = tuple(Step(places, by_instant=len(places) > 1 or places[0] in reads[places[0]]) for places in components(reads))
    read = frozenset(place for some in reads for place in some)
    return Program(tuple(rulings), steps, alone, read, readers, tuple(grids) or (round(profile.evaluation_interval_s * 1000),))


def _reads(ruling: Ruling, readers: Readers, rules: int) -> frozenset[int]:
    """The rules whose series a rule may read."""
    if ruling.naming is not None and ruling.naming.queries:
        return frozenset(range(rules))
    return frozenset().union(*(readers.writers(selector) for selector in selectors(ruling.expr)))


def _fixed(ruling: Ruling) -> dict[str, str]:
    if ruling.naming is not None:
        return dict(ruling.naming.fixed)
    return ruling.labels


def of_rule(problem: Problem, group: RuleGroup, rule: AlertRule | RecordingRule, what: str) -> Problem:
    """The problem with its place: a part of a rule."""
    name = rule.name if isinstance(rule, AlertRule) else rule.record
    return replace(problem, path=f"groups.{group.name}.{name}.{what}", file=problem.file or group.file or None)
