"""Sloth's specs: `prometheus/v1`, its Kubernetes resource `PrometheusServiceLevel`, and `AlertWindows`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.alerts.sloth_rules import PAIRS, WINDOW_VARIABLE
from workbench.errors import Problem
from workbench.interop.foreign import Foreign, Format, checked
from workbench.interop.imported import OWN_LABELS, Exact, Imported, Length, Metadata, Objective, Rule, percent
from workbench.scenario.schema.base import Document, Flag
from workbench.scenario.tree import Entry, ListNode, MapNode, Node
from workbench.units import DAY_S, format_duration

_SNAKE = {
    "sloPlugins": "slo_plugins",
    "overridePrevious": "override_previous",
    "errorRatioQuery": "error_ratio_query",
    "errorQuery": "error_query",
    "totalQuery": "total_query",
    "pageAlert": "page_alert",
    "ticketAlert": "ticket_alert",
}
"""The resource's spelling to that of `prometheus/v1`; Sloth reads both in either."""
_FREE = frozenset({"labels", "annotations", "options", "config"})

Labels = dict[str, str]


class Events(Document):
    """Bad events and all events."""

    error_query: str
    total_query: str


class Raw(Document):
    """The share of bad events, ready-made."""

    error_ratio_query: str


class Sli(Document):
    """One of three kinds."""

    events: Events | None = None
    raw: Raw | None = None
    plugin: Any = None


class Alert(Document):
    """The page or the ticket."""

    disable: Flag = False
    labels: Labels = {}
    annotations: Labels = {}


class Alerting(Document):
    """Both alerts."""

    name: str = ""
    labels: Labels = {}
    annotations: Labels = {}
    page_alert: Alert = Alert()
    ticket_alert: Alert = Alert()


