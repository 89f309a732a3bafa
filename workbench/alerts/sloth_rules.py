"""Sloth's rules: the recording and alerting rules that Sloth generates for one objective, said in the same words.

Three groups for an objective: its error ratios over every window, what is known about it, and a page and a ticket alert. Names,
labels and expressions are Sloth's (checked against the examples and test results of its repository, v0.11 and later); a number is
what Go prints for the same arithmetic in binary floats: the error budget of 99.9 % is `0.0009999999999999432`.

Sloth's alerts have no `for`, compare with a strict `>`, and are quick or slow: two pairs of windows each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType

from workbench.alerts.go_format import go_duration
from workbench.alerts.numbers import number_text
from workbench.alerts.rules import AlertRule, RecordingRule, RuleGroup, sorted_pairs
from workbench.scenario.schema.policy import BurnRateRule, QueryIndicator, Slo
from workbench.scenario.schema.sloth import SlothAlert as SlothAlertWords
from workbench.scenario.schema.sloth import SlothWords
from workbench.units import DAY_S, HOUR_S

WINDOW_VARIABLE = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")
"""Where a query takes its window: `{{.window}}`, with or without blanks."""

_RELEASE = re.compile(r"v?0\.([0-9]{1,3})(?:\.[0-9]{1,3})?")
ERROR_RATIO = "slo:sli_error:ratio_rate"
SPEC_PROMETHEUS = "prometheus/v1"
SPEC_KUBERNETES = "sloth.slok.dev/v1"
SPEC_OPENSLO = "openslo/v1alpha"
PAIRS = ("page-quick", "page-slow", "ticket-quick", "ticket-slow")
"""Names of a policy's rules that are Sloth's four pairs of windows."""
DEFAULT_ALERT_NAME = "ErrorBudgetBurn"
MODE_PROMETHEUS = "cli-gen-prom"

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AlertWindow:
    """Spending `budget_percent` of the period's budget within `long_s` is too fast; `short_s` ends the alert."""

    budget_percent: Decimal
    short_s: float
    long_s: float

    def factor(self, period_s: float) -> float:
        """How many times too fast, in Sloth's order of operations: share of the period's hours, by the window's."""
        return period_s / HOUR_S * float(self.budget_percent) / 100 / (self.long_s / HOUR_S)


@dataclass(frozen=True, slots=True)
class AlertWindows:
    """The windows of one SLO period."""

    period_s: float
    page_quick: AlertWindow
    page_slow: AlertWindow
    ticket_quick: AlertWindow
    ticket_slow: AlertWindow

    @property
    def lengths_s(self) -> tuple[float, ...]:
        """Every window once, from the shortest."""
        pairs = (self.page_quick, self.page_slow, self.ticket_quick, self.ticket_slow)
        return tuple(sorted({length for pair in pairs for length in (pair.short_s, pair.long_s)}))


