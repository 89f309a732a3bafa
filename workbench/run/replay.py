"""One replay: a recorded history through the same rules, objectives and scoring as a simulated month, the loop open."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from workbench import __version__
from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.engine import RuleEngine
from workbench.alerts.expressions import windows_of
from workbench.alerts.renaming import Renaming
from workbench.alerts.rule_files import RuleFiles
from workbench.alerts.rules import Profile, RuleGroup
from workbench.alerts.vocabulary import RECORDED, SIMULATED, Vocabulary, matching_routes
from workbench.errors import BadInput, Problem, Severity
from workbench.outcome import Outcome
from workbench.run.bucket_names import named_as_in
from workbench.run.findings import of_failures, of_map, of_rule_files
from workbench.run.judge import judge, no_objectives
from workbench.run.labels import labelled
from workbench.run.replay_signs import signs
from workbench.scenario.schema.policy import EventsIndicator, LatencyIndicator, Policy, QueryIndicator, Slo
from workbench.slo.query_events import query_findings
from workbench.telemetry.complaints import listed, nearest, quoted
from workbench.telemetry.history import History, Options, Reading, read_history
from workbench.telemetry.recorded import ERRORS_NAME, REQUESTS_NAME
from workbench.telemetry.series import FloatArray, le_label
from workbench.units import DAY_S, format_duration

LONGEST_USUAL_EVALUATION_S = 60.0
"""Prometheus's own default; rows further apart than this are still looked at every minute, so that `for: 2m` means two minutes."""
MOST_EVALUATIONS = 10_000_000
"""A year at 15 s has 2.1 million."""
LONGEST_HISTORY_S = 20 * 366 * float(DAY_S)
SPARSE = 0.9
"""A window that holds two samples at fewer than this share of the evaluations is told."""


def replay(
    history_path: Path | str,
    policy: Policy | None = None,
    *,
    rules: RuleFiles | None = None,
    route: str | None = None,
    incidents: Path | str | None = None,
    scrape_interval_s: float | None = None,
    evaluation_interval_s: float | None = None,
    phase_s: float | None = None,
    prometheus: str = "3.5",
    requests_name: str = REQUESTS_NAME,
    errors_name: str = ERRORS_NAME,
    reading: Reading | None = None,
    options: Options | None = None,
) -> Outcome:
    """Measure a recorded history against a policy, or rule files, or both. A pure function of the files' bytes and the arguments.

    Rules are evaluated at 0, E, 2E, ... from the first row's time up to the last scrape.

    Args:
        history_path: CSV, CSV.gz, Parquet, or OpenMetrics or Prometheus text (see `telemetry.history`).
        policy: objectives and burn-rate rules; None: there are no objectives, only alerts.
        rules: rule files in place of the rules that the policy's objectives generate.
        route: replay this route alone.
        incidents: CSV of labelled incidents; without it nothing is scored.
        scrape_interval_s: nominal distance of two rows; None takes the usual one.
        evaluation_interval_s: E; None takes the scrape interval, but 60 s at most.
        phase_s: each scrape was taken that much after its row's time; None takes 7 s, or half of a scrape interval of at most 7 s.
        prometheus: the version to be equal to: `2.42`, `2.53` or `3.5`.
        requests_name: name of the counter of all requests.
        errors_name: name of the counter of failed requests.
        reading: what the rows are taken for; None is `counts`, and for text of metrics `counters`.
        options: what only some readings ask for.

    Raises:
        BadInput: with everything that is wrong with the history or the incidents.
        ValueError: without policy and rules.
    """
    if policy is None and rules is None:
        raise ValueError("a replay needs a policy or rules")
    chosen = policy if policy is not None else no_objectives()
    history = read_history(
        history_path,
        route=route,
        scrape_interval_s=scrape_interval_s,
        phase_s=phase_s,
        requests_name=requests_name,
        errors_name=errors_name,
        reading=reading,
        options=options,
    )
    every_s = evaluation_interval_s or max(0.001, round(min(history.spacing_s, LONGEST_USUAL_EVALUATION_S), 3))
    _check_clock(history, every_s, str(history_path))
    profile = Profile(prometheus, history.spacing_s, every_s, history.phase_s)
    if rules is not None:
        rules.check_version(prometheus)
    recorded = _vocabulary(history, requests_name, errors_name)
    renaming = Renaming(chosen.metrics)
    vocabulary, telemetry = renaming.vocabulary(recorded), renaming.telemetry(history.telemetry)
    horizon_s = telemetry.horizon_s
    truth, told = (None, ()) if incidents is None else labelled(incidents, history)
    groups = rule_groups(chosen, history.routes, vocabulary, history_s=horizon_s) if rules is None else rules.groups
    seen, renamed = (telemetry, ()) if rules is None else named_as_in(groups, telemetry, history)
    engine = RuleEngine(groups, seen, profile)
    while engine.look_ahead(history.last_scrape_s):
        pass
    episodes = engine.episodes()
    judged = judge(chosen, telemetry, vocabulary, groups, episodes, truth, users={}, start=history.start, horizon_s=horizon_s)
    findings = (
        *_reading(history, str(history_path), recorded),
        *history.findings,
        *told,
        *_unmeasured(chosen, history, recorded),
        *signs(chosen, history, recorded, truth),
        *query_findings(chosen, telemetry),
        *of_map(renaming, history.telemetry),
        *_coarse(groups, history, profile, recorded),
        *renamed,
        *(() if rules is None else of_rule_files(rules, seen)),
        *of_failures(engine, groups, rules),
    )
    if policy is not None and all(slo.sli is None for slo in judged.slos):
        findings += (Problem("replay/nothing-measured", "no objective of the policy could be measured on this history"),)
    return Outcome(
        name=_name(history_path),
        description=f"Recorded history{f', route {route}' if route is not None else ''}: {history.said}",
        source="recorded",
        seed=None,
        start=history.start,
        horizon_s=horizon_s,
        profile=profile,
        digest=_digest(history, policy, rules, profile, recorded, route, incidents, options or Options()),
        version=__version__,
        rules=groups,
        slos=judged.slos,
        episodes=episodes,
        truth=truth,
        score=judged.score,
        scorecard=judged.scorecard,
        credits=judged.credits,
        findings=findings,
        coverage=history.coverage,
        telemetry=seen,
        tracks=judged.tracks,
    )


