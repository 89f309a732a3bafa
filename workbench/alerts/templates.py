"""Templates in labels and annotations: so far `$labels` and `$value`, plain."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

Query = Callable[[str, float], Sequence[tuple[dict[str, str], float]]]
"""The elements of an expression at a time in seconds."""

_PART = re.compile(r"\{\{-?\s*(?:\$labels\.(\w+)|(\$value))\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places to fill."""

    text: str

    @property
    def needs_value(self) -> bool:
        """Whether what comes out depends on more than the labels."""
        return "$value" in self.text

    @property
    def literal(self) -> str | None:
        """What comes out, if that is always the same."""
        return None if "{{" in self.text else self.text

    def render(self, labels: Mapping[str, str], value: float, at_s: float, query: Query | None) -> str:
        """The text for one element."""
        del at_s, query
        return _PART.sub(lambda m: labels.get(m[1], "") if m[1] else _number(value), self.text)


def compile_template(text: str) -> Template:
    """Read a template."""
    return Template(text)


def _number(value: float) -> str:
    """A float64 as Go's `%v` prints it."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    shortest = Decimal(repr(value)).normalize()
    if value and not -4 <= shortest.adjusted() < 21:
        mantissa, exponent = f"{shortest:e}".split("e")
        return f"{mantissa}e{int(exponent):+03d}"
    return f"{shortest:f}"
