"""Comments that silence findings: `# lint: disable=alerts/unreachable the fallback is on purpose`.

At the end of a line a comment is for that line; on a line of its own for what begins on the next line and is indented below it, so
above a rule it is for the rule, above `groups:` for the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.errors import Problem, Severity
from workbench.scenario.names import nearest

UNUSED = "lint/unused-disable"
UNKNOWN = "lint/unknown-check"
_COMMENT = re.compile(r"(?:^|\s)#\s*lint:\s*disable\s*=\s*([\w/,*-]+)")


@dataclass(frozen=True, slots=True)
class Disable:
    """One comment: these checks, these lines."""

    checks: tuple[str, ...]
    line: int
    column: int
    first: int
    last: int
    """Lines that it is for, 1-based, both included."""


def disables(lines: Sequence[str]) -> list[Disable]:
    """Every comment of a file that silences something."""
    out = []
    for index, line in enumerate(lines):
        found = _COMMENT.search(line)
        if found is None:
            continue
        names = tuple(name for name in found[1].split(",") if name)
        first = last = index + 1
        if not line[: found.start()].strip():
            first, last = _block(lines, index + 1)
        out.append(Disable(names, index + 1, line.index("#", found.start()) + 1, first, last))
    return out


def _block(lines: Sequence[str], start: int) -> tuple[int, int]:
    """The next line that says something, and everything indented below it; 1-based."""
    while start < len(lines) and (not lines[start].strip() or lines[start].lstrip().startswith("#")):
        start += 1
    if start >= len(lines):
        return start + 1, start
    indent = _indent(lines[start])
    is_item = lines[start].lstrip().startswith("- ")
    end = start + 1
    while end < len(lines):
        below = lines[end]
        is_sibling = _indent(below) == indent and not is_item and below.lstrip().startswith("- ")  # groups:\n- name
        if below.strip() and _indent(below) <= indent and not is_sibling:
            break
        end += 1
    return start + 1, end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def silenced(
    problems: Iterable[Problem], sources: Mapping[str, Sequence[str]], known: Iterable[str], ran: frozenset[str]
) -> tuple[list[Problem], list[Problem]]:
    """What is left to say, and what was silenced.

    A comment that silences nothing is itself a finding, as is one that names no check; checks that could not look (`ran` does not
    hold them) are given the benefit of the doubt.

    Args:
        problems: What was found.
        sources: Lines of every file that was linted, by name.
        known: Names of all checks.
        ran: Names of those that looked.
    """
    names = sorted(known)
    comments = {file: disables(lines) for file, lines in sources.items()}
    used: set[tuple[str, int, str]] = set()
    kept: list[Problem] = []
    hushed: list[Problem] = []
    for problem in problems:
        by = [
            one
            for one in comments.get(problem.file or "", ())
            if problem.check in one.checks and problem.line is not None and one.first <= problem.line <= one.last
        ]
        used |= {(problem.file or "", one.line, problem.check) for one in by}
        (hushed if by else kept).append(problem)
    for file, found in comments.items():
        for one in found:
            for name in one.checks:
                if name not in names:
                    message = "there is no such check"
                elif name in ran and (file, one.line, name) not in used:
                    message = f"this comment silences nothing: {name} finds nothing here"
                else:
                    continue
                check, near = (UNUSED, None) if name in names else (UNKNOWN, nearest(name, names))
                place = Problem(check, message, Severity.WARNING, file, one.line, one.column, found=name, nearest=near)
                kept.append(place)
    return kept, hushed
