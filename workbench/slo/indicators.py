"""Indicators measured: from series to good, bad and unknown events of every objective.

Every series of requests is read once: series that all objectives treat alike are added up first, and objectives add those sums.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from workbench.alerts.vocabulary import Vocabulary, le_label, matching_routes
from workbench.scenario.schema.policy import EventsIndicator, Indicator, LatencyIndicator, Policy
from workbench.slo.counters import CounterReader, IndexArray, increments, sum_type
from workbench.slo.events import Contribution, EventCounts, gather
from workbench.telemetry.series import Array, FloatArray, Series, Telemetry

ALL_REQUESTS = EventsIndicator(kind="events")
"""All routes and tiers, 5xx bad, nothing excluded."""


class Part(IntEnum):
    """What the requests of one series are to one indicator."""

    NONE = 0
    GOOD = 1
    BAD = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class EventSet:
    """The events of every objective of a policy, and of all requests together. Count once, ask often."""

    slos: Mapping[str, EventCounts]
    """By name, in the policy's order."""
    requests: EventCounts
    """All routes and tiers: 5xx, or the history's errors, are bad."""


def count_events(policy: Policy, telemetry: Telemetry, vocabulary: Vocabulary) -> EventSet:
    """Count the events of all objectives; raises nothing: what cannot be measured is unknown."""
    slos = list(policy.slos.items())
    counts = count_indicators([*(slo.indicator for _, slo in slos), ALL_REQUESTS], telemetry, vocabulary)
    return EventSet({name: counted for (name, _), counted in zip(slos, counts, strict=False)}, counts[-1])


def count_indicators(indicators: Iterable[Indicator], telemetry: Telemetry, vocabulary: Vocabulary) -> list[EventCounts]:
    """Count the events of each indicator, in order."""
    wanted = list(indicators)
    reader = CounterReader(telemetry.counts_from_zero)
    if vocabulary.errors is None:
        events = _by_code(wanted, reader, telemetry, vocabulary)
    else:
        events = [_by_errors(one, reader, telemetry, vocabulary) if isinstance(one, EventsIndicator) else [] for one in wanted]
    out = []
    for one, found in zip(wanted, events, strict=True):
        parts = found if isinstance(one, EventsIndicator) else _by_bucket(one, reader, telemetry, vocabulary)
        out.append(gather(_covered_routes(one, telemetry, vocabulary), parts))
    return out


# Which series an indicator covers.


@dataclass(frozen=True)
class _Cover:
    """Routes and tiers of an indicator; `tiers` None is every tier."""

    routes: frozenset[str]
    tiers: frozenset[str] | None
    vocabulary: Vocabulary

    def has(self, series: Series) -> bool:
        labels = series.key.label_map
        if labels.get(self.vocabulary.route_label, "") not in self.routes:
            return False
        return self.tiers is None or self.vocabulary.tier_label is None or labels.get(self.vocabulary.tier_label) in self.tiers

    @property
    def tiers_unknown(self) -> bool:
        """The indicator asks for tiers, and the telemetry has none: no request can be said to be theirs."""
        return self.tiers is not None and self.vocabulary.tier_label is None


def _route_labels(telemetry: Telemetry, vocabulary: Vocabulary) -> set[str]:
    """Every value of the route label, "" among them if requests are counted without one."""
    names = (vocabulary.requests, f"{vocabulary.latency}_count", f"{vocabulary.latency}_bucket")
    return {s.key.label_map.get(vocabulary.route_label, "") for name in names for s in telemetry.by_name.get(name, ())}


def _cover(indicator: Indicator, telemetry: Telemetry, vocabulary: Vocabulary) -> _Cover:
    routes = matching_routes(indicator.routes, _route_labels(telemetry, vocabulary))
    return _Cover(frozenset(routes), frozenset(indicator.tiers) or None, vocabulary)


def _covered_routes(indicator: Indicator, telemetry: Telemetry, vocabulary: Vocabulary) -> tuple[str, ...]:
    return tuple(r for r in matching_routes(indicator.routes, _route_labels(telemetry, vocabulary)) if r)


# Requests counted by status code.


def _part(indicator: EventsIndicator, cover: _Cover, series: Series) -> Part:
    if not cover.has(series):
        return Part.NONE
    label = cover.vocabulary.code_label
    code = series.key.label_map.get(label, "") if label is not None else ""
    if not code or cover.tiers_unknown:
        return Part.UNKNOWN
    if any(re.fullmatch(pattern, code) for pattern in indicator.exclude_codes):
        return Part.NONE
    return Part.BAD if any(re.fullmatch(pattern, code) for pattern in indicator.bad_codes) else Part.GOOD


def _by_code(
    wanted: list[Indicator], reader: CounterReader, telemetry: Telemetry, vocabulary: Vocabulary
) -> list[list[Contribution]]:
    """Contributions for each indicator; an empty list for those of another kind."""
    covers = [_cover(one, telemetry, vocabulary) for one in wanted]
    alike: dict[tuple[Part, ...], list[Series]] = {}
    for series in telemetry.by_name.get(vocabulary.requests, ()):
        parts = tuple(
            _part(one, cover, series) if isinstance(one, EventsIndicator) else Part.NONE
            for one, cover in zip(wanted, covers, strict=True)
        )
        if any(parts):
            alike.setdefault(parts, []).append(series)
    out: list[list[Contribution]] = [[] for _ in wanted]
    for parts, group in alike.items():
        for times, counted in reader.summed(group):
            for k, part in enumerate(parts):
                if part is not Part.NONE:
                    out[k].append(_contribution(times, counted, part))
    return out


