"""`workbench lint`: what a policy or a rule file says that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.errors import ExitCode, Severity


@click.command(short_help="Check policies and Prometheus rules: what can never fire, what contradicts.")
@click.argument("files", metavar="POLICY|RULES|SCENARIO...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--world", "world_file", type=click.Path(path_type=Path), metavar="WORLD", help="Check against this world's traffic too."
)
@click.option("--months", type=click.IntRange(1, 1000), metavar="N", help="Simulate N months and name the rules that never fired.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of the first month; the scenario's own, or 1, if left out.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
def command(
    files: tuple[Path, ...], *, world_file: Path | None, months: int | None, seed: int | None, strict: bool, output: str
) -> None:
    """Check the arithmetic of policies and of Prometheus rule files.

    What a file is, it says itself: a policy, a scenario (its world and clock count too), a file of rule groups, or a PrometheusRule
    resource. Every check has a page in docs/lint. A comment "# lint: disable=family/name reason" silences one, at the
    end of a line for that line, on a line of its own for what begins below it.

    Exit code 1 if there are errors (with --strict, warnings too), 2 if a file is not valid.
    """
    from workbench.cli.lint_report import print_report, report_json
    from workbench.cli.show import progress
    from workbench.lint.session import examine

    with progress("Simulating months", float(months or 1)) as at:
        report = examine(files, world_file=world_file, months=months, seed=seed, progress=at)
    if output == "json":
        click.echo(report_json(report))
    else:
        print_report(report)
    counting = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    raise SystemExit(ExitCode.FINDINGS if any(problem.severity in counting for problem in report.problems) else ExitCode.FINE)
