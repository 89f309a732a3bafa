"""Small policies and telemetry for tests of the engine."""

import datetime as dt

import numpy as np

from workbench.scenario.schema.policy import Policy
from workbench.telemetry.series import Series, SeriesKey, Telemetry

START = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
DAY = 86_400.0
MONTH = 30 * DAY


def slo(target="99.9%", window="30d", kind="events", alerts=None, **indicator):
    extra = {} if alerts is None else {"alerts": alerts}
    return {"target": target, "window": window, "indicator": {"kind": kind, **indicator}, **extra}


def policy(slos, **more):
    return Policy.model_validate({"apiVersion": "workbench/v1", "kind": "Policy", "name": "test", "slos": slos, **more})


def counter(events, restarts=()):
    """A cumulative counter that shows `events`, beginning again at 0 right before each row of `restarts`."""
    values = np.cumsum(events)
    for row in restarts:
        values[row:] = np.cumsum(events[row:])
    return values


def requests(times, events, restarts=(), **labels):
    return Series(SeriesKey.of("http_requests_total", labels), times, counter(np.asarray(events), restarts))


def series(name, times, values, **labels):
    return Series(SeriesKey.of(name, labels), np.asarray(times, dtype=float), np.asarray(values))


def telemetry(*made, horizon_s=MONTH, scrape_interval_s=15.0):
    return Telemetry.of(made, horizon_s=horizon_s, scrape_interval_s=scrape_interval_s)
