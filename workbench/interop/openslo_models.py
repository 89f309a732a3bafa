"""OpenSLO's documents, `openslo/v1` and `openslo/v1alpha`, as its specification has them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from workbench.interop.imported import Exact, Metadata
from workbench.scenario.schema.base import Document, Flag
from workbench.units import DAY_S, HOUR_S, MINUTE_S

SHORTHAND = re.compile(r"([1-9][0-9]{0,5})([mhdwMQY])", re.ASCII)
"""`duration-shorthand`: m minutes, h hours, d days, w weeks, M months, Q quarters, Y years."""
SECONDS = {"m": MINUTE_S, "h": HOUR_S, "d": DAY_S, "w": 7 * DAY_S, "M": 30 * DAY_S, "Q": 90 * DAY_S, "Y": 365 * DAY_S}
CALENDAR = frozenset("MQY")
"""Units whose length differs."""


def _shorthand(value: Any) -> Any:
    if isinstance(value, str) and (SHORTHAND.fullmatch(value) or value in ("0m", "0", "0s")):
        return value
    raise ValueError("a number and one of m, h, d, w, M, Q, Y: 5m, 1h, 28d, 1M (months)")


Shorthand = Annotated[str, BeforeValidator(_shorthand), WithJsonSchema({"type": "string"})]


def seconds(shorthand: str) -> float:
    """The length of a duration; months count 30 days, quarters 90, years 365."""
    match = SHORTHAND.fullmatch(shorthand)
    return float(int(match[1]) * SECONDS[match[2]]) if match else 0.0


class Source(Document):
    """Where a metric is and how it is queried."""

    metricSourceRef: str = ""  # noqa: N815 - the field's own spelling
    type: str = ""
    spec: Any = None


class Metric(Document):
    """One metric."""

    metricSource: Source  # noqa: N815 - the field's own spelling


class RatioMetric(Document):
    """Good or bad events among all, or a ratio ready-made."""

    counter: Flag | None = None
    good: Metric | None = None
    bad: Metric | None = None
    total: Metric | None = None
    rawType: Literal["success", "failure"] | None = None  # noqa: N815 - the field's own spelling
    raw: Metric | None = None


class SliSpec(Document):
    """What is measured."""

    description: str = ""
    thresholdMetric: Metric | None = None  # noqa: N815 - the field's own spelling
    ratioMetric: RatioMetric | None = None  # noqa: N815 - the field's own spelling


class Sli(Document):
    """`kind: SLI`."""

    apiVersion: str = ""  # noqa: N815 - the field's own spelling
    kind: str = ""
    metadata: Metadata
    spec: SliSpec


class InlineSli(Document):
    """An SLI inside an SLO: its name may be left out."""

    apiVersion: str = ""  # noqa: N815 - the field's own spelling
    kind: str = ""
    metadata: Any = None
    spec: SliSpec


class Calendar(Document):
    """Where calendar windows begin."""

    startTime: str  # noqa: N815 - the field's own spelling
    timeZone: str  # noqa: N815 - the field's own spelling


class TimeWindow(Document):
    """Rolling, or aligned to the calendar."""

    duration: Shorthand
    isRolling: Flag | None = None  # noqa: N815 - the field's own spelling
    calendar: Calendar | None = None


class Objective(Document):
    """One target."""

    displayName: str = ""  # noqa: N815 - the field's own spelling
    op: Literal["lte", "gte", "lt", "gt"] | None = None
    value: Exact | None = None
    target: Exact | None = None
    targetPercent: Exact | None = None  # noqa: N815 - the field's own spelling
    timeSliceTarget: Exact | None = None  # noqa: N815 - the field's own spelling
    timeSliceWindow: str | None = None  # noqa: N815 - the field's own spelling
    indicator: Any = None
    indicatorRef: str = ""  # noqa: N815 - the field's own spelling
    compositeWeight: Any = None  # noqa: N815 - the field's own spelling


class ConditionBody(Document):
    """When a condition holds."""

    kind: str = "burnrate"
    op: Literal["lte", "gte", "lt", "gt"] | None = None
    threshold: Exact
    lookbackWindow: Shorthand  # noqa: N815 - the field's own spelling
    alertAfter: Shorthand = "0m"  # noqa: N815 - the field's own spelling


class ConditionSpec(Document):
    """A condition and how bad it is."""

    description: str = ""
    severity: str
    condition: ConditionBody


class Condition(Document):
    """`kind: AlertCondition`."""

    apiVersion: str = ""  # noqa: N815 - the field's own spelling
    kind: Literal["AlertCondition"] = "AlertCondition"
    metadata: Metadata
    spec: ConditionSpec


class ConditionRef(Document):
    """A condition of another document."""

    conditionRef: str  # noqa: N815 - the field's own spelling


class PolicySpec(Document):
    """Which conditions alert whom."""

    description: str = ""
    alertWhenNoData: Flag = False  # noqa: N815 - the field's own spelling
    alertWhenResolved: Flag = False  # noqa: N815 - the field's own spelling
    alertWhenBreaching: Flag = True  # noqa: N815 - the field's own spelling
    conditions: tuple[Condition | ConditionRef, ...] = ()
    notificationTargets: Any = None  # noqa: N815 - the field's own spelling


class AlertPolicy(Document):
    """`kind: AlertPolicy`."""

    apiVersion: str = ""  # noqa: N815 - the field's own spelling
    kind: Literal["AlertPolicy"] = "AlertPolicy"
    metadata: Metadata
    spec: PolicySpec


class AlertPolicyRef(Document):
    """An alert policy of another document."""

    alertPolicyRef: str  # noqa: N815 - the field's own spelling


class SloSpec(Document):
    """One or more objectives over one indicator."""

    description: str = ""
    service: str = ""
    indicator: InlineSli | None = None
    indicatorRef: str = ""  # noqa: N815 - the field's own spelling
    timeWindow: tuple[TimeWindow, ...] = ()  # noqa: N815 - the field's own spelling
    budgetingMethod: Literal["Occurrences", "Timeslices", "RatioTimeslices"] = "Occurrences"  # noqa: N815 - own spelling
    objectives: Annotated[tuple[Objective, ...], Field(min_length=1)]
    alertPolicies: tuple[str | AlertPolicy | AlertPolicyRef, ...] = ()  # noqa: N815 - the field's own spelling


class SloDocument(Document):
    """`kind: SLO`."""

    apiVersion: Literal["openslo/v1"]  # noqa: N815 - the field's own spelling
    kind: Literal["SLO"]
    metadata: Metadata
    spec: SloSpec


class DataSourceSpec(Document):
    """What a source is."""

    description: str = ""
    type: str
    connectionDetails: Any = None  # noqa: N815 - the field's own spelling


class DataSource(Document):
    """`kind: DataSource`."""

    apiVersion: str  # noqa: N815 - the field's own spelling
    kind: Literal["DataSource"]
    metadata: Metadata
    spec: DataSourceSpec


class Other(Document):
    """`kind: Service` and `kind: AlertNotificationTarget`: known, and not held."""

    apiVersion: str  # noqa: N815 - the field's own spelling
    kind: str
    metadata: Metadata
    spec: Any = None


class AlphaMetric(Document):
    """One metric of v1alpha."""

    source: str
    queryType: str  # noqa: N815 - the field's own spelling
    query: str
    metadata: Any = None


class AlphaRatio(Document):
    """Good events among all."""

    good: AlphaMetric
    total: AlphaMetric
    counter: Flag | None = None
    incremental: Flag | None = None


class AlphaObjective(Document):
    """One target of v1alpha."""

    displayName: str = ""  # noqa: N815 - the field's own spelling
    value: Exact | None = None
    op: Literal["lte", "gte", "lt", "gt"] | None = None
    target: Exact
    timeSliceTarget: Exact | None = None  # noqa: N815 - the field's own spelling
    ratioMetrics: AlphaRatio | None = None  # noqa: N815 - the field's own spelling


class AlphaIndicator(Document):
    """A threshold on one metric."""

    thresholdMetric: AlphaMetric  # noqa: N815 - the field's own spelling


class AlphaWindow(Document):
    """Rolling, or aligned to the calendar."""

    unit: Literal["Second", "Minute", "Hour", "Day", "Week", "Month", "Quarter", "Year"]
    count: Annotated[int, Field(gt=0, le=100_000)]
    isRolling: Flag | None = None  # noqa: N815 - the field's own spelling
    calendar: Calendar | None = None


class AlphaSpec(Document):
    """One or more objectives."""

    description: str = ""
    service: str = ""
    budgetingMethod: Literal["Occurrences", "Timeslices"] = "Occurrences"  # noqa: N815 - the field's own spelling
    indicator: AlphaIndicator | None = None
    timeWindows: tuple[AlphaWindow, ...] = ()  # noqa: N815 - the field's own spelling
    objectives: Annotated[tuple[AlphaObjective, ...], Field(min_length=1)]
    alertPolicies: Any = None  # noqa: N815 - the field's own spelling


class AlphaSlo(Document):
    """`kind: SLO` of v1alpha."""

    apiVersion: Literal["openslo/v1alpha"]  # noqa: N815 - the field's own spelling
    kind: Literal["SLO"]
    metadata: Metadata
    spec: AlphaSpec


ALPHA_SECONDS = {"Second": 1, "Minute": MINUTE_S, "Hour": HOUR_S, "Day": DAY_S, "Week": 7 * DAY_S}
ALPHA_CALENDAR = {"Month": 30 * DAY_S, "Quarter": 90 * DAY_S, "Year": 365 * DAY_S}
