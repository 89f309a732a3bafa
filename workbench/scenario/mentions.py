"""Names that a document mentions, and whether they are there: what all checks of references share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from workbench.errors import Problem
from workbench.scenario.explain import PathOf
from workbench.scenario.names import listed, nearest
from workbench.scenario.schema.base import MOST_NAMED
from workbench.scenario.tree import Entry, ListNode, MapNode, Node, Path, Place, ScalarNode, find, show
from workbench.units import format_share, parse_share

Value = TypeVar("Value")


def entries(node: Node, path: Path) -> Iterable[tuple[str, Entry]]:
    """What stands under the mapping at `path`, as far as names are looked at."""
    found = find(node, path)
    return islice(found[0].entries.items(), MOST_NAMED) if found and isinstance(found[0], MapNode) else ()


def names_of(node: Node, path: Path) -> Collection[str] | None:
    """The keys of the mapping at `path`; None if there is no mapping: then no name can be called unknown."""
    found = find(node, path)
    return found[0].entries.keys() if found and isinstance(found[0], MapNode) else None


def scalar(node: Node | None, key: str) -> ScalarNode | None:
    """The text under a key; None if there is none."""
    found = node.get(key) if isinstance(node, MapNode) else None
    return found if isinstance(found, ScalarNode) and isinstance(found.value, str) else None


def texts(node: Node, path: Path, key: str) -> Iterator[tuple[Path, ScalarNode]]:
    """The text items of the list under a key."""
    items = node.get(key) if isinstance(node, MapNode) else None
    for index, item in enumerate(items.items[:MOST_NAMED] if isinstance(items, ListNode) else ()):
        if isinstance(item, ScalarNode) and isinstance(item.value, str) and item.value:
            yield (*path, key, index), item


def unmatched(what: str, node: ScalarNode, path: Path, names: Collection[str], path_of: PathOf) -> Problem:
    """The problem of a name that is not there."""
    return Problem(
        f"reference/{what.partition(' ')[0]}",
        f"there is no such {what}",
        file=node.place.file,
        line=node.place.line,
        column=node.place.column,
        path=path_of(path, node.place),
        found=show(node),
        allowed=listed(names),
        nearest=nearest(node.text, names),
    )


def unknown(node: ScalarNode, path: Path, names: Collection[str] | None, what: str, path_of: PathOf) -> Iterator[Problem]:
    """The same, if it is not; `names` None is that nobody knows."""
    if names is not None and str(node.value) not in names:
        yield unmatched(what, node, path, names, path_of)


def shares(world: Node, section: Path, key: str | None, what: str, path_of: PathOf) -> Iterator[Problem]:
    """Shares of one whole, under `key` or bare, add up to exactly 100 %; what cannot be read is the schema's business."""
    found = find(world, section)
    if found is None or not isinstance(found[0], MapNode) or not found[0].entries:
        return
    stated = [_share_of(entry.node, key) for entry in found[0].entries.values()]
    found_shares = [read_text(parse_share, text) for text in stated]
    known = [share for share in found_shares if share is not None]
    total = sum(known, Decimal(0))
    if len(known) < len(found_shares) or total == 1:
        return
    place: Place = found[1].key or found[1].value
    gap = f"{format_share(1 - total)} missing" if total < 1 else f"{format_share(total - 1)} too much"
    yield Problem(
        "reference/shares",
        f"{what} must add up to exactly 100%: {gap}",
        file=place.file,
        line=place.line,
        column=place.column,
        path=path_of(section, place),
        found=format_share(total),
        allowed="100%",
    )


def _share_of(node: Node, key: str | None) -> ScalarNode | None:
    """The share under a key, or the value itself where there is no key."""
    return scalar(node, key) if key is not None else node if isinstance(node, ScalarNode) and isinstance(node.value, str) else None


def read_text(read: Callable[[str], Value], node: ScalarNode | None) -> Value | None:
    """A value read from its text; None if there is none or it cannot be read."""
    try:
        return read(node.text) if node is not None else None
    except ValueError:
        return None
