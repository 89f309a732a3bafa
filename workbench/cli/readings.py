"""The options that say how a recorded history is read: the same for every verb that takes one."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import click

from workbench.units import parse_duration

READINGS = ("counts", "counters", "probes")


@dataclass(frozen=True, slots=True)
class How:
    """What the user said about a history; names are those of the options."""

    counts: bool
    counters: bool
    probes: bool
    route: str | None
    label: tuple[str, ...]
    accept_code: tuple[str, ...]
    client_errors: str
    timezone: str | None
    scrape_interval: float | None
    phase: float | None
    total_series: str
    errors_series: str

    def arguments(self) -> dict[str, Any]:
        """The keyword arguments of `telemetry.history.read_history`."""
        from workbench.telemetry.history import Options, Reading
        from workbench.telemetry.recorded import ClientErrors

        reading = next((name for name in READINGS if getattr(self, name)), None)
        return {
            "route": self.route,
            "reading": None if reading is None else Reading(reading),
            "scrape_interval_s": self.scrape_interval,
            "phase_s": self.phase,
            "requests_name": self.total_series,
            "errors_name": self.errors_series,
            "options": Options(self.label, self.accept_code, ClientErrors(self.client_errors), self.timezone),
        }


def seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """`15s`, `5m` in seconds; fails with the rule."""
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}", ctx, param) from error


def positive(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A duration that is longer than nothing."""
    found = seconds(ctx, param, value)
    if found == 0:
        raise click.BadParameter(f"{value!r}: must be longer than 0s", ctx, param)
    return found


def _metric(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", value, re.ASCII):
        raise click.BadParameter("a metric name has letters, digits, '_' and ':', and does not begin with a digit", ctx, param)
    return value


def _codes(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for code in value:
        if not re.fullmatch(r"[1-5][0-9][0-9]", code, re.ASCII):
            raise click.BadParameter(f"{code!r}: an HTTP status code is a number from 100 to 599", ctx, param)
    return value


_OPTIONS = (
    click.option("--counts", is_flag=True, help="A row holds the events since the row before; the default."),
    click.option(
        "--counters", is_flag=True, help="A row holds what counters showed: time and a column a series, or time,series,value."
    ),
    click.option("--probes", is_flag=True, help="A row is a target's new state: time,target,up[,latency_ms][,http_code]."),
    click.option("--route", metavar="R", help="Read this route (or target) alone."),
    click.option(
        "--label", metavar="COLUMN", multiple=True, help="With --counters: this column of numbers is a label, as those of text are."
    ),
    click.option(
        "--accept-code",
        metavar="CODE",
        multiple=True,
        callback=_codes,
        help="With --probes: an answer with this HTTP code is up; may be given several times.",
    ),
    click.option(
        "--client-errors",
        type=click.Choice(["good", "bad", "excluded"]),
        default="good",
        show_default=True,
        help="With --counts: what a column client_errors (4xx, 499 too) holds.",
    ),
    click.option("--timezone", metavar="ZONE", help="Of times that name none, as Europe/Berlin. Default: UTC, with a warning."),
    click.option(
        "--scrape-interval", metavar="D", callback=positive, help="Default: the rows' usual spacing; with --probes of changes 1m."
    ),
    click.option(
        "--phase",
        metavar="D",
        callback=seconds,
        help="Scrapes are taken that much after their row's time. Default: 7s, or half of a scrape interval of at most 7s.",
    ),
    click.option(
        "--total-series",
        metavar="NAME",
        callback=_metric,
        default="http_requests_total",
        show_default=True,
        help="The counter of all requests: with --counts its name in rules, with --counters the one that objectives count.",
    ),
    click.option(
        "--errors-series",
        metavar="NAME",
        callback=_metric,
        default="http_request_errors_total",
        show_default=True,
        help="The counter of failed requests, likewise.",
    ),
)  # fmt: skip


def reading_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as one argument `how`."""

    @functools.wraps(function)
    def gathered(**given: Any) -> None:
        how = How(**{field.name: given.pop(field.name) for field in fields(How)})
        if sum(getattr(how, name) for name in READINGS) > 1:
            raise click.UsageError("a file has one reading: one of --counts, --counters and --probes")
        if how.total_series == how.errors_series:
            raise click.UsageError("--total-series and --errors-series must differ")
        function(how=how, **given)

    for option in reversed(_OPTIONS):
        gathered = option(gathered)
    return gathered
