"""`workbench export`: what a scenario says, in the words of other tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.export_openmetrics import openmetrics
from workbench.cli.export_promtool import promtool

if TYPE_CHECKING:  # help must not read what a verb needs
    from workbench.alerts.rules import RuleGroup
    from workbench.errors import Problem
    from workbench.interop.outgoing import Said
    from workbench.scenario.reading import Loaded
    from workbench.scenario.schema.policy import Policy


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
    from workbench.interop.outgoing import vocabulary_of
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
    vocabulary = vocabulary_of(loaded.policy)
    click.echo(counts_csv(outcome, step_s=step_s, routes=routes, until_s=until_s, vocabulary=vocabulary), nl=False)


def _seconds(option: str, text: str) -> float:
    from workbench.errors import BadInput, Problem
    from workbench.units import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise BadInput(Problem(check="cli/duration", message=str(error), path=option, found=text)) from error


def _written(out: Path | None, file: Path, text: str, loaded: Loaded, problems: Iterable[Problem]) -> None:
    """The text where it belongs, and on standard error what the format cannot hold."""
    from workbench.cli.problems import counted
    from workbench.cli.show import print_problems
    from workbench.errors import Severity
    from workbench.report.folder import check_file, write_file

    placed = [loaded.placed(problem) for problem in dict.fromkeys(problems)]
    if out is not None:
        check_file(out, read=[file])
    print_problems(placed)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_file(out, text)
    if placed:
        of = [sum(problem.severity is severity for problem in placed) for severity in (Severity.WARNING, Severity.INFO)]
        click.echo(f"{counted(of[0], 'warning')}, {counted(of[1], 'note')}", err=True)


def _policy_of(file: Path) -> tuple[Loaded, Policy, list[str] | None]:
    """The file, its policy, and the routes of its world if it is a scenario."""
    from workbench.alerts.loading import load
    from workbench.errors import BadInput, Problem

    loaded = load(file)
    if loaded.policy is None:
        raise BadInput(
            Problem("export/policy", "there is no policy in this file", file=str(file), allowed="a scenario or a policy")
        )
    return loaded, loaded.policy, sorted(loaded.world.routes) if loaded.world else None


@contextmanager
def _placed(loaded: Loaded) -> Iterator[None]:
    """Problems of a policy get the file and line of their path."""
    from workbench.errors import BadInput

    try:
        yield
    except BadInput as error:
        raise BadInput(loaded.placed(problem) for problem in error.problems) from error


def _labels(options: tuple[str, ...]) -> dict[str, str]:
    """`--label role=alert-rules` as a mapping."""
    from workbench.errors import BadInput, Problem

    found = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not key or not equals:
            raise BadInput(Problem("cli/label", "a label is written NAME=VALUE", path="--label", found=option))
        found[key] = value
    return found


_file = click.argument("file", metavar="SCENARIO|POLICY", type=click.Path(path_type=Path))
_out = click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write here instead of printing.")
_namespace = click.option("--namespace", default="", metavar="NAME", help="Namespace of the resource.")
_label = click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Label of the resource; repeatable.")
_sloth_mode = click.option(
    "--sloth-mode",
    default="cli-gen-prom",
    show_default=True,
    metavar="TEXT",
    help="Label sloth_mode, with alert_preset sloth; ...k8s marks the resource's spec.",
)
_sloth_version = click.option(
    "--sloth-version", default="dev", show_default=True, metavar="TEXT", help="Label sloth_version, with alert_preset sloth."
)


def _said(format_: str, loaded: Loaded, *, only_rules: bool = False) -> Said:
    """What the export says; a scenario's clock is how long `window: history` is."""
    from workbench.interop.outgoing import Said

    history_s = loaded.scenario.clock.horizon if loaded.scenario else None
    return Said(format_, only_rules=only_rules, history_s=history_s)


def _groups(policy: Policy, routes: list[str] | None, mode: str, version: str, said: Said) -> tuple[RuleGroup, ...]:
    from workbench.alerts.sloth_rules import SPEC_KUBERNETES, SPEC_OPENSLO, SPEC_PROMETHEUS, Generator
    from workbench.interop.rules_out import exported_groups

    spec = SPEC_KUBERNETES if "k8s" in mode else SPEC_OPENSLO if "openslo" in mode else SPEC_PROMETHEUS
    return exported_groups(policy, routes, Generator(version, mode, spec), said)


