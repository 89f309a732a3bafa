"""From what a form holds to a frozen scenario. Pure: knows no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from workbench.errors import BadInput, Problem
from workbench.scenario.model import Scenario
from workbench.scenario.schema.policy import Policy


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """One burn-rate rule as typed: durations are still text."""

    factor: float | None
    """None: as the file has it."""
    long: str
    short: str
    for_: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user moved; what is left out stays as the file has it."""

    seed: int | None = None
    targets: Mapping[str, str] = field(default_factory=dict)
    """By SLO, as typed: `99.9%`."""
    rules: Mapping[str, RuleChoice] = field(default_factory=dict)


def chosen(scenario: Scenario, choices: Choices) -> Scenario:
    """The scenario with these choices, checked by the same model as a file; raises BadInput with every problem."""
    document: dict[str, Any] = scenario.policy.model_dump(mode="json", by_alias=True)
    for name, target in choices.targets.items():
        document["slos"][name]["target"] = target.strip()
    for name, rule in choices.rules.items():
        parts = {"long": rule.long.strip(), "short": rule.short.strip(), "for": rule.for_.strip()}
        document["burn_rate_alerts"][name].update(parts if rule.factor is None else {**parts, "factor": rule.factor})
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        raise BadInput(_problems(error)) from error
    return replace(scenario, policy=policy, seed=scenario.seed if choices.seed is None else choices.seed)


def _problems(error: ValidationError) -> list[Problem]:
    return [
        Problem(
            "form/value",
            one["msg"].removeprefix("Value error, "),
            path=".".join(str(part) for part in one["loc"]),
            found=str(one["input"])[:80] if not isinstance(one["input"], dict) else None,
        )
        for one in error.errors(include_url=False)
    ]
