"""What pages show, as frames. Pure: knows no Streamlit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from workbench.errors import Problem
from workbench.report.sections import Table


def frame(table: Table) -> pd.DataFrame:
    """A section of the report as a frame of its words."""
    return pd.DataFrame([[cell.text for cell in row] for row in table.rows], columns=list(table.headings))


def problem_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as a frame, one row each; columns that none of them fills are left out."""
    rows = [
        {
            "severity": str(problem.severity),
            "problem": problem.message,
            "where": ", ".join(part for part in (problem.place if problem.file else "", problem.path or "") if part),
            "found": problem.found or "",
            "allowed": problem.allowed or "",
            "did you mean": problem.nearest or "",
            "check": problem.check,
        }
        for problem in problems
    ]
    made = pd.DataFrame(rows)
    return made.loc[:, [name for name in made.columns if made[name].astype(bool).any()]]
