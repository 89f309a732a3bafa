"""`workbench export openmetrics`: telemetry for a Prometheus and a Grafana of one's own."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from workbench.cli.readings import How, positive, reading_options
from workbench.errors import BadInput, CouldNotRun, Problem

if TYPE_CHECKING:
    import datetime as dt

    from workbench.telemetry.series import Telemetry

_PATH = click.Path(path_type=Path)


@click.command("openmetrics", short_help="Telemetry as OpenMetrics text, for promtool to make blocks from.")
@click.argument("scenario", type=_PATH, required=False)
@click.option("--history", metavar="FILE", type=_PATH, help="Write a recorded history instead of a scenario's telemetry.")
@click.option("--out", metavar="FILE", type=_PATH, help="Write here, over an older file; otherwise to standard output.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Use this seed instead of the scenario's.")
@click.option("--until", metavar="D", callback=positive, help="End this long after the start; otherwise at the end.")
@click.option("--metric", metavar="REGEX", help="Only metrics whose whole name matches.")
@click.option(
    "--match", "selectors", metavar="SELECTOR", multiple=True, help="Only series that this selects; may be given several times."
)
@click.option("--dry-run", is_flag=True, help="Say how much it would be, and write nothing.")
@reading_options
def openmetrics(
    scenario: Path | None,
    history: Path | None,
    out: Path | None,
    seed: int | None,
    until: float | None,
    metric: str | None,
    selectors: tuple[str, ...],
    how: How,
    *,
    dry_run: bool,
) -> None:
    """Write the telemetry of SCENARIO as OpenMetrics text with timestamps.

    A Prometheus of your own takes it: promtool tsdb create-blocks-from openmetrics --max-block-duration=1458h FILE DATA, where the
    (hidden) option keeps promtool from reading FILE again for every two hours. Times are those of the scenario's start. A whole
    month of a large world is gigabytes: choose with --metric, --match and --until, and ask first with --dry-run.

    With --history a recorded history is written instead; how it is read say the options that `workbench replay` has, too.
    """
    from workbench.cli.show import print_problems, progress
    from workbench.report.folder import check_file
    from workbench.telemetry.openmetrics_out import estimate, write_openmetrics

    if (scenario is None) == (history is None):
        raise click.UsageError("name a SCENARIO, or a recorded --history FILE")
    if out is not None:
        check_file(out, read=(scenario, history))
    keep = _Choice(metric, selectors)
    telemetry, start = _simulated(scenario, seed, until) if scenario is not None else _recorded(cast("Path", history), how, until)
    telemetry = keep.of(telemetry)
    expected = estimate(telemetry)
    text = f"{expected.samples:,} samples of {expected.series:,} series, about {_bytes(expected.size)}"
    if dry_run:
        print_problems(expected.findings)
        click.echo(text)
        return
    with _target(out, expected.size) as stream, progress("Writing OpenMetrics", 1.0) as at:
        written = write_openmetrics(telemetry, start, stream, progress=at)
    print_problems(written.findings)
    if out is not None:
        click.echo(f"{out}: {written.samples:,} samples of {written.series:,} series, {_bytes(written.size)}")


class _Choice:
    """Which series the user wants; raises BadInput for an expression that is none."""

    def __init__(self, metric: str | None, selectors: tuple[str, ...]) -> None:
        import re

        from workbench.promql.ast import Selector
        from workbench.promql.parse import parse

        problems: list[Problem] = []
        self._names = None
        try:
            self._names = None if metric is None else re.compile(metric)
        except re.error as error:
            problems.append(Problem("openmetrics/metric", f"not a regular expression: {error}", path="--metric", found=metric))
        self._metric = metric
        self._selectors: list[Selector] = []
        for text in selectors:
            try:
                found = parse(text)
            except BadInput as error:
                problems += error.problems
                continue
            if isinstance(found, Selector):
                self._selectors.append(found)
            else:
                message = "this is no selector of series"
                problems.append(Problem("openmetrics/match", message, path="--match", found=text, allowed='up{job="api"}'))
        if problems:
            raise BadInput(problems)

    def of(self, telemetry: Telemetry) -> Telemetry:
        """The chosen series; raises BadInput if there are none."""
        from workbench.promql.selection import select
        from workbench.telemetry.complaints import listed, nearest
        from workbench.telemetry.openmetrics_out import chosen

        found = telemetry
        if self._names is not None:
            pattern = self._names
            found = chosen(found, lambda key: pattern.fullmatch(key.name) is not None)
        if self._selectors:
            wanted = {one.key for selector in self._selectors for one in select(found, selector)}
            found = chosen(found, lambda key: key in wanted)
        if not found.series:
            names = telemetry.names
            near = nearest(self._metric, names) if self._metric else None
            message = "no series is left to write"
            raise BadInput(Problem("openmetrics/nothing", message, found=self._metric, allowed=listed(names, 12), nearest=near))
        return found


def _simulated(scenario: Path, seed: int | None, until_s: float | None) -> tuple[Telemetry, dt.datetime]:
    import dataclasses

    from workbench.cli.show import progress
    from workbench.run.month import run
    from workbench.scenario.load import load_scenario

    loaded = load_scenario(scenario)
    loaded = loaded if seed is None else dataclasses.replace(loaded, seed=seed)
    with progress(f"Simulating {loaded.name}", 1.0) as at:
        outcome = run(loaded, progress=at)
    assert outcome.telemetry is not None  # noqa: S101 - a run keeps what it scraped
    return _until(outcome.telemetry, until_s), outcome.start


def _recorded(path: Path, how: How, until_s: float | None) -> tuple[Telemetry, dt.datetime]:
    from workbench.cli.show import print_problems
    from workbench.telemetry.history import read_history

    history = read_history(path, **how.arguments())
    print_problems(history.findings)
    return _until(history.telemetry, until_s), history.start


def _until(telemetry: Telemetry, until_s: float | None) -> Telemetry:
    """The scrapes up to an instant; arrays of times stay shared."""
    import numpy as np

    from workbench.telemetry.series import Series

    if until_s is None:
        return telemetry
    kept: dict[int, tuple[object, int]] = {}
    series = []
    for one in telemetry:
        if id(one.times) not in kept:
            count = int(np.searchsorted(one.times, until_s, side="right"))
            kept[id(one.times)] = (one.times[:count], count)
        times, count = kept[id(one.times)]
        if count:
            series.append(Series(one.key, cast("np.ndarray[tuple[int], np.dtype[np.float64]]", times), one.values[:count]))
    return telemetry.with_series(series, min(until_s, telemetry.horizon_s))


@contextlib.contextmanager
def _target(out: Path | None, size: int) -> Iterator[BinaryIO]:
    """Standard output, or a file that appears whole or not at all."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    import shutil

    free = shutil.disk_usage(out.absolute().parent).free if out.absolute().parent.is_dir() else None
    if free is not None and free < size:
        raise CouldNotRun(f"{out} would have about {_bytes(size)}, and only {_bytes(free)} are free")
    partial = out.with_name(f".{out.name}.partial-{secrets.token_hex(4)}")
    try:
        with partial.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(out)
    except OSError as error:
        raise CouldNotRun(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _bytes(count: int) -> str:
    """`1.4 GB`, `312 kB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
