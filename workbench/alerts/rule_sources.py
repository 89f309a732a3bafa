"""Which rule files are meant, and what each of them is: a Prometheus rule file, resources of Kubernetes, or nothing with rules.

A file of rules that still has to be rendered (Helm, Jinja, Jsonnet) is refused as such: what it says depends on values that are
not there.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Problem, Severity
from workbench.scenario.compose import Limits
from workbench.scenario.source import parse, read_bytes
from workbench.scenario.tree import ListNode, MapNode, Node, ScalarNode, shorten

MAX_BYTES = 10_000_000
"""Of one rule file; the largest public ones have a few hundred thousand."""
MAX_FILES = 10_000
RULE_LIMITS = Limits(nodes=1_000_000, scalar=100_000, documents=1_000, foreign=True)
ENDINGS = (".yaml", ".yml", ".rules", ".json")
"""What a folder is searched for."""
RESOURCES = {"PrometheusRule": "monitoring.coreos.com/", "VMRule": "operator.victoriametrics.com/"}
"""Kinds that hold rule groups, with the beginning of their apiVersion."""

_VALUES = re.compile(r"\{\{-?[^}]*?(?<![\w$])\.(Values|Release|Chart|Capabilities|Files)\b")
_CONTROL = re.compile(r"^[ \t]*\{\{-?\s*(if|else|end|range|with|define|include|template|/\*|\$\w+\s*:=)", re.MULTILINE)
_JINJA = re.compile(r"\{%-?\s*(if|for|raw|endraw|endif|endfor|set|macro|include)\b")


@dataclass(frozen=True, slots=True)
class GroupsNode:
    """A list of groups as written."""

    file: str
    """The path."""
    source: str
    """Name of the rule file that a server would load: the path, or path#namespace/name of a resource."""
    node: Node
    path: str
    """Where it stands in the document: `groups`, `spec.groups`, `items[2].spec.groups`."""
    kind: str
    """`rules`, `PrometheusRule` or `VMRule`."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of reading all files."""

    groups: tuple[GroupsNode, ...]
    problems: tuple[Problem, ...]
    texts: tuple[tuple[str, bytes], ...]
    """Every file that was read, with its bytes."""


def rule_sources(paths: Iterable[Path | str]) -> Found:
    """Everything with rules in files, folders (searched to the bottom, by name) and globs, in this order, each file once.

    A file that is named must hold rules; what a folder or a glob finds without any is left out with a remark.
    """
    groups: list[GroupsNode] = []
    problems: list[Problem] = []
    read: list[tuple[str, bytes]] = []
    seen: set[str] = set()
    for stated in paths:
        files = _files(Path(stated))
        if isinstance(files, Problem):
            problems.append(files)
            continue
        named = files == [Path(stated)]
        for file in files:
            real = os.path.realpath(file)
            if real in seen:
                continue
            seen.add(real)
            found = _of_file(file, named=named)
            groups += found.groups
            problems += found.problems
            read += found.texts
    return Found(tuple(groups), tuple(problems), tuple(read))


def _files(path: Path) -> list[Path] | Problem:
    """The files that one argument means; one that is there is taken as it is written, even if it has an asterisk."""
    text = str(path)
    if path.is_dir():
        below = sorted(_below(path))
        if len(below) > MAX_FILES:
            return Problem(
                "rules/files", f"the folder holds {len(below):,} rule files", file=text, allowed=f"at most {MAX_FILES:,}"
            )
        if not below:
            return Problem(
                "rules/files", "there is no rule file in this folder", file=text, allowed=f"files *{', *'.join(ENDINGS)}"
            )
        return below
    if path.exists() or not glob.has_magic(text):
        return [path]
    matched = sorted(Path(one) for one in glob.glob(text, recursive=True) if not Path(one).is_dir())  # noqa: PTH207 - absolute patterns
    if not matched:
        return Problem("rules/files", "no file matches this pattern", file=text)
    return matched[:MAX_FILES]


def _below(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(base, name) for name in names if name.endswith(ENDINGS) and not name.startswith("."))


def _of_file(file: Path, *, named: bool) -> Found:
    raw = read_bytes(file, MAX_BYTES)
    if isinstance(raw, Problem):
        return Found((), (raw,), ())
    name = str(file)
    text = raw.decode("utf-8", "replace")
    template = _template(text, name)
    if template is not None:
        return Found((), (template,), ((name, raw),))
    source = parse(raw, name, RULE_LIMITS)
    if source.root is None and not source.problems:  # pragma: no cover - an empty file is a problem
        return Found((), (), ((name, raw),))
    empty = [p for p in source.problems if p.check == "file/empty"]
    if empty:
        # A server loads it without a word; so does a file of comments.
        return Found((), (Problem("rules/empty", "the file holds no rules", Severity.WARNING, name),), ((name, raw),))
    if source.problems:
        rendered = _must_be_rendered(text, name)
        return Found((), (rendered, *source.problems) if rendered else source.problems, ((name, raw),))
    groups: list[GroupsNode] = []
    problems: list[Problem] = []
    for index, document in enumerate(source.documents):
        _of_document(document, name, f"[{index}]" if len(source.documents) > 1 else "", groups, problems, named=named)
    if not groups and not any(p.severity is Severity.ERROR for p in problems):
        severity = Severity.ERROR if named else Severity.INFO
        message = "there are no rules in this file" if named else "there are no rules in this file; it is left out"
        allowed = "groups: [...], or a PrometheusRule"
        problems.append(Problem("rules/none", message, severity, name, 1, found=_kinds(source.documents), allowed=allowed))
    return Found(tuple(groups), tuple(problems), ((name, raw),))


