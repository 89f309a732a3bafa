"""What the states of probed targets look like: a monitor that is refused, a prober that fails, targets that were renamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from workbench.errors import Problem, Severity
from workbench.telemetry.complaints import listed, quoted
from workbench.telemetry.counters import IntArray
from workbench.telemetry.instants import MICROSECONDS, written
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, format_duration, format_share

REFUSED_S = float(DAY_S)
"""A target that answers with the same client error for this long while it counts as down is rather a fault of the monitor."""
TOGETHER_S = 180.0
FEWEST_TOGETHER = 3
TOGETHER_SHARE = 0.5
"""Targets that go down within three minutes of each other: three at least, and half of those that were up, look like the prober."""
RENAMED_WITHIN = 2.0
_LISTED = 5


@dataclass(frozen=True, eq=False)
class Spell:
    """All states of one target: state i holds from `times_s[i]` until the next, the last until `until_s`."""

    target: str
    times_s: FloatArray
    up: FloatArray
    """1, 0, or NaN where unknown."""
    codes: FloatArray
    latency_ms: FloatArray
    until_s: float
    gone: bool
    """Whether the target was given up before the file ends."""
    lines: IntArray | None

    @property
    def lengths_s(self) -> FloatArray:
        """How long each state holds."""
        return np.diff(np.append(self.times_s, self.until_s))

    def lasting_s(self, chosen: npt.NDArray[np.bool_]) -> float:
        """Seconds in the chosen states."""
        return float(self.lengths_s[chosen].sum())

    def line(self, row: int) -> int | None:
        """The line of a state."""
        return None if self.lines is None else int(self.lines[row])


def signs(spells: Sequence[Spell], accepted: Sequence[str], first_us: int) -> list[Problem]:
    """All findings; the file is filled in by the caller."""
    return [
        *_rows_against_time(spells),
        *_refused(spells, accepted, first_us),
        *_together(spells, first_us),
        *_gone(spells, first_us),
    ]


def _rows_against_time(spells: Sequence[Spell]) -> list[Problem]:
    """How wrong it would be to count rows."""
    rows = sum(int((~np.isnan(one.up)).sum()) for one in spells)
    down_rows = sum(int((one.up == 0).sum()) for one in spells)
    known_s = sum(one.lasting_s(~np.isnan(one.up)) for one in spells)
    down_s = sum(one.lasting_s(one.up == 0) for one in spells)
    if not rows or not known_s:
        return []
    message = (
        f"rows are changes of state, not checks: {format_share(down_rows / rows, 2)} of the rows say down, "
        f"but {format_share(down_s / known_s, 3)} of the time is down; the time is what counts"
    )
    return [Problem("history/state-changes", message, Severity.INFO)]


def _refused(spells: Sequence[Spell], accepted: Sequence[str], first_us: int) -> list[Problem]:
    """Targets down for long with an answer that says "not you" or "not like this"."""
    found = []
    for one in spells:
        client = (one.up == 0) & (one.codes >= 400) & (one.codes < 500)
        for begin, end in _runs(client, one.codes):
            until_s = float(one.times_s[end]) if end < len(one.times_s) else one.until_s
            begin_s = float(one.times_s[begin])
            if until_s - begin_s < REFUSED_S:
                continue
            code, lasting_s = int(one.codes[begin]), until_s - begin_s
            share = format_share(lasting_s / one.lasting_s(one.up == 0), 1)
            message = (
                f"{quoted(one.target)} answered {code} for {format_duration(round(lasting_s))} from {_at(first_us, begin_s)} "
                f"and counts as down, {share} of its whole downtime; a server that answers "
                f"{code} all the time rather refuses the monitor: --accept-code {code} counts that answer as up"
            )
            found.append(Problem("history/monitor-refused", message, Severity.WARNING, line=one.line(begin)))
    if accepted:
        message = f"answers with these codes count as up, whatever the rows say: {', '.join(accepted)}"
        found.append(Problem("history/accepted-codes", message, Severity.INFO))
    return found


def _runs(chosen: npt.NDArray[np.bool_], codes: FloatArray) -> list[tuple[int, int]]:
    """First index and index after of each run of chosen states with one code."""
    if not len(chosen):
        return []
    changes = np.flatnonzero(np.diff(chosen.astype(np.int8)) | (np.diff(np.nan_to_num(codes, nan=-1.0)) != 0)) + 1
    edges = [0, *changes.tolist(), len(chosen)]
    return [(begin, end) for begin, end in pairwise(edges) if chosen[begin]]


def _together(spells: Sequence[Spell], first_us: int) -> list[Problem]:
    """Instants at which most targets went down at once: the prober, or something that all of them share."""
    falls = [
        (float(one.times_s[row]), index, one.line(int(row)))
        for index, one in enumerate(spells)
        for row in np.flatnonzero((one.up[1:] == 0) & (one.up[:-1] == 1)) + 1
    ]
    falls.sort()
    groups: list[list[tuple[float, int, int | None]]] = []
    for fall in falls:
        if groups and fall[0] - groups[-1][0][0] <= TOGETHER_S:
            groups[-1].append(fall)
        else:
            groups.append([fall])
    large = []
    for group in groups:
        at_s = group[0][0]
        watched = sum(float(one.times_s[0]) <= at_s < one.until_s for one in spells)
        hit = len({index for _, index, _ in group})
        if hit >= FEWEST_TOGETHER and hit >= TOGETHER_SHARE * watched:
            large.append((hit, watched, at_s, group[0][2]))
    if not large:
        return []
    hit, watched, at_s, line = max(large, key=lambda one: (one[0] / one[1], -one[2]))
    message = (
        f"at least half of the targets went down within {format_duration(TOGETHER_S)} of each other: {len(large):,} times, most of "
        f"all at {_at(first_us, at_s)} ({hit} of {watched}); a prober that fails looks like this, and so does a common cause"
    )
    return [Problem("history/common-cause", message, Severity.WARNING, line=line)]


def _gone(spells: Sequence[Spell], first_us: int) -> list[Problem]:
    """Targets without rows long before the end, and which of the later ones may be the same under a new name."""
    found = []
    for one in [spell for spell in spells if spell.gone][:_LISTED]:
        last_s = float(one.times_s[-1])
        silence_s = one.until_s - last_s
        heirs = [
            other.target
            for other in spells
            if other is not one and last_s - silence_s <= float(other.times_s[0]) <= one.until_s + RENAMED_WITHIN * silence_s
            and float(other.times_s[0]) > 0
        ]  # fmt: skip
        renamed = f"; {listed([quoted(heir) for heir in heirs], 3)} began at about that time: renamed?" if heirs else ""
        message = (
            f"{quoted(one.target)} has no row after {_at(first_us, last_s)}, far longer than ever before; its last state is taken "
            f"to hold for its longest silence, {format_duration(round(silence_s))}, and nothing is known after that{renamed}"
        )
        found.append(Problem("history/target-gone", message, Severity.WARNING, line=one.line(len(one.times_s) - 1)))
    left = sum(one.gone for one in spells) - len(found)
    if left > 0:
        found.append(
            Problem("history/target-gone", f"and {left:,} more targets without rows long before the end", Severity.WARNING)
        )
    return found


def _at(first_us: int, seconds: float) -> str:
    return written(first_us + round(seconds * MICROSECONDS))
