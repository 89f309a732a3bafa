"""Functions that work on labels: `label_replace`, `label_join`, and the labels of `absent`."""

from __future__ import annotations

from collections.abc import Callable

from workbench.promql.ast import Expr, MatchKind, Range, Selector
from workbench.promql.dialect import Dialect
from workbench.promql.regex import compiled, replaced
from workbench.promql.vector import Labels, Vector, merged


def label_replace(given: Vector, target: str, template: str, source: str, pattern: str, dialect: Dialect) -> Vector:
    """Elements whose label `source` matches get the filled-in template as label `target`; the empty text is no label."""
    expression = compiled(pattern, newlines=dialect.dots_take_newlines)

    def changed(labels: Labels) -> Labels:
        text = replaced(expression, template, dict(labels).get(source, ""))
        return labels if text is None else _with(labels, target, text)

    return _relabelled(given, changed)


def label_join(given: Vector, target: str, separator: str, sources: tuple[str, ...]) -> Vector:
    """The labels `sources`, joined, as label `target`."""

    def changed(labels: Labels) -> Labels:
        own = dict(labels)
        return _with(labels, target, separator.join(own.get(source, "") for source in sources))

    return _relabelled(given, changed)


def absent_labels(expr: Expr, dialect: Dialect) -> Labels:
    """The labels of what `absent` gives: those that an equality matcher of the selector names, and no other matcher after it."""
    selector = expr.selector if isinstance(expr, Range) else expr
    if not isinstance(selector, Selector):
        return ()
    found: dict[str, str] = {}
    seen: set[str] = set()
    for matcher in selector.matchers:
        if matcher.label == "__name__":
            continue
        if matcher.kind is MatchKind.EQUAL and matcher.label not in seen:
            found[matcher.label] = matcher.text
            seen.add(matcher.label)
        else:
            found.pop(matcher.label, None)
            if dialect.absent_counts_matchers:
                seen.add(matcher.label)
    return tuple(sorted((label, text) for label, text in found.items() if text))


def _with(labels: Labels, name: str, value: str) -> Labels:
    rest = [pair for pair in labels if pair[0] != name]
    return tuple(sorted([*rest, (name, value)])) if value else tuple(rest)


def _relabelled(given: Vector, change: Callable[[Labels], Labels]) -> Vector:
    return merged([change(labels) for labels in given.labels], given.values, given.present, given.failed)
