"""Backups fail, night after night, until somebody looks. Users notice nothing."""

from __future__ import annotations

from workbench.world.failures.mode import Duration, Mode
from workbench.world.impact import MetricBreaks

NAME = "failed-backup"
MODE = Mode(
    acts=(MetricBreaks("backup", 1.0),),
    duration=Duration.written("36h", 0.8),
    onset="At any time.",
    moves=("successful backups", "age of the newest backup"),
    parameters={"breaks": "what the platform measures: this share of backups fails"},
    radius="platform",
    spread=0.0,
)
