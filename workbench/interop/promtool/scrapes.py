"""The samples of a stretch as a test holds them: cut out, thinned to a scrape interval, off the evaluation grid.

`promtool` puts the samples of a series at multiples of one `interval`, evaluates at multiples of `evaluation_interval`, and lets
no query hold more than 10,000 samples. A sample on the left edge of a range counts in Prometheus 2 and does not in Prometheus 3,
so no sample may stand on the evaluation grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.alerts.rules import Profile
from workbench.telemetry.series import Array, FloatArray, Series, Telemetry

MOST_SAMPLES = 9000
"""Of one series in one test: below the 10,000 that promtool lets a query hold, with room for its results."""
THINNED = (1, 2, 4, 10, 20, 40, 60, 120, 240)
"""How many scrapes of the run may become one of a test."""
USUAL_OFFSET_S = 7


@dataclass(frozen=True, slots=True)
class Grid:
    """When a test scrapes and evaluates."""

    every: int
    """Scrapes of the run for one of the test."""
    scrape_s: int
    evaluation_s: int
    phase_s: int
    """Scrapes are taken this long after the multiples of `scrape_s`; never 0."""

    @property
    def interval_s(self) -> int:
        """The `interval` of the test: the longest that puts every sample at a multiple of it."""
        return math.gcd(self.scrape_s, self.phase_s)

    def profile(self, prometheus: str) -> Profile:
        """What the engine must be equal to in a test on this grid."""
        return Profile(prometheus, float(self.scrape_s), float(self.evaluation_s), float(self.phase_s))


def grids(profile: Profile, evaluation_s: float) -> tuple[Grid, ...]:
    """The grids that a test may use, finest first; all their times are whole seconds.

    The first keeps every scrape of the run, at its own phase if that is off the evaluation grid. The coarser ones put each scrape
    in the middle of its interval, which keeps `interval` long and the file short, and evaluate no oftener than they scrape.
    """
    found = []
    for every in THINNED:
        scrape_s = profile.scrape_interval_s * every
        if scrape_s < 2 or scrape_s != int(scrape_s):
            continue
        scrape = int(scrape_s)
        evaluation = max(1, math.ceil(evaluation_s), scrape if every > 1 else 0)
        phases = [scrape // 2, USUAL_OFFSET_S % scrape]
        if every == 1 and profile.phase_s == int(profile.phase_s):
            phases.insert(0, int(profile.phase_s) % scrape)
        phase = next((one for one in phases if _off_grid(scrape, one, evaluation)), None)
        if phase is not None:
            found.append(Grid(every, scrape, evaluation, phase))
    return tuple(found)


def _off_grid(scrape_s: int, phase_s: int, evaluation_s: int) -> bool:
    """Whether no k * scrape + phase is a multiple of the evaluation interval."""
    return phase_s % math.gcd(scrape_s, evaluation_s) != 0


def cut(series: Sequence[Series], begin_s: float, end_s: float, profile: Profile, grid: Grid) -> Telemetry:
    """The scrapes in [begin, end], one kept of each `grid.every`; time 0 is `begin_s`.

    The value of a kept scrape is its own; only its time moves, by less than a scrape interval of the test, to where the grid has
    it.
    """
    step_s = profile.scrape_interval_s * grid.every
    shared: dict[int, tuple[Array, FloatArray]] = {}
    out = []
    for one in series:
        if id(one.times) not in shared:
            shared[id(one.times)] = _kept(one.times, begin_s, end_s, step_s, grid)
        chosen, times = shared[id(one.times)]
        if len(chosen):
            out.append(Series(one.key, times, one.values[chosen]))
    return Telemetry.of(out, horizon_s=end_s - begin_s, scrape_interval_s=float(grid.scrape_s))


def _kept(times: FloatArray, begin_s: float, end_s: float, step_s: float, grid: Grid) -> tuple[Array, FloatArray]:
    """Which samples are kept, and when the test has them."""
    first, last = np.searchsorted(times, [begin_s, end_s], "left")
    slots = np.floor((times[first:last] - begin_s) / step_s + 1e-9).astype(np.int64)
    heads = np.append(True, slots[1:] != slots[:-1]) if len(slots) else np.zeros(0, bool)
    at = slots[heads] * grid.scrape_s + grid.phase_s
    return first + np.flatnonzero(heads), at.astype(np.float64)
