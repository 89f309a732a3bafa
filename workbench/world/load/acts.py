"""What the incidents of a bin do together, to each component and each route."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.effects import ActiveEffect
from workbench.world.failures.strength import strength_in_bins
from workbench.world.grid import Grid
from workbench.world.impact import Act, CacheCools, CapacityFalls, ErrorsHappen, LatencyRises, Shape, TrafficRises

Codes = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Pressure:
    """On one component, or on the requests of one route."""

    slow: float = 1.0
    lost: float = 0.0
    """Share of its servers that are gone."""
    failing: float = 0.0
    codes: Codes = ()
    hits: float = 1.0
    traffic: float = 1.0
    """Requests as a multiple of the usual ones."""
    refused: Codes = ()
    """How requests beyond the usual ones are answered, as shares of all requests; empty where they fare like all others."""


NONE = Pressure()


@dataclass(frozen=True, slots=True)
class Pressures:
    """On everything that one cell's requests meet. Hashable: the same pressures give the same answers."""

    components: tuple[tuple[str, Pressure], ...] = ()
    routes: tuple[tuple[str, Pressure], ...] = ()


class Acts:
    """Turns active effects into pressures, bin by bin."""

    def __init__(self, world: World, grid: Grid, seed: int) -> None:
        self._timed = {name for name, component in world.components.items() if component.service is not None}
        self._reaching: dict[str, list[str]] = {}
        for path in sorted(world.routes):
            for name in world.reached(path):
                self._reaching.setdefault(name, []).append(path)
        self._grid, self._seed = grid, seed

    def segments(
        self, effects: Sequence[ActiveEffect], low: int, high: int, groups: Sequence[tuple[str, Pressures]]
    ) -> Iterator[tuple[int, int, tuple[Pressures, ...]]]:
        """Stretches of [low, high) under which nothing changes: begin, end, the pressures on each group.

        `groups` are the tier of each group and the pressures on it when nothing goes wrong.
        """
        acting = sorted((one for one in effects if one.overlaps(low, high)), key=lambda one: (one.first, one.id))
        edges = {low, high}
        strengths: dict[str, tuple[int, FloatArray]] = {}
        for one in acting:
            begin, end = max(low, one.first), high if one.last is None else min(high, one.last)
            edges |= {begin, end}
            shape = one.impact.shape
            if shape.kind != "step":
                values = self._strength(shape, begin, end, one)
                strengths[one.id] = begin, values
                edges |= set((begin + 1 + np.flatnonzero(np.diff(values))).tolist())
        for begin, end in itertools.pairwise(sorted(edges)):
            here = [one for one in acting if one.overlaps(begin, end)]
            weighted = []
            for one in here:
                if one.id in strengths:
                    origin, values = strengths[one.id]
                    weighted.append((one, float(values[begin - origin])))
                else:
                    weighted.append((one, 1.0))
            yield begin, end, tuple(self._together(weighted, tier, usual) for tier, usual in groups)

    def _everywhere(self, effect: ActiveEffect) -> bool:
        """Whether an incident touches every route that can reach one of its components."""
        return all(path in effect.routes for name in effect.components for path in self._reaching.get(name, ()))

    def _strength(self, shape: Shape, begin: int, end: int, effect: ActiveEffect) -> FloatArray:
        start_s = self._grid.start_of(effect.first)
        return strength_in_bins(shape, self._grid, begin, end, start_s, seed=self._seed, incident=effect.id)

    def _together(self, effects: Sequence[tuple[ActiveEffect, float]], tier: str, usual: Pressures) -> Pressures:
        components: dict[str, Pressure] = dict(usual.components)
        routes: dict[str, Pressure] = dict(usual.routes)
        for effect, strength in effects:
            if strength <= 0:
                continue
            for act in effect.impact.acts:
                # Capacity, caches and load are everybody's; who fails or waits may depend on the tier.
                shared = isinstance(act, CapacityFalls | CacheCools)
                if not shared and tier not in effect.tiers:
                    continue
                on_routes = (
                    isinstance(act, TrafficRises)
                    or not effect.components
                    or (isinstance(act, ErrorsHappen) and (act.of_requests or not self._everywhere(effect)))
                )
                if isinstance(act, LatencyRises) and not on_routes and not self._timed & set(effect.components):
                    on_routes = True
                names, where = (effect.routes, routes) if on_routes else (effect.components, components)
                for name in sorted(names):
                    if isinstance(act, LatencyRises) and not on_routes and name not in self._timed:
                        continue
                    where[name] = _with(where.get(name, NONE), act, strength)
        return Pressures(tuple(sorted(components.items())), tuple(sorted(routes.items())))


@lru_cache(maxsize=4096)
def _with(before: Pressure, act: Act, strength: float) -> Pressure:
    """A pressure with one more act, at part of its strength."""
    match act:
        case ErrorsHappen():
            ratio = act.ratio * strength
            left = before.failing * 1.0
            added = (1 - left) * ratio
            whole = left + added
            if whole <= 0:
                return before
            codes: dict[str, float] = {code: share * left / whole for code, share in before.codes}
            for code, share in act.codes:
                codes[code] = codes.get(code, 0.0) + share * added / whole
            return replace(before, failing=whole, codes=tuple(sorted(codes.items())))
        case LatencyRises():
            return replace(before, slow=before.slow * (1 + (act.factor - 1) * strength))
        case CapacityFalls():
            return replace(before, lost=1 - (1 - before.lost) * (1 - act.share * strength))
        case CacheCools():
            return replace(before, hits=before.hits * (1 + (act.factor - 1) * strength))
        case TrafficRises():
            factor = 1 + (act.factor - 1) * strength
            traffic = before.traffic * factor
            if not act.codes or factor <= 1:
                return replace(before, traffic=traffic)
            extra = (traffic - before.traffic) / traffic
            refused = {code: share * before.traffic / traffic for code, share in before.refused}
            for code, share in act.codes:
                refused[code] = refused.get(code, 0.0) + extra * share
            return replace(before, traffic=traffic, refused=tuple(sorted(refused.items())))
        case _:
            return before
