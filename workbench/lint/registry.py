"""Finds the checks and runs them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from workbench.errors import Problem
from workbench.lint import checks
from workbench.lint.months import Months
from workbench.lint.rules.document import Rules
from workbench.lint.subject import Subject
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import Clock
from workbench.scenario.schema.world import World

PolicyCheck = Callable[[Subject], Iterator[Problem]]
"""Pure: the same subject gives the same problems in the same order. A problem's `path` is that in the policy."""
RulesCheck = Callable[[Rules], Iterator[Problem]]
"""Pure; problems know file, line and column."""
MonthsCheck = Callable[[Months], Iterator[Problem]]
"""Pure; looks at what alerts did in simulated months."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as its module says."""

    name: str
    """`family/name`, the `check` of its problems."""
    documentation: str
    """What it finds, why that matters, what to do: the module's docstring."""
    of_policy: PolicyCheck | None
    of_rules: RulesCheck | None
    of_months: MonthsCheck | None
    needs: frozenset[str] = frozenset()
    """`world`, `clock`: what a subject must have for the check to see anything."""


@cache
def all_checks() -> tuple[Check, ...]:
    """Every module of `workbench.lint.checks`, by name of the check; raises TypeError for one that is no check."""
    found = []
    for module_info in pkgutil.iter_modules(checks.__path__):
        module = importlib.import_module(f"{checks.__name__}.{module_info.name}")
        name, documentation = getattr(module, "NAME", ""), module.__doc__
        looks = [getattr(module, part, None) for part in ("check", "check_rules", "check_months")]
        if not name or not documentation or not any(looks):
            raise TypeError(f"{module.__name__} needs NAME, a docstring and check, check_rules or check_months")
        found.append(Check(name, documentation.strip(), looks[0], looks[1], looks[2], frozenset(getattr(module, "NEEDS", ()))))
    return tuple(sorted(found, key=lambda check: check.name))


def lint(policy: Policy, world: World | None = None, clock: Clock | None = None) -> tuple[Problem, ...]:
    """What all checks find in a policy, by check and then in the order of the policy; some look only if there is a world."""
    subject = Subject(policy, world, clock)
    return _once(problem for check in all_checks() if check.of_policy for problem in check.of_policy(subject))


def lint_rules(rules: Rules) -> tuple[Problem, ...]:
    """What all checks find in rule files, by check and then in the order of the files."""
    return _once(problem for check in all_checks() if check.of_rules for problem in check.of_rules(rules))


def lint_months(months: Months) -> tuple[Problem, ...]:
    """What all checks find in simulated months."""
    return tuple(problem for check in all_checks() if check.of_months for problem in check.of_months(months))


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Without those that say the same of the same rule again: both windows of a pair hold the same mistake."""
    first: dict[tuple[str, str | None, str | None, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.check, problem.file, problem.path, problem.message), problem)
    return tuple(first.values())


def ran(*, subject: str, has: frozenset[str]) -> frozenset[str]:
    """Names of the checks that could see something in a subject (`policy`, `rules` or `months`) with what it `has`."""
    return frozenset(check.name for check in all_checks() if getattr(check, f"of_{subject}") is not None and check.needs <= has)
