"""Go's package fmt for the values of templates: Sprint, Sprintf and Quote."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from workbench.alerts.gotemplate.values import Data, Duration, Result, SafeHtml, Sample, Time, _NoValue, type_name

WIDEST = 10_000
"""Of a width or a precision; Go stops at a million."""

_SHORTEST_EXPONENT = 6
"""`%g` without a precision writes 1e+06, but 123456.7."""
_QUOTES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class Flags:
    """Of one verb."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None


PLAIN = Flags()


def sprint(values: Sequence[Any]) -> str:
    """Values in their default format, a space between two of which neither is a text."""
    out = ""
    for index, value in enumerate(values):
        if index and not _is_text(value) and not _is_text(values[index - 1]):
            out += " "
        out += formatted(value, "v", PLAIN)
    return out


def sprintln(values: Sequence[Any]) -> str:
    """Values in their default format with spaces between them, and a line feed."""
    return " ".join(formatted(value, "v", PLAIN) for value in values) + "\n"


def quote(text: str, *, ascii_only: bool = False) -> str:
    """strconv.Quote."""
    return f'"{"".join(_escaped(c, chr(34), ascii_only=ascii_only) for c in text)}"'


def sprintf(template: str, values: Sequence[Any]) -> str:
    """Text with verbs; what does not fit is written into the text, as Go does, and never an error."""
    return _Formatter(template, values).run()


