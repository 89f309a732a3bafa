"""What a scalar of YAML means: the core schema of YAML 1.2, and nothing else.

PyYAML's own rules are those of YAML 1.1, where `on` is true, `12:30` is 750 and `2026-04-01` is a date. Here these stay text.
https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import math
import re

MAX_NUMBER_LENGTH = 40
"""Characters of a number. Python's integers have no end, and reading a long one takes quadratic time."""

Value = str | int | float | bool | None

_CONSTANTS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER_STARTS = frozenset("+-.0123456789")
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
_HEX = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)

CORE_TAGS: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:null": (type(None),),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
    "tag:yaml.org,2002:str": (str,),
}
"""The tags that the core schema gives a meaning, and what a value so tagged may be."""


class NotAValue(ValueError):
    """A scalar that is no value here; the message is the rule."""


def resolve(text: str) -> Value:
    """The value of a plain scalar (one without quotes); raises NotAValue for .nan, .inf and numbers without end."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _NOT_FINITE.fullmatch(text):
        raise NotAValue("a number must be finite")
    if not _FLOAT.fullmatch(text) and not _OCTAL.fullmatch(text) and not _HEX.fullmatch(text):
        return text
    if len(text) > MAX_NUMBER_LENGTH:
        raise NotAValue(f"a number has at most {MAX_NUMBER_LENGTH} characters")
    if _INT.fullmatch(text):
        return int(text)
    if text[:2] in ("0o", "0x"):
        return int(text, 0)
    number = float(text)
    if math.isinf(number):
        raise NotAValue("a number must be finite")
    return number


def tagged(text: str, tag: str, *, quoted: bool) -> Value:
    """The value of a scalar with one of the CORE_TAGS; raises NotAValue if the text is no such value."""
    if tag == "tag:yaml.org,2002:str":
        return text
    value = text if quoted else resolve(text)
    kinds = CORE_TAGS[tag]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise NotAValue(f"the tag !!{tag.rpartition(':')[2]} does not fit this value")
    return value
