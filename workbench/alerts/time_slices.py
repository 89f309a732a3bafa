"""Objectives whose budget counts slices of time: a recording of whether the last slice was bad, and its average as error ratio.

    slo:slice_bad:bool1m = <error ratio over 1m> > bool 0.01, or 0 where there are no events
    error ratio over 1h  = avg_over_time(slo:slice_bad:bool1m[1h])

The rules of such an objective are evaluated once a slice: with an interval of `length` each evaluation looks at the slice since
the one before it, and the average over a window is the share of bad slices in it. Evaluated more often the slices would overlap,
and ten bad seconds would count as a bad minute several times.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.alerts.numbers import number_text
from workbench.alerts.rules import RecordingRule
from workbench.alerts.sli import Sli, window_text
from workbench.scenario.schema.policy import TimeSlices


@dataclass(frozen=True, slots=True)
class SlicedSli:
    """The share of bad slices over a window, in place of the share of bad events."""

    slo: str
    slices: TimeSlices
    events: Sli
    """Whose events decide whether a slice is good."""

    @property
    def record(self) -> str:
        """Name of the recording: `slo:slice_bad:bool1m`."""
        return f"slo:slice_bad:bool{window_text(self.slices.length)}"

    def recording(self) -> RecordingRule:
        """1 where the slice that ends with the evaluation is bad, 0 where it is good or has no events."""
        length = self.slices.length
        bad = f"{self.events.ratio_over(length)} > bool {number_text(1 - self.slices.target)}"
        # No series of errors yet: without the second part the first bad slice would be the only one, and the average 1.
        total = self.events.total_over(length)
        expr = f"({bad}) or 0 * {total}" if total else bad
        return RecordingRule(self.record, expr, (("slo", self.slo),))

    def ratio_over(self, window_s: float) -> str:
        """The share of bad slices over a window."""
        return f'avg_over_time({self.record}{{slo="{self.slo}"}}[{window_text(window_s)}])'

    def events_over(self, window_s: float) -> str | None:
        """How many events (not slices) lie in a window."""
        return self.events.events_over(window_s)

    def failures_over(self, window_s: float) -> str | None:
        """How many bad events (not slices) lie in a window."""
        return self.events.failures_over(window_s)
