"""What a failure mode of a world, or one scripted incident, comes to: library, stated strengths and blast radius put together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from workbench.scenario.schema.failures import ErrorEffect, FailureMode, WeeklyProfile
from workbench.scenario.schema.incidents import ScriptedIncident
from workbench.scenario.schema.strengths import DURATIONS, IncidentShape, LibraryMode, Strengths, Target
from workbench.scenario.schema.world import Effect, World
from workbench.world.failures.mode import REGION_SHARE, Duration, Mode
from workbench.world.failures.registry import all_modes
from workbench.world.impact import (
    Act,
    CacheCools,
    CapacityFalls,
    ErrorsHappen,
    Impact,
    LatencyRises,
    MemoryGrows,
    MetricBreaks,
    ScrapesMissing,
    Shape,
    TrafficRises,
    scaled,
)

_FAILED = (("503", 1.0),)
"""How calls are answered whose failure states no codes."""
_DECAY_S = 300.0


@dataclass(frozen=True)
class Definition:
    """All that decides what an incident does, but for the draws."""

    components: tuple[str, ...]
    routes: tuple[str, ...]
    tiers: tuple[str, ...]
    acts: tuple[Act, ...]
    """At full strength on every host, of the incident in the middle."""
    hosts: float
    spread: float
    shape: Shape
    duration: Duration
    weekly: WeeklyProfile | None = None
    restarts: tuple[str, ...] = ()

    def impact(self, z: float, lasts_s: float) -> Impact:
        """Of one incident, `z` standard deviations stronger than the one in the middle, that lasts so long if nobody acts."""
        shape = replace(self.shape, rise_s=lasts_s) if self.shape.kind == "ramp" and self.shape.rise_s == 0 else self.shape
        return Impact(tuple(_on_hosts(drawn(act, self.spread, z), self.hosts) for act in self.acts), shape)

    def lasts_s(self, z: float) -> float:
        """Natural duration of one incident, `z` standard deviations from the median."""
        return self.duration.median_s * math.exp(self.duration.sigma * z)

    @property
    def codes(self) -> frozenset[str]:
        """Every code with which it can answer a request."""
        return frozenset(code for act in self.acts if isinstance(act, ErrorsHappen | TrafficRises) for code, _ in act.codes)


def of_mode(world: World, mode: FailureMode) -> Definition:
    """A failure mode of the world."""
    if mode.effect is not None:
        acts, spread = of_effect(mode.effect)
        return _definition(world, mode, None, acts, spread, mode.shape, _law(mode), mode.weekly)
    known = all_modes()[mode.library].mode if mode.library else None
    spread = mode.spread if mode.spread is not None else known.spread if known else 0.0
    weekly = mode.weekly if mode.weekly is not None or known is None or mode.business_hours_factor != 1 else known.weekly
    duration = known.duration if known and mode.duration is None else _law(mode)
    return _definition(world, mode, known, _acts(known, mode), spread, mode.shape, duration, weekly)


def of_scripted(world: World, incident: ScriptedIncident) -> Definition:
    """A scripted incident: nothing of it is drawn."""
    known = all_modes()[incident.library].mode if incident.library else None
    if incident.lasts is not None:
        duration = Duration(incident.lasts, 0.0)
    else:
        duration = known.duration if known else Duration.of("announced")
    return _definition(world, incident, known, _acts(known, incident), 0.0, incident.shape, duration, None)


def definitions(world: World) -> tuple[Definition, ...]:
    """All that can happen in the world beside bad deployments: its failure modes, then its scripted incidents."""
    modes = [of_mode(world, world.failure_modes[name]) for name in sorted(world.failure_modes)]
    # Of thousands of incidents from a list few differ in what they do.
    different = {(one.library, one.named, one.routes, *map(str, _strengths(one))): one for one in world.incidents}
    return (*modes, *(of_scripted(world, one) for one in different.values()))


def of_effect(effect: Effect) -> tuple[tuple[Act, ...], float]:
    """What an explicit effect does in the middle, and how much that varies."""
    if isinstance(effect, ErrorEffect):
        return (ErrorsHappen(float(effect.ratio_median), _shares(effect.codes)),), effect.ratio_sigma
    return (LatencyRises(effect.factor_median),), effect.factor_sigma


def drawn(act: Act, spread: float, z: float) -> Act:
    """The act of an incident `z` standard deviations from the one in the middle: lognormal, cut where no more is possible."""
    by = math.exp(spread * z)
    match act:
        case ErrorsHappen():
            return replace(act, ratio=min(1.0, act.ratio * by))
        case LatencyRises() | TrafficRises():
            return replace(act, factor=1 + (act.factor - 1) * by)
        case CacheCools():
            return CacheCools(max(0.0, 1 - (1 - act.factor) * by))
        case _:
            return replace(act, share=min(1.0, act.share * by))


def routes_touched(world: World, components: tuple[str, ...], only: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Routes that need any of the components, all where none is named; of `only` where that is stated. Sorted."""
    return tuple(
        path
        for path in sorted(world.routes)
        if (not only or path in only) and (not components or set(components) & set(world.reached(path)))
    )


