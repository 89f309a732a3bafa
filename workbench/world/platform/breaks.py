"""What failures break of the platform's own processes, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.telemetry.series import Array
from workbench.world.impact import Process


@dataclass(frozen=True, slots=True)
class Break:
    """One process goes wrong for a while."""

    process: Process
    share: float
    """Of what it does."""
    start_s: float
    end_s: float = math.inf
    """Infinity while nobody knows."""


def broken_share(breaks: Sequence[Break], process: Process, at_s: Array) -> Array | None:
    """Share that goes wrong at each time, `[len(at_s)]`: several breaks multiply what stays right. None where nothing does."""
    out: Array | None = None
    for one in breaks:
        if one.process == process:
            # As bins: what is scraped at the very start is not touched yet.
            right = 1.0 - one.share * ((at_s > one.start_s) & (at_s <= one.end_s))
            out = right if out is None else out * right
    return None if out is None else 1.0 - out


def spoiled(good: Array, breaks: Sequence[Break], process: Process, at_s: Array, uniform: Array) -> Array:
    """Which of the good outcomes stay good, `[len(at_s)]`; `uniform` are the outcomes' own random numbers."""
    share = broken_share(breaks, process, at_s)
    return good if share is None else good & (uniform >= share)
