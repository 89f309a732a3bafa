"""OpenSLO's indicators as a policy's query: ratios of events, ratios ready-made, and thresholds on a metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from workbench.alerts.sloth_rules import WINDOW_VARIABLE
from workbench.errors import Problem
from workbench.interop import openslo_models as models
from workbench.interop.foreign import Foreign
from workbench.interop.queries import WINDOW, NotAQuery, parsed, windowed, with_range
from workbench.scenario.tree import Path

PROMETHEUS = frozenset({"prometheus", "promql", "thanos", "mimir", "cortex", "victoriametrics", "amazonprometheus", "sloth"})
"""Types of sources whose queries are PromQL, in small letters."""
_QUERY_KEYS = ("query", "promql", "expr")
_GOOD = {"lte": "<=", "gte": ">=", "lt": "<", "gt": ">"}
"""A value is good if it compares so with the objective's."""


@dataclass(frozen=True, slots=True)
class Target:
    """What share must be good; of slices, if their length is stated."""

    percent: Decimal
    slice_s: float = 0.0
    slice_percent: Decimal = Decimal(100)


def indicator_of(
    document: Foreign,
    sli: models.SliSpec,
    at: Path,
    used: tuple[Foreign, models.Objective, Path],
    sources: Mapping[str, str],
    problems: list[Problem],
) -> dict[str, str] | None:
    """The fields of a query indicator; None if it is refused. `used` is the objective, its document and its path there."""
    if (sli.ratioMetric is None) == (sli.thresholdMetric is None):
        problems.append(document.refusal("an SLI has either ratioMetric or thresholdMetric", *at))
        return None
    if sli.thresholdMetric is not None:
        text = _text(document, sli.thresholdMetric, (*at, "thresholdMetric"), sources, problems)
        return None if text is None else _threshold(document, text, (*at, "thresholdMetric"), used, problems)
    assert sli.ratioMetric is not None  # noqa: S101 - one of the two is there
    return _ratio(document, sli.ratioMetric, (*at, "ratioMetric"), sources, problems)


def _ratio(
    document: Foreign, ratio: models.RatioMetric, at: Path, sources: Mapping[str, str], problems: list[Problem]
) -> dict[str, str] | None:
    stated = frozenset(key for key in ("good", "bad", "total", "raw") if getattr(ratio, key) is not None)
    if stated not in ({"good", "total"}, {"bad", "total"}, {"raw"}):
        message = f"a ratioMetric has good and total, or bad and total, or raw; stated: {', '.join(sorted(stated)) or 'none'}"
        problems.append(document.refusal(message, *at))
        return None
    texts = {key: _text(document, getattr(ratio, key), (*at, key), sources, problems) for key in sorted(stated)}
    if "raw" in texts:
        if ratio.rawType is None:
            problems.append(document.refusal("raw needs a rawType: success (good / total) or failure (bad / total)", *at))
            return None
        return _ready_made(document, texts["raw"], ratio.rawType, (*at, "raw"), problems)
    out = {}
    for key, text in texts.items():
        if text is not None and (query := _windowed(document, text, (*at, key), problems, counter=ratio.counter)) is not None:
            out["errors" if key == "bad" else key] = query
    return dict(sorted(out.items())) if len(out) == 2 else None


def _ready_made(document: Foreign, text: str | None, kind: str, at: Path, problems: list[Problem]) -> dict[str, str] | None:
    """A ratio that is stored as a metric: its mean over the window."""
    if text is None:
        return None
    try:
        tree = parsed(WINDOW_VARIABLE.sub("5m", text))
        if not WINDOW_VARIABLE.search(text):
            if type(tree).__name__ != "VectorSelector":
                text = windowed(text, counter=False).query
                problems.append(document.warning("its fixed range becomes the window of each rule", *at))
            else:
                text = f"avg_over_time({with_range(text)})"
                problems.append(document.warning("the stored ratio is read as its mean over the window of each rule", *at))
    except NotAQuery as error:
        problems.append(document.refusal(f"the query cannot be used: {error}", *at))
        return None
    return {"ratio": f"1 - ({text})" if kind == "success" else text}


