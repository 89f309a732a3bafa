"""A history to the parameters of a world."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.errors import Problem, Severity
from workbench.fit.arrivals import fit_arrivals
from workbench.fit.bursts import Burst, Usual, find_bursts, find_slow, joined
from workbench.fit.calendar import LocalTime
from workbench.fit.latency import RouteLatency, from_buckets, from_percentiles
from workbench.fit.modes import Event, Kind, Mode, duration_law, severity_law, slow_law
from workbench.fit.observed import BoolArray, Observed
from workbench.fit.shape import Shapes, fit_shape
from workbench.fit.variability import Variability, blocks_of, covariances, fit_variability, with_drift
from workbench.rng import stream
from workbench.telemetry.counters import IntArray
from workbench.telemetry.incidents import IncidentRow
from workbench.telemetry.series import FloatArray
from workbench.units import DAY_S, format_duration

VERSIONS = 200
"""The estimate and 199 bootstrap draws."""
_MOST_FAILING = 0.999
"""Of a route's usual answers: a world's routes succeed at times."""
_LATE_S = 300.0
"""A burst that begins so long after a listed incident has ended still belongs to it."""


@dataclass(frozen=True, slots=True)
class RouteErrors:
    """Usual answers of one route."""

    route: str
    ratio: float
    """Failing share outside of incidents; NaN where errors are unknown."""
    se: float
    codes: tuple[tuple[str, float], ...]
    """Usual share of each answer that is not a success, failures among them."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Everything that a history says of its world."""

    file: str
    start: dt.datetime
    zone: str
    length_s: float
    step_s: float
    known: float
    """Share of the period that is neither unknown nor an outage."""
    routes: tuple[str, ...]
    shares: FloatArray
    """Of all requests, `[routes]`."""
    judged: BoolArray
    """Routes whose errors are known, `[routes]`."""
    shapes: Shapes
    variability: Variability
    usual: Usual
    errors: tuple[RouteErrors, ...]
    latencies: tuple[RouteLatency, ...]
    modes: tuple[Mode, ...]
    listed: int
    """Incidents of the list that lie in the period."""
    seen: int
    """Those of them that the history shows."""
    findings: tuple[Problem, ...]

    @property
    def end(self) -> dt.datetime:
        """End of the history."""
        return self.start + dt.timedelta(seconds=self.length_s)

    @property
    def errors_known(self) -> bool:
        """Whether any route's errors are known."""
        return bool(self.judged.any())

    def mode(self, kind: Kind) -> Mode | None:
        """The mode of one kind, if there is one."""
        return next((mode for mode in self.modes if mode.kind == kind), None)


def fit_history(
    observed: Observed,
    *,
    file: str,
    zone: str,
    incidents: Sequence[IncidentRow] = (),
    seed: int = 1,
    versions: int = VERSIONS,
    factors: int = 2,
) -> Fitted:
    """Fit everything that the history shows.

    Args:
        observed: The history on its grid.
        file: Where it comes from, for findings.
        zone: IANA zone whose clock the daily and weekly shape follow.
        incidents: Listed incidents, seconds after the history's own start.
        seed: Of the bootstrap.
        versions: The estimate and this many less one bootstrap draws.
        factors: Variability has at most so many.

    Raises:
        ValueError: Fewer than ten steps are known, or no request was ever seen.
    """
    total = observed.all_total
    known = ~np.isnan(total) & ~observed.outage
    if known.sum() < 10:
        raise ValueError(f"a fit needs at least ten known steps; {int(known.sum())} are known")
    if np.nansum(total) <= 0:
        raise ValueError("there is no request in the whole history")
    middles = observed.middles_s()
    local = LocalTime.of(observed.start, zone, middles)
    requests = np.nan_to_num(total)
    shapes = fit_shape(requests, known, local, observed.step_s, stream(seed, "fit", "shape"), versions)
    expected = shapes.expected(local, middles, observed.step_s)
    block = blocks_of(local.day, observed.steps)
    found = covariances(requests, expected, known, observed.step_s, block)
    rng = stream(seed, "fit", "variability")
    variability = fit_variability(found, observed.step_s, rng, versions, factors, shapes.absorbed(observed.length_s))
    variability = with_drift(variability, requests, expected, known, observed.step_s, block)
    # Steps count as they have requests: with busy and quiet hours a history is worth fewer of them.
    worth = float(expected[known].sum() ** 2 / (expected[known] ** 2).sum())
    shapes = _level_uncertainty(shapes, variability.level_se(worth * observed.step_s), stream(seed, "fit", "level"))
    usual, modes, seen = _incidents(observed, incidents, zone)
    bursts = _in_bursts(observed, modes)
    return Fitted(
        file=file,
        start=observed.start,
        zone=zone,
        length_s=observed.length_s,
        step_s=observed.step_s,
        known=float(known.mean()),
        routes=observed.routes,
        shares=_shares(observed, known),
        judged=observed.judged,
        shapes=shapes,
        variability=variability,
        usual=usual,
        errors=tuple(_route_errors(observed, index, bursts) for index in range(len(observed.routes))),
        latencies=_latencies(observed, block, bursts, seed, versions),
        modes=modes,
        listed=len(incidents),
        seen=seen,
        findings=tuple(_findings(observed, shapes, variability, file)),
    )


