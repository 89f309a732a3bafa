"""Which scenario and policy files the app offers: those that ship with the package and those of the working folder, no others."""

from __future__ import annotations

from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Literal

MOST_FILES = 200
"""YAML files looked at in one folder."""
_HEAD = 4096


def offered(kind: Literal["Scenario", "Policy"], working: Path) -> dict[str, Path]:
    """Files of this kind by the name shown, shipped ones first: `medianest/baseline.yaml`; the working folder's as `./...`."""
    shipped = _shipped()
    found: dict[str, Path] = {}
    if shipped is not None:
        found |= {path.relative_to(shipped).as_posix(): path for path in _of_kind(kind, shipped)}
    known = {path.resolve() for path in found.values()}
    for path in _of_kind(kind, working):
        if path.resolve() not in known:
            found[f"./{path.relative_to(working).as_posix()}"] = path
    return found


def _shipped() -> Path | None:
    package = Path(str(resources.files("workbench")))
    return next((place for place in (package / "_shipped" / "scenarios", package.parent / "scenarios") if place.is_dir()), None)


def _of_kind(kind: str, folder: Path) -> list[Path]:
    """Files at most two folders down whose head says this kind; what cannot be read is not offered."""
    below = (path for pattern in ("*.yaml", "*/*.yaml", "*/*/*.yaml") for path in sorted(folder.glob(pattern)))
    return [path for path in islice(below, MOST_FILES) if not _hidden(path, folder) and _says(path, kind)]


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _says(path: Path, kind: str) -> bool:
    try:
        with path.open("rb") as file:
            lines = file.read(_HEAD).splitlines()
    except OSError:
        return False
    return any(line.rstrip() == f"kind: {kind}".encode() for line in lines)
