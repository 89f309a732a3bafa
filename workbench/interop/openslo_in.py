"""OpenSLO: objectives with their indicators, alert policies and conditions, inline or from other documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from workbench.errors import Problem
from workbench.interop import openslo_models as models
from workbench.interop.foreign import Foreign, Format, checked
from workbench.interop.imported import NAME, OWN_LABELS, Imported, Metadata, Objective, label_of, percent
from workbench.interop.openslo_alerts import alert_names
from workbench.interop.openslo_queries import Target, indicator_of
from workbench.scenario.names import nearest
from workbench.scenario.tree import Path
from workbench.units import DAY_S, format_duration

Model = TypeVar("Model", bound=BaseModel)
DEFAULT_WINDOW_S = 30 * DAY_S


@dataclass
class Library:
    """What objectives may refer to, by name."""

    slis: dict[str, tuple[Foreign, models.Sli]] = field(default_factory=dict)
    sources: dict[str, models.DataSource] = field(default_factory=dict)
    policies: dict[str, tuple[Foreign, models.AlertPolicy]] = field(default_factory=dict)
    conditions: dict[str, tuple[Foreign, models.Condition]] = field(default_factory=dict)


def read_all(documents: Iterable[Foreign], imported: Imported) -> None:
    """Every OpenSLO document: first what is referred to, then the objectives."""
    library = Library()
    slos: list[tuple[Foreign, models.SloDocument]] = []
    alphas: list[tuple[Foreign, models.AlphaSlo]] = []
    for document in documents:
        if document.format is Format.OPENSLO_ALPHA and document.kind == "SLO":
            alpha = checked(models.AlphaSlo, document, imported.problems)
            alphas += [(document, alpha)] if alpha else []
        elif document.kind == "SLO":
            slo = checked(models.SloDocument, document, imported.problems)
            slos += [(document, slo)] if slo else []
        else:
            _collect(document, library, imported)
    for document, slo in slos:
        _read_slo(document, slo, library, imported)
    for document, alpha in alphas:
        _read_alpha(document, alpha, imported)


_OTHERS = {
    "Service": "a service is held as a name only; its description is not",
    "AlertNotificationTarget": "where alerts are sent is Alertmanager's; a policy does not hold it",
}


def _collect(document: Foreign, library: Library, imported: Imported) -> None:
    problems = imported.problems
    if document.kind == "SLI":
        _put(library.slis, document, checked(models.Sli, document, problems), problems)
    elif document.kind == "AlertPolicy":
        _put(library.policies, document, checked(models.AlertPolicy, document, problems), problems)
    elif document.kind == "AlertCondition":
        _put(library.conditions, document, checked(models.Condition, document, problems), problems)
    elif document.kind == "DataSource":
        source = checked(models.DataSource, document, problems)
        if source:
            library.sources[source.metadata.name] = source
            if source.spec.connectionDetails is not None:
                problems.append(document.note("how to connect is not held; only the type is used", "spec", "connectionDetails"))
    elif document.kind in _OTHERS:
        if checked(models.Other, document, problems):
            problems.append(document.note(_OTHERS[document.kind], "kind"))
    else:
        known = ("SLO", "SLI", "DataSource", "AlertPolicy", "AlertCondition", *_OTHERS)
        message, near = "OpenSLO has no such kind of document", nearest(document.kind, known)
        problems.append(document.problem("import/kind", message, ("kind",), allowed=", ".join(known), nearest=near))


def _put(into: dict[str, tuple[Foreign, Model]], document: Foreign, found: Model | None, problems: list[Problem]) -> None:
    if found is None:
        return
    name = found.metadata.name  # type: ignore[attr-defined]
    if name in into:
        problems.append(
            document.problem("import/duplicate", "a document of this kind and name was read already", ("metadata", "name"))
        )
    into[name] = (document, found)


def _read_slo(document: Foreign, slo: models.SloDocument, library: Library, imported: Imported) -> None:
    spec, problems = slo.spec, imported.problems
    window_s = _window(document, spec, problems)
    found = _sli(document, spec, library, problems)
    alerts = alert_names(document, spec, library.policies, library.conditions, window_s, imported)
    for index, objective in enumerate(spec.objectives):
        at: Path = ("spec", "objectives", index)
        target = _target(document, objective, spec.budgetingMethod, at, problems)
        if found is None or target is None:
            continue
        where, sli, path = found
        query = indicator_of(
            where, sli, path, (document, objective, at), {n: s.spec.type for n, s in library.sources.items()}, problems
        )
        if query is None:
            continue
        fields = _common(document, slo.metadata, spec.description or sli.description, spec.service, problems if index == 0 else [])
        fields |= {"indicator": {"kind": "query", **query}, "target": percent(target.percent), "window": format_duration(window_s)}
        if target.slice_s:
            fields["time_slices"] = {"length": format_duration(target.slice_s), "target": percent(target.slice_percent)}
        fields["alerts"] = alerts
        shown = slo.metadata.own_name
        name = shown if len(spec.objectives) == 1 else f"{shown}-{index}"
        imported.objectives.append(
            Objective(name, document.place(*at), _ordered(fields), spec.service, _title(slo.metadata, objective))
        )


def _title(metadata: Metadata, objective: models.Objective | models.AlphaObjective) -> str:
    titles = [title for title in (metadata.displayName, objective.displayName) if title]
    return f"OpenSLO: {', '.join(titles)}" if titles else "OpenSLO."


_ORDER = ("description", "service", "indicator", "target", "window", "time_slices", "alerts", "labels", "annotations")


def _ordered(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: fields[key] for key in _ORDER if key in fields}


def _common(document: Foreign, metadata: Metadata, description: str, service: str, problems: list[Problem]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if description:
        out["description"] = description
    if service:
        out["service"] = service
    for part in ("labels", "annotations"):
        held: dict[str, str] = {}
        for key, value in getattr(metadata, part).items():
            if key == NAME:
                continue
            name = label_of(key)
            if part == "labels" and name in OWN_LABELS:
                problems.append(document.warning(f"{key} is set by the rule itself and is not held", "metadata", part, key))
                continue
            if name != key:
                problems.append(document.note(f"{key} is written {name}: Prometheus allows no other names", "metadata", part, key))
            held[name] = value if isinstance(value, str) else ",".join(value)
        if held:
            out[part] = held
    return out


def _window(document: Foreign, spec: models.SloSpec, problems: list[Problem]) -> float:
    """The length of the one time window, in seconds; what is not rolling is warned of."""
    if not spec.timeWindow:
        problems.append(document.warning("no time window is stated; a rolling one of 30d is taken", "spec"))
        return DEFAULT_WINDOW_S
    at = ("spec", "timeWindow")
    if len(spec.timeWindow) > 1:
        problems.append(document.refusal("an SLO has exactly one time window", *at))
    window = spec.timeWindow[0]
    length_s = models.seconds(window.duration)
    shown = format_duration(length_s)
    if window.calendar is not None and window.isRolling:
        problems.append(document.refusal("a time window is rolling or has a calendar, not both", *at, 0))
    elif window.calendar is not None or window.isRolling is False:
        message = f"a window aligned to the calendar is not held: the policy's budget rolls over {shown} and never starts anew"
        problems.append(document.warning(message, *at, 0))
    elif window.duration[-1] in models.CALENDAR:
        problems.append(document.warning(f"{window.duration} has no fixed length; {shown} is taken", *at, 0, "duration"))
    if length_s <= 0:
        problems.append(document.refusal("a time window must be longer than nothing", *at, 0, "duration"))
    return length_s


def _target(document: Foreign, objective: models.Objective, method: str, at: Path, problems: list[Problem]) -> Target | None:
    before = len(problems)
    problems.extend(_target_problems(document, objective, method, at))
    if len(problems) > before and any(problem.check != "import/not-held" for problem in problems[before:]):
        return None
    share = objective.targetPercent if objective.targetPercent is not None else (objective.target or Decimal(0)) * 100
    if method != "Timeslices":
        return Target(share)
    slice_target = (objective.timeSliceTarget if objective.timeSliceTarget is not None else Decimal(1)) * 100
    return Target(share, _slice_s(objective.timeSliceWindow), slice_target)


def _target_problems(document: Foreign, objective: models.Objective, method: str, at: Path) -> Iterator[Problem]:
    stated = [key for key in ("target", "targetPercent") if getattr(objective, key) is not None]
    if len(stated) != 1:
        yield document.refusal("an objective has either target (0 to 1) or targetPercent (0 to 100)", *at)
    for key, most in (("target", 1), ("targetPercent", 100)):
        value = getattr(objective, key)
        if value is not None and not 0 < value < most:
            hint = "; a percentage is written targetPercent" if key == "target" and value >= 1 else ""
            yield document.refusal(f"{key} lies between 0 and {most}, both excluded{hint}", *at, key)
    if objective.targetPercent is not None and 0 < objective.targetPercent < 1:
        yield document.warning("targetPercent is below 1 percent; a share is written target", *at, "targetPercent")
    if method == "RatioTimeslices":
        message = "RatioTimeslices averages the ratios of slices; a policy counts events or good slices"
        yield document.refusal(message, "spec", "budgetingMethod")
    if method == "Timeslices":
        if _slice_s(objective.timeSliceWindow) <= 0:
            yield document.refusal("Timeslices need a timeSliceWindow: 1m, 5m, or minutes as a number", *at, "timeSliceWindow")
        if objective.timeSliceTarget is None:
            yield document.warning("no timeSliceTarget is stated; only slices without a bad event are good", *at)
        elif not 0 < objective.timeSliceTarget <= 1:
            yield document.refusal("timeSliceTarget is more than 0 and at most 1", *at, "timeSliceTarget")
    elif objective.timeSliceTarget is not None or objective.timeSliceWindow is not None:
        yield document.warning("time slices are stated, but the budgeting method counts no slices", *at)
    if objective.indicator is not None or objective.indicatorRef or objective.compositeWeight is not None:
        yield document.refusal("composite objectives, each with an indicator and a weight, are not held", *at)


def _slice_s(text: str | None) -> float:
    """Seconds of a slice: a duration, or minutes."""
    if text is None:
        return 0.0
    if models.SHORTHAND.fullmatch(text):
        return models.seconds(text)
    return float(text) * 60 if text.isascii() and text.isdigit() and len(text) < 6 else 0.0


def _sli(
    document: Foreign, spec: models.SloSpec, library: Library, problems: list[Problem]
) -> tuple[Foreign, models.SliSpec, Path] | None:
    """The indicator, the document that it stands in, and where."""
    if any(objective.indicator is not None or objective.indicatorRef for objective in spec.objectives):
        return None  # a composite; the objectives say so
    if (spec.indicator is not None) == bool(spec.indicatorRef):
        problems.append(document.refusal("an SLO has either indicator or indicatorRef", "spec"))
        return None
    if spec.indicator is not None:
        return document, spec.indicator.spec, ("spec", "indicator", "spec")
    found = library.slis.get(spec.indicatorRef)
    if found is None:
        near = nearest(spec.indicatorRef, library.slis)
        message = "no SLI of this name was read; give its file too"
        problems.append(document.problem("import/reference", message, ("spec", "indicatorRef"), nearest=near))
        return None
    return found[0], found[1].spec, ("spec",)


def _read_alpha(document: Foreign, slo: models.AlphaSlo, imported: Imported) -> None:
    """v1alpha: each objective brings its own queries. Sloth's way: the index of an objective ends its name."""
    from workbench.interop.openslo_queries import alpha_indicator_of  # noqa: PLC0415 - beside the other one only

    spec, problems = slo.spec, imported.problems
    window_s = _alpha_window(document, spec, problems)
    if spec.alertPolicies is not None:
        problems.append(document.warning("alert policies of v1alpha are not read", "spec", "alertPolicies"))
    for index, objective in enumerate(spec.objectives):
        at: Path = ("spec", "objectives", index)
        if not 0 < objective.target < 1:
            problems.append(document.refusal("target lies between 0 and 1, both excluded", *at, "target"))
        query = alpha_indicator_of(document, spec, objective, at, problems)
        if query is None:
            continue
        fields = _common(document, slo.metadata, spec.description, spec.service, problems if index == 0 else [])
        share = objective.target * 100
        fields |= {"indicator": {"kind": "query", **query}, "target": percent(share), "window": format_duration(window_s)}
        if spec.budgetingMethod == "Timeslices":
            slice_target = (objective.timeSliceTarget if objective.timeSliceTarget is not None else Decimal(1)) * 100
            fields["time_slices"] = {"length": "1m", "target": percent(slice_target)}
            problems.append(document.warning("v1alpha states no length of a slice; 1m is taken", *at))
        fields["alerts"] = []
        name = f"{slo.metadata.name}-{index}"
        imported.objectives.append(
            Objective(name, document.place(*at), _ordered(fields), spec.service, _title(slo.metadata, objective))
        )


def _alpha_window(document: Foreign, spec: models.AlphaSpec, problems: list[Problem]) -> float:
    if not spec.timeWindows:
        problems.append(document.warning("no time window is stated; a rolling one of 30d is taken", "spec"))
        return DEFAULT_WINDOW_S
    at = ("spec", "timeWindows")
    if len(spec.timeWindows) > 1:
        problems.append(document.refusal("an SLO has exactly one time window", *at))
    window = spec.timeWindows[0]
    length_s = float(window.count * (models.ALPHA_SECONDS | models.ALPHA_CALENDAR)[window.unit])
    shown = format_duration(length_s)
    if window.calendar is not None or window.isRolling is False:
        message = f"a window aligned to the calendar is not held: the policy's budget rolls over {shown} and never starts anew"
        problems.append(document.warning(message, *at, 0))
    elif window.unit in models.ALPHA_CALENDAR:
        problems.append(document.warning(f"{window.count} {window.unit} has no fixed length; {shown} is taken", *at, 0))
    return length_s
