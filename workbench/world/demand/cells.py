"""Who sends requests: the rows of every route's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.scenario.schema.traffic import WEEKDAYS, Audience, Bot, Closed
from workbench.scenario.schema.world import World


@dataclass(frozen=True)
class Cell:
    """Users of one tier, of one segment of it, or one bot."""

    tier: str
    segment: str
    """Empty where the tier has none; the bot's name for a bot."""
    weight: float
    """Share of the usual traffic; 0 for a bot, whose requests come on top."""
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]
    """Monday first."""
    zone: str | None
    """None is the scenario's."""
    mix: Mapping[str, float]
    """Share of each route among its requests, adding up to 1."""
    closed: Closed | None
    bot: Bot | None = None

    @property
    def labels(self) -> tuple[str, str]:
        """Values of `tier` and `segment`."""
        return self.tier, self.segment


def cells_of(world: World) -> tuple[Cell, ...]:
    """All rows, sorted by tier and segment."""
    traffic = world.traffic
    shares = {path: float(route.share) for path, route in world.routes.items()}
    out: list[Cell] = []
    for name, tier in sorted(world.tiers.items()):
        parts: list[tuple[str, float, tuple[Audience, ...]]] = [
            (segment, float(part.share), (part, tier)) for segment, part in sorted(tier.segments.items())
        ] or [("", 1.0, (tier,))]
        for segment, share, levels in parts:
            hours = next((level.hours for level in levels if level.hours is not None), traffic.hours)
            weekdays = next((level.weekdays for level in levels if level.weekdays is not None), traffic.weekdays)
            zone = next((level.timezone for level in levels if level.timezone is not None), None)
            closed = next((level.closed for level in levels if level.closed is not None), traffic.closed)
            factors = dict.fromkeys(shares, 1.0)
            for level in reversed(levels):
                factors.update(level.routes)
            out.append(
                Cell(
                    tier=name,
                    segment=segment,
                    weight=float(tier.traffic_share) * share,
                    hours=tuple(hours),
                    weekdays=tuple(weekdays[day] for day in WEEKDAYS),
                    zone=zone,
                    mix=_shared({path: shares[path] * factors[path] for path in shares}),
                    closed=closed or None,
                )
            )
    for name, bot in sorted(traffic.bots.items()):
        mix = _shared({path: float(bot.routes.get(path, 0.0)) for path in shares} if bot.routes else shares)
        out.append(Cell(bot.tier, name, 0.0, (1.0,) * 24, (1.0,) * 7, bot.timezone, mix, None, bot))
    return tuple(sorted(out, key=lambda cell: cell.labels))


def _shared(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("the requests of these users go to no route")
    return {path: weight / total for path, weight in sorted(weights.items())}
