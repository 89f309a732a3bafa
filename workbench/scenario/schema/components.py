"""Components and the calls between them: what a request passes through, and what each part can carry."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from workbench.scenario.schema.base import (
    Document,
    Duration,
    Flag,
    Lognormal,
    Name,
    Number,
    Positive,
    PositiveDuration,
    Share,
    StatusCode,
    Text,
    Whole,
    broken_rule,
)


class Retries(Document):
    """What a caller does when a call fails."""

    attempts: Annotated[Whole, Field(ge=2, le=20)] = 3
    """Calls in all, the first included."""
    backoff: Duration = 0.1
    """Wait before the second attempt; each further wait is `multiplier` times as long."""
    multiplier: Annotated[Number, Field(ge=1, le=10)] = 2.0
    jitter: Literal["none", "full"] = "full"
    """full: each wait is uniform between 0 and its length; without jitter all retry at once."""
    budget: Share | None = None
    """Retries are at most this share of first attempts; beyond it a failure is final. None is no limit."""


class Breaker(Document):
    """A circuit breaker on one call: open, it fails at once (or falls back) and spares the callee."""

    opens_at: Share = Decimal("0.5")
    """Failed share of calls in one scrape interval at which it opens."""
    min_calls: Annotated[Whole, Field(ge=1)] = 20
    open_for: PositiveDuration = 30.0
    """Then single calls probe: while they fail it stays open for as long again."""


class Cache(Document):
    """Look here first; only a miss calls what the call names."""

    component: Name
    hit_rate: Share


class CallSpec(Document):
    """One step on the way of a request: one call, several in parallel, or one behind a cache."""

    component: Name | None = None
    """Whom to call."""
    parallel: tuple[Call, ...] = ()
    """Calls made at once, instead of one: all must succeed, or `need` of them."""
    need: Annotated[Whole, Field(ge=1)] | None = None
    """How many of `parallel` must succeed (a quorum); the answer comes with the last one needed. None is all."""
    share: Share = Decimal(1)
    """Share of requests that make this call at all."""
    times: Annotated[Whole, Field(ge=1, le=100)] = 1
    """Calls one after the other."""
    timeout: PositiveDuration | None = None
    """The caller gives up on an attempt after this time; the callee works on."""
    retries: Retries | None = None
    breaker: Breaker | None = None
    cache: Cache | None = None
    fallback: Name | Literal["none"] | None = None
    """When the call fails: another component to call, or `none`, to go on without an answer (a degraded success)."""
    pool: Annotated[Whole, Field(ge=1)] | None = None
    """Connections that the caller has to the callee: at most so many calls at once, others wait for one."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.component is None) == (not self.parallel):
            raise broken_rule("a call names either a component or calls in parallel")
        if self.need is not None and self.need > len(self.parallel):
            raise broken_rule(f"need ({self.need}) is more than the calls in parallel ({len(self.parallel)})", "need")
        if self.parallel and (self.cache or self.pool):
            raise broken_rule("a cache or a pool belongs to one of the calls in parallel", "cache" if self.cache else "pool")
        return self


def _call(value: Any) -> Any:
    if isinstance(value, str):
        return {"component": value}
    if isinstance(value, Mapping | CallSpec):
        return value
    raise ValueError("a call is a component's name, or a mapping with component or parallel")


Call = Annotated[CallSpec, BeforeValidator(_call, json_schema_input_type=Name | CallSpec)]
"""A component's name, or a mapping."""


class Queue(Document):
    """Where calls wait when all of a component's servers are busy."""

    limit: Annotated[Whole, Field(ge=0)] | None = None
    """Calls that may wait; a further one is refused with `code`. None is no limit."""
    max_wait: PositiveDuration | None = None
    """A call that has waited so long is dropped before it is worked on."""
    code: StatusCode = "503"


class Shedding(Document):
    """Load shedding: refuse some calls early to answer the others in time."""

    above: Share = Decimal("0.9")
    """Utilisation from which calls are refused, just so many that it stays there."""
    tiers: tuple[Name, ...] = ()
    """Tiers that are refused first, in this order; none named: all alike."""
    code: StatusCode = "503"


