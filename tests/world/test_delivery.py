import datetime as dt
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import simpy
import yaml
from pydantic import ValidationError

from tests.support.places import ROOT
from workbench.errors import BadInput
from workbench.scenario.load import load_scenario
from workbench.scenario.schema.delivery import LEVELS, ConfigurationChanges, Experiment, Launch, Maintenance
from workbench.scenario.schema.world import World
from workbench.units import DAY_S, HOUR_S
from workbench.world.delivery.draw import draw_changes
from workbench.world.delivery.launches import launch_factor
from workbench.world.delivery.maintenance import maintenance_windows, noticed
from workbench.world.delivery.pipeline import Pipeline, Ruling
from workbench.world.grid import Grid

START = dt.datetime(2026, 4, 6, tzinfo=ZoneInfo("Europe/Berlin"))  # a Monday
GRID = Grid(15.0, 7.0, 28 * DAY_S)


def world_of(month, **delivery):
    return month.world.model_copy(update={"delivery": month.world.delivery.model_copy(update=delivery)})


def changes(world, seeds, grid=GRID):
    return [change for seed in seeds for change in draw_changes(world, grid, START, seed, 20)]


def hour_of_week(at_s):
    local = START.astimezone(dt.UTC) + dt.timedelta(seconds=at_s)
    local = local.astimezone(START.tzinfo)
    return local.weekday(), local.hour + local.minute / 60


def test_deployments_follow_the_hours_and_weekdays_that_are_stated(month):
    hours = (0.0,) * 9 + (3.0, 3.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0) + (0.0,) * 7
    world = world_of(month, per_working_day=8.0, hours=hours, weekdays={"sat": 0.5, "fri": 0.0})
    found = [hour_of_week(one.start_s) for one in changes(world, range(60))]
    days = np.bincount([day for day, _ in found], minlength=7)

    expected = 8.0 * 4 * 60
    for day, factor in enumerate((1, 1, 1, 1, 0, 0.5, 0)):
        assert abs(days[day] - factor * expected) <= 4 * (factor * expected) ** 0.5
    # Deployments begin on slots of five minutes, so the edges of hours are blurred by half of one.
    early = np.mean([9 <= hour < 11 for _, hour in found])
    assert early == pytest.approx(0.6, abs=4 * (0.24 / len(found)) ** 0.5 + 0.01)
    assert all(8.9 < hour < 16.1 for _, hour in found)


@pytest.mark.parametrize("level", sorted(LEVELS))
def test_a_level_gives_the_rates_that_are_not_stated(month, level):
    world = world_of(month, level=level, per_working_day=None, change_failure_rate=None)
    delivery = world.delivery
    seeds, working = (150, 20) if level == "elite" else (600, 20)
    found = changes(world, range(seeds))
    expected = LEVELS[level].per_working_day * seeds * working

    assert abs(len(found) - expected) < 4 * expected**0.5
    rate = float(LEVELS[level].change_failure_rate)
    assert abs(sum(one.failure is not None for one in found) - rate * len(found)) < 4 * (len(found) * rate * (1 - rate)) ** 0.5
    stated = delivery.model_copy(update={"change_failure_rate": Decimal("0.9")})
    assert (stated.failure_rate, stated.deployments_a_day) == (Decimal("0.9"), LEVELS[level].per_working_day)


def test_rates_must_be_stated_where_no_level_gives_them(month):
    raw = month.world.model_dump(mode="json", by_alias=True, exclude_unset=True)
    del raw["delivery"]["change_failure_rate"]
    with pytest.raises(ValidationError, match="state change_failure_rate, or a level"):
        World.model_validate(raw)
    raw["delivery"]["level"] = "high"
    assert World.model_validate(raw).delivery.failure_rate == Decimal("0.2")


def test_configuration_changes_have_rates_of_their_own_restart_nothing_and_move_no_deployment(month):
    stated = ConfigurationChanges(per_working_day=4.0, change_failure_rate="25%", from_hour=0.0, to_hour=24.0)
    with_them, without = (changes(world_of(month, configuration=one), range(20)) for one in (stated, None))
    found = [one for one in with_them if one.kind == "configuration"]

    assert [one for one in with_them if one.kind == "deployment"] == without
    assert abs(len(found) - 1600) < 4 * 1600**0.5
    bad = sum(one.failure is not None for one in found)
    assert abs(bad - 0.25 * len(found)) < 4 * (0.1875 * len(found)) ** 0.5
    assert not any(one.restarts for one in found)
    assert {one.failure.mode for one in found if one.failure} == {"bad configuration"}


