"""What can go wrong, as values and as exceptions.

    WorkbenchError              anything this package raises on purpose
    ├── BadInput                a file or an option cannot be used; carries every Problem found
    └── CouldNotRun             the input is fine, the surroundings are not (folder exists, disk full, ...)

A `Problem` is a value: the terminal, the app and JUnit show the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Self


class ExitCode(IntEnum):
    """Exit codes of every verb, each with the meaning that help and documentation print."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """A member that is the integer `code`."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    FINE = 0, "Done, nothing to report."
    FINDINGS = 1, "Problems in validated files, a failed expectation, a closed gate, a regression."
    BAD_INPUT = 2, "The input could not be used, or the run could not be made."
    INTERRUPTED = 130, "Ctrl-C."


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, where it is, and what would be right."""

    check: str
    """Name of the check, `family/name`."""
    message: str
    """One sentence: what rule is broken."""
    severity: Severity = Severity.ERROR
    file: str | None = None
    """The file as the user named it."""
    line: int | None = None
    """1-based."""
    column: int | None = None
    """1-based."""
    path: str | None = None
    """Where in the document: `slos.login.objective.target`, `rows[17].time`."""
    found: str | None = None
    """What stands there, shortened."""
    allowed: str | None = None
    """What may stand there."""
    nearest: str | None = None
    """The valid name nearest to what was found."""

    @property
    def place(self) -> str:
        """`file:line:column`, as far as known."""
        parts = [self.file or "-"]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)

    def __str__(self) -> str:
        """One line: place, severity, check, path, message, found, allowed, nearest."""
        text = f"{self.place}: {self.severity}: {self.message} [{self.check}]"
        if self.path:
            text += f"; at {self.path}"
        if self.found is not None:
            text += f"; found {self.found}"
        if self.allowed is not None:
            text += f"; allowed: {self.allowed}"
        if self.nearest is not None:
            text += f"; did you mean {self.nearest!r}?"
        return text


class WorkbenchError(Exception):
    """Base of everything this package raises on purpose."""


class BadInput(WorkbenchError):
    """Input cannot be used; `problems` holds everything that was found, never only the first."""

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CouldNotRun(WorkbenchError):
    """The input is fine; the run could not be made or written."""
