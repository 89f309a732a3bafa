"""Problems for machines, and how many of what."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from workbench.errors import Problem


def as_json(problems: Iterable[Problem], **more: object) -> str:
    """One object: `more`, then `problems`, each with all of its fields; null where a field is not known."""
    return json.dumps({**more, "problems": [asdict(problem) for problem in problems]}, indent=2)


def counted(number: int, noun: str) -> str:
    """`1 file`, `3 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