def test_a_bad_experiment_fails_its_share_of_the_traffic_until_it_ends(month):
    failure = month.world.delivery.failure.model_copy(update={"ratio_median": Decimal("0.4"), "ratio_sigma": 0.0})
    experiment = Experiment(at="2026-04-10T10:00", lasts="2d", component="api", share="25%", chance_bad="100%", failure=failure)
    world = world_of(month, experiments={"new-player": experiment}, per_working_day=0.0)
    [one] = changes(world, [1])

    assert one.kind == "experiment"
    assert one.failure.impact.acts[0].ratio == pytest.approx(0.1)
    assert one.start_s == pytest.approx(4 * DAY_S + 10 * HOUR_S, abs=8)
    assert one.failure.natural_end_s - one.failure.start_s == pytest.approx(2 * DAY_S, abs=16)


def test_maintenance_follows_its_calendar_and_touches_what_it_names(month):
    windows = {
        "patches": Maintenance(starts="2026-04-01T02:00", rule="FREQ=WEEKLY;BYDAY=WE", lasts="2h", components=("search-index",)),
        "quiet": Maintenance(starts="2026-04-09T12:00", lasts="1h", effect="nothing"),
        "move": Maintenance(
            starts="2026-04-12T03:00", lasts="30m", effect="read-only", routes=("/api/v1/media/upload",), code="423"
        ),
    }
    world = world_of(month, maintenance=windows)
    found = maintenance_windows(world, GRID, START)
    felt = noticed(world, found)

    assert [one.name for one in found] == ["patches", "quiet", "move", "patches", "patches", "patches"]
    assert found[0].start_s == pytest.approx(2 * DAY_S + 2 * HOUR_S, abs=8)
    assert found[0].routes == ("/api/v1/search",)
    assert [one.id for one in felt] == [
        "maintenance patches-1", "maintenance move-1", "maintenance patches-2", "maintenance patches-3", "maintenance patches-4",
    ]  # fmt: skip
    assert felt[1].impact.acts[0].codes == (("423", 1.0),)
    assert all(one.cause == "planned" for one in felt)


def test_a_window_that_began_before_the_run_is_cut_at_its_start(month):
    windows = {"long": Maintenance(starts="2026-04-05T22:00", lasts="4h", components=("api",))}
    [one] = maintenance_windows(world_of(month, maintenance=windows), GRID, START)

    assert (one.start_s, round(one.end_s / HOUR_S, 1)) == (0.0, 2.0)


def test_a_launch_brings_traffic_that_fades_to_a_third_in_the_stated_time(month):
    launch = Launch(at="2026-04-08T12:00", feature="clips", routes=("/api/v1/search",), traffic_factor=3.0, fades="1d")
    world = world_of(month, launches={"spring": launch})
    at_s = 2 * DAY_S + 12 * HOUR_S
    factor = launch_factor(world, "/api/v1/search", START, np.array([at_s - 1, at_s, at_s + DAY_S, at_s + 20 * DAY_S]))

    assert factor == pytest.approx([1.0, 3.0, 1 + 2 / np.e, 1.0], abs=1e-6)
    assert launch_factor(world, "/api/v1/health", START, np.array([at_s])) is None


class Frozen:
    """Nothing may begin before a time."""

    def __init__(self, until_s, *, drop=False):
        self.until_s, self.drop, self.asked = until_s, drop, []

    def may_deploy(self, change, component, at_s):
        self.asked.append((change, component, at_s))
        return Ruling(at_s >= self.until_s, None if self.drop else self.until_s)


def piped(month, gate):
    world = world_of(month, per_working_day=4.0, change_failure_rate=Decimal("0.5"))
    planned = draw_changes(world, GRID, START, 3, 20)
    env, restarts, failures = simpy.Environment(), [], []
    pipeline = Pipeline(
        env, GRID, planned, slot_bins=20, restart=lambda routes, first: restarts.append((routes, first)),
        fail=failures.append, gate=gate,
    )  # fmt: skip
    env.run(until=GRID.horizon_s)
    return planned, pipeline.deployments(), restarts, failures


def test_an_open_gate_lets_everything_happen_when_it_was_planned(month):
    planned, done, restarts, failures = piped(month, None)

    assert [(one.id, one.start_s, one.end_s) for one in done] == [(one.id, one.start_s, one.end_s) for one in planned]
    assert len(restarts) == sum(bool(one.restarts) for one in planned)
    assert failures == [one.failure for one in planned if one.failure is not None]


