"""The policy: what the team has chosen. It names routes, tiers and codes; it never reaches into a world."""

from __future__ import annotations

import itertools
import re
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from workbench.scenario.schema.base import (
    CODES_PATTERN,
    MOST_GLOBS,
    MOST_NAMED,
    ApiVersion,
    Document,
    Duration,
    Flag,
    Money,
    Name,
    Positive,
    PositiveDuration,
    Share,
    Text,
    Whole,
    broken_rule,
    matching,
)
from workbench.scenario.schema.naming import Labels, MetricsMap, refuse_own
from workbench.scenario.schema.sloth import SlothWords

CodePattern = Annotated[
    str,
    Field(coerce_numbers_to_str=True),
    matching(CODES_PATTERN, "a status code is a number from 100 to 599, a class of codes is written 5.."),
    WithJsonSchema({"type": ["string", "integer"], "pattern": CODES_PATTERN, "minimum": 100, "maximum": 599}),
]
"""A status code or a class: `503`, `5..`."""

Globs = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1, max_length=MOST_GLOBS)]


class EventsIndicator(Document):
    """Good events are requests that are not answered with a bad code."""

    kind: Literal["events"]
    routes: Globs = ("*",)
    """Globs: `/api/v1/auth/*`, `*`."""
    tiers: tuple[Name, ...] = ()
    """None named means all."""
    bad_codes: Annotated[tuple[CodePattern, ...], Field(min_length=1)] = ("5..",)
    exclude_codes: tuple[CodePattern, ...] = ()
    """Requests that do not count at all, neither good nor bad: `4..`."""


class LatencyIndicator(Document):
    """Good events are requests answered within the threshold, whatever their status code."""

    kind: Literal["latency"]
    routes: Globs = ("*",)
    tiers: tuple[Name, ...] = ()
    threshold: PositiveDuration
    """Must be a bound of the histogram."""


WINDOW = re.compile(r"\{\{-?\s*\.window\s*-?\}\}")
"""Where a query says its window: `{{.window}}`, with or without blanks."""


def _with_window(text: str) -> str:
    if not WINDOW.search(text):
        raise ValueError(
            "a query must say its window as [{{.window}}]: sum(rate(http_requests_total[{{.window}}])); "
            "each rule puts its own window there"
        )
    return text


Query = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(_with_window)]
"""PromQL with `[{{.window}}]` where its window stands."""

_QUERY_FORMS = ({"errors", "total"}, {"good", "total"}, {"ratio"})


class QueryIndicator(Document):
    """Bad and total events in the user's own PromQL: `errors` and `total`, or `good` and `total`, or `ratio` alone."""

    kind: Literal["query"]
    errors: Query | None = None
    """Bad events: `sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))`."""
    good: Query | None = None
    """Good events, instead of bad ones."""
    total: Query | None = None
    """All events that count: `sum(rate(http_requests_total[{{.window}}]))`."""
    ratio: Query | None = None
    """The share of bad events, 0 to 1."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        stated = [key for key in ("errors", "good", "total", "ratio") if getattr(self, key) is not None]
        if set(stated) not in _QUERY_FORMS:
            found = f"stated: {', '.join(stated)}" if stated else "none of them is stated"
            raise broken_rule(f"a query takes errors and total, or good and total, or ratio alone; {found}")
        return self

    @property
    def routes(self) -> tuple[str, ...]:
        """Every route: which ones a query covers only its selectors say."""
        return ("*",)

    @property
    def tiers(self) -> tuple[str, ...]:
        """Every tier."""
        return ()


Indicator = Annotated[EventsIndicator | LatencyIndicator | QueryIndicator, Field(discriminator="kind")]


class TimeSlices(Document):
    """The budget counts slices of time instead of events: a slice is bad if its share of good events is below `target`."""

    length: PositiveDuration = 60.0
    """Of one slice."""
    target: Share
    """Share of good events from which on a slice is good; a slice without events is good."""

    @model_validator(mode="after")
    def _can_be_bad(self) -> Self:
        if not self.target > 0:
            raise broken_rule("a slice's target must lie above 0%: at 0% no slice is ever bad", "target")
        return self


class Slo(Document):
    """One objective over one indicator."""

    description: Text = ""
    owner: Text = ""
    consequence: Text = ""
    service: Text = ""
    """The service that it belongs to: a label of its alerts, and its name in other tools' formats."""
    indicator: Indicator
    target: Share
    """Share of events that must be good; with `time_slices`, share of slices."""
    window: PositiveDuration | Literal["history"] = 2_592_000.0
    """Rolling window of the budget; `history` takes the length of what is measured."""
    time_slices: TimeSlices | None = None
    """Left out, the budget counts events."""
    alerts: tuple[Name, ...] | None = None
    """Names of burn-rate rules, the preset's among them; all of them if left out, none if empty."""
    low_traffic: Literal["none", "min-events", "min-failures"] = "none"
    """Guards for rules without their own, so that one failure sets off nothing: `min-events` asks for 1 / (factor x (1 - target))
    events in the long window, `min-failures` for two failures."""
    labels: Labels = {}
    """Added to its alerts."""
    annotations: Labels = {}
    """Added to its alerts; templates such as `{{ $value | humanize }}` may stand in them."""
    sloth: SlothWords | None = None
    """Looked at with `alert_preset: sloth` and by `export sloth`."""

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        if not 0 < self.target < 1:
            raise broken_rule("the target of a budgeted objective must lie between 0% and 100%, both excluded", "target")
        return self

    @model_validator(mode="after")
    def _labels_are_free(self) -> Self:
        refuse_own(self.labels, "labels")
        return self

    @model_validator(mode="after")
    def _slices_fit(self) -> Self:
        if self.time_slices is not None and self.window != "history" and self.time_slices.length >= self.window:
            raise broken_rule("a slice must be shorter than the window of the budget", "time_slices", "length")
        return self


