"""An outcome as text: JSON for programs, CSV for spreadsheets. Pure functions; the same outcome gives the same bytes."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from workbench.alerts.rules import Episode
from workbench.outcome import Outcome
from workbench.units import Money

OUTCOME_VERSION = "workbench/outcome/v1"
ALERT_COLUMNS = ("alert", "labels", "pending_at_s", "firing_at_s", "resolved_at_s")
INCIDENT_COLUMNS = (
    *("id", "target", "start", "end", "severity"),
    *("cause", "routes", "tiers", "start_s", "end_s", "natural_end_s", "effect"),
    *("paged_at_s", "acknowledged_at_s", "mitigated_at_s", "significant", "budget_share", "detected_by", "detection_time_s"),
)
"""The first five are what `replay --incidents` reads: the incidents of a simulated run can label a history exported from it."""

_COLUMNS_OF_ARRAYS = frozenset({"telemetry", "tracks"})
_PAIRS = frozenset({"labels", "annotations", "coverage"})
"""Fields that hold pairs, written as one object each."""


def outcome_json(outcome: Outcome) -> str:
    """Everything but the arrays, as one JSON document with sorted keys; ends with a line feed.

    Exact decimals (targets, money) are strings, floats the shortest text that reads back the same, unknown values null.
    """
    document = {"apiVersion": OUTCOME_VERSION, "kind": "Outcome", **_plain(outcome)}
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Money | Decimal):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value) if field.name not in _COLUMNS_OF_ARRAYS}
        return {name: _plain(dict(part) if name in _PAIRS else part) for name, part in parts.items()}
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def number_text(number: float | None) -> str:
    """Whole numbers without decimals, others as Python prints them, nothing for None."""
    if number is None:
        return ""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def alerts_csv(episodes: Iterable[Episode]) -> str:
    """The timeline, one row an episode, by pending time, alert and labels.

    `labels` is JSON with sorted keys, without `alertname`; `firing_at_s` is empty for an episode that was only pending,
    `resolved_at_s` (the evaluation that ended it) for one that was open at the last evaluation.
    """
    rows = sorted(
        ((episode, _labels(episode)) for episode in episodes), key=lambda row: (row[0].pending_at_s, row[0].alert, row[1])
    )
    times = ("pending_at_s", "firing_at_s", "resolved_at_s")
    return _csv(ALERT_COLUMNS, ([e.alert, labels, *(number_text(getattr(e, name)) for name in times)] for e, labels in rows))


def _labels(episode: Episode) -> str:
    labels = {name: value for name, value in episode.labels if name != "alertname"}
    return json.dumps(labels, sort_keys=True, ensure_ascii=False)


def incidents_csv(outcome: Outcome) -> str:
    """The ground truth and what detected it, one row an incident, by start and id; the header alone where nothing is known."""
    detections = {one.incident: one for one in outcome.score.detections} if outcome.score else {}
    rows = []
    for incident in outcome.truth.incidents if outcome.truth else ():
        found = detections.get(incident.id)
        rows.append(
            [
                incident.id,
                incident.target,
                _moment(outcome.start, incident.start_s),
                _moment(outcome.start, incident.end_s),
                incident.mode,
                incident.cause,
                json.dumps(incident.routes, ensure_ascii=False),
                json.dumps(incident.tiers, ensure_ascii=False),
                number_text(incident.start_s),
                number_text(incident.end_s),
                number_text(incident.natural_end_s),
                incident.effect,
                number_text(incident.paged_at_s),
                number_text(incident.acknowledged_at_s),
                number_text(incident.mitigated_at_s),
                "" if found is None else str(found.significant).lower(),
                "" if found is None else number_text(found.budget_share),
                "" if found is None else found.detected_by or "",
                "" if found is None else number_text(found.detection_time_s),
            ]
        )
    return _csv(INCIDENT_COLUMNS, rows)


def _moment(start: dt.datetime, seconds: float) -> str:
    moment = start.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)
    return moment.isoformat().replace("+00:00", "Z")


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
