"""`workbench replay`: a recorded history against a policy."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.cli.readings import How, positive, reading_options
from workbench.errors import ExitCode, Severity

_PATH = click.Path(path_type=Path)


@click.command(short_help="Measure a recorded history against a policy.")
@click.argument("history", type=_PATH)
@reading_options
@click.option("--policy", "policy_file", metavar="FILE", type=_PATH, help="Objectives and burn-rate rules.")
@click.option(
    "--rules",
    "rule_paths",
    metavar="FILE",
    type=_PATH,
    multiple=True,
    help="Prometheus rule files, PrometheusRule resources, folders or globs, in place of the policy's own rules. Repeatable.",
)
@click.option("--incidents", metavar="FILE", type=_PATH, help="CSV id,target,start,end,severity: score the alerts against it.")
@click.option(
    "--eval-interval",
    metavar="D",
    callback=positive,
    help="How often rules are evaluated. Default: the scrape interval, at most 1m.",
)
@click.option(
    "--prometheus", type=click.Choice(["2.42", "2.53", "3.5"]), default="3.5", show_default=True, help="The version to be equal to."
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
@click.option("--out", metavar="DIR", type=_PATH, help="Write the result as a folder of JSON, CSV, Parquet and an HTML report.")
@click.option("--force", is_flag=True, help="Replace DIR if it is a result folder.")
@click.option("--alerts-out", metavar="FILE", type=_PATH, help="Write the alert timeline as CSV, over an older FILE.")
def command(
    history: Path,
    how: How,
    policy_file: Path | None,
    rule_paths: tuple[Path, ...],
    incidents: Path | None,
    eval_interval: float | None,
    prometheus: str,
    output: str,
    out: Path | None,
    *,
    force: bool,
    alerts_out: Path | None,
) -> None:
    """Put HISTORY (CSV, CSV.gz, Parquet, or OpenMetrics text) through a policy's objectives and alerts, or through your own rules.

    --policy, --rules or both: rules alone have no objectives, only alerts; with both, the rules replace those of the policy.

    By default HISTORY has the columns time,total,errors and, if it likes, route, le_* (cumulative counts below a bound in
    milliseconds) and reset. A row is one scrape at its time (ISO 8601 or seconds) and holds the events since the row before.
    An empty cell is unknown, never zero.

    With --counters a row holds cumulative values: time and one column a series, named like http_requests_total{code="200"}, or
    time,series,value, where an empty value is a stale marker. OpenMetrics and Prometheus text needs no option. With --probes a
    row is a state that holds until the next row of its target.

    Exit code 1 if no objective could be measured.
    """
    from workbench.alerts.loading import load_policy
    from workbench.alerts.rule_files import read_rule_files
    from workbench.report.folder import check_file, check_free, write_file, write_folder
    from workbench.report.tables import alerts_csv, outcome_json
    from workbench.run.replay import replay

    if policy_file is None and not rule_paths:
        raise click.UsageError("a replay needs --policy, --rules, or both")
    rules = read_rule_files(rule_paths) if rule_paths else None
    if out is not None:
        check_free(out, force)
    if alerts_out is not None:
        check_file(alerts_out, read=(history, policy_file, incidents, *(rules.files if rules is not None else ())))
    outcome = replay(
        history,
        load_policy(policy_file) if policy_file is not None else None,
        rules=rules,
        incidents=incidents,
        evaluation_interval_s=eval_interval,
        prometheus=prometheus,
        **how.arguments(),
    )
    files: list[Path] = []
    if out is not None:
        from workbench.interop.prometheus import rule_file
        from workbench.report.html import report_html

        write_folder(outcome, out, force=force, html=report_html(outcome), rules=rule_file(outcome.rules))
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