def _threshold(
    document: Foreign,
    text: str,
    at: Path,
    used: tuple[Foreign, models.Objective | models.AlphaObjective, Path],
    problems: list[Problem],
) -> dict[str, str] | None:
    """The share of minutes in which the metric is on the wrong side of the objective's value."""
    where, objective, path = used
    if objective.op is None or objective.value is None:
        problems.append(where.refusal("a thresholdMetric needs op and value in its objective", *path))
        return None
    try:
        parsed(WINDOW_VARIABLE.sub("5m", text))
    except NotAQuery as error:
        problems.append(document.refusal(f"the query cannot be used: {error}", *at))
        return None
    measured = WINDOW_VARIABLE.sub("5m", text)
    if measured != text:
        problems.append(document.warning("the window inside a threshold's query is read as 5m", *at))
    good = f"({measured}) {_GOOD[objective.op]} bool {objective.value:f}"
    problems.append(document.warning("a threshold is held as the share of minutes on its wrong side, looked at once a minute", *at))
    return {"ratio": f"1 - avg_over_time(({good})[{WINDOW}:1m])"}


def _windowed(document: Foreign, text: str, at: Path, problems: list[Problem], *, counter: bool | None) -> str | None:
    try:
        query = windowed(text, counter=counter)
    except NotAQuery as error:
        problems.append(document.refusal(f"the query cannot be used: {error}", *at))
        return None
    if query.change:
        problems.append(document.warning(query.change, *at))
    return query.query


def _text(document: Foreign, metric: models.Metric, at: Path, sources: Mapping[str, str], problems: list[Problem]) -> str | None:
    """The PromQL of one metric."""
    source = metric.metricSource
    kind = source.type or sources.get(source.metricSourceRef, "")
    spec: Any = source.spec
    keys = [key for key in _QUERY_KEYS if isinstance(spec, dict) and isinstance(spec.get(key), str)]
    if kind and kind.casefold().replace(" ", "") not in PROMETHEUS:
        message = f"a query of {kind} is no PromQL; only sources of Prometheus's kind can be read"
        problems.append(document.refusal(message, *at, "metricSource"))
        return None
    if len(keys) != 1:
        message = f"the spec of a Prometheus source says its query under one of {', '.join(_QUERY_KEYS)}"
        problems.append(document.refusal(message, *at, "metricSource"))
        return None
    if not kind:
        problems.append(document.warning("the type of the source is not stated; it is taken for Prometheus", *at, "metricSource"))
    others = [key for key in spec if key != keys[0]]
    if others:
        message = f"beside the query, {', '.join(others)} of the source is not held"
        problems.append(document.warning(message, *at, "metricSource", "spec"))
    return str(spec[keys[0]])


def alpha_indicator_of(
    document: Foreign, spec: models.AlphaSpec, objective: models.AlphaObjective, at: Path, problems: list[Problem]
) -> dict[str, str] | None:
    """The query of one objective of v1alpha."""
    ratio = objective.ratioMetrics
    if (ratio is None) == (spec.indicator is None):
        problems.append(document.refusal("an objective has ratioMetrics, or its SLO has an indicator with a thresholdMetric", *at))
        return None
    if ratio is None:
        assert spec.indicator is not None  # noqa: S101 - one of the two is there
        path: Path = ("spec", "indicator", "thresholdMetric")
        text = _alpha_text(document, spec.indicator.thresholdMetric, path, problems)
        return None if text is None else _threshold(document, text, path, (document, objective, at), problems)
    out = {}
    counter = ratio.counter if ratio.counter is not None else ratio.incremental
    for key in ("good", "total"):
        path = (*at, "ratioMetrics", key)
        text = _alpha_text(document, getattr(ratio, key), path, problems)
        if text is not None and (query := _windowed(document, text, path, problems, counter=counter or None)) is not None:
            out[key] = query
    return out if len(out) == 2 else None


def _alpha_text(document: Foreign, metric: models.AlphaMetric, at: Path, problems: list[Problem]) -> str | None:
    if metric.source.casefold() in PROMETHEUS and metric.queryType.casefold() == "promql":
        return metric.query
    message = f"a query of {metric.source} ({metric.queryType}) is no PromQL; only source prometheus, queryType promql can be read"
    problems.append(document.refusal(message, *at))
    return None