def _contribution(times: FloatArray, counted: Array, part: Part) -> Contribution:
    return (
        times,
        counted if part is Part.BAD else None,
        None if part is Part.UNKNOWN else counted,
        counted,
    )


# Requests and errors counted in two series, a row of a recorded history at a time.


def _by_errors(
    indicator: EventsIndicator, reader: CounterReader, telemetry: Telemetry, vocabulary: Vocabulary
) -> list[Contribution]:
    cover = _cover(indicator, telemetry, vocabulary)
    failed = {series.key.labels: series for series in telemetry.by_name.get(vocabulary.errors or "", ())}
    out: list[Contribution] = []
    for series in telemetry.by_name.get(vocabulary.requests, ()):
        if cover.has(series):
            errors = None if cover.tiers_unknown else failed.get(series.key.labels)
            out += _rows(reader, part=errors, whole=series, part_is_bad=True)
    return out


def _rows(reader: CounterReader, *, part: Series | None, whole: Series, part_is_bad: bool) -> list[Contribution]:
    """Row by row: a row without a sample of `part` is unknown, whatever the rows around it say."""
    times, values = reader.samples(whole)
    everything = increments(values, from_zero=reader.from_zero)
    if part is None:
        return [(times, None, None, everything)]
    counted = increments(reader.samples(part)[1], from_zero=reader.from_zero)
    if reader.same_times(whole, part):
        return [(times, counted if part_is_bad else everything - counted, everything, everything)]
    both, in_whole, in_part = reader.common_samples(whole, part)
    if reader.from_zero:
        known, counted = everything[in_whole], counted[in_part]
    else:  # what was counted at a missed scrape is in the next one
        known, counted = _between(everything, in_whole), _between(counted, in_part)
    bad = counted if part_is_bad else known - counted
    return [(both, bad, known, None), (times, None, None, everything)]


def _between(counted: Array, samples: IndexArray) -> Array:
    """Events from each of these samples to the next; none before the first."""
    running = np.cumsum(counted)[samples]
    return np.diff(running, prepend=running[:1])


# Latency from cumulative buckets.


def _by_bucket(
    indicator: LatencyIndicator, reader: CounterReader, telemetry: Telemetry, vocabulary: Vocabulary
) -> list[Contribution]:
    cover = _cover(indicator, telemetry, vocabulary)
    buckets = telemetry.by_name.get(f"{vocabulary.latency}_bucket", ())
    within = _buckets_at(le_label(indicator.threshold), buckets)
    counts = {s.key.labels: s for s in telemetry.by_name.get(f"{vocabulary.latency}_count", ())}
    if not counts:  # a history may hold the buckets alone; the last one holds everything
        counts = _buckets_at("+Inf", buckets)
    out: list[Contribution] = []
    coarse: list[Series] = []
    seen = set()
    for labels, series in sorted(counts.items()):
        if cover.has(series):
            seen.add(series.key.label_map.get(vocabulary.route_label, ""))
            good = None if cover.tiers_unknown else within.get(labels)
            if vocabulary.errors is not None or good is None:
                out += _rows(reader, part=good, whole=series, part_is_bad=False)
            elif reader.same_times(series, good):
                out.append(_together(reader, part=good, whole=series))
            else:
                out.append(_spans(reader, part=good, whole=series))
                coarse.append(series)
    requests = telemetry.by_name.get(vocabulary.requests, ())
    coarse += [s for s in requests if cover.has(s) and s.key.label_map.get(vocabulary.route_label, "") not in seen]
    out += [(times, None, None, counted) for times, counted in reader.summed(coarse)]
    return out


def _buckets_at(le: str, buckets: Iterable[Series]) -> dict[tuple[tuple[str, str], ...], Series]:
    """Buckets of one bound by their labels without `le`."""
    wanted = ("le", le)
    return {tuple(p for p in s.key.labels if p[0] != "le"): s for s in buckets if wanted in s.key.labels}


# Two counters of one process begin again together, so a restart that either shows counts for both.


def _together(reader: CounterReader, *, part: Series, whole: Series) -> Contribution:
    """Bucket and count scraped at the same instants."""
    times, values = reader.samples(whole)
    _, part_values = reader.samples(part)
    again = np.union1d(reader.restarts(whole), reader.restarts(part))
    known, good = _span(values, again, reader.from_zero), _span(part_values, again, reader.from_zero)
    return times, known - good, known, known


def _spans(reader: CounterReader, *, part: Series, whole: Series) -> Contribution:
    """From one common sample to the next: the coarser counter decides.

    What the finer one counted besides (before a restart, after the last common sample) is unknown; the caller adds it up.
    """
    both, in_whole, in_part = reader.common_samples(whole, part)
    again = np.union1d(
        np.searchsorted(in_whole, reader.restarts(whole), side="left"),
        np.searchsorted(in_part, reader.restarts(part), side="left"),
    )
    again = again[again < len(both)]
    known = _span(reader.samples(whole)[1][in_whole], again, reader.from_zero)
    good = _span(reader.samples(part)[1][in_part], again, reader.from_zero)
    return both, known - good, known, None


def _span(values: Array, again: IndexArray, from_zero: bool) -> Array:
    """Increments of a counter that began again before each index of `again`."""
    out: Array = np.diff(values.astype(sum_type(values), copy=False), prepend=0)
    out[again] = values[again]
    if not from_zero:
        out[:1] = 0
    return out
