"""A document as it was written: values that know their file, line and column.

Reading, merging and checking all work on these trees, so a value keeps its place when a scenario merges it into another document.
Trees are at most `compose.MAX_DEPTH` deep, which is what makes recursion over them safe.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document."""

_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written."""

    file: str
    """As the user named it."""
    line: int
    """1-based."""
    column: int
    """1-based, in characters."""


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value: text, a number, true, false or nothing."""

    value: str | int | float | bool | None
    place: Place
    text: str = ""
    """As written, without quotes and escapes."""
    plain: bool = True
    """Written without quotes."""


@dataclass(frozen=True, slots=True)
class ListNode:
    """Items in order."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping and what it holds."""

    key_place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """Entries by key, in the order of the file."""

    place: Place
    entries: Mapping[str, Entry] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        """What stands under `key`; None if there is no such key."""
        entry = self.entries.get(key)
        return entry.node if entry else None


Node = ScalarNode | ListNode | MapNode


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value is written, and its key if it has one."""

    value: Place
    key: Place | None = None


def plain(node: Node) -> Any:
    """The tree as dictionaries, lists and scalars."""
    if isinstance(node, MapNode):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    return node.value


def walk(node: Node, path: Path = (), key: Place | None = None) -> Iterator[tuple[Path, Node, Position]]:
    """Every node with its path and position, parents first, in the order of the file."""
    yield path, node, Position(node.place, key)
    if isinstance(node, MapNode):
        for name, entry in node.entries.items():
            yield from walk(entry.node, (*path, name), entry.key_place)
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from walk(item, (*path, index))


def positions(node: Node) -> dict[Path, Position]:
    """Line and column of every value (and of its key) by path."""
    return {path: position for path, _, position in walk(node)}


def find(node: Node, path: Path) -> tuple[Node, Position] | None:
    """The node at `path`; None if the document has none there."""
    position = Position(node.place)
    for part in path:
        if isinstance(node, MapNode) and isinstance(part, str) and part in node.entries:
            entry = node.entries[part]
            node, position = entry.node, Position(entry.node.place, entry.key_place)
        elif isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.items):
            node = node.items[part]
            position = Position(node.place)
        else:
            return None
    return node, position


def pointed_at(node: Node, key: Place | None) -> Place:
    """Where a problem with a value is shown: at the value, but at the key of a mapping or of nothing: they begin lines below."""
    at_key = isinstance(node, MapNode) or (isinstance(node, ScalarNode) and node.plain and node.text == "")
    return key if at_key and key else node.place


def format_path(path: Path) -> str:
    """`slos.login.target`, `routes["/login"].calls[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _BARE_KEY.fullmatch(part):
            text += f".{shorten(part)}" if text else shorten(part)
        else:
            text += f"[{shorten(json.dumps(part, ensure_ascii=False))}]"
    return text


def shorten(text: str) -> str:
    """At most 60 characters on one line, cut in the middle."""
    text = " ".join(text.split()) if not text.isprintable() else text
    if len(text) <= _LONGEST_SHOWN:
        return text
    half = (_LONGEST_SHOWN - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def show(node: Node) -> str:
    """What stands there, as written and shortened: for `Problem.found`."""
    if isinstance(node, MapNode):
        return f"a mapping of {_count(len(node.entries), 'key')}"
    if isinstance(node, ListNode):
        return f"a list of {_count(len(node.items), 'item')}"
    if node.value is None:
        return "nothing" if node.text == "" else node.text
    if isinstance(node.value, str) and not node.plain:
        return shorten(json.dumps(node.text, ensure_ascii=False))
    return shorten(node.text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
