"""Every mechanism of the world is felt: taking it away moves a stated metric by more than three standard errors.

Two worlds that differ in one mechanism meet the same seeds; the difference of the metric, seed by seed, is what counts. Twelve
seeds are the fast core, a hundred the long suite. What the aggregate fidelity does not feel stands here too, as an expected failure
with the reason.
"""

import itertools
from typing import Any

import numpy as np
import pytest

from tests.support.mechanisms import DAY, HOUR, MINUTE, THREE, Mechanism, Played
from workbench.outcome import Outcome
from workbench.world.plan import Plan

FAST, LONG = range(12), range(1000, 1100)


# ---- parts of worlds


def served(servers: int = 8, **more: Any) -> dict[str, Any]:
    """A component whose calls take 57 ms in the mean: 8 servers carry 141 calls a second."""
    return {"service": {"median": "50ms", "sigma": 0.5}, "concurrency": servers, **more}


def api(servers: int = 8, **more: Any) -> dict[str, Any]:
    """The one component that serves the route."""
    return {"components": {"api": served(servers, **more)}}


def calls(*steps: Any, **components: Any) -> dict[str, Any]:
    """The route makes these calls after the one to `api`, which takes no time."""
    return {"components": components, "routes": {"/": {"calls": ["api", *steps]}}}


def rps(rate: float, **more: Any) -> dict[str, Any]:
    """Traffic at this rate."""
    return {"traffic": {"mean_rps": rate, **more}}


def happens(at: str = "after 20m", lasts: str = "20m", **more: Any) -> dict[str, Any]:
    """One scripted incident."""
    return {"incidents": [{"at": at, "lasts": lasts, **more}]}


def all_of(*parts: dict[str, Any]) -> dict[str, Any]:
    """Several parts of a world in one, keys of `traffic` and the like joined."""
    out: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            out[key] = {**out[key], **value} if isinstance(value, dict) and key in out else value
    return out


def mode(**more: Any) -> dict[str, Any]:
    """One failure mode of the component `api`: every 12 hours 20 % errors for half an hour."""
    how = {"component": "api", "errors": "20%", "duration": {"median": "30m", "sigma": 0.3}, "every": "12h", "weibull_shape": 1.0}
    return {"failure_modes": {"breaks": {**how, **more}}}


# ---- metrics


def requests(played: Played) -> float:
    return float(played.by_bin().sum())


def failed(played: Played) -> float:
    return played.share("5")


def failed_count(played: Played) -> float:
    return float(played.by_bin("5").sum())


def slow(bound_s: float):
    return lambda played: played.slow(bound_s)


def answered(codes: str):
    return lambda played: played.share(codes)


def busy(name: str):
    return lambda played: float(played.utilisation[name].mean())


def queued(name: str):
    return lambda played: float(played.queue[name].mean())


def between(low: int, high: int):
    """Share of all requests in some bins."""
    return lambda played: float(played.by_bin()[low:high].sum() / played.by_bin().sum())


def dispersion(played: Played) -> float:
    """Variance of the requests of a bin over their mean: 1 is Poisson."""
    whole = played.by_bin()[1:]
    return float(whole.var(ddof=1) / whole.mean())


def starts(plan: Plan) -> np.ndarray:
    return np.array([one.start_s for one in plan.incidents])


def at_weekends(plan: Plan) -> float:
    return float(np.mean(starts(plan) % (7 * DAY) >= 5 * DAY))


def gaps_cv(plan: Plan) -> float:
    gaps = np.diff(starts(plan))
    return float(gaps.std(ddof=1) / gaps.mean())


def bad_changes(plan: Plan) -> float:
    return float(sum(one.failure is not None for one in plan.deployments))


def incident_minutes(outcome: Outcome) -> float:
    return sum(one.end_s - one.start_s for one in outcome.truth.incidents) / MINUTE


def minutes_to_acknowledge(outcome: Outcome) -> float:
    return float(np.mean([one.acknowledged_at_s - one.at_s for one in outcome.truth.pages if one.acknowledged_at_s])) / MINUTE


