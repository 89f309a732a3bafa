"""`workbench export`: what a scenario says, in the words of other tools."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("export")
def command() -> None:
    """Write what a scenario says for other tools."""


@command.command("history")
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--route", "routes", multiple=True, metavar="ROUTE", help="Only this route; may be given more than once.")
@click.option("--step", default="1m", show_default=True, metavar="DURATION", help="Time between two rows.")
@click.option("--until", metavar="DURATION", help="End this long after the start; otherwise at the end of the run.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Use this seed instead of the scenario's.")
@click.option("--incidents", type=click.Path(path_type=Path), metavar="FILE", help="Also write the ground truth here.")
def history(
    scenario: Path, routes: tuple[str, ...], step: str, until: str | None, seed: int | None, incidents: Path | None
) -> None:
    """Simulate SCENARIO and print its requests as a recorded history.

    The rows are what `workbench replay` reads: `time,route,total,errors`.
    """
    import dataclasses

    from workbench.alerts.loading import load_scenario
    from workbench.errors import BadInput, Problem
    from workbench.interop.history import counts_csv, incidents_csv
    from workbench.report.folder import check_file, write_file
    from workbench.run.month import run

    loaded = load_scenario(scenario)
    step_s, until_s = _seconds("--step", step), _seconds("--until", until) if until else None
    if step_s < loaded.clock.scrape_interval:
        raise BadInput(
            Problem(
                check="cli/step",
                message="a row cannot be shorter than a scrape",
                found=step,
                allowed="--step at least the scrape interval",
            )
        )
    unknown = sorted(set(routes) - set(loaded.world.routes))
    if unknown:
        raise BadInput(
            Problem(
                check="cli/route",
                message="no such route in the world",
                found=", ".join(unknown),
                allowed=", ".join(sorted(loaded.world.routes)),
            )
        )
    if incidents is not None:
        check_file(incidents, read=[path for path in scenario.parent.iterdir() if path.is_file()])
    outcome = run(loaded if seed is None else dataclasses.replace(loaded, seed=seed))
    if incidents is not None:
        write_file(incidents, incidents_csv(outcome, routes=routes, until_s=until_s))
    click.echo(counts_csv(outcome, step_s=step_s, routes=routes, until_s=until_s), nl=False)


def _seconds(option: str, text: str) -> float:
    from workbench.errors import BadInput, Problem
    from workbench.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(Problem(check="cli/duration", message=str(error), path=option, found=text)) from error


@command.command("prometheus")
@click.argument("scenario", metavar="SCENARIO|POLICY", type=click.Path(path_type=Path))
def prometheus(scenario: Path) -> None:
    """Print the rules of SCENARIO as a Prometheus rule file.

    A POLICY alone does not know its routes: its globs become regular expressions.
    """
    from workbench.alerts.burn_rate import rule_groups
    from workbench.alerts.loading import load
    from workbench.alerts.vocabulary import SIMULATED
    from workbench.errors import BadInput, Problem
    from workbench.interop.prometheus import rule_file

    loaded = load(scenario)
    if loaded.policy is None:
        message = "there are no objectives in this file"
        raise BadInput(
            Problem("cli/kind", message, file=str(scenario), path="kind", found=loaded.kind, allowed="Scenario or Policy")
        )
    if loaded.scenario is None:
        groups = rule_groups(loaded.policy, None, SIMULATED)
    else:
        clock = loaded.scenario.clock
        groups = rule_groups(loaded.policy, sorted(loaded.scenario.world.routes), SIMULATED, history_s=clock.horizon)
    click.echo(rule_file(groups), nl=False)
