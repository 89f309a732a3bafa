"""The numbers behind one evaluation of a rule: comparisons with both operands, windows, the recording rules that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.alerts.machine import Machine
from workbench.alerts.program import Ruling
from workbench.alerts.rules import RecordingRule, RuleGroup
from workbench.alerts.window_look import SeriesLook, look
from workbench.promql.ast import COMPARISONS, Aggregate, Binary, Call, Expr, Negate, Number, Range, Selector, children, is_scalar
from workbench.promql.recorded import recorded_key
from workbench.promql.rule_reader import selectors
from workbench.promql.selection import select
from workbench.promql.text import expr_text, selector_text
from workbench.promql.vector import Labels, without_name
from workbench.telemetry.series import Series

DEEPEST = 8
"""Recording rules that read recording rules: no further."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a result."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Compared:
    """One element of a comparison."""

    labels: Labels
    """Without the metric name."""
    left: float | None
    """None: the left side has no such element."""
    right: float | None
    holds: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of a rule's condition."""

    text: str
    left_text: str
    operator: str
    right_text: str
    left: tuple[Element, ...]
    right: tuple[Element, ...]
    compared: tuple[Compared, ...]
    """Empty where a side has no element at all."""
    factor: float | None
    """Of a threshold `factor * budget`: the burn rate that is the limit."""
    budget: float | None
    """Of such a threshold: the share of bad events that the objective allows."""
    windows_s: tuple[float, ...]
    """The ranges that the left side looks at, shortest first, those of recording rules included."""


