"""Names that failures use for parts of their world: components, routes, tiers, regions; and moments that lie outside of the run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import get_args

from workbench.errors import Problem
from workbench.scenario.explain import PathOf, plain_path
from workbench.scenario.mentions import entries, names_of, shares, unknown
from workbench.scenario.schema.base import MOST_NAMED
from workbench.scenario.schema.incidents import MOST_STATED
from workbench.scenario.schema.strengths import LibraryMode
from workbench.scenario.schema.world import World
from workbench.scenario.sentences import LONGEST, parse_sentence
from workbench.scenario.tree import ListNode, MapNode, Node, Path, ScalarNode, find, show
from workbench.units import format_duration

_SECTIONS = {"component": "components", "route": "routes", "tier": "tiers", "region": "regions"}
_KEYS = (
    ("component", "component"),
    ("components", "component"),
    ("routes", "route"),
    ("tiers", "tier"),
    ("region", "region"),
    ("changes_of", "component"),
)


def world_problems(world: Node, path_of: PathOf = plain_path) -> Iterator[Problem]:
    """What failures of a world name that is not there; `references` looks after `component` and `tiers` of failure modes."""
    known = {what: names_of(world, (section,)) for what, section in _SECTIONS.items()}
    if known["region"] is None and find(world, ("regions",)) is None:
        known["region"] = ()
    for name, mode in entries(world, ("failure_modes",)):
        for path, node, what in _stated(mode.node, ("failure_modes", name)):
            if path[-1] != "component" and path[-2] != "tiers":
                yield from _unknown(node, str(node.value), path, known[what], what, path_of)
    yield from _scripted(world, known, path_of)
    found = find(world, ("incidents_from",))
    if found is not None:
        for path, node, what in _stated(found[0], ("incidents_from",)):
            yield from _unknown(node, str(node.value), path, known[what], what, path_of)
        for name, target in entries(found[0], ("targets",)):
            if isinstance(target.node, ScalarNode) and isinstance(target.node.value, str):
                path = ("incidents_from", "targets", name)
                yield from _unknown(target.node, target.node.value, path, known["component"], "component", path_of)
    yield from shares(world, ("regions",), None, "the regions' shares", path_of)


def outside(world: World, tree: Node, start: dt.datetime, horizon_s: float, path_of: PathOf) -> Iterator[Problem]:
    """Scripted incidents that the run never sees: they begin after its end, or end before it begins."""
    found = find(tree, ("incidents",))
    items = found[0].items if found is not None and isinstance(found[0], ListNode) else ()
    for index, (incident, node) in enumerate(zip(world.incidents, items, strict=False)):
        at_s = incident.at.seconds_after(start)
        if at_s < horizon_s and (incident.lasts is None or at_s + incident.lasts > 0):
            continue
        stated = node.get("at") if isinstance(node, MapNode) else None
        shown, path = (stated, ("incidents", index, "at")) if stated is not None else (node, ("incidents", index))
        yield Problem(
            "reference/outside-run",
            "this incident lies outside of the run and never happens",
            file=shown.place.file,
            line=shown.place.line,
            column=shown.place.column,
            path=path_of(path, shown.place),
            found=show(shown),
            allowed=f"from {start.date().isoformat()} on for {format_duration(horizon_s)}",
        )


def _scripted(world: Node, known: dict[str, Collection[str] | None], path_of: PathOf) -> Iterator[Problem]:
    """Names that scripted incidents use, in mappings and in sentences; an id must not occur twice."""
    found = find(world, ("incidents",))
    seen: dict[str, int] = {}
    for index, item in enumerate(found[0].items[:MOST_STATED] if found is not None and isinstance(found[0], ListNode) else ()):
        path: Path = ("incidents", index)
        if isinstance(item, ScalarNode) and isinstance(item.value, str):
            yield from _of_sentence(item, path, known, path_of)
            continue
        for where, node, what in _stated(item, path):
            yield from _unknown(node, str(node.value), where, known[what], what, path_of)
        name = item.get("name") if isinstance(item, MapNode) else None
        if isinstance(name, ScalarNode) and isinstance(name.value, str):
            if name.value in seen:
                yield Problem(
                    "reference/incident",
                    f"two scripted incidents have the same name; the first is incidents[{seen[name.value]}]",
                    file=name.place.file,
                    line=name.place.line,
                    column=name.place.column,
                    path=path_of((*path, "name"), name.place),
                    found=show(name),
                )
            seen.setdefault(name.value, index)


def _of_sentence(node: ScalarNode, path: Path, known: dict[str, Collection[str] | None], path_of: PathOf) -> Iterator[Problem]:
    if len(node.text) > LONGEST:
        return
    try:
        fields = parse_sentence(node.text, get_args(LibraryMode))
    except ValueError:
        return  # the schema says what is wrong with it
    for key, what in _KEYS:
        value = fields.get(key, ())
        for name in (value,) if isinstance(value, str) else value:
            yield from _unknown(node, name, path, known[what], what, path_of, quote=True)


def _stated(node: Node, path: Path) -> Iterator[tuple[Path, ScalarNode, str]]:
    """Every name that a failure states: where, and of what."""
    for key, what in _KEYS:
        value = node.get(key) if isinstance(node, MapNode) else None
        items = value.items[:MOST_NAMED] if isinstance(value, ListNode) else ()
        for index, item in enumerate(items):
            if isinstance(item, ScalarNode) and isinstance(item.value, str) and item.value:
                yield (*path, key, index), item, what
        if isinstance(value, ScalarNode) and isinstance(value.value, str) and value.value:
            yield (*path, key), value, what


def _unknown(
    node: ScalarNode, name: str, path: Path, names: Collection[str] | None, what: str, path_of: PathOf, *, quote: bool = False
) -> Iterator[Problem]:
    """A name that may be a part of a text: then the message quotes it."""
    for problem in unknown(ScalarNode(name, node.place, name), path, names, what, path_of):
        yield replace(problem, message=f"{problem.message}: {name}" if quote else problem.message, found=show(node))
