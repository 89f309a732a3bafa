"""What components use of their machines: processors, memory, storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from workbench.scenario.schema.components import Resources
from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray, Series, SeriesKey
from workbench.world.platform.slots import Slots

_MONTH_S = 30 * 86_400.0


def resource_series(
    world: World,
    slots: Slots,
    rates: FloatArray,
    utilisation: Mapping[str, FloatArray],
    memory_taken: Mapping[str, FloatArray] | None = None,
) -> Iterator[Series]:
    """Gauges of each component whose `resources` are stated, shares of what it has, 0..1.

    Args:
        world: Its components.
        slots: When they are scraped.
        rates: Requests a second of each bin, `[bins]`; storage grows with them.
        utilisation: Busy share of each component's servers in each bin, `[bins]`; without it the processor gauge is left out.
        memory_taken: Share of memory that failures take of a component in each bin, `[bins]`.
    """
    for name, component in sorted(world.components.items()):
        resources = component.resources
        if resources is None:
            continue
        labels = {"component": name}
        busy = utilisation.get(name)
        load = np.zeros(len(slots)) if busy is None else slots.means(busy)
        if busy is not None:
            yield Series(SeriesKey.of("component_cpu_utilization_ratio", labels), slots.times, load)
        taken = memory_taken.get(name) if memory_taken is not None else None
        memory = memory_used(resources, load) + (slots.means(taken) if taken is not None else 0.0)
        yield Series(SeriesKey.of("component_memory_utilization_ratio", labels), slots.times, np.minimum(memory, 1.0))
        yield Series(
            SeriesKey.of("component_storage_utilization_ratio", labels), slots.times, storage_used(resources, slots, rates)
        )


def memory_used(resources: Resources, load: FloatArray) -> FloatArray:
    """Share of memory at a utilisation 0..1: linear from the base to that at full load."""
    base, full = float(resources.memory_base), float(resources.memory_at_full_load)
    return base + (full - base) * load


def storage_used(resources: Resources, slots: Slots, rates: FloatArray) -> FloatArray:
    """Share of storage: what was used grows by `storage_growth` in 30 days at mean traffic, faster while there is more."""
    busy = np.cumsum(slots.means(rates) / float(rates.mean()) * slots.lengths_s)
    used = float(resources.storage_used) * (1 + float(resources.storage_growth)) ** (busy / _MONTH_S)
    out: FloatArray = np.minimum(used, 1.0)
    return out
