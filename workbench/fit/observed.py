"""A recorded history on a regular grid: what was seen in each step, what is unknown, and what was an outage.

Missing rows, zero traffic and an outage are three things. A step is unknown (NaN) where no row covers it; it holds 0 where a row
says so, or where the file leaves out rows without requests (it has several routes or few requests, and never writes a zero);
it belongs to an outage where no request came for so long that chance does not explain it (`telemetry.coverage`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from workbench.telemetry.counters import increments
from workbench.telemetry.recorded import LATENCY_NAME, History, Reading
from workbench.telemetry.series import FloatArray, Series
from workbench.units import HOUR_S

BoolArray = npt.NDArray[np.bool_]

OUTAGE_SECONDS = 600.0
OUTAGE_REQUESTS = 50.0
"""As in `telemetry.coverage`: a silence is an outage if it lasts so long and so many requests were due."""
_FINEST_S = 60.0
_MOST_STEPS = 700_000
_PLAUSIBLE_SILENCE = 12.0
"""Requests that may be due in a gap that is still taken for silence: a Poisson stream skips 12 once in 160,000 times."""


@dataclass(frozen=True, eq=False)
class Observed:
    """Steps of equal length; step k covers `[k, k + 1) * step_s` seconds after `start`."""

    start: dt.datetime
    """UTC."""
    step_s: float
    routes: tuple[str, ...]
    total: FloatArray
    """Requests, `[routes, steps]`; NaN is unknown."""
    errors: FloatArray
    """Failed requests, `[routes, steps]`; NaN is unknown."""
    outage: BoolArray
    """No traffic where much was due, `[steps]`."""
    codes: Mapping[str, FloatArray]
    """Requests by answer other than success, `[routes, steps]`, where the history tells answers apart."""
    bounds_s: tuple[float, ...] = ()
    buckets: FloatArray | None = None
    """Requests by latency, not cumulative, `[routes, len(bounds_s) + 1, steps]`."""
    levels: tuple[float, ...] = ()
    percentiles_s: FloatArray | None = None
    """`[routes, levels, steps]`."""
    reading: Reading = Reading.COUNTS
    notes: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Number of steps."""
        return int(self.total.shape[1])

    @property
    def length_s(self) -> float:
        """Of the period."""
        return self.steps * self.step_s

    @property
    def all_total(self) -> FloatArray:
        """Requests of all routes, `[steps]`; NaN where that of any route is unknown."""
        return np.asarray(self.total.sum(axis=0), np.float64)

    @property
    def all_errors(self) -> FloatArray:
        """Failed requests of the routes whose errors are ever known, `[steps]`; NaN where unknown."""
        known = self.judged
        return np.asarray(self.errors[known].sum(axis=0), np.float64) if known.any() else np.full(self.steps, np.nan)

    @property
    def judged(self) -> BoolArray:
        """Routes whose errors are known at least sometimes, `[routes]`."""
        return np.asarray(~np.isnan(self.errors).all(axis=1), np.bool_)

    @property
    def judged_total(self) -> FloatArray:
        """Requests of those routes, `[steps]`."""
        known = self.judged
        return np.asarray(self.total[known].sum(axis=0), np.float64) if known.any() else np.full(self.steps, np.nan)

    def middles_s(self) -> FloatArray:
        """Middle of each step, seconds after `start`, `[steps]`."""
        return np.asarray((np.arange(self.steps) + 0.5) * self.step_s, np.float64)

    def between(self, since: dt.datetime | None, until: dt.datetime | None) -> Observed:
        """The steps that lie wholly in [since, until)."""
        low = 0 if since is None else max(0, int(np.ceil((since - self.start).total_seconds() / self.step_s - 1e-9)))
        high = self.steps if until is None else min(self.steps, int((until - self.start).total_seconds() / self.step_s + 1e-9))
        high = max(low, high)
        return replace(
            self,
            start=self.start + dt.timedelta(seconds=low * self.step_s),
            total=self.total[:, low:high],
            errors=self.errors[:, low:high],
            outage=self.outage[low:high],
            codes={code: counts[:, low:high] for code, counts in self.codes.items()},
            buckets=None if self.buckets is None else self.buckets[:, :, low:high],
            percentiles_s=None if self.percentiles_s is None else self.percentiles_s[:, :, low:high],
        )


