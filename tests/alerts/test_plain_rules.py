"""The engine against a rule manager that goes instant by instant: intervals, query offsets, group labels, failures, versions."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.alerts.test_generated_rules import run
from tests.support.plain_rules import PlainRules, stale
from tests.support.rule_draws import histories, rule_files
from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import Profile
from workbench.telemetry.series import Series, Telemetry, is_stale

UNTIL_S = 900
profiles = st.sampled_from(["2.42", "2.53", "3.5"]).map(lambda version: Profile(version, 15.0, 15.0))


@st.composite
def odd_groups(draw):
    """Groups as promtool cannot have them."""
    return tuple(
        replace(
            group,
            interval_s=draw(st.sampled_from([None, None, 30.0, 45.0, 20.0])),
            query_offset_s=draw(st.sampled_from([0.0, 0.0, 0.0, 15.0, 40.0])),
            labels=draw(st.sampled_from([(), (), (("severity", "group"),), (("team", "t"),)])),
        )
        for group in draw(rule_files())
    )


def everything(engine):
    samples = {
        one.key: [(round(t * 1000), "stale" if stale(v) else repr(float(v))) for t, v in zip(one.times, one.values, strict=True)]
        for one in engine.recorded()
    }
    episodes = [(e.pending_at_s, e.alert, e.labels, e.firing_at_s, e.resolved_at_s) for e in engine.episodes()]
    return samples, episodes, [list(some) for some in engine.failures()]


def plainly(groups, telemetry, until_s, profile):
    plain = PlainRules(groups, telemetry, profile, until_s)
    samples = {key: [(t, "stale" if stale(v) else repr(v)) for t, v in some] for key, some in plain.samples.items()}
    rules = sum(len(group.rules) for group in groups)
    return samples, sorted(plain.episodes, key=lambda e: e[:3]), [plain.failures[place] for place in range(rules)]


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(groups=odd_groups(), history=histories, profile=profiles)
def test_the_engine_is_the_rule_manager_that_goes_instant_by_instant(groups, history, profile):
    telemetry = history.telemetry()

    assert everything(run(groups, telemetry, UNTIL_S, profile)) == plainly(groups, telemetry, UNTIL_S, profile)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(groups=odd_groups(), history=histories, seed=st.integers(0, 2**32 - 1))
def test_a_world_that_changes_in_answer_leaves_what_one_evaluation_of_its_telemetry_gives(groups, history, seed):
    telemetry = history.telemetry()
    rng = np.random.default_rng(seed)
    seen = Telemetry.of(
        [Series(one.key, one.times, np.full(one.values.shape, 1e9)) for one in telemetry],
        horizon_s=telemetry.horizon_s,
        scrape_interval_s=telemetry.scrape_interval_s,
    )
    engine = RuleEngine(groups, seen, Profile())
    now = 0.0
    while now < UNTIL_S:
        now = min(float(UNTIL_S), now + float(rng.integers(5, 300)))
        show(telemetry, seen, -1, now)
        while engine.look_ahead(now) or rng.random() < 0.3:
            if rng.random() < 0.6:
                rewrite(telemetry, engine.committed_s, rng)
                show(telemetry, seen, engine.committed_s, now)
                engine.invalidate()

    assert everything(engine) == everything(run(groups, telemetry, UNTIL_S, Profile()))


def show(true, seen, after_s, until_s):
    """What the world has written so far."""
    for source, target in zip(true, seen, strict=True):
        some = (source.times > after_s) & (source.times <= until_s)
        target.values[some] = source.values[some]


def rewrite(telemetry, after_s, rng):
    for one in telemetry:
        later = (one.times > after_s) & ~is_stale(one.values)
        one.values[later] += rng.integers(0, 4)
