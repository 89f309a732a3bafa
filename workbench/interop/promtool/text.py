"""A test file as text: written by hand rather than by a YAML library, so that every question can carry its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.interop.promtool.expectations import Active, Expectation, Question
from workbench.interop.promtool.scrapes import Grid
from workbench.promql.vector import Labels
from workbench.telemetry.series import Series, SeriesKey, Telemetry, is_stale
from workbench.units import format_duration


@dataclass(frozen=True, eq=False, slots=True)
class UnitTest:
    """One test of one alert."""

    name: str
    about: str
    """What the samples are: one comment line."""
    alert: str
    fixed: Labels
    """Labels that tell the alert from others of its name."""
    telemetry: Telemetry
    expectation: Expectation


def file_text(rule_file: str, order: Sequence[str], grid: Grid, tests: Sequence[UnitTest], about: Sequence[str]) -> str:
    """The text of a file that `promtool test rules` takes."""
    lines = [f"# {line}".rstrip() for line in about]
    lines += [
        f"rule_files: [{_quoted(rule_file)}]",
        f"evaluation_interval: {format_duration(grid.evaluation_s)}",
        f"group_eval_order: [{', '.join(_quoted(name) for name in order)}]",
        "tests:",
    ]
    for test in tests:
        lines += ["", *_test(test, grid)]
    return "\n".join(lines) + "\n"


def notation(series: Series, interval_s: int) -> str:
    """The samples of a series as promtool has them: one value at each multiple of the interval, `_` for none."""
    places = np.rint(series.times / interval_s).astype(np.int64)
    gaps = np.diff(places, prepend=-1) - 1
    words: list[str] = []
    whole = series.values.dtype.kind in "iu"
    stale = np.zeros(len(places), bool) if whole else is_stale(series.values.astype(np.float64))
    for gap, value, ends in zip(gaps.tolist(), series.values.tolist(), stale.tolist(), strict=True):
        if gap == 1:
            words.append("_")
        elif gap:
            words.append(f"_x{gap}")
        words.append("stale" if ends else _number(value))
    return " ".join(words)


def alerts_key(alert: str, active: Active) -> str:
    """The series that Prometheus writes for an active alert."""
    return str(SeriesKey.of("ALERTS", dict(active.labels), alertname=alert, alertstate=active.state))


def _number(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def _test(test: UnitTest, grid: Grid) -> list[str]:
    lines = [f"  # {test.about}", f"  - name: {_quoted(test.name)}", f"    interval: {format_duration(grid.interval_s)}"]
    lines.append("    input_series:")
    for series in test.telemetry:
        lines.append(f"      - series: {_quoted(str(series.key))}")
        lines.append(f"        values: '{notation(series, grid.interval_s)}'")
    asked = [(q, _firing_alerts(q)) for q in test.expectation.questions]
    known = [(q, alerts) for q, alerts in asked if alerts is not None]
    if known:
        lines.append("    alert_rule_test:")
        for question, alerts in known:
            lines += [
                f"      - alertname: {_quoted(test.alert)}  # {question.why}",
                f"        eval_time: {format_duration(question.at_s)}",
                *(["        exp_alerts:", *alerts] if alerts else ["        exp_alerts: []"]),
            ]
    lines.append("    promql_expr_test:")
    selector = str(SeriesKey.of("ALERTS", dict(test.fixed), alertname=test.alert))
    for question in test.expectation.questions:
        lines += _expression(selector, question.at_s, question.why, [(alerts_key(test.alert, a), 1) for a in question.active])
    # One second more than the test is long: the first evaluation is inside for both majors of Prometheus.
    span = format_duration(test.expectation.last_s + 1)
    counts = [
        (str(SeriesKey.of("", dict(a.labels), alertname=test.alert, alertstate=a.state)), n) for a, n in test.expectation.counts
    ]
    lines += _expression(f"count_over_time({selector}[{span}])", test.expectation.last_s, "evaluations in each state", counts)
    return lines


def _expression(expr: str, at_s: int, why: str, samples: Sequence[tuple[str, int]]) -> list[str]:
    lines = [f"      - expr: {_quoted(expr)}  # {why}", f"        eval_time: {format_duration(at_s)}"]
    if not samples:
        return [*lines, "        exp_samples: []"]
    lines.append("        exp_samples:")
    return [*lines, *(f"          - {{labels: {_quoted(labels)}, value: {value}}}" for labels, value in samples)]


def _firing_alerts(question: Question) -> list[str] | None:
    """The lines of `exp_alerts`; None where they cannot be written for every version."""
    if question.says is None or question.others:
        return None
    lines: list[str] = []
    for labels, says in question.says:
        lines.append(f"          - exp_labels: {_mapping(labels)}")
        if says:
            lines.append("            exp_annotations:")
            lines += [f"              {_quoted(name)}: {_quoted(text)}" for name, text in says]
    return lines


def _mapping(labels: Labels) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {_quoted(value)}" for name, value in labels) + "}"


def _quoted(text: str) -> str:
    """A YAML scalar: plain single quotes, or double quotes where the text has characters that need escapes."""
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    escaped = "".join(c if c.isprintable() and c not in '"\\' else _escape(c) for c in text)
    return f'"{escaped}"'


def _escape(character: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    code = ord(character)
    return named.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}")