def _vocabulary(history: History, requests_name: str, errors_name: str) -> Vocabulary:
    """How the history names what objectives are measured from: a counter of errors, or codes where it has none."""
    if history.code_label is None:
        return replace(RECORDED, requests=requests_name, errors=errors_name, tier_label=history.tier_label)
    return replace(SIMULATED, requests=requests_name, code_label=history.code_label, tier_label=history.tier_label)


def _reading(history: History, file: str, vocabulary: Vocabulary) -> Iterator[Problem]:
    """What the rows were taken for, and what objectives count."""
    counted = "objectives count "
    if vocabulary.errors is not None:
        counted += f"{vocabulary.requests}, and as bad {vocabulary.errors}"
    else:
        counted += f"{vocabulary.requests} by its label {vocabulary.code_label}"
    yield Problem("history/reading", f"{history.said}; {counted}", Severity.INFO, file)


def _name(path: Path | str) -> str:
    """The file's name without its endings."""
    name = Path(path).name
    for ending in (".gz", ".csv", ".parquet", ".om", ".prom", ".openmetrics"):
        name = name.removesuffix(ending)
    return name or Path(path).name


def _digest(
    history: History,
    policy: Policy | None,
    rules: RuleFiles | None,
    profile: Profile,
    vocabulary: Vocabulary,
    route: str | None,
    incidents: Path | str | None,
    options: Options,
) -> str:
    """Hash of everything that decides the result, apart from the package itself."""
    parts = {
        "history": history.digest,
        "incidents": None if incidents is None else hashlib.blake2b(Path(incidents).read_bytes(), digest_size=16).hexdigest(),
        "policy": None if policy is None else policy.model_dump(mode="json", by_alias=True),
        **({} if rules is None else {"rules": rules.digest}),
        "profile": [profile.prometheus, profile.scrape_interval_s, profile.evaluation_interval_s, profile.phase_s],
        "route": route,
        "names": history.telemetry.names,
        "reading": [history.reading, vocabulary.requests, vocabulary.errors, repr(options)],
    }
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def _check_clock(history: History, every_s: float, file: str) -> None:
    if history.last_scrape_s > LONGEST_HISTORY_S:
        message = f"the first row and the last are {format_duration(history.last_scrape_s)} apart"
        allowed = "at most 20 years; are all times in the same unit?"
        raise BadInput(Problem("replay/too-long", message, file=file, allowed=allowed))
    evaluations = history.last_scrape_s / every_s
    if evaluations > MOST_EVALUATIONS:
        message = f"{evaluations:,.0f} evaluations lie between the first row and the last"
        allowed = f"at most {MOST_EVALUATIONS:,}: a longer evaluation interval, or a shorter history"
        raise BadInput(Problem("replay/too-many-evaluations", message, file=file, allowed=allowed))


