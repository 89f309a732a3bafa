"""Unit tests written from simulated incidents, run by the real promtool: green as written, red as soon as a rule is changed."""

import dataclasses
import re
import shutil
import subprocess
from decimal import Decimal

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from tests.support.places import ROOT
from tests.support.programs import need
from tests.support.promtool_files import expand
from workbench.alerts.rules import AlertRule, Profile, RecordingRule, RuleGroup
from workbench.cli.main import cli
from workbench.errors import CouldNotRun
from workbench.interop.prometheus import rule_file
from workbench.interop.promtool import export
from workbench.interop.promtool.export import unit_tests
from workbench.interop.promtool.scrapes import MOST_SAMPLES, cut, grids
from workbench.interop.promtool.text import notation
from workbench.run.month import run
from workbench.scenario.load import load_scenario
from workbench.telemetry.series import STALE, Series, SeriesKey
from workbench.units import DAY_S

LONG = (
    "looks back 1d; even scraped every 15s a series has more than 300 samples, near the 10,000 that promtool can hold, "
    "and its window of 1m allows no fewer scrapes"
)
KEPT = {"authentication", "media-upload"}


@pytest.fixture(scope="module")
def busy():
    """Three days in which enough goes wrong, two small objectives, all four burn rates."""
    month = load_scenario(ROOT / "scenarios/medianest/baseline.yaml")
    modes = {
        name: mode.model_copy(update={"every": mode.every / 6, "weibull_shape": 1.0})
        for name, mode in month.world.failure_modes.items()
    }
    delivery = month.world.delivery.model_copy(update={"per_working_day": 5.0, "change_failure_rate": Decimal("0.3")})
    world = month.world.model_copy(update={"failure_modes": modes, "delivery": delivery})
    slos = {name: slo for name, slo in month.policy.slos.items() if name in KEPT}
    policy = month.policy.model_copy(update={"slos": slos, "slas": {}})
    clock = month.clock.model_copy(update={"horizon": 3.0 * DAY_S})
    return dataclasses.replace(month, world=world, policy=policy, clock=clock, seed=11)


@pytest.fixture(scope="module")
def outcome(busy):
    return run(busy)


@pytest.fixture(scope="module")
def written(busy, outcome):
    return unit_tests(outcome, busy.policy, outcome.rules, incidents=1)


def promtool(folder, *arguments):
    return subprocess.run([need("promtool"), *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def fill(folder, rules, files):
    (folder / "rules.yml").write_text(rules)
    for name, text in files:
        (folder / name).write_text(text)


def test_the_real_promtool_finds_every_written_test_true(tmp_path, outcome, written):
    fill(tmp_path, rule_file(outcome.rules), written.files)

    checked = promtool(tmp_path, "check", "rules", "rules.yml")
    ran = promtool(tmp_path, "test", "rules", *(name for name, _ in written.files))

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("SUCCESS") == len(written.files) == 8


def with_detection(written):
    return [(name, text) for name, text in written.files if "# detected" in text]


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        ("a threshold ten times as high", lambda rules: re.sub(r"> ([\d.]+) \*", r"> 10 * \1 *", rules)),
        ("a threshold of zero", lambda rules: re.sub(r"> ([\d.]+) \*", r"> 0 *", rules)),
        ("another for", lambda rules: re.sub(r"for: \S+", "for: 0s", rules)),
        ("another annotation", lambda rules: rules.replace("times the sustainable", "times a sustainable")),
        ("another severity", lambda rules: re.sub("severity: .*", "severity: none", rules)),
    ],
)
def test_a_changed_rule_makes_the_tests_fail(tmp_path, outcome, written, what, wrong):
    files = sorted(with_detection(written), key=lambda file: len(file[1]))[:2]
    rules = rule_file(outcome.rules)
    assert wrong(rules) != rules
    fill(tmp_path, wrong(rules), files)

    ran = promtool(tmp_path, "test", "rules", *(name for name, _ in files))

    assert ran.returncode == 1, what
    assert ran.stdout.count("SUCCESS") == 0, ran.stdout


