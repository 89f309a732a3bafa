"""The summary of one outcome on a terminal: what an SRE understands without the manual, in 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workbench.charts import findings, words
from workbench.errors import Problem, Severity
from workbench.outcome import Outcome
from workbench.scoring.score import RuleScore
from workbench.slo.account import BudgetStatus

MOST_ROWS = 12
"""Rules or incidents that a terminal shows; the files hold all of them."""
MOST_OF_A_CHECK = 6
"""Findings of one check that a terminal shows."""

_STATUS_STYLE = {
    BudgetStatus.HEALTHY: "green",
    BudgetStatus.CAUTION: "yellow",
    BudgetStatus.WARNING: "yellow",
    BudgetStatus.CRITICAL: "red",
    BudgetStatus.EXCEEDED: "bold red",
    BudgetStatus.UNKNOWN: "dim",
}
_SEVERITY_STYLE = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def print_summary(
    outcome: Outcome,
    console: Console,
    *,
    expectations_failed: Sequence[Problem] = (),
    files: Sequence[Path] = (),
) -> None:
    """Print the outcome, section by section; sections without content are left out, unknown numbers are called unknown.

    Colour repeats what the words say. Names come from files, so nothing of them is read as markup.
    """
    _header(outcome, console)
    _objectives(outcome, console)
    _events(outcome, console)
    _alerts(outcome, console)
    _credits(outcome, console)
    _scorecard(outcome, console)
    _problems("Expectations that failed", expectations_failed, console)
    _problems("Findings", outcome.findings, console, most=MOST_OF_A_CHECK)
    if files:
        _title("Files", console)
        for file in files:
            console.print(Padding(_text(file), (0, 0, 0, 2), expand=False))


def _text(value: object, style: str = "") -> Text:
    """Text of the data: no markup, and no control characters that a terminal would obey."""
    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value)), style=style, overflow="fold")


def _note(text: str, console: Console) -> None:
    console.print(Padding(_text(text, style="dim"), (0, 0, 0, 2), expand=False))


def _title(text: str, console: Console) -> None:
    console.print()
    console.print(_text(text, style="bold"))


def _line(label: str, value: str, console: Console) -> None:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=12, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(_text(label, style="dim"), _text(value))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def _table(*columns: tuple[str, str]) -> Table:
    """A table whose first column gives way; each column is a heading and `left` or `right`."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1), collapse_padding=True, header_style="dim")
    for index, (heading, justify) in enumerate(columns):
        right = justify == "right"
        table.add_column(
            heading, justify="right" if right else "left", overflow="fold", no_wrap=right, ratio=None if right or index else 1
        )
    return table


def _show(table: Table, console: Console) -> None:
    console.print(Padding(table, (0, 0, 0, 2), expand=False))


def _header(outcome: Outcome, console: Console) -> None:
    console.print(_text(outcome.name, style="bold"))
    if outcome.description:
        console.print(_text(" ".join(outcome.description.split())))
    console.print(_text(findings.headline(outcome)))
    console.print()
    kind = "a simulated run" if outcome.source == "simulated" else "a replay of a recorded history"
    seed = f", seed {outcome.seed}" if outcome.seed is not None else ""
    profile = outcome.profile
    _line("What", f"{kind}{seed}, digest {outcome.digest[:12]}, version {outcome.version}", console)
    _line("Period", words.period(outcome.start, outcome.horizon_s), console)
    _line(
        "Profile",
        f"Prometheus {profile.prometheus}, scrape every {words.duration(profile.scrape_interval_s)}"
        f" (phase {words.duration(profile.phase_s)}), evaluation every {words.duration(profile.evaluation_interval_s)}",
        console,
    )
    if (used := words.rule_files(outcome.rules)) is not None:
        _line("Rules", used, console)
    if outcome.coverage:
        _line("Coverage", ", ".join(f"{name} {words.percent(share, 2)}" for name, share in outcome.coverage), console)


