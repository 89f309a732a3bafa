"""Visits of pages and their web vitals. The largest paint waits for the answer of the page's route."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray, Series, SeriesKey
from workbench.world.latency import lognormal_cdf
from workbench.world.platform.slots import Seen, Slots, histogram, split

PAINT_S = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 10.0)
INTERACTION_S = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
FIRST_INPUT_S = (0.01, 0.025, 0.05, 0.1, 0.3, 1.0)
SHIFT = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
"""The limits of "good" (2.5 s, 200 ms, 100 ms, 0.1) and "poor" (4 s, 500 ms, 300 ms, 0.25) are among them."""
_LEVELS_A_DOUBLING = 16
"""Mean answer times are rounded to steps of 4 %."""


def web_series(world: World, slots: Slots, seen: Seen, seed: int) -> Iterator[Series]:
    """Visits of each page, and histograms of LCP, INP, FID and CLS."""
    web = world.platform.web
    for page in pages(world):
        good, answer_s = seen.of_route(page)
        visits = stream(seed, "visits", page).binomial(good.astype(np.int64), float(web.visits))
        labels = {"page": page}
        yield Series(SeriesKey.of("page_visits_total", labels), slots.times, np.cumsum(visits))
        level = np.round(np.log2(np.maximum(answer_s, 1e-4)) * _LEVELS_A_DOUBLING).astype(np.int64)
        levels, which = np.unique(level, return_inverse=True)
        means = 2.0 ** (levels / _LEVELS_A_DOUBLING)
        paint = np.array([_shares(_paint(PAINT_S, web.render, float(mean))) for mean in means])
        usual = web.render.median * math.exp(web.render.sigma**2 / 2)
        counts = split(visits, paint, which, seed, f"LCP {page}")
        total = visits * (usual + means[which])
        yield from histogram("web_vitals_lcp_seconds", PAINT_S, slots.times, counts, total, labels)
        layout_shift = Lognormal.model_construct(median=web.shift_median, sigma=web.shift_sigma)
        for name, bounds, law in (
            ("web_vitals_inp_seconds", INTERACTION_S, web.interaction),
            ("web_vitals_fid_seconds", FIRST_INPUT_S, web.first_input),
            ("web_vitals_cls", SHIFT, layout_shift),
        ):
            shares = _shares(lognormal_cdf(law, np.array(bounds)))[None]
            counts = split(visits, shares, np.zeros(len(visits), np.int64), seed, f"{name} {page}")
            mean = law.median * math.exp(law.sigma**2 / 2)
            yield from histogram(name, bounds, slots.times, counts, visits * mean, labels)


def pages(world: World) -> tuple[str, ...]:
    """Routes that are pages, sorted."""
    stated = world.platform.web.pages
    return tuple(sorted(stated)) or tuple(sorted(path for path, route in world.routes.items() if route.journey == "dashboard"))


def _paint(bounds: tuple[float, ...], render: Lognormal, answer_s: float) -> FloatArray:
    """P(LCP <= bound): the answer, exponential about its mean, and then the rendering."""
    part = (np.arange(24) + 0.5) / 24
    answers = -np.log1p(-part) * answer_s
    out: FloatArray = np.mean([lognormal_cdf(render, np.array(bounds) - one) for one in answers], axis=0)
    return out


def _shares(cdf: FloatArray) -> FloatArray:
    """Probability of each bucket, `[bounds + 1]`, adding up to 1."""
    return np.diff(np.concatenate([[0.0], cdf, [1.0]]))