def test_most_alerts_of_a_busy_time_are_tested_to_fire_and_all_to_be_silent(written):
    assert len(with_detection(written)) >= 5
    for _, text in written.files:
        assert "exp_samples: []" in text
    assert any('alertstate="pending"' in text and 'alertstate="firing"' in text for _, text in written.files)
    assert any("exp_annotations" in text for _, text in written.files)


def test_no_sample_stands_on_the_evaluation_grid_and_none_are_too_many(written):
    for _, text in written.files:
        document = yaml.safe_load(text)
        evaluation_s = seconds(document["evaluation_interval"])
        for test in document["tests"]:
            interval_s = seconds(test["interval"])
            assert test["input_series"]
            for series in test["input_series"]:
                at = [i * interval_s for i, value in enumerate(expand(series["values"])) if value is not None]
                assert 0 < len(at) <= MOST_SAMPLES
                assert not any(time % evaluation_s == 0 for time in at)


def seconds(text):
    units = {"h": 3600, "m": 60, "s": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


def test_a_file_is_small_and_says_what_it_does_not_test(written):
    assert max(len(text) for _, text in written.files) < 400_000
    for left_out in written.left_out:
        [text] = [text for name, text in written.files if name == f"{left_out.group}-{left_out.alert}_test.yml"]
        assert f"# Not tested: {left_out.reason}." in text


def test_rules_that_no_test_can_hold_are_left_out_by_name(monkeypatch, busy, outcome):
    monkeypatch.setattr(export, "MOST_SAMPLES", 300)
    windows = "sum(rate(http_requests_total{route='/api/v1/auth/login',tier='free'}[WINDOW]))"
    long, short = windows.replace("WINDOW", "1d"), windows.replace("WINDOW", "1m")
    rules = (AlertRule("Nothing", "rate(no_such_metric[5m]) > 1"), AlertRule("Long", f"{long} > 2 * {short}"))

    found = unit_tests(outcome, busy.policy, (RuleGroup("odd", rules),), incidents=1)

    assert [(one.group, one.alert, one.reason) for one in found.left_out] == [
        ("odd", "Nothing", "reads no series of the simulated telemetry"),
        (
            "odd",
            "Long",
            LONG,
        ),
    ]
    assert found.files == ()


def test_chains_of_recording_rules_over_groups_are_evaluated_in_order(tmp_path, busy, outcome):
    ratio = 'sum(rate(http_requests_total{route="/api/v1/auth/login"__code__}[5m]))'
    groups = (
        RuleGroup(
            "records",
            (
                RecordingRule("login:errors:rate5m", ratio.replace("__code__", ',status_code=~"5.."')),
                RecordingRule("login:requests:rate5m", ratio.replace("__code__", "")),
            ),
        ),
        RuleGroup(
            "alerts",
            (
                RecordingRule("login:ratio:rate5m", "login:errors:rate5m / login:requests:rate5m"),
                AlertRule(
                    "LoginErrors",
                    "login:ratio:rate5m > 0.005",
                    60.0,
                    120.0,
                    (("severity", "page"),),
                    (("summary", "{{ $value | humanizePercentage }} fail"),),
                ),
            ),
        ),
    )

    found = unit_tests(outcome, busy.policy, groups, incidents=2)
    fill(tmp_path, rule_file(groups), found.files)
    ran = promtool(tmp_path, "test", "rules", *(name for name, _ in found.files))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert found.files[0][1].count("# detected") >= 2
    assert "login:" not in found.files[0][1].replace("rules", "")


@pytest.mark.parametrize(
    ("profile", "evaluation_s"),
    [
        (Profile(), 15.0),
        (Profile(phase_s=0.0), 15.0),
        (Profile(scrape_interval_s=30.0, phase_s=7.0), 60.0),
        (Profile(scrape_interval_s=60.0, phase_s=30.0), 15.0),
        (Profile(scrape_interval_s=7.5, phase_s=0.5), 10.0),
        (Profile(scrape_interval_s=0.5, phase_s=0.1), 1.0),
        (Profile(scrape_interval_s=10.0, phase_s=5.0), 5.0),
    ],
)
def test_grids_keep_every_scrape_off_the_evaluations(profile, evaluation_s):
    found = grids(profile, evaluation_s)

    assert found
    for grid in found:
        scrapes = np.arange(0, 10_000) * grid.scrape_s + grid.phase_s
        assert not np.any(scrapes % grid.evaluation_s == 0)
        assert grid.scrape_s == profile.scrape_interval_s * grid.every


def test_the_first_grid_is_the_run_itself():
    [grid, *_] = grids(Profile(), 15.0)

    assert (grid.scrape_s, grid.evaluation_s, grid.phase_s, grid.interval_s) == (15, 15, 7, 1)


def test_thinning_keeps_every_second_value_and_moves_it_by_less_than_a_scrape():
    times = np.arange(0, 40) * 15.0 + 7
    series = Series(SeriesKey.of("x_total"), times, np.arange(40))
    grid = next(one for one in grids(Profile(), 15.0) if one.every == 2)

    thinned = cut([series], 60.0, 420.0, Profile(), grid)

    [kept] = thinned
    assert kept.values.tolist() == list(range(4, 28, 2))
    assert kept.times.tolist() == [k * 30.0 + 15.0 for k in range(12)]


def test_samples_are_written_as_promtool_reads_them():
    series = Series(SeriesKey.of("x"), np.array([7.0, 22.0, 52.0, 53.0]), np.array([0.0, 1.5, STALE, np.inf]))

    assert notation(series, 1) == "_x7 0 _x14 1.5 _x29 stale Inf"
    assert notation(Series(SeriesKey.of("x"), np.array([15.0, 45.0]), np.array([3, 4])), 15) == "_ 3 _ 4"


def test_what_an_old_promtool_does_not_load_is_moved_or_told():
    alert = AlertRule("A", "up == 0", labels=(("severity", "page"),))
    groups = (
        RuleGroup("g", (alert,), labels=(("severity", "low"), ("team", "a")), file="one.yml"),
        RuleGroup("g", (alert,), query_offset_s=30.0, file="two.yml"),
    )

    found, left_out = export.portable(groups)

    assert [group.name for group in found] == ["g", "g (2)"]
    assert found[0].rules[0].labels == (("severity", "page"), ("team", "a"))
    assert not any(group.labels or group.query_offset_s for group in found)
    assert [(one.group, one.reason) for one in left_out] == [
        ("g (2)", "tested without query_offset 30s, which promtool 2.42 does not load")
    ]


def test_the_verb_writes_tests_of_a_users_own_rules_and_never_over_others(tmp_path):
    scenario = tmp_path / "scenario"
    shutil.copytree(ROOT / "scenarios/medianest", scenario)
    (scenario / "short.yaml").write_text("extends: baseline.yaml\nname: short\nclock: {horizon: 4d}\nexpect: null\n")
    rules = tmp_path / "mine.yml"
    rules.write_text(
        "groups: [{name: mine, rules: [{alert: Mine, for: 2m, labels: {severity: page, kind: '{{ $labels.route }}'}, expr: "
        '\'sum by (route) (rate(http_requests_total{route="/api/v1/auth/login",status_code=~"5.."}[5m])) / ignoring () '
        'sum by (route) (rate(http_requests_total{route="/api/v1/auth/login"}[5m])) > 0.005\'}]}]'
    )
    out = tmp_path / "out"
    arguments = ["export", "promtool", str(scenario / "short.yaml"), "--rules", str(rules), "--out", str(out)]

    first = CliRunner().invoke(cli, arguments)
    (out / "gone-Gone_test.yml").write_text((out / "mine-Mine_test.yml").read_text())
    again = CliRunner().invoke(cli, arguments)
    forced = CliRunner().invoke(cli, [*arguments, "--force"])

    assert first.exception is None, first.output
    assert isinstance(again.exception, CouldNotRun)
    assert forced.exception is None
    assert sorted(path.name for path in out.iterdir()) == ["mine-Mine_test.yml", "rules.yml"]
    text = (out / "mine-Mine_test.yml").read_text()
    assert "# detected" in text
    assert 'kind="/api/v1/auth/login"' in text
    ran = promtool(out, "test", "rules", "mine-Mine_test.yml")
    assert ran.returncode == 0, ran.stdout + ran.stderr
