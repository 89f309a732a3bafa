"""Failures and counts: downtime, composite availability, thinned counts, the time until an alert."""

import dataclasses
import math
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from tests.support.fidelities import compare
from tests.support.places import ROOT
from tests.support.small_worlds import served, small_world
from tests.validation.theory.line import Line, computed, counted
from workbench.rng import stream
from workbench.run.month import run
from workbench.scenario.load import load_scenario
from workbench.scenario.schema.base import Lognormal
from workbench.scenario.schema.incidents import ScriptedIncident
from workbench.scenario.schema.policy import BurnRateRule
from workbench.telemetry.series import FloatArray
from workbench.units import HOUR_S
from workbench.world.each.simulate import simulate
from workbench.world.poisson import place, poisson
from workbench.world.reliability import at_least, availability, detection_time_s, in_series, with_fallback, within_downtime

PROCESSES = 20_000
PLENTY = 1000
EVALUATION_S = SCRAPE_S = 15.0
PHASE_S = 7.0
RPS = 20_000.0


def downtime(seed: int, sets: int) -> list[Line]:
    """Takács: how long on-off processes are down within a horizon, against so many processes played."""
    rng, out = stream(seed, "validation", "downtime"), []
    for _ in range(sets):
        horizon, up, down = 720.0, float(rng.uniform(40.0, 400.0)), float(rng.uniform(0.5, 20.0))
        lasted = _played(rng, horizon, up, down)
        words = f"720 h, up {up:.0f} h, down {down:.1f} h"
        mean = horizon * (1 - availability(up, down))
        out.append(counted(words, "mean downtime, h", mean, float(lasted.mean()), float(lasted.std()) / math.sqrt(PROCESSES)))
        for level in (0.0, 0.5, 1.0, 2.0):
            p = float(within_downtime(level * mean, horizon, up, down))
            if min(p, 1 - p) * PROCESSES < 50:
                continue  # too rare for a normal deviate
            error = math.sqrt(p * (1 - p) / PROCESSES)
            out.append(counted(words, f"P(down ≤ {level * mean:.2f} h)", p, float((lasted <= level * mean).mean()), error))
    return out


def _played(rng: np.random.Generator, horizon: float, up: float, down: float) -> FloatArray:
    """Downtime of each process, `[PROCESSES]`; each begins in equilibrium."""
    now, lasted = np.zeros(PROCESSES), np.zeros(PROCESSES)
    works = rng.random(PROCESSES) < availability(up, down)
    while (now < horizon).any():
        length = rng.exponential(np.where(works, up, down))
        end = np.minimum(now + length, horizon)
        lasted += np.where(works, 0.0, end - now)
        now, works = end, ~works
    return lasted


def composite(seed: int, sets: int) -> list[Line]:
    """Availability of a request that needs several components, in both fidelities."""
    rng, out = stream(seed, "validation", "composite"), []
    for _ in range(sets):
        shares = rng.uniform(0.1, 0.4, 3).round(3).tolist()
        works = [1 - share for share in shares]
        parts = {f"p{k}": served("5ms", 0.0, PLENTY, errors=f"{100 * share:.1f}%") for k, share in enumerate(shares)}
        first, other, third = parts
        words = "availability " + ", ".join(f"{100 * one:.1f} %" for one in works)
        for shape, calls, theory in (
            ("in series", [first, other, third], in_series(works)),
            ("2 of 3", [{"parallel": list(parts), "need": 2}], at_least(2, works)),
            ("1 of 3", [{"parallel": list(parts), "need": 1}], at_least(1, works)),
            ("fallback, then in series", [{"component": first, "fallback": other}, third], with_fallback(*works[:2]) * works[2]),
        ):
            begun = int(rng.integers(1 << 30))
            world = small_world({"api": {"calls": calls}, **parts}, ["api"], 60.0)
            row = compare(world, 65.0, 5.0, range(begun, begun + 6))["code 200"]
            out.append(computed(words, f"{shape}, aggregate", theory, row.expected, 1e-6))
            out.append(counted(words, f"{shape}, requests", theory, row.mean, math.sqrt(theory * (1 - theory) / (6 * 3600))))
    return out


def thinning(seed: int, sets: int) -> list[Line]:
    """A thinned Poisson process is one again, and independent of what was taken away."""
    rng, out = stream(seed, "validation", "thinning"), []
    for _ in range(sets):
        rps, share = float(rng.uniform(5.0, 20.0)), float(rng.uniform(0.02, 0.2).__round__(3))
        words = f"{rps:.1f} requests a second, {100 * share:.1f} % fail"
        made = simulate(
            small_world({"api": {}}, ["api"], rps, codes={"500": f"{100 * share:.1f}%"}), 6000.0, int(rng.integers(1 << 30))
        )
        track = made.routes["/"]
        inside = track.answers[0, :, 4:].astype(np.float64)
        failed = inside[track.codes.index("500")]
        out += _is_poisson(words, "requests", 15 * rps * share, failed, inside.sum(axis=0) - failed)
        means = np.full((1, 200_000), 15 * rps * share)
        drawn = poisson(rng, means)[0].astype(np.float64)
        kept = np.zeros((1, 200_000), np.int32)
        place(rng, means, kept)
        out += _is_poisson(words, "aggregate, by tables", 15 * rps * share, drawn, kept[0].astype(np.float64))
    return out


