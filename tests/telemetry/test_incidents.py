import datetime as dt

import pytest

from tests.support.places import SHARED
from workbench.errors import BadInput
from workbench.telemetry.incidents import read_incidents

START = dt.datetime(2022, 8, 22, 3, 51, 19, tzinfo=dt.UTC)


def problems_of(path):
    with pytest.raises(BadInput) as caught:
        read_incidents(path, START)
    return caught.value.problems


def test_times_are_seconds_from_the_start_of_the_history(tmp_path):
    path = tmp_path / "i.csv"
    path.write_text(
        "id,target,start,end,severity,extra\nb,x,2022-08-22T03:52:19Z,,slow,1\na,,2022-08-22T05:50:19+02:00,2022-08-22T03:51:49Z,,\n"
    )

    first, second = read_incidents(path, START)

    assert (first.id, first.target, first.start_s, first.end_s, first.line) == ("a", "", -60, 30, 3)
    assert (second.id, second.start_s, second.end_s, second.severity) == ("b", 60, None, "slow")


def test_all_faults_of_a_list_are_told_at_once(tmp_path):
    path = tmp_path / "i.csv"
    path.write_text(
        "id,start,end\n"
        "a,2022-08-22T04:00:00Z,2022-08-22T03:00:00Z\n"
        "b,then,\n"
        "c,2022-08-22T04:00:00,\n"
        ",2022-08-22T04:00:00Z,\n"
        "d,2022-08-22T04:00:00Z,\n"
        "d,2022-08-22T05:00:00Z,\n"
        "e,2022-08-22T05:00:00Z\n"
    )

    assert [(p.line, p.check) for p in problems_of(path)] == [
        (2, "incidents/time"),
        (3, "incidents/time"),
        (4, "incidents/time"),
        (5, "incidents/id"),
        (7, "incidents/id"),
        (8, "incidents/ragged"),
    ]


def test_a_list_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "i.csv"
    path.write_text("ident,begin\n1,2\n")

    assert [p.message for p in problems_of(path)] == ["the column `id` is missing", "the column `start` is missing"]


def test_an_empty_list_is_refused(tmp_path):
    path = tmp_path / "i.csv"
    path.write_text("\n")

    assert problems_of(path)[0].check == "incidents/empty"


@pytest.mark.parametrize(("folder", "count", "open_ends"), [("online-boutique-faults", 24, 0), ("petshop-low-traffic", 26, 26)])
def test_shared_lists_are_read_whole(folder, count, open_ends):
    path = SHARED / "data" / folder / "incidents.csv"
    if not path.is_file():
        pytest.skip(f"needs the data set {folder}, which is not part of the project")

    rows = read_incidents(path, START)

    assert (len(rows), sum(row.end_s is None for row in rows)) == (count, open_ends)
