"""`workbench lint`: arithmetic of a policy that the schema cannot see."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.errors import ExitCode, Severity


@click.command(short_help="Check a policy's arithmetic: what can never fire, what contradicts.")
@click.argument("file", metavar="SCENARIO|POLICY", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
def command(file: Path, *, strict: bool, output: str) -> None:
    """Check the arithmetic of a policy: alerts that can never fire, promises that no objective guards.

    A scenario brings its world, so more can be checked: how many requests an alert's window holds. Exit code 1 if there are errors
    (with --strict, warnings too), 2 if the file is not valid.
    """
    from workbench.alerts.loading import load
    from workbench.cli.problems import as_json, counted
    from workbench.cli.show import print_problems
    from workbench.errors import BadInput, Problem
    from workbench.lint.registry import all_checks, lint

    loaded = load(file)
    if loaded.policy is None:
        raise BadInput(Problem("lint/policy", "there is no policy in this file", file=str(file), allowed="a scenario or a policy"))
    problems = [loaded.placed(problem) for problem in lint(loaded.policy, loaded.world)]
    if output == "json":
        click.echo(as_json(problems))
    else:
        print_problems(problems, err=False)
        click.echo(f"{counted(len(all_checks()), 'check')}, {counted(len(problems), 'problem')}")
    counting = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    raise SystemExit(ExitCode.FINDINGS if any(problem.severity in counting for problem in problems) else ExitCode.FINE)