def routes_served(world: World, components: tuple[str, ...]) -> tuple[str, ...]:
    """Routes whose counters one of the components exports, sorted."""
    return tuple(path for path in sorted(world.routes) if world.routes[path].serving in components)


def library_name(library: LibraryMode | None) -> str:
    """For reports."""
    return library or "scripted"


def _definition(
    world: World,
    target: Target,
    known: Mode | None,
    acts: tuple[Act, ...],
    spread: float,
    shape: IncidentShape | None,
    duration: Duration,
    weekly: WeeklyProfile | None,
) -> Definition:
    radius = known.radius if known else "component"
    components = target.named
    if radius == "region" and not components:
        components = tuple(sorted(name for name, component in world.components.items() if component.service is not None))
    # What only components can suffer is nothing where none is named.
    kept = tuple(act for act in acts if components or not isinstance(act, CapacityFalls | CacheCools | MemoryGrows))
    named = target.named or target.routes
    if not named and radius == "platform":
        routes: tuple[str, ...] = ()
    elif target.named and not target.routes and all(isinstance(act, ScrapesMissing) for act in kept):
        routes = routes_served(world, target.named)
    else:
        routes = routes_touched(world, target.named, target.routes)
    return Definition(
        components=components,
        routes=routes,
        tiers=tuple(sorted(target.tiers or world.tiers)),
        acts=kept,
        hosts=_hosts(world, target, known),
        spread=spread,
        shape=_shape(shape) if shape is not None else known.shape if known else Shape(),
        duration=duration,
        weekly=weekly,
        restarts=routes_served(world, components) if known and known.restarts else (),
    )


def _hosts(world: World, target: Target, known: Mode | None) -> float:
    stated = target.hosts is not None or target.region is not None
    share = float(target.hosts) if target.hosts is not None else 1.0
    if target.region is not None:
        share *= float(world.regions.get(target.region, 0))
    if stated or known is None:
        return share
    return REGION_SHARE if known.radius == "region" else known.hosts


def _on_hosts(act: Act, share: float) -> Act:
    """What the act comes to where only a share of the hosts suffers it; who sends requests and what is measured has no hosts."""
    return act if isinstance(act, TrafficRises | MetricBreaks) else scaled(act, share)


def _acts(known: Mode | None, stated: Strengths) -> tuple[Act, ...]:
    """The acts of the library with what is stated in place of them or beside them."""
    acts = known.acts if known else ()
    new: dict[type[Act], Act] = {}
    if stated.errors is not None:
        new[ErrorsHappen] = ErrorsHappen(float(stated.errors), _FAILED)
    if stated.latency is not None:
        new[LatencyRises] = LatencyRises(stated.latency)
    if stated.capacity_lost is not None:
        new[CapacityFalls] = CapacityFalls(float(stated.capacity_lost))
    if stated.cache_hits is not None:
        new[CacheCools] = CacheCools(float(stated.cache_hits))
    if stated.traffic is not None:
        new[TrafficRises] = TrafficRises(stated.traffic)
    if stated.scrapes_missing is not None:
        new[ScrapesMissing] = ScrapesMissing(float(stated.scrapes_missing))
    if stated.memory is not None:
        new[MemoryGrows] = MemoryGrows(float(stated.memory))
    codes, traffic_codes = _shares(stated.codes), _shares(stated.traffic_codes)

    def settled(act: Act) -> Act:
        own, stated_act = act, new.pop(type(act), None)
        if isinstance(own, MetricBreaks):
            return own if stated.breaks is None else replace(own, share=float(stated.breaks))
        # How it is answered, and what it is a share of, stays that of the library.
        if isinstance(stated_act, ErrorsHappen) and isinstance(own, ErrorsHappen):
            return replace(own, ratio=stated_act.ratio)
        if isinstance(stated_act, TrafficRises) and isinstance(own, TrafficRises):
            return replace(own, factor=stated_act.factor)
        return own if stated_act is None else stated_act

    def answered(act: Act) -> Act:
        if isinstance(act, ErrorsHappen) and codes:
            return replace(act, codes=codes)
        return replace(act, codes=traffic_codes) if isinstance(act, TrafficRises) and traffic_codes else act

    kept = [settled(act) for act in acts]
    return tuple(answered(act) for act in (*kept, *new.values()))


def _strengths(stated: Strengths) -> Iterator[object]:
    return (getattr(stated, name) for name in Strengths.model_fields)


def _shares(codes: Mapping[str, Decimal]) -> tuple[tuple[str, float], ...]:
    return tuple((code, float(share)) for code, share in sorted(codes.items()) if share > 0)


def _law(mode: FailureMode) -> Duration:
    law = mode.duration if mode.duration is not None else DURATIONS["announced"]
    return Duration(law.median, law.sigma)


def _shape(stated: IncidentShape) -> Shape:
    rise_s = stated.rise if stated.rise is not None else _DECAY_S if stated.kind == "spike" else 0.0
    return Shape(stated.kind, rise_s=rise_s, period_s=stated.period, duty=float(stated.duty))
