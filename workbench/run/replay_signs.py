"""What a replay shows about the recording itself: failures without a label, and routes that no latency objective should hold."""

from __future__ import annotations

import glob
from collections.abc import Iterator

import numpy as np

from workbench.alerts.vocabulary import Vocabulary, matching_routes
from workbench.errors import Problem, Severity
from workbench.scenario.schema.policy import LatencyIndicator, Policy
from workbench.slo.events import EventCounts
from workbench.slo.indicators import ALL_REQUESTS, count_indicators
from workbench.telemetry.complaints import quoted
from workbench.telemetry.history import History
from workbench.telemetry.instants import MICROSECONDS, written
from workbench.units import format_duration, format_share
from workbench.world.truth import Truth

FAILED_SHARE, FAILED_EVENTS = 0.05, 5
"""Rows in which so many requests fail, and so large a share, are a disturbance that a complete list of incidents would name."""
MARGIN_S = 330.0
"""How long after a labelled incident failures are still its own."""
LONG_SHARE = 0.01
_LISTED = 3
_MOST_ROUTES = 50


def signs(policy: Policy, history: History, vocabulary: Vocabulary, truth: Truth | None) -> Iterator[Problem]:
    """All findings."""
    if truth is not None and truth.incidents:
        yield from _unlabelled(history, vocabulary, truth)
    yield from _long_polls(policy, history, vocabulary)


def _unlabelled(history: History, vocabulary: Vocabulary, truth: Truth) -> Iterator[Problem]:
    """Stretches in which much failed, and that no incident is near."""
    (events,) = count_indicators([ALL_REQUESTS], history.telemetry, vocabulary)
    bad, known = np.diff(events.bad), np.diff(events.known)
    failed = (bad >= FAILED_EVENTS) & (bad >= FAILED_SHARE * known)
    before = np.concatenate([[-np.inf], events.times[:-1]])
    for one in truth.incidents:
        failed &= (events.times <= one.start_s) | (before >= one.end_s + MARGIN_S)
    rows = np.flatnonzero(failed)
    if not len(rows):
        return
    edges = np.flatnonzero(np.diff(events.times[rows]) > 3 * history.spacing_s) + 1
    stretches = [rows[a:b] for a, b in zip([0, *edges], [*edges, len(rows)], strict=True)]
    stretches.sort(key=lambda one: -float(bad[one].sum()))
    shown = [
        f"{_at(history, float(events.times[one[0]]))} ({format_share(float(bad[one].sum() / known[one].sum()), 1)} of "
        f"{float(known[one].sum()):,.0f} failed)"
        for one in stretches[:_LISTED]
    ]
    more = f" and {len(stretches) - _LISTED:,} more" if len(stretches) > _LISTED else ""
    message = (
        f"much failed where no incident is labelled, {len(stretches):,} times: {', '.join(shown)}{more}; "
        "if the labels are incomplete, alerts at these times are counted as false"
    )
    yield Problem("incidents/unlabelled", message, Severity.WARNING)


def _long_polls(policy: Policy, history: History, vocabulary: Vocabulary) -> Iterator[Problem]:
    """Latency objectives whose slow requests are nearly all of one route that answers late on purpose."""
    if not history.bounds_s:
        return
    highest_s = max(history.bounds_s)
    for name, slo in sorted(policy.slos.items()):
        indicator = slo.indicator
        if not isinstance(indicator, LatencyIndicator):
            continue
        routes = [route for route in matching_routes(indicator.routes, history.routes) if route][:_MOST_ROUTES]
        if len(routes) < 2 or indicator.threshold not in history.bounds_s:
            continue
        alone = [indicator.model_copy(update={"routes": (glob.escape(route),)}) for route in routes]
        longest = [one.model_copy(update={"threshold": highest_s}) for one in alone]
        counted = count_indicators([*alone, *longest], history.telemetry, vocabulary)
        slow = [_last(one) for one in counted[: len(routes)]]
        stuck = [_last(one) for one in counted[len(routes) :]]
        worst = max(range(len(routes)), key=lambda i: slow[i][0])
        late, asked = slow[worst]
        all_late, all_asked = sum(one[0] for one in slow), sum(one[1] for one in slow)
        share = stuck[worst][0] / asked if asked else 0.0
        if not all_late or late < 0.5 * all_late or share < LONG_SHARE or all_asked == asked:
            continue
        message = (
            f"objective {name}: {format_share(late / all_late, 0)} of its slow requests are of {quoted(routes[worst])}, of which "
            f"{format_share(share, 1)} take longer than {format_duration(highest_s)}, as long polls and streams do; without that "
            f"route {format_share(1 - (all_late - late) / (all_asked - asked), 2)} are within "
            f"{format_duration(indicator.threshold)} instead of {format_share(1 - all_late / all_asked, 2)}"
        )
        yield Problem("replay/long-polls", message, Severity.WARNING, path=f"slos.{name}.indicator.routes")


def _last(events: EventCounts) -> tuple[float, float]:
    """Bad and known events of the whole period."""
    return float(events.bad[-1]), float(events.known[-1])


def _at(history: History, seconds: float) -> str:
    microseconds = round((history.start.timestamp() + seconds - history.phase_s) * MICROSECONDS)
    return written(microseconds)