class Autoscaler(Document):
    """Changes the number of replicas."""

    metric: Literal["utilisation", "sessions"] = "utilisation"
    target: Positive = 0.7
    """Utilisation that it aims at, 0..1; or active sessions at which it adds `step` replicas."""
    min: Annotated[Whole, Field(ge=1)] = 1
    max: Annotated[Whole, Field(ge=1)] = 100
    step: Annotated[Whole, Field(ge=1)] = 1
    """Replicas added at once where the metric is sessions."""
    every: PositiveDuration = 60.0
    """How often it looks."""
    delay: Duration = 120.0
    """From the decision until new replicas serve."""
    cool_down: Duration = 300.0
    """No scaling in until the load has been lower for so long."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min > self.max:
            raise broken_rule("min must not be more than max", "min")
        return self


class Resources(Document):
    """What a component uses of its machines."""

    memory_base: Share = Decimal("0.4")
    """Of its memory, with no load."""
    memory_at_full_load: Share = Decimal("0.7")
    storage_used: Share = Decimal("0.5")
    """Of its storage, at the start."""
    storage_growth: Share = Decimal("0.05")
    """Of what is used, in 30 days at mean traffic."""


class Component(Document):
    """A part that routes and other components call, and that can fail.

    Without `service` it takes no time of its own and is never too busy.
    """

    description: Text = ""
    critical: Flag = True
    service: Lognormal | None = None
    """How long one call occupies a server, what it calls not included."""
    replicas: Annotated[Whole, Field(ge=1, le=10_000)] = 1
    concurrency: Annotated[Whole, Field(ge=1, le=100_000)] = 1
    """Calls that one replica works on at once; `replicas` x `concurrency` servers share one queue."""
    holds: Flag = False
    """Whether a call keeps its server while it waits for what it calls (a thread for each request) or frees it (async)."""
    arrivals_cv: Annotated[Number, Field(ge=0, le=10)] = 1.0
    """Coefficient of variation of the gaps between calls; 1 is Poisson."""
    queue: Queue = Queue()
    shedding: Shedding | None = None
    autoscaler: Autoscaler | None = None
    calls: tuple[Call, ...] = ()
    """What each call of this component calls in turn, one after the other."""
    errors: Share = Decimal(0)
    """Share of its calls that fail when nothing is wrong; what the request then answers is `error_code`."""
    error_code: StatusCode = "500"
    resources: Resources | None = None


class Route(Document):
    """One HTTP route: how much of the traffic, what it needs, how fast, how it usually answers."""

    share: Share
    """Share of all requests; the routes' shares add up to 100 %."""
    calls: Annotated[tuple[Call, ...], Field(min_length=1)]
    """What a request needs, one after the other; the first is the component that serves it."""
    latency: Lognormal | None = None
    """Time of the route itself that occupies no component: transfer, rendering. With components that have no `service` it is
    all the time that a request takes."""
    codes: dict[StatusCode, Share]
    """Usual share of each answer besides `success_code`, which gets the rest."""
    success_code: StatusCode = "200"
    journey: Name | None = None
    """The critical user journey that this route is a step of."""

    @model_validator(mode="after")
    def _codes_fit(self) -> Self:
        if sum(self.codes.values(), Decimal(0)) >= 1:
            raise broken_rule("the shares of the codes must leave something for success_code", "codes")
        if self.success_code in self.codes:
            raise broken_rule(
                f"success code {self.success_code} gets the rest and must not be listed in codes", "codes", self.success_code
            )
        if self.calls[0].component is None:
            raise broken_rule("the first call names the component that serves the route", "calls", 0)
        return self

    @property
    def serving(self) -> str:
        """The component that serves it."""
        first = self.calls[0].component
        assert first is not None  # noqa: S101 - held by the validator
        return first


def called(calls: tuple[CallSpec, ...]) -> tuple[str, ...]:
    """Components that calls name, caches and fallbacks included, each once, in the order of first mention; not what those call."""
    out: dict[str, None] = {}
    for call in calls:
        names = [call.cache.component if call.cache else None, call.component, *called(call.parallel)]
        names += [call.fallback if call.fallback != "none" else None]
        out.update(dict.fromkeys(name for name in names if name is not None))
    return tuple(out)
