"""Scripted and imported incidents happen when and as they are stated; whom they hit."""

import dataclasses
import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.world.failures.conftest import plan_of, world_of
from workbench.errors import BadInput
from workbench.scenario.imported import imported
from workbench.scenario.load import load_scenario
from workbench.scenario.schema.failures import FailureMode
from workbench.scenario.schema.incidents import IncidentList
from workbench.world.failures.definition import of_mode, routes_touched
from workbench.world.grid import Grid
from workbench.world.impact import CapacityFalls, ErrorsHappen, LatencyRises
from workbench.world.layout import failure_codes
from workbench.world.plan import draw_plan

SENTENCE = "day 12, 14:05, 15 % errors of database for 10 min"


def test_a_scripted_incident_has_exactly_the_strength_time_and_end_that_are_stated(quiet):
    grid = Grid(15, 0, 30 * 86400.0)
    [incident] = draw_plan(world_of(quiet, incidents=[SENTENCE_FIELDS]), grid, quiet.start, 1).incidents
    assert (incident.start_s, incident.natural_end_s) == (11 * 86400 + 14 * 3600 + 300, 11 * 86400 + 14 * 3600 + 900)
    assert incident.impact.acts == (ErrorsHappen(0.15, (("503", 1.0),)),)
    assert (incident.id, incident.mode, incident.cause, incident.components) == (
        "scripted-1",
        "scripted",
        "scripted",
        ("database",),
    )
    assert incident.routes == routes_touched(quiet.world, ("database",))


SENTENCE_FIELDS = {"at": "day 12, 14:05", "errors": "15%", "component": "database", "lasts": "10m"}


def test_scripted_incidents_are_the_same_for_every_seed_and_leave_what_is_drawn_as_it_is(month, quiet):
    modes = {name: mode.model_dump(mode="json", exclude_defaults=True) for name, mode in month.world.failure_modes.items()}
    without, with_it = (plan_of(quiet, modes=modes, incidents=incidents) for incidents in ((), (SENTENCE_FIELDS,)))
    other = plan_of(quiet, modes=modes, incidents=(SENTENCE_FIELDS,), seed=2)
    stated = [one for one in with_it.incidents if one.cause == "scripted"]
    assert [one for one in with_it.incidents if one.cause != "scripted"] == list(without.incidents)
    assert stated == [one for one in other.incidents if one.cause == "scripted"]


@pytest.mark.parametrize(
    ("zone", "first", "text", "hours"),
    [
        ("Europe/Zurich", dt.date(2026, 3, 28), "day 2, 12:00", 35),
        ("Europe/Zurich", dt.date(2026, 10, 24), "day 2, 12:00", 37),
        ("America/New_York", dt.date(2026, 3, 7), "2026-03-08T12:00", 35),
        ("America/New_York", dt.date(2026, 3, 7), "2026-03-08T16:00Z", 35),
        ("UTC", dt.date(2026, 3, 28), "day 2, 12:00", 36),
    ],
)
def test_local_times_hold_across_a_change_of_the_clocks(quiet, zone, first, text, hours):
    world = world_of(quiet, incidents=[{**SENTENCE_FIELDS, "at": text}])
    start = dt.datetime.combine(first, dt.time(), ZoneInfo(zone))
    [incident] = draw_plan(world, Grid(15, 0, 3 * 86400.0), start, 1).incidents
    assert incident.start_s == hours * 3600


def test_an_incident_that_began_before_the_run_lasts_as_long_as_was_left_of_it(quiet):
    begun = {**SENTENCE_FIELDS, "at": (quiet.start - dt.timedelta(minutes=4)).strftime("%Y-%m-%dT%H:%M")}
    [incident] = draw_plan(world_of(quiet, incidents=[begun]), Grid(15, 0, 86400.0), quiet.start, 1).incidents
    assert (incident.start_s, incident.natural_end_s) == (0, 360)


