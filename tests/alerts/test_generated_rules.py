"""Random rule files over random histories: every sample that the real rule manager writes, and no other."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.promtool_samples import our_samples, real_samples
from tests.support.rule_draws import EVERY_S, NAMES, UNTIL_S, histories, rule_files
from workbench.alerts.engine import RuleEngine
from workbench.alerts.rules import Profile

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


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(groups=rule_files(), history=histories)
def test_every_sample_of_many_random_rules_is_the_one_of_the_real_rule_manager(tmp_path_factory, groups, history):
    check(tmp_path_factory.mktemp("rules"), groups, history.telemetry())
