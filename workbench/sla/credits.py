"""Service credits: what each tier was promised, what it got, what is paid back.

A schedule reads as public terms do, "below X and at or above the next lower bound": the upper bound is exclusive, the lower one
inclusive, so availability exactly at the promise pays nothing. Availability is compared as a fraction of whole requests, never
rounded; money is rounded once, half to even, to cents, at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from workbench.alerts.vocabulary import Vocabulary
from workbench.scenario.schema.policy import EventsIndicator, Policy, Sla
from workbench.sla.credit import TierCredit
from workbench.slo.indicators import count_indicators
from workbench.telemetry.series import Telemetry
from workbench.units import Money, format_share

_CENT = Decimal("0.01")


def tier_credits(policy: Policy, users: Mapping[str, int], telemetry: Telemetry, vocabulary: Vocabulary) -> tuple[TierCredit, ...]:
    """What each tier of `policy.slas` gets back, from the highest promise down.

    Args:
        policy: Holds the promises by tier.
        users: Users by tier; a tier that is not named has none, so its fee is 0.
        telemetry: Each tier is measured on its own requests: 5xx are bad, all others good.
        vocabulary: Names in the telemetry; without tiers nothing can be measured and nothing is returned.
    """
    if vocabulary.tier_label is None or not policy.slas:
        return ()
    ordered = sorted(policy.slas.items(), key=lambda item: (-item[1].availability, item[0]))
    indicators = [EventsIndicator(kind="events", tiers=(tier,)) for tier, _ in ordered]
    measured = count_indicators(indicators, telemetry, vocabulary)
    return tuple(
        credit_of(tier, sla, users.get(tier, 0), bad=events.bad[-1].item(), total=events.known[-1].item())
        for (tier, sla), events in zip(ordered, measured, strict=True)
    )


def credit_of(tier: str, sla: Sla, users: int, *, bad: float, total: float) -> TierCredit:
    """The credit of one tier from its bad requests and all its requests; without requests nothing is known and nothing paid."""
    uptime = None if total <= 0 else 1 - Fraction(bad) / Fraction(total)
    share, step = _step(sla, uptime)
    paid = min(share, sla.credit_cap)
    fee = sla.price.amount * users
    credit = Money((fee * paid).quantize(_CENT, ROUND_HALF_EVEN), sla.price.currency)
    return TierCredit(
        tier=tier,
        promised=sla.availability,
        good=round(total - bad),
        total=round(total),
        availability=None if uptime is None else float(uptime),
        breached=None if uptime is None else uptime < Fraction(sla.availability),
        credit_share=paid,
        users=users,
        fee=Money(fee, sla.price.currency),
        credit=credit,
        calculation=_sentence(sla, uptime, round(total), step, fee),
    )


def _step(sla: Sla, uptime: Fraction | None) -> tuple[Decimal, int | None]:
    """The share that the schedule pays, before the cap, and the step that says so."""
    share, at = Decimal(0), None
    if uptime is not None:
        for index, step in enumerate(sla.credits):
            if uptime < Fraction(step.below):
                share, at = step.credit, index
    return share, at


def _sentence(sla: Sla, uptime: Fraction | None, total: int, step: int | None, fee: Decimal) -> str:
    promised = _percent(sla.availability, 1)
    if uptime is None:
        return f"no requests, promised {promised}: nothing is known and nothing is paid"
    text = f"{_shown(uptime, sla)} of {total:,} requests, promised {promised}: "
    if step is None:
        if uptime >= Fraction(sla.availability):
            return text + "kept, nothing is paid"
        return text + "missed, but no step of the schedule reaches so high: nothing is paid"
    share = sla.credits[step].credit
    text += f"below {_percent(sla.credits[step].below, 1)}"
    if step + 1 < len(sla.credits):
        text += f" and at or above {_percent(sla.credits[step + 1].below, 1)}"
    text += f" pays {_percent(share)} of {fee:,.2f} {sla.price.currency}"
    if share > sla.credit_cap:
        text += f", capped at {_percent(sla.credit_cap)}"
    return text


def _shown(uptime: Fraction, sla: Sla) -> str:
    """The availability in percent with enough decimals to stand on the right side of every bound, at least three."""
    bounds = {Fraction(sla.availability), *(Fraction(step.below) for step in sla.credits)}
    percent = uptime * 100
    for digits in range(3, 16):
        shown = round(percent, digits)
        if all((shown < b * 100) == (uptime < b) and (shown == b * 100) == (uptime == b) for b in bounds):
            break
    number = f"{Decimal(shown.numerator) / Decimal(shown.denominator):.{digits}f}"
    return f"{number} %"


def _percent(share: Decimal, decimals: int = 0) -> str:
    """A share of the contract in percent, exactly, with at least so many decimals."""
    number = format_share(share).removesuffix("%")
    return f"{number}{'.0' if decimals and '.' not in number else ''} %"
