"""Calls of a world: components that they name and that are not there, components that call each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeGuard

from workbench.errors import Problem
from workbench.scenario.explain import PathOf
from workbench.scenario.mentions import entries, names_of, texts, unknown, unmatched
from workbench.scenario.schema.base import MOST_NAMED
from workbench.scenario.tree import ListNode, MapNode, Node, Path, ScalarNode, find, show


@dataclass(frozen=True, slots=True)
class _Mention:
    """A component that a call names."""

    node: ScalarNode
    path: Path

    @property
    def name(self) -> str:
        return str(self.node.value)


def call_problems(world: Node, path_of: PathOf) -> Iterator[Problem]:
    """What calls of routes and components say that only the same world can hold or break."""
    found = find(world, ("components",))
    if not found or not isinstance(found[0], MapNode):
        return
    components, tiers = found[0].entries.keys(), names_of(world, ("tiers",))
    graph: dict[str, list[_Mention]] = {}
    for section in ("routes", "components"):
        for name, entry in entries(world, (section,)):
            mentions = list(_calls(entry.node, (section, name)))
            for mention in mentions:
                if mention.name not in components:
                    yield unmatched("component", mention.node, mention.path, components, path_of)
            if section == "components":
                graph[name] = [mention for mention in mentions if mention.name in components]
    yield from _circles(graph, path_of)
    for name, entry in entries(world, ("components",)):
        shedding = entry.node.get("shedding") if isinstance(entry.node, MapNode) else None
        for path, node in texts(shedding, ("components", name, "shedding"), "tiers") if shedding is not None else ():
            yield from unknown(node, path, tiers, "tier", path_of)


def codes_of_components(world: Node) -> set[str]:
    """Codes with which components can answer when they fail by themselves, are too busy, or are waited for too long."""
    out: set[str] = set()
    for _, entry in entries(world, ("components",)):
        part = entry.node
        if not isinstance(part, MapNode):
            continue
        if part.get("errors") is not None:
            out.add(_text(part.get("error_code")) or "500")
        if part.get("service") is not None:
            out |= {"503", "504"}
        for key in ("queue", "shedding"):
            inner = part.get(key)
            stated = _text(inner.get("code")) if isinstance(inner, MapNode) else None
            out |= {stated} if stated else set()
    return out


def _calls(caller: Node, path: Path) -> Iterator[_Mention]:
    stated = caller.get("calls") if isinstance(caller, MapNode) else None
    yield from _of_list(stated, (*path, "calls"))


def _of_list(calls: Node | None, path: Path) -> Iterator[_Mention]:
    for index, call in enumerate(islice(calls.items, MOST_NAMED) if isinstance(calls, ListNode) else ()):
        yield from _of_call(call, (*path, index))


def _of_call(call: Node, path: Path) -> Iterator[_Mention]:
    """Components that a call names, in the order in which it is written; those of calls in parallel too."""
    if _is_text(call):
        yield _Mention(call, path)
    if not isinstance(call, MapNode):
        return
    for key, entry in call.entries.items():
        node, at = entry.node, (*path, key)
        if key == "cache" and isinstance(node, MapNode):
            inner = node.get("component")
            if inner is not None and _is_text(inner):
                yield _Mention(inner, (*at, "component"))
        elif key == "parallel":
            yield from _of_list(node, at)
        elif _is_text(node) and (key == "component" or (key == "fallback" and node.value != "none")):
            yield _Mention(node, at)


def _is_text(node: Node) -> TypeGuard[ScalarNode]:
    return isinstance(node, ScalarNode) and isinstance(node.value, str) and bool(node.value)


def _text(node: Node | None) -> str | None:
    return node.text if isinstance(node, ScalarNode) else None


def _circles(graph: dict[str, list[_Mention]], path_of: PathOf) -> Iterator[Problem]:
    """One problem for each call that leads back to a component on the way to it, searched in depth without recursion."""
    done: set[str] = set()
    for start, calls in graph.items():
        way = {} if start in done else {start: iter(calls)}
        while way:
            last = next(reversed(way))
            mention = next(way[last], None)
            if mention is None:
                done.add(last)
                del way[last]
            elif mention.name in way:
                names = list(way)
                yield _circle([*names[names.index(mention.name) :], mention.name], mention, path_of)
            elif mention.name not in done:
                way[mention.name] = iter(graph.get(mention.name, ()))


def _circle(names: list[str], mention: _Mention, path_of: PathOf) -> Problem:
    place = mention.node.place
    shown = names if len(names) <= 12 else [*names[:6], "...", *names[-5:]]
    return Problem(
        "reference/cycle",
        f"components call each other in a circle: {' -> '.join(shown)}",
        file=place.file,
        line=place.line,
        column=place.column,
        path=path_of(mention.path, place),
        found=show(mention.node),
        allowed="calls of which none leads back to the component that makes it",
    )
