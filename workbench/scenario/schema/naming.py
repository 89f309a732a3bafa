"""Names of labels and metrics as Prometheus allows them, and what simulated ones are called elsewhere."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, WithJsonSchema, model_validator

from workbench.scenario.schema.base import LABEL_PATTERN, METRIC_PATTERN, MOST_NAMED, Document, Text, broken_rule, matching

LabelName = Annotated[
    str,
    matching(LABEL_PATTERN, "a label's name has letters, digits and '_', does not begin with a digit or with '__'"),
    WithJsonSchema({"type": "string", "pattern": LABEL_PATTERN}),
]
MetricName = Annotated[
    str,
    matching(METRIC_PATTERN, "a metric's name has letters, digits, '_' and ':', and does not begin with a digit"),
    WithJsonSchema({"type": "string", "pattern": METRIC_PATTERN}),
]
Labels = Annotated[dict[LabelName, Text], Field(max_length=MOST_NAMED)]
"""Label names and values, or annotations."""

OWN_LABELS = ("alertname", "severity", "slo")
"""Labels of a generated alert that say which rule and which objective it is; nobody else sets them."""


def refuse_own(labels: dict[str, str], where: str) -> None:
    """Raise for a label that a generated alert sets itself; `where` is the field that holds the labels."""
    for name in labels:
        if name in OWN_LABELS:
            raise broken_rule(f"{name} is set by the rule itself; give this label another name", where, name)


class MetricsMap(Document):
    """What the simulated metrics, labels and values are called where the user's rules run."""

    names: Annotated[dict[MetricName, MetricName], Field(max_length=MOST_NAMED)] = {}
    """Simulated name to the user's; a histogram by its stem: `http_request_duration_seconds: request_latency_seconds`."""
    labels: Annotated[dict[LabelName, LabelName], Field(max_length=MOST_NAMED)] = {}
    """Simulated label to the user's: `status_code: code`."""
    values: Annotated[
        dict[LabelName, Annotated[dict[str, Text], Field(max_length=MOST_NAMED)]],
        Field(max_length=MOST_NAMED),
    ] = {}
    """By simulated label, simulated value to the user's: `route: {/api/v1/auth/login: login}`."""
    add: Labels = {}
    """Labels that every series gets: `job: api`."""

    @model_validator(mode="after")
    def _stays_apart(self) -> Self:
        for part in ("names", "labels"):
            taken: dict[str, str] = {}
            for simulated, own in getattr(self, part).items():
                if own in taken:
                    raise broken_rule(f"{taken[own]} is called {own} already", part, simulated)
                taken[own] = simulated
        return self
