"""One simulated run: world and engine, wired; the loop closes here.

Between two events of the world, telemetry and alerts are computed ahead as arrays. The first alert transition ends the stretch:
its commands reach the world, and if they change what will be scraped, the stretch after it is computed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from workbench import __version__
from workbench.alerts.burn_rate import rule_groups
from workbench.alerts.burn_rules import burn_rules
from workbench.alerts.coverage import bounds_read as bounds_of
from workbench.alerts.coverage import covered_routes
from workbench.alerts.engine import RuleEngine
from workbench.alerts.renaming import Renaming
from workbench.alerts.rule_files import RuleFiles
from workbench.alerts.rules import Profile
from workbench.alerts.subjects import Subjects
from workbench.alerts.vocabulary import SIMULATED, Vocabulary
from workbench.control.paging import pages, tickets
from workbench.errors import BadInput, Problem, Severity
from workbench.outcome import Outcome
from workbench.run.buckets import buckets_read
from workbench.run.findings import of_failures, of_map, of_rule_files, of_scrapes
from workbench.run.judge import judge
from workbench.scenario.model import Scenario
from workbench.scenario.schema.policy import Policy
from workbench.slo.query_events import query_findings
from workbench.units import format_duration
from workbench.world.driven import driven
from workbench.world.layout import BoundsError

Progress = Callable[[float], None]
"""Called with the share of the horizon that is done, 0..1."""


def run(scenario: Scenario, *, rules: RuleFiles | None = None, progress: Progress | None = None) -> Outcome:
    """Simulate the scenario and judge it. A pure function of (scenario, its seed, the rules, the package's version).

    Args:
        scenario: World, policy, clock.
        rules: Rule files in place of the rules that the policy's objectives generate.
        progress: Called with the share that is done.

    Raises:
        BadInput: for rules that cannot be evaluated, a metrics map whose names collide, thresholds that are no buckets.
    """
    clock, policy = scenario.clock, scenario.policy
    profile = Profile(clock.prometheus, clock.scrape_interval, clock.evaluation_interval, clock.scrape_phase)
    routes = tuple(sorted(scenario.world.routes))
    renaming = Renaming(policy.metrics)
    if rules is not None:
        rules.check_version(profile.prometheus)
    vocabulary = renaming.vocabulary(SIMULATED)
    groups = rule_groups(policy, routes, vocabulary, history_s=clock.horizon) if rules is None else rules.groups
    keep = bounds_read(policy, routes, vocabulary)
    for route, bounds in buckets_read(groups if rules is not None else (), scenario.world, vocabulary).items():
        keep.setdefault(route, set()).update(bounds)
    try:
        system = driven(scenario, keep, [group.interval_s or profile.evaluation_interval_s for group in groups])
    except BoundsError as error:
        raise BadInput(
            Problem(
                check="world/bound-in-the-body",
                message="most requests of the route are faster than this threshold, so its bucket is not kept at every scrape",
                path=f"routes.{error.route}",
                found=", ".join(format_duration(bound) for bound in error.asked),
                allowed="one of " + ", ".join(format_duration(bound) for bound in error.kept),
            )
        ) from error
    seen = renaming.telemetry(system.telemetry())
    subjects = Subjects(policy, groups, routes, vocabulary)
    engine = RuleEngine(groups, seen, profile)
    while system.now_s < clock.horizon:
        until = min(system.next_event_s, clock.horizon)
        if system.fill(until):
            engine.invalidate()
        transitions = engine.look_ahead(until)
        if transitions:
            system.wait_until(transitions[0].at_s)
            for page in pages(policy, transitions, subjects):
                system.apply(page)
            for ticket in tickets(policy, transitions, subjects):
                system.apply(ticket)
        elif system.next_event_s <= until < clock.horizon:
            system.happen()
        else:
            system.wait_until(clock.horizon)
        if progress is not None:
            progress(min(1.0, system.now_s / clock.horizon))
    simulated, truth = system.finish()
    telemetry = renaming.telemetry(simulated)
    episodes = engine.episodes()
    findings = [*query_findings(policy, telemetry), *of_map(renaming, simulated)]
    if rules is None:
        findings += [*_coarse(policy, profile)]
    else:
        findings += [*of_rule_files(rules, seen, telemetry), *of_scrapes(groups, profile)]
    findings += [*of_failures(engine, groups, rules)]
    judged = judge(
        policy,
        telemetry,
        vocabulary,
        groups,
        episodes,
        truth,
        users={name: tier.users for name, tier in scenario.world.tiers.items()},
        start=scenario.start,
        horizon_s=clock.horizon,
    )
    return Outcome(
        name=scenario.name,
        description=scenario.description,
        source="simulated",
        seed=scenario.seed,
        start=scenario.start,
        horizon_s=clock.horizon,
        profile=profile,
        digest=scenario.digest if rules is None else digest_with(scenario.digest, rules),
        version=__version__,
        rules=groups,
        slos=judged.slos,
        episodes=episodes,
        truth=truth,
        score=judged.score,
        scorecard=judged.scorecard,
        credits=judged.credits,
        findings=tuple(findings),
        telemetry=telemetry,
        tracks=judged.tracks,
    )


def _coarse(policy: Policy, profile: Profile) -> Iterator[Problem]:
    """Rules with a window that never holds the two scrapes that a rate needs."""
    aligned = profile.phase_s == 0 and not profile.left_open
    used = {rule.name: rule for slo in policy.slos for rule in burn_rules(policy, slo)}
    stated = {name: rule for name, rule in policy.burn_rate_alerts.items() if name not in used}
    for name, rule in sorted({**stated, **{name: one.rule for name, one in used.items()}}.items()):
        for window_s in (rule.short, rule.long):
            if window_s < profile.scrape_interval_s or (window_s == profile.scrape_interval_s and not aligned):
                window, scrape = format_duration(window_s), format_duration(profile.scrape_interval_s)
                yield Problem(
                    check="run/coarse-scrapes",
                    message=f"scrapes every {scrape} are too coarse for [{window}], which never holds two of them: "
                    f"{name} can never fire",
                    severity=Severity.WARNING,
                    path=f"burn_rate_alerts.{name}",
                )


def digest_with(digest: str, rules: RuleFiles) -> str:
    """The digest of a run with rule files in place of the policy's rules."""
    return hashlib.blake2b(f"{digest} {rules.digest}".encode(), digest_size=16).hexdigest()


def bounds_read(policy: Policy, routes: Sequence[str], vocabulary: Vocabulary = SIMULATED) -> dict[str, set[float]]:
    """Latency bounds in seconds that some objective reads, by route: these are kept at every scrape."""
    out: dict[str, set[float]] = {}
    for slo in policy.slos.values():
        bounds = bounds_of(slo.indicator, vocabulary)
        for route in covered_routes(slo.indicator, routes, vocabulary) if bounds else ():
            out.setdefault(route, set()).update(bounds)
    return out