def observe(history: History, requests_name: str, errors_name: str, *, client_errors: History | None = None) -> Observed:
    """Put a history on its grid.

    Args:
        history: What `read_history` returned.
        requests_name: Counter of all requests.
        errors_name: Counter of failed requests.
        client_errors: The same history read with client errors as errors, to tell them apart.
    """
    grid = _Grid.of(history)
    routes = history.routes or ("",)
    found = {route: _of_route(history.telemetry.by_name.get(requests_name, ()), route) for route in routes}
    exact = history.reading is Reading.COUNTS
    total = np.vstack([grid.counts(found[route], first_counts=exact) for route in routes])
    notes: list[str] = []
    if exact:
        total, said = _fill_silence(total)
        notes += said
    errors, codes = _errors(history, grid, found, total, errors_name)
    if client_errors is not None:
        both = [_of_route(client_errors.telemetry.by_name.get(errors_name, ()), route) for route in routes]
        counted = np.vstack([_where_known(grid.counts(one, first_counts=exact), total[i]) for i, one in enumerate(both)])
        codes = {"404": np.maximum(0, np.nan_to_num(counted - errors)), "500": np.nan_to_num(errors)}
    buckets = _buckets(history, grid, routes, exact=exact)
    made = Observed(
        start=history.start + dt.timedelta(seconds=grid.begin_s),
        step_s=grid.step_s,
        routes=routes,
        total=total,
        errors=errors,
        outage=np.zeros(total.shape[1], dtype=np.bool_),
        codes=codes,
        bounds_s=history.bounds_s if buckets is not None else (),
        buckets=buckets,
        reading=history.reading,
        notes=tuple(notes),
    )
    return replace(made, outage=_outages(made))