def _level_uncertainty(shapes: Shapes, se: float, rng: np.random.Generator) -> Shapes:
    """The level's standard error is at least what the variability alone makes of a mean over the history."""
    if se <= shapes.level_se:
        return shapes
    level = shapes.level.copy()
    level[1:] = level[0] * np.exp(se * rng.standard_normal(len(level) - 1))
    return replace(shapes, level=level, level_se=se)


def _shares(observed: Observed, known: BoolArray) -> FloatArray:
    requests = np.nansum(observed.total[:, known], axis=1)
    return np.asarray(requests / max(float(requests.sum()), 1e-300), np.float64)


def _in_bursts(observed: Observed, modes: Sequence[Mode]) -> BoolArray:
    out = observed.outage.copy()
    for mode in modes:
        for event in mode.events:
            out[max(0, int(event.start_s / observed.step_s)) : int(np.ceil(event.end_s / observed.step_s))] = True
    return out


def _route_errors(observed: Observed, index: int, bursts: BoolArray) -> RouteErrors:
    total, errors = observed.total[index], observed.errors[index]
    calm = ~np.isnan(total) & ~bursts
    requests = float(total[calm].sum())
    codes = {code: float(counts[index][calm].sum()) / max(requests, 1.0) for code, counts in observed.codes.items()}
    judged = calm & ~np.isnan(errors)
    if not judged.any() or total[judged].sum() <= 0:
        return RouteErrors(observed.routes[index], float("nan"), float("nan"), tuple(sorted(codes.items())))
    failed, asked = float(errors[judged].sum()), float(total[judged].sum())
    ratio = failed / asked
    due = total[judged] * ratio
    dispersion = float(((errors[judged] - due) ** 2).sum() / due.sum()) if ratio > 0 else 1.0
    if not codes:
        codes = {"500": min(ratio, _MOST_FAILING)}
    se = float(np.sqrt(max(failed, 1.0) * max(1.0, dispersion)) / asked)
    return RouteErrors(
        observed.routes[index], ratio, se, tuple(sorted((code, share) for code, share in codes.items() if share > 0))
    )


def _incidents(observed: Observed, incidents: Sequence[IncidentRow], zone: str) -> tuple[Usual, tuple[Mode, ...], int]:
    step = observed.step_s
    besides = np.zeros(observed.steps, dtype=np.bool_)
    for row in incidents:
        end_s = row.start_s + _LATE_S if row.end_s is None else row.end_s + _LATE_S
        besides[max(0, int(row.start_s / step)) : max(0, int(np.ceil(end_s / step)))] = True
    if besides.mean() > 0.5:
        besides[:] = False  # a list that covers most of the history says nothing about what is usual
    total, errors = observed.judged_total, observed.all_errors
    usual, bursts = find_bursts(total, errors, step, besides)
    slow = find_slow(front_percentile(observed), step) if observed.percentiles_s is not None else ()
    out = [Burst(low, high, 1.0) for low, high in joined(observed.outage, step)]
    modes: list[Mode] = []
    seen: set[int] = set()
    for name, kind, found in (("errors", "errors", bursts), ("slow", "slow", slow), ("outage", "outage", out)):
        events = _events(found, incidents, step, seen)
        if events:
            modes.append(_mode(name, kind, events, observed, zone))  # type: ignore[arg-type]
    return usual, tuple(modes), len(seen)


