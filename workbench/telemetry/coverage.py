"""How much of its period a history covers: missing rows, no traffic and a possible outage are three different things.

- A row is *missing* where the next one comes later than one and a half usual spacings. Its events are in the next row.
- There was *no traffic* where a row is there and says that the total of all routes is 0.
- No traffic is a *possible outage* where it lasts at least ten minutes and at least `OUTAGE_REQUESTS` requests would have come in
  that time at the rate usual for those hours in the rest of the history: hours of the week once there are two weeks of rows, hours
  of the day once there are two days, the mean before that. A request-based SLI sees no failure in it: nothing was asked.
- A total is *unknown* where a row is there and its cell is empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem, Severity
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import MICROSECONDS, written
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, HOUR_S, format_duration, format_share

OUTAGE_SECONDS = 600
OUTAGE_REQUESTS = 50.0
"""A Poisson stream with this mean is empty once in 10^21; real traffic is burstier, hence "possible"."""
_LISTED = 5


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the period between two rows that stay out of it."""

    after_us: int
    """The last row before it."""
    before_us: int
    """The first row after it; the last row of all if it lasts until the end."""
    rows: int
    line: int | None
    """Where it shows in the file: its first row, or the row after a gap."""
    expected: float = 0.0
    """Requests that would be usual in that time."""

    @property
    def length_s(self) -> float:
        """From the row before to the row after."""
        return (self.before_us - self.after_us) / MICROSECONDS


@dataclass(frozen=True, eq=False)
class Coverage:
    """What a history says about its own completeness, over all of its routes together."""

    period_s: float
    """As many spacings as rows should be there."""
    gaps: tuple[Stretch, ...]
    missing_rows: int
    quiet: tuple[Stretch, ...]
    """No traffic, but not remarkably so."""
    outages: tuple[Stretch, ...]
    unknown_rows: int
    rows: int
    spacing_s: float

    @property
    def shares(self) -> tuple[tuple[str, float], ...]:
        """Shares of the period; no instant is in two of them."""
        all_rows = self.rows + self.missing_rows
        quiet, out = sum(s.rows for s in self.quiet), sum(s.rows for s in self.outages)
        counts = {"rows missing": self.missing_rows, "no traffic": quiet, "outage": out, "total unknown": self.unknown_rows}
        return tuple((name, count / all_rows) for name, count in counts.items())

    def findings(self, file: str) -> tuple[Problem, ...]:
        """The same in sentences."""
        found = []
        share = dict(self.shares)
        if self.gaps:
            longest = max(self.gaps, key=lambda gap: gap.length_s)
            part = format_share(share["rows missing"], 2)
            message = (
                f"rows are missing: {self.missing_rows:,}, which is {part} of the period; "
                f"gaps: {len(self.gaps):,}, the longest {_span(longest)}; "
                "their events are in the row after the gap"
            )
            found.append(Problem("history/rows-missing", message, Severity.WARNING, file, longest.line))
        if self.quiet:
            longest = max(self.quiet, key=lambda quiet: quiet.length_s)
            part = format_share(share["no traffic"], 2)
            message = (
                f"rows without traffic: {sum(s.rows for s in self.quiet):,}, which is {part} of the period "
                f"and not unusual at that traffic; the longest stretch {_span(longest)}"
            )
            found.append(Problem("history/no-traffic", message, Severity.INFO, file, longest.line))
        for outage in sorted(self.outages, key=lambda out: -out.length_s)[:_LISTED]:
            message = (
                f"possible outage: no traffic for {_span(outage)}, "
                f"where about {outage.expected:,.0f} requests were to be expected; a request-based objective sees no failure in it"
            )
            found.append(Problem("history/possible-outage", message, Severity.WARNING, file, outage.line))
        if len(self.outages) > _LISTED:
            message = f"and {len(self.outages) - _LISTED:,} shorter possible outages"
            found.append(Problem("history/possible-outage", message, Severity.WARNING, file))
        if self.unknown_rows:
            message = (
                f"the total is unknown in {self.unknown_rows:,} rows ({format_share(share['total unknown'], 2)} of the period)"
            )
            found.append(Problem("history/total-unknown", message, Severity.WARNING, file))
        return tuple(found)


def _span(stretch: Stretch) -> str:
    return f"{format_duration(stretch.length_s)} between the rows of {written(stretch.after_us)} and {written(stretch.before_us)}"