class SpecSlo(Document):
    """One objective."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    description: str = ""
    objective: Exact
    labels: Labels = {}
    sli: Sli
    alerting: Alerting = Alerting()
    plugins: Any = None


class SpecBody(Document):
    """What both spellings share."""

    service: Annotated[str, Field(min_length=1, max_length=128)]
    labels: Labels = {}
    slo_plugins: Any = None
    slos: Annotated[tuple[SpecSlo, ...], Field(min_length=1)]


class Spec(SpecBody):
    """`prometheus/v1`."""

    version: Literal["prometheus/v1"]


class Resource(Document):
    """`PrometheusServiceLevel`."""

    apiVersion: Literal["sloth.slok.dev/v1"]  # noqa: N815 - the field's own spelling
    kind: Literal["PrometheusServiceLevel"]
    metadata: Metadata
    spec: SpecBody
    status: Any = None


class Window(Document):
    """One pair of windows."""

    errorBudgetPercent: Exact  # noqa: N815 - the field's own spelling
    shortWindow: Length  # noqa: N815 - the field's own spelling
    longWindow: Length  # noqa: N815 - the field's own spelling


class Pair(Document):
    """Quick or slow."""

    quick: Window
    slow: Window


class WindowsBody(Document):
    """Both severities."""

    sloPeriod: Length  # noqa: N815 - the field's own spelling
    page: Pair
    ticket: Pair


class WindowsDocument(Document):
    """`AlertWindows`."""

    apiVersion: Literal["sloth.slok.dev/v1"]  # noqa: N815 - the field's own spelling
    kind: Literal["AlertWindows"]
    metadata: Any = None
    spec: WindowsBody


def read_spec(document: Foreign, imported: Imported, period_s: float) -> None:
    """Objectives of one spec; `period_s` is the SLO period, which Sloth is told on its command line."""
    at: tuple[str, ...] = ()
    body: SpecBody | None
    document = replace(document, tree=_snake(document.tree))
    problems: list[Problem] = []
    if document.format is Format.SLOTH_CRD:
        resource = checked(Resource, document, problems)
        body, at = (resource.spec if resource else None), ("spec",)
        imported.problems.extend(_camel(problem) for problem in problems)
        if resource:
            imported.problems.extend(_of_metadata(document, resource.metadata))
    else:
        body = checked(Spec, document, problems)
        imported.problems.extend(problems)
    if body is None:
        return
    if body.slo_plugins is not None:
        imported.problems.append(_plugins(document, (*at, "slo_plugins")))
    imported.presets.setdefault("sloth", document.place())
    for index, slo in enumerate(body.slos):
        where: tuple[str | int, ...] = (*at, "slos", index)
        imported.problems.extend(_refused(document, slo, where))
        fields = _fields(body, slo, period_s)
        comment = f"Sloth, service {body.service}."
        imported.objectives.append(Objective(slo.name, document.place(*where, "name"), fields, body.service, comment))


def _refused(document: Foreign, slo: SpecSlo, where: tuple[str | int, ...]) -> Iterator[Problem]:
    kinds = [kind for kind in ("events", "raw", "plugin") if getattr(slo.sli, kind) is not None]
    if len(kinds) != 1:
        stated = f"stated: {', '.join(kinds)}" if kinds else "none of them is stated"
        yield document.refusal(f"an SLI is one of events, raw and plugin; {stated}", *where, "sli")
    elif kinds == ["plugin"]:
        message = "sli.plugin: the plugin is a program of Sloth that writes the query; put the query that it writes under sli.raw"
        yield document.refusal(message, *where, "sli", "plugin")
    if slo.plugins is not None:
        yield _plugins(document, (*where, "plugins"))
    if not 0 < slo.objective < 100:
        yield document.refusal("an objective lies between 0 and 100 percent, both excluded", *where, "objective")
    elif slo.objective < 1:
        yield document.warning("the objective is below 1 percent; Sloth writes percentages: 99.9, not 0.999", *where, "objective")
    for kind, names in (("events", ("error_query", "total_query")), ("raw", ("error_ratio_query",))):
        for name in names if kind in kinds else ():
            if not WINDOW_VARIABLE.search(getattr(getattr(slo.sli, kind), name)):
                yield document.refusal("a query must say its window as [{{.window}}]", *where, "sli", kind, name)
    if not slo.alerting.name and not (slo.alerting.page_alert.disable and slo.alerting.ticket_alert.disable):
        yield document.note("the alerts have no name; a policy calls them ErrorBudgetBurn (Sloth refuses this)", *where, "alerting")


def _plugins(document: Foreign, path: tuple[str | int, ...]) -> Problem:
    message = "a chain of SLO plugins changes the rules by programs of Sloth; a policy cannot hold it: "
    found = ", ".join(re.findall(r"'id': '([^']{1,80})", str(_plain_of(document, path)))) or "no plugin is named"
    return document.refusal(message + found, *path)


def _plain_of(document: Foreign, path: tuple[str | int, ...]) -> Any:
    from workbench.scenario.tree import find, plain  # noqa: PLC0415 - read beside the checks only

    found = find(document.tree, path)
    return plain(found[0]) if found else None


def _of_metadata(document: Foreign, metadata: Metadata) -> Iterator[Problem]:
    if metadata.namespace:
        yield document.note("a policy has no namespace; `workbench export --namespace` sets one", "metadata", "namespace")
    if metadata.labels:
        yield document.note(
            "labels of the resource itself are not held; `workbench export --label` sets them", "metadata", "labels"
        )
    if metadata.annotations:
        yield document.note("annotations of the resource itself are not held", "metadata", "annotations")


def _fields(body: SpecBody, slo: SpecSlo, period_s: float) -> dict[str, Any]:
    """One objective as a policy has it."""
    labels = body.labels | slo.labels
    alerting = slo.alerting
    out: dict[str, Any] = {}
    if slo.description:
        out["description"] = slo.description
    out["service"] = body.service
    out["indicator"] = {"kind": "query", **_queries(slo.sli)}
    out["target"] = percent(slo.objective)
    out["window"] = format_duration(period_s)
    off = {"page": alerting.page_alert.disable, "ticket": alerting.ticket_alert.disable}
    if any(off.values()):
        out["alerts"] = [name for name in PAIRS if not off[name.partition("-")[0]]]
    own = {key: value for key, value in labels.items() if key in OWN_LABELS}
    if rest := {key: value for key, value in labels.items() if key not in OWN_LABELS}:
        out["labels"] = rest
    if alerting.annotations:
        out["annotations"] = alerting.annotations
    words: dict[str, Any] = {"name": slo.name}
    if alerting.name:
        words["alert"] = alerting.name
    if own:
        words["labels"] = own
    for key, alert in (("page", alerting.page_alert), ("ticket", alerting.ticket_alert)):
        both = {"labels": alerting.labels | alert.labels, "annotations": alert.annotations}
        if not alert.disable and any(both.values()):
            words[key] = {name: value for name, value in both.items() if value}
    return out | {"sloth": words}


def _queries(sli: Sli) -> dict[str, str]:
    if sli.events is not None:
        return {"errors": sli.events.error_query, "total": sli.events.total_query}
    return {"ratio": sli.raw.error_ratio_query} if sli.raw is not None else {}


def read_windows(document: Foreign, imported: Imported) -> float | None:
    """The four pairs of one `AlertWindows` as rules; gives its SLO period in seconds, None if it could not be read."""
    found = checked(WindowsDocument, document, imported.problems)
    if found is None:
        return None
    spec = found.spec
    pairs = {"page-quick": spec.page.quick, "page-slow": spec.page.slow}
    pairs |= {"ticket-quick": spec.ticket.quick, "ticket-slow": spec.ticket.slow}
    for name, window in pairs.items():
        severity, _, speed = name.partition("-")
        where = ("spec", severity, speed)
        if not 0 < window.errorBudgetPercent <= 100:
            imported.problems.append(
                document.refusal("a share of the budget is more than 0 and at most 100 percent", *where, "errorBudgetPercent")
            )
        fields = {
            "long": format_duration(window.longWindow),
            "short": format_duration(window.shortWindow),
            "budget_share": percent(window.errorBudgetPercent),
            "severity": severity,
            "page": severity == "page",
        }
        imported.rules.append(Rule(name, document.place(*where), fields))
    return spec.sloPeriod


def stand_in(document: Foreign, period_s: float) -> Objective:
    """An objective for windows that come without one, so that a policy can hold them."""
    fields = {
        "description": "Stands in: the windows came without an objective.",
        "indicator": {"kind": "events"},
        "target": "99.9%",
        "window": format_duration(period_s),
    }
    return Objective("availability", document.place("spec"), fields, comment="AlertWindows have no objective; this one stands in.")


DEFAULT_PERIOD_S = 30 * DAY_S
"""Sloth's own, unless `--default-slo-period` says otherwise."""


def _snake(node: Node) -> Any:
    """The tree in the spelling of `prometheus/v1`, places kept."""
    if isinstance(node, ListNode):
        return ListNode(tuple(_snake(item) for item in node.items), node.place)
    if not isinstance(node, MapNode):
        return node
    entries: dict[str, Entry] = {}
    for key, entry in node.entries.items():
        new = _SNAKE.get(key, key)
        if new in entries:
            new = key  # both spellings: the second is an unknown key
        entries[new] = Entry(entry.key_place, entry.node if key in _FREE else _snake(entry.node))
    return MapNode(node.place, entries)


def _camel(problem: Problem) -> Problem:
    """A problem in the resource's spelling."""

    def told(text: str | None) -> str | None:
        for camel, snake in _SNAKE.items():
            text = text.replace(snake, camel) if text else text
        return text

    return replace(
        problem,
        message=told(problem.message) or "",
        path=told(problem.path),
        allowed=told(problem.allowed),
        nearest=told(problem.nearest),
    )
