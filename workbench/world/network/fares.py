"""How a call fares: the recursion over the call tree, from conditions of components to densities of success and failure.

What a call of a component goes through, in this order: it may be refused at the door, it may wait for a server, it is worked on,
it may fail by itself, then it calls others in turn and fails where one of them does, with that one's code. What a caller does, from
the outside to the inside: fall back, look into the cache, try again, ask the breaker, wait for a connection, give up at the time
limit. `world.each` plays the same rules with single requests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.scenario.schema.components import CallSpec, Component, Retries
from workbench.world.course import HEALTHY, Condition
from workbench.world.network.density import Density, point
from workbench.world.network.laws import Laws
from workbench.world.network.order import at_least, deciding

GAVE_UP = "504"
"""A caller's time limit, its own or the client's, is over."""
BROKEN = "503"
"""A circuit breaker is open."""

Mix = tuple[tuple[str, float], ...]
"""Codes with which one kind of failure is answered; shares add up to 1."""
_NOTHING_LEFT = 1e-14
"""Branches less likely than this are not followed."""


def pool_name(caller: str, callee: str) -> str:
    """What the pool of connections of a caller to a callee is called among the stations; no component has such a name."""
    return f"{caller} -> {callee}"


@dataclass(frozen=True)
class Fare:
    """What becomes of one call."""

    ok: Density
    """When it succeeds."""
    fails: Mapping[Mix, Density]
    """When it fails, by how failures of that kind are answered."""
    visits: Mapping[str, float] = field(default_factory=dict)
    """Expected calls that reach each component, and each pool by its `pool_name`."""

    @property
    def bad(self) -> Density:
        """When it fails in whatever way."""
        out = Density(self.ok.grid, 0.0)
        for density in self.fails.values():
            out = out.plus(density)
        return out

    @property
    def failing(self) -> float:
        """How likely it is to fail."""
        return math.fsum(density.total for density in self.fails.values())

    @property
    def codes(self) -> dict[str, float]:
        """Probability of failing with each code; adds up to `failing`."""
        return _added(*((density.total, dict(mix)) for mix, density in self.fails.items()))

    def by_code(self) -> dict[str, Density]:
        """When it fails with each code."""
        out: dict[str, Density] = {}
        for mix, density in self.fails.items():
            for code, share in mix:
                part = density.times(share)
                out[code] = out[code].plus(part) if code in out else part
        return out


class Fares:
    """The calls of one world under one set of conditions; a pool of connections has its condition under its `pool_name`."""

    def __init__(
        self,
        components: Mapping[str, Component],
        laws: Laws,
        conditions: Mapping[str, Condition],
        open_breakers: frozenset[tuple[str, str]],
    ) -> None:
        self._components, self._laws, self._grid = components, laws, laws.grid
        self._conditions, self._open = conditions, open_breakers
        self._known: dict[str, Fare] = {}
        self.held_s: dict[str, float] = {}
        """Mean time for which one call that is worked on holds a server, by component; a connection, by `pool_name`."""
        self.failing: dict[tuple[str, str], float] = {}
        """Failed share of attempts of each call with a breaker, as its caller sees them; of an open one, what a probe would see."""

    def instant(self) -> Fare:
        """Nothing to do: success at once."""
        return Fare(Density(self._grid, 1.0), {})

    def series(self, calls: tuple[CallSpec, ...], caller: str) -> Fare:
        """Calls one after the other; the first that fails ends it."""
        out = self.instant()
        for call in calls:
            out = _then(out, self.call(call, caller))
        return out

    def call(self, call: CallSpec, caller: str) -> Fare:
        """One step: cache, attempts, fallback, how many of the requests take it."""
        once = self._attempts(call, caller)
        if call.cache is not None:
            once = self._cached(call, once)
        if call.fallback is not None:
            once = self._fallback(call.fallback, once)
        out, power, times = self.instant(), once, call.times
        while times:
            out = _then(out, power) if times & 1 else out
            times >>= 1
            power = _then(power, power) if times else power
        share = float(call.share)
        return out if share == 1 else _either(share, out, self.instant())

    def component(self, name: str) -> Fare:
        """One call that reaches a component: waiting, work, what it calls in turn."""
        if name not in self._known:
            self._known[name] = self._component(name)
        return self._known[name]

    def _component(self, name: str) -> Fare:
        what, how = self._components[name], self._conditions.get(name, HEALTHY)
        service = what.service
        work = Density(self._grid, 1.0) if service is None else self._laws.lognormal(service.median * how.slow, service.sigma)
        own = float(what.errors)
        fails = _failures((((what.error_code, 1.0),), work.times(own)))
        more = work.times((1 - own) * how.failing)
        fails = _failures(*fails.items(), (how.codes or ((what.error_code, 1.0),), more))
        out = Fare(work.times((1 - own) * (1 - how.failing)), fails)
        out = _then(out, self.series(what.calls, name)) if what.calls else out
        self.held_s[name] = work.first
        if what.holds and what.calls:
            self.held_s[name] = max(work.first, out.ok.plus(out.bad).mean())
        if how.waits > 0 and how.wait_s > 0:
            out = self._waiting(how, what, out)
        if how.refused > 0:
            code = what.shedding.code if what.shedding is not None else what.queue.code
            out = _either(how.refused, self._failure(code), out)
        return Fare(out.ok, out.fails, {**out.visits, name: out.visits.get(name, 0.0) + 1.0})

    def _waiting(self, how: Condition, what: Component | None, then: Fare) -> Fare:
        """Some wait first, for a server or a connection; who waits too long in a component's queue is dropped."""
        wait = self._laws.gamma(how.wait_shape, how.wait_s).times(how.waits).plus(Density(self._grid, 1 - how.waits))
        limit = what.queue.max_wait if what is not None else None
        if limit is None or what is None:
            return _then(Fare(wait, {}), then)
        kept, dropped = wait.cut(limit)
        return _then(Fare(kept, _failures((((what.queue.code, 1.0),), dropped))), then)

    def _attempts(self, call: CallSpec, caller: str) -> Fare:
        once = self._parallel(call, caller) if call.component is None else self.component(call.component)
        if call.timeout is not None:
            once = limited(once, call.timeout)
        if call.pool is not None and call.component is not None:
            once = self._pooled(pool_name(caller, call.component), once)
        if call.breaker is not None and call.component is not None:
            self.failing[caller, call.component] = once.failing
            if (caller, call.component) in self._open:
                once = self._failure(BROKEN)
        return once if call.retries is None else self._retried(once, call.retries)

    def _pooled(self, name: str, once: Fare) -> Fare:
        """A call through a pool waits for a connection, then holds it until it has its answer or is given up."""
        how = self._conditions.get(name, HEALTHY)
        mean = once.ok.plus(once.bad).mean()
        self.held_s[name] = 0.0 if math.isnan(mean) else mean
        out = self._waiting(how, None, once) if how.waits > 0 and how.wait_s > 0 else once
        return Fare(out.ok, out.fails, _added((1.0, out.visits), (1.0, {name: 1.0})))

    def _parallel(self, call: CallSpec, caller: str) -> Fare:
        """It succeeds with the last success that is needed, it fails with the failure after which too few are left."""
        members = [self.call(one, caller) for one in call.parallel]
        visits = _added(*((1.0, one.visits) for one in members))
        need = call.need or len(members)
        ok = at_least(need, [one.ok for one in members])
        lost = [one.bad for one in members]
        most = len(members) - need + 1
        bad = at_least(most, lost)
        if bad.total <= _NOTHING_LEFT:
            return Fare(ok.times(1 / ok.total), {}, visits)
        # Neither may happen only if some member never ends, which cannot be; rounding is put right here.
        bad = bad.times((1 - ok.total) / bad.total)
        parts: list[tuple[Mix, Density]] = []
        for one, chance in zip(members, deciding(most, lost), strict=True):
            for mix, density in one.fails.items():
                # What lies beyond the grids is decided as at their end.
                beyond = max(0.0, density.total - float(density.upto()[-1, -1])) * float(chance[-1, -1])
                parts.append((mix, self._grid.joined(density.mass * chance, beyond=beyond)))
        whole = math.fsum(part.total for _, part in parts)
        return Fare(ok, _failures(*((mix, part.times(bad.total / whole)) for mix, part in parts)), visits)

    def _cached(self, call: CallSpec, miss: Fare) -> Fare:
        assert call.cache is not None  # noqa: S101 - the caller looked
        look = self.component(call.cache.component)
        hits = min(1.0, float(call.cache.hit_rate) * self._conditions.get(call.cache.component, HEALTHY).hits)
        # A look-up that fails is a miss.
        missed = look.ok.times(1 - hits).plus(look.bad)
        through = _then(Fare(missed, {}), miss)
        return Fare(look.ok.times(hits).plus(through.ok), through.fails, _added((1.0, look.visits), (missed.total, miss.visits)))

    def _fallback(self, name: str, first: Fare) -> Fare:
        bad = first.bad
        other = self.instant() if name == "none" else self.component(name)
        then = _then(Fare(bad, {}), other)
        return Fare(first.ok.plus(then.ok), then.fails, _added((1.0, first.visits), (bad.total, other.visits)))

    def _retried(self, once: Fare, retries: Retries) -> Fare:
        bad = once.bad
        again = retried_share(bad.total, retries)
        before, ok = Density(self._grid, 1.0), Density(self._grid, 0.0)
        fails: dict[Mix, Density] = {}
        visits: dict[str, float] = {}
        for number in range(1, retries.attempts + 1):
            visits = _added((1.0, visits), (before.total, once.visits))
            ok = ok.plus(before.then(once.ok))
            going_on = again if number < retries.attempts else 0.0
            ended = ((mix, before.then(density).times(1 - going_on)) for mix, density in once.fails.items())
            fails = _failures(*fails.items(), *ended)
            before = before.then(bad).times(going_on)
            if before.total <= _NOTHING_LEFT:
                break
            length = retries.backoff * retries.multiplier ** (number - 1)
            before = before.then(self._laws.uniform(length) if retries.jitter == "full" else self._laws.point(length))
        return Fare(ok, fails, visits)

    def _failure(self, code: str) -> Fare:
        """It fails at once."""
        return Fare(Density(self._grid, 0.0), {((code, 1.0),): Density(self._grid, 1.0)})


