"""The functions of templates: Go's own and those of Prometheus (template/template.go), with the types that they take."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from workbench.alerts.durations import parse_prometheus_duration
from workbench.alerts.gotemplate.fmt import float_text, quote, sprint, sprintf, sprintln
from workbench.alerts.gotemplate.values import (
    NO_VALUE,
    AnyMap,
    Duration,
    Result,
    SafeHtml,
    Sample,
    Time,
    _NoValue,
    is_true,
    type_name,
)
from workbench.errors import BadInput
from workbench.promql.regex import compiled, expanded

ANY, STRING, RESULT, SAMPLE = "interface {}", "string", "template.queryResult", "*template.sample"

Query = Callable[[str], Sequence[tuple[Sequence[tuple[str, str]], float]]]
"""A PromQL text to the elements of its result at the instant at hand."""


class FunctionError(Exception):
    """A function cannot do what it was asked; the message is Go's."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function and the types of its arguments; `rest` is that of all further ones."""

    call: Callable[..., Any]
    takes: tuple[str, ...] = ()
    rest: str | None = None


# Numbers.

_FLOAT = re.compile(
    r"[+-]?(?:(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan|0[xX][0-9a-fA-F.]+[pP][+-]?\d+)",
    re.IGNORECASE | re.ASCII,
)


def to_float(value: Any) -> float:
    """What `humanize` and its kin make of a value; raises FunctionError with Go's words."""
    if isinstance(value, str) and not isinstance(value, SafeHtml):
        if not _FLOAT.fullmatch(value) or "_" in value:
            raise FunctionError(f"strconv.ParseFloat: parsing {quote(value)}: invalid syntax")
        number = float.fromhex(value) if "x" in value.lower() else float(value)
        if math.isinf(number) and "inf" not in value.lower():
            raise FunctionError(f"strconv.ParseFloat: parsing {quote(value)}: value out of range")
        return number
    if isinstance(value, Duration):
        return value.ns / 1e9
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FunctionError(f"can't convert {type_name(value)} to float")
    return float(value)


def _g4(value: float) -> str:
    return float_text(value, "g", 4)


def _scaled(value: float, base: float, prefixes: Sequence[str], *, up: bool) -> tuple[float, str]:
    prefix = ""
    for one in prefixes:
        if (abs(value) < base) if up else (abs(value) >= 1):
            break
        prefix = one
        value = value / base if up else value * base
    return value, prefix


_LARGE, _SMALL = ("k", "M", "G", "T", "P", "E", "Z", "Y"), ("m", "u", "n", "p", "f", "a", "z", "y")


def _humanize(given: Any) -> str:
    value = to_float(given)
    if value == 0 or not math.isfinite(value):
        return _g4(value)
    up = abs(value) >= 1
    value, prefix = _scaled(value, 1000, _LARGE if up else _SMALL, up=up)
    return _g4(value) + prefix