@command.command("prometheus")
@_file
@_out
@_sloth_mode
@_sloth_version
def prometheus(file: Path, out: Path | None, sloth_mode: str, sloth_version: str) -> None:
    """Write a policy's rules as a Prometheus rule file.

    A policy alone will do; a scenario's world says which routes there are, so that globs become lists of them. With alert_preset
    sloth the rules are those that Sloth generates.
    """
    from workbench.interop.prometheus import rule_file

    loaded, policy, routes = _policy_of(file)
    said = _said("Prometheus", loaded, only_rules=True)
    with _placed(loaded):
        text = rule_file(_groups(policy, routes, sloth_mode, sloth_version, said))
    _written(out, file, text, loaded, said.problems)


@command.command("prometheusrule")
@_file
@_out
@click.option("--name", metavar="NAME", help="Name of the resource.  [default: the policy's]")
@_namespace
@_label
@_sloth_mode
@_sloth_version
def prometheusrule(
    file: Path,
    out: Path | None,
    name: str | None,
    namespace: str,
    labels: tuple[str, ...],
    sloth_mode: str,
    sloth_version: str,
) -> None:
    """Write a policy's rules as a PrometheusRule.

    The resource of the Prometheus operator; --label role=alert-rules lets a Prometheus select it.
    """
    from workbench.interop.imported import dns_name
    from workbench.interop.prometheus import prometheus_rule

    loaded, policy, routes = _policy_of(file)
    said = _said("Prometheus", loaded, only_rules=True)
    with _placed(loaded):
        groups = _groups(policy, routes, sloth_mode, sloth_version, said)
    text = prometheus_rule(groups, name or dns_name(policy.name), namespace, _labels(labels))
    _written(out, file, text, loaded, said.problems)


@command.command("sloth")
@_file
@_out
def sloth(file: Path, out: Path | None) -> None:
    """Write a policy's objectives as specs of Sloth.

    One document (prometheus/v1) for each service. Sloth has two pairs of windows for pages and two for tickets; what is not held
    is warned of, more or fewer rules are refused.
    """
    from workbench.interop.sloth_out import specs
    from workbench.interop.yaml_text import documents

    loaded, policy, routes = _policy_of(file)
    said = _said("Sloth", loaded)
    with _placed(loaded):
        text = documents(specs(policy, routes, said))
    _written(out, file, text, loaded, said.problems)


@command.command("alertwindows")
@_file
@_out
def alertwindows(file: Path, out: Path | None) -> None:
    """Write a policy's windows as Sloth's AlertWindows.

    One document for each window of an objective: the portable form of tuned burn-rate alerts.
    """
    from workbench.interop.sloth_out import alert_windows
    from workbench.interop.yaml_text import documents

    loaded, policy, routes = _policy_of(file)
    said = _said("AlertWindows", loaded, only_rules=True)
    with _placed(loaded):
        text = documents(alert_windows(policy, routes, said))
    _written(out, file, text, loaded, said.problems)


@command.command("openslo")
@_file
@_out
def openslo(file: Path, out: Path | None) -> None:
    """Write a policy's objectives and alerts as OpenSLO v1.

    OpenSLO's conditions have one window; the short ones stand in annotations that `workbench import` reads back.
    """
    from workbench.interop.openslo_out import documents_of
    from workbench.interop.yaml_text import documents

    loaded, policy, routes = _policy_of(file)
    said = _said("OpenSLO v1", loaded)
    with _placed(loaded):
        text = documents(documents_of(policy, routes, said))
    _written(out, file, text, loaded, said.problems)


@command.command("pyrra")
@_file
@_out
@_namespace
@_label
def pyrra(file: Path, out: Path | None, namespace: str, labels: tuple[str, ...]) -> None:
    """Write a policy's objectives as Pyrra's resources.

    Pyrra makes its own queries and alerts: indicators that are more than one counter each are refused, other windows are warned of.
    """
    from workbench.interop.pyrra_out import resources
    from workbench.interop.yaml_text import documents

    loaded, policy, routes = _policy_of(file)
    said = _said("Pyrra", loaded)
    with _placed(loaded):
        text = documents(resources(policy, routes, said, namespace=namespace, labels=_labels(labels)))
    _written(out, file, text, loaded, said.problems)


command.add_command(promtool)
command.add_command(openmetrics)
