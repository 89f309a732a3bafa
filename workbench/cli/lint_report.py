"""What `workbench lint` prints: each finding with its line and a caret, and how many failures page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from workbench.errors import Problem, Severity

if TYPE_CHECKING:
    from workbench.lint.session import Report

_WIDTH = 80
_LONGEST_LINE = 2000


def report_json(report: Report) -> str:
    """One object with the problems, what was silenced, and what the world adds."""
    from workbench.cli.problems import as_json

    more: dict[str, object] = {"checks": report.checks, "silenced": [asdict(problem) for problem in report.silenced]}
    if report.needed:
        more["failures_needed"] = [
            {
                "slo": row.slo,
                "alert": row.alert,
                "page": row.page,
                "long_s": row.long_s,
                "short_s": row.short_s,
                "events_long": float(row.events_long),
                "events_short": float(row.events_short),
                "failures_long": row.failures_long,
                "failures_short": row.failures_short,
            }
            for row in report.needed
        ]
    if report.months is not None:
        more["months"] = {
            "seeds": list(report.months.seeds),
            "firings": [{"slo": slo, "alert": alert, "firings": count} for (slo, alert), count in report.months.firings.items()],
        }
    return as_json(report.problems, **more)


def print_report(report: Report) -> None:
    """Everything, for 80 columns."""
    from workbench.cli.problems import counted
    from workbench.cli.show import console, print_problems

    print_problems(report.problems, err=False, source=lambda problem: excerpt(problem, report.sources.get(problem.file or "", ())))
    if report.needed:
        _print_needed(report)
    if report.months is not None:
        seeds = report.months.seeds
        click.echo(f"{counted(len(seeds), 'month')} simulated, seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}")
    by = {severity: sum(problem.severity is severity for problem in report.problems) for severity in Severity}
    shown = ", ".join(counted(count, name) for name, count in _named(by) if count)
    total = counted(len(report.problems), "problem") + (f" ({shown})" if shown else "")
    hushed = f", {len(report.silenced)} silenced" if report.silenced else ""
    console().print(f"{counted(report.checks, 'check')}, {total}{hushed}")


def _named(by: dict[Severity, int]) -> Iterator[tuple[str, int]]:
    yield "error", by[Severity.ERROR]
    yield "warning", by[Severity.WARNING]
    yield "remark", by[Severity.INFO]


def excerpt(problem: Problem, lines: Sequence[str], width: int = _WIDTH) -> list[str]:
    """The line of a problem with a caret under what was found; long lines are cut around it."""
    if problem.line is None or problem.column is None or not 1 <= problem.line <= len(lines):
        return []
    line, start = lines[problem.line - 1][:_LONGEST_LINE].replace("\t", " "), problem.column - 1
    length = _found_length(line[start:], problem.found)
    gutter = f"{problem.line:>5} | "
    room = width - len(gutter)
    cut = 0
    if len(line) > room:
        cut = max(0, min(start + min(length, room // 2) - room // 2, len(line) - room))
        line = line[cut : cut + room]
        if cut:
            line = "..." + line[3:]
        if cut + room < len(lines[problem.line - 1]):
            line = line[:-3] + "..."
    at = start - cut
    return [f"{gutter}{line}", " " * (len(gutter) - 2) + "| " + " " * at + "^" * max(1, min(length, room - at))]


def _found_length(rest: str, found: str | None) -> int:
    """How much of the line is what was found: its text as far as it agrees, else one word."""
    if found:
        wanted = found.strip('"')
        begin, _, end = wanted.partition("...")  # long texts are cut in the middle
        if end and rest.startswith(begin) and end in rest:
            return rest.index(end) + len(end)
        agreed = next(
            (i for i, (one, other) in enumerate(zip(rest, wanted, strict=False)) if one != other), min(len(rest), len(wanted))
        )
        if agreed >= min(3, len(wanted)):
            return len(rest[:agreed].rstrip())
    word = rest.split(maxsplit=1)[0] if rest.strip() else ""
    return len(word.rstrip(",:}])")) or 1


def _print_needed(report: Report) -> None:
    from rich.table import Table

    from workbench.cli.show import console
    from workbench.units import format_duration

    fired = {} if report.months is None else report.months.firings
    table = Table(title="Failures that set an alert off, at the mean traffic", title_justify="left", box=None, pad_edge=False)
    table.add_column("alert", overflow="fold")
    table.add_column("in the long window", justify="right")
    table.add_column("in the short window", justify="right")
    if report.months is not None:
        table.add_column("fired", justify="right")
    slo = None
    for row in report.needed:
        if row.slo != slo:
            slo = row.slo
            table.add_row(slo, style="bold")
        cells = [f"  {row.alert}" + (" (page)" if row.page else "")]
        for seconds, events, failures in (
            (row.long_s, row.events_long, row.failures_long),
            (row.short_s, row.events_short, row.failures_short),
        ):
            shown = "never" if failures is None else f"{failures:,} of {_rounded(float(events))}"
            cells.append(f"{shown} in {format_duration(seconds)}")
        if report.months is not None:
            cells.append(str(fired.get((row.slo, row.alert), 0)))
        table.add_row(*cells)
    click.echo()
    console(wrap=True).print(table)
    click.echo()


def _rounded(events: float) -> str:
    """Three digits that count: `1,800`, `2.16M`, `0.42`."""
    if events >= 1e6:
        return f"{events / 1e6:.3g}M"
    return f"{float(f'{events:.3g}'):,.0f}" if events >= 100 else f"{events:.3g}"
