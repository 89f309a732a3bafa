"""Presets of traffic: they fill in what is not stated, are sound, and look like recorded traffic of their kind."""

import gzip

import numpy as np
import pytest

from tests.scenario.files import copy_of_files
from tests.support.places import SHARED
from workbench.errors import BadInput
from workbench.scenario.load import load_world
from workbench.scenario.schema.traffic import WEEKDAYS, Traffic
from workbench.scenario.traffic_presets import PRESETS

NEEDED = {"mean_rps": 5, "capacity_rps": 50}


def ratios(traffic):
    """Peak over trough by hour; mean weekday over mean weekend day."""
    days = [traffic.weekdays[day] for day in WEEKDAYS]
    return max(traffic.hours) / min(traffic.hours), np.mean(days[:5]) / np.mean(days[5:])


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_preset_fills_in_what_is_not_stated(preset):
    traffic = Traffic.model_validate({"preset": preset, **NEEDED})
    assert traffic.variability is not None
    assert traffic.retries is not None
    assert traffic.session_sigma is not None
    own = Traffic.model_validate({"preset": preset, **NEEDED, "session_length": "7m", "hours": [1] * 24, "retries": None})
    assert (own.session_length, own.hours, own.retries) == (420.0, (1.0,) * 24, None)
    assert own.weekdays == traffic.weekdays
    assert np.mean(traffic.hours) == pytest.approx(1, abs=0.01)
    assert np.mean(list(traffic.weekdays.values())) == pytest.approx(1, abs=0.01)
    again = Traffic.model_validate(traffic.model_dump(mode="json"))
    assert again == traffic


def test_kinds_of_services_differ_where_they_should():
    shapes = {name: Traffic.model_validate({"preset": name, **NEEDED}) for name in PRESETS}
    busy = {name: int(np.argmax(traffic.hours)) for name, traffic in shapes.items()}
    assert 9 <= busy["business-hours-saas"] <= 16
    assert 19 <= busy["consumer-media"] <= 22
    weekend = {name: ratios(traffic)[1] for name, traffic in shapes.items()}
    assert weekend["business-hours-saas"] > weekend["internal-api"] > 1.3
    assert weekend["consumer-media"] < 1
    spreads = {name: traffic.variability.spread for name, traffic in shapes.items()}
    assert spreads["internal-api"] > spreads["business-hours-saas"] > spreads["consumer-media"]


def test_hours_are_needed_where_no_preset_is_named(tmp_path):
    copy_of_files(tmp_path)
    file = tmp_path / "world.yaml"
    text = file.read_text()
    hours = next(line for line in text.splitlines() if line.startswith("  hours:"))
    file.write_text(text.replace(hours + "\n", ""))
    with pytest.raises(BadInput) as caught:
        load_world(file)
    [problem] = caught.value.problems
    assert "hours must be stated, or a preset named" in problem.message
    assert problem.path == "traffic.hours"
    assert problem.line == text.splitlines().index("traffic:") + 1
    file.write_text(text.replace(hours + "\n", "  preset: consumer-media\n"))
    assert load_world(file).traffic.hours[20] == PRESETS["consumer-media"]["hours"][20]


def test_a_segment_and_a_bot_of_one_name_are_told(tmp_path):
    copy_of_files(tmp_path)
    file = tmp_path / "world.yaml"
    text = file.read_text().replace("    traffic_share: 75.5%\n", "    traffic_share: 75.5%\n    segments: {same: {share: 100%}}\n")
    file.write_text(text.replace("traffic:\n", "traffic:\n  bots: {same: {tier: paying, mean_rps: 1}}\n"))
    with pytest.raises(BadInput) as caught:
        load_world(file)
    [problem] = caught.value.problems
    assert (problem.check, problem.path) == ("reference/segment", "tiers.paying.segments.same")
    file.write_text(text.replace("traffic:\n", "traffic:\n  bots: {same: {tier: free, mean_rps: 1}}\n"))
    assert load_world(file).traffic.bots["same"].tier == "free"


def test_presets_lie_near_recorded_traffic():
    path = SHARED / "data" / "nasa-http-1995" / "requests.csv.gz"
    if not path.is_file():
        pytest.skip("the recorded histories are not here")
    with gzip.open(path, "rt") as file:
        rows = [line.split(",") for line in file.read().split()[1:]]
    minutes = np.array([row[0][:16] for row in rows], "datetime64[m]").astype(np.int64) - 240  # local time
    total = np.array([float(row[2]) for row in rows])
    by_hour = np.array([total[minutes // 60 % 24 == hour].mean() for hour in range(24)])
    day = (minutes // 1440 + 3) % 7  # 1970 began on a Thursday
    by_day = np.array([total[day == one].mean() for one in range(7)])
    peak, weekend = by_hour.max() / by_hour.min(), by_day[:5].mean() / by_day[5:].mean()
    assert peak == pytest.approx(4.0, abs=0.1)
    saas, api = (ratios(Traffic.model_validate({"preset": name, **NEEDED})) for name in ("business-hours-saas", "internal-api"))
    # A web site for everybody lies between a tool for work alone and jobs that run day and night.
    assert api[0] < peak < saas[0] < 3 * peak
    assert 0.9 * weekend < api[1] < saas[1] < 2.5 * weekend
    # Five minutes around a three-hour mean, chance taken off.
    july = total[minutes < minutes[0] + 25 * 1440]
    sums = july[: len(july) // 5 * 5].reshape(-1, 5).sum(axis=1)
    trend = np.convolve(sums, np.ones(37) / 37, "same")[37:-37]
    inside = sums[37:-37]
    spread = np.sqrt((((inside - trend) ** 2).mean() - trend.mean()) / (trend**2).mean())
    assert PRESETS["business-hours-saas"]["variability"]["spread"] == pytest.approx(spread, rel=0.25)
