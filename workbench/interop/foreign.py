"""Documents of other tools: which there are in some files, of what format, and every problem of reading them.

A file may hold several documents, and a document may be a Kubernetes list of them. The format is told by content, never by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from workbench.errors import BadInput, Problem, Severity
from workbench.scenario.compose import Limits
from workbench.scenario.explain import check
from workbench.scenario.names import nearest
from workbench.scenario.source import UNREADABLE, parse, read_bytes
from workbench.scenario.tree import Entry, ListNode, MapNode, Node, Place, ScalarNode, find, format_path, pointed_at, show
from workbench.scenario.tree import Path as TreePath

LIMITS = Limits(documents=1000, foreign=True)
_FREE_TEXT = frozenset({"labels", "annotations", "options", "infoLabels", "info_labels"})
"""Mappings whose values are text, whatever they look like."""

Model = TypeVar("Model", bound=BaseModel)


class Format(StrEnum):
    """What a document is, by what it says of itself."""

    SLOTH = "version: prometheus/v1"
    SLOTH_CRD = "apiVersion: sloth.slok.dev/v1, kind: PrometheusServiceLevel"
    WINDOWS = "apiVersion: sloth.slok.dev/v1, kind: AlertWindows"
    OPENSLO_V1 = "apiVersion: openslo/v1"
    OPENSLO_ALPHA = "apiVersion: openslo/v1alpha"
    PYRRA = "apiVersion: pyrra.dev/v1alpha1, kind: ServiceLevelObjective"


@dataclass(frozen=True, eq=False)
class Foreign:
    """One document."""

    format: Format
    kind: str
    """`SLO`, `Service`, ...; of Sloth's own format, nothing."""
    tree: MapNode
    """As `loosened` makes it."""

    def place(self, *path: str | int) -> Place:
        """Where a value is written; of the part above if it is not."""
        for length in range(len(path), 0, -1):
            found = find(self.tree, path[:length])
            if found:
                return pointed_at(found[0], found[1].key)
        return self.tree.place

    def problem(
        self,
        check_name: str,
        message: str,
        path: TreePath = (),
        *,
        severity: Severity = Severity.ERROR,
        allowed: str | None = None,
        nearest: str | None = None,
    ) -> Problem:
        """Something to say of a value."""
        place, found = self.place(*path), find(self.tree, path)
        return Problem(
            check_name,
            message,
            severity,
            place.file,
            place.line,
            place.column,
            format_path(path) or None,
            show(found[0]) if found and isinstance(found[0], ScalarNode) else None,
            allowed,
            nearest,
        )

    def warning(self, message: str, *path: str | int) -> Problem:
        """What a policy cannot hold and what comes of it."""
        return self.problem("import/not-held", message, path, severity=Severity.WARNING)

    def note(self, message: str, *path: str | int) -> Problem:
        """What a policy cannot hold and nothing depends on."""
        return self.problem("import/not-held", message, path, severity=Severity.INFO)

    def refusal(self, message: str, *path: str | int) -> Problem:
        """What a policy cannot hold and without which the objective would be another."""
        return self.problem("import/refused", message, path)


def read_documents(paths: Iterable[Path]) -> tuple[list[Foreign], list[Problem]]:
    """Every document of every file, in order, and every problem. A folder stands for all *.yaml and *.yml files in it.

    Raises BadInput if a path cannot be read.
    """
    found: list[Foreign] = []
    problems: list[Problem] = []
    unreadable: list[Problem] = []
    for path in _files(paths, unreadable):
        raw = read_bytes(path)
        if isinstance(raw, Problem):
            (unreadable if raw.check in UNREADABLE else problems).append(raw)
            continue
        source = parse(raw, str(path), LIMITS)
        problems.extend(source.problems)
        for root in source.documents:
            found.extend(_documents_in(root, problems))
    if unreadable:
        raise BadInput(unreadable)
    return found, problems


