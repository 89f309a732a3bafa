"""Names that traffic uses for parts of its world, and shares of segments that must add up."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from workbench.errors import Problem
from workbench.scenario.explain import PathOf
from workbench.scenario.mentions import entries, names_of, shares, texts, unknown
from workbench.scenario.schema.base import MOST_NAMED
from workbench.scenario.tree import Entry, MapNode, Node, Path, ScalarNode, find, show


def traffic_problems(world: Node, path_of: PathOf) -> Iterator[Problem]:
    """Routes and tiers that segments, events and bots name and that are not there; segments whose shares do not fill their tier."""
    routes, tiers = names_of(world, ("routes",)), names_of(world, ("tiers",))
    for name, tier in entries(world, ("tiers",)):
        yield from _weighted(tier.node, ("tiers", name), routes, path_of)
        segments = ("tiers", name, "segments")
        for segment, entry in entries(world, segments):
            yield from _weighted(entry.node, (*segments, segment), routes, path_of)
            yield from _as_a_bot(world, name, segment, entry, path_of)
        if find(world, segments) is not None:
            yield from shares(world, segments, "share", f"the shares of the segments of {name}", path_of)
    for name, bot in entries(world, ("traffic", "bots")):
        path = ("traffic", "bots", name)
        yield from _weighted(bot.node, path, routes, path_of)
        tier_node = bot.node.get("tier") if isinstance(bot.node, MapNode) else None
        if isinstance(tier_node, ScalarNode) and isinstance(tier_node.value, str):
            yield from unknown(tier_node, (*path, "tier"), tiers, "tier", path_of)
    for name, event in entries(world, ("traffic", "events")):
        for key, known in (("routes", routes), ("tiers", tiers)):
            for item_path, item in texts(event.node, ("traffic", "events", name), key):
                yield from unknown(item, item_path, known, key[:-1], path_of)


def _weighted(node: Node, path: Path, routes: Collection[str] | None, path_of: PathOf) -> Iterator[Problem]:
    """Factors on routes: each is there, and something is left of the mix."""
    weights = node.get("routes") if isinstance(node, MapNode) else None
    if not isinstance(weights, MapNode):
        return
    zeros = set()
    for route, entry in islice(weights.entries.items(), MOST_NAMED):
        yield from unknown(ScalarNode(route, entry.key_place, route), (*path, "routes", route), routes, "route", path_of)
        if isinstance(entry.node, ScalarNode) and entry.node.value == 0:
            zeros.add(route)
    if routes and zeros >= set(routes):
        place = weights.place
        yield Problem(
            "reference/no-route",
            "every route has factor 0: these users would ask for nothing",
            file=place.file,
            line=place.line,
            column=place.column,
            path=path_of((*path, "routes"), place),
            found=show(weights),
            allowed="a factor above 0 on one route at least",
        )


def _as_a_bot(world: Node, tier: str, segment: str, entry: Entry, path_of: PathOf) -> Iterator[Problem]:
    """A bot's name is the value of the label `segment`, so no segment of its tier may have it."""
    found = find(world, ("traffic", "bots", segment, "tier"))
    if found is None or not isinstance(found[0], ScalarNode) or found[0].text != tier:
        return
    place = entry.key_place
    yield Problem(
        "reference/segment",
        "a bot of the same tier has this name, and both would be one series",
        file=place.file,
        line=place.line,
        column=place.column,
        path=path_of(("tiers", tier, "segments", segment), place),
        found=segment,
        allowed="a name that no bot of the tier has",
    )
