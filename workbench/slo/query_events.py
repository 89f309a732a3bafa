"""Objectives over the user's own PromQL, measured.

A query that adds up counters is counted like any other objective: the events behind the samples of its series, whatever the window.
Any other query is evaluated once a step, over that step, and each step counts alike: its result weighs time, not events.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from workbench.alerts.queries import Term, placed, selectors, terms
from workbench.alerts.rules import Profile
from workbench.alerts.vocabulary import Vocabulary
from workbench.errors import BadInput, Problem, Severity
from workbench.promql.ast import MatchKind, Selector
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.promql.selection import select
from workbench.promql.text import bare_selector_text
from workbench.promql.vector import BoolArray
from workbench.scenario.names import listed, nearest
from workbench.scenario.schema.policy import Policy, QueryIndicator
from workbench.scenario.tree import format_path
from workbench.slo.counters import CounterReader
from workbench.slo.events import Contribution, EventCounts, gather
from workbench.slo.pairs import paired
from workbench.telemetry.series import Array, FloatArray, Series, Telemetry
from workbench.units import format_duration

LEAST_STEP_S = 60.0
"""Of a query that is evaluated; longer where scrapes are rare: a rate needs two of them."""


def count_query(
    indicator: QueryIndicator,
    reader: CounterReader,
    telemetry: Telemetry,
    vocabulary: Vocabulary,
    slice_s: float | None = None,
) -> EventCounts:
    """Count the events of a query, or its steps if it does not count any; raises nothing: what cannot be measured is unknown.

    `slice_s` is the step, where the objective counts slices.
    """
    total, part = _terms(indicator, "total"), _terms(indicator, "errors" if indicator.errors else "good")
    routes = _routes(indicator, telemetry, vocabulary)
    if any(_missing(indicator, telemetry)):
        return gather(routes, [])
    if total is not None and part is not None:
        return gather(routes, _counted(indicator, part, total, reader, telemetry, vocabulary))
    return _stepped(indicator, telemetry, routes, slice_s or step_s(telemetry))


def step_s(telemetry: Telemetry) -> float:
    """The step of queries that are evaluated: a minute, or four scrapes if that is longer."""
    return max(LEAST_STEP_S, 4 * telemetry.scrape_interval_s)


def query_findings(policy: Policy, telemetry: Telemetry) -> Iterator[Problem]:
    """What is to be said of query indicators on this telemetry: metrics that are not there, results that weigh time."""
    for name, slo in sorted(policy.slos.items()):
        if not isinstance(slo.indicator, QueryIndicator):
            continue
        indicator = slo.indicator
        missing = list(dict.fromkeys(_missing(indicator, telemetry)))
        for key, metric in missing:
            yield Problem(
                "slo/unmatched",
                f"objective {name} is unknown: there is no metric {metric}",
                Severity.WARNING,
                path=format_path(("slos", name, "indicator", key)),
                found=metric,
                allowed=listed(telemetry.names),
                nearest=nearest(metric, telemetry.names),
            )
        for key, selector in () if missing else _empty(indicator, telemetry):
            effect = "is unknown" if key == "total" else f"has no {'bad' if key == 'errors' else key} events"
            yield Problem(
                "slo/unmatched",
                f"objective {name} {effect}: no series matches {bare_selector_text(selector)}",
                Severity.WARNING if key in ("total", "ratio", "good") else Severity.INFO,
                path=format_path(("slos", name, "indicator", key)),
            )
        parts = ("total", "errors" if indicator.errors else "good")
        if not missing and any(_terms(indicator, key) is None for key in parts):
            step = slo.time_slices.length if slo.time_slices is not None else step_s(telemetry)
            yield Problem(
                "slo/time-weighted",
                f"objective {name} is measured once every {format_duration(step)}, and each of these counts alike: "
                "its queries do not add up counters",
                Severity.INFO,
                path=format_path(("slos", name, "indicator")),
            )


def _terms(indicator: QueryIndicator, key: str) -> tuple[Term, ...] | None:
    query = getattr(indicator, key)
    return None if query is None else terms(query)


def _stated(indicator: QueryIndicator) -> Iterator[tuple[str, str]]:
    for key in ("errors", "good", "total", "ratio"):
        query = getattr(indicator, key)
        if query is not None:
            yield key, query


def _missing(indicator: QueryIndicator, telemetry: Telemetry) -> Iterator[tuple[str, str]]:
    """Metrics that a query names and the telemetry does not have."""
    for key, query in _stated(indicator):
        for selector in selectors(query):
            for matcher in selector.matchers:
                if matcher.label == "__name__" and matcher.kind is MatchKind.EQUAL and matcher.text not in telemetry.by_name:
                    yield key, matcher.text


def _empty(indicator: QueryIndicator, telemetry: Telemetry) -> Iterator[tuple[str, Selector]]:
    """Selectors that match no series of metrics that are there."""
    for key, query in _stated(indicator):
        for selector in selectors(query):
            if not select(telemetry, selector):
                yield key, selector


def _routes(indicator: QueryIndicator, telemetry: Telemetry, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The routes of all series that the queries read, sorted."""
    label = vocabulary.route_label
    found = {
        vocabulary.named(label, series.key.label_map.get(label, ""))
        for _, query in _stated(indicator)
        for selector in selectors(query)
        for series in select(telemetry, selector)
    }
    return tuple(sorted(found - {""}))


