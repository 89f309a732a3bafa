"""One suite for every check: documented, with examples, silent on the good one, right on the bad one, and pure."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lint.catalogue import EXAMPLES, examined, examples, folder, world_for
from tests.scenario.files import DATA, copy_of_files
from workbench.errors import Severity
from workbench.lint.burn_rates import number
from workbench.lint.registry import all_checks, lint
from workbench.scenario.load import Loaded, load

CHECKS = all_checks()
BAD = [(check, path) for check in CHECKS for path in examples(check, "bad")]
GOOD_ONES = [(check, path) for check in CHECKS for path in examples(check, "good")]


def identifier(value):
    return getattr(value, "name", None)


def loaded(folder, *changes) -> Loaded:
    copy_of_files(folder)
    for file, old, new in changes:
        text = (folder / file).read_text()
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new))
    return load(folder / "scenario.yaml")


def test_every_folder_of_examples_has_its_check():
    assert sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()) == sorted(
        check.name.replace("/", "-") for check in CHECKS
    )


@pytest.mark.parametrize("check", CHECKS, ids=identifier)
class TestEveryCheck:
    def test_is_documented_with_a_summary_and_with_what_to_do(self, check):
        summary, _, rest = check.documentation.partition("\n\n")

        assert summary.endswith(".")
        assert len(summary) < 90
        assert len(rest.split("\n\n")) >= 2

    def test_has_a_good_and_a_bad_example_of_everything_that_it_looks_at(self, check):
        wanted = set()
        if check.of_policy or check.of_months:
            wanted |= {"good.yaml", "bad.yaml"}
        if check.of_rules:
            wanted |= {"good.rules.yml", "bad.rules.yml"}

        assert wanted <= {path.name for path in folder(check).iterdir()}


@pytest.mark.parametrize(("check", "path"), BAD, ids=identifier)
def test_the_bad_example_is_found_where_it_stands(check, path):
    report = examined(check, path)

    found = [problem for problem in report.problems if problem.check == check.name]
    assert found
    for problem in found:
        lines = report.sources[problem.file]
        assert problem.message
        assert "\n" not in problem.message
        assert 1 <= problem.line <= len(lines)
        assert lines[problem.line - 1][problem.column - 1 :].strip()
        assert problem.path


@pytest.mark.parametrize(("check", "path"), GOOD_ONES, ids=identifier)
def test_the_good_example_is_good_for_every_check(check, path):
    report = examined(check, path)

    assert [problem for problem in report.problems if problem.check == check.name] == []
    assert [problem for problem in report.problems if problem.severity is not Severity.INFO] == []


@pytest.mark.parametrize(("check", "path"), [(c, p) for c, p in BAD if not c.of_months], ids=identifier)
def test_the_same_is_found_again(check, path):
    assert examined(check, path).problems == examined(check, path).problems


@pytest.mark.parametrize("check", [check for check in CHECKS if check.needs], ids=identifier)
def test_without_what_it_needs_a_check_finds_nothing(check):
    for path in examples(check, "bad"):
        bare = load(DATA / "policy.yaml")
        if check.of_policy:
            assert not [p for p in lint(bare.policy) if p.check == check.name], path


def test_policies_without_alerts_and_promises_are_survived(tmp_path):
    bare = loaded(tmp_path)
    policy = bare.policy.model_copy(update={"burn_rate_alerts": {}, "slas": {}})

    assert {p.check for p in lint(policy, bare.world, bare.scenario.clock)} <= {"slo/composite-ceiling"}


def test_worlds_are_asked_for_by_the_checks_that_need_them():
    assert {check.name for check in CHECKS if world_for(check)} == {
        "alerts/min-events",
        "alerts/never-fired",
        "alerts/one-failure-pages",
        "promql/quantile-beyond-buckets",
        "slo/composite-ceiling",
        "slo/parts-in-series",
    }


def with_login(policy, **changes):
    slo = policy.slos["login"].model_copy(update=changes)
    return policy.model_copy(update={"slos": {"login": slo}, "slas": {}})


GOOD = load(DATA / "scenario.yaml")


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(1, 9_999), st.integers(1, 2_000))
def test_an_alert_is_unreachable_exactly_from_1_on(target, factor):
    """In whole ten-thousandths and tenths, so the oracle is exact: no factor of 10 at 90 % is 0.99999 of anything."""
    rule = GOOD.policy.burn_rate_alerts["fast"].model_copy(update={"factor": factor / 10, "budget_share": None})
    policy = with_login(GOOD.policy, target=GOOD.policy.slos["login"].target.__class__(target) / 10_000)
    policy = policy.model_copy(update={"burn_rate_alerts": {"fast": rule}})

    found = [problem for problem in lint(policy) if problem.check == "alerts/unreachable"]

    assert bool(found) == (Fraction(factor, 10) * (1 - Fraction(target, 10_000)) >= 1)


@pytest.mark.parametrize(
    ("target", "factor", "needed"),
    [("99", 14.4, 7), ("99.5", 14.4, 14), ("99.9", 14.4, 70), ("99.95", 6, 334), ("99.99", 3, 3334), ("99.9", 1, 1000)],
)
def test_one_failure_needs_the_events_that_the_closed_form_says(target, factor, needed):
    """N > 1 / (factor x (1 - target)); the numbers are those of the usual table, rounded up."""
    decimal = GOOD.policy.slos["login"].target.__class__
    policy = with_login(GOOD.policy, target=decimal(target) / 100)
    rule = policy.burn_rate_alerts["fast"].model_copy(update={"factor": factor})
    policy = policy.model_copy(update={"burn_rate_alerts": {"fast": rule}})

    def finds(events):
        # /login has 40 % of the requests; its rule looks at 3600 s
        rps = float(Fraction(events, 3600) / Fraction(40, 100)) * (1 + 1e-9)
        traffic = GOOD.world.traffic.model_copy(update={"mean_rps": rps})
        world = GOOD.world.model_copy(update={"traffic": traffic})
        return [p for p in lint(policy, world) if p.check == "alerts/one-failure-pages"]

    assert not finds(needed)
    assert f"{needed} requests in 1h" in finds(needed - 1)[0].allowed
    assert ceil(1 / (Fraction(str(factor)) * (1 - Fraction(target) / 100))) == needed


def test_an_alert_that_waits_for_the_whole_budget_is_found_without_a_stated_share(tmp_path):
    bad = loaded(
        tmp_path,
        ("policy.yaml", "factor: 6,", "factor: 120,"),
        ("policy.yaml", "severity: warning, budget_share: 5%", "severity: warning"),
    )

    messages = [problem.message for problem in lint(bad.policy) if problem.check == "alerts/budget-share"]

    assert messages == ["alert slow fires when the budget is gone: 120 x 6h / 30d = 100.00% of the budget of search-speed"]


def test_a_share_for_a_month_of_31_days_is_near_enough(tmp_path):
    near = loaded(tmp_path, ("policy.yaml", "    window: 30d", "    window: 31d"))

    assert [p for p in lint(near.policy, near.world) if p.check.startswith("alerts/")] == []


def test_a_tier_that_no_objective_covers_whole_is_a_remark(tmp_path):
    bad = loaded(tmp_path, ("policy.yaml", "indicator: {kind: events}", "indicator: {kind: events, tiers: [free]}"))

    (problem,) = [p for p in lint(bad.policy, bad.world) if p.check == "sla/slo-not-stricter"]

    assert problem.severity == Severity.INFO
    assert bad.placed(problem).line == 31


def test_a_rule_that_does_not_page_gets_a_remark_only(tmp_path):
    bad = loaded(tmp_path, ("world.yaml", "mean_rps: 12", "mean_rps: 0.04"), ("policy.yaml", ", page: true", ""))

    assert {p.severity for p in lint(bad.policy, bad.world) if p.check == "alerts/one-failure-pages"} == {Severity.INFO}


@pytest.mark.parametrize(
    ("value", "text"), [(1.44, "1.44"), ("0.001", "0.001"), (4320.0, "4320"), ("1E+3", "1000"), ("0.33333333333", "0.333333")]
)
def test_numbers_are_shown_without_exponents_and_idle_zeros(value, text):
    assert number(value) == text


def test_a_threshold_of_exactly_1_is_unreachable_and_binary_floats_do_not_hide_it(tmp_path):
    assert 10 * (1 - 0.9) < 1  # what reckoning in floats would say
    bad = loaded(tmp_path, ("policy.yaml", "target: 99.9%", "target: 90%"), ("policy.yaml", "factor: 14.4", "factor: 10"))

    assert [p.check for p in lint(bad.policy)].count("alerts/unreachable") == 1


def test_an_objective_equal_to_the_promise_is_no_stricter(tmp_path):
    bad = loaded(tmp_path, ("policy.yaml", "availability: 99.5%", "availability: 99.95%"))

    (problem,) = [p for p in lint(bad.policy) if p.check == "sla/slo-not-stricter"]

    assert problem.message.startswith("objective everything is no stricter than what tier paying was promised")


def test_parts_are_weighted_by_requests_and_multiplied_in_series():
    """/login has 40 % of the requests, /search the others."""
    slo = GOOD.policy.slos["login"]
    everything = slo.model_copy(update={"indicator": slo.indicator.model_copy(update={"routes": ("*",)})})
    half = slo.model_copy(update={"indicator": slo.indicator.model_copy(update={"routes": ("/search",)})})

    def found(target):
        decimal = slo.target.__class__
        slos = {
            "all": everything.model_copy(update={"target": decimal(target)}),
            "login": slo.model_copy(update={"target": decimal("0.99")}),
            "search": half.model_copy(update={"target": decimal("0.9999")}),
        }
        policy = GOOD.policy.model_copy(update={"slos": slos, "slas": {}})
        return [(p.severity, p.message) for p in lint(policy, GOOD.world) if p.check == "slo/parts-in-series"]

    mean = Fraction(40, 100) * Fraction("0.99") + Fraction(60, 100) * Fraction("0.9999")
    assert mean == Fraction("0.99594")
    ((severity, message),) = found("0.996")
    assert severity is Severity.WARNING
    assert "= 98.99%, by requests 99.594%" in message
    assert [one for one, _ in found("0.9959")] == [Severity.INFO]
    assert found("0.9899") == []