def _of_document(document: Node, file: str, where: str, groups: list[GroupsNode], problems: list[Problem], *, named: bool) -> None:
    """The groups of one document, those of the items of a List among them."""
    if not isinstance(document, MapNode):
        if named:
            place = document.place
            problems.append(
                Problem(
                    "rules/document",
                    "a rule file is a mapping",
                    file=file,
                    line=place.line,
                    column=place.column,
                    allowed="groups: [...]",
                )
            )
        return
    kind, version = _text(document.get("kind")), _text(document.get("apiVersion"))
    if kind.endswith("List") and isinstance(items := document.get("items"), ListNode):
        for index, item in enumerate(items.items):
            _of_document(item, file, f"{where}.items[{index}]".lstrip("."), groups, problems, named=named)
        return
    if kind in RESOURCES:
        _of_resource(document, file, where, kind, version, groups, problems)
        return
    entry = document.entries.get("groups")
    if entry is None or kind:
        return
    if "tests" in document.entries or "rule_files" in document.entries:
        return
    for key, other in document.entries.items():
        if key == "namespace":
            message = "`namespace` is not of Prometheus and changes nothing here"
            problems.append(
                Problem("rules/ignored", message, Severity.INFO, file, other.key_place.line, other.key_place.column, key)
            )
        elif key != "groups":
            problems.append(
                Problem(
                    "rules/unknown-key", "a rule file has no such key", file=file, line=other.key_place.line,
                    column=other.key_place.column, path=key, found=shorten(key), allowed="groups",
                )
            )  # fmt: skip
    groups.append(GroupsNode(file, file, entry.node, f"{where}.groups".lstrip("."), "rules"))


def _of_resource(
    document: MapNode, file: str, where: str, kind: str, version: str, groups: list[GroupsNode], problems: list[Problem]
) -> None:
    place = document.place
    if not version.startswith(RESOURCES[kind]):
        problems.append(
            Problem(
                "rules/api-version", f"{kind} of an unknown API", file=file, line=place.line, column=place.column,
                path=f"{where}.apiVersion".lstrip("."), found=shorten(version) or "nothing", allowed=f"{RESOURCES[kind]}v1",
            )
        )  # fmt: skip
        return
    metadata, spec = document.get("metadata"), document.get("spec")
    names = metadata if isinstance(metadata, MapNode) else MapNode(place)
    name, space = _text(names.get("name")), _text(names.get("namespace"))
    resource = f"{space}/{name}" if space else name
    entry = spec.entries.get("groups") if isinstance(spec, MapNode) else None
    if entry is None:
        message = f"the {kind} {resource} holds no groups"
        problems.append(Problem("rules/empty", message, Severity.WARNING, file, place.line, place.column))
        return
    groups.append(GroupsNode(file, f"{file}#{resource}", entry.node, f"{where}.spec.groups".lstrip("."), kind))


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, ScalarNode) else ""


def _kinds(documents: tuple[Node, ...]) -> str | None:
    kinds = {_text(one.get("kind")) for one in documents if isinstance(one, MapNode)} - {""}
    return shorten(", ".join(sorted(kinds))) or None


def _template(text: str, file: str) -> Problem | None:
    """A file that is to be rendered before it is a rule file, whether or not it happens to be YAML."""
    if file.endswith((".jsonnet", ".libsonnet")):
        return Problem(
            "rules/template", "this is Jsonnet; its output is what can be read", file=file, line=1, allowed="jsonnet -S FILE"
        )
    for what, pattern, allowed in (
        ("a Helm template", _VALUES, "the output of `helm template`"),
        ("a Jinja template", _JINJA, "what it renders to"),
    ):
        found = pattern.search(text)
        if found:
            return _at(found.start(), text, file, f"this is {what}: what it says depends on values that are not here", allowed)
    return None


def _must_be_rendered(text: str, file: str) -> Problem | None:
    """The likely reason why a file is no YAML."""
    found = _CONTROL.search(text)
    if found is None:
        return None
    at = text.index("{{", found.start())
    return _at(
        at, text, file, "this is a template, not YAML: what it says depends on values that are not here", "its rendered output"
    )


def _at(start: int, text: str, file: str, message: str, allowed: str) -> Problem:
    before = text[:start]
    line = before.count("\n") + 1
    found = shorten(text[start:].split("\n", 1)[0].strip())
    column = start - (before.rfind("\n") + 1) + 1
    return Problem("rules/template", message, file=file, line=line, column=column, found=found, allowed=allowed)
