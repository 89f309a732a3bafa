"""YAML as a person would write it: order kept, numbers as they are, long texts as blocks, comments where they belong.

Written here instead of dumped by a library: decimals stay exact, and text that a YAML reader (1.1 or 1.2, Go or Python) could take
for something else stands in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

Path = tuple[str | int, ...]

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*|[0-9]+(?:\.[0-9]+)?%|(?:[0-9]+(?:ms|[smhdw]))+", re.ASCII)
_RESERVED = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"])
_BLOCK = re.compile(r"[^\s#][^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\r]*")
_PRINTABLE = re.compile("[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
_WIDEST_FLOW = 80


def document(value: Mapping[str, Any], comments: Mapping[Path, str] | None = None) -> str:
    """One document. `comments` stand above the key at their path; `()` is the head of the document.

    Values are mappings, sequences, text, whole numbers, decimals, booleans and None.
    """
    comments = comments or {}
    head = [*_comment(comments[()], ""), ""] if () in comments else []
    return "\n".join([*head, *_mapping(value, "", (), comments)]) + "\n"


def documents(values: Sequence[Mapping[str, Any]], comments: Sequence[Mapping[Path, str]] = ()) -> str:
    """Several documents in one stream."""
    return "---\n".join(document(value, comments[i] if i < len(comments) else None) for i, value in enumerate(values))


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in text.splitlines():
        clean = "".join(c if _PRINTABLE.fullmatch(c) else " " for c in line)
        yield f"{indent}# {clean}".rstrip()


def _mapping(value: Mapping[str, Any], indent: str, path: Path, comments: Mapping[Path, str]) -> Iterator[str]:
    for key, below in value.items():
        here = (*path, key)
        if here in comments:
            yield from _comment(comments[here], indent)
        yield from _entry(f"{indent}{_scalar(key)}:", below, indent, here, comments)


def _entry(start: str, value: Any, indent: str, path: Path, comments: Mapping[Path, str]) -> Iterator[str]:
    """`start` (a key with its colon) and what it holds."""
    if isinstance(value, Mapping) and value:
        yield start
        yield from _mapping(value, indent + "  ", path, comments)
    elif isinstance(value, (list, tuple)) and value:
        flow = _flow(value)
        if flow is not None and len(start) + len(flow) < _WIDEST_FLOW:
            yield f"{start} {flow}"
        else:
            yield start
            yield from _items(value, indent + "  ", path, comments)
    elif isinstance(value, str) and "\n" in value.rstrip("\n") and _is_block(value):
        kept = len(value) - len(value.rstrip("\n"))
        yield f"{start} |{'-+'[kept > 1] if kept != 1 else ''}"
        lines = (value[:-1] if kept else value).split("\n")
        yield from (f"{indent}  {line}".rstrip() for line in lines)
    else:
        yield f"{start} {_scalar(value)}"


def _items(values: Sequence[Any], indent: str, path: Path, comments: Mapping[Path, str]) -> Iterator[str]:
    for index, value in enumerate(values):
        here = (*path, index)
        if here in comments:
            yield from _comment(comments[here], indent)
        if isinstance(value, Mapping) and value:
            first, *rest = _mapping(value, indent + "  ", here, {k: v for k, v in comments.items() if len(k) > len(here) + 1})
            yield f"{indent}- {first[len(indent) + 2 :]}"
            yield from rest
        else:
            yield from _entry(f"{indent}-", value, indent, here, comments)


def _flow(values: Sequence[Any]) -> str | None:
    """A list of scalars on one line; None if it holds anything else."""
    if any(isinstance(value, (Mapping, list, tuple)) or (isinstance(value, str) and "\n" in value) for value in values):
        return None
    return f"[{', '.join(_scalar(value) for value in values)}]"


def _is_block(text: str) -> bool:
    """Whether a literal block gives the text back: no line ends in blanks, none but the first begins the indentation."""
    return bool(_BLOCK.fullmatch(text)) and not re.search(r"[ \t]\n|[ \t]$", text) and "\t" not in text


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    if _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED:
        return str(value)
    if value and _PRINTABLE.fullmatch(value):
        return "'" + value.replace("'", "''") + "'" if "'" not in value or '"' in value else json.dumps(value, ensure_ascii=False)
    escaped = json.dumps(value, ensure_ascii=False)
    return "".join(c if _PRINTABLE.fullmatch(c) else f"\\u{ord(c):04x}" for c in escaped)
