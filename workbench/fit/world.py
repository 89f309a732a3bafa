"""A fitted history as the documents that a run needs: values and comments, checked by whoever writes them.

Everything that a history does not show is taken from the field notes' defaults, and its comment says so.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np

from workbench.fit.arrivals import Arrivals
from workbench.fit.fitted import Fitted
from workbench.fit.modes import Law, Mode
from workbench.scenario.schema.base import MOST_NAMED
from workbench.scenario.schema.failures import FailureMode
from workbench.scenario.schema.traffic import WEEKDAYS, Traffic
from workbench.units import DAY_S, format_duration

Path = tuple[str | int, ...]
_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SMALLEST_SHARE = Decimal("0.00000001")
_USERS = 1000


@dataclass(frozen=True)
class Written:
    """One document: values in order, and comments by the path of what they stand above."""

    value: Mapping[str, Any]
    comments: Mapping[Path, str]


def world_of(fitted: Fitted, name: str) -> Written:
    """The world of a fitted history."""
    value: dict[str, Any] = {"apiVersion": "workbench/v1", "kind": "World", "name": name}
    value["description"] = f"Fitted to {_plain(fitted.file)}, {_day(fitted.start)} to {_day(fitted.end)}."
    notes: dict[Path, str] = {(): _head(fitted)}
    value["tiers"] = {"everyone": {"users": _USERS, "traffic_share": "100%"}}
    notes["tiers",] = "Not in the history: all requests are one tier's, and the number of users is a guess."
    value["components"] = _components(fitted)
    notes["components",] = (
        "Not in the history: one for each target."
        if any(mode.route for mode in fitted.modes)
        else "Not in the history: one component serves every route, so that an incident touches them all."
    )
    value["traffic"] = _traffic(fitted, notes)
    value["routes"] = _routes(fitted, notes)
    bounds = next((latency.bounds_s for latency in fitted.latencies if latency.bounds_s), _BOUNDS_S)
    value["histogram"] = (
        {"bounds": [duration(bound) for bound in bounds[:60]]}
        if len(bounds) > 1
        else {"bounds": [duration(bound) for bound in _BOUNDS_S]}
    )
    if bounds is _BOUNDS_S:
        notes["histogram",] = "Not in the history: the usual bounds."
    modes = {_mode_name(mode): _mode(mode, fitted, notes) for mode in fitted.modes}
    if modes:
        value["failure_modes"] = modes
    value["delivery"] = {**_DELIVERY, "components": {next(iter(value["components"])): 1}}
    notes["delivery",] = "Not in the history: no deployments; what bad ones did is among the failure modes."
    value["people"] = _PEOPLE
    notes["people",] = (
        "Not in the history: assumed reaction times. Durations above are as recorded, with whatever your on-call did."
    )
    return Written(value, notes)


def scenario_of(fitted: Fitted, name: str, horizon_s: float | None = None) -> Written:
    """A scenario of four weeks from the Monday after the history on."""
    start = scenario_start(fitted)
    days = 28 if len(fitted.routes) <= 20 else 7
    value = {
        "apiVersion": "workbench/v1",
        "kind": "Scenario",
        "name": name,
        "description": "The weeks after the history, as they could be.",
        "world": "world.yaml",
        "policy": "policy.yaml",
        "clock": {
            "start": _Date(start.isoformat()),
            "timezone": fitted.zone,
            "horizon": f"{days}d" if horizon_s is None else duration(horizon_s),
        },
        "seed": 1,
    }
    return Written(value, {("clock",): "From the Monday after the history on; daily and weekly shapes follow this time zone."})


def policy_of(name: str) -> Written:
    """One availability objective with the usual alerts."""
    objectives: dict[str, Any] = {
        "availability": {
            "indicator": {"kind": "events", "routes": ["*"], "bad_codes": ["5.."]},
            "target": "99.9%",
            "window": "28d",
        }
    }
    value = {
        "apiVersion": "workbench/v1",
        "kind": "Policy",
        "name": name,
        "description": "A first policy for a fitted world.",
        "slos": objectives,
        "alert_preset": "sre-workbook",
    }
    return Written(
        value, {("slos",): "A common first objective, not a fitted one: what good means, and how much of it, is your choice."}
    )


def scenario_start(fitted: Fitted) -> dt.date:
    """The first Monday after the history's end, in its zone."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - beside its use

    last = fitted.end.astimezone(ZoneInfo(fitted.zone)).date()
    return last + dt.timedelta(days=(7 - last.weekday()) % 7 or 7)


class _Date(str):
    """A date that is written without quotes."""

    __slots__ = ()


