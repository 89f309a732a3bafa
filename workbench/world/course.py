"""The contract between load and telemetry: in which condition each component is, how requests fare then, and when.

`load` says for every bin in which `Condition` each component is. `network` turns conditions into an `Answer` of each
route: how its requests are spread over latency classes and codes. A `Course` says which answer holds in which bin; counts are drawn
from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.telemetry.series import Array, FloatArray


@dataclass(frozen=True, slots=True)
class Condition:
    """How one component treats the calls that reach it during a bin. The default is an idle, healthy component.

    Values are rounded by whoever makes them (about 2 % steps), so that few different ones occur and answers can be kept.
    """

    waits: float = 0.0
    """Share of calls that must wait for a server."""
    wait_s: float = 0.0
    """Mean wait of those that wait."""
    wait_shape: float = 1.0
    """Gamma shape of their wait: 1 is the exponential of M/M/c; larger when a long queue is worked off."""
    slow: float = 1.0
    """Factor on service times."""
    refused: float = 0.0
    """Share of calls refused at the door at once: queue full, or shed; answered by the component's queue or shedding code."""
    failing: float = 0.0
    """Share of the calls worked on that fail, beside the component's usual `errors`."""
    codes: tuple[tuple[str, float], ...] = ()
    """How those are answered; shares add up to 1."""
    hits: float = 1.0
    """Factor on the hit rates of caches kept in this component."""


HEALTHY = Condition()


@dataclass(frozen=True)
class RouteCondition:
    """Everything that decides how the requests of one route (and one cell) fare."""

    components: tuple[tuple[str, Condition], ...] = ()
    """Components of the route that are not `HEALTHY`, sorted by name."""
    open_breakers: tuple[tuple[str, str], ...] = ()
    """(caller, callee) of open breakers, sorted; the caller is a component's name or the route's path."""
    failing: float = 0.0
    """Share of the route's requests that fail whatever the components do."""
    codes: tuple[tuple[str, float], ...] = ()
    slow: float = 1.0
    """Factor on the route's own latency."""


@dataclass(frozen=True)
class Answer:
    """How the requests of a route fare in one condition."""

    marks: FloatArray
    """Probability of each class row of the route's layout, `[class_rows]`, adding up to 1: good answers by latency class, other
    answers by code."""
    body: FloatArray
    """How class 0 splits into the buckets below its bound, `[len(body_bounds) + 1]`, adding up to 1."""
    class_means_s: FloatArray
    """Mean latency inside each class of good answers, seconds, `[classes.count]`."""
    other_means_s: FloatArray
    """Mean latency of each other code, seconds, `[len(others)]`."""
    other_classes: Array
    """Latency class into which answers of each other code fall, spread `[len(others), classes.count]`, rows adding up to 1."""
    visits: Mapping[str, float]
    """Calls that reach each component for one request, retries of callers included."""
    failing: float
    """Share of requests that a client sees fail (5xx, time-outs) and might try again."""
    mean_s: float
    """Mean time that a client waits for its answer."""


@dataclass(frozen=True)
class RouteCourse:
    """One route over a range of bins."""

    which: Array
    """Index into `answers`, `[cells, bins]`, int32."""
    requests: FloatArray
    """Expected requests of each bin, retries included and closed-loop waiting taken off, `[cells, bins]`."""
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Course:
    """The world's load over bins [low, high)."""

    low: int
    high: int
    routes: Mapping[str, RouteCourse]
    utilisation: Mapping[str, FloatArray] = field(default_factory=dict)
    """Busy share of each component's servers, `[bins]`."""
    queue: Mapping[str, FloatArray] = field(default_factory=dict)
    """Expected calls waiting at each component, `[bins]`."""
    servers: Mapping[str, Array] = field(default_factory=dict)
    """Servers of each component, `[bins]`."""


def differs(course: RouteCourse, usual: RouteCourse, low: int, high: int) -> Array:
    """Bins of [low, high) in which a route does not fare as usual, `[bins]` booleans; `course` begins at bin `low`."""
    number = {id(answer): index for index, answer in enumerate(usual.answers)}
    known = np.array([number.get(id(answer), -1) for answer in course.answers], dtype=np.int32)
    other = known.take(course.which) != usual.which[:, low:high]
    other |= course.requests != usual.requests[:, low:high]
    out: Array = other.any(axis=0)
    return out
