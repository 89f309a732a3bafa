"""A folder is there whole or not at all, whatever happens while it is written."""

import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.support.outcomes import synthetic_outcome
from tests.support.places import ROOT
from workbench.errors import CouldNotRun
from workbench.report import folder
from workbench.report.folder import check_free, write_file, write_folder
from workbench.report.tables import alerts_csv, outcome_json

FILES = {"outcome.json", "alerts.csv", "incidents.csv", "telemetry.parquet", "histograms.parquet", "report.html"}


@pytest.fixture(scope="module")
def outcome():
    return synthetic_outcome(days=3)


def names(path):
    return {p.name for p in path.iterdir()}


def write(outcome, path, *, force=False, html="<html></html>"):
    write_folder(outcome, path, force=force, html=html)


def test_a_folder_holds_six_files_and_nothing_lies_beside_it(outcome, tmp_path):
    write(outcome, tmp_path / "a" / "out")

    assert names(tmp_path / "a" / "out") == FILES
    assert names(tmp_path / "a") == {"out"}
    assert (tmp_path / "a" / "out" / "outcome.json").read_text() == outcome_json(outcome)
    assert (tmp_path / "a" / "out" / "alerts.csv").read_text() == alerts_csv(outcome.episodes)


def test_the_same_outcome_gives_the_same_bytes(outcome, tmp_path):
    for name in ("a", "b"):
        write(outcome, tmp_path / name)

    assert {n: (tmp_path / "a" / n).read_bytes() for n in FILES} == {n: (tmp_path / "b" / n).read_bytes() for n in FILES}


def test_a_folder_that_is_there_is_refused_without_force(outcome, tmp_path):
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(CouldNotRun, match="is there already"):
        write(outcome, out)
    assert names(out) == set()


def test_force_replaces_a_folder_of_ours_whole(outcome, tmp_path):
    out = tmp_path / "out"
    write(outcome, out)

    write(replace(outcome, name="second"), out, force=True, html=None)

    assert names(out) == FILES - {"report.html"}
    assert '"name": "second"' in (out / "outcome.json").read_text()
    assert names(tmp_path) == {"out"}


@pytest.mark.parametrize("kind", ["folder", "file", "link", "inside a file"])
def test_what_is_not_ours_is_refused_even_with_force(outcome, tmp_path, kind):
    target = out = tmp_path / "out"
    if kind == "folder":
        out.mkdir()
        (out / "thesis.tex").write_text("years of work")
    elif kind == "link":
        (tmp_path / "real").mkdir()
        out.symlink_to(tmp_path / "real")
    else:
        out.write_text("a file")
        target = out / "below" if kind == "inside a file" else out
    before = names(tmp_path)

    with pytest.raises(CouldNotRun):
        check_free(target, True)
    with pytest.raises(CouldNotRun):
        write(outcome, target, force=True)

    assert names(tmp_path) == before
    assert kind != "folder" or names(out) == {"thesis.tex"}


def test_an_empty_folder_may_be_replaced_with_force(outcome, tmp_path):
    (tmp_path / "out").mkdir()

    write(outcome, tmp_path / "out", force=True)

    assert names(tmp_path / "out") == FILES


def test_a_failure_in_the_middle_leaves_nothing_behind(outcome, tmp_path, monkeypatch):
    def full(_outcome):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "outcome_json", full)

    with pytest.raises(CouldNotRun, match="No space left"):
        write(outcome, tmp_path / "out")
    assert names(tmp_path) == set()


def test_a_replacement_killed_between_its_renames_is_undone(outcome, tmp_path):
    out = tmp_path / "out"
    write(outcome, out)
    out.rename(tmp_path / ".out.replaced-0123")

    with pytest.raises(CouldNotRun, match="is there already"):
        check_free(out, False)

    assert names(tmp_path) == {"out"}
    assert names(out) == FILES


def test_what_killed_writers_left_is_cleaned_and_what_living_ones_write_is_not(outcome, tmp_path):
    (tmp_path / ".out.partial-dead").mkdir()
    (tmp_path / ".other.partial-dead").mkdir()
    with folder._partial(tmp_path / "out") as living:
        write(outcome, tmp_path / "out")

        assert names(tmp_path) == {"out", ".other.partial-dead", living.name}


def test_a_file_is_replaced_whole(tmp_path):
    write_file(tmp_path / "a.csv", "one")
    write_file(tmp_path / "a.csv", "two")

    assert (names(tmp_path), (tmp_path / "a.csv").read_text()) == ({"a.csv"}, "two")
    with pytest.raises(CouldNotRun, match="cannot write"):
        write_file(tmp_path / "none" / "a.csv", "x")
    with pytest.raises(CouldNotRun, match="is a folder"):
        write_file(tmp_path, "x")


WRITER = """
import os, sys
from dataclasses import replace
from pathlib import Path
import numpy as np
from tests.support.outcomes import synthetic_outcome
from workbench.report import folder
from workbench.telemetry.series import Series, SeriesKey, Telemetry

times = np.arange(20_000) * 15.0
series = [Series(SeriesKey(f"s{i}"), times, np.arange(20_000) * i) for i in range(20)]
outcome = replace(synthetic_outcome(days=1), name="new", telemetry=Telemetry.of(series, horizon_s=3e5, scrape_interval_s=15.0))
stop = int(sys.argv[2])
steps = 0

def step(name):
    '''Die with SIGKILL at the given step of the writer: after each file, before and after each rename.'''
    global steps
    if steps == stop:
        os.kill(os.getpid(), 9)
    steps += 1

def watched(event, arguments):
    if event == "os.rename":
        step(event)
    elif event == "open" and ".partial-" in str(arguments[0]):
        step(event)
    elif event == "shutil.rmtree":
        step(event)

sys.addaudithook(watched)
folder.write_folder(outcome, Path(sys.argv[1]), force=True, html="<html></html>" * 1000)
print("finished", steps)
"""


def killed(out, stop):
    """Whether the writer was killed at this step; False once it has fewer steps than that."""
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(out), str(stop)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


def test_a_writer_killed_at_any_step_leaves_the_old_folder_or_the_new_one_whole(outcome, tmp_path):
    seen = set()
    for stop in (2, 8, 11, 12, 13, 14, 99):
        place = tmp_path / str(stop)
        write(outcome, place / "out")

        dead = killed(place / "out", stop)
        half = [p for p in place.iterdir() if p.name.startswith(".out.replaced-")] if not (place / "out").exists() else []
        whole = half[0] if half else place / "out"

        assert names(whole) == FILES
        name = "new" if '"name": "new"' in (whole / "outcome.json").read_text() else "old"
        seen.add((dead, name, bool(half)))
        write(outcome, place / "out", force=True)
        assert (names(place), names(place / "out")) == ({"out"}, FILES)
    assert (True, "old", False) in seen, "killed while writing"
    assert (True, "old", True) in seen, "killed between the two renames"
    assert (True, "new", False) in seen, "killed after the second rename"
    assert (False, "new", False) in seen, "not killed"


def test_a_killed_first_write_leaves_no_folder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "out"), "10"], cwd=ROOT, stderr=subprocess.DEVNULL)
    process.wait(timeout=30)

    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert all(name.startswith(".out.partial-") for name in names(tmp_path))
    assert len(names(tmp_path)) == 1