def soon_acknowledged(outcome: Outcome) -> float:
    times = [one.acknowledged_at_s - one.at_s for one in outcome.truth.pages if one.acknowledged_at_s is not None]
    return sum(time <= 30 * MINUTE for time in times) / len(outcome.truth.pages)


def resets(outcome: Outcome) -> float:
    """Times that a counter of requests began again."""
    return float(sum((np.diff(one.values) < 0).sum() for one in outcome.telemetry.by_name["http_requests_total"]))


def samples(outcome: Outcome) -> float:
    """Scrapes of the counters of requests."""
    return float(sum(len(one.times) for one in outcome.telemetry.by_name["http_requests_total"]))


def mean_of(name: str):
    """Mean value of all series of a name."""
    return lambda outcome: float(np.mean([np.mean(one.values) for one in outcome.telemetry.by_name[name]]))


# ---- load

FAILING = happens(component="db", errors="30%")
ROUTE_FAILS = happens(routes=["/"], errors="30%")
THRICE = {"attempts": 3, "backoff": "100ms"}
PATIENT = {"attempts": 4, "backoff": "1s"}
THREE_DBS = {"db": served(40), "db2": served(40), "db3": served(40)}
TWO_TIERS = {"tiers": {"all": {"users": 50, "traffic_share": "50%"}, "free": {"users": 50, "traffic_share": "50%"}}}
DAYTIME = [1.0] * 8 + [10.0] * 10 + [1.0] * 6


def retrying(**more: Any) -> dict[str, Any]:
    return {"traffic": {"retries": {**THRICE, **more}}}


def db(**more: Any) -> dict[str, Any]:
    return {"component": "db", **more}


