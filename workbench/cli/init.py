"""`workbench init`: the reference scenario and a starter, in a folder of the user's."""

from __future__ import annotations

import shlex
import shutil
import tempfile
from pathlib import Path

import click

from workbench.cli.shipped import scenarios_dir
from workbench.errors import CouldNotRun

_NEXT = (
    ("validate {}/starter/scenario.yaml", "check it; edit it and check again"),
    ("run {}/starter/scenario.yaml", "a week of a small shop"),
    ("run {}/medianest/baseline.yaml --out out", "the reference month, with a report"),
    ("app", "the same in a browser"),
)
"""What to type next, with the folder's name to fill in."""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write into a folder that has files, over those of the same name; others stay.")
def command(folder: Path, *, force: bool) -> None:
    """Put the reference scenario and a commented starter into DIR.

    DIR gets medianest/ (the reference system: four tiers, one month),
    starter/ (a small world and policy, every field explained) and recorded/
    (a history to replay, exported from a simulated month). A DIR that holds
    files is refused without --force.
    """
    count = write_scenarios(folder, force=force)
    click.echo(f"Wrote {count} files into {folder}. Next:\n")
    for verb, what in _NEXT:
        click.echo(f"  workbench {verb.format(shlex.quote(str(folder)))}\n      {what}")


def write_scenarios(folder: Path, *, force: bool = False) -> int:
    """Copy the shipped scenarios into `folder` and return the number of files.

    Everything is copied to a hidden folder on the same file system first and then renamed into place, so no file is ever half
    written. Raises CouldNotRun if `folder` has content and `force` is not given; with `force`, files of ours replace those of the
    same name and all others stay.
    """
    if folder.exists() and not folder.is_dir():
        raise CouldNotRun(f"{folder} is a file; name a folder")
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise CouldNotRun(f"{folder} is not empty; choose another folder, or write into it with --force")
    source = scenarios_dir()
    try:
        return _place(source, folder)
    except OSError as error:
        raise CouldNotRun(f"cannot write {folder}: {error.strerror}") from error


def _place(source: Path, folder: Path) -> int:
    nearest = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    staging = Path(tempfile.mkdtemp(prefix=".workbench-init-", dir=nearest))
    try:
        count = _copy(source, staging / "scenarios")
        folder.parent.mkdir(parents=True, exist_ok=True)
        _move(staging / "scenarios", folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return count


def _copy(source: Path, target: Path) -> int:
    """Copy a tree without hidden files, with the modes that new files get here; the number of files."""
    target.mkdir()
    count = 0
    for entry in sorted(source.iterdir()):
        if entry.name.startswith((".", "__pycache__")):
            continue
        if entry.is_dir():
            count += _copy(entry, target / entry.name)
        else:
            (target / entry.name).write_bytes(entry.read_bytes())
            count += 1
    return count


def _move(staged: Path, target: Path) -> None:
    """Rename `staged` to `target`; where both are folders, what is in it, so that nothing of the user's is removed."""
    if staged.is_dir() and target.is_dir():
        for entry in sorted(staged.iterdir()):
            _move(entry, target / entry.name)
    else:
        staged.replace(target)