_DELIVERY = {
    "per_working_day": 0,
    "change_failure_rate": "10%",
    "failure": {"kind": "errors", "ratio_median": "5%", "codes": {"500": "100%"}},
    "failure_duration": {"median": "1h", "sigma": Decimal("0.8")},
}
_PEOPLE = {
    "engineers": 5,
    "acknowledge": {"median": "3m", "sigma": Decimal("0.8")},
    "mitigate": {"median": "40m", "sigma": Decimal("1.2")},
}


def _head(fitted: Fitted) -> str:
    lines = [
        f"Fitted by `workbench fit` to {_plain(fitted.file)}.",
        f"{_day(fitted.start)} to {_day(fitted.end)}.",
        f"{duration(fitted.length_s)} in steps of {duration(fitted.step_s)}, {100 * fitted.known:.1f}% of them known.",
        f"Local time: {fitted.zone}. Intervals are of 90%.",
        *(problem.message for problem in fitted.findings if problem.check != "fit/history"),
    ]
    return "\n".join(lines)


def _components(fitted: Fitted) -> dict[str, Any]:
    if any(mode.route for mode in fitted.modes):
        names = component_names(fitted)
        return {names[route]: {"description": f"Serves {_plain(route)}."} for route in fitted.routes}
    out: dict[str, Any] = {"service": {"description": "Serves the routes whose errors the history knows."}}
    if fitted.errors_known and not fitted.judged.all():
        out["inner"] = {"description": "Serves the routes whose errors the history does not know.", "critical": False}
    return out


def component_names(fitted: Fitted) -> dict[str, str]:
    """A component of its own for each route, where routes fail one by one."""
    out: dict[str, str] = {}
    for route in fitted.routes:
        name, number = _name(route), 2
        while name in out.values():
            name, number = f"{_name(route)[:58]}-{number}", number + 1
        out[route] = name
    return out


def _traffic(fitted: Fitted, notes: dict[Path, str]) -> dict[str, Any]:
    shapes = fitted.shapes
    ahead = (
        dt.datetime.combine(scenario_start(fitted), dt.time(), dt.UTC) - fitted.start
    ).total_seconds() / DAY_S - shapes.middle_day
    level = float(shapes.level[0] * math.exp(shapes.growth[0] * ahead / 30))
    low, high = interval(shapes.level[1:]) if len(shapes.level) > 2 else (level, level)
    notes["traffic", "mean_rps"] = (
        f"{_figure(float(shapes.level[0]))} in the history, between {_figure(low)} and {_figure(high)}"
        + ("." if shapes.growth[0] == 0 else "; grown until the scenario begins.")
    )
    out: dict[str, Any] = {"mean_rps": decimal(max(level, 1e-6))}
    peak = float(shapes.hours[0].max() * shapes.weekdays[0].max() * level)
    out["capacity_rps"] = decimal(max(2 * peak, 1e-6))
    notes["traffic", "capacity_rps"] = "Not in the history: twice the busiest hour."
    out["hours"] = [decimal(float(x), 3) for x in shapes.hours[0]]
    if shapes.daily:
        spread = _largest_interval(shapes.hours)
        notes["traffic", "hours"] = f"Relative to the mean; each known to about +-{100 * spread:.0f}% (bootstrap over days)."
    else:
        notes["traffic", "hours"] = "Too short a history for a daily shape: none is invented."
    out["weekdays"] = {day: decimal(float(x), 3) for day, x in zip(WEEKDAYS, shapes.weekdays[0], strict=True)}
    notes["traffic", "weekdays"] = (
        f"Fitted: {shapes.weekly}." if shapes.weekly != "none" else "Too few different days for a weekly shape: none is invented."
    )
    if "growth" in Traffic.model_fields and shapes.growth[0] != 0:
        low, high = interval(np.expm1(shapes.growth[1:]))
        out["growth"] = decimal(float(np.expm1(shapes.growth[0])), 3)
        notes["traffic", "growth"] = f"In 30 days; between {low:+.3f} and {high:+.3f}."
    if "variability" in Traffic.model_fields and fitted.variability.whole[0] > 0:
        out["variability"] = _variability(fitted, notes)
    return out


def _variability(fitted: Fitted, notes: dict[Path, str]) -> dict[str, Any]:
    """The one factor that a world has: that of the largest effect on sums of minutes to hours."""
    found = fitted.variability
    weight = found.spread[0] ** 2 * np.sqrt(np.minimum(found.memory_s[0], DAY_S))
    at = int(np.argmax(weight))
    spread = factor_spread(found.spread[:, at])
    low, high = interval(spread[1:])
    text = f"Over-dispersion beyond Poisson; spread between {low:.3f} and {high:.3f}, memory between "
    text += " and ".join(duration(q) for q in interval(found.memory_s[1:, at])) + " (bootstrap)."
    others = [
        f"spread {float(factor_spread(found.spread[0, i])):.3f} with memory {duration(float(found.memory_s[0, i]))}"
        for i in range(found.factors)
        if i != at
    ]
    if others:
        text += f"\nBeside it the history shows {', and '.join(others)}, which a world does not hold."
    notes["traffic", "variability"] = text
    return {"spread": decimal(float(spread[0]), 3), "memory": duration(max(1.0, float(found.memory_s[0, at])))}


