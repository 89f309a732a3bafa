"""Expressions as text again: what Prometheus reads as the same expression."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.promql.ast import Aggregate, Binary, Call, Expr, Matcher, Matching, MatchKind, Negate, Number, Range, Selector
from workbench.units import format_duration

_BINDS = {"or": 1, "and": 2, "unless": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 6}
"""How tightly operators bind; comparisons 3. All but `^` group to the left."""
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)


def expr_text(expr: Expr, instead: Mapping[Expr, str] | None = None) -> str:
    """The expression on one line; `instead` writes some of its parts in other words."""
    return _Text(instead or {}).of(expr)


def selector_text(selector: Selector) -> str:
    """`http_requests_total{status_code=~"5.."}`, with its modifiers."""
    return _Text({}).of(selector)


def bare_selector_text(selector: Selector) -> str:
    """A selector without its modifiers."""
    name, rest = "", []
    for matcher in selector.matchers:
        if not name and matcher.label == "__name__" and matcher.kind is MatchKind.EQUAL and _NAME.fullmatch(matcher.text):
            name = matcher.text
        else:
            rest.append(matcher_text(matcher))
    return f"{name}{{{','.join(rest)}}}" if rest or not name else name


def matcher_text(matcher: Matcher) -> str:
    """`code=~"5.."`."""
    return f"{matcher.label}{matcher.kind}{_quoted(matcher.text)}"


class _Text:
    def __init__(self, instead: Mapping[Expr, str]) -> None:
        self._instead = instead

    def of(self, expr: Expr, within: int = 0) -> str:
        """Text of an expression below an operator that binds as tightly as `within`."""
        if expr in self._instead:
            return self._instead[expr]
        match expr:
            case Number(value):
                return number_text(value)
            case Selector():
                return bare_selector_text(expr) + _modifiers(expr)
            case Range(selector, window_ms):
                return f"{bare_selector_text(selector)}[{_ms(window_ms)}]{_modifiers(selector)}"
            case Call(function, arguments):
                return f"{function}({', '.join(self.of(one) for one in arguments)})"
            case Aggregate():
                return self._aggregate(expr)
            case Negate(argument):
                return f"-{self.of(argument, 5)}"
            case Binary():
                return self._binary(expr, within)
            case _:
                return self._other(expr)

    def _binary(self, expr: Binary, within: int) -> str:
        binds = _BINDS.get(expr.operator, 3)
        left = self.of(expr.left, binds + (expr.operator == "^"))
        right = self.of(expr.right, binds + (expr.operator != "^"))
        text = f"{left} {expr.operator}{' bool' * expr.returns_bool}{_matching(expr.matching)} {right}"
        return f"({text})" if binds < within else text

    def _aggregate(self, expr: Aggregate) -> str:
        grouping = ""
        if expr.labels or expr.without:
            grouping = f" {'without' if expr.without else 'by'} ({', '.join(expr.labels)}) "
        parameter = getattr(expr, "parameter", None)
        given = f"{self.of(parameter)}, " if parameter is not None else ""
        return f"{expr.operator}{grouping}({given}{self.of(expr.argument)})"

    def _other(self, expr: Any) -> str:
        """Subqueries and string literals."""
        if hasattr(expr, "step_ms"):
            step = "" if expr.step_ms is None else _ms(expr.step_ms)
            return f"{self.of(expr.expr, 7)}[{_ms(expr.window_ms)}:{step}]{_modifiers(expr)}"
        return _quoted(expr.value)


def number_text(number: float) -> str:
    """The shortest text that reads back as the number: `14.4`, `1e-05`, `+Inf`, `NaN`."""
    if number != number:  # noqa: PLR0124 - NaN
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "+Inf" if number > 0 else "-Inf"
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _modifiers(node: Any) -> str:
    text = f" offset {_ms(node.offset_ms)}" if node.offset_ms else ""
    at = getattr(node, "at_ms", None)
    if at is None:
        return text
    return f"{text} @ {at / 1000:.3f}" if isinstance(at, int) else f"{text} @ end()"


def _matching(matching: Matching) -> str:
    text = ""
    if matching.on or matching.labels:
        text += f" {'on' if matching.on else 'ignoring'} ({', '.join(matching.labels)})"
    if matching.many is not None:
        text += f" group_{matching.many} ({', '.join(matching.include)})"
    return text


def _ms(milliseconds: int) -> str:
    return format_duration(milliseconds / 1000)
