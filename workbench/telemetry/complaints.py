"""Gathering problems of one file: all of them, but never a million lines of them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from workbench.errors import BadInput, Problem

SHOWN_PER_CHECK = 20
"""Problems of one kind that are shown one by one; the rest is counted."""
_LONGEST_QUOTE = 60


def quoted(text: object) -> str:
    """What was found, as Python would write it, shortened: safe to print whatever it holds."""
    shown = ascii(text) if isinstance(text, str) and not text.isprintable() else repr(text)
    return shown if len(shown) <= _LONGEST_QUOTE else shown[: _LONGEST_QUOTE - 1] + "…"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant, upper and lower case alike; None if none is near."""
    folded: dict[str, str] = {}
    for one in names:
        folded.setdefault(one.strip().lower()[:200], one)
    found = difflib.get_close_matches(name.strip().lower()[:200], list(folded)[:1000], n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def listed(names: Sequence[str], most: int = 8) -> str:
    """`a, b, c and 12 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


@dataclass
class Complaints:
    """Problems of one file in the order of their lines; of each check at most `SHOWN_PER_CHECK`, then how many more."""

    file: str
    _shown: list[Problem] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, problem: Problem) -> None:
        """Take one more problem."""
        count = self._counts.get(problem.check, 0) + 1
        self._counts[problem.check] = count
        if count <= SHOWN_PER_CHECK:
            self._shown.append(replace(problem, file=self.file))

    def rows(self, rows: Sequence[int] | npt.NDArray[np.integer[Any]], make: Callable[[int], Problem]) -> None:
        """Take one problem for each of these rows, all of one check; `make` is called only for those shown."""
        if not len(rows):
            return
        check = make(int(rows[0])).check
        count = self._counts.get(check, 0)
        for row in rows[: max(0, SHOWN_PER_CHECK - count)]:
            self._shown.append(replace(make(int(row)), file=self.file))
        self._counts[check] = count + len(rows)

    def fatal(self, problem: Problem) -> NoReturn:
        """Take one more problem and give up: nothing after it can be read."""
        self.add(problem)
        raise BadInput(self.problems)

    def stop_if_any(self) -> None:
        """Raise BadInput with everything gathered so far, if there is anything."""
        if self._shown:
            raise BadInput(self.problems)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """By line; after them one problem for each check that found more than it shows."""
        ordered = sorted(self._shown, key=lambda p: (p.line is not None, p.line or 0))
        more = [
            Problem(check, f"and {count - SHOWN_PER_CHECK:,} more like these", file=self.file)
            for check, count in self._counts.items()
            if count > SHOWN_PER_CHECK
        ]
        return (*ordered, *more)
