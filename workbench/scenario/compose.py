"""Events of a YAML parser to one tree, and every problem of the text on the way.

The events (libyaml's, where it was built in) are put together without recursion and without constructing objects, so neither depth,
nor aliases, nor tags of a file can do more than be counted and refused. Limits are the constants below.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from workbench.errors import Problem
from workbench.scenario.names import nearest
from workbench.scenario.scalars import CORE_TAGS, NotAValue, resolve, tagged
from workbench.scenario.tree import Entry, ListNode, MapNode, Node, Place, ScalarNode, shorten

MAX_DEPTH = 64
"""Of mappings and lists within each other, aliases expanded."""
MAX_NODES = 100_000
"""Values of a file, keys and expanded aliases counted."""
MAX_SCALAR = 10_000
"""Characters of one value."""
MAX_PROBLEMS = 100
"""Of a file; reading stops there."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may hold. The default is that of scenario files."""

    depth: int = MAX_DEPTH
    nodes: int = MAX_NODES
    scalar: int = MAX_SCALAR
    documents: int = 1
    foreign: bool = False
    """A file of another tool: merge keys (`<<`) are followed, and a scalar that YAML 1.2 has no finite number for stays text."""


SCENARIO = Limits()

_MAP_TAGS = (None, "!", "tag:yaml.org,2002:map")
_LIST_TAGS = (None, "!", "tag:yaml.org,2002:seq")


class Stopped(Exception):
    """Reading cannot go on; the reason is among the problems."""


_NO_KEY = object()
"""The next node of a mapping is a key."""
_DROPPED = object()
"""The key of the value that comes was refused."""
_MERGE = object()
"""The value that comes is merged into the mapping."""


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    place: Place
    anchor: str | None
    is_map: bool
    as_key: bool
    """It stands where a key should: it is read and dropped."""
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Any = _NO_KEY
    key_place: Place | None = None
    merged: list[MapNode] = field(default_factory=list)
    """Mappings behind merge keys, in their order."""
    size: int = 1
    height: int = 1


@dataclass(slots=True)
class _Anchor:
    """What an alias stands for; `node` is None while it is still open."""

    node: Node | None
    size: int = 1
    height: int = 0


