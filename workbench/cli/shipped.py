"""Where the files are that come with the package: inside it when installed from a wheel, beside it in a checkout."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from workbench.errors import CouldNotRun


def scenarios_dir() -> Path:
    """The folder with the shipped scenarios; raises CouldNotRun where the installation lacks it."""
    return _shipped("scenarios")


def app_file() -> Path:
    """The script that opens the app; raises CouldNotRun where the installation lacks it."""
    return _shipped("app.py")


def _shipped(name: str) -> Path:
    package = Path(str(resources.files("workbench")))
    places = (package / "_shipped" / name, package.parent / name)
    for place in places:
        if place.exists():
            return place
    raise CouldNotRun(f"this installation lacks {name}: neither {places[0]} nor {places[1]} exists; install the package again")
