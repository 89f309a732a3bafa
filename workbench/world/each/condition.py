"""What incidents do at the moment to each component and each route, on behalf of whom: constant within a bin of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from workbench.scenario.schema.traffic import Bot
from workbench.scenario.schema.world import World
from workbench.world.each.draws import Codes
from workbench.world.effects import ActiveEffect
from workbench.world.failures.strength import strength_in_bins
from workbench.world.grid import Grid
from workbench.world.impact import Act, CacheCools, CapacityFalls, ErrorsHappen, LatencyRises, ScrapesMissing, TrafficRises

Asker = tuple[str, str]
"""(route, tier): on whose behalf a call is made."""


@dataclass
class Failing:
    """A share of calls or requests that fails, and how it is answered."""

    share: float = 0.0
    codes: dict[str, float] = field(default_factory=dict)
    """How the failing share splits; adds up to it."""

    def add(self, ratio: float, codes: Sequence[tuple[str, float]]) -> None:
        """Of what did not fail yet, `ratio` fails."""
        more = (1 - self.share) * ratio
        for code, share in codes:
            self.codes[code] = self.codes.get(code, 0.0) + more * share
        self.share += more

    def drawn(self) -> Codes | None:
        """Draws the answer of one that fails; None if none do."""
        return Codes(sorted(self.codes.items())) if self.share > 0 else None


@dataclass
class PartCondition:
    """One component, for calls on behalf of one asker."""

    slow: float = 1.0
    failing: Failing = field(default_factory=Failing)


@dataclass
class RouteSituation:
    """One route, for requests of one tier."""

    slow: float = 1.0
    traffic: float = 1.0
    """Requests, as a multiple of the usual."""
    foreign: dict[str, float] = field(default_factory=dict)
    """Share of all requests that is answered by each of these codes because it is not what users send."""
    failing: Failing = field(default_factory=Failing)

    def of_bot(self, bot: Bot) -> RouteSituation:
        """The same for a bot, some of whose requests are answered in one way whatever the system does."""
        codes = {code: float(share) for code, share in bot.codes.items()}
        left = 1 - sum(codes.values())
        foreign = {code: left * share for code, share in self.foreign.items()}
        return replace(self, foreign={code: codes.get(code, 0.0) + foreign.get(code, 0.0) for code in sorted({*codes, *foreign})})


@dataclass
class Situation:
    """Everything that is not as usual in one bin."""

    parts: dict[tuple[str, Asker], PartCondition] = field(default_factory=dict)
    """By component and asker."""
    routes: dict[Asker, RouteSituation] = field(default_factory=dict)
    capacity: dict[str, float] = field(default_factory=dict)
    """Share of a component's servers that is left. Like caches, servers are everybody's, whomever an incident touches."""
    hits: dict[str, float] = field(default_factory=dict)
    """Factor on the hit rates of what is cached in a component."""
    scrapes_missing: float = 0.0

    def part(self, component: str, asker: Asker) -> PartCondition:
        """The condition of one component for one asker, made if it is the usual one."""
        return self.parts.setdefault((component, asker), PartCondition())

    def route(self, asker: Asker) -> RouteSituation:
        """The situation of one asker, made if it is the usual one."""
        return self.routes.setdefault(asker, RouteSituation())


def situation(world: World, effects: Sequence[ActiveEffect], grid: Grid, index: int, seed: int) -> Situation:
    """What all effects together do in bin `index`."""
    out = Situation()
    active = [effect for effect in effects if effect.overlaps(index, index + 1)] if index < len(grid) else []
    for effect in sorted(active, key=lambda effect: (effect.first, effect.id)):
        start_s = grid.start_of(effect.first)
        strong = strength_in_bins(effect.impact.shape, grid, index, index + 1, start_s, seed=seed, incident=effect.id)
        for act in effect.impact.at(float(strong[0])):
            _apply(out, world, effect, act)
    return out


def _apply(out: Situation, world: World, effect: ActiveEffect, act: Act) -> None:
    named = effect.components
    askers = [(path, tier) for path in sorted(effect.routes) for tier in sorted(effect.tiers)]
    if isinstance(act, ScrapesMissing):
        out.scrapes_missing = 1 - (1 - out.scrapes_missing) * (1 - act.share)
    elif isinstance(act, TrafficRises):
        for at in [out.route(asker) for asker in askers]:
            _more_traffic(at, act)
    elif isinstance(act, CapacityFalls):
        for name in named:
            out.capacity[name] = out.capacity.get(name, 1.0) * (1 - act.share)
    elif isinstance(act, CacheCools):
        for name in named:
            out.hits[name] = out.hits.get(name, 1.0) * act.factor
    elif isinstance(act, LatencyRises):
        busy = [name for name in named if world.components[name].service is not None]
        for part in [out.part(name, asker) for name in busy for asker in askers]:
            part.slow *= act.factor
        # What has no service time of its own is slow where the request is.
        for at in [] if busy else [out.route(asker) for asker in askers]:
            at.slow *= act.factor
    elif isinstance(act, ErrorsHappen):
        for failing in [] if act.of_requests else [out.part(name, asker).failing for name in named for asker in askers]:
            failing.add(act.ratio, act.codes)
        if act.of_requests or not named:
            for failing in [out.route(asker).failing for asker in askers]:
                failing.add(act.ratio, act.codes)


def _more_traffic(at: RouteSituation, act: TrafficRises) -> None:
    total = at.traffic * act.factor
    if act.codes and act.factor > 1:
        added = (total - at.traffic) / total
        at.foreign = {code: share * (1 - added) for code, share in at.foreign.items()}
        for code, share in act.codes:
            at.foreign[code] = at.foreign.get(code, 0.0) + added * share
    at.traffic = total
