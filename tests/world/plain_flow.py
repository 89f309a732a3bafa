"""A load whose every answer can be computed by hand: one lognormal law a route, errors, slowdowns and more traffic by effect.

Nothing waits for anything: a course depends on its own bins alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.course import Answer, Course, RouteCourse
from workbench.world.effects import ActiveEffect
from workbench.world.failures.strength import strength_in_bins
from workbench.world.grid import Grid
from workbench.world.impact import ErrorsHappen, LatencyRises, TrafficRises
from workbench.world.latency import TIMEOUT_CODES, LatencyClasses, lognormal_cdf
from workbench.world.layout import RouteLayout

_Key = tuple[int, float, tuple[tuple[str, float], ...], tuple[ErrorsHappen, ...]]
"""Layout; how slow; codes of requests beyond the usual ones, as shares of the latter; errors."""
_ACTS = ErrorsHappen | LatencyRises | TrafficRises


class PlainFlow:
    """The course of a world whose routes fare alike at any load."""

    def __init__(self, world: World, layouts: tuple[RouteLayout, ...], grid: Grid, rates: FloatArray, seed: int) -> None:
        """`rates` are the requests a second over all routes and cells, `[bins]`."""
        self._world = world
        self._layouts = layouts
        self._grid = grid
        self._seed = seed
        self._expected = rates * grid.widths_s
        self._answers: dict[_Key, Answer] = {}
        self._shares = {
            layout.route: np.array([float(world.tiers[tier].traffic_share) for tier, _ in layout.cells]) for layout in layouts
        }

    def usual(self) -> Course:
        """The whole run when nothing goes wrong."""
        bins = len(self._expected)
        routes = {}
        for index, layout in enumerate(self._layouts):
            which = np.broadcast_to(np.int32(0), (len(layout.cells), bins))
            routes[layout.route] = RouteCourse(which, self._requests(layout, 0, bins), (self._answer((index, 1.0, (), ())),))
        return Course(0, bins, routes)

    def course(self, low: int, high: int, effects: Sequence[ActiveEffect]) -> Course:
        """Bins [low, high); routes that fare as usual in all of them are left out."""
        routes = {}
        for index, layout in enumerate(self._layouts):
            touching = [effect for effect in effects if layout.route in effect.routes and effect.overlaps(low, high)]
            acting = [effect for effect in touching if any(isinstance(act, _ACTS) for act in effect.impact.acts)]
            if acting:
                routes[layout.route] = self._route(index, low, high, sorted(acting, key=lambda effect: (effect.first, effect.id)))
        return Course(low, high, routes)

    def forget(self, first: int) -> None:
        """Bins from `first` on will be asked for again; nothing here depends on those before."""

    def _route(self, index: int, low: int, high: int, effects: Sequence[ActiveEffect]) -> RouteCourse:
        layout = self._layouts[index]
        which = np.zeros((len(layout.cells), high - low), np.int32)
        keys: dict[_Key, int] = {(index, 1.0, (), ()): 0}
        requests = self._requests(layout, low, high)
        strengths = [self._strength(effect, low, high) for effect in effects]
        turns = [low + 1 + np.flatnonzero(np.diff(one)) for one in strengths]
        for begin, end in itertools.pairwise(sorted({low, high, *np.concatenate(turns).tolist()})):
            for row, (tier, _) in enumerate(layout.cells):
                acting = [
                    (act, float(one[begin - low]))
                    for one, effect in zip(strengths, effects, strict=True)
                    if tier in effect.tiers and one[begin - low] > 0
                    for act in effect.impact.acts
                ]
                slow = math.prod(1 + (act.factor - 1) * at for act, at in acting if isinstance(act, LatencyRises))
                errors = tuple(ErrorsHappen(act.ratio * at, act.codes) for act, at in acting if isinstance(act, ErrorsHappen))
                more = [(act, (act.factor - 1) * at) for act, at in acting if isinstance(act, TrafficRises)]
                alike = 1 + sum(times for act, times in more if not act.codes)
                refused = tuple((code, share * times / alike) for act, times in more for code, share in act.codes)
                key = (index, slow, refused, errors)
                which[row, begin - low : end - low] = keys.setdefault(key, len(keys))
                if more:
                    requests[row, begin - low : end - low] *= 1 + sum(times for _, times in more)
        return RouteCourse(which, requests, tuple(self._answer(key) for key in keys))

    def _strength(self, effect: ActiveEffect, low: int, high: int) -> FloatArray:
        """How strong an effect is in bins [low, high); 0 where it does not act."""
        out = np.zeros(high - low)
        begin, end = max(low, effect.first), high if effect.last is None else min(high, effect.last)
        if begin < end:
            start_s = self._grid.start_of(effect.first)
            shape = effect.impact.shape
            out[begin - low : end - low] = strength_in_bins(
                shape, self._grid, begin, end, start_s, seed=self._seed, incident=effect.id
            )
        return out

    def _requests(self, layout: RouteLayout, low: int, high: int) -> FloatArray:
        share = float(self._world.routes[layout.route].share)
        out: FloatArray = np.multiply.outer(self._shares[layout.route] * share, self._expected[low:high])
        return out

    def _answer(self, key: _Key) -> Answer:
        if key not in self._answers:
            self._answers[key] = self._made(*key)
        return self._answers[key]

    def _made(self, index: int, slow: float, refused: tuple[tuple[str, float], ...], errors: tuple[ErrorsHappen, ...]) -> Answer:
        layout = self._layouts[index]
        others = layout.others
        classes = layout.classes
        usual_law = law_of(self._world, layout)
        law = Lognormal.model_construct(median=usual_law.median * slow, sigma=usual_law.sigma)
        codes = self._world.routes[layout.route].codes
        usual = np.array([float(codes.get(code, 0)) for code in others])
        marks = np.concatenate([(1.0 - usual.sum()) * shares_of(law, classes), usual])
        answered = np.array([True] * classes.count + [not code.startswith("5") for code in others])
        for act in errors:
            failing = marks[answered].sum() * act.ratio
            marks[answered] *= 1 - act.ratio
            for code, share in act.codes:
                marks[_row(layout, code)] += failing * share
        for code, times in refused:
            marks[_row(layout, code)] += times
        spread = np.zeros((len(others), classes.count))
        late = np.array([code in TIMEOUT_CODES for code in others], dtype=bool)
        spread[~late, 0] = spread[late, classes.timeout_class] = 1.0
        means = _means_of(law, classes)
        timeout = self._world.traffic.timeout
        other_means = np.where(late, timeout, means[0])
        weights = np.concatenate([means, other_means])
        failing_share = float(sum(mark for mark, code in zip(marks[classes.count :], others, strict=True) if code.startswith("5")))
        return Answer(
            marks=marks / marks.sum(),
            body=_body_of(law, classes),
            class_means_s=means,
            other_means_s=other_means,
            other_classes=spread,
            visits=dict.fromkeys(self._world.reached(layout.route), 1.0),
            failing=failing_share,
            mean_s=float(marks @ weights),
        )


def law_of(world: World, layout: RouteLayout) -> Lognormal:
    """The latency of a route without components that take time."""
    law = world.routes[layout.route].latency
    assert law is not None
    return law


def shares_of(law: Lognormal, classes: LatencyClasses) -> FloatArray:
    """Share of requests in each class."""
    out: FloatArray = np.diff(lognormal_cdf(law, np.array([0.0, *classes.tail_bounds, math.inf])))
    return out


def _body_of(law: Lognormal, classes: LatencyClasses) -> FloatArray:
    parts = np.diff(lognormal_cdf(law, np.array([0.0, *classes.body_bounds, classes.tail_bounds[0]])))
    out: FloatArray = parts / parts.sum()
    return out


def _means_of(law: Lognormal, classes: LatencyClasses) -> FloatArray:
    """Partial expectations of the lognormal law over its shares."""
    mu, sigma = math.log(law.median), law.sigma
    shifted = Lognormal.model_construct(median=math.exp(mu + sigma * sigma), sigma=sigma)
    edges = np.array([0.0, *classes.tail_bounds, math.inf])
    partial = math.exp(mu + sigma * sigma / 2) * np.diff(lognormal_cdf(shifted, edges))
    mass = shares_of(law, classes)
    out: FloatArray = np.where(mass > 1e-12, partial / np.maximum(mass, 1e-300), [*classes.tail_bounds, classes.tail_bounds[-1]])
    return out


def _row(layout: RouteLayout, code: str) -> int:
    """Class row of an answer; one with the success code is fast."""
    return 0 if code == layout.codes[0] else layout.classes.count + layout.others.index(code)
