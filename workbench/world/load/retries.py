"""Clients that try again."""

from __future__ import annotations

import numpy as np

from workbench.scenario.schema.traffic import Traffic
from workbench.telemetry.series import FloatArray
from workbench.world.network.fares import retried_share


def attempts_per_request(traffic: Traffic, failing: float) -> float:
    """Attempts that clients make for one request when a share of all attempts fails, for good: 1 + pq + (pq)^2 + ..."""
    retries = traffic.retries
    if retries is None or failing <= 0:
        return 1.0
    again = failing * retried_share(failing, retries)
    return sum(again**number for number in range(retries.attempts))


def following(traffic: Traffic, first: FloatArray, again: FloatArray, failed: FloatArray) -> FloatArray:
    """Attempts that clients make in the next bin, `[routes, cells, attempts - 1]`: second ones, third ones, ...

    Failed attempts of this bin move on by one, within the budget. Waits between attempts count as one bin.

    Args:
        traffic: With the retries of clients.
        first: First attempts, `[routes, cells]`.
        again: Later ones, as the result.
        failed: Share of all attempts after which clients try again, `[routes, cells]`.
    """
    retries = traffic.retries
    if retries is None:
        return again
    wanted: FloatArray = np.concatenate([first[:, :, None], again], axis=2)[:, :, :-1] * failed[:, :, None]
    if retries.budget is not None:
        allowed = float(retries.budget) * first
        total = np.zeros_like(first)
        for number in range(wanted.shape[2]):
            total += wanted[:, :, number]
        wanted = wanted * np.minimum(1.0, np.divide(allowed, total, out=np.ones_like(total), where=total > 0))[:, :, None]
    return wanted


def in_equilibrium(traffic: Traffic, first: FloatArray, failed: FloatArray) -> FloatArray:
    """The same when the same share has failed for long."""
    retries = traffic.retries
    count = 0 if retries is None else retries.attempts - 1
    out = np.zeros((*first.shape, count))
    if retries is None or not failed.any():
        return out
    share = np.array([[one * retried_share(one, retries) if one > 0 else 0.0 for one in row] for row in failed.tolist()])
    current = first
    for number in range(count):
        current = current * share
        out[:, :, number] = current
    return out
