"""What was probably meant: the nearest name, or the same value written as it must be."""

from __future__ import annotations

import re

from workbench.scenario.names import nearest
from workbench.scenario.schema.base import DURATION_PATTERN, MONEY_PATTERN, SHARE_PATTERN
from workbench.scenario.shape import Shape
from workbench.scenario.tree import Node, ScalarNode

_LONGEST = 100
"""Characters of a value for which a suggestion is looked for."""
_UNIT_WORDS = {
    **dict.fromkeys(("ms", "msec", "millisecond"), "ms"),
    **dict.fromkeys(("s", "sec", "second"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour"), "h"),
    **dict.fromkeys(("d", "day"), "d"),
    **dict.fromkeys(("w", "week"), "w"),
}
_NUMBER_AND_WORD = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)", re.ASCII)
_CURRENCY_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
_TRUE_WORDS = ("yes", "on", "y", "1")
_FALSE_WORDS = ("no", "off", "n", "0")


def meant(node: Node, shape: Shape) -> str | None:
    """The value at `node` as `shape` would have it; None if it cannot be guessed."""
    if not isinstance(node, ScalarNode) or node.value is None or len(node.text) > _LONGEST:
        return None
    text = re.sub(r"(?<=[0-9]),(?=[0-9])", ".", node.text.strip())  # 99,9% as half of the world writes it
    if text in shape.values:  # a number where text must stand: 3.5 for "3.5"
        return f'"{text}"'
    guess = nearest(text, shape.values)
    if guess:
        return guess
    for pattern in shape.patterns():
        guess = _as_pattern(text, pattern)
        if guess and guess != node.text and re.fullmatch(pattern, guess):
            return guess
    return _as_type(node, text, shape)


def _as_pattern(text: str, pattern: str) -> str | None:
    if pattern == DURATION_PATTERN:
        return _as_duration(text)
    if pattern == SHARE_PATTERN:
        return _as_share(text)
    if pattern == MONEY_PATTERN:
        return _as_money(text)
    return None


def _as_duration(text: str) -> str | None:
    match = _NUMBER_AND_WORD.fullmatch(text)
    if not match:
        return None
    number, word = match[1], match[2].lower()
    if match[2] == "M":  # months, as OpenSLO writes them: `1m` would be a minute
        return None
    unit = _UNIT_WORDS.get(word) or _UNIT_WORDS.get(word.removesuffix("s")) or ("" if word else "s")
    return f"{number}{unit}" if unit else None


def _as_share(text: str) -> str | None:
    match = re.fullmatch(r"([0-9]{1,3})?(\.[0-9]{1,12})?\s*(%|percent)?", text)
    if not match or not (match[1] or match[2]):
        return None
    whole, digits, sign = match[1] or "0", match[2] or "", match[3]
    if sign is None and int(whole) == 0 and digits:
        # 0.999 is a ratio: move the point, never through binary floats
        fraction = digits[1:].ljust(3, "0")
        percent = fraction[:2].lstrip("0") or "0"
        rest = fraction[2:].rstrip("0")
        return f"{percent}.{rest}%" if rest else f"{percent}%"
    return f"{whole}{digits}%"


def _as_money(text: str) -> str | None:
    match = re.fullmatch(r"([A-Za-z]{3}|[€$£¥])?\s*([0-9]{1,12}(?:\.[0-9]{1,4})?)\s*([A-Za-z]{3}|[€$£¥])?", text)
    if not match:
        return None
    currency = match[1] or match[3] or "EUR"
    return f"{match[2]} {_CURRENCY_SIGNS.get(currency, currency.upper())}"


def _as_type(node: ScalarNode, text: str, shape: Shape) -> str | None:
    if "boolean" in shape.types():
        word = text.lower()
        return "true" if word in _TRUE_WORDS else "false" if word in _FALSE_WORDS else None
    if shape.schema.get("format") == "date":
        match = re.fullmatch(r"([0-9]{4})[-./]?([0-9]{2})[-./]?([0-9]{2})", text)
        return "-".join(match.groups()) if match and "-".join(match.groups()) != text else None
    types = shape.types()
    if types == ("string",) and not isinstance(node.value, str):
        return f'"{text}"'
    if types == ("array",):
        return f"[{text}]"
    if isinstance(node.value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text):
        return text if "number" in types or ("integer" in types and "." not in text) else None
    return None
