"""Text to expressions: the grammar is `promql-parser`'s, the refusal of what we do not evaluate is ours.

Everything not covered is refused here, before any evaluation, with the function or operator and the text.
"""

from __future__ import annotations

import datetime as dt
from difflib import get_close_matches
from typing import Any

from workbench.errors import BadInput, Problem
from workbench.promql.ast import (
    ARITHMETIC,
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Expr,
    Matcher,
    Matching,
    MatchKind,
    Negate,
    Number,
    Range,
    Selector,
)

FUNCTIONS = frozenset({"abs", "count_over_time", "histogram_quantile", "increase", "rate", "resets", "time", "vector"})
"""Every function that is evaluated."""
AGGREGATIONS = frozenset({"sum", "min", "max", "avg", "count"})
"""Every aggregation that is evaluated."""

_LONGEST_TEXT = 20_000
_DEEPEST = 150
"""Levels of nesting: far beyond any rule, and within the recursion that Python allows."""


def parse(text: str) -> Expr:
    """The expression that a text says.

    Raises BadInput for text that is no PromQL, and for everything that the evaluator does not cover; the problems (all that the
    text has) name the function or operator.
    """
    import promql_parser  # noqa: PLC0415 - a compiled library, loaded only where rules are read

    _refuse_monsters(text)
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        raise BadInput(_problem("syntax", f"not PromQL: {error}", text)) from None
    reader = _Reader(promql_parser, text)
    expr = reader.read(tree, 0)
    if reader.problems:
        raise BadInput(reader.problems)
    if isinstance(expr, Range):
        raise BadInput(_problem("range", "a range of samples is no result; a function must take it", text))
    return expr


def _refuse_monsters(text: str) -> None:
    if len(text) > _LONGEST_TEXT:
        raise BadInput(_problem("size", f"an expression has at most {_LONGEST_TEXT} characters, not {len(text)}", text))
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    # Operators nest as well: `a+a+a` is two levels deep, `--a` three.
    if deepest > _DEEPEST or sum(text.count(c) for c in "+-*/%^<>=") > 20 * _DEEPEST:
        raise BadInput(_problem("size", f"an expression is nested at most {_DEEPEST} levels", text))


def _problem(check: str, message: str, text: str, found: str | None = None, among: frozenset[str] = frozenset()) -> Problem:
    shown = text if len(text) <= 200 else text[:197] + "..."
    near = get_close_matches(found or "", sorted(among), n=1)
    return Problem(
        check=f"promql/{check}",
        message=f"{message} (in `{shown}`)",
        found=found,
        allowed=", ".join(sorted(among)) or None,
        nearest=near[0] if near else None,
    )


_DUMMY = Number(0.0)


class _Reader:
    """Turns the library's tree into ours and gathers what is refused."""

    def __init__(self, library: Any, text: str) -> None:
        self._library = library
        self._text = text
        self.problems: list[Problem] = []

    def _refuse(self, check: str, message: str, found: str | None = None, among: frozenset[str] = frozenset()) -> Expr:
        self.problems.append(_problem(check, message, self._text, found, among))
        return _DUMMY

    def read(self, node: Any, depth: int) -> Expr:
        if depth > _DEEPEST:
            raise BadInput(_problem("size", f"an expression is nested at most {_DEEPEST} levels", self._text))
        library = self._library
        match node:
            case library.ParenExpr():
                return self.read(node.expr, depth + 1)
            case library.NumberLiteral():
                return Number(float(node.val))
            case library.VectorSelector():
                return self._selector(node)
            case library.MatrixSelector():
                return Range(self._selector(node.vector_selector), _milliseconds(node.range))
            case library.Call():
                return self._call(node, depth)
            case library.AggregateExpr():
                return self._aggregate(node, depth)
            case library.BinaryExpr():
                return self._binary(node, depth)
            case library.UnaryExpr():
                return Negate(self.read(node.expr, depth + 1))
            case library.SubqueryExpr():
                return self._refuse("subquery", "subqueries are not evaluated", "subquery")
            case library.StringLiteral():
                return self._refuse("string", "a text has no value at an instant", "string")
            case _:
                return self._refuse("form", "this form is not evaluated", type(node).__name__)

    def _selector(self, node: Any) -> Selector:
        kinds = self._library.MatchOp
        names = {
            str(kinds.Equal): MatchKind.EQUAL,
            str(kinds.NotEqual): MatchKind.NOT_EQUAL,
            str(kinds.Re): MatchKind.REGEX,
            str(kinds.NotRe): MatchKind.NOT_REGEX,
        }
        matchers = [Matcher(m.name, names[str(m.op)], m.value) for m in node.matchers.matchers]
        if node.matchers.or_matchers:
            self._refuse("matcher", "`or` between matchers is not evaluated", "or")
        if node.name:
            matchers.append(Matcher("__name__", MatchKind.EQUAL, node.name))
        if node.at is not None:
            self._refuse("at", "the modifier `@` is not evaluated", "@")
        return Selector(tuple(sorted(set(matchers))), _milliseconds(node.offset) if node.offset else 0)

    def _call(self, node: Any, depth: int) -> Expr:
        name = node.func.name
        if name not in FUNCTIONS:
            return self._refuse("function", f"the function `{name}` is not evaluated", name, FUNCTIONS)
        arguments = tuple(self.read(argument, depth + 1) for argument in node.args)
        return Call(name, arguments)

    def _aggregate(self, node: Any, depth: int) -> Expr:
        name = str(node.op)
        if name not in AGGREGATIONS:
            return self._refuse("aggregation", f"the aggregation `{name}` is not evaluated", name, AGGREGATIONS)
        argument = self.read(node.expr, depth + 1)
        if node.modifier is None:
            return Aggregate(name, argument)
        without = node.modifier.type == self._library.AggModifierType.Without
        return Aggregate(name, argument, tuple(sorted(set(node.modifier.labels))), without)

    def _binary(self, node: Any, depth: int) -> Expr:
        name = str(node.op)
        left, right = self.read(node.lhs, depth + 1), self.read(node.rhs, depth + 1)
        if name not in ARITHMETIC | COMPARISONS | SET_OPERATORS:
            return self._refuse(
                "operator", f"the operator `{name}` is not evaluated", name, ARITHMETIC | COMPARISONS | SET_OPERATORS
            )
        if node.modifier is None:
            return Binary(name, left, right)
        return Binary(name, left, right, bool(node.modifier.return_bool), self._matching(node.modifier))

    def _matching(self, modifier: Any) -> Matching:
        cards = self._library.VectorMatchCardinality
        many = {str(cards.ManyToOne): "left", str(cards.OneToMany): "right"}.get(str(modifier.card))
        labels: tuple[str, ...] = ()
        on = False
        if modifier.matching is not None:
            labels = tuple(sorted(set(modifier.matching.labels)))
            on = modifier.matching.type == self._library.LabelModifierType.Include
        return Matching(labels, on, many, tuple(modifier.group_labels or ()))


def _milliseconds(delta: dt.timedelta) -> int:
    return round(delta / dt.timedelta(milliseconds=1))