def test_a_library_mode_that_is_scripted_has_its_usual_strength_and_median_duration(quiet):
    grid = Grid(15, 0, 30 * 86400.0)
    stated = [{"at": "day 3, 10:00", "library": "partial-outage", "name": "drill"}]
    [incident] = draw_plan(world_of(quiet, incidents=stated), grid, quiet.start, 1).incidents
    assert incident.id == "drill"
    assert incident.mode == "partial-outage"
    assert incident.natural_end_s - incident.start_s == 3600
    assert incident.impact.acts == (ErrorsHappen(0.25, (("502", 0.6), ("503", 0.4))),)
    assert incident.routes == tuple(sorted(quiet.world.routes))


# ---- whom it hits


def mode(**fields):
    return FailureMode.model_validate({"every": "1d", **fields})


def test_a_share_of_the_hosts_or_a_region_folds_into_ratios_and_capacity(quiet):
    world = world_of(quiet, regions={"eu": 0.6, "us": 0.4})
    strengths = {"component": "database", "errors": "50%", "latency": "x3", "capacity_lost": "100%"}
    for where, share in (({}, 1.0), ({"hosts": "25%"}, 0.25), ({"region": "eu"}, 0.6), ({"region": "us", "hosts": "50%"}, 0.2)):
        impact = of_mode(world, mode(**strengths, **where)).impact(0.0, 60.0)
        errors, latency, capacity = impact.acts
        assert isinstance(errors, ErrorsHappen)
        assert isinstance(latency, LatencyRises)
        assert isinstance(capacity, CapacityFalls)
        assert (errors.ratio, latency.factor, capacity.share) == pytest.approx((0.5 * share, 1 + 2 * share, share))


def test_a_regional_failure_takes_hosts_of_all_components_and_fails_requests_once(quiet):
    service = {"median": 0.01, "sigma": 0.5}
    served = {
        name: part.model_validate({**part.model_dump(mode="json"), "service": {"median": "10ms", "sigma": 0.5}})
        if name in ("api", "database")
        else part
        for name, part in quiet.world.components.items()
    }
    world = world_of(quiet, regions={"eu": 0.6, "us": 0.4}, components=served)
    assert service
    found = of_mode(world, mode(library="regional-failure", region="us"))
    assert found.components == tuple(sorted(world.components))
    assert found.routes == tuple(sorted(world.routes))
    errors, capacity = found.impact(0.0, 60.0).acts
    assert errors.of_requests
    assert (errors.ratio, capacity.share) == pytest.approx((0.2, 0.4))


def test_several_components_touch_the_routes_of_each_and_stated_routes_narrow_them(quiet):
    both = of_mode(quiet.world, mode(components=["storage", "auth"], errors="5%"))
    assert both.components == ("auth", "storage")
    assert set(both.routes) == set(routes_touched(quiet.world, ("auth",))) | set(routes_touched(quiet.world, ("storage",)))
    upload = of_mode(
        quiet.world, mode(components=["storage", "auth"], errors="5%", routes=["/api/v1/media/upload", "/api/v1/health"])
    )
    assert upload.routes == ("/api/v1/media/upload",)


def test_every_code_of_a_failure_has_its_series_from_the_start(quiet):
    world = world_of(quiet, modes={"m": {"library": "credential-stuffing", "routes": ["/api/v1/health"], "every": "1d"}})
    assert {"401", "429"} <= failure_codes(world, "/api/v1/health")
    assert "429" not in failure_codes(world, "/api/v1/admin") - set(quiet.world.routes["/api/v1/admin"].codes)
    scripted = world_of(quiet, incidents=[{**SENTENCE_FIELDS, "codes": {"507": "100%"}}])
    assert "507" in failure_codes(scripted, "/api/v1/admin")
    assert "507" not in failure_codes(scripted, "/api/v1/health")


# ---- lists

HEADER = "id,target,start,end,severity\n"
STATED = {
    "file": "x.csv",
    "severities": {"minor": {"errors": "2%"}, "major": {"library": "total-outage"}},
    "ignore": ["maintenance"],
}


