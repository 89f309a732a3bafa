"""Recorded histories: a file in, telemetry and what must be known about it out.

Which reading a file needs is said by whoever asks, never guessed: `counts`, `counters`, `probes`. Only text in the exposition
format of Prometheus or OpenMetrics says by itself what it is. Where a file's content contradicts the reading, that is a finding.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from workbench.errors import Problem
from workbench.telemetry import probes
from workbench.telemetry.complaints import Complaints
from workbench.telemetry.counts import counts_history
from workbench.telemetry.csv_table import read_csv
from workbench.telemetry.cumulative import CountersLayout, CountersReading, gathered_from
from workbench.telemetry.gathered import history_of
from workbench.telemetry.instants import TimeForm
from workbench.telemetry.local import in_utc, zone_of
from workbench.telemetry.openmetrics import MAX_TEXT_BYTES, is_metric_text, read_metric_text
from workbench.telemetry.recorded import ERRORS_NAME, REQUESTS_NAME, History, Options, Reading, Request
from workbench.telemetry.rows import Layout as CountsLayout
from workbench.telemetry.rows import Rows, lay_out
from workbench.telemetry.source import Form, look_at
from workbench.telemetry.table import LayOut, Layout, Table

__all__ = ["History", "Options", "Reading", "Request", "read_history"]


def read_history(
    path: Path | str,
    *,
    route: str | None,
    reading: Reading | None = None,
    scrape_interval_s: float | None = None,
    phase_s: float | None = 0.0,
    requests_name: str = REQUESTS_NAME,
    errors_name: str = ERRORS_NAME,
    options: Options | None = None,
) -> History:
    """Read a history from CSV, CSV.gz or Parquet, or from OpenMetrics or Prometheus text.

    Args:
        path: the file; what it is is decided by its first bytes.
        route: read the rows of this route (or target) only.
        reading: what the rows are taken for; None is `counts`, and for text of metrics `counters`, which is all that it can be.
        scrape_interval_s: nominal distance of two rows; None takes the median (probes of changes: a minute).
        phase_s: each scrape was taken that much after its row's time; None takes 7 s, or half of a spacing of at most 7 s.
        requests_name: name of the counter of all requests.
        errors_name: name of the counter of failed requests.
        options: what only some readings ask for.

    Raises:
        BadInput: with everything that is wrong with the file.
    """
    path = Path(path)
    complaints = Complaints(str(path))
    request = Request(route, scrape_interval_s, phase_s, requests_name, errors_name, options or Options())
    form = look_at(path, MAX_TEXT_BYTES)
    if is_metric_text(path, form, complaints):
        return _metric_text(path, form, reading, request, complaints)
    look_at(path)  # anything else is smaller
    match reading or Reading.COUNTS:
        case Reading.COUNTERS:
            counters = CountersReading(request)
            table, columns = _read(path, form, request, complaints, counters.lay_out)
            assert isinstance(columns, CountersLayout)  # noqa: S101 - what `lay_out` returns
            return counters.history(table, columns, path, complaints)
        case Reading.PROBES:
            table, states = _read(path, form, request, complaints, probes.lay_out)
            assert isinstance(states, probes.ProbesLayout)  # noqa: S101 - what `lay_out` returns
            return probes.probes_history(table, states, path, request, complaints)
        case Reading.COUNTS:
            counts = partial(lay_out, client_errors=request.options.client_errors)
            table, layout = _read(path, form, request, complaints, counts)
            assert isinstance(layout, CountsLayout)  # noqa: S101 - what `lay_out` returns
            return counts_history(Rows(layout, table), path, request, complaints)


def _metric_text(path: Path, form: Form, reading: Reading | None, request: Request, complaints: Complaints) -> History:
    if reading not in {None, Reading.COUNTERS}:
        message = "text of metrics holds what counters and gauges showed, so it cannot be read as anything else"
        complaints.fatal(Problem("history/reading", message, found=f"--{reading}", allowed="no reading, or --counters"))
    text = read_metric_text(path, form, complaints)
    kind = "OpenMetrics text, times in seconds" if text.openmetrics else "Prometheus text, times in milliseconds"
    said = f"each line is one sample of a series, cumulative ({kind})"
    return history_of(
        gathered_from(text.samples, TimeForm.ZONED, said, text.findings, request, complaints), path, request, complaints
    )


def _read(path: Path, form: Form, request: Request, complaints: Complaints, lay_out: LayOut) -> tuple[Table, Layout]:
    if form is Form.PARQUET:
        from workbench.telemetry.parquet_table import read_parquet  # noqa: PLC0415 - pyarrow takes a tenth of a second; CSV needs none of it

        table, layout = read_parquet(path, complaints, lay_out)
    else:
        table, layout = read_csv(path, form, complaints, lay_out)
    zone = None if request.options.timezone is None else zone_of(request.options.timezone)  # a misspelt one is told, needed or not
    if zone is not None and table.form is TimeForm.LOCAL:
        return replace(table, time_us=in_utc(table.time_us, zone, table.groups), form=TimeForm.ZONED), layout
    return table, layout
