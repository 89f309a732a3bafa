"""The questions of promtool test files: ours, put to the real promtool too, and the collection beside the checkout."""

import subprocess
from pathlib import Path

import pytest

from tests.support.places import SHARED
from tests.support.programs import need
from tests.support.promtool_files import answer

OWN = sorted((Path(__file__).parent / "cases").glob("*.yml"))
SEMANTICS = SHARED / "promtool-semantics"
VERSIONS = {
    "common": ("2.42", "2.53", "3.5"),
    "v2": ("2.42", "2.53"),
    "v3": ("3.5",),
    "pre2_51": ("2.42",),
    "post2_51": ("2.53", "3.5"),
}


def asked():
    for folder, versions in VERSIONS.items():
        for path in sorted((SEMANTICS / folder).glob("*.yml")):
            for version in versions:
                yield pytest.param(path, version, id=f"{folder}/{path.stem}/{version}")


@pytest.mark.parametrize(("path", "version"), list(asked()))
def test_the_measured_semantics_hold_in_our_evaluator(path, version):
    answers = answer(path, version)

    assert (answers.wrong, answers.uncovered) == ([], [])
    assert answers.asked > 0


@pytest.mark.skipif(not SEMANTICS.is_dir(), reason="no shared collection of promtool files beside the checkout")
def test_every_file_of_the_collection_is_asked():
    assert len(list(asked())) == sum(len(list((SEMANTICS / d).glob("*.yml"))) * len(v) for d, v in VERSIONS.items())


@pytest.mark.parametrize("path", OWN, ids=lambda p: p.stem)
def test_our_own_cases_hold_in_our_evaluator(path):
    versions = ("2.42",) if path.stem.startswith("closed") else ("2.42", "2.53", "3.5")
    for version in versions:
        answers = answer(path, version)
        assert (answers.wrong, answers.uncovered) == ([], [])
        assert answers.asked > 0


@pytest.mark.parametrize("path", OWN, ids=lambda p: p.stem)
def test_our_own_cases_hold_in_the_real_promtool(path):
    ran = subprocess.run([need("promtool"), "test", "rules", path], capture_output=True, text=True, check=False, timeout=60)

    assert ran.returncode == 0, ran.stdout + ran.stderr