class Composer:
    """Puts the events of one file together: `take` them all, then look at `roots` (one a document), `problems` and `broken`."""

    def __init__(self, file: str, limits: Limits = SCENARIO) -> None:
        self.file = file
        self.limits = limits
        self.roots: list[Node] = []
        self.problems: list[Problem] = []
        self.broken: set[Place] = set()
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Anchor] = {}
        self._documents = 0
        self._nodes = 0

    def take(self, event: Any) -> None:
        """The next event; raises Stopped when the rest is not worth reading."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > self.limits.documents:
                message = "a file holds one document, here a second one begins"
                if self.limits.documents > 1:
                    message = f"a file holds at most {self.limits.documents:,} documents, here one more begins"
                self._stop(self._place(event), "yaml/documents", message, found="---")
            self._anchors.clear()

    def _place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _problem(self, place: Place, check: str, message: str, *, of_key: bool = False, **more: Any) -> None:
        self.problems.append(Problem(check, message, file=place.file, line=place.line, column=place.column, **more))
        if not of_key:  # the first key of a mapping stands where the mapping itself stands
            self.broken.add(place)
        if len(self.problems) >= MAX_PROBLEMS:
            raise Stopped

    def _stop(self, place: Place, check: str, message: str, **more: Any) -> None:
        self._problem(place, check, message, **more)
        raise Stopped

    def _count(self, place: Place, size: int) -> None:
        self._nodes += size
        if self._nodes > self.limits.nodes:
            self._stop(place, "yaml/nodes", f"the file holds more than {self.limits.nodes:,} values, aliases expanded")

    def _check_depth(self, place: Place, height: int) -> None:
        if len(self._stack) + height > self.limits.depth:
            self._stop(place, "yaml/depth", f"mappings and lists are more than {self.limits.depth} levels deep here")

    def _expects_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].is_map and self._stack[-1].key is _NO_KEY

    def _scalar(self, event: Any) -> None:
        place = self._place(event)
        self._count(place, 1)
        if len(event.value) > self.limits.scalar:
            self._problem(
                place,
                "yaml/scalar",
                "the text is too long",
                found=f"{len(event.value):,} characters",
                allowed=f"at most {self.limits.scalar:,} characters",
            )
            node = ScalarNode("", place, "", plain=False)
        else:
            node = self._resolved(event, place)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(node)
        if self._expects_key():
            self._take_key(node)
        else:
            self._attach(node, 1, 0)

    def _resolved(self, event: Any, place: Place) -> ScalarNode:
        """The scalar with its value; a value that is none is reported and stands as empty text."""
        quoted = event.style not in (None, "")
        text = event.value
        try:
            if event.tag is None or event.tag == "!":
                # a key is text, whatever it looks like: status codes, weekdays, dates
                is_text = quoted or event.tag == "!" or self._expects_key()
                value = text if is_text else resolve(text)
            elif event.tag in CORE_TAGS:
                value = tagged(text, event.tag, quoted=quoted)
            else:
                self._unknown_tag(event, place)
                value = text
        except NotAValue as error:
            if self.limits.foreign and event.tag is None:
                return ScalarNode(text, place, text, plain=not quoted)
            self._problem(place, "yaml/number" if event.tag is None else "yaml/tag", str(error), found=shorten(text))
            value = ""
        return ScalarNode(value, place, text, plain=not quoted)

    def _unknown_tag(self, event: Any, place: Place) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        self._problem(place, "yaml/tag", "tags are not allowed", found=shorten(tag), allowed="the value without its tag")

    def _open(self, event: Any) -> None:
        place = self._place(event)
        self._count(place, 1)
        self._check_depth(place, 1)
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (_MAP_TAGS if is_map else _LIST_TAGS):
            self._unknown_tag(event, place)
        as_key = self._expects_key()
        if as_key:
            self._problem(
                place, "yaml/key", "a key must be text", found="a mapping" if is_map else "a list", allowed="text", of_key=True
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(None)
        self._stack.append(_Frame(place, event.anchor, is_map, as_key))

    def _close(self) -> None:
        frame = self._stack.pop()
        for merged in frame.merged:
            for key, entry in merged.entries.items():
                frame.entries.setdefault(key, entry)
        node: Node = MapNode(frame.place, frame.entries) if frame.is_map else ListNode(tuple(frame.items), frame.place)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = _Anchor(node, frame.size, frame.height)
        if frame.as_key:
            self._stack[-1].key = _DROPPED
        else:
            self._attach(node, frame.size, frame.height)

    def _alias(self, event: Any) -> None:
        place = self._place(event)
        anchor = self._anchors.get(event.anchor)
        if anchor is None or anchor.node is None:
            if anchor is None:
                message, close = "no anchor of this name stands before it", nearest(event.anchor, self._anchors)
            else:
                message, close = "an alias must not stand inside what it stands for", None
            found, meant = shorten(f"*{event.anchor}"), f"*{close}" if close else None
            self._problem(place, "yaml/alias", message, found=found, nearest=meant)
            anchor = _Anchor(ScalarNode("", place))
        self._count(place, anchor.size)
        self._check_depth(place, anchor.height)
        node = anchor.node
        assert node is not None  # noqa: S101 - an open anchor was replaced above
        if not self._expects_key():
            self._attach(node, anchor.size, anchor.height)
        elif isinstance(node, ScalarNode):
            self._take_key(ScalarNode(node.text, place, node.text, plain=node.plain))
        else:
            self._problem(place, "yaml/key", "a key must be text", found=f"*{event.anchor}", allowed="text", of_key=True)
            self._stack[-1].key = _DROPPED

    def _take_key(self, node: ScalarNode) -> None:
        frame = self._stack[-1]
        frame.size += 1
        frame.key, frame.key_place = node.text, node.place
        if node.place in self.broken:
            frame.key = _DROPPED
        elif node.plain and node.text in ("", "~", "null"):
            self._problem(node.place, "yaml/key", "a key must be text", found=node.text or "nothing", allowed="text", of_key=True)
            frame.key = _DROPPED
        elif node.plain and node.text == "<<" and self.limits.foreign:
            frame.key = _MERGE
        elif node.plain and node.text == "<<":
            self._problem(
                node.place, "yaml/key", "merge keys are not supported", found="<<", allowed="extends, override or an alias"
            )
            frame.key = _DROPPED
        elif node.text in frame.entries:
            first = frame.entries[node.text].key_place.line
            self._problem(
                node.place,
                "yaml/duplicate-key",
                f"this key stands twice; first on line {first}",
                found=shorten(node.text),
                of_key=True,
            )
            frame.key = _DROPPED

    def _attach(self, node: Node, size: int, height: int) -> None:
        if not self._stack:
            if not (isinstance(node, ScalarNode) and node.plain and node.text == ""):
                self.roots.append(node)
            return
        frame = self._stack[-1]
        frame.size += size
        frame.height = max(frame.height, height + 1)
        if not frame.is_map:
            frame.items.append(node)
            return
        if frame.key is _MERGE:
            self._merge(frame, node)
        elif frame.key is not _DROPPED and frame.key_place is not None:
            frame.entries[frame.key] = Entry(frame.key_place, node)
        frame.key, frame.key_place = _NO_KEY, None

    def _merge(self, frame: _Frame, node: Node) -> None:
        """What a merge key brings: a mapping, or a list of them of which the first that has a key wins."""
        for one in node.items if isinstance(node, ListNode) else (node,):
            if isinstance(one, MapNode):
                frame.merged.append(one)
            else:
                self._problem(one.place, "yaml/key", "a merge key takes a mapping or a list of them", found="<<")