def _objectives(outcome: Outcome, console: Console) -> None:
    if not outcome.slos:
        return
    _title("Objectives", console)
    table = _table(
        ("SLO", "left"), ("target", "right"), ("measured", "right"), ("budget", "right"), ("status", "left"), ("burn", "right")
    )
    for slo in outcome.slos:
        worst = findings.worst_burn(slo)
        burn = words.UNKNOWN if worst is None else f"{words.burn(worst.burn_rate)} {words.window(worst.window_s)}"
        status = _text(slo.budget.status.value, style=_STATUS_STYLE[slo.budget.status])
        measured = _text(words.sli(slo.sli, slo.target), style="red" if slo.met is False else "")
        table.add_row(_text(slo.name), words.target(slo.target), measured, words.percent(slo.budget.consumed_share), status, burn)
    _show(table, console)
    _note("budget: share of it that is spent; burn: rate at the end, over the window nearest to its threshold", console)
    for slo in outcome.slos:
        if slo.unknown_events:
            text = f"{slo.name}: the outcome of {words.counted(slo.unknown_events, 'event')} is unknown; they are not counted"
            console.print(Padding(_text(text), (0, 0, 0, 2), expand=False))


def _events(outcome: Outcome, console: Console) -> None:
    if outcome.truth is None:
        return
    _title("What happened", console)
    truth = outcome.truth
    changes = sum(incident.cause == "change" for incident in truth.incidents)
    text = words.counted(len(truth.incidents), "incident")
    if changes:
        text += f" ({changes} by a change)"
    if truth.deployments:
        bad = sum(deployment.bad for deployment in truth.deployments)
        text += f", {words.counted(len(truth.deployments), 'deployment')} ({bad} bad)"
    if outcome.source == "simulated":
        text += f", {words.counted(len(truth.pages), 'page')}"
    escalated = sum(page.escalated for page in truth.pages)
    if escalated:
        text += f" ({escalated} escalated)"
    console.print(Padding(_text(text), (0, 0, 0, 2), expand=False))
    if outcome.score is None or not outcome.score.detections:
        return
    by_id = {incident.id: incident for incident in truth.incidents}
    costly = sorted(outcome.score.detections, key=lambda d: (-d.budget_share, d.incident))[:5]
    table = _table(
        ("costliest incidents", "left"), ("began", "left"), ("lasted", "right"), ("budget", "right"), ("detected", "left")
    )
    for detection in costly:
        incident = by_id.get(detection.incident)
        if incident is None:
            continue
        found = f"after {words.duration(detection.detection_time_s)}" if detection.detected_by else "missed"
        table.add_row(
            _text(f"{incident.target}: {incident.mode}"),
            words.instant(outcome.start, incident.start_s),
            words.duration(incident.end_s - incident.start_s),
            words.percent(detection.budget_share),
            _text(found, style="" if detection.detected_by or not detection.significant else "red"),
        )
    _show(table, console)
    if len(outcome.score.detections) > len(costly):
        _note(f"and {len(outcome.score.detections) - len(costly)} more in incidents.csv and the report", console)


def _alerts(outcome: Outcome, console: Console) -> None:
    if outcome.score is None:
        _alerts_unscored(outcome, console)
        return
    _title("Alerts against incidents", console)
    table = _table(
        ("rule", "left"),
        ("fired", "right"),
        ("precision", "right"),
        ("recall", "right"),
        ("detect", "right"),
        ("reset", "right"),
        ("pages/wk", "right"),
    )
    fired = [rule for rule in outcome.score.rules if rule.firings]
    silent = [rule for rule in outcome.score.rules if not rule.firings]
    shown = (fired + silent)[:MOST_ROWS]
    for rule in shown:
        table.add_row(*_scored(rule))
    if len(outcome.score.rules) > 1:
        table.add_section()
        table.add_row(*_scored(outcome.score.overall))
    _show(table, console)
    left = len(outcome.score.rules) - len(shown)
    if left:
        _note(f"and {words.counted(left, 'rule')} more in the report", console)
    overall = outcome.score.overall
    text = (
        f"recall: {overall.detected_significant} of {overall.significant_incidents} significant incidents, "
        f"{overall.detected} of all {overall.incidents}; detect and reset are medians"
    )
    if overall.mean_budget_before_detection is not None:
        text += f"; budget spent before detection: {words.percent(overall.mean_budget_before_detection)} on average"
    for sentence in (text, *outcome.score.rules_text):
        _note(sentence, console)


