"""`workbench fit`: a world from a recorded history or a list of incidents, and where a second history lies among its periods."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.readings import How, reading_options
from workbench.errors import ExitCode

if TYPE_CHECKING:
    from workbench.fit.job import Days, Job

_PATH = click.Path(path_type=Path)


def _period(ctx: click.Context, param: click.Parameter, value: str | None) -> Days:
    """`2024-01-01..2024-02-01`: instants in UTC unless they name a zone; either may be left out."""
    if value is None:
        return (None, None)
    first, dots, last = value.partition("..")
    if not dots:
        raise click.BadParameter(f"{value!r}: write FROM..TO, as 2024-01-01..2024-02-01; either may be left out", ctx, param)
    found: list[dt.datetime | None] = []
    for text in (first, last):
        try:
            instant = dt.datetime.fromisoformat(text) if text else None
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is neither a date nor an ISO 8601 instant", ctx, param) from error
        found.append(instant.replace(tzinfo=dt.UTC) if instant is not None and instant.tzinfo is None else instant)
    if found[0] is not None and found[1] is not None and found[0] >= found[1]:
        raise click.BadParameter(f"{value!r}: the period ends before it begins", ctx, param)
    return (found[0], found[1])


def _zone(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise click.BadParameter(f"{value!r}: this must be an IANA time zone such as UTC or Europe/Zurich", ctx, param) from error
    return value


@click.command("fit", short_help="Fit a world to a recorded history, and check it against another.")
@click.argument("history", type=_PATH)
@reading_options
@click.option("--incidents", metavar="FILE", type=_PATH, help="CSV id,target,start,end,severity: the incidents of HISTORY.")
@click.option("--severity", "severities", multiple=True, help="Of a list of incidents only those of this severity; repeatable.")
@click.option(
    "--zone", metavar="ZONE", callback=_zone, help="Whose clock daily and weekly shapes follow. Default: --timezone, else UTC."
)
@click.option("--period", metavar="FROM..TO", callback=_period, help="Fit to this part of HISTORY, as 2024-01-01..2024-03-01.")
@click.option(
    "--out", metavar="PATH", type=_PATH, help="Write the world: a .yaml file, or a folder with scenario and policy beside it."
)
@click.option("--force", is_flag=True, help="Replace files in that folder.")
@click.option("--check", metavar="HISTORY2", type=_PATH, help="Say where this history lies among periods of the fitted world.")
@click.option("--check-period", metavar="FROM..TO", callback=_period, help="Check against this part of HISTORY2.")
@click.option("--runs", type=click.IntRange(40, 10_000), default=300, show_default=True, help="Periods that --check draws.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the bootstrap and of the periods drawn.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
def command(
    history: Path,
    how: How,
    incidents: Path | None,
    severities: tuple[str, ...],
    zone: str | None,
    period: Days,
    out: Path | None,
    *,
    force: bool,
    check: Path | None,
    check_period: Days,
    runs: int,
    seed: int,
    output: str,
) -> None:
    """Fit a world to HISTORY: whatever `replay` reads, or a list of incidents.

    Traffic (daily and weekly shape, growth, over-dispersion), usual errors, latency, and incidents: how often, how long, how bad;
    each with an interval. Without --incidents, bursts of errors in the history are its incidents.

    A list of incidents (CSV or CSV.gz with the columns start and end) gives their arrivals and durations alone.

    With --check, many periods of the length and calendar of HISTORY2 are drawn from the fitted world, its parameters' uncertainty
    included, and each statistic of HISTORY2 is placed among theirs. Exit code 1 if the world does not cover HISTORY2.
    """
    from workbench.fit.job import Ask, is_list, run_job

    listed = is_list(history)
    if incidents is not None and (listed or how.probes):
        raise click.UsageError(
            "--incidents belongs to a history of requests; a list of incidents, or probes, are incidents themselves"
        )
    if severities and not listed:
        raise click.UsageError("--severity belongs to a list of incidents")
    if check is None and check_period != (None, None):
        raise click.UsageError("--check-period needs --check")
    if out is not None:
        from workbench.cli.fit_files import check_free

        check_free(out, force=force, read=(history, incidents, check))
    ask = Ask(how.arguments(), zone or how.timezone or "UTC", severities, period, check_period, runs, seed)
    job = run_job(history, ask, incidents=incidents, check=check)
    files: tuple[Path, ...] = ()
    if out is not None:
        from workbench.cli.fit_files import write

        files = write(job.fitted, out)
    _show(job, files, output, durations=history if listed else None, severities=severities)
    if job.verdict is not None and not job.verdict.covers:
        raise SystemExit(ExitCode.FINDINGS)


def _show(job: Job, files: tuple[Path, ...], output: str, *, durations: Path | None, severities: tuple[str, ...]) -> None:
    from workbench.cli.fit_report import as_json, print_fit
    from workbench.cli.show import console

    rows = None
    if durations is not None:
        from workbench.fit.incidents import read_durations

        rows = read_durations(durations, severities or None)
    if output == "json":
        click.echo(json.dumps(as_json(job, files, rows), indent=2, allow_nan=False))
    else:
        print_fit(job, files, rows, console(wrap=True))
