"""Fits of histories drawn from known laws, and of real ones where they are at hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from tests.fit.making import DAILY, START, cox, history, observed
from tests.support.places import SHARED
from workbench.cli.main import cli as workbench
from workbench.errors import CouldNotRun
from workbench.fit.against import check_history
from workbench.fit.bursts import find_bursts
from workbench.fit.check import binomial_interval, judge
from workbench.fit.fitted import fit_history
from workbench.fit.latency import from_buckets, from_percentiles
from workbench.fit.variability import blocks_of, covariances, fit_variability, step_moments
from workbench.fit.world import factor_spread, interval
from workbench.run.month import run
from workbench.scenario.load import load_scenario, load_world
from workbench.telemetry.counters import increments

DATA = SHARED / "data"


def real(*parts):
    path = DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


def fitted(seen, **more):
    return fit_history(seen, file="history.csv", zone="UTC", **{"versions": 60, **more})


def cli(*arguments):
    return CliRunner().invoke(workbench, ["fit", *(str(one) for one in arguments)])


def coverage(seeds):
    """How often each true parameter lies in its 90 % interval, over histories of two weeks."""
    inside = {}
    for seed in seeds:
        fit = fitted(history(seed), versions=100)
        shapes, found = fit.shapes, fit.variability
        at = int(np.argmin(np.abs(np.log(found.memory_s[0] / 900))))
        weekend = shapes.weekdays[1:, 5:].mean(axis=1) / shapes.weekdays[1:, :5].mean(axis=1)
        spans = {
            "level": (2.0, interval(shapes.level[1:])),
            "spread": (0.2, interval(factor_spread(found.spread[1:, at]))),
            "weekend": (0.6, interval(weekend)),
            "noon": (DAILY[12], interval(shapes.hours[1:, 12])),
            "errors": (0.001, (fit.usual.ratio - 1.645 * fit.usual.se, fit.usual.ratio + 1.645 * fit.usual.se)),
        }
        mode = fit.mode("errors")
        if mode is not None:
            spans["every"] = (2 * 86_400, mode.arrival.every_interval)
            spans["duration"] = (1800, mode.duration.interval)
            spans["strength"] = (0.1, mode.strength.interval)
        for name, (truth, (low, high)) in spans.items():
            inside.setdefault(name, []).append(low <= truth <= high)
    return {name: float(np.mean(hits)) for name, hits in inside.items()}


def test_true_parameters_lie_in_their_intervals_about_as_often_as_stated():
    rates = coverage(range(12))
    # Twelve histories: a rate of 0.9 shows fewer than 7 hits once in 2,000 times; 0.5 shows fewer than 7 more often than not.
    assert all(rate >= 7 / 12 for rate in rates.values()), rates
    assert np.mean(list(rates.values())) >= 0.78


@pytest.mark.slow
def test_true_parameters_lie_in_their_intervals_as_often_as_stated_over_many_histories():
    rates = coverage(range(1000, 1100))
    # Measured: 0.78 (spread) to 0.95. Two weeks of days make the bootstrap of the spread a fifth too narrow, and merged or
    # faint incidents bias their laws a little; the standard error of a rate of 0.8 is 0.04.
    assert all(rate >= 0.7 for rate in rates.values()), rates
    assert 0.82 <= np.mean(list(rates.values())) <= 0.97


def checked(seed, runs=80, **second):
    """A fit to two weeks, held against two weeks that follow."""
    later = START.replace(day=15)
    return check_history(fitted(history(seed)), history(seed + 500, start=later, **second), runs=runs, seed=seed)


def test_a_held_out_period_of_the_same_world_is_covered_at_the_stated_level():
    verdicts = [checked(seed) for seed in range(8)]
    inside = sum(v.inside for v in verdicts)
    assert inside / sum(len(v.places) for v in verdicts) >= 0.8
    assert sum(v.covers for v in verdicts) >= 6


@pytest.mark.slow
def test_coverage_of_held_out_periods_is_the_stated_level_over_many_worlds():
    verdicts = [checked(seed, runs=200) for seed in range(2000, 2060)]
    share = sum(v.inside for v in verdicts) / sum(len(v.places) for v in verdicts)
    assert 0.84 <= share <= 0.95
    assert np.mean([v.covers for v in verdicts]) >= 0.85


@pytest.mark.parametrize(
    ("changed", "miss"),
    [
        ({"rps": 4.0}, "requests a day"),
        ({"hours": DAILY[::-1]}, "busy hours of the day / mean"),
        ({"weekend": 1.6}, "weekend / working day"),
        ({"spread": 0.6}, "dispersion at 1 h"),
        ({"ratio": 0.004}, "error ratio outside of bursts"),
        ({"every_s": 10_000.0}, "error bursts"),
    ],
)
def test_a_changed_world_is_shown_as_a_miss(changed, miss):
    verdict = checked(3, **changed)
    assert not verdict.covers
    assert miss in {place.statistic for place in verdict.misses}
    assert "does not cover" in verdict.sentence


def test_growth_is_found_where_there_is_some_and_stated_as_none_where_there_is_none():
    grown = fitted(history(5, days=56, growth=0.15, every_s=None)).shapes
    flat = fitted(history(6, days=56, every_s=None)).shapes
    assert grown.growth[0] == pytest.approx(np.log(1.15), abs=4 * grown.growth_se)
    assert abs(flat.growth[1:].mean()) < 4 * flat.growth_se


def test_spread_and_memory_of_a_known_stream_come_back():
    rng = np.random.default_rng(1)
    expected = np.full(20 * 1440, 300.0)
    total = rng.poisson(expected * cox(rng, len(expected), 60.0, 0.3, 1800.0)).astype(float)
    known = np.ones(len(total), dtype=bool)
    block = blocks_of(np.arange(len(total)) // 1440, len(total))
    found = fit_variability(covariances(total, expected, known, 60.0, block), 60.0, rng, 100)
    assert found.factors == 1
    low, high = interval(factor_spread(found.spread[1:, 0]))
    assert low * 0.95 <= 0.3 <= high * 1.05
    assert 1200 < found.memory_s[0, 0] < 2700


def test_poisson_traffic_has_no_spread():
    total = np.random.default_rng(2).poisson(100, 14 * 1440)
    # The relative variance of 20,160 counts of 100 is known to 1e-4; a memory shorter than a step makes 0.037 of three times that.
    assert fitted(observed(total)).variability.whole[0] < 0.04


def test_moments_of_a_step_are_those_of_a_finely_drawn_factor():
    rng = np.random.default_rng(3)
    fine = cox(rng, 600_000, 1.0, 0.5, 40.0).reshape(-1, 60).mean(axis=1)
    log_spread = float(np.sqrt(np.log1p(0.25)))
    variance, correlation = step_moments(log_spread, 40.0, 60.0)
    assert np.log1p(fine.var()) == pytest.approx(variance, rel=0.06)
    beside = np.log1p(np.cov(fine[:-1], fine[1:])[0, 1])
    assert beside == pytest.approx(variance * correlation, rel=0.25)


def test_a_week_without_weekend_and_a_short_history_say_so_and_invent_nothing():
    working = fitted(history(7).between(None, START.replace(day=5)))
    assert working.shapes.weekly == "none"
    assert set(working.shapes.weekdays[0]) == {1.0}
    assert "fit/no-weekend" in {problem.check for problem in working.findings}
    short = fitted(history(8, days=0.5))
    assert not short.shapes.daily
    assert set(short.shapes.hours[0]) == {1.0}
    assert "fit/no-daily-shape" in {problem.check for problem in short.findings}


def test_missing_data_and_an_outage_do_not_move_the_level():
    whole = history(9)
    holed = whole.total.copy()
    holed[:, 4000:6000] = np.nan
    gap = fitted(observed(holed, whole.errors))
    dark = whole.total.copy()
    dark[:, 8000:8300] = 0
    outage = np.zeros(whole.steps, dtype=bool)
    outage[8000:8300] = True
    out = fitted(observed(dark, whole.errors, outage=outage))
    level = fitted(whole).shapes.level[0]
    assert gap.shapes.level[0] == pytest.approx(level, rel=0.03)
    assert out.shapes.level[0] == pytest.approx(level, rel=0.02)
    (event,) = out.mode("outage").events
    assert (event.start_s, event.end_s) == (8000 * 60, 8300 * 60)


def test_bursts_are_found_where_they_were_put_and_chance_makes_none():
    rng = np.random.default_rng(4)
    total = rng.poisson(500, 2000).astype(float)
    errors = rng.binomial(total.astype(int), 0.002).astype(float)
    assert find_bursts(total, errors, 60.0)[1] == ()
    errors[700:710] = rng.binomial(total[700:710].astype(int), 0.2)
    usual, (burst,) = find_bursts(total, errors, 60.0)
    assert (burst.first, burst.last) == (700, 710)
    assert burst.ratio == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 5000))
    assert usual.ratio == pytest.approx(0.002, abs=4 * np.sqrt(0.002 / 1e6))


def test_a_lognormal_comes_back_from_its_buckets_and_beats_the_other_families():
    rng = np.random.default_rng(5)
    bounds = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
    blocks = np.stack([np.histogram(rng.lognormal(np.log(0.08), 0.7, 5000), [0, *bounds, np.inf])[0] for _ in range(10)])
    found = from_buckets("/", bounds, blocks.astype(float), rng, 100)
    assert found.median_s[0] == pytest.approx(0.08, rel=0.02)
    assert found.sigma[0] == pytest.approx(0.7, rel=0.03)
    assert next(fit.family for fit in found.fits if fit.family != "two lognormals") == "lognormal"


def test_a_lognormal_comes_back_from_its_percentiles_with_the_95th_as_seen():
    rng = np.random.default_rng(6)
    levels = (0.5, 0.9, 0.95, 0.99)
    rows = np.quantile(rng.lognormal(np.log(0.2), 0.5, (200, 400)), levels, axis=1)
    found = from_percentiles("/", levels, rows, np.arange(200) // 20, rng, 100, 80_000.0)
    assert found.median_s[0] == pytest.approx(0.2, rel=0.03)
    assert found.sigma[0] == pytest.approx(0.5, rel=0.04)
    assert found.quantile(0.95)[0] == pytest.approx(found.p95_s)


def test_the_interval_score_is_that_of_gneiting_and_raftery():
    drawn = [{"a": float(x)} for x in range(101)]
    inside, outside = judge({"a": 50.0}, drawn).places[0], judge({"a": 105.0}, drawn).places[0]
    assert (inside.low, inside.high, inside.score) == pytest.approx((5.0, 95.0, 90.0))
    assert outside.score == pytest.approx(90 + 2 / 0.1 * 10)
    assert inside.inside
    assert not outside.inside


def test_the_binomial_interval_has_its_closed_forms():
    # With none of n the upper end solves (1 - p)^n = 0.05; with all of n the lower one p^n = 0.05.
    assert binomial_interval(0, 10) == pytest.approx((0.0, 1 - 0.05**0.1))
    assert binomial_interval(10, 10) == pytest.approx((0.05**0.1, 1.0))


@pytest.mark.parametrize("bad", [observed(np.zeros(100)), observed(np.full(100, np.nan))])
def test_a_history_without_requests_cannot_be_fitted(bad):
    with pytest.raises(ValueError, match=r"ten known steps|no request"):
        fitted(bad)


@pytest.mark.parametrize("total", [np.full(2000, 50.0), np.r_[np.zeros(1900), np.full(100, 3.0)], np.ones(12)])
def test_odd_but_possible_histories_are_fitted_and_drawn_from(total):
    fit = fitted(observed(total, np.zeros(len(total))))
    verdict = check_history(fit, observed(total, np.zeros(len(total))), runs=40)
    assert verdict.runs == 40


# ---- the verb, with files


def write(path, text):
    path.write_text(text)
    return path


def csv_of(seen, path, *, errors=True):
    rows = ["time,total" + (",errors" if errors else "")]
    for k in range(seen.steps):
        at = (START.timestamp()) + (k + 1) * seen.step_s
        cells = [f"{at:.0f}", f"{seen.total[0, k]:.0f}", *([f"{seen.errors[0, k]:.0f}"] if errors else [])]
        rows.append(",".join(cells))
    return write(path, "\n".join(rows) + "\n")


def test_the_verb_writes_a_folder_that_loads_and_a_file_that_is_a_world(tmp_path):
    path = csv_of(history(11, days=7), tmp_path / "history.csv")
    result = cli(path, "--out", tmp_path / "made")
    assert result.exit_code == 0, result.output
    scenario = load_scenario(tmp_path / "made" / "scenario.yaml")
    # The world's mean is over whole weeks from a Monday on, so it is the history's level.
    assert scenario.world.traffic.mean_rps == pytest.approx(2.0, rel=0.05)
    assert scenario.start.weekday() == 0
    again = cli(path, "--out", tmp_path / "made")
    assert isinstance(again.exception, CouldNotRun)
    assert "exists" in str(again.exception)
    assert cli(path, "--out", tmp_path / "made", "--force").exit_code == 0
    assert cli(path, "--out", tmp_path / "world.yaml").exit_code == 0
    assert load_world(tmp_path / "world.yaml") == load_world(tmp_path / "made" / "world.yaml")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["history.csv", "made", "world.yaml"]


def test_the_verb_gives_the_same_output_twice_and_json_is_json(tmp_path):
    path = csv_of(history(12, days=3), tmp_path / "history.csv")
    first, second = (cli(path, "--check", path, "--runs", 40, "-o", "json") for _ in range(2))
    assert first.stdout == second.stdout
    found = json.loads(first.stdout)
    assert found["check"]["runs"] == 40
    assert found["routes"][0]["share"] == 1.0


def test_a_changed_future_ends_with_exit_code_1(tmp_path):
    path = csv_of(history(13, days=7), tmp_path / "first.csv")
    other = csv_of(history(14, days=7, rps=5.0), tmp_path / "second.csv")
    result = cli(path, "--check", other, "--runs", 60)
    assert result.exit_code == 1
    assert "does not cover" in " ".join(result.output.split())


def test_a_list_of_incidents_is_told_by_its_columns_and_gives_what_it_gave(tmp_path):
    rows = ["start,end,severity", *(f"2026-01-{d:02}T08:00:00Z,2026-01-{d:02}T{9 + d % 5:02}:30:00Z,major" for d in range(1, 28))]
    path = write(tmp_path / "incidents.csv", "\n".join(rows) + "\n")
    found = json.loads(cli(path, "-o", "json").stdout)
    assert (found["rows"], found["used"]) == (27, 27)
    assert {fit["family"] for fit in found["fits"]} == {"lognormal", "weibull", "gamma", "loglogistic", "exponential"}
    made = cli(path, "--out", tmp_path / "made")
    assert made.exit_code == 0, made.output
    assert load_scenario(tmp_path / "made" / "scenario.yaml").world.failure_modes


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--period", "yesterday"], "FROM..TO"),
        (["--period", "2024-02-01..2024-01-01"], "ends before"),
        (["--zone", "Mars/Base"], "IANA"),
        (["--check-period", "2024-01-01.."], "--check"),
        (["--severity", "minor"], "list of incidents"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_reason(tmp_path, arguments, says):
    path = csv_of(history(15, days=1), tmp_path / "history.csv")
    result = cli(path, *arguments)
    assert result.exit_code == 2
    assert says in result.output


# ---- real histories


@pytest.mark.parametrize(
    "name", ["nasa-http-1995", "online-boutique-faults", "petshop-low-traffic", "saas-nginx-2013"], ids=lambda name: name
)
def test_real_histories_become_worlds(tmp_path, name):
    result = cli(real(name, "requests.csv.gz"), "--out", tmp_path / "made")
    assert result.exit_code == 0, result.output
    assert load_scenario(tmp_path / "made" / "scenario.yaml").world.routes


def test_the_hurricane_is_shown_as_a_miss():
    path = real("nasa-http-1995", "requests.csv.gz")
    result = cli(
        path,
        "--zone",
        "America/New_York",
        "--period",
        "..1995-07-28",
        "--check",
        path,
        "--check-period",
        "1995-08-01..",
        "-o",
        "json",
    )
    assert result.exit_code == 1
    missed = {one["name"] for one in json.loads(result.stdout)["check"]["statistics"] if not one["inside"]}
    assert missed & {"outages", "outage minutes", "longest outage (min)"}


def test_quiet_hours_after_a_morning_of_faults_are_shown_as_a_miss():
    path = real("online-boutique-faults", "requests.csv.gz")
    split = "2022-08-22T08:00"
    result = cli(
        path, "--route", "frontend", "--period", f"..{split}", "--check", path, "--check-period", f"{split}..", "-o", "json"
    )
    assert result.exit_code == 1
    missed = {one["name"] for one in json.loads(result.stdout)["check"]["statistics"] if not one["inside"]}
    assert {"error ratio", "error bursts"} <= missed


def test_githubs_incidents_of_two_years_cover_the_third():
    path = real("github-incidents-2022-2024", "incidents.csv")
    severities = [part for one in ("minor", "major", "critical") for part in ("--severity", one)]
    result = cli(path, *severities, "--period", "..2024-01-01", "--check", path, "--check-period", "2024-01-01..", "-o", "json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["modes"][0]["arrivals"][0]["model"].endswith("weekly profile")
    assert 0.7 < found["modes"][0]["arrivals"][0]["weibull_shape"] <= 1.0


def test_a_run_of_a_fitted_world_is_covered_by_that_world(tmp_path):
    """The light path of checks against the world itself: the run's own telemetry is the second history."""
    past = history(21, days=14)
    fit = fitted(past)
    assert cli(csv_of(past, tmp_path / "history.csv"), "--out", tmp_path / "made").exit_code == 0
    scenario = load_scenario(tmp_path / "made" / "scenario.yaml")
    alone = scenario.policy.model_copy(update={"alert_preset": "none", "burn_rate_alerts": {}})
    clock = scenario.clock.model_copy(update={"horizon": 7 * 86_400.0})
    outcome = run(replace(scenario, policy=alone, clock=clock))
    minutes = 7 * 1440
    counts = {"total": np.zeros(minutes), "errors": np.zeros(minutes)}
    for series in outcome.telemetry.by_name["http_requests_total"]:
        at = np.minimum(np.ceil(series.times / 60).astype(int) - 1, minutes - 1)
        events = np.bincount(np.maximum(at, 0), weights=increments(series), minlength=minutes)
        counts["total"] += events
        if series.key.label_map["status_code"].startswith("5"):
            counts["errors"] += events
    verdict = check_history(fit, observed(counts["total"], counts["errors"], start=scenario.start), runs=150)
    assert verdict.covers, verdict.sentence
    assert verdict.inside >= 0.7 * len(verdict.places)