def _scored(rule: RuleScore) -> tuple[Text | str, ...]:
    return (
        _text(rule.alert),
        words.number(rule.firings),
        words.percent(rule.precision),
        words.percent(rule.recall),
        words.duration(rule.median_detection_time_s),
        words.duration(rule.median_reset_time_s),
        words.number(rule.pages_per_week, 2),
    )


def _alerts_unscored(outcome: Outcome, console: Console) -> None:
    _title("Alerts", console)
    console.print(Padding(_text(findings.alerts_finding(outcome)), (0, 0, 0, 2), expand=False))
    watched = sorted({findings.watched(episode) for episode in outcome.episodes if episode.firing_at_s is not None})
    if not watched:
        return
    table = _table(("alert", "left"), ("fired", "right"), ("first", "left"), ("time firing", "right"))
    for name in watched[:MOST_ROWS]:
        mine = [e for e in outcome.episodes if findings.watched(e) == name and e.firing_at_s is not None]
        total = sum((outcome.horizon_s if e.resolved_at_s is None else e.resolved_at_s) - (e.firing_at_s or 0.0) for e in mine)
        table.add_row(
            _text(name), words.number(len(mine)), words.instant(outcome.start, mine[0].firing_at_s), words.duration(total)
        )
    _show(table, console)
    if len(watched) > MOST_ROWS:
        _note(f"and {words.counted(len(watched) - MOST_ROWS, 'alert')} more in alerts.csv", console)


def _credits(outcome: Outcome, console: Console) -> None:
    if not outcome.credits:
        return
    _title("Service credits", console)
    table = _table(
        ("tier", "left"),
        ("promised", "right"),
        ("measured", "right"),
        ("promise", "left"),
        ("credit", "right"),
        ("of fees", "right"),
    )
    for credit in outcome.credits:
        table.add_row(
            _text(credit.tier),
            words.target(credit.promised),
            words.sli(credit.availability, credit.promised),
            words.UNKNOWN if credit.breached is None else _text("broken", style="red") if credit.breached else "kept",
            words.money(credit.credit),
            words.money(credit.fee),
        )
    _show(table, console)
    console.print(_text(f"  total: {findings.total_credits(outcome)}"))


def _scorecard(outcome: Outcome, console: Console) -> None:
    if not outcome.scorecard:
        return
    _title("Scorecard", console)
    table = _table(("metric", "left"), ("target", "right"), ("", "left"), ("value", "left"))
    table.columns[0].ratio, table.columns[0].min_width = None, max(len(line.title) for line in outcome.scorecard)
    table.columns[2].no_wrap = True
    for line in outcome.scorecard:
        verdict = words.met(line.met)
        style = "red" if line.met is False else "green" if line.met else "dim"
        shown = line.shown if line.value is not None else words.UNKNOWN
        table.add_row(_text(line.title), _text(line.target), _text(verdict, style=style), _text(shown))
    _show(table, console)


def _problems(title: str, problems: Sequence[Problem], console: Console, most: int | None = None) -> None:
    if not problems:
        return
    _title(title, console)
    told: dict[str, int] = {}
    for problem in problems:
        told[problem.check] = told.get(problem.check, 0) + 1
        if most is not None and told[problem.check] > most:
            continue
        text = _text(f"{problem.severity}: ", style=_SEVERITY_STYLE[problem.severity])
        text.append_text(_text(problem.message))
        rest = [
            f"in {problem.place}" if problem.file and problem.line is not None else "",
            f"at {problem.path}" if problem.path else "",
            f"found {problem.found}" if problem.found is not None else "",
            f"allowed: {problem.allowed}" if problem.allowed else "",
            f"nearest: {problem.nearest}" if problem.nearest else "",
            f"[{problem.check}]",
        ]
        text.append_text(_text(" " + "; ".join(part for part in rest if part), style="dim"))
        console.print(Padding(text, (0, 0, 0, 2), expand=False))
    for check, count in told.items():
        if most is not None and count > most:
            _note(f"and {count - most} more [{check}]; the report and -o json have all", console)
