"""`workbench import`: objectives of other tools as a policy."""

from __future__ import annotations

from pathlib import Path

import click

PRESETS = ("none", "datadog", "grafana", "medianest", "pyrra", "sloth", "sre-workbook")


@click.command("import", short_help="Read objectives of Sloth, OpenSLO or Pyrra into a policy.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the policy here instead of printing it.")
@click.option("--name", metavar="NAME", help="Name of the policy.  [default: that of the file]")
@click.option("--slo-period", metavar="DURATION", help="SLO period of Sloth's specs, which do not state it.  [default: 30d]")
@click.option("--alert-preset", type=click.Choice(PRESETS), help="Burn-rate alerts instead of those that the files ask for.")
def command(files: tuple[Path, ...], out: Path | None, name: str | None, slo_period: str | None, alert_preset: str | None) -> None:
    """Read objectives of other tools into one policy.

    FILEs are specs of Sloth (prometheus/v1, PrometheusServiceLevel, AlertWindows), OpenSLO (v1, v1alpha) or Pyrra
    (ServiceLevelObjective), told by their content; a file may hold several documents, a folder stands for its *.yaml and *.yml
    files. What a policy cannot hold is refused (exit code 2) or warned of, by name and line.
    """
    from workbench.cli.problems import counted
    from workbench.cli.show import print_problems
    from workbench.errors import BadInput, Problem, Severity
    from workbench.interop.imported import name_of
    from workbench.interop.importing import import_files
    from workbench.report.folder import check_file, write_file
    from workbench.units import parse_duration

    period_s = None
    if slo_period is not None:
        try:
            period_s = parse_duration(slo_period)
        except ValueError as error:
            raise BadInput(Problem("cli/duration", str(error), path="--slo-period", found=slo_period)) from error
    if out is not None:
        check_file(out, read=[file for file in files if file.is_file()])
    text, imported = import_files(files, name_of(name or files[0].stem), preset=alert_preset, period_s=period_s)
    print_problems(imported.problems)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_file(out, text)
    of = [sum(problem.severity is severity for problem in imported.problems) for severity in (Severity.WARNING, Severity.INFO)]
    objectives = counted(len(imported.objectives), "objective")
    click.echo(f"{objectives} imported, {counted(of[0], 'warning')}, {counted(of[1], 'note')}", err=True)