def _is_poisson(words: str, which: str, mean: float, counts: FloatArray, others: FloatArray) -> list[Line]:
    n = len(counts)
    spread = float(counts.var(ddof=1)) / mean
    return [
        counted(words, f"{which}: failures in 15 s", mean, float(counts.mean()), math.sqrt(mean / n)),
        # The variance of a Poisson sample's variance: (1 / mean + 2) / n, relative to the mean squared.
        counted(words, f"{which}: variance over mean", 1.0, spread, math.sqrt((1 / mean + 2) / n)),
        counted(words, f"{which}: correlation with the others", 0.0, float(np.corrcoef(counts, others)[0, 1]), 1 / math.sqrt(n)),
    ]


def detection(seed: int, sets: int) -> list[Line]:
    """When a real run's alert begins, for a scripted incident: theory, and later by no more than `slack`."""
    rng, out = stream(seed, "validation", "detection"), []
    for _ in range(sets):
        target, factor = float(rng.choice([0.99, 0.995, 0.999, 0.9995])), round(float(rng.uniform(5.0, 15.0)), 1)
        window_s = float(rng.choice([1.0, 2.0, 3.0])) * HOUR_S
        needed = factor * (1 - target)
        for low, high in ((1.2, 2.0), (3.0, 5.0), (8.0, 15.0)):
            ratio = round(needed * float(rng.uniform(low, high)), 4)
            if ratio > 0.95:
                continue
            begun, pending = played(window_s, factor, target, ratio, int(rng.integers(1 << 30)))
            theory = detection_time_s(window_s, factor, target, ratio)
            # To the next evaluation, by the newest scrape; and chance in the number of failures.
            slack = EVALUATION_S + SCRAPE_S - PHASE_S + 4 * math.sqrt(theory / (RPS * ratio))
            words = f"window {window_s / HOUR_S:.0f} h, factor {factor}, target {100 * target:g} %, errors {100 * ratio:g} %"
            out.append(computed(words, "seconds until pending", theory, pending - begun, 0.0, slack))
    return out


def played(window_s: float, factor: float, target: float, ratio: float, seed: int) -> tuple[float, float]:
    """A run in which so many requests fail from some moment on: that moment, and when the alert became pending."""
    base = load_scenario(ROOT / "scenarios/starter/scenario.yaml")
    begun = window_s + 1800.0
    incident = ScriptedIncident.model_validate(
        {
            "at": f"after {begun:.0f}s",
            "lasts": f"{2 * window_s:.0f}s",
            "component": "api",
            "errors": f"{100 * ratio:g}%",
            "codes": {"500": "100%"},
        }
    )
    # So many requests a second that chance in the error ratio moves the alert by a second or two.
    world = small_world({"api": {}}, ["api"], RPS, tiers={"everyone": "100%"})
    nobody = Lognormal(median="5h", sigma=0)
    people = world.people.model_copy(update={"acknowledge": nobody, "mitigate": nobody, "escalate_after": 36_000.0})
    world = world.model_copy(update={"incidents": (incident,), "people": people})
    rule = BurnRateRule.model_validate({"long": f"{window_s:.0f}s", "short": "5m", "factor": factor, "severity": "critical"})
    slo = base.policy.slos["availability"].model_copy(update={"target": Decimal(str(target)), "alerts": ("only",)})
    policy = base.policy.model_copy(update={"slos": {"availability": slo}, "burn_rate_alerts": {"only": rule}, "slas": {}})
    clock = base.clock.model_copy(
        update={
            "horizon": begun + window_s,
            "scrape_interval": SCRAPE_S,
            "evaluation_interval": EVALUATION_S,
            "scrape_phase": PHASE_S,
        }
    )
    outcome = run(dataclasses.replace(base, world=world, policy=policy, clock=clock, seed=seed, expect=()))
    assert outcome.truth is not None
    (found,) = outcome.truth.incidents
    return found.start_s, min((one.pending_at_s for one in outcome.episodes), default=math.inf)


FORMULAS: dict[str, Callable[[int, int], list[Line]]] = {
    "Poisson thinning": thinning,
    "Takács: cumulative downtime": downtime,
    "Composite availability": composite,
    "Detection time": detection,
}
