"""Known schools of burn-rate alerts, one file each in `presets/`: which windows, which factors, what the rules look like.

A school states its rows for an objective's window in seconds; `row` writes one. Factors follow from the share of the budget that is
gone when the long window trips (`factor = share x window / long`), so the same school fits a week and a quarter.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, Literal, get_args

from workbench.alerts import presets
from workbench.scenario.schema.policy import BurnRateRule, Policy
from workbench.units import format_duration

Shape = Literal["plain", "pyrra", "sloth"]
"""How rows become rules: alerts over the raw counters, or recordings and alerts as that tool generates them."""

Rows = Mapping[str, BurnRateRule]
"""By name, in the school's order."""


@dataclass(frozen=True, slots=True)
class Preset:
    """One school, as its module says."""

    name: str
    documentation: str
    """The module's docstring."""
    shape: Shape
    period_s: float
    """The window that its tool takes if none is stated."""
    rows: Callable[[float], Rows]
    """Pure: the rows for a window in seconds."""
    alert: str = ""
    """The one name of all its alerts; empty: each row states its alert, or is one."""


@cache
def all_presets() -> Mapping[str, Preset]:
    """Every module of `workbench.alerts.presets`, by name; raises TypeError for one that is no preset."""
    found = []
    for module_info in pkgutil.iter_modules(presets.__path__):
        module = importlib.import_module(f"{presets.__name__}.{module_info.name}")
        name, documentation, rows = getattr(module, "NAME", ""), module.__doc__, getattr(module, "rows", None)
        shape: Shape | None = next((one for one in get_args(Shape) if one == getattr(module, "SHAPE", "")), None)
        period_s = getattr(module, "PERIOD_S", 0)
        if not name or not documentation or rows is None or shape is None or not period_s:
            raise TypeError(f"{module.__name__} needs NAME, SHAPE, PERIOD_S, a docstring and rows(window_s)")
        found.append(Preset(name, documentation.strip(), shape, float(period_s), rows, getattr(module, "ALERT", "")))
    return {preset.name: preset for preset in sorted(found, key=lambda one: one.name)}


def preset_of(policy: Policy) -> Preset | None:
    """The school that the policy asks for."""
    return None if policy.alert_preset == "none" else all_presets()[policy.alert_preset]


def row(
    long_s: float,
    short_s: float,
    *,
    factor: Fraction | None = None,
    share: str | None = None,
    more: Mapping[str, Any],
) -> BurnRateRule:
    """One row. Either a `factor`, or the `share` of the budget, in percent: `2%`; `more` are further fields, as a file has them."""
    stated: dict[str, Any] = {"long": format_duration(long_s), "short": format_duration(short_s)}
    if factor is not None:
        stated["factor"] = float(factor)
    if share is not None:
        stated["budget_share"] = share
    return BurnRateRule.model_validate(stated | dict(more))


def scaled(factor: str, period_s: float, window_s: float) -> Fraction:
    """A factor made for one period, for another: it stands for the same share of the budget."""
    return Fraction(Decimal(factor)) * Fraction(window_s) / Fraction(period_s)