@dataclass(frozen=True, slots=True)
class SlothAlert:
    """What one of the two alerts carries beside Sloth's own labels and annotations."""

    enabled: bool = True
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    annotations: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class SlothSlo:
    """One objective as Sloth has it. Either `ratio`, or `errors` and `total`; windows are written `[{{.window}}]`."""

    service: str
    name: str
    objective: Decimal
    """In percent, as written: 99.9."""
    windows: AlertWindows
    errors: str = ""
    total: str = ""
    ratio: str = ""
    """The share of bad events, ready-made."""
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Of everything that is recorded; alerts inherit them."""
    alert_name: str = ""
    page: SlothAlert = SlothAlert()
    ticket: SlothAlert = SlothAlert()

    @property
    def id(self) -> str:
        """`service-name`."""
        return f"{self.service}-{self.name}"

    @property
    def ids(self) -> dict[str, str]:
        """The labels that tell the objective from others."""
        return {"sloth_id": self.id, "sloth_service": self.service, "sloth_slo": self.name}

    @property
    def selector(self) -> str:
        """Those labels as matchers."""
        return "{" + ", ".join(f'{name}="{value}"' for name, value in self.ids.items()) + "}"


@dataclass(frozen=True, slots=True)
class Generator:
    """Who generates: what Sloth writes into the labels of `sloth_slo_info`."""

    version: str = "dev"
    """A release writes what it wrote then: before v0.11 alerts match with `ignoring` and the period's ratio has one label, before
    v0.7 no label holds the objective. Anything else is the newest."""
    mode: str = MODE_PROMETHEUS
    spec: str = SPEC_PROMETHEUS

    def before(self, minor: int) -> bool:
        """Whether this is a release older than v0.MINOR."""
        found = _RELEASE.fullmatch(self.version)
        return found is not None and int(found[1]) < minor


def sloth_groups(slo: SlothSlo, generator: Generator = Generator()) -> tuple[RuleGroup, ...]:
    """The groups that Sloth generates: error ratios, metadata, and alerts unless both are disabled."""
    groups = [
        RuleGroup(f"sloth-slo-sli-recordings-{slo.id}", _error_ratios(slo, generator)),
        RuleGroup(f"sloth-slo-meta-recordings-{slo.id}", _metadata(slo, generator)),
    ]
    alerts = _alerts(slo, generator)
    if alerts:
        groups.append(RuleGroup(f"sloth-slo-alerts-{slo.id}", alerts))
    return tuple(groups)


def sloth_slo_of(
    name: str,
    slo: Slo,
    windows: AlertWindows,
    *,
    service: str = "",
    errors: str = "",
    total: str = "",
    ratio: str = "",
) -> SlothSlo:
    """A policy's objective as Sloth has it.

    A query indicator brings its queries along (`good` becomes one minus its share); for other indicators the caller gives `errors`
    and `total`, or `ratio`. `service` is taken if the objective does not state its own. The page is there unless the objective
    lists its alerts and none of them is `page-...`; so is the ticket.
    """
    words = slo.sloth or SlothWords()
    if isinstance(slo.indicator, QueryIndicator):
        query = slo.indicator
        errors, total, ratio = query.errors or "", query.total or "", query.ratio or ""
        if query.good:
            errors, total, ratio = "", "", good_ratio(query.good, total)
    return SlothSlo(
        service=slo.service or service,
        name=words.name or name,
        objective=(slo.target * 100).normalize(),
        windows=windows,
        errors=errors,
        total=total,
        ratio=ratio,
        labels=dict(slo.labels) | dict(words.labels),
        alert_name=words.alert or DEFAULT_ALERT_NAME,
        page=_alert_of(slo, words.page, "page"),
        ticket=_alert_of(slo, words.ticket, "ticket"),
    )


def alert_name_of(name: str) -> str:
    """A name for the alerts of an objective that states none, told from those of others: `CheckoutErrorBudgetBurn`."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    return "".join(word[0].upper() + word[1:] for word in words) + DEFAULT_ALERT_NAME


def good_ratio(good: str, total: str) -> str:
    """The share of bad events from good and all events, as Sloth writes it for OpenSLO."""
    return f"\n  1 - (\n    (\n      {good}\n    )\n    /\n    (\n      {total}\n    )\n  )\n"


def _alert_of(slo: Slo, words: SlothAlertWords, severity: str) -> SlothAlert:
    enabled = slo.alerts is None or any(name.startswith(f"{severity}-") for name in slo.alerts)
    return SlothAlert(enabled, dict(words.labels), dict(slo.annotations) | dict(words.annotations))


def windows_of(rules: Mapping[str, BurnRateRule], period_s: float) -> AlertWindows:
    """The rules named in `PAIRS` as windows of a period; raises KeyError if one is missing.

    A rule's budget share is what it states, or follows from its factor: factor x long / period.
    """
    pairs = []
    for name in PAIRS:
        rule = rules[name]
        share = rule.budget_share
        if rule.factor is not None or share is None:
            share = rule.factor_for(period_s) * Decimal(str(rule.long)) / Decimal(str(period_s))
        pairs.append(AlertWindow((share * 100).normalize(), rule.short, rule.long))
    return AlertWindows(period_s, *pairs)


def go_number(number: float) -> str:
    """A float as Go's `%g` prints it: the fewest digits that read back the same."""
    return repr(number).removesuffix(".0")


