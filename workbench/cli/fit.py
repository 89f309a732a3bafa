"""`workbench fit`: distributions of incident durations from a list of incidents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.errors import BadInput, Problem

if TYPE_CHECKING:
    from workbench.fit.durations import DurationFit
    from workbench.fit.incidents import IncidentDurations


@click.command("fit")
@click.argument("incidents", type=click.Path(path_type=Path))
@click.option("--severity", "severities", multiple=True, help="Only incidents of this severity; may be given several times.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(incidents: Path, severities: tuple[str, ...], output: str) -> None:
    """Fit distributions to the durations of INCIDENTS.

    INCIDENTS is CSV or CSV.gz with the columns start and end (ISO 8601)
    and, for --severity, severity. Lognormal, Weibull and exponential are
    fitted by maximum likelihood; the one with the smallest
    Kolmogorov-Smirnov distance comes first.
    """
    from workbench.fit.durations import fit_durations
    from workbench.fit.incidents import read_durations

    found = read_durations(incidents, severities or None)
    try:
        fits = fit_durations(found.durations_s)
    except ValueError as error:
        raise BadInput(
            Problem("fit/durations", str(error), file=str(incidents), found=f"{len(found.durations_s)} usable incidents")
        ) from error
    click.echo(_as_json(found, fits) if output == "json" else _as_table(found, fits))


def _as_json(found: IncidentDurations, fits: tuple[DurationFit, ...]) -> str:
    return json.dumps(
        {
            "rows": found.rows,
            "used": len(found.durations_s),
            "other_severity": found.other_severity,
            "open_ended": found.open_ended,
            "not_positive": found.not_positive,
            "fits": [
                {
                    "family": fit.family,
                    "parameters": dict(fit.parameters),
                    "median_s": fit.median_s,
                    "ks_distance": fit.ks_distance,
                    "log_likelihood": fit.log_likelihood,
                    "aic": fit.aic,
                }
                for fit in fits
            ],
        },
        indent=2,
    )


def _as_table(found: IncidentDurations, fits: tuple[DurationFit, ...]) -> str:
    left_out = [
        f"{count} {what}"
        for count, what in (
            (found.other_severity, "of other severities"),
            (found.open_ended, "without an end"),
            (found.not_positive, "without a positive duration"),
        )
        if count
    ]
    lines = [f"{len(found.durations_s)} of {found.rows} incidents" + (f" ({', '.join(left_out)} left out)" if left_out else "")]
    lines += ["", f"{'family':<12} {'median':>10} {'KS':>7} {'AIC':>10}  parameters"]
    lines += [
        f"{fit.family:<12} {fit.median_s / 60:>6.1f} min {fit.ks_distance:>7.3f} {fit.aic:>10.1f}  {_parameters(fit)}"
        for fit in fits
    ]
    return "\n".join(lines)


def _parameters(fit: DurationFit) -> str:
    """`sigma 1.06`, `scale 99.1 min`."""
    return ", ".join(
        f"{name.removesuffix('_s')} {value / 60:.1f} min" if name.endswith("_s") else f"{name} {value:.2f}"
        for name, value in fit.parameters
    )
