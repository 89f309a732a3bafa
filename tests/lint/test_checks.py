"""One suite for every check: documented, pure, silent on the good example, right on the bad one."""

from fractions import Fraction
from math import ceil

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scenario.files import DATA, copy_of_files
from tests.support.places import ROOT
from workbench.cli.lint import command
from workbench.errors import BadInput, Severity
from workbench.lint.burn_rates import number
from workbench.lint.registry import all_checks, lint
from workbench.scenario.load import Loaded, load

EXAMPLES = {
    "alerts/unreachable": (
        ("policy.yaml", "target: 99.9%", "target: 90%"),
        "alert fast can never fire for login: it fires at 14.4 x 0.1 = 1.44: an error ratio never exceeds 1",
        Severity.ERROR,
        "14.4, for: 2m",
        "a factor below 1 / 0.1 = 10",
    ),
    "alerts/budget-share": (
        ("policy.yaml", "    window: 30d", "    window: 7d"),
        "alert fast does not stand for 2%: 14.4 x 1h / 7d = 8.57% of the budget of login",
        Severity.WARNING,
        "2%}",
        "8.57%, or a factor of 3.36 for 7d",
    ),
    "alerts/one-failure-pages": (
        ("world.yaml", "mean_rps: 12", "mean_rps: 0.04"),
        "one failure sets off alert fast of login: 1 of about 57.6 requests in 1h is more than 14.4 x 0.001 = 0.0144",
        Severity.WARNING,
        "indicator:\n      kind: events",
        "70 requests in 1h or more",
    ),
    "sla/slo-not-stricter": (
        ("policy.yaml", "availability: 99.5%", "availability: 99.97%"),
        "objective everything is looser than what tier paying was promised: it allows 0.0005 errors, the promise 0.0003",
        Severity.WARNING,
        "99.95%",
        "a target above 99.97% for tier paying",
    ),
}
"""By check: a change to the files of tests/scenario/data, and the first problem that it must find."""


def loaded(folder, *changes) -> Loaded:
    copy_of_files(folder)
    for file, old, new in changes:
        text = (folder / file).read_text()
        assert text.count(old) == 1
        (folder / file).write_text(text.replace(old, new))
    return load(folder / "scenario.yaml")


def test_every_check_has_its_examples_and_every_example_its_check():
    assert [check.name for check in all_checks()] == sorted(EXAMPLES)


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)
class TestEveryCheck:
    def test_is_documented_with_a_summary_and_with_what_to_do(self, check):
        summary, _, rest = check.documentation.partition("\n\n")

        assert summary.endswith(".")
        assert len(summary) < 80
        assert len(rest.split("\n\n")) >= 2

    def test_is_silent_on_the_good_example(self, check):
        good = load(DATA / "scenario.yaml")

        assert list(check.run(good.policy, good.world)) == []
        assert list(check.run(good.policy, None)) == []

    def test_finds_the_bad_example_and_shows_the_arithmetic_where_it_stands(self, check, tmp_path):
        change, message, severity, stands_there, allowed = EXAMPLES[check.name]
        bad = loaded(tmp_path, change)

        problem, *_ = check.run(bad.policy, bad.world)

        assert problem.check == check.name
        assert problem.message == message
        assert problem.severity == severity
        assert problem.allowed == allowed
        placed = bad.placed(problem)
        assert placed.file == str(tmp_path / "policy.yaml")
        lines = (tmp_path / "policy.yaml").read_text().splitlines(keepends=True)
        assert "".join(lines[placed.line - 1 :])[placed.column - 1 :].startswith(stands_there)

    def test_finds_the_same_again(self, check, tmp_path):
        bad = loaded(tmp_path, EXAMPLES[check.name][0])

        assert list(check.run(bad.policy, bad.world)) == list(check.run(bad.policy, bad.world))

    def test_survives_a_policy_without_alerts_and_promises(self, check, tmp_path):
        bare = loaded(tmp_path)
        policy = bare.policy.model_copy(update={"burn_rate_alerts": {}, "slas": {}})

        assert list(check.run(policy, bare.world)) == []


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

    assert lint(near.policy, near.world) == ()


