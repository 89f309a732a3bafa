"""A fit and its check on a terminal, in 80 columns, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from workbench.cli.show import print_problems, printable
from workbench.fit.check import Verdict
from workbench.fit.fitted import Fitted
from workbench.fit.incidents import IncidentDurations
from workbench.fit.job import Job
from workbench.fit.modes import Mode
from workbench.fit.world import duration, factor_spread, interval
from workbench.telemetry.series import FloatArray

_MOST_ROUTES = 12
_MOST_MODES = 12


def print_fit(job: Job, files: Sequence[Path], listed: IncidentDurations | None, out: Console) -> None:
    """Print what was fitted, with intervals, and the verdict if there is one."""
    fitted = job.fitted
    if listed is not None:
        out.print(_left_out(listed))
    out.print(Text(f"{printable(fitted.file)}: {fitted.start:%Y-%m-%d %H:%M} to {fitted.end:%Y-%m-%d %H:%M} UTC", style="bold"))
    if listed is None and not _events_alone(fitted):
        out.print(
            f"steps of {duration(fitted.step_s)}, {100 * fitted.known:.1f}% known; local time {fitted.zone}; intervals of 90%"
        )
        _traffic(fitted, out)
        _routes(fitted, out)
    _modes(fitted, out)
    if job.verdict is not None:
        _verdict(job.verdict, out)
    if job.findings:
        out.print()
        print_problems(job.findings)
    if files:
        out.print()
        for file in files:
            out.print(Text(f"wrote {printable(str(file))}"))
        scenario = next((file for file in files if file.name == "scenario.yaml"), None)
        follow = (
            f"workbench run {scenario}" if scenario is not None else "--out FOLDER also writes a scenario and a policy that run it"
        )
        out.print(Text(follow, style="dim"))


def _events_alone(fitted: Fitted) -> bool:
    return any(problem.check == "fit/events-alone" for problem in fitted.findings)


def _table(title: str, *columns: tuple[str, JustifyMethod]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table


def _span(low: float, high: float, digits: int = 3) -> str:
    return f"{low:.{digits}g} .. {high:.{digits}g}"


def traffic_rows(fitted: Fitted) -> list[tuple[str, float, tuple[float, float] | None, str]]:
    """Name, estimate, 90 % interval and method of each parameter of traffic."""
    shapes, found = fitted.shapes, fitted.variability
    days = "bootstrap over days" if shapes.days >= 4 else "bootstrap over tenths"
    level = interval(shapes.level[1:])
    rows: list[tuple[str, float, tuple[float, float] | None, str]] = [
        ("requests a second", float(shapes.level[0]), level, "spread of levels, with memory")
    ]
    if shapes.growth_se > 0:
        rows.append(
            ("growth in 30 days", _one(np.expm1(shapes.growth[:1])), interval(np.expm1(shapes.growth[1:])), "least squares, prior")
        )
    if shapes.daily:
        for name, pick in (("busiest hour / mean", np.max), ("quietest hour / mean", np.min)):
            rows.append((name, float(pick(shapes.hours[0])), interval(pick(shapes.hours[1:], axis=1)), days))
    if shapes.weekly != "none":
        ratio = shapes.weekdays[:, 5:].mean(axis=1) / shapes.weekdays[:, :5].mean(axis=1)
        rows.append(("weekend / working day", float(ratio[0]), interval(ratio[1:]), days))
    for index in range(found.factors):
        spread = factor_spread(found.spread[:, index])
        memory = found.memory_s[:, index] / 60
        if float(spread[0]) <= 0 and found.factors > 1:
            continue
        label = "" if found.factors == 1 else f" {index + 1}"
        rows.append((f"spread{label} (beyond Poisson)", float(spread[0]), interval(spread[1:]), "autocovariance; " + days))
        if float(spread[0]) > 0:
            rows.append((f"memory{label} (min)", float(memory[0]), interval(memory[1:]), "autocovariance; " + days))
    if fitted.errors_known:
        low = max(0.0, fitted.usual.ratio - 1.645 * fitted.usual.se)
        high = fitted.usual.ratio + 1.645 * fitted.usual.se
        rows.append(("usual error ratio", fitted.usual.ratio, (low, high), "Poisson, over-dispersed"))
    return rows


def _one(values: FloatArray) -> float:
    return float(values[0])


def _traffic(fitted: Fitted, out: Console) -> None:
    table = _table("Traffic and errors", ("", "left"), ("estimate", "right"), ("90% interval", "right"), ("interval from", "left"))
    for name, value, span, method in traffic_rows(fitted):
        table.add_row(name, f"{value:.4g}", "" if span is None else _span(*span), Text(method, style="dim"))
    out.print(table)


def _routes(fitted: Fitted, out: Console) -> None:
    latencies = {latency.route: latency for latency in fitted.latencies}
    table = _table(
        "Routes", ("route", "left"), ("share", "right"), ("errors", "right"), ("median", "right"), ("sigma", "right"),
        ("p95", "right"), ("best family (fit)", "left"),
    )  # fmt: skip
    order = np.argsort(-fitted.shares, kind="stable")
    for index in order[:_MOST_ROUTES].tolist():
        errors, latency = fitted.errors[index], latencies.get(fitted.routes[index])
        row: list[Text | str] = [Text(printable(fitted.routes[index] or "all")[:24]), f"{100 * float(fitted.shares[index]):.1f}%"]
        row.append("unknown" if math.isnan(errors.ratio) else f"{100 * errors.ratio:.3g}%")
        if latency is None:
            row += ["", "", "", ""]
        else:
            best = latency.fits[0]
            row += [
                duration(float(latency.median_s[0])),
                f"{float(latency.sigma[0]):.2f}",
                duration(float(latency.quantile(0.95)[0])),
            ]
            row.append(f"{best.family} ({best.distance:.2g})")
        table.add_row(*row)
    if len(order) > _MOST_ROUTES:
        table.add_row(f"and {len(order) - _MOST_ROUTES} more")
    out.print(table)
    if fitted.latencies:
        source = fitted.latencies[0].source
        meaning = (
            "largest distance of the distribution functions" if source == "histogram" else "root mean square of log(fitted / seen)"
        )
        out.print(Text(f"fit of latency ({source}): {meaning}; a world's latencies are lognormal, anchored at p95", style="dim"))


def _modes(fitted: Fitted, out: Console) -> None:
    if not fitted.modes:
        out.print(Text("Incidents: none was seen, and none is invented.", style="bold"))
        return
    table = _table(
        "Incidents", ("mode", "left"), ("n", "right"), ("every", "right"), ("90%", "right"), ("shape", "right"),
        ("median", "right"), ("sigma", "right"), ("strength", "right"),
    )  # fmt: skip
    for mode in fitted.modes[:_MOST_MODES]:
        arrival, law = mode.arrival, mode.duration
        strength = "" if mode.kind == "outage" else (
            f"x{1 + mode.strength.median:.2g}" if mode.kind == "slow" else f"{100 * min(1.0, mode.strength.median):.2g}%"
        )  # fmt: skip
        low, high = arrival.every_interval
        span = f"{duration(low)} .. {'?' if math.isinf(high) else duration(high)}"
        table.add_row(
            Text(printable(mode.name)[:20]), str(len(mode.events)), duration(arrival.every_s), span, f"{arrival.weibull_shape:.2f}",
            duration(law.median), f"{law.sigma:.2f}{'?' if law.guessed else ''}", strength,
        )  # fmt: skip
    out.print(table)
    if len(fitted.modes) > _MOST_MODES:
        out.print(f"and {len(fitted.modes) - _MOST_MODES} more")
    if fitted.listed and not _events_alone(fitted):
        out.print(f"listed: {fitted.listed} incidents in the period, of which the history shows {fitted.seen}")
    _families(max(fitted.modes, key=lambda mode: len(mode.events)), out)


def _families(mode: Mode, out: Console) -> None:
    """How the families compare, for the mode with the most incidents."""
    if mode.duration_fits:
        table = _table(
            f"Durations of {printable(mode.name)}", ("family", "left"), ("median", "right"), ("KS", "right"), ("AIC", "right"),
            ("parameters (90%)", "left"),
        )  # fmt: skip
        for fit in mode.duration_fits:
            parts = []
            for index, (name, value) in enumerate(fit.parameters):
                short = name.removesuffix("_s")
                shown = duration if name.endswith("_s") else _two_decimals
                text = f"{short} {shown(value)}"
                if fit.intervals:
                    low, high = fit.intervals[index]
                    text += f" ({shown(low)}..{shown(high)})"
                parts.append(text)
            table.add_row(fit.family, duration(fit.median_s), f"{fit.ks_distance:.3f}", f"{fit.aic:.1f}", ", ".join(parts))
        out.print(table)
    if len(mode.arrivals) > 1:
        table = _table(
            f"Arrivals of {printable(mode.name)}", ("model", "left"), ("AIC", "right"), ("shape", "right"), ("KS", "right"),
            ("p of KS", "right"),
        )  # fmt: skip
        for one in mode.arrivals:
            shape = f"{one.weibull_shape:.2f}" + (f" +-{1.645 * one.shape_se:.2f}" if one.shape_se > 0 else "")
            table.add_row(one.name, f"{one.aic:.1f}", shape, f"{one.ks_distance:.3f}", f"{one.ks_p:.2f}")
        out.print(table)


def _two_decimals(value: float) -> str:
    return f"{value:.2f}"


def _verdict(verdict: Verdict, out: Console) -> None:
    table = _table(
        f"The second history among {verdict.runs} periods of this world", ("statistic", "left"), ("seen", "right"),
        ("percentile", "right"), ("90% interval", "right"), ("score", "right"), ("", "left"),
    )  # fmt: skip
    for place in verdict.places:
        table.add_row(
            Text(printable(place.statistic)), f"{place.seen:.4g}", f"{100 * place.percentile:.0f}", _span(place.low, place.high),
            f"{place.score:.3g}", Text("" if place.inside else "outside", style="red"),
        )  # fmt: skip
    out.print(table)
    whole = len(verdict.places)
    if whole:
        out.print(
            f"inside: {verdict.inside} of {whole}, {100 * verdict.inside / whole:.0f}% "
            f"(90% interval {100 * verdict.coverage_low:.0f}% .. {100 * verdict.coverage_high:.0f}%)"
        )
    out.print(Text(verdict.sentence, style="bold green" if verdict.covers else "bold red"))


def _left_out(found: IncidentDurations) -> str:
    left_out = [
        f"{count:,} {what}"
        for count, what in (
            (found.other_severity, "of other severities"),
            (found.open_ended, "without an end"),
            (found.not_positive, "without a positive duration"),
        )
        if count
    ]
    return f"{len(found.durations_s)} of {found.rows} incidents" + (f" ({', '.join(left_out)} left out)" if left_out else "")


def as_json(job: Job, files: Sequence[Path], listed: IncidentDurations | None) -> dict[str, Any]:
    """Everything that the tables show, and what they have no room for. Unknown numbers are null."""
    fitted = job.fitted
    out: dict[str, Any] = {
        "file": fitted.file,
        "start": fitted.start.isoformat(),
        "end": fitted.end.isoformat(),
        "zone": fitted.zone,
        "step_s": fitted.step_s,
        "known": fitted.known,
    }
    if listed is not None:
        out.update(
            rows=listed.rows,
            used=len(listed.durations_s),
            other_severity=listed.other_severity,
            open_ended=listed.open_ended,
            not_positive=listed.not_positive,
        )
        out["fits"] = [_fit(fit) for fit in fitted.modes[0].duration_fits]
    if not _events_alone(fitted):
        out["traffic"] = [
            {"name": name, "value": value, "interval": None if span is None else list(span), "method": method}
            for name, value, span, method in traffic_rows(fitted)
        ]
        out["hours"] = [float(x) for x in fitted.shapes.hours[0]]
        out["weekdays"] = [float(x) for x in fitted.shapes.weekdays[0]]
        out["weekly"] = fitted.shapes.weekly
    out["routes"] = [
        {
            "route": errors.route,
            "share": float(share),
            "error_ratio": _number(errors.ratio),
            "standard_error": _number(errors.se),
            "codes": dict(errors.codes),
        }
        for share, errors in zip(fitted.shares, fitted.errors, strict=True)
    ]
    out["latencies"] = [
        {
            "route": one.route,
            "source": one.source,
            "median_s": float(one.median_s[0]),
            "median_interval_s": list(interval(one.median_s[1:])),
            "sigma": float(one.sigma[0]),
            "sigma_interval": list(interval(one.sigma[1:])),
            "families": [
                {"family": fit.family, "parameters": dict(fit.parameters), "distance": fit.distance, "aic": fit.aic}
                for fit in one.fits
            ],
        }
        for one in fitted.latencies
    ]
    out["modes"] = [_mode(mode) for mode in fitted.modes]
    out["listed"], out["listed_and_seen"] = fitted.listed, fitted.seen
    out["check"] = None if job.verdict is None else _verdict_json(job.verdict)
    out["findings"] = [{"check": p.check, "severity": str(p.severity), "message": p.message, "file": p.file} for p in job.findings]
    out["files"] = [str(file) for file in files]
    return out


def _mode(mode: Mode) -> dict[str, Any]:
    return {
        "name": mode.name,
        "kind": mode.kind,
        "route": mode.route,
        "n": len(mode.events),
        "every_s": mode.arrival.every_s,
        "every_interval_s": [_number(x) for x in mode.arrival.every_interval],
        "arrivals": [
            {
                "model": one.name,
                "weibull_shape": one.weibull_shape,
                "shape_standard_error": one.shape_se,
                "business_hours_factor": one.business_factor,
                "log_likelihood": one.log_likelihood,
                "aic": one.aic,
                "ks_distance": one.ks_distance,
                "ks_p": one.ks_p,
            }
            for one in mode.arrivals
        ],
        "duration": _law(mode.duration),
        "durations": [_fit(fit) for fit in mode.duration_fits],
        "strength": _law(mode.strength),
        "events": [{"start_s": e.start_s, "end_s": e.end_s, "strength": e.strength, "listed": e.listed} for e in mode.events],
    }


def _law(law: Any) -> dict[str, Any]:
    return {
        "median": law.median,
        "median_interval": list(law.interval),
        "sigma": law.sigma,
        "sigma_interval": list(law.sigma_interval),
        "sigma_guessed": law.guessed,
    }


def _fit(fit: Any) -> dict[str, Any]:
    return {
        "family": fit.family,
        "parameters": dict(fit.parameters),
        "intervals": [list(span) for span in fit.intervals],
        "median_s": fit.median_s,
        "ks_distance": fit.ks_distance,
        "log_likelihood": fit.log_likelihood,
        "aic": fit.aic,
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "covers": verdict.covers,
        "sentence": verdict.sentence,
        "runs": verdict.runs,
        "inside": verdict.inside,
        "of": len(verdict.places),
        "coverage_interval": [verdict.coverage_low, verdict.coverage_high],
        "usual_outside": verdict.usual_outside,
        "usual_distance": verdict.usual_distance,
        "statistics": [
            {
                "name": place.statistic,
                "seen": place.seen,
                "percentile": place.percentile,
                "low": place.low,
                "median": place.middle,
                "high": place.high,
                "inside": place.inside,
                "interval_score": place.score,
                "distance": place.distance,
            }
            for place in verdict.places
        ],
        "left_out": list(verdict.left_out),
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
