"""Pyrra's resources: `ServiceLevelObjective` (`pyrra.dev/v1alpha1`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.errors import Problem
from workbench.interop.foreign import Foreign, checked
from workbench.interop.imported import OWN_LABELS, Exact, Imported, Length, Metadata, Objective, label_of, percent
from workbench.interop.queries import NotAQuery, selector_of, summed
from workbench.scenario.schema.base import Document, Flag
from workbench.units import format_duration

PREFIX = "pyrra.dev/"
"""Labels and annotations of the resource that Pyrra hands on to the rules."""
DEFAULT_NAME = "ErrorBudgetBurn"

Grouping = tuple[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], ...]


class Query(Document):
    """A metric with its labels."""

    metric: str


class Ratio(Document):
    """Errors among all events."""

    errors: Query
    total: Query
    grouping: Grouping = ()


class Latency(Document):
    """Quick events among all."""

    success: Query
    total: Query
    grouping: Grouping = ()


class BoolGauge(Query):
    """1 for good, 0 for bad, at each scrape."""

    grouping: Grouping = ()


class Indicator(Document):
    """One of four kinds."""

    ratio: Ratio | None = None
    latency: Latency | None = None
    latencyNative: Any = None  # noqa: N815 - the field's own spelling
    bool_gauge: BoolGauge | None = None


class Severities(Document):
    """Other severities than critical, critical, warning and warning."""

    absent: str = ""
    fastBurn: str = ""  # noqa: N815 - the field's own spelling
    mediumBurn: str = ""  # noqa: N815 - the field's own spelling
    slowBurn: str = ""  # noqa: N815 - the field's own spelling
    longTermBurn: str = ""  # noqa: N815 - the field's own spelling


class Alerting(Document):
    """Which alerts Pyrra generates, and what they are called."""

    disabled: Flag = False
    burnrates: Flag = True
    absent: Flag = True
    name: str = ""
    absentName: str = ""  # noqa: N815 - the field's own spelling
    burnRateType: str = "static"  # noqa: N815 - the field's own spelling
    severities: Severities = Severities()


class Spec(Document):
    """One objective."""

    description: str = ""
    target: Exact
    window: Length
    indicator: Indicator
    alerting: Alerting = Alerting()
    partial_response_strategy: Any = None
    performance_over_accuracy: Any = None


class Resource(Document):
    """`ServiceLevelObjective`."""

    apiVersion: Literal["pyrra.dev/v1alpha1"]  # noqa: N815 - the field's own spelling
    kind: Literal["ServiceLevelObjective"]
    metadata: Metadata
    spec: Spec
    status: Any = None


def read_objective(document: Foreign, imported: Imported) -> None:
    """The one objective of a resource."""
    resource = checked(Resource, document, imported.problems)
    if resource is None:
        return
    imported.presets.setdefault("pyrra", document.place())
    imported.problems.extend(_about(document, resource))
    fields = _fields(document, resource, imported.problems)
    comment = "Pyrra." + (f" Namespace {resource.metadata.namespace}." if resource.metadata.namespace else "")
    place = document.place("metadata", "name")
    imported.objectives.append(Objective(resource.metadata.name, place, fields, resource.metadata.namespace, comment))


def _about(document: Foreign, resource: Resource) -> Iterator[Problem]:
    """What is refused, and what is not held."""
    spec, alerting = resource.spec, resource.spec.alerting
    at = ("spec", "alerting")
    if not 0 < spec.target < 100:
        yield document.refusal("a target lies between 0 and 100 percent, both excluded", "spec", "target")
    elif spec.target < 1:
        yield document.warning("the target is below 1 percent; Pyrra takes percentages: 99.9, not 0.999", "spec", "target")
    if alerting.burnRateType not in ("static", ""):
        message = "burn rates that change with the traffic cannot be held; a policy's factors are fixed"
        yield document.refusal(f"burnRateType {alerting.burnRateType}: {message}", *at, "burnRateType")
    if not alerting.absent and not alerting.disabled and alerting.burnrates:
        yield document.warning("the rules of the pyrra preset watch for absent metrics all the same", *at, "absent")
    if alerting.absentName:
        yield document.warning("the name of the alert on an absent metric is not held", *at, "absentName")
    if alerting.name and alerting.name != DEFAULT_NAME:
        yield document.warning(f"the alerts keep the name of the pyrra preset, {DEFAULT_NAME}, not {alerting.name}", *at, "name")
    if any(alerting.severities.model_dump().values()):
        yield document.warning("severities of its own are not held: critical, critical, warning, warning", *at, "severities")
    for key in ("partial_response_strategy", "performance_over_accuracy"):
        if getattr(spec, key) is not None:
            yield document.note(f"{key} says how Pyrra and Thanos evaluate; a policy does not", "spec", key)
    if resource.metadata.namespace:
        yield document.note("a policy has no namespace; `workbench export --namespace` sets one", "metadata", "namespace")
    for part in ("labels", "annotations"):
        others = [key for key in getattr(resource.metadata, part) if not key.startswith(PREFIX)]
        if others:
            message = f"{part} of the resource itself are not held ({', '.join(others)}); `workbench export --label` sets them"
            yield document.note(message, "metadata", part)


def _fields(document: Foreign, resource: Resource, problems: list[Problem]) -> dict[str, Any]:
    spec = resource.spec
    out: dict[str, Any] = {}
    if spec.description:
        out["description"] = spec.description
    out["indicator"] = {"kind": "query", **_queries(document, spec.indicator, problems)}
    out["target"] = percent(spec.target)
    out["window"] = format_duration(spec.window)
    if spec.alerting.disabled or not spec.alerting.burnrates:
        out["alerts"] = []
    for part in ("labels", "annotations"):
        handed = {
            key.removeprefix(PREFIX): value for key, value in getattr(resource.metadata, part).items() if key.startswith(PREFIX)
        }
        held = {}
        for key, value in handed.items():
            name = label_of(key)
            if part == "labels" and name in OWN_LABELS:
                problems.append(
                    document.warning(f"{key} is set by the rule itself and is not held", "metadata", part, PREFIX + key)
                )
                continue
            if name != key:
                problems.append(document.note(f"{key} is written {name}", "metadata", part, PREFIX + key))
            held[name] = value if isinstance(value, str) else ",".join(value)
        if held:
            out[part] = held
    return out


def _queries(document: Foreign, indicator: Indicator, problems: list[Problem]) -> dict[str, str]:
    """The queries that Pyrra makes of its metrics."""
    kinds = [kind for kind in ("ratio", "latency", "latencyNative", "bool_gauge") if getattr(indicator, kind) is not None]
    at = ("spec", "indicator")
    if len(kinds) != 1:
        message = f"an indicator is one of ratio, latency, latencyNative and bool_gauge; stated: {', '.join(kinds) or 'none'}"
        problems.append(document.refusal(message, *at))
        return {}
    if indicator.latencyNative is not None:
        message = "latencyNative: native histograms are not evaluated; use latency with a bucket of a classic one"
        problems.append(document.refusal(message, *at, "latencyNative"))
        return {}
    parts: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    by: Grouping = ()
    if indicator.ratio is not None:
        by = indicator.ratio.grouping
        parts = {
            "errors": (indicator.ratio.errors.metric, "rate", ("ratio", "errors", "metric")),
            "total": (indicator.ratio.total.metric, "rate", ("ratio", "total", "metric")),
        }
    elif indicator.latency is not None:
        by = indicator.latency.grouping
        parts = {
            "good": (indicator.latency.success.metric, "rate", ("latency", "success", "metric")),
            "total": (indicator.latency.total.metric, "rate", ("latency", "total", "metric")),
        }
    elif indicator.bool_gauge is not None:
        by = indicator.bool_gauge.grouping
        parts = {
            "good": (indicator.bool_gauge.metric, "sum_over_time", ("bool_gauge", "metric")),
            "total": (indicator.bool_gauge.metric, "count_over_time", ("bool_gauge", "metric")),
        }
    if by:
        message = f"grouping by {', '.join(by)} stays in the query: one alert for each group, but one budget over all of them"
        problems.append(document.warning(message, *at, kinds[0], "grouping"))
    out = {}
    for name, (metric, function, path) in parts.items():
        try:
            out[name] = summed(function, selector_of(metric), tuple(sorted(set(by))))
        except NotAQuery as error:
            problems.append(document.refusal(f"the metric cannot be used: {error}", *at, *path))
    return out
