"""Durations, exact shares, rates and money: how they are written, and how they are read.

Durations are seconds (`float`) once read; shares and targets stay exact decimals in 0..1, so that an error budget is `1 - target`
and never `1 - 0.999` in binary; money is a decimal with its currency.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,6})?(?:ms|[smhdw]))+", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)
_SHARE = re.compile(r"-?\d{1,12}(?:\.\d{1,15})?%", re.ASCII)
_MONEY = re.compile(r"(-?\d{1,12}(?:\.\d{1,4})?) ([A-Z]{3})", re.ASCII)


def parse_duration(text: str) -> float:
    """Seconds in `15s`, `5m`, `1h30m`, `250ms`, `30d`; raises ValueError with the rule."""
    if not _DURATION.fullmatch(text):
        raise ValueError("a duration is a number and a unit: 250ms, 15s, 5m, 6h, 30d, 4w, or 1h30m")
    total_ms = sum((Decimal(number) * _UNITS_MS[unit] for number, unit in _DURATION_PART.findall(text)), Decimal(0))
    return float(total_ms / 1000)


def format_duration(seconds: float) -> str:
    """The shortest exact writing of a duration: `90 s` is `1m30s`; sub-millisecond parts are rounded."""
    left = round(abs(seconds) * 1000)
    if left == 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _UNITS_MS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if seconds < 0 else "") + "".join(parts)


def parse_share(text: str) -> Decimal:
    """The exact decimal in 0..1 (or beyond, for growth) of `99.9%`; raises ValueError with the rule."""
    if not _SHARE.fullmatch(text):
        raise ValueError("a share is written in percent: 99.9%")
    return Decimal(text[:-1]) / 100


def format_share(share: Decimal | float, digits: int | None = None) -> str:
    """`Decimal('0.999')` as `99.9%`; with `digits`, that many decimals of the percentage."""
    if digits is not None:
        return f"{float(share) * 100:.{digits}f}%"
    percent = Decimal(str(share)) * 100
    text = f"{percent:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in one currency."""

    amount: Decimal
    currency: str

    @classmethod
    def parse(cls, text: str) -> Money:
        """`499.00 EUR`; raises ValueError with the rule."""
        match = _MONEY.fullmatch(text)
        if not match:
            raise ValueError("money is an amount and a currency code: 499.00 EUR")
        try:
            return cls(Decimal(match[1]), match[2])
        except InvalidOperation as error:  # pragma: no cover - the pattern admits only decimals
            raise ValueError(str(error)) from error

    def __add__(self, other: Money) -> Money:
        """The sum; raises ValueError over two currencies."""
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount + other.amount, self.currency)

    def __str__(self) -> str:
        """`499.00 EUR`."""
        return f"{self.amount:.2f} {self.currency}"
