import numpy as np
import pytest

from tests.support.histories import counters
from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import AlertRule, Profile, RuleGroup
from workbench.alerts.timeline import timeline
from workbench.errors import BadInput
from workbench.promql.evaluate import Evaluator
from workbench.promql.parse import parse
from workbench.telemetry.series import Series, Telemetry

RATIO = "sum(rate(req{{code=~'5..'}}[{0}])) / sum(rate(req[{0}]))"
RULES = (
    AlertRule("Fast", f"{RATIO.format('10m')} > 0.05 and {RATIO.format('1m')} > 0.05", 30, 0, (("severity", "page"),)),
    AlertRule("Slow", f"{RATIO.format('30m')} > 0.03 and {RATIO.format('5m')} > 0.03", 120, 45),
    AlertRule("EachRoute", "sum by (route) (rate(req{code='500'}[2m])) > 0.1", 15, 20),
)
GROUPS = (RuleGroup("one", RULES[:2]), RuleGroup("other", RULES[2:], interval_s=30.0))


def plain_episodes(groups, telemetry, profile, until_s):
    """Every alert by itself, instant by instant, from exact presence."""
    out = []
    for group in groups:
        step = group.interval_s or profile.evaluation_interval_s
        instants = np.arange(0, int(until_s // step) + 1) * step
        for rule in group.rules:
            vector = Evaluator(telemetry, profile).evaluate(parse(rule.expr), instants)
            for labels, present in zip(vector.labels, vector.present, strict=True):
                named = tuple(sorted({**dict(labels), **dict(rule.labels)}.items()))
                out += [(start, rule.name, named, fire, end) for start, fire, end in plain_run(rule, instants, present)]
    return sorted(out, key=lambda e: e[:3])


def plain_run(rule, instants, present):
    active = fired = missing = None
    for now, here in zip(instants.tolist(), present, strict=True):
        if here:
            missing = None
            active = now if active is None else active
            if fired is None and now - active >= rule.for_s:
                fired = now
        elif active is not None:
            if fired is not None and rule.keep_firing_for_s > 0:
                missing = now if missing is None else missing
                if now - missing < rule.keep_firing_for_s:
                    continue
            yield active, fired, now
            active = fired = missing = None
    if active is not None:
        yield active, fired, None


def flat(episodes):
    return [(e.pending_at_s, e.alert, e.labels, e.firing_at_s, e.resolved_at_s) for e in episodes]


@pytest.mark.parametrize("version", ["2.42", "2.53", "3.5"])
def test_the_timeline_is_that_of_a_machine_that_goes_instant_by_instant(version):
    profile = Profile(prometheus=version)
    for seed in range(6):
        telemetry = counters(seed)
        wanted = plain_episodes(GROUPS, telemetry, profile, 3600.0)

        assert flat(timeline(GROUPS, telemetry, profile, 3600.0)) == wanted
        assert len(wanted) > 3


def test_looking_ahead_in_pieces_gives_the_same_transitions_one_instant_at_a_time():
    telemetry = counters(3)
    whole = RuleEngine(GROUPS, telemetry, Profile())
    pieces = RuleEngine(GROUPS, telemetry, Profile())
    at_once, bit_by_bit = [], []
    while found := whole.look_ahead(3600.0):
        assert {t.at_s for t in found} == {whole.committed_s}
        at_once += found
    for to_s in [0.0, 7.0, 100.0, 100.0, 900.0, 905.0, 2000.0, 3600.0]:
        while found := pieces.look_ahead(to_s):
            bit_by_bit += found
        assert pieces.committed_s == to_s // 15 * 15

    assert bit_by_bit == at_once
    assert pieces.episodes() == whole.episodes()
    assert [t.at_s for t in at_once] == sorted(t.at_s for t in at_once)


def test_the_engine_reads_nothing_later_than_the_present_of_its_caller():
    """A caller who fills samples as it goes and rewrites the future after each transition, against one run over what came out."""
    rng = np.random.default_rng(5)
    true = counters(4)
    filled = Telemetry.of(
        [Series(one.key, one.times, np.full(one.values.shape, 10**9, one.values.dtype)) for one in true],
        horizon_s=true.horizon_s,
        scrape_interval_s=15.0,
    )
    engine = RuleEngine(GROUPS, filled, Profile())
    now = 0.0
    while now < 3600.0:
        now = min(3600.0, now + float(rng.integers(20, 600)))
        written = int(np.searchsorted(true.series[0].times, now, "right"))
        for source, target in zip(true, filled, strict=True):
            target.values[:written] = source.values[:written]
        while engine.look_ahead(now):
            if rng.random() < 0.5:
                # The world changes: what is later than the committed instant was never so.
                later = int(np.searchsorted(true.series[0].times, engine.committed_s, "right"))
                for series in true:
                    series.values[later:] += rng.integers(0, 3)
                for source, target in zip(true, filled, strict=True):
                    target.values[later:written] = source.values[later:written]
                engine.invalidate()

    assert engine.episodes() == timeline(GROUPS, true, Profile(), 3600.0)


def test_rules_that_cannot_be_evaluated_are_all_named_before_anything_runs():
    groups = [RuleGroup("g", (AlertRule("A", "limitk(1, x) > 0"), AlertRule("B", "x >"), AlertRule("C", "histogram_sum(x) > 0")))]

    with pytest.raises(BadInput) as caught:
        RuleEngine(groups, counters(0), Profile())

    assert [problem.path for problem in caught.value.problems] == ["groups.g.A.expr", "groups.g.B.expr", "groups.g.C.expr"]
    assert caught.value.problems[0].found == "limitk"
