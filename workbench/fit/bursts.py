"""The usual error ratio, and stretches that stand out of it.

The rule for a burst of errors: a step belongs to one if at least `LEAST_ERRORS` requests failed, they are at least
`LEAST_RATIO` of the step's requests and `LEAST_FACTOR` times the usual ratio, and a Poisson stream at the usual ratio would
show so many less often than `CHANCE`. Steps at most `JOIN_S` (or two steps) apart are one burst. The usual ratio is what the
other steps have; since one needs the other, the two are found in turns, beginning with the calmer half of the steps.

A slow stretch likewise: a percentile at least twice its median, and six times the usual deviation above it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc

from workbench.fit.observed import BoolArray
from workbench.telemetry.series import FloatArray

LEAST_ERRORS = 3.0
LEAST_RATIO = 0.005
LEAST_FACTOR = 4.0
CHANCE = 1e-6
JOIN_S = 300.0
SLOW_FACTOR = 2.0
_SLOW_DEVIATIONS = 6.0
_ROUNDS = 20
_RAISED = 0.01
_RAISED_GAP = 0.001
_GAP_S = 1800.0


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch of steps that stands out."""

    first: int
    last: int
    """One past its last step."""
    ratio: float
    """Share of its requests that failed beside the usual ones; for a slow stretch how many times slower than usual."""


@dataclass(frozen=True, eq=False)
class Usual:
    """Errors outside of bursts and listed incidents."""

    ratio: float
    errors: float
    requests: float
    dispersion: float
    """Variance of errors a step over that of a Poisson stream; 1 is Poisson."""

    @property
    def se(self) -> float:
        """Standard error of the ratio, over-dispersion included."""
        return float(np.sqrt(max(self.errors, 1.0) * max(1.0, self.dispersion)) / max(self.requests, 1.0))


def find_bursts(
    total: FloatArray, errors: FloatArray, step_s: float, besides: BoolArray | None = None
) -> tuple[Usual, tuple[Burst, ...]]:
    """The usual ratio and the bursts of one stream, `[steps]`; steps that are NaN, or in `besides`, say nothing about the usual.

    Without any known error the ratio is 0 and there are no bursts.
    """
    known = ~np.isnan(total) & ~np.isnan(errors) & (total > 0)
    calm = known if besides is None else known & ~besides
    n, bad = np.nan_to_num(total), np.nan_to_num(errors)
    if not calm.any():
        calm = known
    share = np.where(n > 0, bad / np.maximum(n, 1e-300), 0.0)
    start = calm & (share <= np.median(share[calm])) if calm.any() else calm
    ratio = _pooled(n, bad, start)
    flagged = np.zeros(len(n), dtype=np.bool_)
    for _ in range(_ROUNDS):
        flagged = around(burst_steps(n, bad, ratio, step_s, known), step_s, known)
        following = _pooled(n, bad, calm & ~flagged)
        if abs(following - ratio) <= 1e-9 * max(ratio, 1e-12):
            break
        ratio = following
    flagged = burst_steps(n, bad, ratio, step_s, known)
    quiet = calm & ~around(flagged, step_s, known)
    due = n[quiet] * ratio
    dispersion = float(((bad[quiet] - due) ** 2).sum() / due.sum()) if ratio > 0 and due.sum() > 0 else 1.0
    usual = Usual(ratio, float(bad[quiet].sum()), float(n[quiet].sum()), dispersion)
    return usual, tuple(Burst(low, high, _excess(n, bad, ratio, low, high)) for low, high in joined(flagged, step_s, known))


def stands_out(total: FloatArray, errors: FloatArray, ratio: float) -> BoolArray:
    """Whether each step belongs to a burst, by the rule above; any shape."""
    due = total * ratio
    enough = (errors >= LEAST_ERRORS) & (errors >= LEAST_RATIO * total) & (errors >= LEAST_FACTOR * due)
    out = np.zeros(np.shape(total), dtype=np.bool_)
    # P(Poisson(due) >= errors) is the regularised lower incomplete gamma function.
    out[enough] = gammainc(errors[enough], np.maximum(due[enough], 1e-12)) < CHANCE
    return out


