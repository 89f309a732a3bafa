"""`workbench validate`: every problem of every file at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import click

from workbench.errors import BadInput, ExitCode, Problem


@click.command(short_help="Check scenario, world and policy files; show every problem.")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
def command(paths: tuple[Path, ...], output: str) -> None:
    """Check scenario, world and policy files, and all files that they refer to.

    Every problem is shown with file, line and column, what stands there and what may stand there. A folder stands for all *.yaml
    and *.yml files in it. Exit code 1 if there are problems, 2 if a PATH cannot be read.
    """
    from workbench.alerts.loading import check_paths
    from workbench.cli.problems import as_json, counted
    from workbench.cli.show import print_problems

    problems, files = check_paths(paths)
    problems = [*problems, *_unknown_metrics(paths, {problem.file for problem in problems})]
    if output == "json":
        click.echo(as_json(problems, files=files))
    else:
        print_problems(problems, err=False)
        click.echo(f"{counted(files, 'file')}, {counted(len(problems), 'problem')}")
    raise SystemExit(ExitCode.FINDINGS if problems else ExitCode.FINE)


def _unknown_metrics(paths: tuple[Path, ...], broken: Collection[str | None]) -> Iterator[Problem]:
    """Expectations of sound scenarios on metrics that do not exist."""
    from workbench.alerts.loading import load
    from workbench.expect import unknown_metrics

    for path in paths:
        for file in sorted(path.rglob("*.y*ml")) if path.is_dir() else [path]:
            if str(file) in broken:
                continue
            try:
                loaded = load(file)
            except BadInput:
                continue
            if loaded.scenario is not None:
                yield from (loaded.placed(problem, "scenario") for problem in unknown_metrics(loaded.scenario.expect))
