"""How a history of counts names its buckets: as the rules that read them do.

A column `le_1000` does not say whether the exporter wrote `le="1"`, as the text format of Go's client does and a Prometheus 2
keeps it, or `le="1.0"`, as OpenMetrics does and a Prometheus 3 always stores it. Rules do say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from workbench.alerts.expressions import parsed, selectors
from workbench.alerts.rules import RuleGroup
from workbench.errors import Problem, Severity
from workbench.promql.ast import MatchKind
from workbench.promql.selection import tester
from workbench.scenario.names import listed
from workbench.telemetry.history import History, Reading
from workbench.telemetry.series import Series, SeriesKey, Telemetry


def named_as_in(groups: Sequence[RuleGroup], telemetry: Telemetry, history: History) -> tuple[Telemetry, tuple[Problem, ...]]:
    """Telemetry whose whole bounds are `1` where rules ask for that and never for `1.0`; and a finding that says so.

    Counters that were recorded keep the names that they have.
    """
    if history.reading is not Reading.COUNTS or not history.bounds_s:
        return telemetry, ()
    asked = _asked(groups)
    bounds = {one.key.label_map.get("le", "") for one in telemetry}
    short = {bound: bound[:-2] for bound in sorted(bounds) if bound.endswith(".0") and _is_short(bound, asked)}
    if not short:
        return telemetry, ()
    message = f"the rules write {listed([_le(new) for new in short.values()])}, so buckets have these names; a Prometheus 3 stores "
    message += listed([_le(old) for old in short])
    found = Problem("history/bucket-names", message, Severity.INFO)
    return telemetry.with_series(_renamed(one, short) for one in telemetry), (found,)


def _asked(groups: Sequence[RuleGroup]) -> list[Callable[[str], bool]]:
    """What rules ask of `le`."""
    rules = dict.fromkeys(rule.expr for group in groups for rule in group.rules)
    matchers = [matcher for expr in rules for selector in selectors(parsed(expr)) for matcher in selector.matchers]
    wanted = dict.fromkeys(one for one in matchers if one.label == "le" and one.kind in {MatchKind.EQUAL, MatchKind.REGEX})
    return [tester(matcher, newlines=True) for matcher in wanted]


def _is_short(bound: str, asked: Sequence[Callable[[str], bool]]) -> bool:
    found = {(passes(bound), passes(bound[:-2])) for passes in asked}
    return (False, True) in found and (True, False) not in found


def _renamed(series: Series, short: dict[str, str]) -> Series:
    labels = series.key.label_map
    if labels.get("le") not in short:
        return series
    return replace(series, key=SeriesKey.of(series.key.name, {**labels, "le": short[labels["le"]]}))


def _le(bound: str) -> str:
    return f'le="{bound}"'
