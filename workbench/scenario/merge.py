"""Documents laid over each other: `extends` and `override`."""

from __future__ import annotations

from workbench.errors import Problem
from workbench.scenario.compose import MAX_PROBLEMS
from workbench.scenario.names import listed, nearest
from workbench.scenario.tree import Entry, MapNode, Node, Path, ScalarNode, format_path, shorten


def merge(base: Node, over: Node, problems: list[Problem], path: Path = (), *, patches: bool = False) -> Node:
    """`over` laid over `base`: mappings merge key by key, null deletes a key, everything else replaces.

    Every value keeps the place where it was written. A null that finds nothing to delete is added to `problems`. Where both are
    overrides themselves (`patches`), nulls are kept: they delete later, in the document that is overridden.
    """
    if not isinstance(base, MapNode) or not isinstance(over, MapNode):
        return over
    entries = dict(base.entries)
    for key, entry in over.entries.items():
        if isinstance(entry.node, ScalarNode) and entry.node.value is None and not patches:
            if entries.pop(key, None) is None and len(problems) < MAX_PROBLEMS:
                problems.append(_nothing_to_delete(key, entry, base, (*path, key)))
        elif key in entries:
            merged = merge(entries[key].node, entry.node, problems, (*path, key), patches=patches or (*path, key) == ("override",))
            entries[key] = Entry(entry.key_place, merged)
        else:
            entries[key] = entry
    return MapNode(base.place, entries)


def without(tree: MapNode, key: str) -> MapNode:
    """The mapping without one of its keys."""
    return MapNode(tree.place, {name: entry for name, entry in tree.entries.items() if name != key})


def _nothing_to_delete(key: str, entry: Entry, base: MapNode, path: Path) -> Problem:
    return Problem(
        "scenario/nothing-to-delete",
        "a null deletes a key, and there is no such key to delete",
        file=entry.key_place.file,
        line=entry.key_place.line,
        column=entry.key_place.column,
        path=format_path(path),
        found=shorten(key),
        allowed=listed(base.entries),
        nearest=nearest(key, base.entries),
    )
