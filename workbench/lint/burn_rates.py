"""What checks of burn-rate alerts share: which rules watch which objective, and their arithmetic in exact decimals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from workbench.alerts.burn_rules import BurnRule, burn_rules
from workbench.scenario.schema.policy import BurnRateRule, Policy, Slo
from workbench.scenario.tree import format_path


@dataclass(frozen=True, slots=True)
class Watch:
    """One rule on one objective."""

    slo_name: str
    slo: Slo
    burn: BurnRule

    @property
    def rule_name(self) -> str:
        """As the policy or its preset calls it."""
        return self.burn.name

    @property
    def rule(self) -> BurnRateRule:
        """As written, or as the preset has it for the objective's window."""
        return self.burn.rule

    @property
    def factor(self) -> Decimal:
        """As written (14.4, not the binary number next to it), or what follows from the budget share."""
        return self.burn.factor

    @property
    def error_budget(self) -> Decimal:
        """1 - target."""
        return 1 - self.slo.target

    @property
    def threshold(self) -> Decimal:
        """The error ratio over which the rule fires: factor x (1 - target)."""
        return self.factor * self.error_budget

    @property
    def guarded(self) -> bool:
        """Whether a guard keeps a single failure from setting the rule off."""
        least, failures = self.burn.min_events, self.burn.min_failures
        return (failures or 0) > 1 or (least is not None and least * self.threshold >= 1)

    def path(self, key: str) -> str:
        """Where a part of the rule stands in the policy; a rule of a preset stands in the preset's name."""
        return "alert_preset" if self.burn.from_preset else format_path(("burn_rate_alerts", self.rule_name, key))


def watches(policy: Policy) -> Iterator[Watch]:
    """Every rule on every objective that uses it, those of a preset too, in the order of the policy.

    Names that are no rule are left out, and so are rules whose factor follows from the length of the history: it is not known here.
    """
    for slo_name, slo in policy.slos.items():
        for burn in burn_rules(policy, slo_name):
            if burn.rule.factor is not None or slo.window != "history":
                yield Watch(slo_name, slo, burn)


def rules_by_window(policy: Policy) -> Iterator[list[Watch]]:
    """Each rule with all objectives of one length of budget, once; without objectives whose length is that of the history."""
    found: dict[tuple[str, Decimal, float], list[Watch]] = {}
    for watch in watches(policy):
        if watch.slo.window != "history":
            found.setdefault((watch.rule_name, watch.factor, watch.slo.window), []).append(watch)
    yield from found.values()


def objectives(alike: list[Watch]) -> str:
    """`login`, `login and 3 more objectives`."""
    more = len(alike) - 1
    return alike[0].slo_name + (f" and {more} more objective{'s' * (more > 1)}" if more else "")


def rules_in_use(policy: Policy) -> Iterator[Watch]:
    """Each rule once, on the first objective that uses it."""
    told: set[str] = set()
    for watch in watches(policy):
        if watch.rule_name not in told:
            told.add(watch.rule_name)
            yield watch


def number(value: Decimal | float, digits: int = 6) -> str:
    """`1.44`, `0.0144`, `4320`: at most so many significant digits, no exponent, no zeros at the end."""
    rounded = Decimal(f"{Decimal(str(value)):.{digits}g}")
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def by_objective(policy: Policy) -> Iterator[list[Watch]]:
    """The rules of each objective that has any, in the order of the policy."""
    for _, found in groupby(watches(policy), key=lambda watch: watch.slo_name):
        yield list(found)
