"""`tests.support.programs.need`: a missing program is skipped here and fails in CI."""

import pytest

from tests.support import programs
from tests.support.programs import need


@pytest.fixture
def nothing_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(programs, "EXTRA_PLACES", (str(tmp_path / "extra"),))
    return tmp_path


def plant(folder, mode=0o755):
    folder.mkdir()
    program = folder / "promtool"
    program.write_text("#!/bin/sh\n")
    program.chmod(mode)
    return str(program)


def test_a_program_on_path_is_found_before_one_in_the_extra_places(nothing_installed, monkeypatch):
    plant(nothing_installed / "extra")
    on_path = plant(nothing_installed / "bin")
    monkeypatch.setenv("PATH", str(nothing_installed / "bin"))

    assert need("promtool") == on_path


def test_a_program_in_an_extra_place_is_found(nothing_installed):
    planted = plant(nothing_installed / "extra")

    assert need("promtool") == planted


def outcome_of_needing_promtool():
    # Both outcomes are caught: a skip that got out would skip the test that forbids it.
    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception)) as outcome:
        need("promtool")
    return outcome


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_program_skips_with_its_name_on_a_users_machine(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    outcome = outcome_of_needing_promtool()

    assert outcome.type is pytest.skip.Exception
    assert outcome.match(r"^promtool is neither on PATH nor in .*extra$")


@pytest.mark.usefixtures("nothing_installed")
def test_a_missing_program_fails_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    outcome = outcome_of_needing_promtool()

    assert outcome.type is pytest.fail.Exception
    assert outcome.match("CI must have it")


def test_a_file_that_cannot_be_executed_is_no_program(nothing_installed, monkeypatch):
    plant(nothing_installed / "extra", mode=0o644)
    monkeypatch.setenv("CI", "true")

    assert outcome_of_needing_promtool().type is pytest.fail.Exception