def _error_ratios(slo: SlothSlo, generator: Generator) -> tuple[RecordingRule, ...]:
    """One a window, from the shortest; the whole period is put together from the shortest instead of read anew."""
    shortest = _metric(slo.windows.page_quick.short_s) + slo.selector
    period_s = slo.windows.period_s
    period = go_duration(period_s)
    whole = f"sum_over_time({shortest}[{period}])\n/ ignoring (sloth_window)\ncount_over_time({shortest}[{period}])\n"
    rules = [
        _recorded(slo, length, whole if length == period_s else _ratio_over(slo, go_duration(length)))
        for length in (*slo.windows.lengths_s, period_s)
    ]
    if generator.before(11):
        rules = [replace(rule, labels=(("sloth_window", period),)) if rule.expr == whole else rule for rule in rules]
    return tuple(rules)


def _recorded(slo: SlothSlo, window_s: float, expr: str) -> RecordingRule:
    labels = slo.ids | {"sloth_window": go_duration(window_s)} | dict(slo.labels)
    return RecordingRule(_metric(window_s), expr, sorted_pairs(labels))


def _metric(window_s: float) -> str:
    return ERROR_RATIO + go_duration(window_s)


def _ratio_over(slo: SlothSlo, window: str) -> str:
    query = f"({slo.ratio})" if slo.ratio else f"({slo.errors})\n/\n({slo.total})\n"
    return WINDOW_VARIABLE.sub(window, query)


def _metadata(slo: SlothSlo, generator: Generator) -> tuple[RecordingRule, ...]:
    objective = go_number(float(slo.objective) / 100)
    budget = f"slo:error_budget:ratio{slo.selector}"
    by = "/ on(sloth_id, sloth_slo, sloth_service) group_left"
    labels = slo.ids | dict(slo.labels)
    info = labels | {
        "sloth_mode": generator.mode,
        "sloth_objective": number_text(slo.objective),
        "sloth_spec": generator.spec,
        "sloth_version": generator.version,
    }
    if generator.before(7):
        del info["sloth_objective"]
    exprs = {
        "slo:objective:ratio": f"vector({objective})",
        "slo:error_budget:ratio": f"vector(1-{objective})",
        "slo:time_period:days": f"vector({go_number(slo.windows.period_s / DAY_S)})",
        "slo:current_burn_rate:ratio": f"{_metric(slo.windows.page_quick.short_s)}{slo.selector}\n{by}\n{budget}\n",
        "slo:period_burn_rate:ratio": f"{_metric(slo.windows.period_s)}{slo.selector}\n{by}\n{budget}\n",
        "slo:period_error_budget_remaining:ratio": f"1 - slo:period_burn_rate:ratio{slo.selector}",
        "sloth_slo_info": "vector(1)",
    }
    return tuple(
        RecordingRule(name, expr, sorted_pairs(info if name == "sloth_slo_info" else labels)) for name, expr in exprs.items()
    )


def _alerts(slo: SlothSlo, generator: Generator) -> tuple[AlertRule, ...]:
    windows = slo.windows
    both = (
        ("page", slo.page, windows.page_quick, windows.page_slow),
        ("ticket", slo.ticket, windows.ticket_quick, windows.ticket_slow),
    )
    return tuple(_alert(slo, severity, alert, quick, slow, generator) for severity, alert, quick, slow in both if alert.enabled)


def _alert(
    slo: SlothSlo, severity: str, alert: SlothAlert, quick: AlertWindow, slow: AlertWindow, generator: Generator
) -> AlertRule:
    who = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate"
    annotations = {"summary": f"{who} is over expected.", "title": f"({severity}) {who} is too fast."}
    ignoring = " ignoring (sloth_window)" if generator.before(11) else ""
    return AlertRule(
        name=slo.alert_name,
        expr=f"{_too_fast(slo, quick, ignoring)}or{ignoring}\n{_too_fast(slo, slow, ignoring)}",
        labels=sorted_pairs({"sloth_severity": severity} | dict(alert.labels)),
        annotations=sorted_pairs(annotations | dict(alert.annotations)),
    )


def _too_fast(slo: SlothSlo, window: AlertWindow, ignoring: str) -> str:
    budget = go_number((100 - float(slo.objective)) / 100)
    threshold = f"({go_number(window.factor(slo.windows.period_s))} * {budget})"
    before, after = ("(", ")") if ignoring else ("max(", ") without (sloth_window)")
    short, long = (
        f"    {before}{_metric(length)}{slo.selector} > {threshold}{after}\n" for length in (window.short_s, window.long_s)
    )
    return f"(\n{short}    and{ignoring}\n{long})\n"
