"""Programs that some tests need, and what happens without them.

On a user's machine such a test is skipped with its reason; in CI (`CI=true`) it fails, so that no oracle goes quiet unnoticed.
"""

import os
import shutil

import pytest

EXTRA_PLACES = ("/opt/prometheus/usr/bin",)
"""Looked at after PATH: where `.ci/run` unpacks Debian's prometheus, which must not be installed as a service."""


def need(program: str) -> str:
    """The path of `program`; without it the calling test is skipped, or fails in CI."""
    places = [os.environ.get("PATH", os.defpath), *EXTRA_PLACES]
    if found := shutil.which(program, path=os.pathsep.join(places)):
        return found
    reason = f"{program} is neither on PATH nor in {', '.join(EXTRA_PLACES)}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; CI must have it", pytrace=False)
    pytest.skip(reason)