def instants_of(time_us: IntArray, longest: int, spacing_s: float) -> tuple[IntArray, IntArray]:
    """Times at which anything has a row, and which of them each row has; `longest` is the number of rows of the longest series.

    What was scraped at different offsets shares an instant if its rows fall into the same spacing.
    """
    union, back = np.unique(time_us, return_inverse=True)
    if len(union) <= 1.2 * longest:
        return union, back
    slots = np.floor((union - union[0]) / (spacing_s * MICROSECONDS)).astype(np.int64)
    _, first, slot_of = np.unique(slots, return_index=True, return_inverse=True)
    return union[first], slot_of[back]


def first_lines(lines: IntArray, back: IntArray, length: int) -> IntArray:
    """The first line of each instant; `back` says which instant each row has."""
    first = np.full(length, np.iinfo(np.int64).max)
    np.minimum.at(first, back, lines)
    return first


def cover(time_us: IntArray, total: FloatArray, lines: IntArray | None, spacing_s: float) -> Coverage:
    """Judge the completeness of rows at strictly ascending times; `total` is NaN where it is unknown."""
    spacing_us = spacing_s * MICROSECONDS
    steps = np.diff(time_us)
    wide = np.flatnonzero(steps > 1.5 * spacing_us)
    missing = np.maximum(np.rint(steps[wide] / spacing_us).astype(np.int64) - 1, 1)

    def line(row: int) -> int | None:
        return None if lines is None else int(lines[row])

    gaps = tuple(
        Stretch(int(time_us[row]), int(time_us[row + 1]), int(count), line(int(row) + 1))
        for row, count in zip(wide, missing, strict=True)
    )
    breaks = np.zeros(len(total), dtype=np.bool_)
    breaks[wide + 1] = True
    quiet: list[Stretch] = []
    outages: list[Stretch] = []
    for first, after, expected in _silences(time_us, total, breaks, spacing_s):
        stretch = Stretch(
            int(time_us[first - 1]) if first and not breaks[first] else int(time_us[first] - spacing_us),
            int(time_us[min(after, len(total) - 1)]) if after == len(total) or not breaks[after] else int(time_us[after - 1]),
            after - first,
            line(first),
            expected,
        )
        unusual = expected >= OUTAGE_REQUESTS and stretch.length_s >= OUTAGE_SECONDS
        (outages if unusual else quiet).append(stretch)
    rows, lost = len(time_us), int(missing.sum())
    return Coverage(
        (rows + lost) * spacing_s, gaps, lost, tuple(quiet), tuple(outages), int(np.isnan(total).sum()), rows, spacing_s
    )


def _silences(
    time_us: IntArray, total: FloatArray, breaks: npt.NDArray[np.bool_], spacing_s: float
) -> list[tuple[int, int, float]]:
    """First row, row after and usual number of requests of every run of rows with a total of 0."""
    silent = total == 0
    starts = np.flatnonzero(silent & (np.r_[True, ~silent[:-1]] | breaks))
    ends = np.flatnonzero(silent & np.r_[~silent[1:] | breaks[1:], True]) + 1
    hours = _usual_hours(time_us)
    bins = int(hours.max(initial=0)) + 1
    known = ~np.isnan(total)
    requests = np.bincount(hours[known], weights=total[known], minlength=bins)
    seen = np.bincount(hours[known], minlength=bins).astype(np.float64)
    out = []
    for first, after in zip(starts.tolist(), ends.tolist(), strict=True):
        if (after - first) * spacing_s < OUTAGE_SECONDS / 2:
            out.append((first, after, 0.0))
            continue
        own = np.bincount(hours[first:after], minlength=bins)
        others = seen - own
        overall = requests.sum() / others.sum() if others.sum() > 0 else 0.0
        usual = np.divide(requests, others, out=np.full(bins, overall), where=others > 0)
        out.append((first, after, float(own @ usual)))
    return out


def _usual_hours(time_us: IntArray) -> IntArray:
    """The bin of each row: hour of the week, hour of the day or no bins at all, by how long the history is."""
    seconds = time_us // MICROSECONDS
    length = int(seconds[-1] - seconds[0]) if len(seconds) else 0
    if length >= 14 * DAY_S:
        return (seconds // HOUR_S) % (7 * 24)
    if length >= 2 * DAY_S:
        return (seconds // HOUR_S) % 24
    return np.zeros(len(seconds), dtype=np.int64)
