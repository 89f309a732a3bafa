"""Small questions about expressions: what stands below, what is constant, and how arithmetic is written in a message."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from workbench.promql.ast import ARITHMETIC, Binary, Call, Expr, MatchKind, Negate, Number, Range, Selector, Subquery, children

_OPERATORS = {"*": "x"}
_RATES = frozenset({"rate", "irate", "increase", "xrate", "xincrease"})
_LARGEST_POWER = 64


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and everything below it, parents first."""
    yield expr
    for child in children(expr):
        yield from walk(child)


def metric(selector: Selector) -> str:
    """The metric's name; empty if the selector does not state one name."""
    for matcher in selector.matchers:
        if matcher.label == "__name__" and matcher.kind is MatchKind.EQUAL:
            return matcher.text
    return ""


def selectors(expr: Expr) -> list[Selector]:
    """Every selector below, in order."""
    return [node for node in walk(expr) if isinstance(node, Selector)]


def windows(expr: Expr) -> list[int]:
    """Lengths of all ranges below, in milliseconds, in order."""
    return [node.window_ms for node in walk(expr) if isinstance(node, Range | Subquery)]


def is_rate(expr: Expr) -> bool:
    """Whether a counter is turned into a rate here."""
    return isinstance(expr, Call) and expr.function in _RATES


def value(expr: Expr) -> float | None:
    """What a constant is, reckoned in IEEE doubles as Prometheus does; None if it is no constant."""
    match expr:
        case Number(number):
            return number
        case Negate(argument):
            below = value(argument)
            return None if below is None else -below
        case Call("vector" | "scalar", (argument,)):
            return value(argument)
        case Binary(operator, left, right) if operator in ARITHMETIC:
            a, b = value(left), value(right)
            return None if a is None or b is None else arithmetic(operator, a, b)
        case _:
            return None


def exact(expr: Expr) -> Fraction | None:
    """What a constant is, reckoned in decimals as written: 14 x (1 - 0.9) is 1.4 and not 1.3999999999999997."""
    match expr:
        case Number(number):
            return Fraction(repr(number)) if math.isfinite(number) else None
        case Negate(argument):
            below = exact(argument)
            return None if below is None else -below
        case Call("vector" | "scalar", (argument,)):
            return exact(argument)
        case Binary(operator, left, right):
            a, b = exact(left), exact(right)
            return None if a is None or b is None else _exact_arithmetic(operator, a, b)
        case _:
            return None


def _exact_arithmetic(operator: str, a: Fraction, b: Fraction) -> Fraction | None:
    match operator:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b if b else None
        case "^" if b.denominator == 1 and abs(b) <= _LARGEST_POWER and (a or b >= 0):
            power: Fraction = a ** int(b)
            return power
        case _:
            return None


def arithmetic(operator: str, a: float, b: float) -> float:
    """One operation on two doubles, as Go does it: division by zero is infinite or not a number, never an error."""
    try:
        match operator:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "/":
                if b == 0:
                    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)
                return a / b
            case "%":
                return math.fmod(a, b)
            case "^":
                return math.pow(a, b)
    except (OverflowError, ValueError):
        pass
    return math.nan


def unscaled(expr: Expr) -> tuple[Expr, Fraction]:
    """What is measured and by what constant it was multiplied: 100 for percent, 1 / budget for a burn rate.

    `100 * errors / total` is a ratio times 100, wherever the parentheses are.
    """
    inner, scale = expr, Fraction(1)
    while isinstance(inner, Binary) and inner.operator in ("*", "/"):
        right, left = exact(inner.right), exact(inner.left)
        if right is not None and right > 0:
            scale = scale * right if inner.operator == "*" else scale / right
            inner = inner.left
        elif left is not None and left > 0 and inner.operator == "*":
            scale, inner = scale * left, inner.right
        elif inner.operator == "/" and (part := unscaled(inner.left))[1] != 1:
            scale, inner = scale * part[1], replace(inner, left=part[0])
        else:
            break
    return inner, scale


def number_text(number: Fraction | float | None, digits: int = 6) -> str:
    """`1.44`, `0.0144`, `4320`, `inf`: at most so many significant digits."""
    if number is None or not math.isfinite(number):
        return str(number)
    value = float(number)
    text = f"{value:.{digits}g}"
    if "e" in text:
        text = f"{float(text):.15f}" if abs(value) < 1 else f"{float(text):.0f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def show_sum(expr: Expr) -> str:
    """A constant with its arithmetic: `14 x (1 - 0.9) = 1.4`; a bare number stands for itself."""
    result = exact(expr)
    shown = number_text(value(expr) if result is None else result)
    written = formula(expr)
    return shown if written == shown else f"{written} = {shown}"


def formula(expr: Expr, *, inside: bool = False) -> str:
    """Arithmetic of constants as people write it."""
    match expr:
        case Number(number):
            return number_text(number, 15)
        case Negate(argument):
            return f"-{formula(argument, inside=True)}"
        case Call(_, (argument,)):
            return formula(argument, inside=inside)
        case Binary(operator, left, right):
            text = f"{formula(left, inside=True)} {_OPERATORS.get(operator, operator)} {formula(right, inside=True)}"
            return f"({text})" if inside else text
        case _:
            return "..."