def factor_spread(log_spread: Any) -> Any:
    """Standard deviation of a mean-one lognormal factor whose logarithm has this one."""
    return np.sqrt(np.expm1(np.asarray(log_spread, np.float64) ** 2))


def _routes(fitted: Fitted, notes: dict[Path, str]) -> dict[str, Any]:
    order = [index for index in np.argsort(-fitted.shares, kind="stable").tolist() if fitted.shares[index] > 0][:MOST_NAMED]
    shares = _adding_up([float(fitted.shares[index]) for index in order])
    paths = route_paths([fitted.routes[index] for index in order])
    latencies = {latency.route: latency for latency in fitted.latencies}
    own = component_names(fitted) if any(mode.route for mode in fitted.modes) else {}
    out: dict[str, Any] = {}
    for index, path, share in zip(order, paths, shares, strict=True):
        if share <= 0:
            continue
        errors = fitted.errors[index]
        serving = "service" if fitted.judged[index] or not fitted.errors_known else "inner"
        route: dict[str, Any] = {"share": percent(share), "calls": [own.get(fitted.routes[index], serving)]}
        latency = latencies.get(fitted.routes[index])
        if latency is None:
            route["latency"] = {"median": "100ms", "sigma": Decimal("0.5")}
            notes["routes", path, "latency"] = "Not in the history: a guess."
        else:
            route["latency"] = {
                "median": duration(float(latency.median_s[0])),
                "sigma": decimal(min(5.0, float(latency.sigma[0])), 3),
            }
            low, high = interval(latency.quantile(0.95)[1:])
            best = latency.fits[0]
            text = f"From {latency.source}; 95th percentile between {duration(low)} and {duration(high)}."
            if best.family != "lognormal":
                text += f" {best.family.capitalize()} fits better; a world's latencies are lognormal."
            notes["routes", path, "latency"] = text
        whole = max(1.0, sum(ratio for _, ratio in errors.codes) / 0.999)
        codes = {code: _share(ratio / whole) for code, ratio in errors.codes}
        route["codes"] = {code: percent(ratio) for code, ratio in codes.items() if ratio > 0}
        if math.isnan(errors.ratio):
            notes["routes", path, "codes"] = "The history does not know this route's errors: unknown, and none in this world."
        else:
            low, high = max(0.0, errors.ratio - 1.645 * errors.se), errors.ratio + 1.645 * errors.se
            notes["routes", path, "codes"] = (
                f"Outside of incidents; failing share between {percent(_share(low))} and {percent(_share(high))}."
            )
        out[path] = route
    return out


def _mode_name(mode: Mode) -> str:
    return _name(mode.name)


def _mode(mode: Mode, fitted: Fitted, notes: dict[Path, str]) -> dict[str, Any]:
    arrival = mode.arrival
    what = {
        "errors": "Requests fail.",
        "slow": "Answers take longer.",
        "outage": "No request arrived at all; here all of them fail, as users would see it.",
    }[mode.kind]
    out: dict[str, Any] = {"description": f"{what} Fitted to {len(mode.events)} in the history.", "component": "service"}
    if mode.route:
        out["component"] = component_names(fitted)[mode.route]
    out["every"] = duration(arrival.every_s)
    out["weibull_shape"] = decimal(min(5.0, max(0.3, arrival.weibull_shape)), 3)
    out["duration"] = {"median": duration(mode.duration.median), "sigma": decimal(mode.duration.sigma, 3)}
    if mode.kind == "slow":
        out["effect"] = {
            "kind": "latency",
            "factor_median": decimal(min(1000.0, 1 + max(mode.strength.median, 0.001)), 4),
            "factor_sigma": decimal(mode.strength.sigma, 3),
        }
    else:
        codes = {"503": "100%"} if mode.kind == "outage" else _failing_codes(fitted)
        out["effect"] = {
            "kind": "errors",
            "ratio_median": percent(_share(min(1.0, mode.strength.median))),
            "ratio_sigma": decimal(mode.strength.sigma, 3) if mode.kind != "outage" else 0,
            "codes": codes,
        }
    out.update(_profile(arrival))
    where = ("failure_modes", _mode_name(mode))
    low, high = arrival.every_interval
    most = "" if math.isinf(high) else f" and {duration(high)}"
    notes[*where, "every"] = f"{arrival.name.capitalize()} gaps; between {duration(low)}{most}."
    notes[*where, "duration"] = _law_note(mode.duration, "median", duration)
    if mode.kind != "outage":
        notes[*where, "effect"] = _law_note(mode.strength, "median", lambda x: f"{x:.3g}")
    return out


