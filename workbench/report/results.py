"""A result folder read back: everything that an engine needs to answer questions about the run that wrote it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.alerts.rules import AlertRule, Episode, Profile, RecordingRule, Rule, RuleGroup, sorted_pairs
from workbench.errors import BadInput, CouldNotRun, Problem
from workbench.report.folder import MARKER
from workbench.report.tables import OUTCOME_VERSION
from workbench.telemetry.series import FloatArray, Series, SeriesKey, Telemetry
from workbench.telemetry.series_text import parse_series
from workbench.world.truth import Incident

TABLES = ("telemetry.parquet", "histograms.parquet")
"""Every series is in the first; buckets that were not kept at every scrape are in the second."""

Wanted = Callable[[SeriesKey], bool]


@dataclass(frozen=True, eq=False)
class Results:
    """What a run or a replay left in its folder."""

    folder: Path
    name: str
    start: dt.datetime
    horizon_s: float
    profile: Profile
    rules: tuple[RuleGroup, ...]
    episodes: tuple[Episode, ...]
    incidents: tuple[Incident, ...] | None
    """By start; None where nothing is known."""

    def telemetry(self, wanted: Wanted) -> Telemetry:
        """The series whose key is wanted, as they were: times, values, types, stale markers, gaps."""
        series = read_series(self.folder, wanted)
        return Telemetry.of(series, horizon_s=self.horizon_s, scrape_interval_s=self.profile.scrape_interval_s)


def read_results(folder: Path) -> Results:
    """Read a folder that `run --out` or `replay --out` wrote; raises BadInput if it is none, or was written by another version."""
    file = folder / MARKER
    if not file.is_file():
        message = f"this is no result folder: it has no {MARKER}"
        raise BadInput(Problem("results/folder", message, file=str(folder), allowed="the folder of `run --out` or `replay --out`"))
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        version = document.get("apiVersion") if isinstance(document, dict) else None
        if version != OUTCOME_VERSION:
            raise BadInput(
                Problem("results/version", "another format", file=str(file), found=str(version), allowed=OUTCOME_VERSION)
            )
        return _results(folder, document)
    except (KeyError, TypeError, ValueError) as error:
        message = f"the file is not as it was written ({type(error).__name__}: {error})"
        raise BadInput(Problem("results/content", message, file=str(file))) from error


def read_series(folder: Path, wanted: Wanted) -> Iterator[Series]:
    """The wanted series of a folder, those with the same scrapes sharing one array of times."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415 - slow to import

    seen: set[SeriesKey] = set()
    for name in TABLES:
        try:
            file = pq.ParquetFile(folder / name)
            columns = file.schema_arrow.names
            keys = {column: parse_series(column) for column in columns[1:]}
            chosen = [column for column, key in keys.items() if key not in seen and wanted(key)]
            table = file.read(columns=[columns[0], *chosen])
        except (OSError, pa.ArrowException, ValueError) as error:
            raise CouldNotRun(f"cannot read {folder / name}: {error}") from error
        yield from _of_table(table, {column: keys[column] for column in chosen})
        seen.update(keys[column] for column in chosen)


def _of_table(table: Any, keys: dict[str, SeriesKey]) -> Iterator[Series]:
    grid: FloatArray = table.column(0).to_numpy()
    shared: dict[bytes, FloatArray] = {}
    for column, key in keys.items():
        array = table.column(column).combine_chunks()
        if not array.null_count:
            yield Series(key, grid, array.to_numpy())
            continue
        here: npt.NDArray[np.bool_] = array.is_valid().to_numpy(zero_copy_only=False)
        times = shared.setdefault(here.tobytes(), grid[here])
        if len(times):
            yield Series(key, times, array.drop_null().to_numpy())


def _results(folder: Path, document: dict[str, Any]) -> Results:
    truth = document["truth"]
    return Results(
        folder=folder,
        name=document["name"],
        start=dt.datetime.fromisoformat(document["start"]),
        horizon_s=float(document["horizon_s"]),
        profile=Profile(**document["profile"]),
        rules=tuple(_group(group) for group in document["rules"]),
        episodes=tuple(_episode(episode) for episode in document["episodes"]),
        incidents=None if truth is None else tuple(_incident(incident) for incident in truth["incidents"]),
    )


def _group(group: dict[str, Any]) -> RuleGroup:
    return RuleGroup(**{**group, "rules": tuple(_rule(rule) for rule in group["rules"]), "labels": sorted_pairs(group["labels"])})


def _rule(rule: dict[str, Any]) -> Rule:
    labels = sorted_pairs(rule["labels"])
    if "record" in rule:
        return RecordingRule(**{**rule, "labels": labels})
    return AlertRule(**{**rule, "labels": labels, "annotations": sorted_pairs(rule["annotations"])})


def _episode(episode: dict[str, Any]) -> Episode:
    return Episode(**{**episode, "labels": sorted_pairs(episode["labels"])})


def _incident(incident: dict[str, Any]) -> Incident:
    return Incident(**{**incident, "routes": _texts(incident["routes"]), "tiers": _texts(incident["tiers"])})


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)
