"""The small valid set of files, and ways to break it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"
MARK = "¦"
"""In a planted fault: the next character is where the problem must be shown."""


@dataclass(frozen=True)
class Fault:
    """One text of one file replaced by another."""

    file: str
    old: str
    new: str

    def plant(self, folder: Path) -> tuple[int, int]:
        """Write the broken file into the folder; return line and column of the mark, both from 1."""
        text = (folder / self.file).read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.old!r} stands {text.count(self.old)} times in {self.file}"
        marked = text.replace(self.old, self.new)
        assert marked.count(MARK) == 1
        before = marked[: marked.index(MARK)]
        (folder / self.file).write_text(marked.replace(MARK, ""), encoding="utf-8")
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def copy_of_files(folder: Path) -> Path:
    """The valid set in a folder of the test's own."""
    for file in DATA.iterdir():
        shutil.copy(file, folder / file.name)
    return folder
