"""Finds the checks and runs them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from workbench.errors import Problem
from workbench.lint import checks
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.world import World

CheckFunction = Callable[[Policy, World | None], Iterator[Problem]]
"""Pure: the same policy and world give the same problems in the same order. A problem's `path` is that in the policy."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as its module says."""

    name: str
    """`family/name`, the `check` of its problems."""
    documentation: str
    """What it finds, why that matters, what to do: the module's docstring."""
    run: CheckFunction


@cache
def all_checks() -> tuple[Check, ...]:
    """Every module of `workbench.lint.checks`, by name of the check; raises TypeError for one that is no check."""
    found = []
    for module_info in pkgutil.iter_modules(checks.__path__):
        module = importlib.import_module(f"{checks.__name__}.{module_info.name}")
        name, documentation, run = getattr(module, "NAME", ""), module.__doc__, getattr(module, "check", None)
        if not name or not documentation or run is None:
            raise TypeError(f"{module.__name__} needs NAME, a docstring and check(policy, world)")
        found.append(Check(name, documentation.strip(), run))
    return tuple(sorted(found, key=lambda check: check.name))


def lint(policy: Policy, world: World | None = None) -> tuple[Problem, ...]:
    """What all checks find, by check and then in the order of the policy; some look only if there is a world."""
    return tuple(problem for check in all_checks() for problem in check.run(policy, world))