LOAD = (
    Mechanism("client retries", "requests that arrive", requests, "up", retrying(), both=all_of(api(), ROUTE_FAILS)),
    Mechanism(
        "retry budget of clients", "requests that arrive", requests, "down", retrying(budget="5%"), retrying(),
        both=all_of(api(), ROUTE_FAILS),
    ),
    Mechanism(
        "retries of callers", "failed share", failed, "down", calls(db(retries=THRICE)), calls(db()),
        both=all_of(calls(db=served(40)), FAILING),
    ),
    Mechanism(
        "retry budget of callers", "failed share", failed, "up", calls(db(retries={**THRICE, "budget": "5%"})),
        calls(db(retries=THRICE)), both=all_of(calls(db=served(40)), FAILING),
    ),
    Mechanism(
        "back-off of callers", "answers slower than 500 ms", slow(0.5), "up", calls(db(retries=PATIENT)),
        calls(db(retries={**PATIENT, "backoff": "10ms"})), both=all_of(calls(db=served(40)), FAILING),
    ),
    Mechanism(
        "jitter of callers", "answers slower than 1 s", slow(1.0), "down", calls(db(retries=PATIENT)),
        calls(db(retries={**PATIENT, "jitter": "none"})), both=all_of(calls(db=served(40)), FAILING),
    ),
    Mechanism(
        "back-off of clients", "share of the requests in the 10 minutes after the incident", between(40, 50), "up",
        retrying(backoff="5m", jitter="none"), retrying(backoff="10ms", jitter="none"), both=all_of(api(), ROUTE_FAILS),
        not_felt="whoever tries again does so in the next bin, however long the back-off is",
    ),
    Mechanism("servers and their queue", "answers slower than 100 ms", slow(0.1), "up", api(8), api(800), both=rps(110)),
    Mechanism(
        "queue limit", "refused share (503)", answered("503"), "up", api(queue={"limit": 10}), api(), both=rps(150),
    ),
    Mechanism("longest wait", "mean queue", queued("api"), "down", api(queue={"max_wait": "500ms"}), api(), both=rps(150)),
    Mechanism(
        "load shedding", "answers slower than 1 s", slow(1.0), "down", api(shedding={"above": "85%"}), api(), both=rps(150),
    ),
    Mechanism(
        "tiers that are shed first", "failed share of the tier named", lambda played: played.failed_of("free"), "up",
        api(shedding={"above": "85%", "tiers": ["free"]}), api(shedding={"above": "85%"}), both=all_of(rps(150), TWO_TIERS),
    ),
    Mechanism(
        "circuit breaker", "utilisation of the callee", busy("db"), "down", calls(db(breaker={"open_for": "5m"})), calls(db()),
        both=all_of(calls(db=served(12)), happens(component="db", errors="80%")),
    ),
    Mechanism(
        "cache", "utilisation of what lies behind it", busy("db"), "down",
        calls(db(cache={"component": "cache", "hit_rate": "80%"})), calls(db()), both=calls(db=served(12), cache={}),
    ),
    Mechanism("fallback", "failed share", failed, "down", calls(db(fallback="none")), calls(db()),
              both=all_of(calls(db=served(40)), FAILING)),
    Mechanism(
        "quorum", "failed share", failed, "down", calls({"parallel": ["db", "db2", "db3"], "need": 2}),
        calls({"parallel": ["db", "db2", "db3"]}), both=all_of(calls(**THREE_DBS), FAILING),
    ),
    Mechanism(
        "calls in parallel", "answers slower than 250 ms", slow(0.25), "down", calls({"parallel": ["db", "db2", "db3"]}),
        calls("db", "db2", "db3"), both=calls(**THREE_DBS),
    ),
    Mechanism(
        "time-out of a call", "share given up (504)", answered("504"), "up", calls(db(timeout="200ms")), calls(db()),
        both=all_of(calls(db=served(80)), happens(component="db", latency="x4")),
    ),
    Mechanism(
        "time-out of clients", "failed share", lambda played: played.share("5") + played.share("499"), "up",
        {"traffic": {"timeout": "500ms"}}, both=all_of(calls("db", db=served(80)), happens(component="db", latency="x8")),
    ),
    Mechanism(
        "share of requests that make a call", "utilisation of the callee", busy("db"), "down", calls(db(share="30%")),
        calls(db()), both=calls(db=served(12)),
    ),
    Mechanism(
        "calls made several times", "utilisation of the callee", busy("db"), "up", calls(db(times=3)), calls(db()),
        both=calls(db=served(20)),
    ),
    Mechanism(
        "servers held while calling", "utilisation of the caller", busy("api"), "up", api(30, calls=["db"], holds=True),
        api(30, calls=["db"]), both={"components": {"db": served(40)}},
    ),
    Mechanism(
        "connection pool", "answers slower than 100 ms", slow(0.1), "up", calls(db(pool=4)), calls(db()),
        both=calls(db=served(40)),
    ),
    Mechanism(
        "autoscaler", "answers slower than 500 ms", slow(0.5), "down", api(autoscaler={"min": 1, "max": 9, "target": 0.6}), api(),
        both=rps(60, events={"launch": {"at": "2026-04-06T00:20", "factor": 3, "rise": "10m", "lasts": "20m"}}),
    ),
    Mechanism(
        "closed-loop users", "requests that arrive", requests, "down", {"traffic": {"closed": {"think_time": "1s"}}},
        both=all_of(api(100), happens(component="api", latency="x20")),
    ),
    Mechanism("gaps between calls", "mean queue", queued("api"), "up", api(arrivals_cv=3), api(), both=rps(110)),
    Mechanism(
        "capacity loss", "answers slower than 250 ms", slow(0.25), "up", happens(component="api", capacity_lost="50%"),
        both=all_of(api(), rps(90)),
    ),
    Mechanism(
        "latency incident", "answers slower than 250 ms", slow(0.25), "up", happens(component="api", latency="x4"), both=api(40),
    ),
    Mechanism("error incident", "failed share", failed, "up", happens(component="api", errors="10%"), both=api()),
    Mechanism(
        "traffic rise", "answers slower than 250 ms", slow(0.25), "up", happens(traffic="x3", routes=["/"]), both=api(),
    ),
    Mechanism(
        "credential stuffing", "share answered 401", answered("401"), "up",
        happens(library="credential-stuffing", routes=["/"]), both=api(80),
    ),
    Mechanism(
        "cache cooling", "utilisation of what lies behind it", busy("db"), "up", happens(library="cache-flush", component="cache"),
        both=calls(db(cache={"component": "cache", "hit_rate": "80%"}), db=served(20), cache={}),
    ),
    Mechanism(
        "slow leak", "failed share", failed, "up", happens("after 10m", "40m", library="slow-leak", component="api"), both=api(80),
    ),
)  # fmt: skip

