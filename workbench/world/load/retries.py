"""Clients that try again."""

from __future__ import annotations

from workbench.scenario.schema.traffic import Traffic
from workbench.world.network.fares import retried_share


def attempts_per_request(traffic: Traffic, failing: float) -> float:
    """Attempts that clients make for one request when a share of all attempts fails, for good: 1 + pq + (pq)^2 + ..."""
    retries = traffic.retries
    if retries is None or failing <= 0:
        return 1.0
    again = failing * retried_share(failing, retries)
    return sum(again**number for number in range(retries.attempts))