class BurnRateRule(Document):
    """A two-window burn-rate alert: both windows must burn faster than `factor` times the sustainable rate."""

    long: PositiveDuration
    short: PositiveDuration
    factor: Positive | None = None
    """Left out, it is budget_share x window of the objective / long."""
    for_: Annotated[Duration, Field(alias="for")] = 0.0
    keep_firing_for: Duration = 0.0
    severity: Name
    page: Flag = False
    """Whether it wakes the on-call."""
    budget_share: Share | None = None
    """The share of the budget that is gone when the long window trips. Beside a factor it is what the author believes; the linter
    compares it with factor x long / window."""
    compare: Literal[">", ">="] = ">"
    min_events: Annotated[Whole, Field(ge=1)] | None = None
    """So many events must lie in the long window."""
    min_events_short: Annotated[Whole, Field(ge=1)] | None = None
    """So many events must lie in the short window."""
    min_failures: Annotated[Whole, Field(ge=1)] | None = None
    """So many bad events must lie in the long window."""
    alert: Name | None = None
    """Name of the alert; left out, the rule's own. Rules of one objective that share it make one alert: any of them fires it."""
    summary: Text = ""
    labels: Labels = {}
    """Added to the alert, over those of the objective."""
    annotations: Labels = {}
    """Added to the alert, over those of the objective."""

    @model_validator(mode="after")
    def _short_is_shorter(self) -> Self:
        if self.short >= self.long:
            raise broken_rule("short must be shorter than long", "short")
        return self

    @model_validator(mode="after")
    def _has_a_factor(self) -> Self:
        if self.factor is None and not self.budget_share:
            raise broken_rule("a rule needs a factor, or a budget_share above 0% from which the factor follows", "factor")
        return self

    def factor_for(self, window_s: float) -> Decimal:
        """The factor as written, or budget_share x window / long for an objective's window in seconds."""
        if self.factor is not None:
            return Decimal(str(self.factor))
        assert self.budget_share is not None  # noqa: S101 - one of the two is there
        exact = self.budget_share * Decimal(str(window_s)) / Decimal(str(self.long))
        return Decimal(repr(float(exact)))  # as Prometheus will read it

    @model_validator(mode="after")
    def _labels_are_free(self) -> Self:
        refuse_own(self.labels, "labels")
        return self


AlertPreset = Literal["none", "datadog", "grafana", "medianest", "pyrra", "sloth", "sre-workbook"]


class CreditStep(Document):
    """Below this availability (and at or above the next lower step) this share of the fee is paid back."""

    below: Share
    credit: Share


class Sla(Document):
    """What one tier was promised, what it costs and what a breach pays."""

    audience: Text = ""
    availability: Share
    price: Money
    """A month, for each user."""
    support: Text = ""
    credits: tuple[CreditStep, ...] = ()
    """From the highest bound down."""
    credit_cap: Share = Decimal(1)
    """Of the month's fee."""

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        for i, (upper, lower) in enumerate(itertools.pairwise(self.credits), start=1):
            if lower.below >= upper.below or lower.credit <= upper.credit:
                raise broken_rule("credits must go from the highest bound down, each lower bound paying more", "credits", i)
        if self.credits and self.credits[0].below > self.availability:
            raise broken_rule("a credit must not be paid above the promised availability", "credits", 0, "below")
        return self


class Scoring(Document):
    """How alerts are judged against the ground truth."""

    grace: Literal["longest-window"] | Duration = "longest-window"
    """A firing is true if it starts between an incident's start and its end plus this time."""
    significant_share: Share = Decimal("0.02")
    """Recall counts incidents that spend at least this share of the budget."""


class BudgetLevels(Document):
    """Shares of the budget at which the status changes; at or over counts."""

    caution: Share = Decimal("0.5")
    warning: Share = Decimal("0.75")
    critical: Share = Decimal("0.9")
    exceeded: Share = Decimal(1)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if not self.caution < self.warning < self.critical < self.exceeded:
            raise broken_rule("levels must ascend: caution < warning < critical < exceeded")
        return self


class Policy(Document):
    """What the team has chosen."""

    apiVersion: ApiVersion  # noqa: N815 - the field's own spelling
    kind: Literal["Policy"]
    name: Name
    description: Text = ""
    slos: Annotated[dict[Name, Slo], Field(min_length=1, max_length=MOST_NAMED)]
    alert_preset: AlertPreset = "none"
    """Burn-rate rules of a known school, scaled to the window of each objective."""
    burn_rate_alerts: Annotated[dict[Name, BurnRateRule], Field(max_length=MOST_NAMED)] = {}
    """Added to those of the preset; one of the same name replaces the preset's."""
    budget_levels: BudgetLevels = BudgetLevels()
    slas: Annotated[dict[Name, Sla], Field(max_length=MOST_NAMED)] = {}
    """By tier."""
    scoring: Scoring = Scoring()
    metrics: MetricsMap = MetricsMap()