# ---- demand

DEMAND = (
    Mechanism(
        "variability", "variance over mean of requests a bin", dispersion, "up",
        {"traffic": {"variability": {"spread": 0.2, "memory": "5m"}}}, {"traffic": {"variability": None}},
    ),
    Mechanism(
        "bots", "requests that arrive", requests, "up", {"traffic": {"bots": {"crawler": {"tier": "all", "mean_rps": 10}}}},
    ),
    Mechanism(
        "bots that ask in vain", "share answered 404", answered("404"), "up",
        {"traffic": {"bots": {"crawler": {"tier": "all", "mean_rps": 5, "codes": {"404": "50%"}}}}},
        {"traffic": {"bots": {"crawler": {"tier": "all", "mean_rps": 5}}}},
    ),
    Mechanism(
        "bursts of bots", "variance over mean of requests a bin", dispersion, "up",
        {"traffic": {"bots": {"crawler": {"tier": "all", "mean_rps": 20, "bursts": {"every": "20m", "lasts": "5m"}}}}},
        {"traffic": {"bots": {"crawler": {"tier": "all", "mean_rps": 20}}}}, horizon_s=3 * HOUR,
    ),
    Mechanism(
        "hours of the day", "share of the requests before 06:00", between(0, 72), "down", {"traffic": {"hours": DAYTIME}},
        horizon_s=DAY, step_s=300,
    ),
    Mechanism(
        "weekdays", "share of the requests on the first day", between(0, 24), "up",
        {"traffic": {"weekdays": {"mon": 2.0}}}, horizon_s=7 * DAY, step_s=3600,
    ),
    Mechanism(
        "time zone of a segment", "share of the requests before 06:00", between(0, 72), "up",
        {"tiers": {"all": {"segments": {"asia": {"share": "50%", "timezone": "Asia/Tokyo"}}}}},
        {"tiers": {"all": {"segments": {"asia": {"share": "50%"}}}}},
        both={"traffic": {"hours": DAYTIME}, "tiers": {"all": {"segments": {"rest": {"share": "50%"}}}}}, horizon_s=DAY, step_s=300,
    ),
    Mechanism(
        "growth", "requests that arrive", requests, "up", {"traffic": {"growth": 0.2}}, horizon_s=30 * DAY, step_s=3600,
    ),
    Mechanism(
        "months", "requests that arrive", requests, "up", {"traffic": {"months": [1] * 3 + [2] + [1] * 8}},
        horizon_s=10 * DAY, step_s=3600,
    ),
    Mechanism(
        "surges", "share of the requests from 10:30 to 11:30", between(126, 138), "up",
        {"traffic": {"surges": [{"weekday": "mon", "at_hour": 11, "half_width": "20m", "factor": 2}]}}, horizon_s=DAY, step_s=300,
    ),
    Mechanism(
        "events", "requests that arrive", requests, "up",
        {"traffic": {"events": {"sale": {"at": "2026-04-06T00:20", "factor": 2, "lasts": "20m"}}}},
    ),
    Mechanism(
        "launches", "requests that arrive", requests, "up",
        {"delivery": {"launches": {"new": {"at": "2026-04-06T00:20", "feature": "new", "traffic_factor": 2, "fades": "20m"}}}},
    ),
    Mechanism(
        "mix of routes of a tier", "failed share", failed, "up", {"tiers": {"all": {"routes": {"/b": 4}}}},
        both={
            "routes": {
                "/": {"share": "50%"}, "/b": {"share": "50%", "calls": ["api"], "codes": {"500": "2%"},
                                              "latency": {"median": "20ms", "sigma": 0.3}},
            },
        },
    ),
    Mechanism(
        "sessions that scale", "mean servers", lambda played: float(played.servers["api"].mean()), "up",
        {"traffic": {"session_length": "30m"}}, {"traffic": {"session_length": "5m"}},
        both=api(autoscaler={"metric": "sessions", "target": 1000, "max": 50, "every": "1m", "delay": "0s", "cool_down": "0s"}),
        horizon_s=3 * HOUR,
    ),
)  # fmt: skip

