"""What checks of burn-rate alerts share: which rules watch which objective, and their arithmetic in exact decimals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from workbench.scenario.schema.policy import BurnRateRule, Policy, Slo


@dataclass(frozen=True, slots=True)
class Watch:
    """One rule on one objective."""

    slo_name: str
    slo: Slo
    rule_name: str
    rule: BurnRateRule

    @property
    def factor(self) -> Decimal:
        """As written (14.4, not the binary number next to it), or what follows from the budget share."""
        return self.rule.factor_for(0.0 if self.slo.window == "history" else self.slo.window)

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
        least, failures = getattr(self.rule, "min_events", None), getattr(self.rule, "min_failures", None)
        return (failures or 0) > 1 or (least is not None and least * self.threshold >= 1)


def watches(policy: Policy) -> Iterator[Watch]:
    """Every rule on every objective that uses it, in the order of the policy; rules that are not there are left out.

    So are rules whose factor follows from the length of the history: it is not known here.
    """
    for slo_name, slo in policy.slos.items():
        names = policy.burn_rate_alerts if slo.alerts is None else slo.alerts
        for rule_name in names:
            rule = policy.burn_rate_alerts.get(rule_name)
            if rule is not None and (rule.factor is not None or slo.window != "history"):
                yield Watch(slo_name, slo, rule_name, rule)


def number(value: Decimal | float, digits: int = 6) -> str:
    """`1.44`, `0.0144`, `4320`: at most so many significant digits, no exponent, no zeros at the end."""
    rounded = Decimal(f"{Decimal(str(value)):.{digits}g}")
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def by_objective(policy: Policy) -> Iterator[list[Watch]]:
    """The rules of each objective that has any, in the order of the policy."""
    for _, found in groupby(watches(policy), key=lambda watch: watch.slo_name):
        yield list(found)
