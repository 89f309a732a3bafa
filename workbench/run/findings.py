"""What a reader must know of the rules of a run before trusting their silence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.alerts.engine import RuleEngine
from workbench.alerts.expressions import called, windows_of
from workbench.alerts.renaming import Renaming
from workbench.alerts.rule_files import RuleFiles
from workbench.alerts.rules import Profile, RuleGroup
from workbench.alerts.unmatched import unmatched
from workbench.errors import Problem, Severity
from workbench.scenario.names import listed
from workbench.telemetry.series import Telemetry
from workbench.units import format_duration


def of_rule_files(files: RuleFiles, seen: Telemetry, later: Telemetry | None = None) -> Iterator[Problem]:
    """Remarks of the reading, and selectors that match nothing of what the rules saw."""
    yield from files.findings
    yield from unmatched(files.groups, seen, files, later)


def of_failures(engine: RuleEngine, groups: Sequence[RuleGroup], files: RuleFiles | None) -> Iterator[Problem]:
    """Rules whose evaluation failed at some instants, as it would in Prometheus."""
    rules = [(group, index, rule) for group in groups for index, rule in enumerate(group.rules)]
    for (group, index, rule), failed in zip(rules, engine.failures(), strict=True):
        if not failed:
            continue
        times = f"{len(failed):,} evaluations" if len(failed) > 1 else "one evaluation"
        message = (
            f"{called(rule)} of {group.name} fails at {times}, the first {format_duration(failed[0])} from the start: "
            "two elements with the same labels, several that match one, or more than the group's limit"
        )
        place = files.place_of(group, index) if files is not None else None
        if place is None:
            yield Problem("rules/failed", message, Severity.WARNING, path=f"groups.{group.name}.rules[{index}].expr")
        else:
            yield Problem("rules/failed", message, Severity.WARNING, place.file, place.line, place.column)


def of_scrapes(groups: Sequence[RuleGroup], profile: Profile) -> Iterator[Problem]:
    """Windows over scraped samples that never hold the two of them that a rate needs."""
    aligned = profile.phase_s == 0 and not profile.left_open
    for window_ms, names in windows_of(tuple(groups)).items():
        window_s = window_ms / 1000.0
        if window_s < profile.scrape_interval_s or (window_s == profile.scrape_interval_s and not aligned):
            window, scrape = format_duration(window_s), format_duration(profile.scrape_interval_s)
            message = f"scrapes every {scrape} are too coarse for [{window}], which never holds two of them: {listed(names)}"
            yield Problem("run/coarse-scrapes", message, Severity.WARNING)


def of_map(renaming: Renaming, simulated: Telemetry) -> Iterator[Problem]:
    """Lines of the metrics map that change nothing."""
    yield from renaming.unknown(simulated)