@dataclass(frozen=True, slots=True)
class Look:
    """One range of samples and the function that takes it."""

    function: str
    selector: str
    window_s: float
    begin_s: float
    end_s: float
    """The window itself."""
    series: tuple[SeriesLook, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording rule wrote, and how it came to that."""

    record: str
    group: RuleGroup
    rule: RecordingRule
    at_s: float
    """The evaluation that the reader sees."""
    elements: tuple[Element, ...]
    behind: Breakdown


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One expression at one evaluation."""

    expr: str
    structure: str
    """The condition with its comparisons numbered: `(1 and 2) / 0.001`; empty if there are none."""
    elements: tuple[Element, ...]
    """Its result."""
    failed: bool
    """Prometheus fails the query here."""
    comparisons: tuple[Comparison, ...]
    looks: tuple[Look, ...]
    recorded: tuple[Recorded, ...]


def break_down(machine: Machine, ruling: Ruling, at_ms: int, above: frozenset[int] = frozenset()) -> Breakdown:
    """The numbers of a rule at its last evaluation not after `at_ms`."""
    return _Breaker(machine, ruling, at_ms // ruling.step_ms * ruling.step_ms, above | {ruling.place}).all()


class _Breaker:
    def __init__(self, machine: Machine, ruling: Ruling, at_ms: int, above: frozenset[int]) -> None:
        self._machine, self._ruling, self._at_ms, self._above = machine, ruling, at_ms, above

    def all(self) -> Breakdown:
        expr = self._ruling.expr
        found = list(dict.fromkeys(_conditions(expr)))
        numbered: dict[Expr, str] = {one: str(number) for number, one in enumerate(found, 1)}
        vector = self._machine.reader.single(expr, self._at_ms, self._ruling.writer)
        recorded = tuple(self._recorded())
        return Breakdown(
            expr_text(expr),
            expr_text(expr, numbered) if found else "",
            self._elements(expr),
            vector.failed is not None and bool(vector.failed.any()),
            tuple(self._comparison(one) for one in found),
            tuple(self._look(function, window) for function, window in dict.fromkeys(_windows(expr, ""))),
            recorded,
        )

    def _elements(self, expr: Expr) -> tuple[Element, ...]:
        vector = self._machine.reader.single(expr, self._at_ms, self._ruling.writer)
        if vector.failed is not None and vector.failed.any():
            return ()
        rows = zip(vector.labels, vector.values, vector.present, strict=True)
        return tuple(sorted((Element(labels, float(v[0])) for labels, v, here in rows if here[0]), key=lambda one: one.labels))

    def _comparison(self, expr: Binary) -> Comparison:
        left, right = self._elements(expr.left), self._elements(expr.right)
        truth = self._elements(Binary(expr.operator, expr.left, expr.right, returns_bool=True, matching=expr.matching))
        lefts = {without_name(one.labels): one.value for one in left}
        rights = {without_name(one.labels): one.value for one in right}

        def side(values: dict[Labels, float], labels: Labels, *, scalar: bool) -> float | None:
            return values.get(labels, next(iter(values.values())) if len(values) == 1 or (scalar and values) else None)

        compared = tuple(
            Compared(
                one.labels,
                side(lefts, one.labels, scalar=is_scalar(expr.left)),
                side(rights, one.labels, scalar=is_scalar(expr.right)),
                one.value == 1.0,
            )
            for one in truth
        )
        factor, budget = _burn_limit(expr.right)
        return Comparison(
            expr_text(expr),
            expr_text(expr.left),
            expr.operator,
            expr_text(expr.right),
            left,
            right,
            compared,
            factor,
            budget,
            self._windows_behind(expr.left),
        )

    def _look(self, function: str, window: Range) -> Look:
        end_ms = self._at_ms - self._ruling.writer.offset_ms - window.selector.offset_ms
        dialect = self._machine.reader.dialect
        series = tuple(look(one, end_ms / 1000, window.window_ms / 1000, dialect) for one in self._series(window.selector))
        begin_s = (end_ms - window.window_ms) / 1000
        return Look(function, selector_text(window.selector), window.window_ms / 1000, begin_s, end_ms / 1000, series)

    def _series(self, selector: Selector) -> Iterator[Series]:
        yield from select(self._machine.reader.telemetry, selector)
        for key in self._machine.recordings.matching(selector):
            samples = self._machine.recordings.samples(key)
            seen = samples.at_ms <= self._at_ms
            yield Series(key, samples.stamps_ms[seen] / 1000.0, samples.values[seen])

    def _recorded(self) -> Iterator[Recorded]:
        """The recording rules whose series the expression reads, in their order."""
        if len(self._above) > DEEPEST:
            return
        for one in self._rulings_behind(self._ruling.expr):
            if isinstance(one.rule, RecordingRule) and one.place not in self._above:
                # A rule sees what stands before it as of this evaluation, itself and what stands after it as of the last one.
                at_ms = self._at_ms if one.place < self._ruling.place else self._at_ms - self._ruling.step_ms
                at_ms = max(0, at_ms // one.step_ms * one.step_ms)
                behind = break_down(self._machine, one, at_ms, self._above)
                written = tuple(
                    Element(recorded_key(one.name, tuple({**dict(element.labels), **one.labels}.items())).labels, element.value)
                    for element in behind.elements
                )
                yield Recorded(one.rule.record, one.group, one.rule, at_ms / 1000, written, behind)

    def _rulings_behind(self, expr: Expr) -> list[Ruling]:
        keys = {key for selector in selectors(expr) for key in self._machine.recordings.matching(selector)}
        names = {key.name for key in keys}
        return [one for one in self._machine.program.rulings if one.alert is None and one.name in names]

    def _windows_behind(self, expr: Expr, above: frozenset[int] = frozenset()) -> tuple[float, ...]:
        found = {window.window_ms / 1000 for _, window in _windows(expr, "")}
        for one in self._rulings_behind(expr):
            if one.place not in above:
                found |= set(self._windows_behind(one.expr, above | {one.place}))
        return tuple(sorted(found))


def _conditions(expr: Expr) -> Iterator[Binary]:
    """The comparisons that decide whether an element is there: those inside other comparisons' operands are not among them."""
    match expr:
        case Binary(operator, _, _, False) if operator in COMPARISONS and not is_scalar(expr):
            yield expr
        case Binary(_, left, right):
            yield from _conditions(left)
            yield from _conditions(right)
        case Negate(argument) | Aggregate(argument=argument):
            yield from _conditions(argument)


def _windows(expr: Expr, function: str) -> Iterator[tuple[str, Range]]:
    if isinstance(expr, Range):
        yield function, expr
        return
    inner = expr.function if isinstance(expr, Call) else function
    for part in children(expr):
        yield from _windows(part, inner)


def _burn_limit(expr: Expr) -> tuple[float | None, float | None]:
    """Factor and budget of a threshold that is written as their product."""
    if isinstance(expr, Binary) and expr.operator == "*":
        left, right = _constant(expr.left), _constant(expr.right)
        if left is not None and right is not None and 0 < min(left, right) < 1 and left > 0 and right > 0:
            return max(left, right), min(left, right)
    return None, None


def _constant(expr: Expr) -> float | None:
    match expr:
        case Number(value):
            return value
        case Negate(argument):
            inner = _constant(argument)
            return None if inner is None else -inner
        case Binary(operator, left, right) if operator in {"+", "-", "*", "/"}:
            a, b = _constant(left), _constant(right)
            if a is None or b is None or (operator == "/" and b == 0):
                return None
            return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[operator]
        case _:
            return None