def read(quiet, tmp_path, rows, **more):
    path = tmp_path / "x.csv"
    path.write_text(HEADER + rows, encoding="utf-8")
    start = dt.datetime(2026, 4, 1, tzinfo=ZoneInfo("Europe/Zurich"))
    return imported(IncidentList.model_validate(STATED | more), path, quiet.world, start, 30 * 86400.0)


def test_a_list_becomes_incidents_at_its_own_times(quiet, tmp_path):
    rows = (
        "a,database,2026-04-02T10:00:00Z,2026-04-02T10:20:00Z,minor\n"
        "b,github,2026-03-31T21:00:00Z,2026-03-31T23:00:00Z,major\n"
        "c,x,2026-04-03T10:00:00Z,2026-04-03T11:00:00Z,maintenance\n"
        "d,x,2026-01-03T10:00:00Z,2026-01-03T11:00:00Z,minor\n"
        "e,x,2026-05-01T10:00:00Z,2026-05-03T11:00:00Z,minor\n"
    )
    found, problems = read(quiet, tmp_path, rows, component="api")
    assert problems == []
    world = quiet.world.model_copy(update={"incidents": found})
    start = dt.datetime(2026, 4, 1, tzinfo=ZoneInfo("Europe/Zurich"))
    b, a = draw_plan(world, Grid(15, 0, 30 * 86400.0), start, 1).incidents
    assert (a.id, a.mode, a.cause, a.components, a.start_s, a.natural_end_s) == (
        "imported-a",
        "minor",
        "imported",
        ("database",),
        129_600,
        130_800,
    )
    assert (b.id, b.mode, b.components, b.start_s, b.natural_end_s) == ("imported-b", "major", ("api",), 0, 3600)


def test_an_anchor_makes_its_day_the_first_of_the_run(quiet, tmp_path):
    found, problems = read(quiet, tmp_path, "a,,2022-04-02T10:00:00Z,2022-04-02T10:20:00Z,minor\n", anchor="2022-04-01")
    assert problems == []
    assert [one.at.after_s for one in found] == [36 * 3600]


@pytest.mark.parametrize(
    ("rows", "check", "line"),
    [
        ("a,,2026-04-02T10:00:00Z,2026-04-02T10:20:00Z,minr\n", "incidents/severity", 2),
        ("a,,2026-04-02T10:00:00Z,,minor\n", "incidents/end", 2),
        ("a,,2026-04-02T10:00:00,2026-04-02T10:20:00,minor\n", "incidents/time", 2),
        ("a,,2026-04-02T10:00:00Z,2026-04-01T10:20:00Z,minor\n", "incidents/time", 2),
        (
            "a,,2026-04-02T10:00:00Z,2026-04-02T10:20:00Z,minor\na,,2026-04-02T10:00:00Z,2026-04-02T10:20:00Z,minor\n",
            "incidents/id",
            3,
        ),
        ("a,2026-04-02T10:00:00Z\n", "incidents/ragged", 2),
        ("a,,2020-04-02T10:00:00Z,2020-04-02T10:20:00Z,minor\n", "incidents/outside", None),
    ],
)
def test_what_is_wrong_with_a_list_has_its_file_and_line(quiet, tmp_path, rows, check, line):
    found, [problem] = read(quiet, tmp_path, rows)
    assert (problem.check, problem.file, problem.line) == (check, str(tmp_path / "x.csv"), line)
    assert found == ()


_CELLS = ["a", "", ",", "\n", '"', "2026-04-02T10:00:00Z", "minor", "\r", "x", "\u00e9"]
_ROWS = st.lists(st.sampled_from(_CELLS), max_size=30).map(lambda parts: (HEADER + ",".join(parts)).encode())


@given(text=st.one_of(st.binary(max_size=200), _ROWS))
def test_any_file_is_a_list_or_has_problems(quiet, tmp_path_factory, text):
    path = tmp_path_factory.mktemp("lists") / "x.csv"
    path.write_bytes(text)
    found, problems = imported(IncidentList.model_validate(STATED), path, quiet.world, quiet.start, 86400.0)
    assert problems or found
    assert all(problem.file == str(path) for problem in problems)


