"""Finds the failure modes of the library."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from workbench.world.failures import modes
from workbench.world.failures.mode import Mode


@dataclass(frozen=True)
class Known:
    """One failure mode, as its module says."""

    name: str
    documentation: str
    """The module's docstring."""
    mode: Mode


@cache
def all_modes() -> Mapping[str, Known]:
    """Every module of `workbench.world.failures.modes`, by name; raises TypeError for one that is no failure mode."""
    found = []
    for module_info in pkgutil.iter_modules(modes.__path__):
        module = importlib.import_module(f"{modes.__name__}.{module_info.name}")
        name, documentation, mode = getattr(module, "NAME", ""), module.__doc__, getattr(module, "MODE", None)
        if name != module_info.name.replace("_", "-") or not documentation or not isinstance(mode, Mode):
            raise TypeError(f"{module.__name__} needs NAME (its own with '-'), a docstring and MODE")
        found.append(Known(name, documentation.strip(), mode))
    return {known.name: known for known in sorted(found, key=lambda one: one.name)}
