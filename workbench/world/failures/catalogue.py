"""The page that describes the failure library, from the modes themselves; `docs/generate.py` writes it."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.scenario.schema.failures import WeeklyProfile
from workbench.units import format_duration
from workbench.world.failures.mode import REGION_SHARE, Duration, Mode, Radius
from workbench.world.failures.registry import Known, all_modes
from workbench.world.impact import Shape

BY = "<!-- Written by docs/generate.py (`make docs`); edit the mode in workbench/world/failures/modes instead. -->"
INTRODUCTION = """\
A world takes a mode from this library by its name, says whom it hits and how often, and may state any strength to change it;
[failures.md](failures.md) explains the fields.

```yaml
failure_modes:
  cache-restart: {library: cache-flush, component: cache, every: 15d, cache_hits: 20%}
incidents:
  - day 12, 14:05, partial outage of database for 10 min
```

Half of the incidents of a mode are at least as strong as the table says; `spread` is the standard deviation of the logarithm of
the strength. Durations are lognormal: the median, and the standard deviation of the logarithm."""
_RADII: dict[Radius, str] = {
    "component": "the components that are named; it must name some",
    "routes": "the components or routes that are named; all requests where none is",
    "region": "all components at once, and the requests of all routes",
    "platform": "no user; what the platform measures",
}


def page() -> str:
    """The whole page."""
    modes = all_modes()
    rows = ["| mode | what it does | shape | natural duration |", "|---|---|---|---|"]
    rows += [
        f"| [{known.name}](#{known.name}) | {effect_words(known.mode)} | {known.mode.shape.kind} | {_law(known.mode.duration)} |"
        for known in modes.values()
    ]
    parts = ["# Failure modes", BY, INTRODUCTION, "\n".join(rows)]
    for known in modes.values():
        parts += [*_section(known)]
    return "\n\n".join(parts) + "\n"


def effect_words(mode: Mode) -> str:
    """`errors 5 %, latency x 2`, and on which share of the hosts."""
    acts = ", ".join(str(act) for act in mode.acts)
    hosts = REGION_SHARE if mode.radius == "region" else mode.hosts
    return acts if hosts == 1 else f"{acts}, on {hosts * 100:.3g} % of the hosts"


def _section(known: Known) -> Iterator[str]:
    mode = known.mode
    yield f"## {known.name}"
    yield known.documentation
    facts = (
        ("onset", mode.onset + (f" {_week(mode.weekly)}" if mode.weekly else "")),
        ("shape", _shape(mode.shape)),
        ("blast radius", _RADII[mode.radius] + _hosts(mode)),
        ("natural duration", _law(mode.duration) + (", then a restart" if mode.restarts else "")),
        ("effect", effect_words(mode)),
        ("spread", f"{mode.spread:g}"),
        ("moves", ", ".join(mode.moves)),
    )
    yield "\n".join(["| | |", "|---|---|", *(f"| {name} | {text} |" for name, text in facts)])
    rows = [f"| `{name}` | {meaning} |" for name, meaning in mode.parameters.items()]
    yield "\n".join(["| parameter | meaning here |", "|---|---|", *rows])


def _hosts(mode: Mode) -> str:
    if mode.radius == "region":
        return f"; {REGION_SHARE * 100:.3g} % of the hosts, or those of the region that is named"
    return f"; {mode.hosts * 100:.3g} % of the hosts" if mode.hosts < 1 else ""


def _law(duration: Duration) -> str:
    return f"median {format_duration(duration.median_s)}, sigma {duration.sigma:g}"


def _shape(shape: Shape) -> str:
    match shape.kind:
        case "ramp":
            return f"ramp: full after {format_duration(shape.rise_s)}" if shape.rise_s else "ramp: grows over the whole duration"
        case "spike":
            return f"spike: full at onset, falls to 37 % every {format_duration(shape.rise_s)}"
        case "flapping":
            return f"flapping: {shape.duty * 100:g} % of every {format_duration(shape.period_s)}"
        case "intermittent":
            return (
                f"intermittent: at random {shape.duty * 100:g} % of the time, {format_duration(shape.period_s)} a cycle on average"
            )
        case _:
            return "step: full from onset to end"


def _week(weekly: WeeklyProfile) -> str:
    quiet, busy = min(weekly.hours), max(weekly.hours)
    at = [hour for hour in range(24) if weekly.hours[hour] == busy]
    often = "only" if quiet == 0 else f"{busy / quiet:g} times as often"
    return f"By default {often} in the hours that begin at {', '.join(f'{hour:02d}' for hour in at)}."
