"""Which routes of a telemetry an objective covers, and which latency bounds it reads: a query says so by its selectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from workbench.alerts.queries import selectors
from workbench.alerts.vocabulary import Vocabulary, matching_routes
from workbench.promql.ast import MatchKind, Selector
from workbench.promql.selection import select
from workbench.scenario.schema.policy import Indicator, LatencyIndicator, QueryIndicator
from workbench.telemetry.series import FloatArray, Series, SeriesKey, Telemetry

_EMPTY: FloatArray = np.zeros(0)


def covered_routes(indicator: Indicator, routes: Sequence[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """The routes that an indicator covers, sorted; of a query, those that any of its selectors may match."""
    if not isinstance(indicator, QueryIndicator):
        return matching_routes(indicator.routes, routes)
    found = {route for selector in _selectors(indicator) for route in of_selector(selector, routes, vocabulary) if route}
    return tuple(sorted(found))


def bounds_read(indicator: Indicator, vocabulary: Vocabulary) -> frozenset[float]:
    """Latency bounds in seconds that an indicator reads: its threshold, or the `le` that its selectors name."""
    if isinstance(indicator, LatencyIndicator):
        return frozenset({indicator.threshold})
    if not isinstance(indicator, QueryIndicator):
        return frozenset()
    found = set()
    for selector in _selectors(indicator):
        equal = {m.label: m.text for m in selector.matchers if m.kind is MatchKind.EQUAL}
        if equal.get("__name__") == f"{vocabulary.latency}_bucket" and "le" in equal:
            found.add(_bound(equal["le"]))
    return frozenset(bound for bound in found if bound is not None and bound != float("inf"))


def _selectors(indicator: QueryIndicator) -> Iterable[Selector]:
    queries = (indicator.errors, indicator.good, indicator.total, indicator.ratio)
    return [selector for query in queries if query is not None for selector in selectors(query)]


def of_selector(selector: Selector, routes: Sequence[str], vocabulary: Vocabulary) -> Iterable[str]:
    """Routes, as policies name them, that a selector's matchers of the route label let through."""
    label = vocabulary.route_label
    matchers = tuple(matcher for matcher in selector.matchers if matcher.label == label)
    series = [Series(SeriesKey.of("route", {label: vocabulary.text(label, route)}), _EMPTY, _EMPTY) for route in routes]
    telemetry = Telemetry.of(series, horizon_s=0.0, scrape_interval_s=15.0)
    return [vocabulary.named(label, one.key.label_map.get(label, "")) for one in select(telemetry, Selector(matchers))]


def _bound(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
