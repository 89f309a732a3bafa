"""`workbench init`: whole files or none, and nothing of the user's is lost."""

import os
import shlex
from pathlib import Path

import pytest

from tests.support.places import ROOT
from workbench.cli import init, shipped
from workbench.cli.init import write_scenarios
from workbench.cli.main import main
from workbench.errors import CouldNotRun


def contents(folder):
    """Every file below a folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


SHIPPED = contents(ROOT / "scenarios")


def code_of(*args):
    with pytest.raises(SystemExit) as leaving:
        main(args)
    return leaving.value.code


@pytest.mark.parametrize("name", ["new", "some/where/new", "with space"])
def test_a_new_folder_gets_the_shipped_files_and_nothing_else(tmp_path, name):
    count = write_scenarios(tmp_path / name)

    assert contents(tmp_path / name) == SHIPPED
    assert count == len(SHIPPED)
    assert contents(tmp_path).keys() == {f"{name}/{path}" for path in SHIPPED}


def test_the_reference_scenario_and_the_starter_are_shipped():
    assert {"medianest/baseline.yaml", "starter/scenario.yaml"} <= SHIPPED.keys()


def test_an_empty_folder_that_exists_is_used_even_as_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert code_of("init", ".") == 0
    assert contents(tmp_path) == SHIPPED
    assert Path.cwd() == tmp_path


def test_a_folder_with_files_is_refused_and_left_as_it_was(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")

    assert code_of("init", str(tmp_path)) == 2
    assert "is not empty" in capsys.readouterr().err
    assert contents(tmp_path) == {"notes.txt": b"mine"}


def test_force_replaces_files_of_ours_and_keeps_all_others(tmp_path):
    write_scenarios(tmp_path)
    (tmp_path / "starter" / "policy.yaml").write_text("edited")
    (tmp_path / "starter" / "mine.yaml").write_text("mine")
    write_scenarios(tmp_path, force=True)

    assert contents(tmp_path) == {**SHIPPED, "starter/mine.yaml": b"mine"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")

    with pytest.raises(CouldNotRun, match="is a file"):
        write_scenarios(tmp_path / "file", force=True)
    assert contents(tmp_path) == {"file": b"mine"}


def test_a_failure_while_copying_leaves_nothing_behind(tmp_path, monkeypatch):
    real = Path.write_bytes
    written = []

    def full_disk(path, data):
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)

    with pytest.raises(CouldNotRun, match="No space left on device"):
        write_scenarios(tmp_path / "new")
    assert written
    assert list(tmp_path.iterdir()) == []


def test_files_are_writable_even_if_the_installation_is_read_only(tmp_path, monkeypatch):
    installed = tmp_path / "installed"
    (installed / "starter").mkdir(parents=True)
    (installed / "starter" / "policy.yaml").write_text("x")
    (installed / "starter" / "policy.yaml").chmod(0o444)
    (installed / "starter" / "__pycache__").mkdir()
    (installed / "starter" / ".hidden").write_text("x")
    monkeypatch.setattr(init, "scenarios_dir", lambda: installed)
    write_scenarios(tmp_path / "new")

    assert contents(tmp_path / "new") == {"starter/policy.yaml": b"x"}
    umask = os.umask(0)
    os.umask(umask)
    assert (tmp_path / "new" / "starter" / "policy.yaml").stat().st_mode & 0o777 == 0o666 & ~umask


def test_what_to_type_next_names_files_that_are_there(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code_of("init", "my slos")
    typed = [shlex.split(line) for line in capsys.readouterr().out.splitlines() if line.startswith("  workbench ")]
    named = [word for words in typed for word in words if word.endswith(".yaml")]

    assert len(typed) == len(init._NEXT)
    assert named
    assert [word for word in named if not Path(word).is_file()] == []


def test_an_installation_without_scenarios_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped.resources, "files", lambda _package: tmp_path / "site-packages" / "workbench")

    with pytest.raises(CouldNotRun, match="this installation lacks scenarios"):
        shipped.scenarios_dir()


def test_what_the_wheel_carries_comes_before_what_stands_beside_the_package(tmp_path, monkeypatch):
    inside = tmp_path / "workbench" / "_shipped" / "app.py"
    inside.parent.mkdir(parents=True)
    inside.touch()
    (tmp_path / "app.py").touch()
    monkeypatch.setattr(shipped.resources, "files", lambda _package: tmp_path / "workbench")

    assert shipped.app_file() == inside
