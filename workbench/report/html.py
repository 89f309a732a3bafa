"""The report of one outcome: one HTML file that needs nothing else.

No script and no network: a content security policy in the page forbids both, so that nothing that a name, a history or a rule file
holds can do more than be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.charts import findings, words
from workbench.charts.alerts import alerts_over_incidents
from workbench.charts.budget import budget_burndown, costliest
from workbench.charts.burn import burn_rates
from workbench.charts.month import month
from workbench.errors import Problem
from workbench.outcome import Outcome
from workbench.report import sections
from workbench.report.figures import POINTS, Figure, drawn

if TYPE_CHECKING:
    from jinja2 import Template

MOST_DETAILED = 6
"""Objectives with figures of their own, the costliest; each takes 0.15 s, and the table and the stacked figure hold all of them."""

_TEMPLATES = Path(__file__).parent / "templates"


def report_html(outcome: Outcome, expectations_failed: Sequence[Problem] = ()) -> str:
    """The page as text, the same bytes for the same outcome.

    Sections without content say so. Every number is the outcome's own, spelled by `charts.words`.
    """
    drawn_slos = costliest(outcome, MOST_DETAILED)
    return _template().render(
        outcome=outcome,
        headline=findings.headline(outcome),
        facts=sections.facts(outcome),
        scorecard=sections.scorecard(outcome),
        objectives=sections.objectives(outcome),
        month=_month(outcome),
        slos=[(slo, _slo_figures(outcome, slo.name)) for slo in outcome.slos if slo.name in drawn_slos],
        not_drawn=[slo.name for slo in outcome.slos if slo.name not in drawn_slos],
        alerts_finding=findings.alerts_finding(outcome),
        rules=sections.rules(outcome),
        incidents=sections.incidents(outcome),
        missed=sections.missed(outcome),
        false_firings=sections.false_firings(outcome),
        episodes=sections.episodes(outcome),
        credits=sections.credits(outcome),
        total_credits=findings.total_credits(outcome),
        expectations_failed=tuple(expectations_failed),
        words=words,
    )


def _month(outcome: Outcome) -> Figure:
    """The stacked figure; only alerts over incidents where nothing was tracked."""
    if outcome.tracks is None:
        return drawn("month", findings.alerts_finding(outcome), alerts_over_incidents(outcome, hover=False))
    return drawn("month", findings.headline(outcome), month(outcome, points=POINTS, hover=False), titled=True)


def _slo_figures(outcome: Outcome, slo: str) -> tuple[Figure, ...]:
    if findings.track_of(outcome, slo) is None:
        return ()
    number = [result.name for result in outcome.slos].index(slo)
    return (
        drawn(f"budget-{number}", findings.budget_finding(outcome, slo), budget_burndown(outcome, slo, points=POINTS, hover=False)),
        drawn(f"burn-{number}", findings.burn_finding(outcome, slo), burn_rates(outcome, slo, points=POINTS, hover=False)),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - heavy

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return made.get_template("report.html.j2")
