"""Two counters of one process, one a part of the other: errors or fast requests beside all requests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.slo.counters import CounterReader, IndexArray, increments, sum_type
from workbench.slo.events import Contribution
from workbench.telemetry.series import Array, Series

Labels = tuple[tuple[str, str], ...]


def paired(
    reader: CounterReader,
    parts: Mapping[Labels, Series],
    wholes: Mapping[Labels, Series],
    *,
    by_rows: bool,
    part_is_bad: bool,
) -> list[Contribution]:
    """Contributions of pairs of counters with the same labels.

    By rows, an instant without a sample of the part is unknown, as in a recorded history; otherwise the coarser of the two decides,
    and what only the finer saw is unknown. A whole without its part is unknown.
    """
    out: list[Contribution] = []
    coarse: list[Series] = []
    for labels, series in sorted(wholes.items()):
        part = parts.get(labels)
        if by_rows or part is None:
            out += rows(reader, part=part, whole=series, part_is_bad=part_is_bad)
        elif reader.same_times(series, part):
            out.append(_turned(_together(reader, part=part, whole=series), part_is_bad=part_is_bad))
        else:
            out.append(_turned(_spans(reader, part=part, whole=series), part_is_bad=part_is_bad))
            coarse.append(series)
    out += [(times, None, None, counted) for times, counted in reader.summed(coarse)]
    return out


def _turned(one: Contribution, *, part_is_bad: bool) -> Contribution:
    """The part is good, unless it is bad."""
    times, bad, known, everything = one
    assert bad is not None and known is not None, "pairs count both"  # noqa: S101, PT018 - as the message says
    return (times, known - bad, known, everything) if part_is_bad else one


def rows(reader: CounterReader, *, part: Series | None, whole: Series, part_is_bad: bool) -> list[Contribution]:
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
