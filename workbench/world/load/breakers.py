"""Circuit breakers, bin by bin: at the end of each, a breaker looks at the calls that were made in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from workbench.scenario.schema.components import Breaker
from workbench.world.load.situations import Edge

Open = tuple[tuple[Edge, int], ...]
"""Open breakers, sorted, each with the first bin in which calls get through again."""


def broken_in(open_until: Open, at: int) -> tuple[Edge, ...]:
    """Breakers that are open during bin `at`."""
    return tuple(edge for edge, until in open_until if at < until)


def looked(
    open_until: Open, seen: Mapping[Edge, Sequence[tuple[float, float]]], breakers: Mapping[Edge, Breaker], at: int, width_s: float
) -> Open:
    """Open breakers after bin `at`.

    Args:
        open_until: Before it.
        seen: For each breaker the calls in the bin and which share of them failed, of one open what probes see.
        breakers: Their parameters.
        at: The bin.
        width_s: Its length.
    """
    out = dict(open_until)
    for edge, parts in sorted(seen.items()):
        breaker = breakers[edge]
        calls = math.fsum(weight for weight, _ in parts)
        share = math.fsum(weight * part for weight, part in parts) / calls if calls > 0 else 0.0
        is_open = at < out.get(edge, at)
        fails = share >= float(breaker.opens_at) and (is_open or calls >= breaker.min_calls)
        if is_open and at + 1 < out[edge]:
            continue
        # Open for the last bin, it probes at its end: as long as probes fail it stays open.
        if fails:
            out[edge] = at + 1 + max(1, math.ceil(breaker.open_for / width_s))
        else:
            out.pop(edge, None)
    return tuple(sorted(out.items()))
