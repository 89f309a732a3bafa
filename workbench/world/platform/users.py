"""What users do besides asking: sessions, features that they try and keep, how satisfied they are."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray, Series, SeriesKey
from workbench.units import DAY_S, MINUTE_S
from workbench.world.delivery.launches import launched_at
from workbench.world.latency import lognormal_cdf
from workbench.world.platform.slots import Seen, Slots, histogram, split

_SESSION_BOUNDS_S = tuple(MINUTE_S * minutes for minutes in (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0))


def session_durations(world: World, slots: Slots, rates: FloatArray, seed: int) -> Iterator[Series]:
    """Histogram of the length of sessions that ended, by the law of `traffic.session_length` and `session_sigma`.

    As many end in a slot as began a mean length before.
    """
    length_s, sigma = world.traffic.session_length, world.traffic.session_sigma
    ago = np.interp(slots.times - length_s, slots.times, slots.means(rates))
    ended = stream(seed, "session ends").poisson(ago / world.traffic.requests_per_session * slots.lengths_s)
    bounds = np.array(_SESSION_BOUNDS_S)
    if sigma is None:
        cdf, variation = -np.expm1(-bounds / length_s), 1.0
    else:
        law = Lognormal.model_construct(median=length_s * math.exp(-(sigma**2) / 2), sigma=sigma)
        cdf, variation = lognormal_cdf(law, bounds), math.expm1(sigma**2)
    shares = np.diff(np.concatenate([[0.0], cdf, [1.0]]))[None]
    counts = split(ended, shares, np.zeros(len(ended), np.int64), seed, "session durations")
    # Two moments of a sum of n lengths are enough here.
    z = stream(seed, "session durations", "sum").standard_normal(len(ended))
    total = np.maximum(length_s * (ended + np.sqrt(ended * variation) * z), 0.0)
    yield from histogram("user_session_duration_seconds", _SESSION_BOUNDS_S, slots.times, counts, total, {})


def adoption(world: World, slots: Slots, seen: Seen, start: dt.datetime, seed: int) -> Iterator[Series]:
    """Users of each launched feature: those who could try it, have tried it, have kept or left it after 30 days.

    A user tries after an exponential time of which `tried_in_7d` lie within 7 days; a try during failures counts as none for the
    share of requests that fail, and the user comes back. Use ends after an exponential time of which `kept_at_30d` exceed 30 days.
    """
    users = sum(tier.users for tier in world.tiers.values())
    failing = seen.failing()
    for name, launch in sorted(world.delivery.launches.items()):
        at_s = launched_at(world, name, start)
        labels = {"feature": launch.feature, "launch": name}
        rng = stream(seed, "adoption", name)
        tried_s = at_s + _tries(rng, users, float(launch.tried_in_7d), slots, at_s, failing)
        kept = float(launch.kept_at_30d)
        stays = rng.exponential(1.0, users) * (30 * DAY_S / -math.log(kept) if 0 < kept < 1 else math.inf if kept else 0.0)
        tried, left = slots.counted_until(tried_s), slots.counted_until(tried_s + stays)
        month_ago = slots.counted_until(tried_s + 30 * DAY_S)
        kept_count = slots.counted_until(np.where(stays >= 30 * DAY_S, tried_s + 30 * DAY_S, math.inf))
        launched = slots.times >= at_s
        yield Series(SeriesKey.of("feature_users_eligible", labels), slots.times, np.where(launched, users, 0))
        yield Series(SeriesKey.of("feature_users_tried_total", labels), slots.times, tried)
        yield Series(SeriesKey.of("feature_users_active", labels), slots.times, tried - left)
        yield Series(SeriesKey.of("feature_users_30d_total", labels), slots.times, month_ago)
        yield Series(SeriesKey.of("feature_users_kept_30d_total", labels), slots.times, kept_count)


def _tries(rng: np.random.Generator, users: int, in_7d: float, slots: Slots, at_s: float, failing: FloatArray) -> FloatArray:
    """Time from the launch until each user's first try that works, `[users]`; infinity for never."""
    if in_7d <= 0:
        return np.full(users, math.inf)
    needed = rng.exponential(1.0, users) * (7 * DAY_S / -math.log1p(-in_7d) if in_7d < 1 else 0.0)
    # In a time that passes slower while requests fail.
    edges = np.concatenate([[0.0], slots.times])
    works = np.concatenate([[0.0], np.cumsum(slots.lengths_s * (1 - failing))])
    begun = float(np.interp(at_s, edges, works)) if at_s > 0 else at_s
    wanted = begun + needed
    within = np.interp(wanted, works, edges)
    when = np.where(wanted < 0, wanted, np.where(wanted <= works[-1], within, edges[-1] + wanted - works[-1]))
    out: FloatArray = np.maximum(when - at_s, 0.0)
    return out


def satisfaction(world: World, slots: Slots, seen: Seen, seed: int) -> Iterator[Series]:
    """`customer_satisfaction_score`: mean of the answers of the last 30 days; and how many were given.

    Answers lie between 1 and 5 about a mean that falls with the share of requests that failed in the day before.
    """
    stated = world.platform.satisfaction
    count = stream(seed, "satisfaction").poisson(stated.per_day / DAY_S * slots.lengths_s)
    day = max(1, round(DAY_S / float(slots.lengths_s.mean())))
    sums = np.concatenate([[0.0], np.cumsum(seen.failing())])
    upto = np.arange(1, len(slots) + 1)
    bad = (sums[upto] - sums[np.maximum(upto - day, 0)]) / np.minimum(upto, day)
    mean = stated.base - stated.per_bad_percent * 100 * bad
    number = int(count.sum())
    z = stream(seed, "satisfaction", "answers").standard_normal(number)
    slot = np.repeat(np.arange(len(slots)), count)
    given = np.clip(np.rint(mean[slot] + stated.sigma * z), 1, 5)
    points = np.concatenate([[0.0], np.cumsum(np.bincount(slot, weights=given, minlength=len(slots)))])
    answers = np.concatenate([[0], np.cumsum(count)])
    window = max(1, round(stated.window / float(slots.lengths_s.mean())))
    from_ = np.maximum(upto - window, 0)
    recent = answers[upto] - answers[from_]
    score = np.where(recent > 0, (points[upto] - points[from_]) / np.maximum(recent, 1), stated.base)
    yield Series(SeriesKey.of("customer_satisfaction_score"), slots.times, score)
    yield Series(SeriesKey.of("customer_satisfaction_answers_total"), slots.times, answers[upto])