# ---- incidents


def shaped(**shape: Any) -> Mechanism:
    return Mechanism(
        f"{shape['kind']} shape", "failed requests", failed_count, "down",
        happens(component="api", errors="40%", shape=shape), happens(component="api", errors="40%"), both=api(),
    )  # fmt: skip


def radius(name: str, both: dict[str, Any] | None = None, not_felt: str = "", **target: Any) -> Mechanism:
    return Mechanism(
        f"blast radius: {name}", "failed requests", failed_count, "down", happens(component="api", errors="40%", **target),
        happens(component="api", errors="40%"), both=all_of(api(), both or {}), not_felt=not_felt,
    )  # fmt: skip


def triggered_share(plan: Plan) -> float:
    """Of all incidents those that begin in the bin of a deployment."""
    begins = {change.start_s for change in plan.deployments}
    caused = [one.start_s for change in plan.deployments for one in change.triggers]
    all_starts = [*caused, *starts(plan)]
    return float(np.mean([at in begins for at in all_starts])) if all_starts else 0.0


MONTH = {"horizon_s": 28 * DAY, "step_s": 900.0}
PLANNED = {**MONTH, "how": "plan"}
CHANGES = {"delivery": {"per_working_day": 5, "components": {"api": 1}, "roll_out": "10m"}}
DOWN = {"starts": "2026-04-06T02:00", "rule": "FREQ=DAILY", "lasts": "30m", "components": ["api"]}
TRIAL = {"at": "2026-04-06T00:10", "lasts": "40m", "component": "api", "share": "20%", "chance_bad": "100%"}

INCIDENTS = (
    shaped(kind="ramp"),
    shaped(kind="spike", rise="3m"),
    shaped(kind="flapping", period="4m"),
    shaped(kind="intermittent", period="4m"),
    radius("tiers", TWO_TIERS, tiers=["free"]),
    radius("hosts", hosts="30%"),
    radius("region", {"regions": {"north": "60%", "south": "40%"}}, region="south"),
    radius(
        "routes",
        {"routes": {"/": {"share": "50%"}, "/b": {"share": "50%", "calls": ["api"], "codes": {}}}},
        routes=["/b"],
    ),
    Mechanism(
        "blast radius: routes without a component", "failed requests", failed_count, "down", happens(routes=["/b"], errors="40%"),
        happens(errors="40%"), both={"routes": {"/": {"share": "50%"}, "/b": {"share": "50%", "calls": ["api"], "codes": {}}}},
    ),
    Mechanism("failure modes", "failed requests", failed_count, "up", mode(), horizon_s=7 * DAY, step_s=600),
    Mechanism(
        "strengths that vary", "failed requests", failed_count, "up", mode(spread=0.8), mode(spread=0), **MONTH,
    ),
    Mechanism(
        "incidents that changes trigger", "share of the incidents that begin with a deployment", triggered_share, "up",
        mode(arrival="changes", every=None, probability="30%", weibull_shape=1.0), mode(), both=CHANGES, **PLANNED,
    ),
    Mechanism(
        "weekly profile", "share of the incidents at weekends", at_weekends, "down", mode(every="6h", weekly="github"),
        mode(every="6h"), **PLANNED,
    ),
    Mechanism(
        "business hours factor", "share of the incidents at weekends", at_weekends, "down",
        mode(every="6h", business_hours_factor=5), mode(every="6h"), **PLANNED,
    ),
    Mechanism(
        "clustering (Weibull)", "coefficient of variation of the gaps", gaps_cv, "up", mode(every="6h", weibull_shape=0.5),
        mode(every="6h"), **PLANNED,
    ),
)  # fmt: skip

# ---- delivery

