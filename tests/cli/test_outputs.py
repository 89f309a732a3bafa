import os

import pytest

from tests.support.places import ROOT
from workbench.cli.main import main
from workbench.errors import ExitCode

RECORDED = ROOT / "scenarios/recorded"
HISTORY = "time,total,errors\n2026-04-01T00:00:00Z,10,0\n2026-04-01T00:01:00Z,10,1\n2026-04-01T00:02:00Z,10,1\n"


def replay(*more):
    with pytest.raises(SystemExit) as caught:
        main(["replay", *map(str, more)])
    return caught.value.code


@pytest.fixture
def files(tmp_path):
    history, policy = tmp_path / "h.csv", tmp_path / "policy.yaml"
    history.write_text(HISTORY)
    policy.write_text((RECORDED / "policy.yaml").read_text())
    return history, policy


def test_an_output_never_replaces_a_file_that_the_command_reads(files, capsys):
    history, policy = files
    for target in files:
        before = target.read_text()

        assert replay(history, "--policy", policy, "--alerts-out", target) == ExitCode.BAD_INPUT
        assert "read by this very command" in capsys.readouterr().err
        assert target.read_text() == before


def test_pipes_links_and_folders_are_refused_as_files_to_write(files, tmp_path, capsys):
    history, policy = files
    pipe, link, target = tmp_path / "pipe", tmp_path / "link.csv", tmp_path / "target.csv"
    os.mkfifo(pipe)
    target.write_text("kept")
    link.symlink_to(target)
    for path in (pipe, link, tmp_path, "."):
        assert replay(history, "--policy", policy, "--alerts-out", path) == ExitCode.BAD_INPUT
        assert "bug" not in capsys.readouterr().err

    assert link.is_symlink()
    assert target.read_text() == "kept"
    assert pipe.is_fifo()


def test_the_ground_truth_is_not_written_over_the_scenario(tmp_path, capsys):
    for name in ("world.yaml", "policy.yaml", "baseline.yaml"):
        (tmp_path / name).write_text((ROOT / "scenarios/medianest" / name).read_text())
    world = (tmp_path / "world.yaml").read_text()
    with pytest.raises(SystemExit) as caught:
        main(["export", "history", str(tmp_path / "baseline.yaml"), "--incidents", str(tmp_path / "world.yaml")])

    assert caught.value.code == ExitCode.BAD_INPUT
    assert (tmp_path / "world.yaml").read_text() == world
    assert "another file" in capsys.readouterr().err


def test_a_wrong_duration_is_shown_with_its_option(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["export", "history", str(ROOT / "scenarios/medianest/baseline.yaml"), "--until", "5x"])

    err = capsys.readouterr().err
    assert caught.value.code == ExitCode.BAD_INPUT
    assert "--until" in err
    assert "5x" in err


def test_a_history_of_two_rows_is_called_short_and_not_coarse(files, capsys):
    history, policy = files
    history.write_text("\n".join(HISTORY.splitlines()[:3]) + "\n")

    assert replay(history, "--policy", policy, "-o", "json") == ExitCode.FINE
    out = capsys.readouterr().out
    assert "replay/short-history" in out
    assert "coarse" not in out