def front_percentile(observed: Observed) -> FloatArray:
    """The percentile nearest to 0.95 of the busiest route, among those whose errors are known if there are any."""
    assert observed.percentiles_s is not None  # noqa: S101 - asked by the caller
    at = int(np.argmin(np.abs(np.array(observed.levels) - 0.95)))
    known = observed.judged if observed.judged.any() else np.ones(len(observed.routes), dtype=np.bool_)
    size = np.where(known, np.nansum(observed.total, axis=1), -1.0)
    return np.asarray(observed.percentiles_s[int(np.argmax(size)), at], np.float64)


def _events(found: Sequence[Burst], incidents: Sequence[IncidentRow], step_s: float, seen: set[int]) -> tuple[Event, ...]:
    """Bursts as events; those that a listed incident explains together are one, and it is marked as seen."""
    out: dict[int | None, Event] = {}
    alone: list[Event] = []
    for burst in found:
        low, high = burst.first * step_s, burst.last * step_s
        match = next(
            (
                number
                for number, row in enumerate(incidents)
                if row.start_s - step_s < high and low < (row.end_s if row.end_s is not None else row.start_s + _LATE_S) + _LATE_S
            ),
            None,
        )
        event = Event(low, high, burst.ratio, listed=match is not None)
        if match is None:
            alone.append(event)
            continue
        seen.add(match)
        before = out.get(match)
        if before is None:
            out[match] = event
        else:
            length = before.length_s + event.length_s
            strength = (before.strength * before.length_s + event.strength * event.length_s) / length
            out[match] = replace(before, end_s=event.end_s, strength=strength)
    return tuple(sorted([*out.values(), *alone], key=lambda event: event.start_s))


def _mode(name: str, kind: Kind, events: tuple[Event, ...], observed: Observed, zone: str) -> Mode:
    starts = np.array([event.start_s for event in events])
    law, fits = duration_law(np.array([event.length_s for event in events]), observed.step_s)
    strengths = np.array([event.strength for event in events])
    strength = slow_law(strengths) if kind == "slow" else severity_law(strengths)
    arrivals = fit_arrivals(starts, observed.length_s, observed.start, zone)
    return Mode(name, kind, events, arrivals, law, fits, strength)


def _latencies(observed: Observed, block: IntArray, bursts: BoolArray, seed: int, versions: int) -> tuple[RouteLatency, ...]:
    out = []
    for index, route in enumerate(observed.routes):
        rng = stream(seed, "fit", "latency", route)
        requests = float(np.nansum(observed.total[index]))
        found = None
        if observed.buckets is not None:
            counts = np.where(bursts | np.isnan(observed.total[index]), 0.0, observed.buckets[index])
            by_block: FloatArray = np.stack(
                [np.bincount(block, weights=row, minlength=int(block.max()) + 1) for row in counts], axis=1
            )
            found = from_buckets(route, observed.bounds_s, by_block, rng, versions)
        elif observed.percentiles_s is not None:
            rows = np.where(bursts, np.nan, observed.percentiles_s[index])
            found = from_percentiles(route, observed.levels, rows, block, rng, versions, requests)
        if found is not None:
            out.append(found)
    return tuple(sorted(out, key=lambda one: (-one.requests, one.route)))


def _findings(observed: Observed, shapes: Shapes, variability: Variability, file: str) -> list[Problem]:
    found = [Problem("fit/history", note, Severity.INFO, file) for note in observed.notes]

    def say(check: str, message: str) -> None:
        found.append(Problem(check, message, Severity.INFO, file))

    length = format_duration(round(observed.length_s / 60) * 60.0)
    if not shapes.daily:
        say("fit/no-daily-shape", f"{length} are too short to tell a daily shape from chance: every hour has the same traffic")
    elif not shapes.weekend_seen:
        say("fit/no-weekend", "no weekend was seen: weekends are taken to be as working days, which they rarely are")
    if shapes.weekly == "none" and shapes.weekend_seen:
        say("fit/no-weekly-shape", "only weekends, or too few days, were seen: every weekday has the same traffic")
    if observed.length_s < 21 * DAY_S:
        say("fit/no-growth", "less than three weeks: growth cannot be told from chance, and is none")
    if variability.whole[0] <= 0:
        say("fit/poisson", "traffic varies no more than by chance (Poisson) around its shape")
    return found
