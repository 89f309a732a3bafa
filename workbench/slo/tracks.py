"""Objectives over time, on a coarse grid: what charts draw."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.telemetry.series import FloatArray


@dataclass(frozen=True, eq=False)
class SloTrack:
    """One objective over time, on the grid of `Tracks.time_s`."""

    slo: str
    budget_remaining: FloatArray
    """Share of the budget left; NaN where nothing is known yet."""
    burn_rate: dict[float, FloatArray]
    """By window in seconds: burn rate over the window that ends at each instant; NaN without events."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """What is drawn: columns on a coarse grid."""

    time_s: FloatArray
    requests_per_s: FloatArray
    """All routes, mean over the step before each instant; NaN where no scrape says."""
    error_ratio: FloatArray
    """Share of 5xx (recorded: errors) over the step before each instant; NaN without requests."""
    slos: tuple[SloTrack, ...]
