"""What the report says, section by section, as rows of words: no markup, no figures, nothing that the outcome does not hold."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.charts import findings, words
from workbench.outcome import Outcome
from workbench.scoring.score import Detection, RuleScore
from workbench.world.truth import Incident


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `tone` is `good`, `bad`, `warn` or empty and only repeats what the words say."""

    text: str
    tone: str = ""
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table with a caption for those who cannot see it."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


_STATUS_TONE = {"HEALTHY": "good", "CAUTION": "warn", "WARNING": "warn", "CRITICAL": "bad", "EXCEEDED": "bad", "UNKNOWN": ""}


def _n(text: str, tone: str = "") -> Cell:
    return Cell(text, tone, number=True)


def _verdict(met: bool | None) -> Cell:
    return Cell(words.met(met), "" if met is None else "good" if met else "bad")


def facts(outcome: Outcome) -> tuple[tuple[str, str], ...]:
    """What was looked at: label and value."""
    profile = outcome.profile
    kind = "Simulated" if outcome.source == "simulated" else "Recorded history, replayed"
    made = [("Source", kind), ("Period", words.period(outcome.start, outcome.horizon_s))]
    if outcome.seed is not None:
        made.append(("Seed", str(outcome.seed)))
    made.append(("Scenario" if outcome.source == "simulated" else "History and policy", outcome.digest))
    made.append(("Workbench", outcome.version))
    scrape = f"scrape every {words.duration(profile.scrape_interval_s)} ({words.duration(profile.phase_s)} after the grid)"
    evaluation = f"evaluation every {words.duration(profile.evaluation_interval_s)}"
    made.append(("Alerts as of", f"Prometheus {profile.prometheus}, {scrape}, {evaluation}"))
    if (used := words.rule_files(outcome.rules)) is not None:
        made.append(("Rules", used))
    made += [(f"Share of period: {name}", words.percent(share, 2)) for name, share in outcome.coverage]
    return tuple(made)


def scorecard(outcome: Outcome) -> Table:
    """The five metrics with how each was computed."""
    rows = tuple(
        (
            Cell(line.title),
            _n(line.shown if line.value is not None else words.UNKNOWN),
            _n(line.target),
            _verdict(line.met),
            Cell(line.definition),
        )
        for line in outcome.scorecard
    )
    return Table("Scorecard", ("Metric", "Value", "Target", "Verdict", "How it is computed"), rows)


def objectives(outcome: Outcome) -> Table:
    """Every objective: target, measured, budget."""
    rows = []
    for slo in outcome.slos:
        budget, worst = slo.budget, findings.worst_burn(slo)
        unknown = f"; {slo.unknown_events:,} of unknown outcome not counted" if slo.unknown_events else ""
        rows.append(
            (
                Cell(slo.name),
                _n(words.target(slo.target)),
                _n(words.sli(slo.sli, slo.target), "" if slo.met is None else "good" if slo.met else "bad"),
                _n(
                    f"{words.number(slo.total)} ({words.number(slo.total - slo.good)} bad{unknown})"
                    if slo.total
                    else f"none{unknown}"
                ),
                _n(words.percent(budget.consumed_share)),
                _n(f"{words.duration(budget.consumed_s)} of {words.duration(float(budget.total_s))}"),
                Cell(budget.status.value, _STATUS_TONE[budget.status.value]),
                _n(words.UNKNOWN if worst is None else f"{words.burn(worst.burn_rate)} over {words.window(worst.window_s)}"),
            )
        )
    headings = ("SLO", "Target", "Measured", "Events", "Budget used", "as time", "Status", "Burn rate at the end")
    return Table("Objectives and error budgets", headings, tuple(rows))


def rules(outcome: Outcome) -> Table | None:
    """Every alert rule against the ground truth; None if nothing is labelled."""
    if outcome.score is None:
        return None
    every = [*outcome.score.rules, *([outcome.score.overall] if len(outcome.score.rules) != 1 else [])]
    headings = (
        "Rule", "Severity", "Firings", "Precision", "Recall", "Recall, all incidents", "Detection time (median)", "(mean)",
        "Reset time (median)", "Budget before detection", "Pages a week",
    )  # fmt: skip
    return Table("Alert rules against incidents", headings, tuple(_rule(rule) for rule in every))


def _rule(rule: RuleScore) -> tuple[Cell, ...]:
    return (
        Cell(rule.alert),
        Cell(rule.severity),
        _n(f"{rule.firings:,} ({rule.true_firings:,} true)"),
        _n(words.percent(rule.precision)),
        _n(f"{words.percent(rule.recall)} ({rule.detected_significant} of {rule.significant_incidents})"),
        _n(f"{words.percent(rule.recall_all)} ({rule.detected} of {rule.incidents})"),
        _n(words.duration(rule.median_detection_time_s)),
        _n(words.duration(rule.mean_detection_time_s)),
        _n(words.duration(rule.median_reset_time_s)),
        _n(words.percent(rule.mean_budget_before_detection)),
        _n(words.number(rule.pages_per_week, 2)),
    )