DELIVERY = (
    Mechanism(
        "change failure rate", "bad deployments", bad_changes, "up",
        {"delivery": {"change_failure_rate": None, "level": "low"}}, {"delivery": {"change_failure_rate": None, "level": "elite"}},
        both=CHANGES, **PLANNED,
    ),
    Mechanism(
        "rate of deployments", "deployments", lambda plan: float(len(plan.deployments)), "up",
        {"delivery": {"level": "elite"}}, {"delivery": {"level": "medium"}},
        both={"delivery": {"per_working_day": None, "components": {"api": 1}}}, **PLANNED,
    ),
    Mechanism(
        "bad deployments", "failed requests", failed_count, "up", {"delivery": {"change_failure_rate": "20%"}}, both=CHANGES,
        **MONTH,
    ),
    Mechanism(
        "configuration changes", "failed requests", failed_count, "up",
        {"delivery": {"components": {"api": 1}, "configuration": {"per_working_day": 2, "change_failure_rate": "20%"}}}, **MONTH,
    ),
    Mechanism("experiments", "failed requests", failed_count, "up", {"delivery": {"experiments": {"trial": TRIAL}}}),
    Mechanism(
        "maintenance", "failed requests", failed_count, "up", {"delivery": {"maintenance": {"down": DOWN}}},
        horizon_s=DAY, step_s=300,
    ),
    Mechanism(
        "restarts of counters", "counters that begin again", resets, "up", CHANGES,
        all_of(CHANGES, {"delivery": {**CHANGES["delivery"], "restarts_counters": False}}), horizon_s=2 * DAY, how="loop",
    ),
)  # fmt: skip

# ---- people


def outages(*hours: float, lasts: str = "8h", **more: Any) -> dict[str, Any]:
    """Scripted errors at these hours after the start, which nobody ends but people."""
    return {"incidents": [{"at": f"after {round(hour * 60)}m", "lasts": lasts, "component": "api", "errors": "40%", **more}
                          for hour in hours]}  # fmt: skip


def people(**more: Any) -> dict[str, Any]:
    return {"people": more}


SLOW_TO_ANSWER = {"acknowledge": {"median": "10m", "sigma": 2.5}}
TWO_AT_ONCE = {
    "components": {"api": {}, "shop": {}},
    "routes": {
        "/": {"share": "50%"},
        "/shop": {"share": "50%", "calls": ["shop"], "codes": {}, "latency": {"median": "20ms", "sigma": 0.3}},
    },
    "incidents": [
        {"at": "after 60m", "lasts": "8h", "component": "api", "errors": "40%"},
        {"at": "after 61m", "lasts": "8h", "component": "shop", "errors": "40%"},
    ],
    "policy": {"slos": {
        "availability": {"indicator": {"routes": ["/"]}},
        "shop": {"owner": "team", "indicator": {"kind": "events", "routes": ["/shop"], "bad_codes": ["5.."]}, "target": "99%",
                 "window": "7d", "alerts": ["fast"]},
    }},
}  # fmt: skip
NOISY = {
    "delivery": {
        "maintenance": {
            f"work-{hour}": {"starts": f"2026-04-06T{hour:02}:30", "lasts": "15m", "components": ["api"]}
            for hour in range(0, 24, 2)
        }
    }
}
"""A window of planned work every two hours; each sets off a page with nothing behind it."""
NO_PAGES = {"policy": {"burn_rate_alerts": {"fast": {"page": False}}}}

