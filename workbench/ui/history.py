"""Page 2: a recorded history against a policy."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import streamlit as st

from workbench.alerts.loading import load_policy
from workbench.errors import BadInput, Problem, WorkbenchError
from workbench.outcome import Outcome
from workbench.run import replay as recorded
from workbench.scenario.schema.policy import Policy
from workbench.telemetry.history import Reading
from workbench.telemetry.recorded import ERRORS_NAME, REQUESTS_NAME
from workbench.ui.files import offered
from workbench.ui.show import show_outcome, show_problems

MOST_MEGABYTES = 50
_ENDINGS = (".csv.gz", ".parquet", ".csv", ".om", ".prom")
READINGS = {
    "the events since the row before": Reading.COUNTS,
    "what counters and gauges showed": Reading.COUNTERS,
    "the new state of a probed target": Reading.PROBES,
}


def page() -> None:
    """The uploads and the outcome of replaying them."""
    st.title("Replay a recorded history")
    st.write(
        "A history of events has the columns `time`, `total`, `errors`, and may have `route` and `le_*`; an empty field is "
        "unknown, never zero. Counters are `time` and a column a series, or `time,series,value`; probes are `time,target,up`. "
        "CSV, CSV.gz, Parquet and OpenMetrics text are read."
    )
    policies = offered("Policy", Path.cwd())
    if not policies:
        st.info("There is no policy here. `workbench init DIR` writes one into a folder; start the app in that folder.")
        return
    chosen = st.selectbox("Policy", list(policies), key="policy", bind="query-params")
    reading = READINGS[st.selectbox("Each row holds", list(READINGS), key="reading", bind="query-params")]
    history = st.file_uploader(
        "History", type=["csv", "gz", "parquet", "om", "prom"], key="history", max_upload_size=MOST_MEGABYTES
    )
    incidents = st.file_uploader("Labelled incidents (optional)", type=["csv"], key="labels", max_upload_size=MOST_MEGABYTES)
    route = st.text_input("Route or target (empty: all)", key="route", max_chars=200).strip() or None
    names = {}
    if reading is Reading.COUNTERS:
        for name, label in (("requests_name", "Counter of all requests"), ("errors_name", "Counter of failed requests")):
            names[name] = st.text_input(label, value=_NAMES[name], key=name, max_chars=200).strip() or _NAMES[name]
    if history is None:
        return
    try:
        policy = load_policy(policies[chosen])
        labels = None if incidents is None else incidents.getvalue()
        how = How(route, _as_read(history.name, reading), **names)
        outcome = outcome_of(history.name, history.getvalue(), policy, how, labels)
    except BadInput as error:
        show_problems(error.problems, "This history cannot be replayed.")
        return
    except WorkbenchError as error:
        st.error(str(error))
        return
    show_outcome(outcome)


@dataclass(frozen=True, slots=True)
class How:
    """How the user wants the history to be read."""

    route: str | None
    reading: Reading | None
    requests_name: str = REQUESTS_NAME
    errors_name: str = ERRORS_NAME


_NAMES = {"requests_name": REQUESTS_NAME, "errors_name": ERRORS_NAME}


def _as_read(name: str, reading: Reading) -> Reading | None:
    """Text of metrics says by itself what it is; the choice on the page is for tables."""
    return None if reading is Reading.COUNTS or name.endswith((".om", ".prom")) else reading


def outcome_of(name: str, history: bytes, policy: Policy, how: How, incidents: bytes | None) -> Outcome:
    """The replay of uploaded bytes, kept by their hash; raises BadInput naming the file as the user knows it."""
    key = hashlib.blake2b(digest_size=16)
    for part in (history, incidents or b"", policy.model_dump_json(by_alias=True).encode(), repr((name, how)).encode()):
        key.update(len(part).to_bytes(8, "little") + part)
    return _replayed(key.hexdigest(), name, history, policy, how, incidents)


@st.cache_resource(max_entries=4, show_spinner="Replaying the history")
def _replayed(key: str, _name: str, _history: bytes, _policy: Policy, _how: How, _incidents: bytes | None) -> Outcome:
    del key
    with tempfile.TemporaryDirectory() as folder:
        # The user's name for a file never becomes a path: what is inside decides how it is read.
        path = Path(folder, "history" + next((end for end in _ENDINGS if _name.endswith(end)), ""))
        path.write_bytes(_history)
        labels = None if _incidents is None else Path(folder, "incidents.csv")
        if labels is not None and _incidents is not None:
            labels.write_bytes(_incidents)
        try:
            outcome = recorded.replay(path, _policy, incidents=labels, **asdict(_how))
        except BadInput as error:
            raise BadInput(_renamed(error, {str(path): _name, str(labels): "labelled incidents"})) from error
    return replace(outcome, name=_name, telemetry=None)


def _renamed(error: BadInput, names: dict[str, str]) -> list[Problem]:
    return [replace(problem, file=names.get(problem.file or "", problem.file)) for problem in error.problems]
