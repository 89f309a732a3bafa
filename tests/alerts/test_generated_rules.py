"""Random rule files over random histories: every sample that the real rule manager writes, and no other."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.promtool_samples import our_samples, real_samples
from tests.support.rule_draws import EVERY_S, NAMES, UNTIL_S, histories, rule_files
from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import Profile
from workbench.promql.dialect import Dialect
from workbench.units import parse_duration

PROFILE = Profile(prometheus="2.42", evaluation_interval_s=EVERY_S)


def run(groups, telemetry, until_s, profile=PROFILE):
    engine = RuleEngine(groups, telemetry, profile)
    while engine.look_ahead(until_s):
        pass
    return engine


def first_failure(engine, groups):
    names = [rule.name if hasattr(rule, "name") else rule.record for group in groups for rule in group.rules]
    failures = zip(engine.failures(), names, strict=True)
    return min(((some[0], place, name) for place, (some, name) in enumerate(failures) if some), default=None)


def check(folder, groups, telemetry):
    engine = run(groups, telemetry, UNTIL_S)
    failure, until_s = first_failure(engine, groups), UNTIL_S
    if failure is not None:
        at, _, name = failure
        assert real_samples(folder, groups, telemetry, NAMES, every_s=EVERY_S, until_s=UNTIL_S) == (set(), (name, at))
        until_s = int(at) - EVERY_S
        if until_s < 0:
            return
        engine = run(groups, telemetry, until_s)
    real, failed = real_samples(folder, groups, telemetry, NAMES, every_s=EVERY_S, until_s=until_s)
    assert failed is None
    assert our_samples(engine.recorded()) == real


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(groups=rule_files(), history=histories)
def test_every_sample_of_random_rules_is_the_one_of_the_real_rule_manager(tmp_path_factory, groups, history):
    check(tmp_path_factory.mktemp("rules"), groups, history.telemetry())


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(groups=rule_files(), history=histories)
def test_left_open_windows_are_closed_ones_a_millisecond_shorter(tmp_path_factory, groups, history):
    """Prometheus 3 on the grid of scrapes, by the promtool of version 2: everything but the windows is as in that version."""
    groups = changed(groups, untied)
    telemetry = replace(history, phase_s=0).telemetry()
    of = Dialect.of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dialect, "of", lambda profile: replace(of(profile), left_open=True))
        engine = run(groups, telemetry, UNTIL_S)
    if first_failure(engine, groups) is not None:
        return
    shorter = changed(groups, a_millisecond_shorter)
    folder = tmp_path_factory.mktemp("rules")
    real, failed = real_samples(folder, shorter, telemetry, NAMES, every_s=EVERY_S, until_s=UNTIL_S)

    ours = {sample[:3]: float(sample[3]) for sample in our_samples(engine.recorded())}
    theirs = {sample[:3]: float(sample[3]) for sample in real}
    assert failed is None
    assert ours.keys() == theirs.keys()
    keys = sorted(ours)
    np.testing.assert_allclose([ours[key] for key in keys], [theirs[key] for key in keys], rtol=2e-4)


def changed(groups, change):
    return tuple(replace(group, rules=tuple(change(rule) for rule in group.rules)) for group in groups)


def untied(rule):
    """Thresholds that no rate meets exactly, and no label that shows all digits."""
    labels = tuple((name, text.replace("$value", "$labels.route")) for name, text in rule.labels)
    expr = re.sub(r"((?:>|<=) \d+)(\.\d+)?", lambda m: f"{m[1]}{m[2] or '.'}37", rule.expr)
    return replace(rule, expr=expr, labels=labels)


def a_millisecond_shorter(rule):
    return replace(rule, expr=re.sub(r"\[(\w+)\]", lambda m: f"[{round(parse_duration(m[1]) * 1000) - 1}ms]", rule.expr))


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(groups=rule_files(), history=histories)
def test_every_sample_of_many_random_rules_is_the_one_of_the_real_rule_manager(tmp_path_factory, groups, history):
    check(tmp_path_factory.mktemp("rules"), groups, history.telemetry())
