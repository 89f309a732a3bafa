"""How strong an incident is from bin to bin."""

from __future__ import annotations

import numpy as np

from workbench.rng import stream
from workbench.telemetry.series import FloatArray
from workbench.world.grid import Grid
from workbench.world.impact import Shape

STEPS = 16
"""Strengths are multiples of 1/16, so that few different conditions of a component occur."""
_CYCLES = 64
"""Cycles of an intermittent incident that are drawn at once."""


def strength(shape: Shape, since_s: FloatArray, seed: int, incident: str) -> FloatArray:
    """How strong it is `since_s` seconds after its onset, `[n]`, in multiples of 1/16 from 0 to 1.

    `since_s` are not negative. Only an intermittent incident draws, keyed by the incident: the same moment has the same strength
    whatever other moments are asked for.
    """
    exact = _exact(shape, since_s, seed, incident)
    quantised: FloatArray = np.rint(exact * STEPS) / STEPS
    return quantised


def strength_in_bins(shape: Shape, grid: Grid, first: int, last: int, start_s: float, *, seed: int, incident: str) -> FloatArray:
    """How strong it is in the middle of the bins [first, last), `[last - first]`."""
    since_s: FloatArray = np.maximum(grid.middles_s[first:last] - start_s, 0.0)
    return strength(shape, since_s, seed, incident)


def _exact(shape: Shape, since_s: FloatArray, seed: int, incident: str) -> FloatArray:
    on: FloatArray = np.ones(len(since_s))
    match shape.kind:
        case "ramp" if shape.rise_s > 0:
            on = np.minimum(since_s / shape.rise_s, 1.0)
        case "spike" if shape.rise_s > 0:
            on = np.exp(-since_s / shape.rise_s)
        case "flapping" if shape.period_s > 0:
            on = (np.mod(since_s, shape.period_s) < shape.duty * shape.period_s).astype(np.float64)
        case "intermittent" if shape.period_s > 0 and 0 < shape.duty < 1:
            on = _intermittent(shape, since_s, seed, incident)
        case "intermittent":
            on = np.full(len(since_s), float(shape.duty > 0))
        case _:
            pass
    return on


def _intermittent(shape: Shape, since_s: FloatArray, seed: int, incident: str) -> FloatArray:
    """An on-off process that begins on; both lengths are exponential."""
    rng = stream(seed, "strength", incident)
    last_s = float(since_s.max()) if len(since_s) else 0.0
    changes: list[FloatArray] = [np.zeros(1)]
    reached_s = 0.0
    while reached_s <= last_s:
        lengths = rng.exponential(1.0, (_CYCLES, 2)) * (shape.duty * shape.period_s, (1 - shape.duty) * shape.period_s)
        more: FloatArray = reached_s + np.cumsum(lengths.ravel())
        changes.append(more)
        reached_s = float(more[-1])
    began = np.searchsorted(np.concatenate(changes), since_s, side="right") - 1
    on: FloatArray = (began % 2 == 0).astype(np.float64)
    return on
