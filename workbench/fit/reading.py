"""A history from a file to its grid, percentiles and client errors included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import Problem
from workbench.fit.observed import Observed, coarser, observe
from workbench.fit.percentiles import Percentiles, names_percentiles, read_percentiles
from workbench.telemetry.history import read_history
from workbench.telemetry.recorded import ClientErrors, History, Options, Reading


@dataclass(frozen=True, eq=False)
class Recording:
    """One history: as read, and on its grid."""

    file: str
    history: History
    observed: Observed
    findings: tuple[Problem, ...]


def record(path: Path, how: dict[str, Any]) -> Recording:
    """Read a history; `how` are the keyword arguments of `read_history`.

    Raises:
        BadInput: with everything that is wrong with the file.
    """
    history = read_history(path, **how)
    options: Options = how["options"]
    findings = {problem.check for problem in history.findings}
    apart = None
    if "history/client-errors" in findings and options.client_errors is ClientErrors.GOOD:
        apart = read_history(path, **{**how, "options": replace(options, client_errors=ClientErrors.BAD)})
    observed = observe(history, how["requests_name"], how["errors_name"], client_errors=apart)
    if history.reading is Reading.COUNTS and _has_percentiles(history):
        observed = _with_percentiles(observed, read_percentiles(path, options.timezone, how["route"]))
    if history.reading is not Reading.PROBES:
        observed = coarser(observed)
    kept = tuple(
        problem for problem in history.findings if problem.check not in {"history/ignored-columns", "history/client-errors"}
    )
    return Recording(str(path), history, observed, kept)


def _has_percentiles(history: History) -> bool:
    """Whether the columns that the reading ignores are percentiles."""
    ignored = [problem.message for problem in history.findings if problem.check == "history/ignored-columns"]
    return any(names_percentiles(message.partition(": ")[2].replace("'", "").replace(",", " ").split()) for message in ignored)


def _with_percentiles(observed: Observed, found: Percentiles) -> Observed:
    out = np.full((len(observed.routes), len(found.levels), observed.steps), np.nan)
    for index, route in enumerate(observed.routes):
        if route not in found.rows:
            continue
        times, values = found.rows[route]
        at = np.rint((times - observed.start.timestamp()) / observed.step_s).astype(np.int64) - 1
        inside = (at >= 0) & (at < observed.steps)
        out[index][:, at[inside]] = values[inside].T
    return replace(observed, levels=found.levels, percentiles_s=out)