def retried_share(failing: float, retries: Retries) -> float:
    """Share of failed attempts that are tried again within the budget: retries are at most `budget` for each first attempt."""
    if retries.budget is None or failing <= 0:
        return 1.0

    def sent(share: float) -> float:
        p = failing * share
        return sum(p**i for i in range(1, retries.attempts))

    budget = float(retries.budget)
    if sent(1.0) <= budget:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if sent(middle) < budget else (low, middle)
    return low


def limited(fare: Fare, at_s: float) -> Fare:
    """The caller gives up at a time limit."""
    ok, late = fare.ok.cut(at_s)
    gone, parts = late.total, []
    for mix, density in fare.fails.items():
        kept, rest = density.cut(at_s)
        parts.append((mix, kept))
        gone += rest.total
    return Fare(ok, _failures(*parts, (((GAVE_UP, 1.0),), point(ok.grid, at_s, gone))), fare.visits)


def _then(first: Fare, second: Fare) -> Fare:
    following = ((mix, first.ok.then(density)) for mix, density in second.fails.items())
    return Fare(
        first.ok.then(second.ok),
        _failures(*first.fails.items(), *following),
        _added((1.0, first.visits), (first.ok.total, second.visits)),
    )


def _either(share: float, one: Fare, other: Fare) -> Fare:
    parts = ((mix, density.times(part)) for part, fare in ((share, one), (1 - share, other)) for mix, density in fare.fails.items())
    return Fare(
        one.ok.times(share).plus(other.ok.times(1 - share)),
        _failures(*parts),
        _added((share, one.visits), (1 - share, other.visits)),
    )


def _failures(*parts: tuple[Mix, Density]) -> dict[Mix, Density]:
    """Failures of each kind added up."""
    out: dict[Mix, Density] = {}
    for mix, density in parts:
        if density.total > _NOTHING_LEFT:
            out[mix] = out[mix].plus(density) if mix in out else density
    return out


def _added(*parts: tuple[float, Mapping[str, float]]) -> dict[str, float]:
    out: dict[str, float] = {}
    for factor, values in parts:
        for name, value in values.items():
            out[name] = out.get(name, 0.0) + factor * value
    return {name: value for name, value in out.items() if value > 0}
