"""Opens the app: `streamlit run app.py`, or `workbench app`."""

from workbench.ui.app import main

main()