@dataclass(frozen=True)
class _Grid:
    """Steps that end at rows of the history."""

    begin_s: float
    step_s: float
    steps: int
    phase_s: float
    rounding: bool
    """Whether rows lie on the grid (counts), or samples must be cut at its edges (counters)."""

    @classmethod
    def of(cls, history: History) -> _Grid:
        span = max(history.last_scrape_s - history.phase_s, 0.0)
        rounding = history.reading is Reading.COUNTS
        steps = round(span / history.spacing_s) + (1 if rounding else 0)
        begin = -history.spacing_s if rounding else 0.0
        return cls(begin, history.spacing_s, max(1, steps), history.phase_s, rounding)

    def counts(self, series: tuple[Series, ...], *, first_counts: bool) -> FloatArray:
        """Events of each step, all series together, `[steps]`; NaN where no sample covers it."""
        out = np.zeros(self.steps)
        covered = np.zeros(self.steps, dtype=np.bool_)
        for one in series:
            if not len(one.times):
                continue
            events = np.nan_to_num(increments(one).astype(np.float64))
            times = one.times - self.phase_s
            if self.rounding:
                self._place(times, events, out, covered)
            else:
                self._cut(times, events, out, covered, first_counts=first_counts)
        out[~covered] = np.nan
        return out

    def _place(self, times: FloatArray, events: FloatArray, out: FloatArray, covered: BoolArray) -> None:
        at = np.clip(np.rint(times / self.step_s).astype(np.int64), 0, self.steps - 1)
        np.add.at(out, at, events)
        covered[at] = True

    def _cut(self, times: FloatArray, events: FloatArray, out: FloatArray, covered: BoolArray, *, first_counts: bool) -> None:
        if len(times) < 2:
            return
        if not first_counts:
            events = events.copy()
            events[0] = 0
        edges = np.arange(self.steps + 1) * self.step_s
        upto = np.interp(edges, times, np.cumsum(events))
        # Rounding the running sum keeps counts whole and loses none.
        whole = np.rint(upto) if bool((events == np.floor(events)).all()) else upto
        out += np.diff(whole)
        gap = np.diff(times) > 1.5 * self.step_s
        bad = np.zeros(self.steps, dtype=np.bool_)
        for low, high in zip(times[:-1][gap], times[1:][gap], strict=True):
            bad[max(0, int(low // self.step_s)) : int(np.ceil(high / self.step_s))] = True
        seen = (edges[1:] > times[0] + 1e-9) & (edges[:-1] < times[-1] - 1e-9)
        covered |= seen & ~bad


def _of_route(series: tuple[Series, ...], route: str) -> tuple[Series, ...]:
    return tuple(one for one in series if one.key.label_map.get("route", "") == route)


def _where_known(counts: FloatArray, total: FloatArray) -> FloatArray:
    """Counts of something that is part of `total`: no sample of it beside a known empty step is none of it."""
    return np.where(np.isnan(counts) & (total == 0), 0.0, counts)


def _fill_silence(total: FloatArray) -> tuple[FloatArray, list[str]]:
    """Rows that a file leaves out because nothing was asked are zeros, where the file never writes a zero."""
    if bool((total == 0).any()):
        return _after_gaps(total), []
    missing: BoolArray = np.asarray(np.isnan(total), np.bool_)
    any_row = ~missing.all(axis=0)
    notes = []
    if len(total) > 1 and (missing & any_row).any():
        total = np.where(missing & any_row, 0.0, total)
        notes.append("rows that a route lacks while others have theirs are zeros: the file writes none")
    alone: BoolArray = np.asarray(np.isnan(total).all(axis=0), np.bool_)
    if alone.any():
        rate = float(np.nansum(total) / max(1, int((~alone).sum())))
        first, after = _runs(alone)
        silent = np.zeros(total.shape[1], dtype=np.bool_)
        for low, high in zip(first, after, strict=True):
            if (high - low) * rate <= _PLAUSIBLE_SILENCE:
                silent[low:high] = True
        if silent.any():
            total = np.where(silent, 0.0, total)
            notes.append("short gaps that so little traffic explains are zeros: the file writes none")
    return _after_gaps(total), notes


def _after_gaps(total: FloatArray) -> FloatArray:
    """A row after a gap may hold the events of the whole gap: unknown, where it holds more than a usual row."""
    out = total.copy()
    for row in out:
        gone = np.isnan(row)
        after = np.flatnonzero(gone[:-1] & ~gone[1:]) + 1
        if len(after):
            usual = float(np.nanquantile(row, 0.99))
            row[after[row[after] > usual]] = np.nan
    return out


def _runs(flags: BoolArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Begin and end (not included) of every run of True."""
    edges = np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _errors(
    history: History, grid: _Grid, found: Mapping[str, tuple[Series, ...]], total: FloatArray, errors_name: str
) -> tuple[FloatArray, dict[str, FloatArray]]:
    exact = history.reading is Reading.COUNTS
    label = history.code_label
    codes: dict[str, FloatArray] = {}
    if label is not None:
        names = sorted({one.key.label_map[label] for series in found.values() for one in series if label in one.key.label_map})
        for name in names:
            if name[:1] not in {"4", "5"}:
                continue
            together = [
                grid.counts(tuple(one for one in series if one.key.label_map.get(label) == name), first_counts=exact)
                for series in found.values()
            ]
            codes[name] = np.nan_to_num(np.vstack(together))
        failed = np.where(np.isnan(total), np.nan, sum((codes[n] for n in codes if n.startswith("5")), np.zeros(total.shape)))
        return failed, codes
    series = history.telemetry.by_name.get(errors_name, ())
    rows: list[FloatArray] = []
    for index, route in enumerate(found):
        own = _of_route(series, route)
        seen = grid.counts(own, first_counts=exact) if own else np.full(grid.steps, np.nan)
        rows.append(_where_known(seen, total[index]) if own else seen)
    errors = np.vstack(rows)
    errors[np.isnan(total)] = np.nan
    return np.minimum(errors, total), codes


def _buckets(history: History, grid: _Grid, routes: tuple[str, ...], *, exact: bool) -> FloatArray | None:
    bounds = history.bounds_s
    series = history.telemetry.by_name.get(f"{LATENCY_NAME}_bucket", ())
    if not bounds or not series:
        return None
    out = np.zeros((len(routes), len(bounds) + 1, grid.steps))
    for index, route in enumerate(routes):
        below = np.zeros(grid.steps)
        for place, bound in enumerate((*bounds, float("inf"))):
            own = tuple(one for one in _of_route(series, route) if _bound(one) == bound)
            counts = np.maximum(np.nan_to_num(grid.counts(own, first_counts=exact)), below)
            out[index, place] = counts - below
            below = counts
    return out


def _bound(series: Series) -> float:
    try:
        return float(series.key.label_map.get("le", "nan"))
    except ValueError:
        return float("nan")


def _outages(observed: Observed) -> BoolArray:
    """Runs of known zeros that last long and in which many requests were due at that hour's usual rate."""
    total = observed.all_total
    silent = total == 0
    out = np.zeros(observed.steps, dtype=np.bool_)
    first, after = _runs(silent)
    if not len(first) or observed.reading is Reading.PROBES:
        return out
    seconds = observed.start.timestamp() + observed.middles_s()
    week = observed.length_s >= 14 * 24 * HOUR_S
    slot = ((seconds // HOUR_S) % (168 if week else 24)).astype(np.int64)
    if observed.length_s < 48 * HOUR_S:
        slot[:] = 0
    known = ~np.isnan(total) & ~silent
    requests = np.bincount(slot[known], weights=total[known], minlength=168)
    seen = np.bincount(slot[known], minlength=168)
    usual = np.where(seen > 0, requests / np.maximum(seen, 1), float(np.mean(total[known])) if known.any() else 0.0)
    due = np.concatenate([[0.0], np.cumsum(usual[slot])])
    for low, high in zip(first, after, strict=True):
        if (high - low) * observed.step_s >= OUTAGE_SECONDS and due[high] - due[low] >= OUTAGE_REQUESTS:
            out[low:high] = True
    return out


def coarser(observed: Observed, step_s: float | None = None) -> Observed:
    """The same in steps of at least a minute (if that leaves 120 of them), and at most `_MOST_STEPS` steps.

    A coarse step is unknown where any of its fine steps is.
    """
    wanted = step_s or max(_FINEST_S, observed.length_s / _MOST_STEPS)
    times = int(np.ceil(wanted / observed.step_s - 1e-9))
    if times <= 1 or (step_s is None and observed.steps // times < 120):
        return observed
    steps = observed.steps // times

    def summed(values: FloatArray) -> FloatArray:
        return np.asarray(values[..., : steps * times].reshape(*values.shape[:-1], steps, times).sum(axis=-1), np.float64)

    def middle(values: FloatArray) -> FloatArray:
        cut = values[..., : steps * times].reshape(*values.shape[:-1], steps, times)
        known = ~np.isnan(cut)
        count = known.sum(axis=-1)
        mean = np.where(known, cut, 0.0).sum(axis=-1) / np.maximum(count, 1)
        return np.asarray(np.where(count > 0, mean, np.nan), np.float64)

    outage: BoolArray = np.asarray(observed.outage[: steps * times].reshape(steps, times).all(axis=1), np.bool_)
    return replace(
        observed,
        step_s=observed.step_s * times,
        total=summed(observed.total),
        errors=summed(observed.errors),
        outage=outage,
        codes={code: summed(counts) for code, counts in observed.codes.items()},
        buckets=None if observed.buckets is None else summed(observed.buckets),
        percentiles_s=None if observed.percentiles_s is None else middle(observed.percentiles_s),
    )