def _files(paths: Iterable[Path], unreadable: list[Problem]) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in paths:
        below = [path]
        if path.is_dir():
            below = sorted(one for one in path.iterdir() if one.suffix in (".yaml", ".yml") and one.is_file())
            if not below:
                unreadable.append(Problem("file/missing", "there is no file to import in this folder", file=str(path)))
        for file in below:
            if file not in seen:
                seen.add(file)
                yield file


def _documents_in(root: Node, problems: list[Problem]) -> Iterator[Foreign]:
    """The document, or those of a list of them."""
    if not isinstance(root, MapNode):
        problems.append(_unknown(root.place, show(root)))
        return
    items = root.get("items")
    if _text(root, "kind").endswith("List") and isinstance(items, ListNode):
        for item in items.items:
            yield from _documents_in(item, problems)
        return
    format_ = _format_of(root)
    if format_ is None:
        problems.append(_unknown_format(root))
    else:
        tree = loosened(root)
        assert isinstance(tree, MapNode)  # noqa: S101 - a mapping stays one
        yield Foreign(format_, _text(root, "kind"), tree)


def _text(tree: MapNode, key: str) -> str:
    node = tree.get(key)
    return node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else ""


def _format_of(tree: MapNode) -> Format | None:
    version, kind = _text(tree, "apiVersion"), _text(tree, "kind")
    if _text(tree, "version") == "prometheus/v1":
        return Format.SLOTH
    if version == "sloth.slok.dev/v1":
        return {"PrometheusServiceLevel": Format.SLOTH_CRD, "AlertWindows": Format.WINDOWS}.get(kind)
    if version == "pyrra.dev/v1alpha1" and kind == "ServiceLevelObjective":
        return Format.PYRRA
    return {"openslo/v1": Format.OPENSLO_V1, "openslo/v1alpha": Format.OPENSLO_ALPHA}.get(version)


def _unknown_format(tree: MapNode) -> Problem:
    version, kind = _text(tree, "apiVersion") or _text(tree, "version"), _text(tree, "kind")
    if version.startswith("workbench/"):
        return _unknown(tree.place, f"kind: {kind}", "this is a document of the workbench itself; there is nothing to import")
    if "groups" in tree.entries or kind == "PrometheusRule":
        message = "these are rules, not objectives: `workbench run --rules` and `workbench replay --rules` put them in place"
        return _unknown(tree.place, "groups", message)
    found = ", ".join(f"{key}: {value}" for key, value in (("apiVersion", version), ("kind", kind)) if value)
    known = [one.value.partition(", ")[0].partition(": ")[2] for one in Format]
    return _unknown(tree.place, found or "neither apiVersion nor version", near=nearest(version, known))


def _unknown(
    place: Place, found: str, message: str = "this is no document that can be imported", near: str | None = None
) -> Problem:
    allowed = "; ".join(format_.value for format_ in Format)
    return Problem(
        "import/format", message, file=place.file, line=place.line, column=place.column, found=found, allowed=allowed, nearest=near
    )


def loosened(node: Node, *, free: bool = False) -> Node:
    """The tree as Go's readers take it: a key without a value is not there, and numbers are kept as the text that was written."""
    if isinstance(node, MapNode):
        entries = {
            key: Entry(entry.key_place, loosened(entry.node, free=free or key in _FREE_TEXT))
            for key, entry in node.entries.items()
            if not (isinstance(entry.node, ScalarNode) and entry.node.value is None)
        }
        return MapNode(node.place, entries)
    if isinstance(node, ListNode):
        return ListNode(tuple(loosened(item, free=free) for item in node.items), node.place)
    is_number = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
    return (
        ScalarNode(node.text, node.place, node.text, plain=node.plain) if is_number or (free and node.value is not None) else node
    )


def checked(model: type[Model], document: Foreign, problems: list[Problem]) -> Model | None:
    """The document as its model; None if it does not fit, and why is among the problems."""
    found, why = check(model, document.tree)
    problems.extend(why)
    return found
