"""Times without a zone, once the zone is known: every hour of the year, and the two that clocks make strange."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from workbench.errors import BadInput
from workbench.telemetry.history import Options, read_history
from workbench.telemetry.local import in_utc, zone_of

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - local times are counted from here


def local_us(moments):
    return np.array([(m.replace(tzinfo=None) - EPOCH) // dt.timedelta(microseconds=1) for m in moments], np.int64)


@pytest.mark.parametrize(
    ("name", "step_min"),
    [
        *((name, step) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC") for step in (5, 7, 60)),
        # Half an hour is repeated there, and rows of an hour could not say in which pass they were written.
        *(("Australia/Lord_Howe", step) for step in (5, 7)),
    ],
)
def test_a_whole_year_in_order_comes_back_to_the_minute(name, step_min):
    zone = ZoneInfo(name)
    utc = [dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=step_min * i) for i in range(366 * 24 * 60 // step_min)]

    found = in_utc(local_us(m.astimezone(zone) for m in utc), zone)
    assert np.array_equal(found, local_us(utc))


def test_every_route_of_a_file_has_its_own_second_pass():
    zone = ZoneInfo("Europe/Berlin")
    utc = [dt.datetime(2025, 10, 25, 22, tzinfo=dt.UTC) + dt.timedelta(minutes=10 * i) for i in range(40)]
    local = [m.astimezone(zone) for m in utc]
    apart, alternating = np.repeat([0, 1], len(utc)), np.tile([0, 1], len(utc))

    assert np.array_equal(in_utc(local_us([*local, *local]), zone, apart), local_us([*utc, *utc]))
    twice = [m for m in local for _ in range(2)]
    assert np.array_equal(in_utc(local_us(twice), zone, alternating), local_us([m for m in utc for _ in range(2)]))


def test_routes_of_a_file_in_local_time_pass_the_repeated_hour_together(tmp_path):
    stamps = ["2025-10-26T02:00:00", "2025-10-26T02:00:00", "2025-10-26T03:00:00"]
    rows = "".join(f"{stamp},/{route},1,0\n" for stamp in stamps for route in "ab")
    (tmp_path / "h.csv").write_text(f"time,route,total,errors\n{rows}")

    history = read_history(tmp_path / "h.csv", route=None, options=Options(timezone="Europe/Berlin"))
    assert [one.times.tolist() for one in history.telemetry][::2] == [[0, 3600, 7200]] * 2


def test_a_history_in_local_time_is_placed_in_utc_and_warned_of_only_without_a_zone(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text("time,total,errors\n2026-07-01T02:00:00,1,0\n2026-07-01T02:01:00,1,0\n")

    plain = read_history(path, route=None)
    placed = read_history(path, route=None, options=Options(timezone="Europe/Berlin"))
    assert [f.check for f in plain.findings] == ["history/local-time"]
    assert not placed.findings
    assert (plain.start - placed.start) == dt.timedelta(hours=2)


def test_a_zone_that_is_none_is_told_with_the_nearest(tmp_path):
    for name in ("Europe/Berlim", "../etc/passwd", "", "\0"):
        with pytest.raises(BadInput) as caught:
            zone_of(name)
        assert caught.value.problems[0].check == "history/timezone"
    with pytest.raises(BadInput) as caught:
        zone_of("Europe/Berlim")
    assert caught.value.problems[0].nearest == "Europe/Berlin"
    assert tmp_path
