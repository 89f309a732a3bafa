"""From utilisation to conditions: few levels, so that few different answers are needed."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from workbench.scenario.schema.components import Component
from workbench.telemetry.series import Array, FloatArray
from workbench.world.course import HEALTHY, Condition
from workbench.world.load.acts import NONE, Pressure
from workbench.world.load.stations import Station, Stretch, station

WARM = 0.75
"""The same in worlds whose callers give up or try again: there waits change how many calls come."""
HOT = 0.9
"""Utilisation from which a component is followed bin by bin: below it a queue finds its equilibrium within a bin."""
_STEP = 0.2
"""Of -ln(1 - utilisation) between two levels. All bins of a level get the wait of its mean utilisation, so that loads that do not
change have no error and waits on average none."""
_NOTHING = 2e-3
"""Mean waits below this share of the service time are none."""


def variability(component: Component) -> float:
    """(ca^2 + cs^2) / 2 of Allen and Cunneen: squared coefficients of variation of gaps and of the lognormal service times."""
    if component.service is None:
        return 1.0
    return (component.arrivals_cv**2 + math.expm1(component.service.sigma**2)) / 2


def table(component: Component, servers: int) -> Station:
    """The component's station with so many servers."""
    return station(servers, component.queue.limit, variability(component))


def levels_of(utilisation: FloatArray) -> Array:
    """Level of each utilisation below `HOT`, int64; hotter ones get the highest."""
    out: Array = np.rint(-np.log1p(-np.minimum(utilisation, HOT)) / _STEP).astype(np.int64)
    return out


@lru_cache(maxsize=1024)
def first_level(component: Component, servers: int) -> int:
    """The lowest level at which waits are worth saying; below it nobody waits."""
    kind = table(component, servers)
    for level in range(int(levels_of(np.array([HOT]))[0]) + 1):
        utilisation = -math.expm1(-_STEP * level)
        offered = utilisation * servers
        if float(np.interp(offered, kind.offered, kind.queued)) > _NOTHING * max(offered, 1e-9):
            return level
        if float(np.interp(offered, kind.offered, kind.blocked)) > 1e-6:
            return level
    return int(levels_of(np.array([HOT]))[0]) + 1


@lru_cache(maxsize=8192)
def at_utilisation(component: Component, servers: int, utilisation: float, held_s: float, pressure: Pressure) -> Condition:
    """The condition in equilibrium."""
    kind = table(component, servers)
    offered = utilisation * servers
    busy = float(np.interp(offered, kind.offered, kind.busy))
    waits = float(np.interp(offered, kind.offered, kind.waits))
    queued = float(np.interp(offered, kind.offered, kind.queued))
    blocked = float(np.interp(offered, kind.offered, kind.blocked))
    wait_s = queued * held_s / max(waits * busy, 1e-300) if queued > 0 else 0.0
    return of_pressure(pressure, waits, wait_s, 1.0, blocked)


def middle(level: int) -> float:
    """Utilisation in the middle of a level."""
    return -math.expm1(-_STEP * level)


def of_stretch(stretch: Stretch, refused: float, shape: float, pressure: Pressure) -> Condition:
    """The condition during a bin that was followed, rounded to steps of a few percent."""
    return of_pressure(
        pressure,
        _rounded(stretch.waits, 0.02),
        _geometric(stretch.wait_s),
        64.0 if stretch.saturated else _geometric(shape, 0.25),
        _rounded(refused, 0.01),
    )


def of_pressure(
    pressure: Pressure, waits: float = 0.0, wait_s: float = 0.0, wait_shape: float = 1.0, refused: float = 0.0
) -> Condition:
    """A condition from what incidents do and what the queue does."""
    if pressure == NONE and waits == 0 and refused == 0:
        return HEALTHY
    return Condition(waits, wait_s, wait_shape, pressure.slow, refused, pressure.failing, pressure.codes, pressure.hits)


def _rounded(value: float, step: float) -> float:
    return round(round(value / step) * step, 6) if value > step / 4 else round(value, 5)


def _geometric(value: float, step: float = 0.05) -> float:
    if value <= 1e-6:
        return 0.0
    return math.exp(round(math.log(value) / step) * step)
