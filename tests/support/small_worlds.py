"""Worlds small enough to know by formula what they must do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workbench.scenario.schema.world import World
from workbench.telemetry.series import FloatArray
from workbench.world.each.draws import Law
from workbench.world.impact import Act, Impact, Shape
from workbench.world.plan import PlannedIncident

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def small_world(
    components: Mapping[str, Any],
    calls: Sequence[Any],
    rps: float,
    *,
    latency: str = "1ms",
    codes: Mapping[str, str] | None = None,
    tiers: Mapping[str, str] | None = None,
    traffic: Mapping[str, Any] | None = None,
    bounds: Sequence[str] = ("5ms", "10ms", "25ms", "50ms", "100ms", "250ms", "500ms", "1s", "2s", "5s", "10s"),
) -> World:
    """One route `/` with constant traffic, whose own latency is always `latency`; nothing fails or is deployed by itself."""
    document = {
        "apiVersion": "workbench/v1",
        "kind": "World",
        "name": "small",
        "tiers": {name: {"users": 1, "traffic_share": share} for name, share in (tiers or {"all": "100%"}).items()},
        "components": dict(components),
        "traffic": {
            "mean_rps": rps,
            "capacity_rps": 10 * rps,
            "hours": [1] * 24,
            "weekdays": dict.fromkeys(DAYS, 1),
            **(traffic or {}),
        },
        "routes": {
            "/": {"share": "100%", "calls": list(calls), "latency": {"median": latency, "sigma": 0}, "codes": dict(codes or {})}
        },
        "histogram": {"bounds": list(bounds)},
        "delivery": {
            "per_working_day": 0,
            "components": {},
            "change_failure_rate": "0%",
            "failure": {"kind": "errors", "ratio_median": "1%", "codes": {"500": "100%"}},
            "failure_duration": {"median": "1h", "sigma": 1},
        },
        "people": {"acknowledge": {"median": "1m", "sigma": 1}, "mitigate": {"median": "1m", "sigma": 1}},
    }
    return World.model_validate(document)


def served(median: str = "100ms", sigma: float = 0.0, servers: int = 1, **more: Any) -> dict[str, Any]:
    """A component with servers."""
    return {"service": {"median": median, "sigma": sigma}, "concurrency": servers, **more}


def exponential(mean_s: float) -> Law:
    """Exponential service times."""

    def draw(rng: np.random.Generator, count: int) -> FloatArray:
        return rng.exponential(mean_s, count)

    return draw


def incident(
    act: Act, start_s: float, end_s: float, component: str | None = "api", tiers: tuple[str, ...] = ("all",)
) -> PlannedIncident:
    """One incident of the route `/`."""
    return PlannedIncident(
        id="it",
        mode="scripted",
        components=(component,) if component else (),
        cause="failure",
        routes=("/",),
        tiers=tiers,
        start_s=start_s,
        natural_end_s=end_s,
        impact=Impact((act,), Shape()),
    )
