"""Page 1: move targets, thresholds, windows, `for` and seed of a scenario; see what the month becomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from workbench.alerts.loading import load_scenario
from workbench.errors import BadInput, WorkbenchError
from workbench.outcome import Outcome
from workbench.run import month as simulation
from workbench.scenario.model import Scenario
from workbench.ui.choices import Choices, RuleChoice, chosen
from workbench.ui.files import offered
from workbench.ui.show import show_outcome, show_problems
from workbench.units import format_duration, format_share

MOST_RUNS = 8
"""Outcomes kept, for all users together; without telemetry each takes a few megabytes."""


def page() -> None:
    """The form, then the outcome of the last press on Run."""
    st.title("Simulate a month")
    files = offered("Scenario", Path.cwd())
    if not files:
        st.info("There is no scenario here. `workbench init DIR` writes one into a folder; start the app in that folder.")
        return
    name = st.selectbox("Scenario", list(files), key="scenario", bind="query-params")
    try:
        scenario = load_scenario(files[name])
    except BadInput as error:
        show_problems(error.problems, "This scenario cannot be used.")
        return
    except WorkbenchError as error:
        st.error(str(error))
        return
    choices = _form(scenario, name)
    if choices is not None:
        st.session_state["ran"] = (name, choices)
    ran = st.session_state.get("ran")
    if ran is None or ran[0] != name:
        st.info("Press Run: the month is simulated and judged in some seconds.")
        return
    try:
        wanted = chosen(scenario, ran[1])
    except BadInput as error:
        show_problems(error.problems, "The month was not run: some values cannot be used.")
        return
    show_outcome(_outcome(wanted.digest, wanted))


@st.cache_resource(max_entries=MOST_RUNS, show_spinner="Simulating the month")
def _outcome(digest: str, _scenario: Scenario) -> Outcome:
    """The run of one frozen scenario, kept by its digest."""
    del digest
    return replace(simulation.run(_scenario), telemetry=None)


def _form(scenario: Scenario, name: str) -> Choices | None:
    """The choices when Run was pressed; None otherwise. Widgets are keyed by scenario: another one brings its own values."""
    policy = scenario.policy
    with st.form(f"choices:{name}"):
        seed = st.number_input("Seed", min_value=0, max_value=2**53 - 1, value=scenario.seed, step=1, key=f"seed:{name}")
        with st.expander("Targets", expanded=True):
            columns = st.columns(min(len(policy.slos), 4))
            targets = {
                slo: columns[i % len(columns)].text_input(slo, format_share(it.target), key=f"target:{name}:{slo}", max_chars=20)
                for i, (slo, it) in enumerate(policy.slos.items())
            }
        with st.expander("Burn-rate rules", expanded=True):
            rules = {}
            for rule, it in policy.burn_rate_alerts.items():
                st.markdown(f"**{rule}** ({it.severity}{', pages' if it.page else ''})")
                factor, long, short, hold = st.columns(4)
                key = f"{name}:{rule}"
                rules[rule] = RuleChoice(
                    factor.number_input(
                        "Factor",
                        min_value=0.01,
                        max_value=100_000.0,
                        value=it.factor,
                        placeholder=f"from {format_share(it.budget_share)} of the budget" if it.budget_share else None,
                        key=f"factor:{key}",
                    ),
                    long.text_input("Long window", format_duration(it.long), key=f"long:{key}", max_chars=20),
                    short.text_input("Short window", format_duration(it.short), key=f"short:{key}", max_chars=20),
                    hold.text_input("for", format_duration(it.for_), key=f"for:{key}", max_chars=20),
                )
        pressed = st.form_submit_button("Run", type="primary", key=f"run:{name}")
    return Choices(int(seed), targets, rules) if pressed else None
