"""The app: its pages and nothing else."""

from __future__ import annotations

import streamlit as st

from workbench.ui import history, simulate


def main() -> None:
    """Run the page that is chosen; called by `app.py` on every interaction."""
    st.set_page_config(page_title="SLO workbench", page_icon=":material/monitor_heart:", layout="wide")
    pages = [
        st.Page(simulate.page, title="Simulate", icon=":material/play_circle:", url_path="simulate", default=True),
        st.Page(history.page, title="Replay", icon=":material/history:", url_path="replay"),
    ]
    st.navigation(pages, position="top").run()