PEOPLE = (
    Mechanism(
        "pages", "minutes of incidents", incident_minutes, "down", {}, NO_PAGES, both=outages(1), horizon_s=10 * HOUR, how="loop",
    ),
    Mechanism(
        "escalation", "share of pages acknowledged within 30 minutes", soon_acknowledged, "up",
        people(escalate_after="5m", levels=6), people(levels=1),
        both=all_of(outages(*range(1, 48, 4), lasts="3h"), people(engineers=6, **SLOW_TO_ANSWER)), horizon_s=2 * DAY, how="loop",
    ),
    Mechanism(
        "night", "minutes of incidents", incident_minutes, "up", people(night={"factor": 3}), both=outages(1),
        horizon_s=10 * HOUR, how="loop",
    ),
    Mechanism(
        "limited attention", "minutes of incidents", incident_minutes, "up", people(incidents_at_once=1),
        people(incidents_at_once=100),
        both=all_of(TWO_AT_ONCE, people(engineers=1, levels=1, mitigate={"median": "30m", "sigma": 0.3})),
        horizon_s=10 * HOUR, how="loop",
    ),
    Mechanism(
        "pager fatigue", "minutes to the acknowledgement", minutes_to_acknowledge, "up",
        people(fatigue={"per_page": "20%", "most": 5}), both=all_of(NOISY, people(engineers=1, levels=1)), horizon_s=DAY,
        how="loop",
    ),
    Mechanism(
        "time that false pages take", "minutes of incidents", incident_minutes, "up",
        people(false_page={"median": "1h", "sigma": 0.3}), both=all_of(NOISY, outages(3.1), people(engineers=1, levels=1)),
        horizon_s=12 * HOUR, how="loop",
    ),
    Mechanism(
        "on-call hours", "minutes of incidents", incident_minutes, "up",
        people(rotations={"team": {"hours": {"from_hour": 9, "to_hour": 17}}}), people(rotations={"team": {}}), both=outages(1),
        horizon_s=10 * HOUR, how="loop",
    ),
    Mechanism(
        "tickets", "minutes of incidents", incident_minutes, "down",
        people(tickets={"pick_up": {"median": "10m", "sigma": 0.3}, "work": {"median": "20m", "sigma": 0.3}}),
        both=all_of(outages(10), NO_PAGES), horizon_s=20 * HOUR, how="loop",
    ),
    Mechanism(
        "roll-back time of its own", "minutes of incidents", incident_minutes, "down",
        {"delivery": {"rollback": {"median": "2m", "sigma": 0.3}}},
        both={"delivery": {**CHANGES["delivery"], "change_failure_rate": "50%", "failure_duration": {"median": "4h", "sigma": 0.3}},
              **people(mitigate={"median": "60m", "sigma": 0.5})},
        horizon_s=DAY, how="loop",
    ),
    Mechanism(
        "missing scrapes", "scrapes of the counters", samples, "down", happens(library="monitoring-gap"),
        horizon_s=2 * HOUR, how="loop",
    ),
    Mechanism(
        "failed backups", "mean share of backups that succeed", mean_of("backup_verification_success_rate"), "down",
        happens("after 2h", "30h", library="failed-backup"), both={"platform": {"backup_every": "1h", "backup_success": "95%"}},
        horizon_s=2 * DAY, step_s=300, how="loop",
    ),
)  # fmt: skip

MECHANISMS = (*LOAD, *DEMAND, *INCIDENTS, *DELIVERY, *PEOPLE)


def _cases():
    for one in MECHANISMS:
        marks = [pytest.mark.xfail(reason=one.not_felt, strict=True)] if one.not_felt else []
        yield pytest.param(one, id=one.name, marks=marks)


def _is_felt(mechanism, seeds):
    z = mechanism.z(seeds)
    print(f"{mechanism.name}: {mechanism.metric}, {mechanism.moves}, z = {z:.1f}")  # noqa: T201 - shown by -rP
    assert z > THREE, f"{mechanism.name} does not move {mechanism.metric} {mechanism.moves}: z = {z:.2f}"


@pytest.mark.parametrize("mechanism", [*_cases()])
def test_a_mechanism_is_felt_over_a_dozen_paired_seeds(mechanism):
    _is_felt(mechanism, FAST)


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", [*_cases()])
def test_a_mechanism_is_felt_over_a_hundred_paired_seeds(mechanism):
    _is_felt(mechanism, LONG)


def test_a_world_paired_with_itself_feels_nothing():
    for one in (LOAD[0], DEMAND[0], INCIDENTS[0]):
        same = Mechanism(one.name, one.metric, one.measure, one.moves, one.on, one.on, one.both, one.horizon_s, one.step_s)
        assert same.z(FAST[:3]) == 0


def test_every_mechanism_has_a_name_of_its_own():
    names = sorted(one.name for one in MECHANISMS)
    assert not [name for name, other in itertools.pairwise(names) if name == other]
