"""A page that comes later than the ticket.

A page is for what cannot wait. If everything fails, a rule fires after threshold x long window (and its `for`): a page that needs
longer than a ticket of the same objective wakes somebody for what already lies in the queue.

Give the page the shorter long window and the higher factor, or swap the severities.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from workbench.errors import Problem, Severity
from workbench.lint.burn_rates import Watch, by_objective, number
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import number_text
from workbench.lint.rules.groups import Burn, burning
from workbench.lint.subject import Subject
from workbench.units import format_duration

NAME = "alerts/page-slower-than-ticket"


def check(subject: Subject) -> Iterator[Problem]:
    """Objectives whose fastest page is slower than their fastest ticket."""
    for watches in by_objective(subject.policy):
        pages = [one for one in watches if one.rule.page and one.threshold < 1]
        tickets = [one for one in watches if not one.rule.page and one.threshold < 1]
        if not pages or not tickets:
            continue
        page, ticket = min(pages, key=_time), min(tickets, key=_time)
        if _time(page) <= _time(ticket):
            continue
        yield Problem(
            NAME,
            f"page {page.rule_name} of {page.slo_name} comes later than ticket {ticket.rule_name}: if everything fails after "
            f"{_sum(page)}, the ticket after {_sum(ticket)}",
            severity=Severity.WARNING,
            path=page.path("long"),
            found=format_duration(page.rule.long),
            allowed=f"a page within {format_duration(float(_time(ticket)))}",
        )


def _time(watch: Watch) -> Decimal:
    return watch.threshold * Decimal(str(watch.rule.long)) + Decimal(str(watch.rule.for_))


def _sum(watch: Watch) -> str:
    text = f"{number(watch.threshold)} x {format_duration(watch.rule.long)}"
    if watch.rule.for_:
        text += f" + {format_duration(watch.rule.for_)}"
    return f"{text} = {format_duration(float(_time(watch)))}"


def check_rules(rules: Rules) -> Iterator[Problem]:
    """The same for pairs of windows over one ratio, by what their severities say."""
    for burns in burning(rules):
        pages = [one for one in burns if one.pages is True and one.threshold < 1]
        tickets = [one for one in burns if one.pages is False and one.threshold < 1]
        if not pages or not tickets:
            continue
        page, ticket = min(pages, key=_time_of), min(tickets, key=_time_of)
        if _time_of(page) > _time_of(ticket):
            yield page.view.problem(
                NAME,
                f"{page.view.title} pages later than {ticket.view.title} writes a ticket: if everything fails after "
                f"{_sum_of(page)}, "
                f"the ticket after {_sum_of(ticket)}",
                at=page.pair.long.comparison,
            )


def _time_of(burn: Burn) -> float:
    return burn.threshold * burn.long_ms / 1000 + burn.for_s


def _sum_of(burn: Burn) -> str:
    text = f"{number_text(burn.threshold)} x {format_duration(burn.long_ms / 1000)}"
    if burn.for_s:
        text += f" + {format_duration(burn.for_s)}"
    return f"{text} = {format_duration(_time_of(burn))}"