def float_text(value: float, verb: str = "g", precision: int | None = None) -> str:
    """strconv.FormatFloat with an explicit sign for infinity only; `g` without precision is the shortest text."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if verb in "gG" and precision is None:
        text = _shortest(value)
        return text.upper() if verb == "G" else text
    return f"{value:.{6 if precision is None else precision}{verb}}"


def _shortest(value: float) -> str:
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the value is finite
    text = "".join(map(str, digits)).lstrip("0") or "0"
    stripped = text.rstrip("0") or "0"
    exponent += len(text) - len(stripped)
    point = len(stripped) + exponent if stripped != "0" else 1
    minus = "-" if sign else ""
    if value and not -4 <= point - 1 < _SHORTEST_EXPONENT:
        mantissa = stripped[0] + (f".{stripped[1:]}" if len(stripped) > 1 else "")
        return f"{minus}{mantissa}e{'-' if point < 1 else '+'}{abs(point - 1):02d}"
    if point <= 0:
        return f"{minus}0.{'0' * -point}{stripped}"
    if point >= len(stripped):
        return minus + stripped.ljust(point, "0")
    return f"{minus}{stripped[:point]}.{stripped[point:]}"


def formatted(value: Any, verb: str, flags: Flags) -> str:
    """One value by one verb."""
    if isinstance(value, _NoValue):
        return _padded("<nil>", flags) if verb == "v" else f"%!{verb}(<nil>)" if verb != "T" else _padded("<nil>", flags)
    if verb == "T":
        return _padded(type_name(value), flags)
    match value:
        case bool():
            return _padded("true" if value else "false", flags) if verb in "tv" else _bad(value, verb, flags)
        case str():
            return _string(value, verb, flags)
        case int():
            return _integer(value, verb, flags)
        case float():
            return _float(value, verb, flags)
        case Time() | Duration():
            return _string(str(value), verb, flags) if verb in "vsxXq" else _bad(value, verb, flags)
        case dict():
            pairs = (f"{formatted(k, verb, flags)}:{formatted(v, verb, flags)}" for k, v in sorted(value.items()))
            return f"map[{' '.join(pairs)}]"
        case Result():
            return f"[{' '.join('0xc000000000' for _ in value)}]"
        case Sample() | Data():
            parts = (getattr(value, name) for name in value.__slots__)
            return f"{{{' '.join(formatted(part, verb, flags) for part in parts)}}}"
        case _:  # pragma: no cover - there are no other values
            return str(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, SafeHtml)


def _bad(value: Any, verb: str, flags: Flags) -> str:
    return f"%!{verb}({type_name(value)}={formatted(value, 'v', flags)})"


def _padded(text: str, flags: Flags) -> str:
    if flags.width is None:
        return text
    if flags.minus:
        return text.ljust(flags.width)
    return text.rjust(flags.width, "0" if flags.zero else " ")


def _string(text: str, verb: str, flags: Flags) -> str:
    if verb in "vs":
        return _padded(text if flags.precision is None else text[: flags.precision], flags)
    if verb in "xX":
        data = text.encode()[: flags.precision]
        pairs = [f"{byte:02{verb}}" for byte in data]
        prefix = f"0{verb}" if flags.sharp else ""
        joined = (f" {prefix}" if flags.space else "").join(pairs)
        return _padded(prefix + joined if pairs else "", flags)
    if verb == "q":
        text = text if flags.precision is None else text[: flags.precision]
        if flags.sharp and "`" not in text and all(c == "\t" or c.isprintable() for c in text):
            return _padded(f"`{text}`", flags)
        return _padded(quote(text, ascii_only=flags.plus), flags)
    return _bad(text, verb, flags)


def _integer(value: int, verb: str, flags: Flags) -> str:
    bases = {"v": "d", "d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
    if verb in bases:
        digits = f"{abs(value):{bases[verb]}}"
        sign = "-" if value < 0 else "+" if flags.plus else " " if flags.space else ""
        if flags.precision == 0 and value == 0:
            return _padded("", replace(flags, zero=False))
        prefix = "0o" if verb == "O" else {"b": "0b", "o": "0", "x": "0x", "X": "0X"}.get(verb, "") if flags.sharp else ""
        least = flags.precision or 0
        if flags.precision is None and flags.zero and flags.width and not flags.minus:
            least = flags.width - len(sign)
        return _padded(sign + prefix + digits.rjust(least, "0"), replace(flags, zero=False))
    character = chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else "\N{REPLACEMENT CHARACTER}"
    if verb == "c":
        return _padded(character, flags)
    if verb == "q":
        return _padded(f"'{_escaped(character, chr(39), ascii_only=flags.plus)}'", flags)
    if verb == "U":
        shown = f" '{character}'" if flags.sharp and character.isprintable() else ""
        return _padded(
            f"U+{value:0{flags.precision or 4}X}{shown}" if value >= 0 else f"U+{value & (2**64 - 1):X}", replace(flags, zero=False)
        )
    return _bad(value, verb, flags)


def _float(value: float, verb: str, flags: Flags) -> str:
    if verb in "xXb":
        text = _binary(value, verb, flags.precision)
    elif verb not in "vgGfFeE":
        return _bad(value, verb, flags)
    else:
        text = float_text(value, {"v": "g", "F": "f"}.get(verb, verb), flags.precision)
    if not math.isfinite(value):
        if flags.space and text[0] not in "+-":
            text = f" {text}"
        elif flags.space and text[0] == "+" and not flags.plus:
            text = f" {text[1:]}"
        elif flags.plus and text == "NaN":
            text = "+NaN"
        return _padded(text, replace(flags, zero=False))
    if flags.sharp and verb not in "xXb":
        text = _sharp(text, verb, flags)
    if not text.startswith("-"):
        text = f"+{text}" if flags.plus else f" {text}" if flags.space else text
    if flags.zero and not flags.minus and flags.width is not None and text[0] in "+- ":
        return text[0] + text[1:].rjust(flags.width - 1, "0")
    return _padded(text, flags)


def _binary(value: float, verb: str, precision: int | None) -> str:
    """`%x`: 0x1.8p+01; `%b`: 6755399441055744p-51."""
    if not math.isfinite(value):
        return float_text(value)
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    fraction, exponent = math.frexp(abs(value))
    bits = int(fraction * 2**53)
    if verb == "b":
        below = max(exponent - 53, -1074) if value else -1074
        return f"{sign}{int(Fraction(abs(value)) / Fraction(2) ** below)}p{below:+d}"
    exponent = exponent - 1 if bits else 0
    if precision is not None and precision < 13 and bits:
        step = 52 - 4 * precision
        bits = round(Fraction(bits, 2**step)) << step
        exponent, bits = (exponent + 1, bits >> 1) if bits >= 2**53 else (exponent, bits)
    whole, rest = divmod(bits, 2**52)
    digits = f"{rest:013x}".rstrip("0") if precision is None else f"{rest:013x}".ljust(precision, "0")[:precision]
    text = f"{sign}0x{whole}{'.' if digits else ''}{digits}p{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return text.upper() if verb == "X" else text


def _sharp(text: str, verb: str, flags: Flags) -> str:
    """`#`: always a point, and for `%g` the zeros that fill the precision."""
    mantissa, e, exponent = text.partition("e") if "e" in text else text.partition("E")
    if "." not in mantissa:
        mantissa += "."
    if verb in "vgG":
        digits = 6 if flags.precision is None else flags.precision
        have = len(mantissa.replace(".", "").replace("-", "").lstrip("0") or "0")
        mantissa += "0" * max(0, digits - have)
    return mantissa + e + exponent


def _escaped(character: str, quote_mark: str, *, ascii_only: bool) -> str:
    if character == quote_mark:
        return f"\\{character}"
    if character in _QUOTES:
        return _QUOTES[character]
    code = ord(character)
    if code < 0x80:
        return character if 0x20 <= code < 0x7F else f"\\x{code:02x}"
    if character.isprintable() and not ascii_only:
        return character
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class _Formatter:
    def __init__(self, template: str, values: Sequence[Any]) -> None:
        self._text = template
        self._values = values
        self._at = 0
        self._next = 0
        self._reordered = False
        self._good_index = True

    def run(self) -> str:
        out: list[str] = []
        text = self._text
        while self._at < len(text):
            percent = text.find("%", self._at)
            if percent < 0:
                out.append(text[self._at :])
                break
            out.append(text[self._at : percent])
            self._at = percent + 1
            out.append(self._verb())
        if not self._reordered and self._next < len(self._values):
            extra = (
                "<nil>" if isinstance(value, _NoValue) else f"{type_name(value)}={formatted(value, 'v', PLAIN)}"
                for value in self._values[self._next :]
            )  # fmt: skip
            out.append(f"%!(EXTRA {', '.join(extra)})")
        return "".join(out)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _verb(self) -> str:
        self._good_index = True
        plus = minus = sharp = space = zero = False
        while (flag := self._peek()) and flag in "+-# 0":
            plus, minus = plus or flag == "+", minus or flag == "-"
            sharp, space = sharp or flag == "#", space or flag == " "
            zero = zero or flag == "0"
            self._at += 1
        notes = ""
        self._index()
        if self._peek() == "*":
            self._at += 1
            width = self._star()
            if width is None:
                notes += "%!(BADWIDTH)"
            elif width < 0:
                width, minus = -width, True
        else:
            width = self._number()
        precision = None
        if self._peek() == ".":
            self._at += 1
            self._index()
            if self._peek() == "*":
                self._at += 1
                precision = self._star()
                if precision is not None and precision < 0:
                    precision = None
                    notes += "%!(BADPREC)"
                elif precision is None:
                    notes += "%!(BADPREC)"
            else:
                precision = self._number() or 0
        self._index()
        verb = self._peek()
        if not verb:
            return notes + "%!(NOVERB)"
        self._at += 1
        if verb == "%":
            return notes + "%"
        if not self._good_index:
            return notes + f"%!{verb}(BADINDEX)"
        if self._next >= len(self._values):
            return notes + f"%!{verb}(MISSING)"
        value = self._values[self._next]
        self._next += 1
        return notes + formatted(value, verb, Flags(plus, minus, sharp, space, zero and not minus, width, precision))

    def _number(self) -> int | None:
        begin = self._at
        while self._peek().isdigit() and self._peek().isascii():
            self._at += 1
        return min(int(self._text[begin : self._at][:9]), WIDEST) if self._at > begin else None

    def _star(self) -> int | None:
        value = self._values[self._next] if self._next < len(self._values) else None
        self._next += self._next < len(self._values)
        return max(-WIDEST, min(value, WIDEST)) if isinstance(value, int) and not isinstance(value, bool) else None

    def _index(self) -> None:
        """An explicit index `[2]`."""
        if self._peek() != "[":
            return
        self._reordered = True
        end = self._text.find("]", self._at)
        number = self._text[self._at + 1 : end] if end > 0 else ""
        self._at = end + 1 if end > 0 else self._at + 1
        if number.isdecimal() and number.isascii() and 0 < int(number[:9]) <= len(self._values):
            self._next = int(number) - 1
        else:
            self._good_index = False
