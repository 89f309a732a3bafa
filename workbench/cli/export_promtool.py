"""`workbench export promtool`: simulated incidents as unit tests for the rules."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("promtool")
@click.argument("scenario", type=_PATH)
@click.option("--out", "directory", type=_PATH, metavar="DIR", default=Path("promtool"), show_default=True, help="Write here.")
@click.option(
    "--rules", "rule_paths", type=_PATH, metavar="FILE", multiple=True, help="Rule files in place of the policy's own. Repeatable."
)
@click.option("--incidents", type=click.IntRange(1, 50), default=1, show_default=True, help="Detected incidents for each alert.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Use this seed instead of the scenario's.")
@click.option("--force", is_flag=True, help="Write over the files of an earlier export.")
def promtool(scenario: Path, directory: Path, rule_paths: tuple[Path, ...], incidents: int, seed: int | None, force: bool) -> None:
    """Simulate SCENARIO and write unit tests of its alert rules for promtool.

    DIR gets rules.yml and, for each alert, a file that `promtool test rules` of Prometheus 2 and 3 runs: it must fire in incidents
    of the run that it detects, and be silent before them, after its reset, in an incident too small for it, and without one.
    """
    import dataclasses

    from workbench.alerts.rule_files import read_rule_files
    from workbench.cli.problems import counted
    from workbench.cli.show import progress
    from workbench.interop.prometheus import rule_file
    from workbench.interop.promtool.export import RULES, WRITTEN_BY, portable, unit_tests
    from workbench.report.folder import write_file
    from workbench.run.month import run
    from workbench.scenario.load import load_scenario

    loaded = load_scenario(scenario)
    rules = read_rule_files(rule_paths) if rule_paths else None
    _check_free(directory, force)
    with progress(f"Simulating {loaded.name}", 1.0) as at:
        outcome = run(loaded if seed is None else dataclasses.replace(loaded, seed=seed), rules=rules, progress=at)
    groups, changed = portable(outcome.rules)
    written = unit_tests(outcome, loaded.policy, groups, incidents=incidents)
    directory.mkdir(parents=True, exist_ok=True)
    for old in sorted(directory.glob("*_test.yml")):
        if WRITTEN_BY in old.read_text(encoding="utf-8", errors="replace")[:1000]:
            old.unlink()
    for name, text in ((RULES, rule_file(groups)), *written.files):
        write_file(directory / name, text)
    for one in (*changed, *written.left_out):
        click.echo(f"workbench: {one.alert} of {one.group}: {one.reason}", err=True)
    size = sum(len(text) for _, text in written.files)
    shown = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"
    click.echo(f"{directory}: {RULES} and {counted(len(written.files), 'test file')}, {shown}")
    click.echo(f"promtool test rules {directory}/*_test.yml")


def _check_free(directory: Path, force: bool) -> None:
    """Raise CouldNotRun if DIR is no folder, or has rules or tests in it that `--force` does not allow to write over."""
    from workbench.errors import CouldNotRun

    if directory.exists() and not directory.is_dir():
        raise CouldNotRun(f"{directory} is a file; name a folder")
    there = sorted(path.name for path in directory.glob("*.yml")) if directory.is_dir() else []
    if there and not force:
        raise CouldNotRun(f"{directory} holds {there[0]} already; choose another folder, or write over it with --force")
