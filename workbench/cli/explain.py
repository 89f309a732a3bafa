"""`workbench explain`: the numbers behind a firing or a silence."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("explain")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--alert", required=True, metavar="NAME", help="Name of the alert.")
@click.option("--at", "instant", required=True, metavar="TIME", help="2026-04-12T14:05:00, seconds, or from the start: 12d14h5m.")
@click.option("--labels", multiple=True, metavar="K=V", help="Of the alert, if several have its name: slo=login. Repeatable.")
@click.option("--series", type=click.IntRange(0), default=3, show_default=True, help="Series to show of each window.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="What goes to standard output."
)
def command(run: Path, alert: str, instant: str, labels: tuple[str, ...], series: int, output: str) -> None:
    """Say why an alert fired, or did not, at one instant of RUN.

    RUN is the folder that `run --out` or `replay --out` wrote. Shown are the samples, windows, burn rates, thresholds and the state
    of the alert at the last evaluation not after TIME, what the recording rules behind it said, and the nearest incident.
    """
    from workbench.report.explanation import explain, parse_instant
    from workbench.report.results import read_results

    results = read_results(run)
    wanted = tuple(sorted(pair for text in labels for pair in _pairs(text)))
    found = explain(results, alert, parse_instant(instant, results.start, results.horizon_s), wanted)
    if output == "json":
        from workbench.report.explanation_words import as_json

        click.echo(as_json(found, results), nl=False)
        return
    from workbench.cli.explain_page import print_explanation
    from workbench.cli.show import console

    print_explanation(found, results, console(wrap=True), series=series)


def _pairs(text: str) -> list[tuple[str, str]]:
    """`a=b,c=d` as pairs."""
    from workbench.errors import BadInput, Problem

    pairs = [part.partition("=") for part in text.split(",")]
    if any(not name.strip() or not sign for name, sign, _ in pairs):
        raise BadInput(Problem("explain/labels", "labels are pairs", path="--labels", found=text, allowed="name=value,name=value"))
    return [(name.strip(), value.strip().strip('"')) for name, _, value in pairs]
