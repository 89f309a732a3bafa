"""Which series a selector means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.promql.ast import Matcher, MatchKind, Selector
from workbench.promql.regex import matches
from workbench.telemetry.series import Series, Telemetry

_Test = Callable[[str], bool]


def select(telemetry: Telemetry, selector: Selector, *, newlines: bool = True) -> tuple[Series, ...]:
    """The series that match every matcher, in the order of their labels, the metric name among them.

    Regular expressions are RE2's, anchored at both ends; `newlines`: their dot matches one. Raises BadInput for what is none.
    """
    names = [m for m in selector.matchers if m.label == "__name__"]
    rest = [(m.label, tester(m, newlines=newlines)) for m in selector.matchers if m.label != "__name__"]
    found: list[Series] = []
    for name in _named(telemetry, names, newlines):
        for series in telemetry.by_name[name]:
            labels = series.key.label_map
            if all(test(labels.get(label, "")) for label, test in rest):
                found.append(series)
    return tuple(sorted(found, key=lambda one: sorted((("__name__", one.key.name), *one.key.labels))))


def _named(telemetry: Telemetry, matchers: Sequence[Matcher], newlines: bool) -> list[str]:
    exact = {m.text for m in matchers if m.kind is MatchKind.EQUAL}
    if len(exact) > 1:
        return []
    among = [name for name in exact if name in telemetry.by_name] if exact else list(telemetry.names)
    tests = [tester(m, newlines=newlines) for m in matchers]
    return [name for name in among if all(test(name) for test in tests)]


def tester(matcher: Matcher, *, newlines: bool) -> _Test:
    """Whether a label's value (the empty text where there is none) satisfies a matcher."""
    text = matcher.text
    match matcher.kind:
        case MatchKind.EQUAL:
            return lambda value: value == text
        case MatchKind.NOT_EQUAL:
            return lambda value: value != text
        case MatchKind.REGEX:
            return matches(text, newlines=newlines)
        case MatchKind.NOT_REGEX:
            test = matches(text, newlines=newlines)
            return lambda value: not test(value)
