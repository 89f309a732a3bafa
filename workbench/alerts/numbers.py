"""How numbers stand in expressions."""

from __future__ import annotations

from decimal import Decimal


def number_text(number: Decimal | float) -> str:
    """The shortest exact writing: `14.4`, `6`, `0.001`."""
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def rounded_text(number: Decimal | float) -> str:
    """At most four significant digits, for people."""
    return number_text(Decimal(f"{Decimal(str(number)):.4g}"))
