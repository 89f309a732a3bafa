"""From utilisation to conditions: few levels, so that few different answers are needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from workbench.scenario.schema.components import Component
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import HEALTHY, Condition
from workbench.world.load.acts import NONE, Pressure
from workbench.world.load.stations import Station, Stretch, gamma_shape, in_equilibrium, station, wait_of

HOT = 0.9
"""Utilisation from which a component is followed bin by bin: below it a queue finds its equilibrium within a bin."""
_STEP = 0.2
"""Of -ln(1 - utilisation) between two levels. All bins of a level get the wait of its mean utilisation, so that loads that do not
change have no error and waits on average none."""
_EDGES = -np.expm1(-_STEP * (np.arange(int(-math.log1p(-HOT) / _STEP) + 1) + 0.5))
"""Utilisations at which levels begin, from level 1 on."""
HIGHEST = int(np.searchsorted(_EDGES, HOT, side="right"))
_TOO_LONG = ((16.0, 3.0), (4.0, 8.0))
"""Gamma shape from which on at most 2 in 1,000 wait less than the time limit, if the mean is so many time limits."""
_NOTHING = 2e-3
"""Mean waits below this share of the service time are none."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What of a component, or of a pool of connections, makes it a station."""

    name: str
    concurrency: int
    """Servers of one replica."""
    limit: int | None
    max_wait_s: float | None
    arrivals_cv: float
    variability: float
    """(ca^2 + cs^2) / 2 of Allen and Cunneen: squared coefficients of variation of gaps and of the lognormal service times."""
    timeout_s: float
    """After this time no client waits any more."""

    @classmethod
    def of(cls, name: str, component: Component, timeout_s: float) -> Kind:
        """Of a component with service times."""
        assert component.service is not None  # noqa: S101 - only those are stations
        both = (component.arrivals_cv**2 + math.expm1(component.service.sigma**2)) / 2
        queue, cv = component.queue, float(component.arrivals_cv)
        return cls(name, component.concurrency, queue.limit, queue.max_wait, cv, round(both, 9), timeout_s)

    @classmethod
    def of_pool(cls, name: str, connections: int, timeout_s: float) -> Kind:
        """Of the connections that a caller has to a callee: busy from a call's begin until its answer."""
        return cls(name, connections, None, None, 1.0, 1.0, timeout_s)

    def table(self, servers: int, held_s: float) -> Station:
        """The station with so many servers."""
        patience = None if self.max_wait_s is None else _geometric(self.max_wait_s / held_s)
        return station(servers, self.limit, patience, self.variability)


def levels_of(utilisation: FloatArray) -> Array:
    """Level of each utilisation, int64; all from `HOT` on get the highest."""
    out: Array = np.searchsorted(_EDGES, np.minimum(utilisation, HOT), side="right")
    return out


def begins(level: int) -> float:
    """Utilisation from which a level counts; infinite beyond the highest."""
    return 0.0 if level <= 0 else float(_EDGES[level - 1]) if level <= HIGHEST else math.inf


def middle(level: int) -> float:
    """Utilisation in the middle of a level."""
    return -math.expm1(-_STEP * level)


@lru_cache(maxsize=1024)
def first_level(kind: Kind, servers: int) -> int:
    """The lowest level at which waits are worth saying; below it nobody waits."""
    table = station(servers, kind.limit, None, kind.variability)
    for level in range(HIGHEST + 1):
        there = in_equilibrium(table, middle(level) * servers)
        if there.queued > _NOTHING * max(there.busy, 1e-9) or there.lost > 1e-6:
            return level
    return HIGHEST + 1


@lru_cache(maxsize=8192)
def at_utilisation(kind: Kind, servers: int, utilisation: float, held_s: float, pressure: Pressure) -> Condition:
    """The condition in equilibrium."""
    table = kind.table(servers, held_s)
    there = in_equilibrium(table, utilisation * servers)
    return of_pressure(pressure, *_waits(kind, table, there, held_s, 1.0), there.lost if table.patient else 0.0)


def of_stretch(
    kind: Kind, table: Station, stretch: Stretch, held_s: float, spread: float, shed: float, pressure: Pressure
) -> Condition:
    """The condition during a bin that was followed, rounded to steps of a few percent."""
    shape = _geometric(gamma_shape(stretch.queued, spread), 0.5)
    if table.patient or stretch.lost <= 1e-6:
        waits, wait_s, shape = _waits(kind, table, stretch, held_s, shape)
        lost = stretch.lost if table.patient else 0.0
        for certain, too_long in _TOO_LONG:
            if shape >= certain and wait_s >= too_long * kind.timeout_s:
                # Everybody waits for too long; by how much makes no difference to anybody.
                wait_s, shape = too_long * kind.timeout_s, certain
                break
        return of_pressure(pressure, _rounded(waits, 0.02), _geometric(wait_s), shape, _rounded(1 - (1 - shed) * (1 - lost), 0.01))
    # Which share leaves depends much on the mean wait: it follows from rounded shares and is not rounded itself.
    few = replace(stretch, waits=_rounded(stretch.waits, 0.02), lost=_rounded(stretch.lost, 0.01))
    return of_pressure(pressure, *_waits(kind, table, few, _geometric(held_s), shape), _rounded(shed, 0.01))


def _waits(kind: Kind, table: Station, stretch: Stretch, held_s: float, shape: float) -> tuple[float, float, float]:
    mean_s, shape = wait_of(table, stretch, held_s, shape, kind.max_wait_s)
    return (stretch.waits, mean_s, shape) if mean_s > 0 else (0.0, 0.0, 1.0)


def of_pressure(
    pressure: Pressure, waits: float = 0.0, wait_s: float = 0.0, wait_shape: float = 1.0, refused: float = 0.0
) -> Condition:
    """A condition from what incidents do and what the queue does."""
    if waits == 0 and refused == 0 and (pressure is NONE or pressure == NONE):
        return HEALTHY
    return Condition(waits, wait_s, wait_shape, pressure.slow, refused, pressure.failing, pressure.codes, pressure.hits)


def _rounded(value: float, step: float) -> float:
    return round(round(value / step) * step, 6) if value > step / 4 else round(value, 5)


def _geometric(value: float, step: float = 0.1) -> float:
    if value <= 1e-6:
        return 0.0
    return math.exp(round(math.log(value) / step) * step)