def burst_steps(total: FloatArray, errors: FloatArray, ratio: float, step_s: float, known: BoolArray) -> BoolArray:
    """Steps that stand out, raised steps beside them, and gaps of up to half an hour that are raised as a whole.

    Raised is what a Poisson stream at the usual ratio shows less than once in a hundred times (a gap: in a thousand).
    """
    out = known & stands_out(total, errors, ratio)
    if not out.any():
        return out
    due = np.maximum(total * ratio, 1e-12)
    raised = known & (errors >= 1)
    raised[raised] = gammainc(errors[raised], due[raised]) < _RAISED
    edges = np.diff(np.concatenate([[False], out, [False]]).astype(np.int8))
    for first, after in zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True):
        low, high = first, after
        while low > 0 and raised[low - 1]:
            low -= 1
        while high < len(out) and raised[high]:
            high += 1
        out[low:high] = True
    runs = joined(out, step_s, known)
    for (_, begin), (end, _) in itertools.pairwise(runs):
        gap = slice(begin, end)
        failed = float(errors[gap].sum())
        near = (end - begin) * step_s <= _GAP_S and bool(known[gap].all())
        if near and failed >= 1 and float(gammainc(failed, max(float(due[gap].sum()), 1e-12))) < _RAISED_GAP:
            out[gap] = True
    return out


def joined(flagged: BoolArray, step_s: float, known: BoolArray | None = None) -> list[tuple[int, int]]:
    """Runs of flagged steps, those at most `JOIN_S` or two steps apart as one; a run does not cross unknown steps."""
    edges = np.diff(np.concatenate([[False], flagged, [False]]).astype(np.int8))
    first, after = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    reach = max(2, int(JOIN_S / step_s))
    out: list[tuple[int, int]] = []
    for low, high in zip(first.tolist(), after.tolist(), strict=True):
        near = bool(out) and low - out[-1][1] <= reach
        if near and (known is None or known[out[-1][1] : low].all()):
            out[-1] = (out[-1][0], high)
        else:
            out.append((low, high))
    return out


def around(flagged: BoolArray, step_s: float, known: BoolArray) -> BoolArray:
    """The steps of all bursts and one beside each: they say nothing of the usual."""
    out = np.zeros(len(flagged), dtype=np.bool_)
    for low, high in joined(flagged, step_s, known):
        out[max(0, low - 1) : high + 1] = True
    return out


def find_slow(percentile_s: FloatArray, step_s: float) -> tuple[Burst, ...]:
    """Stretches in which one route's percentile stands out, `[steps]`."""
    known = ~np.isnan(percentile_s) & (percentile_s > 0)
    if known.sum() < 10:
        return ()
    logs = np.where(known, np.log(np.where(known, percentile_s, 1.0)), np.nan)
    middle = float(np.nanmedian(logs))
    deviation = 1.4826 * float(np.nanmedian(np.abs(logs - middle)))
    flagged = known & (np.nan_to_num(logs, nan=middle) - middle > max(np.log(SLOW_FACTOR), _SLOW_DEVIATIONS * deviation))
    return tuple(
        Burst(low, high, float(np.exp(np.nanmax(logs[low:high]) - middle))) for low, high in joined(flagged, step_s, known)
    )


def _pooled(total: FloatArray, errors: FloatArray, chosen: BoolArray) -> float:
    requests = float(total[chosen].sum())
    return float(errors[chosen].sum()) / requests if requests > 0 else 0.0


def _excess(total: FloatArray, errors: FloatArray, ratio: float, low: int, high: int) -> float:
    """The additional failing share: 1 - (1 - seen) / (1 - usual)."""
    seen = float(errors[low:high].sum()) / max(float(total[low:high].sum()), 1e-300)
    return float(np.clip(1 - (1 - seen) / max(1 - ratio, 1e-9), 0.0, 1.0))
