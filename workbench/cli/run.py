"""`workbench run`: simulate a scenario, say what happened, write the results."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.errors import BadInput, ExitCode, Problem


@click.command("run")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Use this seed instead of the scenario's.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="What goes to standard output."
)
@click.option("--out", "directory", type=click.Path(path_type=Path), metavar="DIR", help="Write all results into this new folder.")
@click.option("--force", is_flag=True, help="Replace DIR if it holds earlier results.")
@click.option(
    "--rules",
    "rule_paths",
    type=click.Path(path_type=Path),
    metavar="FILE",
    multiple=True,
    help="Prometheus rule files, PrometheusRule resources, folders or globs, in place of the policy's own rules. Repeatable.",
)
@click.option(
    "--alerts-out", type=click.Path(path_type=Path), metavar="FILE", help="Write the alert timeline as CSV, over an older FILE."
)
def command(
    scenario: Path,
    seed: int | None,
    output: str,
    directory: Path | None,
    force: bool,
    rule_paths: tuple[Path, ...],
    alerts_out: Path | None,
) -> None:
    """Simulate SCENARIO and judge it.

    With --rules, alerts are those of the rule files, evaluated over the simulated telemetry under the names of the policy's
    `metrics:` map. Exits with 1 if an expectation of the scenario does not hold.
    """
    import dataclasses

    from workbench.alerts.loading import load
    from workbench.cli.show import console, progress
    from workbench.expect import judge, unknown_metrics

    read = load(scenario)
    loaded = read.scenario
    if loaded is None:
        raise BadInput(
            Problem(
                check="cli/kind",
                message="run takes a scenario",
                file=str(scenario),
                path="kind",
                found=read.kind,
                allowed="Scenario",
            )
        )
    if unknown := unknown_metrics(loaded.expect):
        raise BadInput(read.placed(problem, "scenario") for problem in unknown)
    if seed is not None:
        loaded = dataclasses.replace(loaded, seed=seed)
    rules = None
    if rule_paths:
        from workbench.alerts.rule_files import read_rule_files

        rules = read_rule_files(rule_paths)
    if directory is not None:
        from workbench.report.folder import check_free

        check_free(directory, force=force)
    if alerts_out is not None:
        from workbench.report.folder import check_file

        check_file(alerts_out, read=(scenario, *(rules.files if rules is not None else ())))
    from workbench.run.month import run

    try:
        with progress(f"Simulating {loaded.name}", 1.0) as at:
            outcome = run(loaded, rules=rules, progress=at)
    except BadInput as error:
        ours = ("metrics", "slos")
        raise BadInput(
            read.placed(one) if one.file is None and (one.path or "").startswith(ours) else one for one in error.problems
        ) from None
    failed = judge(outcome, loaded.expect)
    if alerts_out is not None:
        from workbench.report.folder import write_file
        from workbench.report.tables import alerts_csv

        write_file(alerts_out, alerts_csv(outcome.episodes))
    if directory is not None:
        from workbench.interop.prometheus import rule_file
        from workbench.report.folder import write_folder
        from workbench.report.html import report_html

        write_folder(outcome, directory, force=force, html=report_html(outcome, failed), rules=rule_file(outcome.rules))
    if output == "json":
        from workbench.report.tables import outcome_json

        click.echo(outcome_json(outcome), nl=False)
    else:
        from workbench.cli.summary import print_summary
        from workbench.report.folder import RESULTS

        print_summary(
            outcome,
            console(wrap=True),
            expectations_failed=failed,
            files=[
                *([directory / name for name in RESULTS] if directory is not None else []),
                *([alerts_out] if alerts_out is not None else []),
            ],
        )
        if loaded.expect and not failed:
            click.echo(f"\nAll {len(loaded.expect)} expectations of the scenario hold.")
    if failed:
        from workbench.cli.show import print_problems

        if output == "json":
            print_problems(failed)
        raise SystemExit(ExitCode.FINDINGS)
