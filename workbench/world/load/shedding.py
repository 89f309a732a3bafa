"""Load shedding: which share of the calls of each group is refused so that the others keep the servers just busy enough."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.scenario.schema.components import Shedding


def shed_shares(shedding: Shedding | None, work: Sequence[float], tiers: Sequence[str], servers: int) -> list[float]:
    """Refused share of the calls of each group.

    Args:
        shedding: Whether and from which utilisation on; tiers that it names are refused first, in their order.
        work: Erlangs that each group brings.
        tiers: The tier of each group.
        servers: Servers that there are.
    """
    out = [0.0] * len(work)
    if shedding is None:
        return out
    excess = sum(work) - float(shedding.above) * servers
    named = [[at for at, tier in enumerate(tiers) if tier == one] for one in shedding.tiers]
    rest = [at for at, tier in enumerate(tiers) if tier not in shedding.tiers]
    for members in [*named, rest]:
        load = sum(work[at] for at in members)
        if excess <= 0:
            break
        if load <= 0:
            continue
        share = min(1.0, excess / load)
        for at in members:
            out[at] = share
        excess -= share * load
    return out