def _humanize1024(given: Any) -> str:
    value = to_float(given)
    if abs(value) <= 1 or not math.isfinite(value):
        return _g4(value)
    value, prefix = _scaled(value, 1024, ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"), up=True)
    return _g4(value) + prefix


def _humanize_duration(given: Any) -> str:
    value = to_float(given)
    if not math.isfinite(value):
        return _g4(value)
    if value == 0:
        return f"{_g4(value)}s"
    if abs(value) < 1:
        value, prefix = _scaled(value, 1000, _SMALL, up=False)
        return f"{_g4(value)}{prefix}s"
    sign, value = ("-", -value) if value < 0 else ("", value)
    whole = int(value) if value < 2**63 else -(2**63)  # what a 64-bit integer makes of more
    minutes, seconds = _divided(whole, 60)
    hours, minutes = _divided(minutes, 60)
    days, hours = _divided(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    if minutes:
        return f"{sign}{minutes}m {seconds}s"
    return f"{sign}{_g4(value)}s"


def _to_time(given: Any) -> Time:
    value = to_float(given)
    if not math.isfinite(value):
        raise FunctionError("value is NaN or Inf")
    ns = value * 1e9
    if not -(2.0**63) <= ns <= 2.0**63:
        raise FunctionError(f"{float_text(value)} cannot be represented as a nanoseconds timestamp since it overflows int64")
    return Time(_divided(int(ns), 1_000_000)[0])


def _divided(value: int, by: int) -> tuple[int, int]:
    """Quotient and remainder as Go has them: towards zero."""
    quotient = abs(value) // by * (-1 if value < 0 else 1)
    return quotient, value - quotient * by


def _humanize_timestamp(given: Any) -> str:
    value = to_float(given)
    return _g4(value) if not math.isfinite(value) else str(_to_time(value))


# Text.


_GO_REGEX_ERRORS = (
    ("missing ): ", "missing closing )", "whole"),
    ("missing ]: ", "missing closing ]", "rest"),
    ("unexpected ): ", "unexpected )", "whole"),
    ("no argument for repetition operator: ", "missing argument to repetition operator", "rest"),
    ("bad repetition operator: ", "invalid nested repetition operator", "rest"),
    ("invalid character class range: ", "invalid character class range", "rest"),
    ("invalid escape sequence: ", "invalid escape sequence", "rest"),
)
"""RE2's words, Go's, and what Go quotes with them."""


def _pattern(text: str, prefix: str = "") -> Any:
    try:
        return compiled(text, newlines=False)
    except BadInput as error:
        said = error.problems[0].message.partition(": ")[2]
        for re2, go, quoted in _GO_REGEX_ERRORS:
            if said.startswith(re2):
                said = f"{go}: `{text if quoted == 'whole' else said.removeprefix(re2)}`"
        raise FunctionError(f"{prefix}error parsing regexp: {said}") from None


def _replace_all(pattern: str, replacement: str, text: str) -> str:
    found = _pattern(pattern, f"regexp: Compile({f'`{pattern}`' if '`' not in pattern else quote(pattern)}): ")
    out: list[str] = []
    end = 0
    for match in found.finditer(text):
        if match.start() == match.end() == end and end > 0:
            continue  # Go leaves out an empty match right behind another one
        out += [text[end : match.start()], expanded(found, match, replacement)]
        end = match.end()
    return "".join(out) + text[end:]


def _title(text: str) -> str:
    """Every word with a capital first letter, the others as they are."""
    return re.sub(r"\w+(?:['\u2019.:\u00b7][^\W_]\w*)*", lambda match: match[0][:1].upper() + match[0][1:], text)


def _split_host_port(text: str) -> tuple[str, str] | None:
    """net.SplitHostPort; None where it is an error."""
    match = re.fullmatch(r"\[([^\[\]]*)\]:([^:\[\]]*)|([^:\[\]]*):([^:\[\]]*)", text, re.DOTALL)
    if match is None:
        return None
    return (match[1], match[2]) if match[1] is not None else (match[3], match[4])


def _strip_port(text: str) -> str:
    split = _split_host_port(text)
    return text if split is None else split[0]


def _strip_domain(text: str) -> str:
    host, port = _split_host_port(text) or (text, "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        first = host.split(".")[0]
        return first if not port else f"[{first}]:{port}" if ":" in first else f"{first}:{port}"
    return text


_HTML = str.maketrans({'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"})
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def _js(text: str) -> str:
    return "".join(_JS.get(c) or (c if c.isprintable() else f"\\u{ord(c):04X}") for c in text)


def _url(text: str) -> str:
    return quote_plus(text, safe="-_.~")


def _joined(values: Sequence[Any]) -> str:
    """Arguments as one text, as `print` does it but for nothing."""
    return sprint(["<no value>" if isinstance(value, _NoValue) else value for value in values])


def _duration_s(text: str) -> float:
    try:
        return parse_prometheus_duration(text)
    except ValueError:
        raise FunctionError("empty duration string" if not text else f"not a valid duration string: {quote(text)}") from None


# Maps, lists and comparison.


def _index(item: Any, *keys: Any) -> Any:
    if isinstance(item, _NoValue):
        raise FunctionError("index of untyped nil")
    for key in keys:
        if isinstance(item, dict):
            if isinstance(key, _NoValue):
                raise FunctionError("value is nil; should be of type string")
            if not isinstance(key, str):
                raise FunctionError(f"value has type {type_name(key)}; should be string")
            item = item.get(key, NO_VALUE if isinstance(item, AnyMap) else "")
        elif isinstance(item, list | str):
            item = _item_at(item, key)
        else:
            raise FunctionError(f"can't index item of type {type_name(item)}")
    return item


def _item_at(item: Any, key: Any) -> Any:
    if isinstance(key, _NoValue):
        raise FunctionError("cannot index slice/array with nil")
    if isinstance(key, bool) or not isinstance(key, int):
        raise FunctionError(f"cannot index slice/array with type {type_name(key)}")
    held = item.encode() if isinstance(item, str) else item
    if not 0 <= key < len(held):
        raise FunctionError(f"index out of range: {key}")
    return held[key]


def _slice(item: Any, *edges: Any) -> Any:
    if not isinstance(item, str | list):
        raise FunctionError(f"can't slice item of type {type_name(item)}")
    held = item.encode() if isinstance(item, str) else item
    if len(edges) > 2:
        raise FunctionError("cannot 3-index slice a string" if isinstance(item, str) else f"too many slice indexes: {len(edges)}")
    for edge in edges:
        if isinstance(edge, bool) or not isinstance(edge, int):
            raise FunctionError(f"cannot index slice/array with type {type_name(edge)}")
        if not 0 <= edge <= len(held):
            raise FunctionError(f"index out of range: {edge}")
    low, high = (*edges, *(0, len(held))[len(edges) :]) if len(edges) < 2 else edges
    if low > high:
        raise FunctionError(f"invalid slice index: {low} > {high}")
    part = held[low:high]
    return part.decode("utf-8", "replace") if isinstance(part, bytes) else Result(part)


def _length(item: Any) -> int:
    if isinstance(item, str):
        return len(item.encode())
    if isinstance(item, list | dict):
        return len(item)
    raise FunctionError("len of nil pointer" if isinstance(item, _NoValue) else f"len of type {type_name(item)}")


def _kind(value: Any) -> type | None:
    return next((kind for kind in (bool, str, int, float) if isinstance(value, kind)), None)


def _equal(first: Any, *others: Any) -> bool:
    if not others:
        raise FunctionError("missing argument for comparison")
    if isinstance(first, dict | list):
        raise FunctionError(f"non-comparable type {sprint([first])}: {type_name(first)}")
    for other in others:
        nothing = isinstance(first, _NoValue), isinstance(other, _NoValue)
        if _kind(first) is not _kind(other) and not any(nothing):
            raise FunctionError("incompatible types for comparison")
        if all(nothing) if any(nothing) else first == other:
            return True
    return False


def _less(first: Any, second: Any) -> bool:
    kinds = _kind(first), _kind(second)
    if isinstance(first, Duration) and isinstance(second, Duration):
        return first.ns < second.ns
    if None in kinds:
        raise FunctionError("invalid type for comparison")
    if kinds[0] is not kinds[1]:
        raise FunctionError("incompatible types for comparison")
    if kinds[0] is bool:
        raise FunctionError("invalid type for comparison")
    return bool(first.encode() < second.encode() if isinstance(first, str) else first < second)


def _less_or_equal(first: Any, second: Any) -> bool:
    return _less(first, second) or _equal(first, second)


# Results of queries.


def _first(result: Result) -> Sample:
    if not result:
        raise FunctionError("first() called on vector with no elements")
    return result[0]


def _of(sample: Any) -> Sample:
    if not isinstance(sample, Sample):
        raise FunctionError("runtime error: invalid memory address or nil pointer dereference")
    return sample


def _logic(*_: Any) -> Any:
    raise AssertionError("and, or: the executor decides which arguments are looked at")


FUNCTIONS: dict[str, Function] = {
    "and": Function(_logic, (ANY,), ANY),
    "or": Function(_logic, (ANY,), ANY),
    "not": Function(lambda value: not is_true(value), (ANY,)),
    "eq": Function(_equal, (ANY,), ANY),
    "ne": Function(lambda a, b: not _equal(a, b), (ANY, ANY)),
    "lt": Function(_less, (ANY, ANY)),
    "le": Function(_less_or_equal, (ANY, ANY)),
    "gt": Function(lambda a, b: not _less_or_equal(a, b), (ANY, ANY)),
    "ge": Function(lambda a, b: not _less(a, b), (ANY, ANY)),
    "index": Function(_index, (ANY,), ANY),
    "slice": Function(_slice, (ANY,), ANY),
    "len": Function(_length, (ANY,)),
    "print": Function(lambda *values: sprint(values), (), ANY),
    "println": Function(lambda *values: sprintln(values), (), ANY),
    "printf": Function(lambda text, *values: sprintf(text, values), (STRING,), ANY),
    "html": Function(lambda *values: _joined(values).translate(_HTML), (), ANY),
    "js": Function(lambda *values: _js(_joined(values)), (), ANY),
    "urlquery": Function(lambda *values: _url(_joined(values)), (), ANY),
    "humanize": Function(_humanize, (ANY,)),
    "humanize1024": Function(_humanize1024, (ANY,)),
    "humanizeDuration": Function(_humanize_duration, (ANY,)),
    "humanizePercentage": Function(lambda given: f"{_g4(to_float(given) * 100)}%", (ANY,)),
    "humanizeTimestamp": Function(_humanize_timestamp, (ANY,)),
    "toTime": Function(_to_time, (ANY,)),
    "toDuration": Function(lambda given: Duration(math.trunc(to_float(given) * 1e9)), (ANY,)),
    "parseDuration": Function(_duration_s, (STRING,)),
    "title": Function(_title, (STRING,)),
    "toUpper": Function(str.upper, (STRING,)),
    "toLower": Function(str.lower, (STRING,)),
    "match": Function(lambda pattern, text: _pattern(pattern).search(text) is not None, (STRING, STRING)),
    "reReplaceAll": Function(_replace_all, (STRING, STRING, STRING)),
    "stripPort": Function(_strip_port, (STRING,)),
    "stripDomain": Function(_strip_domain, (STRING,)),
    "safeHtml": Function(SafeHtml, (STRING,)),
    "urlQueryEscape": Function(_url, (STRING,)),
    "graphLink": Function(lambda text: f"/graph?g0.expr={_url(text)}&g0.tab=0", (STRING,)),
    "tableLink": Function(lambda text: f"/graph?g0.expr={_url(text)}&g0.tab=1", (STRING,)),
    "args": Function(lambda *values: AnyMap({f"arg{i}": value for i, value in enumerate(values)}), (), ANY),
    "first": Function(_first, (RESULT,)),
    "value": Function(lambda sample: _of(sample).Value, (SAMPLE,)),
    "label": Function(lambda name, sample: _of(sample).Labels.get(name, ""), (STRING, SAMPLE)),
    "strvalue": Function(lambda sample: _of(sample).Labels.get("__value__", ""), (SAMPLE,)),
    "sortByLabel": Function(
        lambda name, result: Result(sorted(result, key=lambda one: one.Labels.get(name, ""))), (STRING, RESULT)
    ),
}
"""All but those that need the run: `query`, `now`, `externalURL`, `pathPrefix`."""
OF_THE_RUN = frozenset({"query", "now", "externalURL", "pathPrefix"})
NAMES = frozenset(FUNCTIONS) | OF_THE_RUN
