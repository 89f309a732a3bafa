"""What components export about themselves: how busy they are, how much waits, how many servers there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workbench.telemetry.series import Array, Series, SeriesKey
from workbench.world.course import Course
from workbench.world.effects import ActiveEffect
from workbench.world.grid import Grid
from workbench.world.load.flow import Flow

_KINDS = ("utilisation", "queue", "servers")
_METRICS = {"utilisation": "component_utilisation_ratio", "queue": "component_queue_length", "servers": "component_servers"}
_POOLS = {
    "utilisation": "connection_pool_utilisation_ratio",
    "queue": "connection_pool_waiting",
    "servers": "connection_pool_connections",
}


class Gauges:
    """A flow that remembers the gauges of every course that was asked of it; stands in the flow's place."""

    def __init__(self, flow: Flow, grid: Grid) -> None:
        self._flow, self._grid = flow, grid
        usual = flow.usual()
        self._usual = {kind: {name: of.astype(np.float32) for name, of in getattr(usual, kind).items()} for kind in _KINDS}
        self._now = {kind: {name: of.copy() for name, of in named.items()} for kind, named in self._usual.items()}

    def usual(self) -> Course:
        """The whole run when nothing goes wrong."""
        return self._flow.usual()

    def course(self, low: int, high: int, effects: Sequence[ActiveEffect]) -> Course:
        """The flow's course of bins [low, high)."""
        found = self._flow.course(low, high, effects)
        for kind, named in self._now.items():
            told = getattr(found, kind)
            for name, values in named.items():
                values[low:high] = told[name] if name in told else self._usual[kind][name][low:high]
        return found

    def forget(self, first: int) -> None:
        """Bins from `first` on will be asked for again."""
        self._flow.forget(first)

    @property
    def utilisation(self) -> Mapping[str, Array]:
        """Busy share of the servers of every component that takes time, `[bins]`, float32; pools are left out."""
        return {name: values for name, values in self._now["utilisation"].items() if " -> " not in name}

    def series(self) -> Iterator[Series]:
        """One series for each component and gauge, and for each pool of connections."""
        for kind in _KINDS:
            for name, values in sorted(self._now[kind].items()):
                caller, arrow, callee = name.partition(" -> ")
                key = (
                    SeriesKey.of(_POOLS[kind], caller=caller, component=callee)
                    if arrow
                    else SeriesKey.of(_METRICS[kind], component=name)
                )
                yield Series(key, self._grid.times, values)
