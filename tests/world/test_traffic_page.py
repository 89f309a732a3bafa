"""docs/traffic.md: every example is a world, every field is explained, the table of presets says what the presets say."""

import re

import numpy as np
import pytest
import yaml

from tests.support.places import ROOT
from workbench.scenario.load import load_world
from workbench.scenario.schema.audience import Audience, Closed, Segment
from workbench.scenario.schema.traffic import Bot, Bursts, ClientRetries, Event, Surge, Traffic, Variability
from workbench.scenario.traffic_presets import PRESETS
from workbench.world.demand.demand import demand
from workbench.world.grid import Grid

PAGE = (ROOT / "docs" / "traffic.md").read_text()
EXAMPLES = re.findall(r"^## (.+?)\n.*?```yaml\n(.+?)```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("title", "text"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_each_example_is_part_of_a_world(title, text, month, tmp_path):
    whole = yaml.safe_load((ROOT / "scenarios/starter/world.yaml").read_text())
    whole["routes"] = {
        path: {**route, "share": "50%"} for path, route in zip(("/checkout", "/products"), whole["routes"].values(), strict=True)
    }
    part = yaml.safe_load(re.sub(r"\bon:", '"on":', text))  # a key of YAML 1.2, which workbench reads; here it would be true
    if "preset" in part.get("traffic", {}):
        whole["traffic"] = {}
    whole = {**whole, **part, "traffic": {**whole["traffic"], **part.get("traffic", {})}}
    file = tmp_path / "world.yaml"
    file.write_text(yaml.safe_dump(whole))
    world = load_world(file)
    made = demand(world, Grid(60.0, 60.0, 86_400.0), month.start, 1)
    assert np.isfinite(made.rates()).all(), title


def test_every_field_is_explained():
    for model in (Traffic, Surge, Event, Bot, Bursts, Variability, Closed, ClientRetries, Audience, Segment):
        for field in model.model_fields:
            assert f"`{field}`" in PAGE or f"`{field}:" in PAGE, f"{model.__name__}.{field}"


def test_the_table_of_presets_says_what_the_presets_say():
    for name in PRESETS:
        traffic = Traffic.model_validate({"preset": name, "mean_rps": 1, "capacity_rps": 1})
        [row] = re.findall(rf"^\| `{name}`.*$", PAGE, flags=re.MULTILINE)
        _, _, peak, weekend, spread, session, _ = (cell.strip() for cell in row.split("|"))
        days = list(traffic.weekdays.values())
        assert float(peak.split(",")[0]) == pytest.approx(max(traffic.hours) / min(traffic.hours), rel=0.02)
        assert float(weekend) == pytest.approx(np.mean(days[:5]) / np.mean(days[5:]), rel=0.02)
        assert spread == f"{traffic.variability.spread:.0%}".replace("%", " %") + f", {traffic.variability.memory / 60:g} min"
        assert session == f"{traffic.requests_per_session:g} requests in {traffic.session_length / 60:g} min"
