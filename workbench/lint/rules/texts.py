"""Where in its text an expression stands: the parser keeps no positions, so the tokens of both are compared.

Parentheses, commas and clauses that may stand before or behind (`by (..)`, `on (..)`, `offset 5m`) are left out of both, and a
selector is one token whatever the order of its matchers. What is not found is shown at the beginning of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.promql.ast import Aggregate, Binary, Call, Expr, Negate, Number, Range, Selector, Subquery, Text

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    |(?P<window>\[[^\]]*\])
    |(?P<braces>\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[^}"'`])*\})
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+\b)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
    |(?P<operator>==|!=|>=|<=|=~|!~|[-+*/%^<>@=])
    |(?P<punctuation>[(),])
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_MATCHER = re.compile(r"""([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)""", re.DOTALL)
_CLAUSES = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_BEHIND = {
    Aggregate: re.compile(r"\s*(?:by|without)\s*\([^)]*\)", re.IGNORECASE),
    Selector: re.compile(r"\s*offset\s+-?\s*[0-9a-z]+", re.IGNORECASE),
}
"""What may follow an expression and belongs to it."""
_WORD_OPERATORS = frozenset({"and", "or", "unless", "atan2"})
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}

Item = tuple[str, object]
"""A kind and what it says."""


@dataclass(frozen=True, slots=True)
class Token:
    """One item of a text and where it stands."""

    item: Item
    start: int
    end: int


def find(text: str, expr: Expr) -> tuple[int, int] | None:
    """Start and end of the first place of `expr` in `text`; None if it is not found."""
    wanted = list(_items(expr))
    tokens = tokenize(text)
    for start in range(len(tokens) - len(wanted) + 1):
        if all(tokens[start + i].item == item for i, item in enumerate(wanted)):
            return _whole(text, expr, tokens[start].start, tokens[start + len(wanted) - 1].end)
    return None


def tokenize(text: str) -> list[Token]:
    """What counts of a text, in order."""
    raw = [match for match in _TOKEN.finditer(text) if match.lastgroup != "space"]
    out: list[Token] = []
    i = 0
    while i < len(raw):
        kind, found = raw[i].lastgroup, raw[i][0]
        start, end = raw[i].span()
        i += 1
        following = raw[i][0] if i < len(raw) else ""
        if kind == "word" and found.lower() in _CLAUSES:
            if following == "(":
                while i < len(raw) and raw[i][0] != ")":
                    i += 1
                i += 1
        elif kind == "word" and found.lower() == "bool":
            pass
        elif kind == "word" and found.lower() == "offset":
            i += 1 + (following == "-")
        elif found == "@":
            i += 1
            if i < len(raw) and raw[i][0] == "(":
                i += 2
        elif kind == "word" and found.lower() in _WORD_OPERATORS:
            out.append(Token(("operator", found.lower()), start, end))
        elif (kind == "word" and following == "(") or (
            kind == "word" and raw[i : i + 1] and raw[i].lastgroup == "word" and following.lower() in ("by", "without")
        ):
            out.append(Token(("call", found.lower()), start, end))
        elif kind == "word" and found.lower() in ("nan", "inf"):
            out.append(Token(("number", repr(float(found))), start, end))
        elif kind == "word":
            braces = ""
            if i < len(raw) and raw[i].lastgroup == "braces":
                braces, end = raw[i][0], raw[i].end()
                i += 1
            out.append(Token(("selector", _matchers(found, braces)), start, end))
        elif kind == "braces":
            out.append(Token(("selector", _matchers("", found)), start, end))
        elif kind == "window":
            out.append(Token(("subquery", None) if ":" in found else ("window", _window(found[1:-1])), start, end))
        elif kind == "string":
            out.append(Token(("string", _unquoted(found)), start, end))
        elif kind == "number":
            out.append(Token(("number", repr(_number(found))), start, end))
        elif kind != "punctuation":
            out.append(Token((str(kind), found), start, end))
    return out


def _items(expr: Expr) -> Iterator[Item]:
    """The tokens that an expression would be written with."""
    match expr:
        case Number(number):
            yield ("number", repr(number))
        case Selector():
            yield ("selector", frozenset((m.label, str(m.kind), m.text) for m in expr.matchers))
        case Text(text):
            yield ("string", text)
        case Subquery():
            yield from _items(expr.expr)
            yield ("subquery", None)
        case Range():
            yield from _items(expr.selector)
            yield ("window", expr.window_ms)
        case Call():
            yield ("call", expr.function)
            for argument in expr.arguments:
                yield from _items(argument)
        case Aggregate():
            yield ("call", expr.operator)
            if expr.parameter is not None:
                yield from _items(expr.parameter)
            yield from _items(expr.argument)
        case Binary():
            yield from _items(expr.left)
            yield ("operator", expr.operator)
            yield from _items(expr.right)
        case Negate():
            yield ("operator", "-")
            yield from _items(expr.argument)


def _whole(text: str, expr: Expr, start: int, end: int) -> tuple[int, int]:
    """The same stretch, closed: `sum(rate(x[5m]` gets the parentheses that it opens, its `by (..)`, and those right around it."""
    end += _closing(text, start, end)
    last = expr
    while isinstance(last, Binary | Negate):
        last = last.right if isinstance(last, Binary) else last.argument
    behind = _BEHIND.get(type(last))
    if behind is not None and (found := behind.match(text, end)):
        end = found.end()
    while True:
        before, after = text[:start].rstrip(), text[end:].lstrip()
        is_call = re.search(r"[A-Za-z0-9_:]\s*\($", before) is not None
        if not (before.endswith("(") and after.startswith(")")) or is_call:
            return start, end
        start, end = len(before) - 1, end + len(text[end:]) - len(after) + 1


def _closing(text: str, start: int, end: int) -> int:
    """How many characters behind `end` belong to parentheses that were opened from `start` on."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"', lambda match: "_" * len(match[0]), text)
    depth = bare[start:end].count("(") - bare[start:end].count(")")
    at = end
    while depth > 0 and at < len(bare):
        clause = next((found for pattern in _BEHIND.values() if (found := pattern.match(bare, at))), None)
        if clause is not None:  # of something inside: `sum(max(a) by (job))`
            at = clause.end()
        elif bare[at] in ") \n\t":
            depth -= bare[at] == ")"
            at += 1
        else:
            break
    return at - end if depth == 0 else 0


def _matchers(name: str, braces: str) -> frozenset[tuple[str, str, str]]:
    found = {(label, operator, _unquoted(text)) for label, operator, text in _MATCHER.findall(braces)}
    if name:
        found.add(("__name__", "=", name))
    return frozenset(found)


def _unquoted(text: str) -> str:
    if text[0] == "`":
        return text[1:-1]
    return re.sub(r"\\(.)", lambda match: {"n": "\n", "t": "\t"}.get(match[1], match[1]), text[1:-1])


def _window(text: str) -> object:
    """Milliseconds of `5m`; a subquery's two parts stay text."""
    stripped = text.strip()
    parts = _PART.findall(stripped)
    if "".join(number + unit for number, unit in parts) != stripped:
        return "".join(text.split())
    return sum(int(number) * _MS[unit] for number, unit in parts)


def _number(text: str) -> float:
    try:
        return float(int(text, 16)) if text[:2] in ("0x", "0X") else float(text)
    except ValueError:
        return float("nan")
