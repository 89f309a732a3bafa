"""`workbench validate`: every problem of every file at once."""

from __future__ import annotations

from pathlib import Path

import click

from workbench.errors import ExitCode


@click.command(short_help="Check scenario, world and policy files; show every problem.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
def command(paths: tuple[Path, ...], output: str) -> None:
    """Check scenario, world and policy files, and all files that they refer to.

    Every problem is shown with file, line and column, what stands there and what may stand there. A folder stands for all *.yaml
    and *.yml files in it. Exit code 1 if there are problems, 2 if a PATH cannot be read.
    """
    from workbench.cli.problems import as_json, counted
    from workbench.cli.show import print_problems
    from workbench.scenario.load import check_paths

    problems, files = check_paths(paths)
    if output == "json":
        click.echo(as_json(problems, files=files))
    else:
        print_problems(problems, err=False)
        click.echo(f"{counted(files, 'file')}, {counted(len(problems), 'problem')}")
    raise SystemExit(ExitCode.FINDINGS if problems else ExitCode.FINE)