def _unmeasured(policy: Policy, history: History, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Objectives that this history cannot answer, each with the reason and what would be near."""
    for name, slo in sorted(policy.slos.items()):
        if isinstance(slo.indicator, QueryIndicator):
            continue
        path = f"slos.{name}.indicator"
        reason = _reason(slo, history, vocabulary)
        if reason is not None:
            message, found, allowed, near = reason
            yield Problem(
                "replay/unmeasured",
                f"objective {name} is unknown: {message}",
                Severity.WARNING,
                path=path,
                found=found,
                allowed=allowed,
                nearest=near,
            )
        elif isinstance(slo.indicator, EventsIndicator) and slo.indicator.exclude_codes and vocabulary.code_label is None:
            message = f"objective {name}: the history does not tell status codes, so no request is excluded"
            yield Problem("replay/codes", message, Severity.WARNING, path=f"{path}.exclude_codes")


def _reason(slo: Slo, history: History, vocabulary: Vocabulary) -> tuple[str, str | None, str | None, str | None] | None:
    """Message, found, allowed and nearest, if the objective cannot be measured."""
    indicator = slo.indicator
    names = history.telemetry.names
    if not history.routes:
        message = "the history has no series of this name; --total-series and --errors-series name the counters to be measured"
        return message, vocabulary.requests, listed(names, 12), nearest(vocabulary.requests, names)
    routes = matching_routes(indicator.routes, history.routes)
    if indicator.tiers and vocabulary.tier_label is None:
        return "the history does not know tiers", ", ".join(indicator.tiers), None, None
    if not routes:
        patterns = ", ".join(indicator.routes)
        near = next((found for pattern in indicator.routes if (found := nearest(pattern, history.routes))), None)
        return "no route of the history matches", patterns[:80], listed([quoted(route) for route in history.routes]), near
    if isinstance(indicator, LatencyIndicator):
        if not history.bounds_s:
            if history.reading is Reading.COUNTERS:
                return "the history has no buckets", f"{vocabulary.latency}_bucket", listed(names, 12), None
            return "the history has no `le_*` columns", None, None, None
        if le_label(indicator.threshold) not in {le_label(bound) for bound in history.bounds_s}:
            near_s = min(history.bounds_s, key=lambda bound: abs(bound - indicator.threshold))
            bounds = listed([format_duration(bound) for bound in history.bounds_s], 30)
            what = "bucket" if history.reading is Reading.COUNTERS else "`le_*` column"
            return f"no {what} has its threshold", format_duration(indicator.threshold), bounds, format_duration(near_s)
        return None
    if history.reading is Reading.COUNTERS and vocabulary.errors is not None and vocabulary.errors not in names:
        message = "the history has no counter of errors of this name, and no label with status codes"
        return message, vocabulary.errors, listed(names, 12), nearest(vocabulary.errors, names)
    if set(routes) <= set(history.unknown_errors):
        return "the errors of its routes are unknown", listed([quoted(route) for route in routes]), None, None
    return None


def _coarse(groups: Iterable[RuleGroup], history: History, profile: Profile, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Windows in which a range selector never, or seldom, holds the two samples that a rate needs."""
    rules_of = {window_ms / 1000.0: names for window_ms, names in windows_of(tuple(groups)).items()}
    times = {id(one.times): one.times for one in history.telemetry.by_name.get(vocabulary.requests, ())}
    if times and rules_of and all(len(one) < 3 for one in times.values()):
        yield Problem(
            "replay/short-history", "the history is too short for any rule: a rate needs two rows before it", Severity.WARNING
        )
        return
    for window_s, rules in sorted(rules_of.items()):
        share = max((_share_with_rate(one, window_s, profile, history.last_scrape_s) for one in times.values()), default=0.0)
        if share >= SPARSE:
            continue
        window, spacing = format_duration(window_s), format_duration(history.spacing_s)
        if share == 0:
            message = (
                f"rows every {spacing} are too coarse for [{window}], which never holds two samples: {listed(rules)} can never fire"
            )
            yield Problem("replay/coarse-rows", message, Severity.WARNING)
        else:
            message = f"[{window}] holds two samples at only {share:.0%} of the evaluations, rows every {spacing}: {listed(rules)}"
            yield Problem("replay/sparse-rows", message, Severity.WARNING)


def _share_with_rate(times: FloatArray, window_s: float, profile: Profile, until_s: float) -> float:
    """Share of the evaluations, from the first that could, at which the window holds at least two of these samples."""
    if len(times) < 2:
        return 0.0
    instants = np.arange(0.0, until_s + profile.evaluation_interval_s / 1e6, profile.evaluation_interval_s)
    instants = instants[instants >= times[1]]
    if not len(instants):
        return 0.0
    before_last = times[np.searchsorted(times, instants, side="right") - 2]
    edge = instants - window_s
    held = before_last > edge if profile.left_open else before_last >= edge
    return float(held.mean())
