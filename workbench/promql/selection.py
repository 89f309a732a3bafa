"""Which series a selector means."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from workbench.errors import BadInput, Problem
from workbench.promql.ast import Matcher, MatchKind, Selector
from workbench.telemetry.series import Series, Telemetry

_Test = Callable[[str], bool]


def select(telemetry: Telemetry, selector: Selector) -> tuple[Series, ...]:
    """The series that match every matcher, in the order of their keys.

    Regular expressions are anchored at both ends. Raises BadInput for one that Python cannot compile.
    """
    names = [m for m in selector.matchers if m.label == "__name__"]
    rest = [(m.label, _test(m)) for m in selector.matchers if m.label != "__name__"]
    found: list[Series] = []
    for name in _named(telemetry, names):
        for series in telemetry.by_name[name]:
            labels = series.key.label_map
            if all(test(labels.get(label, "")) for label, test in rest):
                found.append(series)
    return tuple(found)


def _named(telemetry: Telemetry, matchers: Sequence[Matcher]) -> list[str]:
    exact = {m.text for m in matchers if m.kind is MatchKind.EQUAL}
    if len(exact) > 1:
        return []
    among = [name for name in exact if name in telemetry.by_name] if exact else list(telemetry.names)
    tests = [_test(m) for m in matchers]
    return [name for name in among if all(test(name) for test in tests)]


def _test(matcher: Matcher) -> _Test:
    text = matcher.text
    match matcher.kind:
        case MatchKind.EQUAL:
            return lambda value: value == text
        case MatchKind.NOT_EQUAL:
            return lambda value: value != text
        case _:
            try:
                pattern = re.compile(text, re.DOTALL)
            except (re.error, OverflowError, RecursionError) as error:
                raise BadInput(Problem("promql/regex", f"not a regular expression: {error}", found=text[:200])) from None
            wanted = matcher.kind is MatchKind.REGEX
            return lambda value: (pattern.fullmatch(value) is not None) == wanted
