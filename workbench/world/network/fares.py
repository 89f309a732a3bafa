"""How a call fares: the recursion over the call tree, from conditions of components to densities of success and failure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from workbench.scenario.schema.components import CallSpec, Component, Retries
from workbench.world.course import HEALTHY, Condition
from workbench.world.network.density import Density, TimeGrid, at_least, gamma, lognormal, point, uniform

GAVE_UP = "504"
"""A caller's time limit, its own or the client's, is over."""
BROKEN = "503"
"""A circuit breaker is open."""


def pool_name(caller: str, callee: str) -> str:
    """What the pool of connections of a caller to a callee is called among the stations; no component has such a name."""
    return f"{caller} -> {callee}"


@dataclass(frozen=True)
class Fare:
    """What becomes of one call."""

    ok: Density
    """When it succeeds."""
    bad: Density
    """When it fails."""
    codes: Mapping[str, float]
    """Probability of failing with each code; adds up to the mass of `bad`."""
    visits: Mapping[str, float] = field(default_factory=dict)
    """Expected calls that reach each component."""


class Fares:
    """The calls of one world under one set of conditions."""

    def __init__(
        self,
        components: Mapping[str, Component],
        grid: TimeGrid,
        conditions: Mapping[str, Condition],
        open_breakers: frozenset[tuple[str, str]],
    ) -> None:
        self._components, self._grid = components, grid
        self._conditions, self._open = conditions, open_breakers
        self._known: dict[str, Fare] = {}
        self.held_s: dict[str, float] = {}
        """Mean time for which one call that is worked on holds a server, by component."""
        self.failing: dict[tuple[str, str], float] = {}
        """Failed share of attempts of each call with a breaker, as its caller sees them; of an open one, what a probe would see."""

    def instant(self) -> Fare:
        """Nothing to do: success at once."""
        return Fare(point(self._grid, 0.0), self._nothing(), {})

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
        out = once
        for _ in range(call.times - 1):
            out = _then(out, once)
        share = float(call.share)
        return out if share == 1 else _either(share, out, self.instant())

    def component(self, name: str) -> Fare:
        """One call that reaches a component: waiting, work, what it calls in turn."""
        if name not in self._known:
            self._known[name] = self._component(name)
        return self._known[name]

    def _component(self, name: str) -> Fare:
        what, how = self._components[name], self._conditions.get(name, HEALTHY)
        grid = self._grid
        work = self.instant()
        if what.service is not None:
            work = Fare(lognormal(grid, what.service.median * how.slow, what.service.sigma), self._nothing(), {})
        failing = 1 - (1 - float(what.errors)) * (1 - how.failing)
        if failing > 0:
            own = float(what.errors)
            codes: dict[str, float] = {}
            if own > 0:
                codes[what.error_code] = own
            for code, share in how.codes or ((what.error_code, 1.0),):
                codes[code] = codes.get(code, 0.0) + (failing - own) * share
            work = Fare(work.ok.times(1 - failing), work.ok.times(failing), {c: p for c, p in codes.items() if p > 0})
        inner = _then(work, self.series(what.calls, name)) if what.calls else work
        service_s = 0.0 if what.service is None else what.service.median * how.slow * math.exp(what.service.sigma**2 / 2)
        held = service_s
        if what.holds and what.calls:
            whole = inner.ok.plus(inner.bad).mean()
            held = max(service_s, whole) if not math.isnan(whole) else service_s
        self.held_s[name] = held
        out = inner
        if how.waits > 0 and how.wait_s > 0:
            wait = gamma(grid, how.wait_shape, how.wait_s).times(how.waits).plus(point(grid, 0.0, 1 - how.waits))
            limit = what.queue.max_wait
            kept, dropped = (wait, self._nothing()) if limit is None else wait.cut(limit)
            waited = Fare(kept, dropped, {what.queue.code: dropped.total} if dropped.total > 0 else {})
            out = _then(waited, inner)
        if how.refused > 0:
            code = what.shedding.code if what.shedding is not None else what.queue.code
            refused = Fare(self._nothing(), point(grid, 0.0), {code: 1.0})
            out = _either(how.refused, refused, out)
        return Fare(out.ok, out.bad, out.codes, {**out.visits, name: out.visits.get(name, 0.0) + 1.0})

    def _attempts(self, call: CallSpec, caller: str) -> Fare:
        once = self._parallel(call, caller) if call.component is None else self.component(call.component)
        if call.pool is not None and call.component is not None:
            once = self._pooled(pool_name(caller, call.component), once)
        if call.timeout is not None:
            once = limited(once, call.timeout)
        if call.breaker is not None and call.component is not None:
            self.failing[caller, call.component] = once.bad.total
            if (caller, call.component) in self._open:
                once = Fare(self._nothing(), point(self._grid, 0.0), {BROKEN: 1.0})
        return once if call.retries is None else self._retried(once, call.retries)

    def _pooled(self, name: str, once: Fare) -> Fare:
        """A call through a pool: it holds a connection from then on until it has its answer, and waits for one before."""
        whole = once.ok.plus(once.bad).mean()
        self.held_s[name] = 0.0 if math.isnan(whole) else whole
        how = self._conditions.get(name, HEALTHY)
        visits = {**once.visits, name: 1.0}
        if how.waits <= 0 or how.wait_s <= 0:
            return Fare(once.ok, once.bad, once.codes, visits)
        wait = gamma(self._grid, how.wait_shape, how.wait_s).times(how.waits).plus(point(self._grid, 0.0, 1 - how.waits))
        return Fare(wait.then(once.ok), wait.then(once.bad), once.codes, visits)

    def _parallel(self, call: CallSpec, caller: str) -> Fare:
        members = [self.call(one, caller) for one in call.parallel]
        need = call.need or len(members)
        ok = at_least(need, [one.ok for one in members])
        bad = at_least(len(members) - need + 1, [one.bad for one in members])
        # What is lost: neither may happen only if some member never ends, which cannot be; rounding is put right here.
        bad = bad.times((1 - ok.total) / bad.total) if bad.total > 0 else self._nothing()
        lost = sum(one.bad.total for one in members)
        codes: dict[str, float] = {}
        for one in members:
            for code, part in one.codes.items():
                codes[code] = codes.get(code, 0.0) + part / lost * bad.total
        return Fare(ok, bad, codes, _added(*((1.0, one.visits) for one in members)))

    def _cached(self, call: CallSpec, miss: Fare) -> Fare:
        assert call.cache is not None  # noqa: S101 - the caller looked
        look = self.component(call.cache.component)
        hits = min(1.0, float(call.cache.hit_rate) * self._conditions.get(call.cache.component, HEALTHY).hits)
        # A look-up that fails is a miss.
        missed = look.ok.times(1 - hits).plus(look.bad)
        through = _then(Fare(missed, self._nothing(), {}, {}), miss)
        visits = _added((1.0, look.visits), (missed.total, miss.visits))
        return Fare(look.ok.times(hits).plus(through.ok), through.bad, through.codes, visits)

    def _fallback(self, name: str, first: Fare) -> Fare:
        if name == "none":
            return Fare(first.ok.plus(first.bad), self._nothing(), {}, first.visits)
        other = self.component(name)
        return Fare(
            first.ok.plus(first.bad.then(other.ok)),
            first.bad.then(other.bad),
            {code: first.bad.total * part for code, part in other.codes.items()},
            _added((1.0, first.visits), (first.bad.total, other.visits)),
        )

    def _retried(self, once: Fare, retries: Retries) -> Fare:
        again = retried_share(once.bad.total, retries)
        out = once
        for number in range(retries.attempts - 1, 0, -1):
            length = retries.backoff * retries.multiplier ** (number - 1)
            wait = uniform(self._grid, length) if retries.jitter == "full" else point(self._grid, length)
            later = once.bad.times(again).then(wait)
            final = once.bad.total * (1 - again)
            p = once.bad.total
            out = Fare(
                once.ok.plus(later.then(out.ok)),
                once.bad.times(1 - again).plus(later.then(out.bad)),
                _added((final / p if p > 0 else 0.0, once.codes), (p * again, out.codes)),
                _added((1.0, once.visits), (p * again, out.visits)),
            )
        return out

    def _nothing(self) -> Density:
        return point(self._grid, 0.0, 0.0)


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
    failed, late_failures = fare.bad.cut(at_s)
    kept = failed.total / fare.bad.total if fare.bad.total > 0 else 0.0
    codes = {code: part * kept for code, part in fare.codes.items()}
    gone = late.total + late_failures.total
    if gone > 0:
        codes[GAVE_UP] = codes.get(GAVE_UP, 0.0) + gone
    return Fare(ok, failed.plus(late).plus(late_failures), codes, fare.visits)


def _then(first: Fare, second: Fare) -> Fare:
    p = first.ok.total
    return Fare(
        first.ok.then(second.ok),
        first.bad.plus(first.ok.then(second.bad)) if second.bad.total > 0 else first.bad,
        _added((1.0, first.codes), (p, second.codes)),
        _added((1.0, first.visits), (p, second.visits)),
    )


def _either(share: float, one: Fare, other: Fare) -> Fare:
    return Fare(
        one.ok.times(share).plus(other.ok.times(1 - share)),
        one.bad.times(share).plus(other.bad.times(1 - share)),
        _added((share, one.codes), (1 - share, other.codes)),
        _added((share, one.visits), (1 - share, other.visits)),
    )


def _added(*parts: tuple[float, Mapping[str, float]]) -> dict[str, float]:
    out: dict[str, float] = {}
    for factor, values in parts:
        for name, value in values.items():
            out[name] = out.get(name, 0.0) + factor * value
    return {name: value for name, value in out.items() if value > 0}
