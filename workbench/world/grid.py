"""The scrape grid: when samples are taken, and which requests each of them counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.telemetry.series import FloatArray


@dataclass(frozen=True)
class Grid:
    """Scrapes at `phase_s + k * step_s`, as long as they fall within the horizon.

    Bin `k` holds what happens in (time[k-1], time[k]]; bin 0 begins at second 0 and is as short as the phase. What happens
    after the last scrape is never seen, as in production.
    """

    step_s: float
    phase_s: float
    horizon_s: float

    @cached_property
    def times(self) -> FloatArray:
        """Scrape times in seconds, `[bins]`."""
        count = math.floor((self.horizon_s - self.phase_s) / self.step_s + 1e-9) + 1
        return self.phase_s + self.step_s * np.arange(count, dtype=np.float64)

    @cached_property
    def widths_s(self) -> FloatArray:
        """Length of each bin in seconds, `[bins]`."""
        widths = np.full(len(self), self.step_s)
        widths[0] = self.phase_s
        return widths

    @cached_property
    def middles_s(self) -> FloatArray:
        """Middle of each bin in seconds, `[bins]`."""
        return self.times - self.widths_s / 2

    def __len__(self) -> int:
        """Number of scrapes."""
        return len(self.times)

    def scraped_by(self, time_s: float) -> int:
        """How many scrapes have happened at `time_s` (a scrape at that very instant has)."""
        return max(0, min(len(self), math.floor((time_s - self.phase_s) / self.step_s + 1e-9) + 1))

    def first_bin_from(self, time_s: float) -> int:
        """The first bin that begins at or after `time_s`; may be one past the last."""
        if time_s <= 0:
            return 0
        return min(len(self), math.ceil((time_s - self.phase_s) / self.step_s - 1e-9) + 1)

    def start_of(self, index: int) -> float:
        """Where bin `index` begins; for one past the last bin, the last scrape."""
        return 0.0 if index <= 0 else float(self.times[min(index, len(self)) - 1])

    def nearest_edge(self, time_s: float) -> float:
        """The bin edge nearest to `time_s`: effects begin and end on edges, so that truth and telemetry agree to the request."""
        if time_s < self.phase_s / 2:
            return 0.0
        index = max(0, round((time_s - self.phase_s) / self.step_s))
        return float(min(self.phase_s + index * self.step_s, self.times[-1]))
