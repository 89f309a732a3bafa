"""Writing a fitted world: checked as a whole before the first file appears."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from workbench.errors import CouldNotRun
from workbench.fit.fitted import Fitted
from workbench.fit.world import Written, policy_of, scenario_of, world_name, world_of
from workbench.interop import yaml_text
from workbench.report.folder import check_file, write_file

NAMES = ("world.yaml", "scenario.yaml", "policy.yaml")


def check_free(out: Path, *, force: bool, read: Iterable[Path | None]) -> None:
    """Raise CouldNotRun if `write` would be refused; call it before a long fit."""
    if is_file(out):
        check_file(out, read=read)
        return
    if out.exists() and not out.is_dir():
        raise CouldNotRun(f"{out} is a file; name a folder, or a file that ends in .yaml")
    for name in NAMES:
        path = out / name
        if path.exists() and not force:
            raise CouldNotRun(f"{path} exists; choose another folder, or replace it with --force")
        if out.exists():
            check_file(path, read=read)


def is_file(out: Path) -> bool:
    """Whether the user named a file and not a folder."""
    return out.suffix in {".yaml", ".yml"} and not out.is_dir()


def write(fitted: Fitted, out: Path) -> tuple[Path, ...]:
    """Write the world, or world, scenario and policy into a folder; returns what was written.

    The three are loaded and checked together in a temporary folder first: raises BadInput if they do not hold, and CouldNotRun
    if they cannot be written.
    """
    from workbench.alerts.loading import load_scenario

    name = world_name(fitted.file)
    texts = [_text(made) for made in (world_of(fitted, name), scenario_of(fitted, name), policy_of(name))]
    with tempfile.TemporaryDirectory() as folder:
        for file, text in zip(NAMES, texts, strict=True):
            (Path(folder) / file).write_text(text, encoding="utf-8")
        load_scenario(Path(folder) / "scenario.yaml")
    if is_file(out):
        write_file(out, texts[0])
        return (out,)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CouldNotRun(f"{out} cannot be made: {error.strerror or error}") from error
    for file, text in zip(NAMES, texts, strict=True):
        write_file(out / file, text)
    return tuple(out / file for file in NAMES)


def _text(made: Written) -> str:
    return yaml_text.document(made.value, made.comments)
