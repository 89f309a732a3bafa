"""What a failure does and how much of it, whom it hits, and how its strength runs: shared by all ways to state a failure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from workbench.scenario.schema.base import (
    FACTOR_PATTERN,
    Document,
    Lognormal,
    Name,
    Number,
    PositiveDuration,
    Share,
    StatusCode,
    broken_rule,
)
from workbench.scenario.schema.traffic import RoutePath
from workbench.units import format_share

LibraryMode = Literal[
    "bad-configuration", "bad-deploy", "cache-flush", "certificate-expiry", "credential-stuffing", "data-corruption",
    "dependency-outage", "error-ratio", "failed-backup", "latency", "maintenance-overrun", "monitoring-gap", "noisy-neighbour",
    "partial-outage", "regional-failure", "retry-storm", "saturation", "slow-leak", "thundering-herd", "total-outage",
]  # fmt: skip
"""Names of the failure library; docs/failure-modes.md describes each."""
NEEDS_COMPONENT: frozenset[LibraryMode] = frozenset(
    {"cache-flush", "dependency-outage", "noisy-neighbour", "saturation", "slow-leak"}
)
"""Modes that act on components and on nothing else; all others touch the whole system where nothing is named."""

BREAKS: frozenset[LibraryMode] = frozenset({"certificate-expiry", "data-corruption", "failed-backup"})
"""Modes that break what the platform measures."""

_FACTOR = re.compile(r"x? ?([0-9]{1,6}(?:\.[0-9]{1,6})?)", re.ASCII)


def _factor(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = _FACTOR.fullmatch(value)
    if match is None:
        raise ValueError("a factor is a number, or written x3")
    return float(match[1])


Factor = Annotated[
    Number,
    Field(ge=1, le=1000),
    BeforeValidator(_factor),
    PlainSerializer(lambda value: f"x{value:g}", return_type=str, when_used="json"),
    WithJsonSchema({"type": ["number", "string"], "minimum": 1, "maximum": 1000, "pattern": FACTOR_PATTERN}),
]
"""`x3` or 3."""

DurationClass = Literal["blip", "announced", "provider"]
DURATIONS: dict[DurationClass, Lognormal] = {
    "blip": Lognormal(median="5m", sigma=0.9),
    "announced": Lognormal(median="60m", sigma=1.1),
    "provider": Lognormal(median="120m", sigma=1.6),
}
"""Natural durations by kind of incident: what probes see, what a status page announces, what a cloud provider reports. Lognormal
fits to public incident lists; docs/failures.md has the numbers."""


def _duration_class(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in DURATIONS:
        raise ValueError("a duration has a median and a sigma, or is one of blip, announced, provider")
    return DURATIONS[value]


NaturalDuration = Annotated[Lognormal, BeforeValidator(_duration_class, json_schema_input_type=DurationClass | Lognormal)]
"""A lognormal law, or the name of one."""

ShapeKind = Literal["step", "ramp", "spike", "flapping", "intermittent"]


class IncidentShape(Document):
    """How the strength of an incident runs between its onset and its end."""

    kind: ShapeKind
    """step: full from onset to end. ramp: grows to full. spike: full at onset, then decays. flapping: on and off in a fixed
    rhythm. intermittent: on and off at random."""
    rise: PositiveDuration | None = None
    """ramp: time to full strength, the whole natural duration if not stated. spike: time constant of the decay, 5m if not
    stated."""
    period: Annotated[PositiveDuration, Field(ge=1)] = 300.0
    """flapping: length of one on and off; intermittent: its mean."""
    duty: Annotated[Share, Field(gt=0)] = Decimal("0.5")
    """flapping, intermittent: share of the time at full strength."""


def _shape(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value not in get_args(ShapeKind):
        raise ValueError(f"a shape has a kind, or is one of {', '.join(get_args(ShapeKind))}")
    return {"kind": value}


ShapeSpec = Annotated[IncidentShape, BeforeValidator(_shape, json_schema_input_type=ShapeKind | IncidentShape)]
"""A mapping, or the kind alone."""


class Strengths(Document):
    """What a failure does; with `library`, what is stated replaces or adds to what the mode does by itself."""

    errors: Share | None = None
    """Share of calls (of requests, where no component is named) that fail."""
    codes: dict[StatusCode, Share] = {}
    """How they are answered; adds up to 100 %. Not stated: as the library's mode, or 503."""
    latency: Factor | None = None
    """Factor on service times; of components without any, on the routes' own latency."""
    capacity_lost: Share | None = None
    """Share of the components' servers that are gone."""
    cache_hits: Share | None = None
    """What is left of the hit rates of caches kept in the components."""
    traffic: Factor | None = None
    """Factor on the requests that arrive."""
    traffic_codes: dict[StatusCode, Share] = {}
    """How the requests beyond the usual ones are answered; adds up to 100 %. Not stated: as the library's mode, or like all
    others."""
    scrapes_missing: Share | None = None
    """Share of scrapes that are lost."""
    memory: Share | None = None
    """Share of the components' memory that is taken beside the usual."""
    breaks: Share | None = None
    """Of a library mode that breaks what the platform measures (backups, consistency checks): the share that goes wrong."""

    @model_validator(mode="after")
    def _codes_fit(self) -> Self:
        for name, codes in (("codes", self.codes), ("traffic_codes", self.traffic_codes)):
            total = sum(codes.values(), Decimal(0))
            if codes and total != 1:
                raise broken_rule(f"the shares of {name} must add up to 100%; they add up to {format_share(total)}", name)
        return self

    @property
    def does_something(self) -> bool:
        """Whether anything is stated."""
        return bool(self.codes or self.traffic_codes) or any(
            getattr(self, name) is not None
            for name in ("errors", "latency", "capacity_lost", "cache_hits", "traffic", "scrapes_missing", "memory", "breaks")
        )

    @property
    def acts_on_components(self) -> bool:
        """Whether something is stated that nothing but a component can suffer."""
        return any(value is not None for value in (self.capacity_lost, self.cache_hits, self.memory))


class Target(Document):
    """Whom a failure hits; nothing named is the whole system."""

    component: Name | None = None
    components: tuple[Name, ...] = ()
    """Several that fail at once, instead of one."""
    routes: tuple[RoutePath, ...] = ()
    """Only these routes; without a component, their requests whatever the components do."""
    tiers: tuple[Name, ...] = ()
    """Tiers that it touches; none named means all."""
    hosts: Share | None = None
    """Share of the hosts that it touches, load being balanced evenly over all; not stated: all."""
    region: Name | None = None
    """Only hosts of this region of the world."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.component is not None and self.components:
            raise broken_rule("name either component or components", "components")
        return self

    @property
    def named(self) -> tuple[Name, ...]:
        """The components, sorted, each once."""
        return tuple(sorted({*self.components, *((self.component,) if self.component else ())}))
