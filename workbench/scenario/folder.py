"""Which files a scenario may name: those in the folder of the scenario that the user named, or below it.

A scenario is a folder that can be handed on as a whole. So a path in it is relative to the file that states it, and where it leads
to, symbolic links followed, must lie in the folder of the scenario file on the command line.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import Problem
from workbench.scenario.tree import Node, ScalarNode, show


@dataclass(frozen=True)
class Folder:
    """The folder of one scenario."""

    root: Path
    """Real path: absolute, symbolic links followed."""

    @classmethod
    def of(cls, scenario: Path) -> Folder:
        """The folder of a scenario file; if the file itself is a link, the folder that the link stands in."""
        return cls(Path(os.path.realpath(scenario.parent)))

    def resolve(self, stated: Node, key: str) -> Path | Problem:
        """The file that `stated` (the value of `extends`, `world` or `policy`) names, as the user would write it."""
        if not isinstance(stated, ScalarNode) or not isinstance(stated.value, str) or not stated.value:
            return _problem("reference/path", "this must be the path of a file", key, stated, "the name of a YAML file")
        allowed = "a path relative to this file that stays in the scenario's folder"
        if Path(stated.value).is_absolute():
            return _problem("reference/outside", "an absolute path leaves the scenario's folder", key, stated, allowed)
        path = Path(stated.place.file).parent / stated.value
        try:
            real = Path(os.path.realpath(path))
        except (OSError, ValueError) as error:
            return _problem("reference/path", f"this is not a path: {error}", key, stated, allowed)
        if not real.is_relative_to(self.root):
            return _problem("reference/outside", "this path leaves the scenario's folder", key, stated, allowed)
        return path


def _problem(check: str, message: str, key: str, stated: Node, allowed: str) -> Problem:
    place = stated.place
    return Problem(
        check, message, file=place.file, line=place.line, column=place.column, path=key, found=show(stated), allowed=allowed
    )
