"""Customers who ask for help, and when they are answered."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.telemetry.series import Array, FloatArray, Series, SeriesKey
from workbench.units import HOUR_S
from workbench.world.platform.slots import Seen, Slots, histogram_of
from workbench.world.working_time import WorkingTime

_MONTH_S = 30 * 86_400.0
_BOUNDS_S = tuple(HOUR_S * hours for hours in (0.5, 1.0, 2.0, 4.0, 8.0, 24.0, 48.0, 72.0, 168.0))
_MANY = 50.0
_COLUMNS = 16


def support_series(world: World, slots: Slots, seen: Seen, start: dt.datetime, seed: int) -> Iterator[Series]:
    """Tickets opened, answered and solved, by tier. Times to answer and to solve are elapsed hours from opening.

    A tier's tickets are a Poisson process: so many for each user in a month, more for each request that failed.
    """
    support = world.platform.support
    horizon_s = slots.grid.horizon_s
    hours = {True: WorkingTime(None, start, horizon_s), False: WorkingTime(support.hours, start, horizon_s)}
    for tier in sorted(world.tiers):
        stated = support.tiers.get(tier, support.default)
        _, failed = seen.of_tier(tier)
        calm = stream(seed, "tickets", tier).poisson(world.tiers[tier].users * stated.per_user_month / _MONTH_S * slots.lengths_s)
        # By slot for the failed ones: a policy that acts in one slot changes no other.
        angry = _thinned(failed, support.per_failed_request, seed, tier)
        count = calm + angry
        slot = np.repeat(np.arange(len(slots)), count)
        number = np.arange(len(slot)) - np.repeat(np.cumsum(count) - count, count)
        uniform, answer_z, solve_z = _keyed(slot, number, seed, tier)
        opened = slots.begins[slot] + uniform * slots.lengths_s[slot]
        works = hours[stated.around_the_clock]
        answered = works.after(opened, _lognormal(stated.respond, answer_z))
        solved = np.full(len(opened), math.inf)
        known = np.isfinite(answered)
        solved[known] = works.after(answered[known], _lognormal(stated.resolve, solve_z[known]))
        labels = {"tier": tier}
        times = slots.times
        begun, done = slots.counted_until(opened), slots.counted_until(solved)
        yield Series(SeriesKey.of("support_tickets_opened_total", labels), times, begun)
        yield Series(SeriesKey.of("support_tickets_resolved_total", labels), times, done)
        yield Series(SeriesKey.of("support_tickets_open", labels), times, begun - done)
        yield from histogram_of("support_response_seconds", _BOUNDS_S, slots, answered, answered - opened, labels)
        yield from histogram_of("support_resolution_seconds", _BOUNDS_S, slots, solved, solved - opened, labels)


def _thinned(failed: FloatArray, share: float, seed: int, tier: str) -> Array:
    """Tickets because of failed requests in each slot, `[slots]`.

    Poisson, by inversion of one uniform number a slot, so that what happens in one slot changes no other; normal where there are
    many.
    """
    rng = stream(seed, "tickets of failed requests", tier)
    uniform, z = rng.random(len(failed)), rng.standard_normal(len(failed))
    mean = failed * share
    many = mean > _MANY
    out = np.where(many, np.maximum(np.rint(mean + np.sqrt(mean) * z), 0.0), 0.0).astype(np.int64)
    mean = np.where(many, 0.0, mean)
    term = np.exp(-mean)
    reached = term.copy()
    k = 0
    while (more := uniform >= reached).any() and k < 4 * _MANY:
        k += 1
        out[more & ~many] = k
        term = term * mean / k
        reached = reached + term
        reached[many] = 1.0
    return out


def _keyed(slot: Array, number: Array, seed: int, tier: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A uniform and two normal numbers of each ticket: those of the n-th of a slot are the same whatever other slots hold."""
    out = np.empty((3, len(slot)))
    slots = int(slot.max(initial=-1)) + 1
    for n in range(min(_COLUMNS, int(number.max(initial=-1)) + 1)):
        chosen = number == n
        at = slot[chosen]
        out[0, chosen] = stream(seed, "support", tier, n).random(slots)[at]
        for row, name in ((1, "answer"), (2, "solve")):
            out[row, chosen] = stream(seed, "support", tier, n, name).standard_normal(slots)[at]
    # Slots with very many have a stream of their own.
    for crowded in np.unique(slot[number >= _COLUMNS]):
        chosen = (slot == crowded) & (number >= _COLUMNS)
        rng = stream(seed, "support", tier, "slot", int(crowded))
        out[0, chosen] = rng.random(int(chosen.sum()))
        out[1:, chosen] = rng.standard_normal((2, int(chosen.sum())))
    return out[0], out[1], out[2]


def _lognormal(law: Lognormal, z: FloatArray) -> FloatArray:
    out: FloatArray = law.median * np.exp(law.sigma * z)
    return out
