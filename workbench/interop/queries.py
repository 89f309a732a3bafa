"""Text of PromQL queries: where their window is, and how a metric or a fixed range becomes one that each rule can set."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.alerts.sloth_rules import WINDOW_VARIABLE

WINDOW = "{{.window}}"
_OTHER_VARIABLES = re.compile(r"\{\{\s*window\s*\}\}|\$\{window\}|\$window\b|\$__range\b")
_RANGE = re.compile(r"\[\s*([0-9][0-9a-z]*)\s*\]")
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`')
_COUNTER = re.compile(r"(?:_total|_count|_bucket|_sum)$")


class NotAQuery(ValueError):
    """The text cannot be used as a query; the message says why."""


@dataclass(frozen=True, slots=True)
class Windowed:
    """A query whose window each rule sets, and what was changed to make it so."""

    query: str
    change: str = ""


def windowed(query: str, *, counter: bool | None = None) -> Windowed:
    """A query of events with `[{{.window}}]`; raises NotAQuery.

    One that says its window already stays. A bare counter, alone or in a `sum`, becomes its rate. Where every range has the same
    fixed length, that length becomes the window. `counter` says whether a metric grows; None: its name decides.
    """
    text = query.strip()
    if WINDOW_VARIABLE.search(text):
        parsed(WINDOW_VARIABLE.sub("5m", text))
        return Windowed(text)
    if _OTHER_VARIABLES.search(text):
        changed = _OTHER_VARIABLES.sub(WINDOW, text)
        parsed(WINDOW_VARIABLE.sub("5m", changed))
        return Windowed(changed, "its own window variable is written {{.window}}")
    tree = parsed(text)
    bare = _bare_counter(tree, counter=counter)
    if bare is not None:
        return Windowed(bare, "the counter is read as its rate over the window of each rule")
    ranges = [match for match in _RANGE.finditer(_without_strings(text)) if match[1]]
    lengths = {match[1] for match in ranges}
    if len(lengths) == 1:
        changed = text
        for match in reversed(ranges):
            changed = f"{changed[: match.start()]}[{WINDOW}]{changed[match.end() :]}"
        return Windowed(changed, f"the fixed range [{lengths.pop()}] becomes the window of each rule")
    if lengths:
        raise NotAQuery(f"its ranges differ ({', '.join(sorted(lengths))}), so none of them is the window; write [{WINDOW}] for it")
    raise NotAQuery(f"it has no range that could be the window of a rule; write [{WINDOW}] for it")


def parsed(query: str) -> object:
    """The library's tree of a query; raises NotAQuery for text that is no PromQL."""
    import promql_parser  # noqa: PLC0415 - a compiled library, loaded only where queries are read

    if len(query) > 10_000 or max(_depths(query)) > 100:
        raise NotAQuery("it is longer or nested deeper than any rule")
    try:
        return promql_parser.parse(query)
    except ValueError as error:
        raise NotAQuery(f"it is no PromQL: {' '.join(str(error).split())[:200]}") from None


def selector_of(query: str) -> str:
    """The selector that a query is and nothing else, as written; raises NotAQuery."""
    import promql_parser  # noqa: PLC0415 - a compiled library, loaded only where queries are read

    if not isinstance(parsed(query), promql_parser.VectorSelector):
        raise NotAQuery('it must be a metric with its labels, nothing around it: requests_total{job="api"}')
    return query.strip()


def summed(function: str, selector: str, by: tuple[str, ...] = ()) -> str:
    """`sum by (handler) (rate(selector[{{.window}}]))`."""
    grouping = f" by ({', '.join(by)}) " if by else ""
    return f"sum{grouping}({function}({with_range(selector)}))"


def with_range(selector: str) -> str:
    """A selector over the window; `offset` and `@` stay behind the range."""
    match = re.search(r"\s+(?:offset\s|@)", _without_strings(selector))
    at = match.start() if match else len(selector)
    return f"{selector[:at]}[{WINDOW}]{selector[at:]}"


def _bare_counter(tree: object, *, counter: bool | None) -> str | None:
    """The rate of a counter that stands alone or in a `sum`; None for anything else."""
    import promql_parser as library  # noqa: PLC0415 - a compiled library, loaded only where queries are read

    node, before, after = tree, "sum(", ")"
    while isinstance(node, library.ParenExpr):
        node = node.expr
    if isinstance(node, library.AggregateExpr) and str(node.op) == "sum":
        if node.modifier is not None:
            kind = "without" if node.modifier.type == library.AggModifierType.Without else "by"
            before = f"sum {kind} ({', '.join(node.modifier.labels)}) ("
        node = node.expr
    if not isinstance(node, library.VectorSelector):
        return None
    if counter is False or (counter is None and not _COUNTER.search(node.name or "")):
        return None
    return f"{before}rate({with_range(node.prettify())}){after}"


def _without_strings(text: str) -> str:
    """Equally long, with every string blanked, so that what stands in quotes is not taken for syntax."""
    return _STRINGS.sub(lambda match: " " * len(match[0]), text)


def _depths(text: str) -> list[int]:
    depth, depths = 0, [0]
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        depths.append(depth)
    return depths