def _profile(arrival: Arrivals) -> dict[str, Any]:
    if arrival.business_factor > 1.001:
        return {"business_hours_factor": decimal(min(100.0, arrival.business_factor), 3)}
    if len(set(arrival.hours)) > 1 and "weekly" in FailureMode.model_fields:
        weekdays = dict(zip(WEEKDAYS, (decimal(x, 3) for x in arrival.weekdays), strict=True))
        return {"weekly": {"hours": [decimal(x, 3) for x in arrival.hours], "weekdays": weekdays}}
    return {}


def _failing_codes(fitted: Fitted) -> dict[str, str]:
    """How failing requests are answered in an incident: as failures usually are."""
    together: dict[str, float] = {}
    for share, errors in zip(fitted.shares, fitted.errors, strict=True):
        for code, ratio in errors.codes:
            if code.startswith("5"):
                together[code] = together.get(code, 0.0) + float(share) * ratio
    whole = sum(together.values())
    if whole <= 0:
        return {"500": "100%"}
    parts = _adding_up([value / whole for value in together.values()])
    return {code: percent(part) for code, part in zip(together, parts, strict=True) if part > 0}


def _law_note(law: Law, what: str, write: Any) -> str:
    low, high = law.interval
    least, most = law.sigma_interval
    text = f"Lognormal; {what} between {write(low)} and {write(high)}, sigma between {least:.2f} and {most:.2f}."
    if law.guessed:
        text = f"From {law.n} alone; sigma is a guess."
    return text


def interval(draws: Any) -> tuple[float, float]:
    """The central 90 % of bootstrap draws."""
    low, high = np.quantile(np.asarray(draws, np.float64), [0.05, 0.95])
    return float(low), float(high)


def _largest_interval(draws: Any) -> float:
    low, high = np.quantile(draws[1:], [0.05, 0.95], axis=0) if len(draws) > 2 else (draws[0], draws[0])
    return float(((high - low) / 2 / np.maximum(draws[0], 1e-9)).max())


def route_paths(names: Iterable[str]) -> list[str]:
    """Routes' names as paths of a world, all different: `/api`, `/all`, `/socket.io`."""
    out: list[str] = []
    for name in names:
        path = "/" + re.sub(r"[^A-Za-z0-9/_.:{}-]+", "-", name.strip()).strip("-").lstrip("/")[:180]
        path = "/all" if path == "/" and not name.strip("/ ") and name.strip() != "/" else path
        unique, number = path, 2
        while unique in out:
            unique, number = f"{path}-{number}", number + 1
        out.append(unique)
    return out


def _name(text: str) -> str:
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-._")[:60].strip("-._")
    return clean or "fitted"


def world_name(file: str) -> str:
    """A name for what is fitted to a file: that of its folder and of itself, without endings."""
    base = re.split(r"[\\/]", file)[-1]
    return _name(re.sub(r"(\.(csv|gz|parquet|txt|prom|om))+$", "", base))


def _adding_up(values: list[float]) -> list[Decimal]:
    """Shares of exactly 1 together; the largest one takes what rounding leaves."""
    whole = sum(values)
    parts = [Decimal(value / whole).quantize(Decimal("0.000001"), ROUND_HALF_EVEN) for value in values]
    largest = max(range(len(parts)), key=lambda i: parts[i])
    parts[largest] += 1 - sum(parts, Decimal(0))
    return parts


def _share(value: float) -> Decimal:
    exact = Decimal(f"{min(1.0, max(0.0, value)):.3g}")
    return exact if exact >= _SMALLEST_SHARE else Decimal(0)


def percent(share: Decimal) -> str:
    """`99.9%`."""
    text = f"{share * 100:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def decimal(value: float, digits: int = 5) -> Decimal:
    """Rounded to so many significant digits."""
    return Decimal(f"{value:.{digits}g}") + 0


def duration(seconds: float) -> str:
    """A duration to three significant digits; never 0."""
    if seconds < 1:
        return f"{Decimal(f'{max(seconds, 1e-6) * 1000:.3g}'):f}ms"
    if seconds < 60:
        return format_duration(float(f"{seconds:.3g}"))
    unit = next(unit for unit, below in ((1, 600), (10, 3600), (60, 36_000), (600, 864_000), (3600, math.inf)) if seconds < below)
    return format_duration(round(seconds / unit) * unit)


def _day(instant: dt.datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M UTC")


def _figure(value: float) -> str:
    return f"{value:.4g}"


def _plain(file: str) -> str:
    """The file's own name: where it lies on this machine says nothing to others."""
    return re.split(r"[\\/]", file)[-1][:120]
