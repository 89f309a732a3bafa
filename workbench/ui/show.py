"""How an outcome is shown: the same sections on every page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from workbench.charts import findings, words
from workbench.charts.alerts import alerts_over_incidents
from workbench.charts.month import month, objective
from workbench.errors import Problem
from workbench.outcome import Outcome
from workbench.report import sections
from workbench.ui.spec import layered_spec
from workbench.ui.views import frame, problem_frame


def show_problems(problems: Sequence[Problem], sentence: str) -> None:
    """What is wrong, in place, as a table."""
    st.error(sentence, icon=":material/error:")
    st.dataframe(problem_frame(problems), hide_index=True, key="problems")


def show_outcome(outcome: Outcome) -> None:
    """Headline, scorecard, objectives, the period, one objective closely, alerts, credits, findings."""
    st.subheader(_plain(findings.headline(outcome)), anchor="result")
    st.caption(_plain(f"{outcome.name}, {words.period(outcome.start, outcome.horizon_s)}"))
    _scorecard(outcome)
    st.subheader("Objectives and budgets", anchor="objectives")
    st.dataframe(frame(sections.objectives(outcome)), hide_index=True, key="objectives")
    st.subheader("The period on one time axis", anchor="month")
    st.caption("Drag to move, wheel to zoom, double click to go back.")
    st.vega_lite_chart(layered_spec(month(outcome) if outcome.tracks else alerts_over_incidents(outcome)), key="month")
    _one_objective(outcome)
    _alerts(outcome)
    credits_table = sections.credits(outcome)
    if credits_table is not None:
        st.subheader("Service credits", anchor="credits")
        st.dataframe(frame(credits_table), hide_index=True, key="credits")
        st.write(_plain(f"In total: {findings.total_credits(outcome)}"))
    if outcome.findings:
        st.subheader("Findings", anchor="findings")
        st.dataframe(problem_frame(outcome.findings), hide_index=True, key="findings")


def _plain(text: str) -> str:
    """Text of the data in a place that reads Markdown: every sign that means something there is escaped."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-!|<>~$:" else c for c in text)


def _scorecard(outcome: Outcome) -> None:
    if not outcome.scorecard:
        return
    st.subheader("Scorecard", anchor="scorecard")
    st.dataframe(frame(sections.scorecard(outcome)), hide_index=True, key="scorecard")


def _one_objective(outcome: Outcome) -> None:
    if not outcome.slos or outcome.tracks is None:
        return
    st.subheader("One objective closely", anchor="objective")
    slo = st.selectbox("Objective", [slo.name for slo in outcome.slos], key="looked_at")
    # Stacked like the month: Streamlit squeezes the height of a layered figure that stands alone.
    st.vega_lite_chart(layered_spec(objective(outcome, slo)), key="closely")


def _alerts(outcome: Outcome) -> None:
    st.subheader("Alerts against incidents", anchor="alerts")
    st.write(_plain(findings.alerts_finding(outcome) + "."))
    rules, incidents = sections.rules(outcome), sections.incidents(outcome)
    if rules is None:
        st.dataframe(frame(sections.episodes(outcome)), hide_index=True, key="episodes")
        return
    st.dataframe(frame(rules), hide_index=True, key="rules")
    if outcome.score is not None:
        for sentence in outcome.score.rules_text:
            st.caption(_plain(sentence))
    if incidents is not None:
        st.dataframe(frame(incidents), hide_index=True, key="incidents")
