"""From a simulated run to files for `promtool test rules`."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from workbench.alerts.expressions import parsed
from workbench.alerts.reading import ranges, rules_behind, rules_reach_s, series_read
from workbench.alerts.rules import AlertRule, Rule, RuleGroup
from workbench.alerts.timeline import timeline
from workbench.interop.promtool.expectations import Expectation, Simulated, expectation, fixed_labels
from workbench.interop.promtool.scrapes import MOST_SAMPLES, Grid, cut, grids
from workbench.interop.promtool.stretches import Kind, Stretch, stretches
from workbench.interop.promtool.text import UnitTest, file_text
from workbench.outcome import Outcome
from workbench.promql.selection import select
from workbench.scenario.schema.policy import Policy
from workbench.telemetry.series import Series, Telemetry
from workbench.units import format_duration

RULES = "rules.yml"
WRITTEN_BY = "Written by `workbench export promtool`"
SMALL = 300_000
"""Characters of samples that a test should not exceed: scrapes are thinned until it does not, as far as windows bear that."""
FEWEST_SCRAPES = 5
"""In the shortest window of a rule, however much its scrapes are thinned."""
QUICK_S = 2.0
"""How long promtool may need for a test, by a rough estimate; thinned likewise."""
_SERIES_S, _SAMPLE_S = 1.2e-5, 1.5e-7
"""Measured with promtool 2.42: for each range of a series, and for each sample in it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule, or a stretch of it, that is not tested, and why."""

    group: str
    alert: str
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """The test files by name, and what they leave out."""

    files: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]


def unit_tests(outcome: Outcome, policy: Policy, groups: Sequence[RuleGroup], *, incidents: int = 1) -> Written:
    """A test file for each alert of the groups: it must fire in incidents that it detects, and be silent else.

    Args:
        outcome: The simulated run, with telemetry and truth.
        policy: Its policy.
        groups: The rules under test, as `portable` makes them.
        incidents: How many detected incidents to write for each alert.
    """
    files: dict[str, str] = {}
    left_out: list[LeftOut] = []
    order = tuple(dict.fromkeys(group.name for group in groups))
    for group in groups:
        for rule in group.alerts:
            name = _file_name(group, rule, files)
            made, reasons = _Writer(outcome, policy, groups, group, rule).tests(incidents)
            left_out += [LeftOut(group.name, rule.name, reason) for reason in reasons]
            if made is not None:
                grid, tests = made
                about = _about(outcome, group, rule, grid, reasons)
                files[name] = file_text(RULES, order, grid, tests, about)
    return Written(tuple(files.items()), tuple(left_out))


class _Writer:
    """The tests of one alert."""

    def __init__(self, outcome: Outcome, policy: Policy, groups: Sequence[RuleGroup], group: RuleGroup, rule: AlertRule) -> None:
        assert outcome.telemetry is not None, "a simulated run has telemetry"  # noqa: S101 - as the message says
        self._outcome, self._policy, self._group, self._rule = outcome, policy, group, rule
        self._telemetry: Telemetry = outcome.telemetry
        self._rules = rules_behind([rule], groups)
        self._namesakes = rules_behind([one for other in groups for one in other.alerts if one.name == rule.name], groups)
        self._groups = groups
        self._reach_s = rules_reach_s(self._rules)
        self._series = series_read(self._rules, self._telemetry)
        self._evaluation_s = group.interval_s or outcome.profile.evaluation_interval_s

    def tests(self, incidents: int) -> tuple[tuple[Grid, list[UnitTest]] | None, list[str]]:
        """The grid and the tests, or None; and what is left out, with the reason."""
        if not self._series:
            return None, ["reads no series of the simulated telemetry"]
        alone = (RuleGroup(self._group.name, self._rules, self._group.interval_s),)
        episodes = [
            e
            for e in timeline(alone, self._telemetry, self._outcome.profile, self._outcome.horizon_s)
            if e.alert == self._rule.name
        ]
        offered = list(
            stretches(
                self._outcome, self._policy, self._group, self._rule, episodes, reach_s=self._reach_s, detected=2 * incidents + 2
            )
        )
        if not offered:
            return None, ["the run has neither an incident of its objective nor an hour without one"]
        grid, problem = self._grid(offered)
        if grid is None:
            return None, [problem]
        tests: list[UnitTest] = []
        reasons: list[str] = []
        for kind, number in ((Kind.DETECTED, incidents), (Kind.MISSED, 1), (Kind.QUIET, 1)):
            if kind is Kind.MISSED and tests:
                continue
            tried = (test for stretch in offered if stretch.kind is kind for test in self._test(stretch, grid))
            found = list(islice(tried, number))
            tests += found
            if not found:
                reasons.append(_NOTHING[kind])
        return ((grid, tests), reasons) if tests else (None, reasons)

    def _grid(self, offered: Sequence[Stretch]) -> tuple[Grid | None, str]:
        """The finest grid on which every stretch is small, or else the coarsest that the rule bears."""
        profile = self._outcome.profile
        longest_s = max(s.end_s - s.begin_s for s in offered)
        shortest_window = min((one.window_ms for rule in self._rules for one in ranges(parsed(rule.expr))), default=0) / 1000.0
        bearable = shortest_window / FEWEST_SCRAPES if shortest_window else math.inf
        if self._rule.for_s:
            bearable = min(bearable, self._rule.for_s)
        possible = [g for g in grids(profile, self._evaluation_s) if g.every == 1 or g.scrape_s <= bearable]
        allowed = [g for g in possible if longest_s / min(g.scrape_s, g.evaluation_s) <= MOST_SAMPLES]
        if not allowed:
            coarsest = possible[-1].scrape_s if possible else profile.scrape_interval_s
            return None, (
                f"looks back {format_duration(self._reach_s)}; even scraped every {format_duration(coarsest)} a series has more "
                f"than {MOST_SAMPLES:,} samples, near the 10,000 that promtool can hold, and its window of "
                f"{format_duration(shortest_window)} allows no fewer scrapes"
            )
        for grid in allowed:
            if all(self._characters(s, grid) <= SMALL and self._seconds(s, grid) <= QUICK_S for s in offered):
                return grid, ""
        return allowed[-1], ""

    def _characters(self, stretch: Stretch, grid: Grid) -> float:
        """About how long the samples of a stretch are as text."""
        scrapes = (stretch.end_s - stretch.begin_s) / grid.scrape_s
        gap = 3 if grid.scrape_s == 2 * grid.phase_s else 6
        return scrapes * sum(len(_last_value(one, stretch.end_s)) + gap for one in self._series)

    def _seconds(self, stretch: Stretch, grid: Grid) -> float:
        """About how long promtool works on a stretch: it evaluates every rule of the file, at every evaluation of every test."""
        lasts_s = stretch.end_s - stretch.begin_s
        once = sum(_SERIES_S + min(window_s, lasts_s / 2) / grid.scrape_s * _SAMPLE_S for window_s in self._ranges)
        return lasts_s / grid.evaluation_s * once

    @cached_property
    def _ranges(self) -> tuple[float, ...]:
        """The window of every range of every series of the test that some rule of the file reads."""
        among = Telemetry.of(self._series, horizon_s=0.0, scrape_interval_s=1.0)
        found: list[float] = []
        for rule in (rule for group in self._groups for rule in group.rules):
            for node in ranges(parsed(rule.expr)):
                found += [node.window_ms / 1000.0] * len(select(among, node.selector))
        return tuple(found)

    def _test(self, stretch: Stretch, grid: Grid) -> Iterator[UnitTest]:
        """The test of a stretch, if it shows there, on the samples of the grid, what it should show."""
        step = grid.evaluation_s
        begin_s = math.floor(stretch.begin_s / step) * step
        slack = 10 * step if stretch.kind is Kind.DETECTED else 0
        end_s = min(stretch.end_s + slack, self._outcome.horizon_s)
        until_s = math.floor((end_s - begin_s) / step) * step
        telemetry = cut(self._series, begin_s, begin_s + until_s, self._outcome.profile, grid)
        simulated = Simulated(self._namesakes, self._rule.name, telemetry, grid, until_s)
        if simulated.episodes is None:
            return
        incident = stretch.incident
        start_s = None if incident is None else incident.start_s - begin_s
        over_s = None if incident is None else incident.end_s - begin_s
        expected = expectation(simulated, self._rule, grid, start_s=start_s, end_s=over_s, until_s=until_s)
        if self._shows(stretch, expected, start_s):
            about = self._samples_text(begin_s, until_s)
            title = stretch.title
            detected = next((q for q in expected.questions if q.why == "detected"), None)
            if detected is not None and start_s is not None:
                title += f", fires {format_duration(detected.at_s - start_s)} after it began"
            yield UnitTest(title, about, self._rule.name, fixed_labels(self._rule), telemetry, expected)

    def _shows(self, stretch: Stretch, expected: Expectation, start_s: float | None) -> bool:
        if stretch.kind is not Kind.DETECTED:
            return not expected.fires
        before = next(q for q in expected.questions if q.why == "before the incident")
        return start_s is not None and expected.fires and not before.active and any(q.why == "detected" for q in expected.questions)

    def _samples_text(self, begin_s: float, until_s: int) -> str:
        begin = self._outcome.start + dt.timedelta(seconds=begin_s)
        return f"Second 0 is {begin.isoformat()}; {len(self._series)} series over {format_duration(until_s)}."


_NOTHING = {
    Kind.DETECTED: "no incident of the run is detected by it, so nothing tests that it fires",
    Kind.MISSED: "no incident of the run is too small for it",
    Kind.QUIET: "the run has no quiet stretch in which it is silent",
}


def _last_value(series: Series, at_s: float) -> str:
    at = min(int(series.times.searchsorted(at_s)), len(series.times) - 1)
    return f"{series.values[at]:.12g}"


def _file_name(group: RuleGroup, rule: AlertRule, taken: dict[str, str]) -> str:
    stem = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{group.name}-{rule.name}").strip("-.") or "alert"
    name, number = f"{stem}_test.yml", 2
    while name in taken:
        name, number = f"{stem}-{number}_test.yml", number + 1
    return name


def _about(outcome: Outcome, group: RuleGroup, rule: AlertRule, grid: Grid, reasons: Sequence[str]) -> list[str]:
    """The head of a file: where its samples come from, and on which grid they stand."""
    lines = [
        f"{rule.name} of group {group.name}, tested on incidents of the simulated run {outcome.name} (seed {outcome.seed}).",
        f"{WRITTEN_BY}; run with `promtool test rules` of Prometheus 2.42 or later, 3.x alike.",
        "",
    ]
    if grid.every == 1:
        lines.append(f"Samples are the scrapes of the run, every {format_duration(grid.scrape_s)},")
    else:
        lines.append(f"Samples are one scrape of the run in {grid.every}, every {format_duration(grid.scrape_s)},")
    phase, evaluation = format_duration(grid.phase_s), format_duration(grid.evaluation_s)
    lines += [f"{phase} off the evaluations every {evaluation}; what is expected was computed on exactly these samples."]
    lines += [f"Not tested: {reason}." for reason in reasons]
    return lines


def portable(groups: Sequence[RuleGroup]) -> tuple[tuple[RuleGroup, ...], tuple[LeftOut, ...]]:
    """The groups as one file that promtool of Prometheus 2.42 loads too, and what that leaves out.

    Labels of a group move into its rules, which is the same; a group whose name another file has already gets a number; a query
    offset is left out.
    """
    found: list[RuleGroup] = []
    left_out: list[LeftOut] = []
    for group in groups:
        name, number = group.name, 2
        while name in {one.name for one in found}:
            name, number = f"{group.name} ({number})", number + 1
        if group.query_offset_s:
            offset = format_duration(group.query_offset_s)
            left_out.append(LeftOut(name, "every rule", f"tested without query_offset {offset}, which promtool 2.42 does not load"))
        rules = tuple(replace(rule, labels=_with_group(group, rule)) for rule in group.rules) if group.labels else group.rules
        found.append(replace(group, name=name, rules=rules, labels=(), query_offset_s=0.0))
    return tuple(found), tuple(left_out)


def _with_group(group: RuleGroup, rule: Rule) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({**dict(group.labels), **dict(rule.labels)}.items()))
