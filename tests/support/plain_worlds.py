"""Worlds of a few components, for tests that know what must come out."""

from workbench.scenario.schema.world import World

_REST = {
    "apiVersion": "workbench/v1",
    "kind": "World",
    "name": "small",
    "tiers": {"all": {"users": 100, "traffic_share": "100%"}},
    "histogram": {"bounds": ["5ms", "10ms", "25ms", "50ms", "100ms", "250ms", "500ms", "1s", "2s", "5s", "10s", "30s"]},
    "delivery": {
        "per_working_day": 0.0,
        "components": {},
        "change_failure_rate": "0%",
        "failure": {"kind": "errors", "ratio_median": "1%", "codes": {"500": "100%"}},
        "failure_duration": {"median": "1h", "sigma": 0.5},
    },
    "people": {"acknowledge": {"median": "3m", "sigma": 0.5}, "mitigate": {"median": "10m", "sigma": 0.5}},
}


def small_world(components, calls, *, rps=10.0, traffic=None, tiers=None, **route):
    """One route, `/`, that makes `calls` to `components`; constant traffic."""
    world = {
        **_REST,
        "components": components,
        "routes": {"/": {"share": "100%", "calls": calls, "codes": {}, **route}},
        "traffic": {
            "mean_rps": rps,
            "capacity_rps": 2 * rps,
            "hours": [1] * 24,
            "weekdays": dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1),
            **(traffic or {}),
        },
    }
    if tiers is not None:
        world["tiers"] = tiers
    return World.model_validate(world)
