import json
import subprocess
import sys

import pytest

from tests.support.places import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_of_the_notebook_runs_from_top_to_bottom(path):
    """The cells as one script in a fresh interpreter: no kernel is needed, and no state of another notebook can help."""
    cells = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]

    ran = subprocess.run(
        [sys.executable, "-c", "\n\n".join(cells) + "\nprint(table.to_csv())"], cwd=path.parent, env={"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    rows = dict(line.split(",", 1) for line in ran.stdout.splitlines() if "," in line)
    reference, _, nobody = map(float, rows["hours of incidents"].split(","))
    assert reference < nobody
