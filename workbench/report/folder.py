"""The folder of one outcome, written whole or not at all.

Everything goes into a hidden folder beside the target (`.out.partial-…`), is flushed to disk, and gets its name in one rename. With
`force` an older folder is first renamed to `.out.replaced-…` and deleted at the end; a kill between the two renames leaves it whole
under that name, and the next write or check puts it back. What killed writers left is recognised by their lock, which the system
lets go of with the process, and cleaned at the next write.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from workbench.errors import CouldNotRun
from workbench.outcome import Outcome
from workbench.report.tables import alerts_csv, incidents_csv, outcome_json
from workbench.telemetry.series import Telemetry

MARKER = "outcome.json"
RESULTS = (MARKER, "rules.yml", "alerts.csv", "incidents.csv", "telemetry.parquet", "histograms.parquet", "report.html")
"""Everything that a result folder holds."""
"""The file by which a folder of ours is known."""
_PARTIAL = "partial"
_REPLACED = "replaced"


def check_free(directory: Path, force: bool) -> None:
    """Raise CouldNotRun if `write_folder` would refuse `directory`; call it before a long run.

    Refused are a folder that is there (unless `force`) and, always, a file, a link and a folder with content that is not ours.
    """
    try:
        _restore(directory)
        if directory.is_symlink():
            raise CouldNotRun(f"{directory} is a link; name the folder itself")
        if directory.exists():
            if not directory.is_dir():
                raise CouldNotRun(f"{directory} is a file; name a folder")
            if not force:
                raise CouldNotRun(f"{directory} is there already; choose another folder, or replace it with --force")
            if any(directory.iterdir()) and not (directory / MARKER).is_file():
                raise CouldNotRun(f"{directory} has content but no {MARKER}, so it is not ours to replace; choose another folder")
            foreign = sorted(entry.name for entry in directory.iterdir() if entry.name not in RESULTS)
            if foreign:
                raise CouldNotRun(
                    f"{directory} also holds {', '.join(foreign[:5])}, which --force would delete; move it away first"
                )
        parent = next(p for p in directory.absolute().parents if p.exists())
        if not parent.is_dir():
            raise CouldNotRun(f"{parent} is a file; {directory} cannot be made in it")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise CouldNotRun(f"{parent} cannot be written to")
    except (OSError, ValueError) as error:
        raise CouldNotRun(f"cannot use {directory}: {_reason(error)}") from error


def write_folder(outcome: Outcome, directory: Path, *, force: bool, html: str | None, rules: str | None = None) -> None:
    """Write `outcome.json`, `alerts.csv`, `incidents.csv`, `telemetry.parquet`, `histograms.parquet`.

    Also, if given, `report.html` and `rules.yml` (the text of the rules as a Prometheus rule file).

    Raises CouldNotRun if the folder is refused (see `check_free`) or cannot be written; nothing is left behind then.
    """
    check_free(directory, force)
    try:
        directory.absolute().parent.mkdir(parents=True, exist_ok=True)
        _clean(directory)
        with _partial(directory) as folder:
            _fill(folder, outcome, html, rules)
            _into_place(folder, directory)
        _clean(directory)
    except OSError as error:
        raise CouldNotRun(f"cannot write {directory}: {_reason(error)}") from error


def write_file(path: Path, text: str) -> None:
    """Write a text file whole or not at all, over an older one.

    Raises CouldNotRun if that is not possible; a link, a device or a pipe would be replaced by the file, so these are refused.
    """
    check_file(path)
    partial = path.with_name(f".{path.name}.{_PARTIAL}-{secrets.token_hex(4)}")
    try:
        _write(partial, text)
        partial.replace(path)
    except (OSError, ValueError) as error:
        raise CouldNotRun(f"cannot write {path}: {_reason(error)}") from error
    finally:
        with contextlib.suppress(OSError, ValueError):
            partial.unlink()


def check_file(path: Path, *, read: Iterable[Path | None] = ()) -> None:
    """Raise CouldNotRun if `write_file` would refuse `path`, or if it is one of the files `read`; call it before a long run."""
    try:
        if not path.name or path.is_dir():
            raise CouldNotRun(f"{path} is a folder; name a file")
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise CouldNotRun(f"{path} is no regular file; name another one")
        if path.exists() and any(one is not None and one.exists() and path.samefile(one) for one in read):
            raise CouldNotRun(f"{path} is read by this very command; name another file to write")
    except (OSError, ValueError) as error:
        raise CouldNotRun(f"cannot use {path}: {_reason(error)}") from error


def _fill(folder: Path, outcome: Outcome, html: str | None, rules: str | None) -> None:
    from workbench.report.columns import histograms_table, telemetry_table, write_table  # noqa: PLC0415 - pyarrow is slow to import

    telemetry = outcome.telemetry or Telemetry.of(
        (), horizon_s=outcome.horizon_s, scrape_interval_s=outcome.profile.scrape_interval_s
    )
    write_table(telemetry_table(telemetry), folder / "telemetry.parquet")
    write_table(histograms_table(telemetry), folder / "histograms.parquet")
    _write(folder / "alerts.csv", alerts_csv(outcome.episodes))
    _write(folder / "incidents.csv", incidents_csv(outcome))
    if html is not None:
        _write(folder / "report.html", html)
    if rules is not None:
        _write(folder / "rules.yml", rules)
    _write(folder / MARKER, outcome_json(outcome))
    for path in (*sorted(folder.iterdir()), folder):
        _flush(path)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _beside(directory: Path, kind: str) -> Path:
    return directory.absolute().parent / f".{directory.absolute().name}.{kind}-{secrets.token_hex(4)}"


def _leftovers(directory: Path, kind: str) -> list[Path]:
    """Hidden folders of this kind beside `directory`, sorted."""
    whole = directory.absolute()
    if not whole.parent.is_dir():
        return []
    start = f".{whole.name}.{kind}-"
    return sorted(p for p in whole.parent.iterdir() if p.name.startswith(start) and p.is_dir() and not p.is_symlink())


@contextlib.contextmanager
def _partial(directory: Path) -> Iterator[Path]:
    """A locked hidden folder beside `directory`; gone afterwards unless it was renamed."""
    folder = _beside(directory, _PARTIAL)
    folder.mkdir()
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def _into_place(folder: Path, directory: Path) -> None:
    """Give the finished folder its name; an older one keeps it until this one is complete."""
    target = directory.absolute()
    old = None
    if target.exists():
        old = _beside(directory, _REPLACED)
        target.rename(old)
    try:
        folder.rename(target)
    except OSError:
        if old is not None:
            old.rename(target)
        raise
    _flush(target.parent)


def _restore(directory: Path) -> None:
    """Undo a replacement that was killed between its two renames."""
    if not directory.exists():
        for old in _leftovers(directory, _REPLACED)[:1]:
            old.rename(directory.absolute())


def _clean(directory: Path) -> None:
    """Delete what killed writers left beside `directory`; what a living one works on stays, because it holds the lock."""
    finished = _leftovers(directory, _REPLACED) if directory.exists() else []
    for folder in (*_leftovers(directory, _PARTIAL), *finished):
        if _abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
