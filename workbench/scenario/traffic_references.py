"""Names that traffic uses for parts of its world, and shares of segments that must add up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import islice

from workbench.errors import Problem
from workbench.scenario.explain import PathOf
from workbench.scenario.names import listed, nearest
from workbench.scenario.schema.base import MOST_NAMED
from workbench.scenario.tree import Entry, ListNode, MapNode, Node, Path, ScalarNode, find, show

Shares = Callable[[Node, Path, str, str, PathOf], Iterator[Problem]]
"""Reports shares below a section that do not add up to 100 %."""


def traffic_problems(world: Node, shares: Shares, path_of: PathOf) -> Iterator[Problem]:
    """Routes and tiers that segments, events and bots name and that are not there; segments whose shares do not fill their tier."""
    routes, tiers = _names(world, "routes"), _names(world, "tiers")
    for name, tier in _entries(world, ("tiers",)):
        yield from _weighted(tier.node, ("tiers", name), routes, path_of)
        segments = ("tiers", name, "segments")
        for segment, entry in _entries(world, segments):
            yield from _weighted(entry.node, (*segments, segment), routes, path_of)
            yield from _as_a_bot(world, name, segment, entry, path_of)
        if find(world, segments) is not None:
            yield from shares(world, segments, "share", f"the shares of the segments of {name}", path_of)
    for name, bot in _entries(world, ("traffic", "bots")):
        path = ("traffic", "bots", name)
        yield from _weighted(bot.node, path, routes, path_of)
        tier_node = bot.node.get("tier") if isinstance(bot.node, MapNode) else None
        if isinstance(tier_node, ScalarNode) and isinstance(tier_node.value, str):
            yield from _unknown(tier_node, (*path, "tier"), tiers, "tier", path_of)
    for name, event in _entries(world, ("traffic", "events")):
        for key, known in (("routes", routes), ("tiers", tiers)):
            items = event.node.get(key) if isinstance(event.node, MapNode) else None
            for index, item in enumerate(items.items[:MOST_NAMED] if isinstance(items, ListNode) else ()):
                if isinstance(item, ScalarNode) and isinstance(item.value, str) and item.value:
                    yield from _unknown(item, ("traffic", "events", name, key, index), known, key[:-1], path_of)


def _weighted(node: Node, path: Path, routes: Collection[str] | None, path_of: PathOf) -> Iterator[Problem]:
    """Factors on routes: each is there, and something is left of the mix."""
    weights = node.get("routes") if isinstance(node, MapNode) else None
    if not isinstance(weights, MapNode):
        return
    zeros = set()
    for route, entry in islice(weights.entries.items(), MOST_NAMED):
        yield from _unknown(ScalarNode(route, entry.key_place, route), (*path, "routes", route), routes, "route", path_of)
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


def _entries(node: Node, path: Path) -> Iterator[tuple[str, Entry]]:
    found = find(node, path)
    entries = found[0].entries.items() if found and isinstance(found[0], MapNode) else ()
    return islice(iter(entries), MOST_NAMED)


def _names(node: Node, section: str) -> Collection[str] | None:
    found = find(node, (section,))
    return found[0].entries.keys() if found and isinstance(found[0], MapNode) else None


def _unknown(node: ScalarNode, path: Path, names: Collection[str] | None, what: str, path_of: PathOf) -> Iterator[Problem]:
    if names is not None and str(node.value) not in names:
        yield Problem(
            f"reference/{what}",
            f"there is no such {what}",
            file=node.place.file,
            line=node.place.line,
            column=node.place.column,
            path=path_of(path, node.place),
            found=show(node),
            allowed=listed(names),
            nearest=nearest(node.text, names),
        )