# ---- files


FILES = {
    "s.yaml": """
apiVersion: workbench/v1
kind: Scenario
name: corner
extends: scenario.yaml
override:
  world:
    regions: {eu: 60%, us: 40%}
    incidents:
      - day 2, 14:05, 15 % errors of database for 10 min
      - {at: "day 3, 10:00", library: cache-flush, component: database}
    incidents_from: {file: list.csv, severities: {minor: {errors: 2%}}}
""",
    "list.csv": HEADER + "a,,2026-04-03T10:00:00Z,2026-04-03T10:20:00Z,minor\n",
}


@pytest.fixture
def folder(tmp_path):
    from tests.support.places import ROOT  # noqa: PLC0415 - only here

    for path in (ROOT / "tests/scenario/data").glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_scenario_brings_scripted_and_imported_incidents(folder):
    scenario = load_scenario(folder / "s.yaml")
    assert [one.cause for one in scenario.world.incidents] == ["scripted", "scripted", "imported"]
    (folder / "list.csv").write_text(FILES["list.csv"].replace("10:20", "10:21"), encoding="utf-8")
    assert load_scenario(folder / "s.yaml").digest != scenario.digest


@pytest.mark.parametrize(
    ("old", "new", "message", "nearest"),
    [
        ("of database for", "of databse for", "there is no such component: databse", "database"),
        ("15 % errors", "15 % bananas", "'15 % bananas of database for 10 min' is not understood", None),
        ("component: database}", "component: databse}", "there is no such component", "database"),
        ("component: database}", "component: database, region: eur}", "there is no such region", "eu"),
        ("component: database}", "component: database, tiers: [fre]}", "there is no such tier", "free"),
        ("component: database}", "component: database, routes: [/logn]}", "there is no such route", "/login"),
        ("cache-flush", "cache-flsh", "none of the values allowed", "cache-flush"),
        ("day 3, 10:00", "day 33, 10:00", "outside of the run", None),
        ("day 3, 10:00", "day 3 at ten", "a moment is written", None),
        ("us: 40%", "us: 30%", "must add up to exactly 100%", None),
        ("library: cache-flush, component: database", "library: cache-flush", "this happens to components", None),
        ("library: cache-flush, ", "", "nothing says what this does", None),
        ("list.csv", "lst.csv", "there is no such file", "list.csv"),
        ("minor: {errors: 2%}", "minor: {errors: 2}", "share", "2%"),
    ],
)
def test_what_is_wrong_with_a_stated_incident_is_shown_where_it_stands(folder, old, new, message, nearest):
    text = FILES["s.yaml"].replace(old, new)
    line = next(
        number for number, (a, b) in enumerate(zip(FILES["s.yaml"].split("\n"), text.split("\n"), strict=True), 1) if a != b
    )
    (folder / "s.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_scenario(folder / "s.yaml")
    [problem] = caught.value.problems
    assert message in problem.message
    assert problem.line == line
    assert problem.nearest == nearest


def test_rows_of_a_list_are_reported_with_file_and_line(folder):
    (folder / "list.csv").write_text(FILES["list.csv"].replace("minor", "mnor"), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load_scenario(folder / "s.yaml")
    [problem] = caught.value.problems
    assert (problem.file, problem.line, problem.nearest) == (str(folder / "list.csv"), 2, "minor")


def test_a_leak_ends_in_a_restart_on_a_slot(quiet):
    incident = {"at": "day 2, 10:01", "library": "slow-leak", "component": "api", "lasts": "3h"}
    grid = Grid(15, 7, 5 * 86400.0)
    [leak] = draw_plan(world_of(quiet, incidents=[incident]), grid, quiet.start, 1, slot_bins=20).incidents
    assert grid.first_bin_from(leak.natural_end_s) % 20 == 0
    assert leak.restarts == tuple(sorted(path for path, route in quiet.world.routes.items() if route.serving == "api"))
    assert leak.shape.rise_s == pytest.approx(3 * 3600, abs=15)
    assert dataclasses.replace(leak, restarts=()) != leak
