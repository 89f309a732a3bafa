"""Small cases, one for each measured rule of Prometheus, answered by the real promtool and by us."""

import subprocess
from pathlib import Path

import pytest

from tests.support.programs import need
from tests.support.promtool_files import answer

CASES = sorted(path for path in (Path(__file__).parent / "cases").glob("*.yml") if not path.stem.endswith("_rules"))
VERSIONS = {"closed": ("2.42", "2.53"), "before": ("2.42",)}
"""By the beginning of a file's name, where versions differ."""


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_answered_by_our_engine_in_every_version_it_is_about(path):
    for version in VERSIONS.get(path.stem.split("_")[0], ("2.42", "2.53", "3.5")):
        answers = answer(path, version)
        assert (answers.wrong, answers.uncovered) == ([], [])
        assert answers.asked > 0


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_is_answered_by_the_real_promtool(path):
    ran = subprocess.run([need("promtool"), "test", "rules", path], capture_output=True, text=True, check=False, timeout=60)

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("stem", ["closed_rates", "before_2_51_clamp"])
def test_a_case_of_old_versions_is_answered_otherwise_by_the_newest(stem):
    (path,) = [path for path in CASES if path.stem == stem]

    assert answer(path, "3.5").wrong
