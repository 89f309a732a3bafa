"""Computes rules ahead: block after block of instants, rule after rule, each as a few arrays.

A rule that reads itself, directly or through others, goes instant by instant, since each of its results needs the one before.
Alerting rules over scraped series alone only need to know where they have an element, which is the quickest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.alerts.alerting import Alerting, Event
from workbench.alerts.gotemplate.functions import Query
from workbench.alerts.naming import Rows
from workbench.alerts.program import Ruling, of_rule, program
from workbench.alerts.rules import Profile, RuleGroup
from workbench.alerts.states import INACTIVE, Change
from workbench.errors import BadInput, Problem
from workbench.promql.ast import Expr
from workbench.promql.conditions import Conditions
from workbench.promql.parse import parse
from workbench.promql.read import SharedRates
from workbench.promql.recorded import Recordings, Writer, Writing, recorded_key
from workbench.promql.rule_reader import CannotTakeBlocks, RuleReader
from workbench.promql.vector import BoolArray, Labels, Vector, either, merged
from workbench.promql.windows import IntArray
from workbench.telemetry.series import SeriesKey, Telemetry


@dataclass(frozen=True, slots=True)
class _Quick:
    """Alerting rules of one grid whose presence is found together."""

    step_ms: int
    offset_ms: int
    rulings: tuple[Ruling, ...]
    conditions: Conditions


class Machine:
    """Every rule with its state ahead, and all that rules have written."""

    def __init__(self, groups: Sequence[RuleGroup], telemetry: Telemetry, profile: Profile) -> None:
        """Reads every expression; raises BadInput with all that cannot be evaluated, each with its group and rule."""
        self.program = program(groups, profile)
        self.recordings = Recordings()
        self.reader = RuleReader(telemetry, profile, self.recordings, lambda one: bool(self.program.readers.writers(one)))
        self.alerting = {
            one.place: Alerting(one.place, one.alert, one.naming, one.group.limit)
            for one in self.program.rulings
            if one.alert is not None and one.naming is not None
        }
        self.failures: tuple[list[int], ...] = tuple([] for _ in self.program.rulings)
        """By rule: the evaluations that failed, in order."""
        self._prometheus = profile.prometheus
        self._asked: dict[str, Expr] = {}
        self._scraped = frozenset(one.key for one in telemetry)
        self._quick = tuple(self._find_quick())
        quick = {one.place for some in self._quick for one in some.rulings}
        self._steps = tuple(step for step in self.program.steps if step.places[0] not in quick)
        self.largest_block = 2048 if self._steps else 32_768
        """Instants that are computed at once: few enough that the rates which rules share are kept for all of them; without such
        rules as many as fit a cache, since every block costs some hundred calls."""

    def advance(self, after_ms: int, to_ms: int) -> list[Event]:
        """Compute every rule at its instants in (after, to]; what happens to alerts, in order."""
        events: list[Event] = []

        def instants(step_ms: int) -> IntArray:
            return np.arange(after_ms // step_ms + 1, to_ms // step_ms + 1, dtype=np.int64) * step_ms

        for quick in self._quick:
            instants_ms = instants(quick.step_ms)
            if instants_ms.size:
                found = quick.conditions.present(instants_ms - quick.offset_ms)
                for one, presence in zip(quick.rulings, found, strict=True):
                    rows, twice = self.alerting[one.place].naming.rows(presence.elements)
                    events += self._alert(one, instants_ms, rows, either(presence.failed, twice))
        self.reader.shared_rates = SharedRates()
        for step in self._steps:
            rulings = [self.program.rulings[place] for place in step.places]
            if step.by_instant:
                events += self._by_instant(rulings, instants)
                continue
            for one in rulings:
                instants_ms = instants(one.step_ms)
                if instants_ms.size:
                    try:
                        vector = self.reader.whole(one.expr, instants_ms, one.writer)
                    except CannotTakeBlocks:
                        events += self._by_instant([one], instants)
                    else:
                        events += self._take(one, instants_ms, vector)
        self.reader.shared_rates = None
        return sorted(events, key=lambda event: event.rank)

    def forget(self, after_ms: int) -> None:
        """Samples later than this have been rewritten; the caller sets the states of the alerts back."""
        self.recordings.forget(after_ms)
        self.reader.forget(after_ms)
        for failures in self.failures:
            while failures and failures[-1] > after_ms:
                failures.pop()
        for quick in self._quick:
            quick.conditions.forget(after_ms - quick.offset_ms)

    def queries(self, ruling: Ruling) -> Callable[[int], Query]:
        """What the templates of a rule may ask at an evaluation: the elements of an expression.

        They ask at the time of the evaluation, whatever the query offset (AlertingRule.Eval in rules/alerting.go).
        """

        def query_at(at_ms: int) -> Query:
            def ask(text: str) -> Sequence[tuple[Labels, float]]:
                if text not in self._asked:
                    self._asked[text] = parse(text, self._prometheus)
                vector = self.reader.single(self._asked[text], at_ms, Writer(ruling.place))
                if vector.failed is not None:
                    raise BadInput(Problem("promql/failed", "Prometheus fails this query", found=text))
                return [(labels, float(row[0])) for labels, row in zip(vector.labels, vector.values, strict=True)]

            return ask

        return query_at

    def _find_quick(self) -> Iterator[_Quick]:
        found: dict[tuple[int, int], list[Ruling]] = {}
        for place in sorted(self.program.scraped_only & self.alerting.keys()):
            one = self.program.rulings[place]
            if not self.alerting[place].naming.needs_value:
                found.setdefault((one.step_ms, one.writer.offset_ms), []).append(one)
        for (step_ms, offset_ms), some in found.items():
            yield _Quick(step_ms, offset_ms, tuple(some), Conditions(self.reader, [one.expr for one in some]))

    def _by_instant(self, rulings: Sequence[Ruling], instants: Callable[[int], IntArray]) -> Iterator[Event]:
        grids = [instants(step_ms) for step_ms in {one.step_ms: None for one in rulings}]
        for at_ms in np.unique(np.concatenate(grids)).tolist():
            instant = np.array([at_ms], np.int64)
            for one in rulings:
                if at_ms % one.step_ms == 0:
                    yield from self._take(one, instant, self.reader.single(one.expr, at_ms, one.writer))

    def _take(self, one: Ruling, instants_ms: IntArray, vector: Vector) -> list[Event]:
        """What comes of the results of one rule at evaluations [T]."""
        if one.naming is None:
            self._record(one, instants_ms, vector)
            return []
        if one.naming.needs_value:
            rows, twice = one.naming.rows_by_value(vector, instants_ms, self.queries(one))
        else:
            rows, twice = one.naming.rows(dict(zip(vector.labels, vector.present, strict=True)))
        return self._alert(one, instants_ms, rows, either(vector.failed, twice))

    def _record(self, one: Ruling, instants_ms: IntArray, vector: Vector) -> None:
        """Set name and labels; no two series may then be alike, nor too many (RecordingRule.Eval in rules/recording.go)."""
        labels = [recorded_key(one.name, tuple({**dict(labels), **one.labels}.items())).labels for labels in vector.labels]
        named = merged(labels, vector.values, vector.present, vector.failed)
        keys = [SeriesKey(one.name, labels) for labels in named.labels]
        for key in keys:
            if key in self._scraped:
                problem = Problem(
                    "alerts/recorded-twice", "the telemetry already has the series that this rule records", found=str(key)
                )
                raise BadInput(of_rule(problem, one.group, one.rule, "record"))
        failed = named.failed
        if one.group.limit > 0:
            failed = either(failed, named.present.sum(axis=0) > one.group.limit)
        self._write(one, instants_ms, failed, Writing(tuple(keys), named.values, named.present))

    def _alert(self, one: Ruling, instants_ms: IntArray, rows: Rows, failed: BoolArray | None) -> list[Event]:
        """AlertingRule.Eval in rules/alerting.go: a failed query leaves every alert as it is; too many alerts clear them all."""
        alerting = self.alerting[one.place]
        if one.place not in self.program.read:
            events, failed = alerting.advance(instants_ms, rows, failed)
            if failed is not None:
                self.failures[one.place].extend(instants_ms[failed].tolist())
            return events
        states = {labels: alert.ahead for labels, alert in alerting.alerts.items()}
        events, failed = alerting.advance(instants_ms, rows, failed)
        happened: dict[Labels, list[Change]] = {labels: [] for labels in states}
        for event in events:
            happened.setdefault(event.alert.labels, []).append(event.change)
        lives = {labels: (states.get(labels, INACTIVE), some) for labels, some in happened.items()}
        self._write(one, instants_ms, failed, alerting.written(instants_ms, lives))
        return events

    def _write(self, one: Ruling, instants_ms: IntArray, failed: BoolArray | None, results: Writing) -> None:
        """A failed evaluation writes nothing, not even that a series has ended."""
        if failed is None or not failed.any():
            self.recordings.write(one.writer, instants_ms, results)
            return
        self.failures[one.place].extend(instants_ms[failed].tolist())
        self.recordings.write(one.writer, instants_ms[~failed], results.at(~failed))
