"""One scenario over many seeds: metrics of every run, and their means with intervals.

The interval is Student's t over seeds: runs of different seeds are independent, so `mean +- t(n - 1) x s / sqrt(n)` covers the
expected value with the stated confidence as far as the mean is near normal (few seeds of a very skewed metric are not).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Protocol

from scipy.special import stdtrit

from workbench.scenario.model import Scenario

if TYPE_CHECKING:
    import pandas as pd

Metrics = Mapping[str, float | None]
"""Values by name; None is unknown."""
Run = Callable[[Scenario], Metrics]
"""One run and what it came to. A top-level function where an executor sends it to another process."""


class Executor(Protocol):
    """What is needed of `concurrent.futures.Executor`; a Dask client offers it too."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Start a call somewhere."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A metric over seeds."""

    metric: str
    n: int
    """Runs in which it was known."""
    unknown: int
    """Runs in which it was not; they are in no other figure."""
    mean: float | None
    low: float | None
    """Ends of the interval; None with fewer than two runs."""
    high: float | None


@dataclass(frozen=True, slots=True)
class Repetition:
    """The metrics of one scenario over seeds."""

    scenario: str
    seeds: tuple[int, ...]
    """As asked for; the order of `runs`."""
    runs: tuple[Metrics, ...]
    means: tuple[Mean, ...]
    """By metric, in the order in which the runs name them."""
    confidence: float
    method: str = "Student's t over independent seeds"

    def frame(self) -> pd.DataFrame:
        """Tidy: one row a seed and metric, columns `seed`, `metric`, `value` (NaN is unknown)."""
        import pandas as pd  # noqa: PLC0415 - only where a frame is asked for

        rows = [(seed, name, value) for seed, run in zip(self.seeds, self.runs, strict=True) for name, value in run.items()]
        frame = pd.DataFrame(rows, columns=["seed", "metric", "value"])
        return frame.astype({"value": "float64"})


def repeat(
    scenario: Scenario, seeds: Iterable[int], run: Run, *, executor: Executor | None = None, confidence: float = 0.95
) -> Repetition:
    """Run a scenario once for each seed.

    Results stand in the order of the seeds, whichever worker finished first, so the value is the same for every executor.

    Args:
        scenario: Its own seed is replaced.
        seeds: At least one, all different.
        run: Makes one run and returns its metrics.
        executor: Where to run; None runs here, one after the other.
        confidence: Of the intervals, between 0 and 1.

    Raises:
        ValueError: No seeds, a seed twice, or a confidence outside 0..1; whatever `run` raises is raised here.
    """
    wanted = tuple(seeds)
    if not wanted:
        raise ValueError("at least one seed is needed")
    if len(set(wanted)) != len(wanted):
        raise ValueError("every seed must be different: a month counted twice narrows the interval for nothing")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1 (got {confidence!r})")
    scenarios = [replace(scenario, seed=seed) for seed in wanted]
    if executor is None:
        runs = tuple(run(one) for one in scenarios)
    else:
        pending = [executor.submit(run, one) for one in scenarios]
        runs = tuple(future.result() for future in pending)
    names = dict.fromkeys(name for one in runs for name in one)
    return Repetition(
        scenario=scenario.name,
        seeds=wanted,
        runs=runs,
        means=tuple(mean_of(name, [one.get(name) for one in runs], confidence) for name in names),
        confidence=confidence,
    )


def mean_of(metric: str, values: Sequence[float | None], confidence: float = 0.95) -> Mean:
    """Mean and t interval of the known values."""
    known = [value for value in values if value is not None]
    n = len(known)
    if n == 0:
        return Mean(metric, 0, len(values), None, None, None)
    mean = fmean(known)
    if n == 1:
        return Mean(metric, 1, len(values) - 1, mean, None, None)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * stdev(known) / math.sqrt(n)
    return Mean(metric, n, len(values) - n, mean, mean - half, mean + half)
