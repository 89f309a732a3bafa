"""Call trees played call by call with random numbers: what `world.network` computes, the long way; one entry a request."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Played:
    """What became of some calls."""

    ok: np.ndarray
    time_s: np.ndarray
    code: np.ndarray
    visits: dict[str, float] = field(default_factory=dict)


class Player:
    """Plays the calls of one world."""

    def __init__(self, world, conditions, rng):
        self.world, self.conditions, self.rng = world, conditions, rng
        self.count: dict[str, float] = {}

    def play(self, requests):
        self.count = {}
        played = self.series(self.world.routes["/"].calls, requests)
        late = played.ok & (played.time_s > self.world.traffic.timeout)
        played.ok[late] = False
        played.code[late] = 504
        played.visits = {name: count / requests for name, count in self.count.items()}
        return played

    def series(self, calls, n):
        out = Played(np.ones(n, bool), np.zeros(n), np.zeros(n, int))
        for call in calls:
            on = np.flatnonzero(out.ok)
            step = self.call(call, len(on))
            out.time_s[on] += step.time_s
            out.ok[on] = step.ok
            out.code[on] = step.code
        return out

    def call(self, call, n):
        out = Played(np.ones(n, bool), np.zeros(n), np.zeros(n, int))
        making = np.flatnonzero(self.rng.random(n) < float(call.share))
        for _ in range(call.times):
            on = making[out.ok[making]]
            once = self.once(call, len(on))
            out.time_s[on] += once.time_s
            out.ok[on] = once.ok
            out.code[on] = once.code
        return out

    def once(self, call, n):
        out = Played(np.zeros(n, bool), np.zeros(n), np.zeros(n, int))
        going = np.arange(n)
        if call.cache is not None:
            look = self.component(call.cache.component, n)
            condition = self.conditions.get(call.cache.component)
            rate = float(call.cache.hit_rate) * (condition.hits if condition else 1.0)
            hit = look.ok & (self.rng.random(n) < rate)
            out.time_s += look.time_s
            out.ok |= hit
            going = np.flatnonzero(~hit)
        tried = self.attempts(call, len(going))
        out.time_s[going] += tried.time_s
        out.ok[going] = tried.ok
        out.code[going] = tried.code
        if call.fallback is not None:
            failed = np.flatnonzero(~out.ok)
            out.code[failed] = 0
            if call.fallback == "none":
                out.ok[failed] = True
            else:
                other = self.component(call.fallback, len(failed))
                out.time_s[failed] += other.time_s
                out.ok[failed] = other.ok
                out.code[failed] = other.code
        return out

    def attempts(self, call, n):
        out = Played(np.zeros(n, bool), np.zeros(n), np.zeros(n, int))
        going = np.arange(n)
        attempts = call.retries.attempts if call.retries else 1
        for number in range(attempts):
            one = self.component(call.component, len(going)) if call.component else self.parallel(call, len(going))
            if call.timeout is not None:
                late = one.time_s > call.timeout
                one.ok &= ~late
                one.code[late] = 504
                one.time_s = np.minimum(one.time_s, call.timeout)
            out.time_s[going] += one.time_s
            out.ok[going] = one.ok
            out.code[going] = one.code
            going = going[~one.ok]
            if number < attempts - 1:
                length = call.retries.backoff * call.retries.multiplier**number
                out.time_s[going] += self.rng.uniform(0, length, len(going)) if call.retries.jitter == "full" else length
        return out

    def parallel(self, call, n):
        members = [self.call(one, n) for one in call.parallel]
        need = call.need or len(members)
        ok = np.array([one.ok for one in members])
        time = np.array([one.time_s for one in members])
        reached = ok.sum(axis=0) >= need
        success = np.sort(np.where(ok, time, np.inf), axis=0)[need - 1]
        failure = np.sort(np.where(ok, np.inf, time), axis=0)[min(len(members) - need, len(members) - 1)]
        code = np.array([one.code for one in members]).max(axis=0)
        return Played(reached, np.where(reached, success, failure), np.where(reached, 0, code))

    def component(self, name, n):
        self.count[name] = self.count.get(name, 0) + n
        what, how = self.world.components[name], self.conditions.get(name)
        rng = self.rng
        time = what.service.median * (how.slow if how else 1.0) * np.exp(what.service.sigma * rng.standard_normal(n))
        if how is not None and how.waits:
            time += np.where(rng.random(n) < how.waits, rng.gamma(how.wait_shape, how.wait_s / how.wait_shape, n), 0.0)
        own = rng.random(n) < float(what.errors)
        more = rng.random(n) < (how.failing if how else 0.0)
        code = np.where(own, int(what.error_code), 0)
        if how is not None and how.codes:
            code = np.where(more & ~own, int(how.codes[0][0]), code)
        out = Played(~(own | more), time, code)
        on = np.flatnonzero(out.ok)
        inner = self.series(what.calls, len(on))
        out.time_s[on] += inner.time_s
        out.ok[on] = inner.ok
        out.code[on] = inner.code
        return out
