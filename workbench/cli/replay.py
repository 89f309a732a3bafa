"""`workbench replay`: a recorded history against a policy."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.errors import ExitCode, Severity
from workbench.units import parse_duration


def _positive(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    seconds = _seconds(ctx, param, value)
    if seconds == 0:
        raise click.BadParameter(f"{value!r}: must be longer than 0s", ctx, param)
    return seconds


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """`15s`, `5m` in seconds; fails with the rule."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}", ctx, param) from error


_METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"


def _metric(ctx: click.Context, param: click.Parameter, value: str) -> str:
    import re

    if not re.fullmatch(_METRIC, value, re.ASCII):
        raise click.BadParameter("a metric name has letters, digits, '_' and ':', and does not begin with a digit", ctx, param)
    return value


_PATH = click.Path(path_type=Path)


@click.command(short_help="Measure a recorded history against a policy.")
@click.argument("history", type=_PATH)
@click.option(
    "--counts", "readings", flag_value="counts", multiple=True, help="A row holds the events since the row before; the default."
)
@click.option(
    "--counters",
    "readings",
    flag_value="counters",
    multiple=True,
    help="A row holds what counters showed: time and a column a series, or time,series,value.",
)
@click.option(
    "--probes", "readings", flag_value="probes", multiple=True, help="A row is a target's new state: time,target,up[,latency_ms]."
)
@click.option("--policy", "policy_file", metavar="FILE", type=_PATH, required=True, help="Objectives and burn-rate rules.")
@click.option("--incidents", metavar="FILE", type=_PATH, help="CSV id,target,start,end,severity: score the alerts against it.")
@click.option("--route", metavar="R", help="Replay this route (or target) alone.")
@click.option(
    "--label",
    "labels",
    metavar="COLUMN",
    multiple=True,
    help="With --counters: this column of numbers is a label, as those of text are.",
)
@click.option(
    "--accept-code", "accepted_codes", metavar="CODE", multiple=True, help="With --probes: an answer with this HTTP code is up."
)
@click.option(
    "--client-errors",
    type=click.Choice(["good", "bad", "excluded"]),
    default="good",
    show_default=True,
    help="With --counts: what a column client_errors (4xx, 499 too) holds.",
)
@click.option("--timezone", metavar="ZONE", help="Of times that name none, as Europe/Berlin. Default: UTC, with a warning.")
@click.option("--scrape-interval", metavar="D", callback=_positive, help="Default: the rows' usual spacing (--probes: 1m).")
@click.option(
    "--eval-interval",
    metavar="D",
    callback=_positive,
    help="How often rules are evaluated. Default: the scrape interval, at most 1m.",
)
@click.option(
    "--phase",
    metavar="D",
    callback=_seconds,
    help="Scrapes are taken that much after their row's time. Default: 7s, or half of a scrape interval of at most 7s.",
)
@click.option(
    "--prometheus", type=click.Choice(["2.42", "2.53", "3.5"]), default="3.5", show_default=True, help="The version to be equal to."
)
@click.option(
    "--total-series",
    metavar="NAME",
    callback=_metric,
    default="http_requests_total",
    show_default=True,
    help="The counter of all requests.",
)
@click.option(
    "--errors-series",
    metavar="NAME",
    callback=_metric,
    default="http_request_errors_total",
    show_default=True,
    help="The counter of failed ones.",
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
@click.option("--out", metavar="DIR", type=_PATH, help="Write the result as a folder of JSON, CSV, Parquet and an HTML report.")
@click.option("--force", is_flag=True, help="Replace DIR if it is a result folder.")
@click.option("--alerts-out", metavar="FILE", type=_PATH, help="Write the alert timeline as CSV, over an older FILE.")
def command(
    history: Path,
    readings: tuple[str, ...],
    policy_file: Path,
    incidents: Path | None,
    route: str | None,
    labels: tuple[str, ...],
    accepted_codes: tuple[str, ...],
    client_errors: str,
    timezone: str | None,
    scrape_interval: float | None,
    eval_interval: float | None,
    phase: float | None,
    prometheus: str,
    total_series: str,
    errors_series: str,
    output: str,
    out: Path | None,
    *,
    force: bool,
    alerts_out: Path | None,
) -> None:
    """Put HISTORY (CSV, CSV.gz, Parquet, or OpenMetrics text) through a policy's objectives and alerts.

    By default HISTORY has the columns time,total,errors and, if it likes, route, le_* (cumulative counts below a bound in
    milliseconds) and reset. A row is one scrape at its time (ISO 8601 or seconds) and holds the events since the row before.
    An empty cell is unknown, never zero.

    With --counters a row holds cumulative values: time and one column a series, named like http_requests_total{code="200"}, or
    time,series,value, where an empty value is a stale marker. OpenMetrics and Prometheus text needs no option. With --probes a
    row is a state that holds until the next row of its target.

    Exit code 1 if no objective could be measured.
    """
    from workbench.report.folder import check_file, check_free, write_file, write_folder
    from workbench.report.tables import alerts_csv, outcome_json
    from workbench.run.replay import replay
    from workbench.scenario.load import load_policy
    from workbench.telemetry.history import Options, Reading
    from workbench.telemetry.recorded import ClientErrors

    if len(set(readings)) > 1:
        raise click.UsageError("a file has one reading: one of --counts, --counters and --probes")
    if total_series == errors_series:
        raise click.UsageError("--total-series and --errors-series must differ")
    if out is not None:
        check_free(out, force)
    if alerts_out is not None:
        check_file(alerts_out, read=(history, policy_file, incidents))
    outcome = replay(
        history,
        load_policy(policy_file),
        route=route,
        incidents=incidents,
        scrape_interval_s=scrape_interval,
        evaluation_interval_s=eval_interval,
        phase_s=phase,
        prometheus=prometheus,
        requests_name=total_series,
        errors_name=errors_series,
        reading=Reading(readings[0]) if readings else None,
        options=Options(labels, accepted_codes, ClientErrors(client_errors), timezone),
    )
    files: list[Path] = []
    if out is not None:
        from workbench.report.html import report_html

        write_folder(outcome, out, force=force, html=report_html(outcome))
        files.append(out)
    if alerts_out is not None:
        write_file(alerts_out, alerts_csv(outcome.episodes))
        files.append(alerts_out)
    if output == "json":
        click.echo(outcome_json(outcome), nl=False)
    else:
        from workbench.cli.show import console
        from workbench.cli.summary import print_summary

        print_summary(outcome, console(wrap=True), files=files)
    if any(finding.severity is Severity.ERROR for finding in outcome.findings):
        raise SystemExit(ExitCode.FINDINGS)