# Queries that add up counters.


def _counted(
    indicator: QueryIndicator,
    part: tuple[Term, ...],
    total: tuple[Term, ...],
    reader: CounterReader,
    telemetry: Telemetry,
    vocabulary: Vocabulary,
) -> list[Contribution]:
    found = _pairs(indicator, part, total, reader, telemetry, vocabulary)
    if found is not None:
        return found
    is_good = indicator.good is not None
    out: list[Contribution] = []
    for times, counted in _events(total, reader, telemetry):
        out.append((times, counted if is_good else None, counted, counted))
    for times, counted in _events(part, reader, telemetry):
        out.append((times, -counted if is_good else counted, None, None))
    return out


def _pairs(
    indicator: QueryIndicator,
    part: tuple[Term, ...],
    total: tuple[Term, ...],
    reader: CounterReader,
    telemetry: Telemetry,
    vocabulary: Vocabulary,
) -> list[Contribution] | None:
    """Two counters of each process, read together as for latency and for a history's rows; None if series do not pair up."""
    if len(part) != 1 or len(total) != 1 or not all(_is_plain(term) for term in (*part, *total)):
        return None
    if indicator.good is None and vocabulary.errors is None:
        return None
    parts, wholes = (_by_labels(select(telemetry, terms[0].selector)) for terms in (part, total))
    if parts is None or wholes is None or not parts.keys() <= wholes.keys():
        return None
    if {one.key.name for one in parts.values()} & {one.key.name for one in wholes.values()}:
        return None  # parts of one metric: what is not bad is good
    return paired(reader, parts, wholes, by_rows=vocabulary.errors is not None, part_is_bad=indicator.good is None)


def _is_plain(term: Term) -> bool:
    return term.weight == 1 and term.function in ("rate", "increase") and not term.selector.offset_ms


def _by_labels(found: tuple[Series, ...]) -> dict[tuple[tuple[str, str], ...], Series] | None:
    """Series by their labels without `le`; None if two are alike."""
    out = {tuple(pair for pair in one.key.labels if pair[0] != "le"): one for one in found}
    return out if len(out) == len(found) else None


def _events(added: tuple[Term, ...], reader: CounterReader, telemetry: Telemetry) -> Iterator[tuple[FloatArray, Array]]:
    for term in added:
        found = list(select(telemetry, term.selector))
        if term.function in ("rate", "increase"):
            counted = reader.summed(found)
        else:
            samples = [reader.samples(one) for one in found]
            counted = [(times, np.ones(len(times), np.int64) if term.function == "count_over_time" else v) for times, v in samples]
        for times, values in counted:
            shifted = times + term.selector.offset_ms / 1000 if term.selector.offset_ms else times
            yield shifted, values if term.weight == 1 else values * term.weight


# Queries that have to be evaluated.


def _stepped(indicator: QueryIndicator, telemetry: Telemetry, routes: tuple[str, ...], step: float) -> EventCounts:
    """One event a step: bad by the share of bad events over it."""
    whole = int(np.floor(telemetry.horizon_s / step * (1 + 1e-12)))
    ends: FloatArray = np.arange(1, whole + 1, dtype=np.float64) * step
    # Ranges as Prometheus 3 has them, open to the left: each sample lies in exactly one step.
    evaluator = Evaluator(telemetry, Profile("3.5", evaluation_interval_s=step))
    window = format_duration(step)

    def over(query: str, *, mean: bool = False) -> tuple[FloatArray, BoolArray]:
        """The sum (or mean) of the elements at each end, NaN where there are none; and where there are only NaNs."""
        vector = evaluator.evaluate(parse(placed(query, window)), ends)
        there = vector.present & np.isfinite(vector.values)
        if vector.failed is not None:
            there = there & ~vector.failed
        count = there.sum(axis=0)
        added = np.where(there, vector.values, 0.0).sum(axis=0)
        out = np.full(len(ends), np.nan)
        np.divide(added, count if mean else 1, out=out, where=count > 0)
        return out, (vector.present & np.isnan(vector.values)).any(axis=0) & (count == 0)

    try:
        if indicator.ratio is not None:
            bad, nothing = over(indicator.ratio, mean=True)  # 0 / 0: no events
        else:
            (total, _), (part, _) = over(indicator.total or ""), over(indicator.errors or indicator.good or "")
            nothing = total == 0
            share = np.full(whole, np.nan)
            np.divide(part, total, out=share, where=total > 0)
            bad = share if indicator.errors is not None else 1 - share
    except BadInput:
        return gather(routes, [])
    known = np.isfinite(bad)
    everything = (known | ~nothing).astype(np.int64)
    return gather(routes, [(ends, np.where(known, np.clip(bad, 0.0, 1.0), 0.0), known.astype(np.int64), everything)])