def test_a_closed_gate_delays_changes_and_moves_the_incidents_of_the_bad_ones_along(month):
    freeze_s = 10 * DAY_S
    planned, done, restarts, failures = piped(month, Frozen(freeze_s))
    ends = {one.failure.id: one.failure for one in planned if one.failure is not None}

    assert {one.id for one in done} == {one.id for one in planned}
    assert all(one.start_s >= freeze_s for one in done)
    late = [one for one in done if one.wanted_s is not None]
    assert late
    assert all(one.start_s == pytest.approx(freeze_s, abs=300) for one in late)
    assert all(first % 20 == 0 for _, first in restarts)
    for failure in failures:
        was = ends[failure.id]
        assert failure.natural_end_s - failure.start_s == pytest.approx(was.natural_end_s - was.start_s)
        assert failure.impact == was.impact


def test_a_gate_that_gives_no_time_drops_the_change(month):
    planned, done, _, _ = piped(month, Frozen(10 * DAY_S, drop=True))

    assert {one.id for one in done} == {one.id for one in planned if one.start_s >= 10 * DAY_S}


def test_a_gate_is_never_told_whether_a_change_is_bad(month):
    gate = Frozen(0.0)
    piped(month, gate)

    assert all(len(asked) == 3 and "bad" not in asked[0] for asked in gate.asked)


def test_the_examples_of_the_page_are_worlds(month, tmp_path):
    """Every example, laid over the reference world, is valid and refers to nothing that is not there."""
    page = (ROOT / "docs/people-and-delivery.md").read_text()
    raw = month.world.model_dump(mode="json", by_alias=True, exclude_unset=True)
    examples = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]
    for example in examples:
        for section, fields in example.items():
            raw[section] = {**raw.get(section, {}), **fields}
    world = World.model_validate(raw)

    assert [set(example) for example in examples] == [{"delivery"}, {"people"}, {"platform"}]
    (tmp_path / "world.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True, sort_keys=False))
    for name in ("policy.yaml", "baseline.yaml"):
        (tmp_path / name).write_text((ROOT / "scenarios/medianest" / name).read_text())
    assert load_scenario(tmp_path / "baseline.yaml").world == world


@pytest.mark.parametrize(
    ("section", "fields", "found"),
    [
        ("delivery", {"experiments": {"x": {"at": "2026-04-08", "component": "apy"}}}, "apy"),
        ("delivery", {"maintenance": {"x": {"starts": "2026-04-08", "lasts": "1h", "components": ["databse"]}}}, "databse"),
        ("delivery", {"launches": {"x": {"at": "2026-04-08", "feature": "f", "routes": ["/nowhere"]}}}, "/nowhere"),
        ("delivery", {"configuration": {"per_working_day": 1, "change_failure_rate": "1%", "components": {"ap": 1}}}, "ap"),
        ("people", {"rotations": {"x": {"components": ["strage"]}}}, "strage"),
        ("platform", {"support": {"tiers": {"premum": {}}}}, "premum"),
        ("platform", {"web": {"pages": ["/dash"]}}, "/dash"),
    ],
)
def test_a_name_that_the_world_does_not_have_is_shown_where_it_stands(month, tmp_path, section, fields, found):
    raw = month.world.model_dump(mode="json", by_alias=True, exclude_unset=True)
    raw[section] = {**raw.get(section, {}), **fields}
    (tmp_path / "world.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True, sort_keys=False))
    for name in ("policy.yaml", "baseline.yaml"):
        (tmp_path / name).write_text((ROOT / "scenarios/medianest" / name).read_text())
    with pytest.raises(BadInput) as caught:
        load_scenario(tmp_path / "baseline.yaml")

    [problem] = caught.value.problems
    assert problem.found == found
    assert problem.line is not None


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=WEEKLY;BYDAI=SU", "RFC 5545"),
        ("BYDAY=SU", "needs FREQ"),
        ("FREQ=MINUTELY", "needs FREQ"),
        ("FREQ=WEEKLY;BYDAY=XX", "no recurrence"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20260501T000000", "COUNT or UNTIL"),
    ],
)
def test_a_recurrence_that_is_none_is_refused_in_words(rule, said):
    with pytest.raises(ValidationError, match=said):
        Maintenance(starts="2026-04-05T02:00", rule=rule, lasts="1h", components=("api",))
