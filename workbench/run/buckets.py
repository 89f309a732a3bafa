"""Latency buckets that rule files read: those of them that a simulated system can keep at every scrape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.alerts.coverage import of_selector
from workbench.alerts.expressions import parsed, selectors
from workbench.alerts.rules import RuleGroup
from workbench.alerts.vocabulary import Vocabulary, le_label
from workbench.promql.ast import Selector
from workbench.promql.selection import select
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray, Series, SeriesKey, Telemetry
from workbench.world.network.answers import Network

_NOTHING: FloatArray = np.empty(0)


def buckets_read(groups: Sequence[RuleGroup], world: World, vocabulary: Vocabulary) -> dict[str, set[float]]:
    """Bounds in seconds by route; a selector without a bound (`histogram_quantile` of all) reads all that can be kept."""
    out: dict[str, set[float]] = {}
    network = Network(world)
    for selector in dict.fromkeys(_bucket_selectors(groups, vocabulary)):
        for route in of_selector(selector, sorted(world.routes), vocabulary):
            classes = network.classes[route]
            out.setdefault(route, set()).update(bound for bound in classes.tail_bounds if _passes(selector, bound))
    return {route: bounds for route, bounds in out.items() if bounds}


def _bucket_selectors(groups: Sequence[RuleGroup], vocabulary: Vocabulary) -> Iterator[Selector]:
    name = f"{vocabulary.latency}_bucket"
    for group in groups:
        for rule in group.rules:
            for selector in selectors(parsed(rule.expr)):
                named = tuple(matcher for matcher in selector.matchers if matcher.label == "__name__")
                if named and select(_one(name), Selector(named)):
                    yield selector


def _passes(selector: Selector, bound: float) -> bool:
    matchers = tuple(matcher for matcher in selector.matchers if matcher.label == "le")
    return bool(select(_one("bucket", le=le_label(bound)), Selector(matchers)))


def _one(name: str, **labels: str) -> Telemetry:
    return Telemetry.of([Series(SeriesKey.of(name, labels), _NOTHING, _NOTHING)], horizon_s=0.0, scrape_interval_s=0.0)
