"""An explanation in words and as JSON: the sentence that an on-call reads first, and everything for programs."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from workbench.alerts.breakdown import Breakdown, Compared, Comparison, Look
from workbench.alerts.states import Phase
from workbench.promql.text import number_text
from workbench.report.explanation import Explanation, matching
from workbench.report.results import Results
from workbench.units import format_duration

EXPLANATION_VERSION = "workbench/explanation/v1"
MOST_PHRASES = 4
LONGEST_TEXT = 48

_HOLDS = {">": "above", ">=": "at least", "<": "below", "<=": "at most", "==": "equal to", "!=": "other than"}
_FAILS = {">": "not above", ">=": "below", "<": "not below", "<=": "above", "==": "not", "!=": "equal to"}


def moment(start: dt.datetime, at_s: float, *, day: bool = True) -> str:
    """`2026-04-12 14:05:00`, in the zone of the run."""
    at = (start.astimezone(dt.UTC) + dt.timedelta(seconds=at_s)).astimezone(start.tzinfo)
    text = at.strftime("%Y-%m-%d %H:%M:%S" if day else "%H:%M:%S")
    return text if not at.microsecond else f"{text}.{at.microsecond // 1000:03}"


def short(number: float) -> str:
    """Four digits: what a person compares."""
    if not math.isfinite(number) or (number == int(number) and abs(number) < 1e6):
        return number_text(number)
    return f"{number:.4g}"


def sentence(explanation: Explanation, start: dt.datetime) -> str:
    """What the alert was and why, in one sentence."""
    at = moment(start, explanation.at_s, day=False)
    alert = explanation.alert
    reasons = "; ".join(_reasons(explanation))
    match explanation.phase:
        case Phase.FIRING:
            episode = explanation.episode
            since_s = explanation.at_s if episode is None or episode.firing_at_s is None else episode.firing_at_s
            since = f"since {_when(start, since_s, explanation.at_s)}"
            if explanation.missing_s is not None:
                keep = format_duration(explanation.rule.keep_firing_for_s)
                held = f"keep_firing_for {keep} holds it, though its condition has not held since"
                return f"{alert} was firing at {at}, {since}: {held} {moment(start, explanation.missing_s, day=False)}; {reasons}."
            return f"{alert} was firing at {at}, {since}: {reasons}."
        case Phase.PENDING:
            assert explanation.episode is not None  # noqa: S101 - it is active
            pending_s = explanation.episode.pending_at_s
            left = format_duration(pending_s + explanation.rule.for_s - explanation.at_s)
            since = _when(start, pending_s, explanation.at_s)
            return f"{alert} was pending at {at}, since {since}, with {left} of `for` to go: {reasons}."
        case _:
            return f"{alert} was silent at {at}: {reasons}."


def _when(start: dt.datetime, then_s: float, now_s: float) -> str:
    """A time of day, with its date if it is not the same day."""
    same = moment(start, then_s)[:10] == moment(start, now_s)[:10]
    return moment(start, then_s, day=not same)


def _reasons(explanation: Explanation) -> Iterator[str]:
    """What decides: the comparisons that fail first, then those that hold."""
    numbers = explanation.numbers
    if numbers.failed:
        yield "Prometheus fails the query here, so every alert of the rule stays as it was"
        return
    if not numbers.comparisons:
        count = len(numbers.elements)
        yield f"its expression has {count} element{'s' * (count != 1)}" if count else "its expression has no element"
        return
    said = [(holds(one, explanation), phrase(number, one, explanation)) for number, one in enumerate(numbers.comparisons, 1)]
    ordered = [text for held, text in said if not held] + [text for held, text in said if held]
    yield from ordered[:MOST_PHRASES]
    if len(ordered) > MOST_PHRASES:
        yield f"and {len(ordered) - MOST_PHRASES} more conditions"


def holds(comparison: Comparison, explanation: Explanation) -> bool:
    """Whether the comparison holds for an element that may belong to the alert."""
    return any(one.holds for one in matching(comparison, explanation.labels))


def deciding(comparison: Comparison, explanation: Explanation) -> Compared | None:
    """The element to show: one that holds, and of several the largest."""
    rows = [one for one in matching(comparison, explanation.labels) if one.left is not None and one.right is not None]
    return max(rows, key=lambda one: (one.holds, one.left if one.left == one.left else float("-inf")), default=None)


def phrase(number: int, comparison: Comparison, explanation: Explanation) -> str:
    """One comparison as a part of a sentence."""
    row = deciding(comparison, explanation)
    where = f"over {format_duration(comparison.windows_s[-1])} " if len(comparison.windows_s) == 1 else ""
    if row is None or row.left is None or row.right is None:
        return f"{where}{_nothing(comparison, explanation.numbers)}"
    if math.isnan(row.left) and not row.holds:
        return f"{where}the left side is NaN (nothing divided by nothing: no traffic), which passes no comparison"
    words = _HOLDS[comparison.operator] if row.holds else _FAILS[comparison.operator]
    if comparison.factor is not None and comparison.budget:
        burn = row.left / comparison.budget
        return f"{where}the budget burns at {short(burn)} times the sustainable rate, {words} {short(comparison.factor)}"
    left = comparison.left_text if len(comparison.left_text) <= LONGEST_TEXT else f"condition {number}"
    return f"{where}{left} is {short(row.left)}, {words} {short(row.right)}"


def _nothing(comparison: Comparison, numbers: Breakdown) -> str:
    """Why a comparison has nothing to compare."""
    looks = [look for look in numbers.looks if look.selector and _within(look, comparison)]
    if looks and not any(look.series for look in looks):
        return "no series matches"
    if looks and all(one.samples < 2 for look in looks for one in look.series):
        return "no series has two samples"
    return "there is nothing to compare: " + ("its left side" if not comparison.left else "its right side") + " has no element"


def _within(look: Look, comparison: Comparison) -> bool:
    return look.window_s in comparison.windows_s


def as_json(explanation: Explanation, results: Results) -> str:
    """Everything, as one document; what is not finite is a text."""
    document = {
        "apiVersion": EXPLANATION_VERSION,
        "kind": "Explanation",
        "run": results.name,
        "sentence": sentence(explanation, results.start),
        "at": moment(results.start, explanation.at_s),
        **_plain(explanation),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else number_text(value)
    if name in {"labels", "annotations"}:
        return dict(value)
    if name == "others":
        return [dict(labels) for labels in value]
    if name == "group":
        return value.name
    if name == "key":
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), field.name) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value
