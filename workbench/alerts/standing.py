"""How an alert stood at an instant, and everything that rules had written by then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workbench.alerts.alerting import Alert
from workbench.alerts.machine import Machine
from workbench.alerts.plan import ALERTS, FOR_STATE
from workbench.alerts.program import Ruling
from workbench.alerts.rules import AlertRule, RuleGroup
from workbench.alerts.states import INACTIVE, Phase, State
from workbench.promql.recorded import Recordings
from workbench.promql.vector import Labels
from workbench.telemetry.series import Series


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert at one evaluation; times in seconds."""

    group: RuleGroup
    rule: AlertRule
    labels: Labels
    """Sorted, without `alertname`."""
    at_s: float
    """The last evaluation of the group not after the time asked for."""
    phase: Phase
    failed: bool
    """This evaluation failed: the alert stands as before it."""
    active_at_s: float | None
    """Since when it has been pending or firing; None if inactive."""
    firing_at_s: float | None
    """Since when it has been firing."""
    missing_at_s: float | None
    """The first evaluation without the element, while `keep_firing_for` holds the alert."""
    seen_at_s: float | None
    """The last evaluation that had the element, if the alert is active; value and annotations are of it."""
    value: float | None
    annotations: tuple[tuple[str, str], ...]


def written(machine: Machine, until_ms: int) -> tuple[Series, ...]:
    """Every series that rules wrote up to an evaluation, stale markers included, in order of their keys."""
    alerts = Recordings()
    for place, alerting in machine.alerting.items():
        ruling = machine.program.rulings[place]
        instants_ms = np.arange(until_ms // ruling.step_ms + 1, dtype=np.int64) * ruling.step_ms
        failed = np.isin(instants_ms, np.array(machine.failures[place], np.int64))
        lives = {
            labels: (INACTIVE, [change for change in alert.log if change.at_ms <= until_ms])
            for labels, alert in alerting.alerts.items()
            if alert.log
        }
        results = alerting.written(instants_ms, lives)
        alerts.write(ruling.writer, instants_ms[~failed], results.at(~failed))
    recorded = (one for one in machine.recordings.series(until_ms) if one.key.name not in {ALERTS, FOR_STATE})
    return tuple(sorted([*recorded, *alerts.series(until_ms)], key=lambda one: one.key))


def standing(machine: Machine, name: str, labels: Labels, at_ms: int) -> Standing | None:
    """How an alert stood; the first active one if several rules have it, None if no rule has the name."""
    found = [_standing(machine, ruling, labels, at_ms) for ruling in _rulings(machine, name)]
    return next((one for one in found if one.phase is not Phase.INACTIVE), found[0] if found else None)


def _rulings(machine: Machine, name: str) -> Iterator[Ruling]:
    for place in machine.alerting:
        ruling = machine.program.rulings[place]
        if ruling.name == name:
            yield ruling


def _standing(machine: Machine, ruling: Ruling, labels: Labels, at_ms: int) -> Standing:
    at_ms = at_ms // ruling.step_ms * ruling.step_ms
    alert = machine.alerting[ruling.place].alerts.get(labels)
    state, firing_ms = (INACTIVE, None) if alert is None else _state(alert, at_ms)
    failures = machine.failures[ruling.place]
    active = state.phase is not Phase.INACTIVE
    seen_ms = _last_before(ruling, failures, at_ms if state.missing_ms is None else state.missing_ms - 1) if active else None
    assert ruling.alert is not None  # noqa: S101 - only alerting rules have alerts
    return Standing(
        ruling.group,
        ruling.alert,
        labels,
        at_ms / 1000.0,
        state.phase,
        at_ms in failures,
        state.active_ms / 1000.0 if active else None,
        _seconds(firing_ms),
        _seconds(state.missing_ms),
        _seconds(seen_ms),
        *((None, ()) if seen_ms is None else _element(machine, ruling, labels, seen_ms)),
    )


def _state(alert: Alert, at_ms: int) -> tuple[State, int | None]:
    """Its state at an instant, and since when it has been firing."""
    state, firing_ms = INACTIVE, None
    for change in alert.log:
        if change.at_ms > at_ms:
            break
        state = change.state
        if state.phase is not Phase.FIRING:
            firing_ms = None
        elif firing_ms is None:
            firing_ms = change.at_ms
    return state, firing_ms


def _last_before(ruling: Ruling, failures: list[int], at_ms: int) -> int:
    """The last evaluation not after an instant that did not fail."""
    at_ms = at_ms // ruling.step_ms * ruling.step_ms
    failed = set(failures)
    while at_ms in failed:
        at_ms -= ruling.step_ms
    return at_ms


def _element(machine: Machine, ruling: Ruling, labels: Labels, at_ms: int) -> tuple[float | None, tuple[tuple[str, str], ...]]:
    """Value and annotations of the element whose alert has these labels."""
    vector = machine.reader.single(ruling.expr, at_ms, ruling.writer)
    naming = machine.alerting[ruling.place].naming
    for given, values in zip(vector.labels, vector.values, strict=True):
        value, at_s, query = float(values[0]), at_ms / 1000.0, machine.queries(ruling)(at_ms)
        if naming.alert_of(given, value, at_s, query) == labels:
            return value, naming.annotations(given, value, at_s, query)
    return None, ()


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / 1000.0