def incidents(outcome: Outcome) -> Table | None:
    """Every incident of the ground truth, and which alert met it; None without ground truth."""
    if outcome.truth is None or outcome.score is None:
        return None
    by_id = {detection.incident: detection for detection in outcome.score.detections}
    rows = tuple(_incident(outcome, incident, by_id.get(incident.id)) for incident in outcome.truth.incidents)
    headings = ("Incident", "What failed", "Effect", "Began", "Lasted", "Budget spent", "Detected by", "after", "Ended by")
    return Table("Incidents", headings, rows)


def _incident(outcome: Outcome, incident: Incident, detection: Detection | None) -> tuple[Cell, ...]:
    found = detection is not None and detection.detected_by is not None
    missed = (
        Cell("missed" + (" (significant)" if detection.significant else ""), "bad" if detection.significant else "")
        if detection
        else Cell("not judged")
    )
    ended = "mitigation" if incident.mitigated_at_s is not None else "itself" if outcome.source == "simulated" else words.UNKNOWN
    return (
        Cell(incident.id),
        Cell(f"{incident.target}: {incident.mode}"),
        Cell(incident.effect),
        Cell(words.instant(outcome.start, incident.start_s)),
        _n(words.duration(incident.end_s - incident.start_s)),
        _n(f"{words.percent(detection.budget_share)} of {detection.budget_slo}" if detection and detection.budget_slo else "none"),
        Cell(detection.detected_by or "") if detection and found else missed,
        _n(words.duration(detection.detection_time_s) if detection and found else ""),
        Cell(ended),
    )


def missed(outcome: Outcome) -> tuple[str, ...]:
    """One sentence for each incident that no alert met, the costliest first."""
    if outcome.truth is None or outcome.score is None:
        return ()
    by_id = {incident.id: incident for incident in outcome.truth.incidents}
    silent = [d for d in outcome.score.detections if d.detected_by is None and d.incident in by_id]
    sentences = []
    for detection in sorted(silent, key=lambda d: (-d.budget_share, d.incident)):
        incident = by_id[detection.incident]
        weight = "significant" if detection.significant else "not significant"
        sentences.append(
            f"{incident.id}, {words.instant(outcome.start, incident.start_s)}: {incident.target}: {incident.mode} "
            f"for {words.duration(incident.end_s - incident.start_s)}, {incident.effect}; "
            f"spent {words.percent(detection.budget_share)} of a budget ({weight})"
        )
    return tuple(sentences)


def false_firings(outcome: Outcome) -> tuple[str, ...]:
    """One sentence for each firing that no incident explains."""
    if outcome.score is None:
        return ()
    return tuple(
        f"{words.instant(outcome.start, episode.firing_at_s)}: {findings.watched(episode)} fired for "
        + words.duration(
            (outcome.horizon_s if episode.resolved_at_s is None else episode.resolved_at_s) - (episode.firing_at_s or 0.0)
        )
        for episode in outcome.score.false_firings
    )


def episodes(outcome: Outcome) -> Table:
    """Firings of each alert where nothing is labelled to judge them by."""
    fired = [episode for episode in outcome.episodes if episode.firing_at_s is not None]
    rows = tuple(
        (
            Cell(findings.watched(episode)),
            Cell(words.instant(outcome.start, episode.pending_at_s)),
            Cell(words.instant(outcome.start, episode.firing_at_s)),
            Cell(words.instant(outcome.start, episode.resolved_at_s) if episode.resolved_at_s is not None else "open at the end"),
        )
        for episode in fired[:MOST_EPISODES]
    )
    more = f" (the first {MOST_EPISODES} of {len(fired):,})" if len(fired) > MOST_EPISODES else ""
    return Table(f"Firings{more}", ("Alert", "Pending", "Firing", "Resolved"), rows)


MOST_EPISODES = 200


def credits(outcome: Outcome) -> Table | None:  # noqa: A001 - the section's name
    """What each tier is paid back and why; None without tiers."""
    if not outcome.credits:
        return None
    rows = tuple(
        (
            Cell(credit.tier),
            _n(words.target(credit.promised)),
            _n(words.sli(credit.availability, credit.promised)),
            Cell(words.UNKNOWN if credit.breached is None else "broken" if credit.breached else "kept",
                 "" if credit.breached is None else "bad" if credit.breached else "good"),
            _n(words.number(credit.users)),
            _n(words.money(credit.fee)),
            _n(words.money(credit.credit)),
            Cell(credit.calculation),
        )
        for credit in outcome.credits
    )  # fmt: skip
    headings = ("Tier", "Promised", "Measured", "Promise", "Users", "Fees of the month", "Credit", "Calculation")
    return Table("Service credits", headings, rows)