def test_a_tier_that_no_objective_covers_whole_is_a_remark(tmp_path):
    bad = loaded(tmp_path, ("policy.yaml", "indicator: {kind: events}", "indicator: {kind: events, tiers: [free]}"))

    (problem,) = lint(bad.policy, bad.world)

    assert problem.severity == Severity.INFO
    assert bad.placed(problem).line == 31


def test_a_rule_that_does_not_page_gets_a_remark_only(tmp_path):
    bad = loaded(tmp_path, EXAMPLES["alerts/one-failure-pages"][0], ("policy.yaml", ", page: true", ""))

    assert {p.severity for p in lint(bad.policy, bad.world)} == {Severity.INFO}


def test_a_problem_of_an_overridden_value_points_to_the_scenario(tmp_path):
    copy_of_files(tmp_path)
    week = tmp_path / "week.yaml"
    week.write_text(
        week.read_text()
        .replace("target: 99.5%", "target: 90%")
        .replace("slos: {", "burn_rate_alerts: {fast: {factor: 20, budget_share: 3%}}\n    slos: {")
    )

    result = CliRunner().invoke(command, [str(week)])

    assert f"{week}:13:39: error: alert fast can never fire" in result.output
    assert "override.policy.burn_rate_alerts.fast.factor" in result.output
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("check", "arguments", "code"),
    [
        (None, ["--strict"], 0),
        ("alerts/budget-share", [], 0),
        ("alerts/budget-share", ["--strict"], 1),
        ("alerts/unreachable", [], 1),
        ("alerts/unreachable", ["-o", "json"], 1),
    ],
)
def test_errors_end_with_exit_code_1_and_with_strict_warnings_too(tmp_path, check, arguments, code):
    loaded(tmp_path, *([EXAMPLES[check][0]] if check else []))

    result = CliRunner().invoke(command, [str(tmp_path / "scenario.yaml"), *arguments])

    assert result.exit_code == code
    assert ("no problem" in result.output or "0 problems" in result.output) == (check is None)


def test_a_policy_is_linted_without_a_world_and_a_world_is_no_policy():
    result = CliRunner().invoke(command, [str(DATA / "policy.yaml")])

    assert (result.exit_code, result.output) == (0, "4 checks, 0 problems\n")
    assert isinstance(CliRunner().invoke(command, [str(DATA / "world.yaml")]).exception, BadInput)


@pytest.mark.parametrize(
    ("value", "text"), [(1.44, "1.44"), ("0.001", "0.001"), (4320.0, "4320"), ("1E+3", "1000"), ("0.33333333333", "0.333333")]
)
def test_numbers_are_shown_without_exponents_and_idle_zeros(value, text):
    assert number(value) == text


def test_the_room_s_page_names_every_check_and_no_other():
    rows = (ROOT / "docs" / "rooms" / "lint.md").read_text().split("|---|---|")[1].splitlines()

    assert sorted(row.split("`")[1] for row in rows if row.startswith("| `")) == [check.name for check in all_checks()]


def test_a_threshold_of_exactly_1_is_unreachable_and_binary_floats_do_not_hide_it(tmp_path):
    assert 10 * (1 - 0.9) < 1  # what reckoning in floats would say
    bad = loaded(tmp_path, ("policy.yaml", "target: 99.9%", "target: 90%"), ("policy.yaml", "factor: 14.4", "factor: 10"))

    assert [p.check for p in lint(bad.policy)].count("alerts/unreachable") == 1


def test_an_objective_equal_to_the_promise_is_no_stricter(tmp_path):
    bad = loaded(tmp_path, ("policy.yaml", "availability: 99.5%", "availability: 99.95%"))

    (problem,) = lint(bad.policy)

    assert problem.message.startswith("objective everything is no stricter than what tier paying was promised")
