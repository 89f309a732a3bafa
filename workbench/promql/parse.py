"""Text to expressions: the grammar is `promql-parser`'s, the refusal of what we do not evaluate is ours.

Everything not covered is refused here, before any evaluation, with the function or operator and the text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from workbench.errors import BadInput, Problem
from workbench.promql.ast import (
    ARITHMETIC,
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    At,
    Binary,
    Call,
    Expr,
    Kind,
    Matcher,
    Matching,
    MatchKind,
    Negate,
    Number,
    Range,
    Selector,
    Subquery,
    Text,
    kind_of,
)
from workbench.promql.normalise import Normal, NotPromQL, normalised
from workbench.promql.regex import compiled
from workbench.promql.signatures import AGGREGATIONS, NATIVE, Signature, Version, version_of
from workbench.promql.signatures import FUNCTIONS as SIGNATURES

FUNCTIONS = frozenset(SIGNATURES)
"""Every function that is evaluated, in any version."""

_LONGEST_TEXT = 20_000
_DEEPEST = 150
"""Levels of nesting: far beyond any rule, and within the recursion that Python allows."""

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_UTF8_NAMES: Version = (3, 0)
_MIXED: Version = (2, 54)
_NEWEST = "3.5"


@lru_cache(maxsize=4096)
def parse(text: str, prometheus: str | None = None) -> Expr:
    """The expression that a text says.

    `prometheus` is a version, `2.42`: what it does not have is refused; without one every version's functions and forms are
    taken. Raises BadInput for text that is no PromQL, and for everything that the evaluator does not cover; the problems (all
    that the text has) name the function or operator.
    """
    import promql_parser  # noqa: PLC0415 - a compiled library, loaded only where rules are read

    _refuse_monsters(text)
    try:
        normal = normalised(text)
        tree = promql_parser.parse(normal.text)
    except NotPromQL as error:
        raise BadInput(_problem("syntax", f"not PromQL: {error}", text)) from None
    except ValueError as error:
        raise BadInput(_syntax(normal.said((str(error).strip().splitlines() or ["syntax error"])[0]), text)) from None
    except BaseException as error:
        # The library aborts on some numbers; what is known of them does not reach it, and the rest must not stop us.
        if type(error).__name__ != "PanicException":
            raise
        raise BadInput(_problem("syntax", "not PromQL: the grammar cannot read it", text)) from None
    reader = _Reader(promql_parser, text, normal, None if prometheus is None else version_of(prometheus))
    expr = reader.read_whole(tree)
    if reader.problems:
        raise BadInput(reader.problems)
    return expr


def _syntax(said: str, text: str) -> Problem:
    """What the grammar says, with the nearest name where it misses a function."""
    unknown = re.match(r"unknown function with name '(\w+)'", said)
    if unknown:
        return _problem("function", f"there is no function `{unknown[1]}`", text, unknown[1], FUNCTIONS)
    return _problem("syntax", f"not PromQL: {said}", text)


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


def _problem(check: str, message: str, text: str, found: str | None = None, among: Iterable[str] = ()) -> Problem:
    shown = text if len(text) <= 200 else text[:197] + "..."
    names = sorted(among)
    near = get_close_matches(found or "", names, n=1)
    return Problem(
        check=f"promql/{check}",
        message=f"{message} (in `{shown}`)",
        found=found,
        allowed=_few(names),
        nearest=_RENAMED.get(found or "") or (near[0] if near else None),
    )


_RENAMED = {"holt_winters": "double_exponential_smoothing", "double_exponential_smoothing": "holt_winters"}
"""One function under the names of 2.x and 3.x."""
_MOST_NAMED = 12


def _few(names: Sequence[str]) -> str | None:
    """`a, b, c and 70 more`: the nearest name helps, a screenful of names does not."""
    more = len(names) - _MOST_NAMED
    text = ", ".join(names[:_MOST_NAMED])
    return (f"{text} and {more} more" if more > 0 else text) or None


_DUMMY: Expr = Selector(())
"""Stands where something was refused; its type is not complained about as well."""


class _Reader:
    """Turns the library's tree into ours and gathers what is refused."""

    def __init__(self, library: Any, text: str, normal: Normal, version: Version | None) -> None:
        self._library = library
        self._text = text
        self._normal = normal
        self._version = version
        self.problems: list[Problem] = []

    def read_whole(self, tree: Any) -> Expr:
        """The whole expression: something that has elements at an instant."""
        for form, since, what in (
            ("underscores", _MIXED, "an underscore in a number"),
            ("mixed", _MIXED, "a number as a duration, or a duration as a number,"),
        ):
            if form in self._normal.uses and not self._has(since):
                self._refuse("version", f"{what} is read from Prometheus {_dotted(since)} on")
        expr = self.read(tree, 0)
        match kind_of(expr):
            case Kind.RANGE:
                self._refuse("range", "a range of samples is no result; a function must take it")
            case Kind.TEXT:
                self._refuse("string", "a text has no value at an instant", "string")
        return expr

    def _has(self, since: Version) -> bool:
        return self._version is None or self._version >= since

    def _refuse(self, check: str, message: str, found: str | None = None, among: Iterable[str] = ()) -> Expr:
        self.problems.append(_problem(check, message, self._text, found, among))
        return _DUMMY

    def _said(self, text: str) -> str:
        return self._normal.said(text)

    def read(self, node: Any, depth: int) -> Expr:
        if depth > _DEEPEST:
            raise BadInput(_problem("size", f"an expression is nested at most {_DEEPEST} levels", self._text))
        library = self._library
        match node:
            case library.ParenExpr():
                return self.read(node.expr, depth + 1)
            case library.NumberLiteral():
                # Equal numbers are one value to us, and Go tells the two zeros apart.
                return Negate(Number(0.0)) if str(node.val) == "-0.0" else Number(float(node.val))
            case library.StringLiteral():
                return Text(self._said(node.val))
            case library.VectorSelector():
                return self._selector(node)
            case library.MatrixSelector():
                return Range(self._selector(node.vector_selector), _milliseconds(node.range))
            case library.SubqueryExpr():
                return self._subquery(node, depth)
            case library.Call():
                return self._call(node, depth)
            case library.AggregateExpr():
                return self._aggregate(node, depth)
            case library.BinaryExpr():
                return self._binary(node, depth)
            case library.UnaryExpr():
                return self._negate(node, depth)
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
        matchers = [Matcher(self._label(m.name), names[str(m.op)], self._said(m.value)) for m in node.matchers.matchers]
        if node.matchers.or_matchers:
            self._refuse("matcher", "`or` between matchers is not PromQL", "or")
        quoted = [m for m in node.matchers.matchers if m.name == "__name__" and not node.name and "\ue000" in m.value]
        if quoted and not self._has(_UTF8_NAMES) and not re.search(r"__name__", self._text):
            self._refuse("version", "a metric name in quotes is read from Prometheus 3.0 on", self._said(quoted[0].value))
        if node.name:
            matchers.append(Matcher("__name__", MatchKind.EQUAL, self._said(node.name)))
        empty = [self._takes_empty(matcher) for matcher in matchers]
        if matchers and all(empty) and not node.matchers.or_matchers:
            self._refuse("matcher", "a selector must have at least one matcher that the empty text does not satisfy")
        # Sorted by label only: what `absent` makes of several matchers of one label depends on their order.
        matchers.sort(key=lambda matcher: matcher.label)
        return Selector(tuple(matchers), *self._moved(node))

    def _takes_empty(self, matcher: Matcher) -> bool:
        """Whether a label that is not there satisfies a matcher; refuses a regular expression that is none."""
        match matcher.kind:
            case MatchKind.EQUAL | MatchKind.NOT_EQUAL:
                return (matcher.text == "") == (matcher.kind is MatchKind.EQUAL)
            case _:
                pattern = self._regex(matcher.text)
                return pattern is None or (pattern.fullmatch("") is not None) == (matcher.kind is MatchKind.REGEX)

    def _regex(self, text: str) -> Any | None:
        try:
            return compiled(text)
        except BadInput as error:
            for problem in error.problems:
                self._refuse("regex", problem.message, problem.found)
            return None

    def _moved(self, node: Any) -> tuple[int, int | At | None]:
        """Offset and `@` of a selector or subquery."""
        offset_ms = _milliseconds(node.offset) if node.offset else 0
        if node.at is None:
            return offset_ms, None
        if str(node.at.type) != str(self._library.AtModifierType.At):
            return offset_ms, At.EVALUATION
        place = round((node.at.at - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)).total_seconds())
        return offset_ms, self._normal.instants_ms[place]

    def _subquery(self, node: Any, depth: int) -> Expr:
        inner = self.read(node.expr, depth + 1)
        if inner is _DUMMY:
            return inner
        if kind_of(inner) is not Kind.VECTOR:
            return self._refuse("subquery", f"a subquery needs an instant vector, not a {kind_of(inner)}", "subquery")
        step_ms = _milliseconds(node.step) if node.step else None
        return Subquery(inner, _milliseconds(node.range), step_ms, *self._moved(node))

    def _label(self, name: str) -> str:
        """A label's name; quoted names are UTF-8 and only Prometheus 3 has them."""
        said = self._said(name)
        if not _LABEL_NAME.fullmatch(said):
            if not said:
                self._refuse("label", "a label name is empty")
            elif not self._has(_UTF8_NAMES):
                self._refuse("version", "a label name of this form is read from Prometheus 3.0 on", said)
        return said

    def _call(self, node: Any, depth: int) -> Expr:
        name = node.func.name
        arguments = tuple(self.read(argument, depth + 1) for argument in node.args)
        if name == "double_exponential_smoothing" and name not in self._normal.uses:
            name = "holt_winters"
        signature = SIGNATURES.get(name)
        if signature is None:
            what = "is for native histograms, which are not evaluated" if name in NATIVE else "is not evaluated"
            return self._refuse("function", f"the function `{name}` {what}", name, FUNCTIONS)
        if not signature.in_version(self._version or _any(signature)):
            return self._refuse("version", f"the function `{name}` {_when(signature)}", name, self._in_version())
        wanted = [signature.kind(position) for position in range(len(arguments))]
        if not signature.fewest <= len(arguments) or None in wanted:
            return self._refuse("function", f"the function `{name}` takes another number of arguments than {len(arguments)}", name)
        for argument, kind in zip(arguments, wanted, strict=True):
            if kind_of(argument) is not kind and argument is not _DUMMY:
                self._refuse("function", f"the function `{name}` needs a {kind} where a {kind_of(argument)} stands", name)
        self._check_texts(name, arguments)
        return Call("double_exponential_smoothing" if name == "holt_winters" else name, arguments)

    def _in_version(self) -> frozenset[str]:
        version = self._version or version_of(_NEWEST)
        return frozenset(name for name, signature in SIGNATURES.items() if signature.in_version(version))

    def _check_texts(self, name: str, arguments: tuple[Expr, ...]) -> None:
        """Label names and patterns that Prometheus would find wrong only when it evaluates the rule."""
        texts = [argument.value for argument in arguments if isinstance(argument, Text)]
        if name == "label_replace" and len(texts) == 4:
            self._regex(texts[3])
            self._label_argument(name, texts[0])
        elif name == "label_join" and len(texts) >= 2:
            for label in (texts[0], *texts[2:]):
                self._label_argument(name, label)

    def _label_argument(self, where: str, name: str) -> None:
        if not name or (not _LABEL_NAME.fullmatch(name) and not self._has(_UTF8_NAMES)):
            self._refuse("label", f"{where} needs a label name, not {name!r}", name)

    def _aggregate(self, node: Any, depth: int) -> Expr:
        name = str(node.op)
        if name not in AGGREGATIONS:
            return self._refuse("aggregation", f"the aggregation `{name}` is not evaluated", name, AGGREGATIONS)
        argument = self.read(node.expr, depth + 1)
        parameter = None if node.param is None else self.read(node.param, depth + 1)
        if _DUMMY in {argument, parameter}:
            return _DUMMY
        wanted = AGGREGATIONS[name]
        if (None if parameter is None else kind_of(parameter)) is not wanted or kind_of(argument) is not Kind.VECTOR:
            needed = f"a {wanted} and an instant vector" if wanted else "an instant vector"
            return self._refuse("aggregation", f"the aggregation `{name}` needs {needed}", name)
        if isinstance(parameter, Text):
            self._label_argument(name, parameter.value)
        if node.modifier is None:
            return Aggregate(name, argument, parameter=parameter)
        without = node.modifier.type == self._library.AggModifierType.Without
        labels = tuple(sorted({self._label(label) for label in node.modifier.labels}))
        return Aggregate(name, argument, labels, without, parameter)

    def _negate(self, node: Any, depth: int) -> Expr:
        argument = self.read(node.expr, depth + 1)
        if kind_of(argument) in {Kind.SCALAR, Kind.VECTOR}:
            return Negate(argument)
        return self._refuse("operator", f"unary minus needs a scalar or an instant vector, not a {kind_of(argument)}", "-")

    def _binary(self, node: Any, depth: int) -> Expr:
        name = str(node.op)
        left, right = self.read(node.lhs, depth + 1), self.read(node.rhs, depth + 1)
        known = ARITHMETIC | COMPARISONS | SET_OPERATORS
        if name not in known:
            return self._refuse("operator", f"the operator `{name}` is not evaluated", name, known)
        if _DUMMY in {left, right}:
            return _DUMMY
        kinds = {kind_of(left), kind_of(right)}
        returns_bool = node.modifier is not None and bool(node.modifier.return_bool)
        if kinds & {Kind.RANGE, Kind.TEXT} or (name in SET_OPERATORS and kinds != {Kind.VECTOR}):
            return self._refuse("operator", f"the operator `{name}` cannot take a {' and a '.join(sorted(kinds))}", name)
        if kinds == {Kind.SCALAR} and name in COMPARISONS and not returns_bool:
            return self._refuse("operator", f"`{name}` between two scalars needs `bool`", name)
        if node.modifier is None:
            return Binary(name, left, right)
        if node.modifier.fill_values is not None and (
            node.modifier.fill_values.lhs is not None or node.modifier.fill_values.rhs is not None
        ):
            return self._refuse("operator", "the modifier `fill` is not evaluated", "fill")
        return Binary(name, left, right, returns_bool, self._matching(node.modifier))

    def _matching(self, modifier: Any) -> Matching:
        cards = self._library.VectorMatchCardinality
        many = {str(cards.ManyToOne): "left", str(cards.OneToMany): "right"}.get(str(modifier.card))
        labels: tuple[str, ...] = ()
        on = False
        if modifier.matching is not None:
            labels = tuple(sorted({self._label(label) for label in modifier.matching.labels}))
            on = modifier.matching.type == self._library.LabelModifierType.Include
        return Matching(labels, on, many, tuple(self._label(label) for label in modifier.group_labels or ()))


def _milliseconds(delta: dt.timedelta) -> int:
    return round(delta / dt.timedelta(milliseconds=1))


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def _any(signature: Signature) -> Version:
    """A version that has the function, among those that there are: without a profile every version's functions are taken."""
    return min(max(signature.since, (2, 42)), version_of(_NEWEST))


def _when(signature: Signature) -> str:
    if signature.until is not None:
        return f"is gone since Prometheus {_dotted(signature.until)}"
    return f"came with Prometheus {_dotted(signature.since)}"
