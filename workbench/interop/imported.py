"""What was read from other tools' documents, on its way to a policy: objectives, burn-rate rules, and where each came from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from workbench.alerts.readiness import rule_problems
from workbench.errors import Problem, Severity
from workbench.interop.yaml_text import Path, document
from workbench.scenario.explain import check
from workbench.scenario.references import policy_problems
from workbench.scenario.schema.base import API_VERSION, Document
from workbench.scenario.schema.policy import Policy
from workbench.scenario.source import parse
from workbench.scenario.tree import MapNode, Place
from workbench.units import parse_duration

_NUMBER = re.compile(r"[-+]?[0-9]{1,9}(?:\.[0-9]{0,15})?|[-+]?\.[0-9]{1,15}", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_NOT_DNS = re.compile(r"[^a-z0-9-]+")
_LONGEST_NAME = 63
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
MARK = "workbench.dev/"
"""Annotations in which the workbench keeps what a format has no field for."""
NAME = f"{MARK}name"
OWN_LABELS = frozenset({"alertname", "severity", "slo"})
"""Labels that a policy's own rules set."""


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            raise ValueError("a number such as 99.9, without exponent")
        return Decimal(value.strip())
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact), WithJsonSchema({"type": "number"})]
"""A decimal as it was written."""


def _length(value: Any) -> float:
    """Seconds of `5m`, `1h30m`, `4w`, `1y`, and of `720h0m0s` as Go prints it."""
    if not isinstance(value, str):
        raise ValueError("a duration such as 5m, 1h or 30d")  # noqa: TRY004 - pydantic takes ValueError
    text = re.sub(r"\b([0-9]{1,3})y", lambda match: f"{int(match[1]) * 365}d", value.strip())
    seconds = parse_duration(text)
    if seconds <= 0:
        raise ValueError("a duration must be longer than 0s")
    return seconds


Length = Annotated[float, BeforeValidator(_length), WithJsonSchema({"type": "string"})]
"""Seconds; written as Prometheus writes durations."""


class Metadata(Document):
    """Of a Kubernetes resource, or of an OpenSLO object."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    namespace: str = ""
    displayName: str = ""  # noqa: N815 - the field's own spelling
    labels: dict[str, str | tuple[str, ...]] = {}
    annotations: dict[str, str] = {}
    creationTimestamp: Any = None  # noqa: N815 - the field's own spelling
    deletionTimestamp: Any = None  # noqa: N815 - the field's own spelling
    finalizers: Any = None
    generateName: Any = None  # noqa: N815 - the field's own spelling
    generation: Any = None
    managedFields: Any = None  # noqa: N815 - the field's own spelling
    ownerReferences: Any = None  # noqa: N815 - the field's own spelling
    resourceVersion: Any = None  # noqa: N815 - the field's own spelling
    selfLink: Any = None  # noqa: N815 - the field's own spelling
    uid: Any = None

    @property
    def own_name(self) -> str:
        """The name before the workbench fitted it to the format, if it did; the name otherwise."""
        return self.annotations.get(NAME, self.name)[:_LONGEST_NAME]


@dataclass(frozen=True)
class Objective:
    """One objective: the fields of a policy's `slos.NAME`, and what to call it."""

    name: str
    """As its document says."""
    place: Place
    fields: Mapping[str, Any]
    service: str = ""
    """Put before the name where two objectives have the same."""
    comment: str = ""


@dataclass(frozen=True)
class Rule:
    """One burn-rate rule: the fields of a policy's `burn_rate_alerts.NAME`."""

    name: str
    place: Place
    fields: Mapping[str, Any]


@dataclass
class Imported:
    """Everything read so far."""

    objectives: list[Objective] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    presets: dict[str, Place] = field(default_factory=dict)
    """Schools of alerts that documents ask for, each with the first place that does."""
    problems: list[Problem] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether anything stands against a policy."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)


def percent(share_percent: Decimal) -> str:
    """A share as a policy writes it: `99.9%`."""
    text = f"{share_percent:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def name_of(text: str) -> str:
    """A name that a policy allows: other characters become `-`, and what is too long keeps a hash of the rest."""
    name = _NOT_IN_NAMES.sub("-", text).strip("-._") or "unnamed"
    if len(name) <= _LONGEST_NAME:
        return name
    mark = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{name[: _LONGEST_NAME - 9].rstrip('-._')}-{mark}"


def dns_name(text: str) -> str:
    """A name that Kubernetes and OpenSLO ask every tool to take: small letters, digits and `-`."""
    return _NOT_DNS.sub("-", text.lower()).strip("-") or "unnamed"


def label_of(text: str) -> str:
    """A label's name that Prometheus allows."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return name if _LABEL.fullmatch(name) else f"_{name}"


def policy_of(imported: Imported, name: str, preset: str | None = None) -> str:
    """The policy file, or nothing if something stands against it; the reasons are added to `imported.problems`.

    Every objective and rule has a comment that says where it came from. What the policy's own checks find wrong is reported at the
    place that it came from.
    """
    names, renamed = _names(imported.objectives)
    imported.problems.extend(renamed)
    chosen = preset or _preset(imported)
    if imported.refused:
        return ""
    comments: dict[Path, str] = {(): f"Imported by `workbench import` from {_files(imported)}."}
    places: dict[tuple[str, str], Place] = {}
    value: dict[str, Any] = {"apiVersion": API_VERSION, "kind": "Policy", "name": name, "slos": {}}
    for key, one in zip(names, imported.objectives, strict=True):
        value["slos"][key] = _named(key, one.fields)
        comments["slos", key] = "\n".join(filter(None, [f"From {one.place.file}:{one.place.line}.", one.comment]))
        places["slos", key] = one.place
    if chosen:
        value["alert_preset"] = chosen
    if imported.rules:
        value["burn_rate_alerts"] = {}
    for rule in imported.rules:
        value["burn_rate_alerts"][rule.name] = dict(rule.fields)
        comments["burn_rate_alerts", rule.name] = f"From {rule.place.file}:{rule.place.line}."
        places["burn_rate_alerts", rule.name] = rule.place
    text = document(value, comments)
    imported.problems.extend(_against(text, places))
    return "" if imported.refused else text


def _named(key: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, without Sloth's name of the objective where the policy's is the same."""
    words = {name: value for name, value in fields.get("sloth", {}).items() if (name, value) != ("name", key)}
    rest = {name: value for name, value in fields.items() if name != "sloth"}
    return rest | ({"sloth": words} if words else {})


def _files(imported: Imported) -> str:
    places = [one.place for one in imported.objectives] + [one.place for one in imported.rules]
    files = dict.fromkeys(place.file for place in places)
    return ", ".join(files)


def _preset(imported: Imported) -> str | None:
    """The one school of alerts; a policy holds no second."""
    if len(imported.presets) > 1:
        for name, place in imported.presets.items():
            others = ", ".join(sorted(set(imported.presets) - {name}))
            message = f"a policy has one alert_preset: this asks for {name}, others for {others}; import them apart or choose one"
            imported.problems.append(
                Problem("import/presets", message, file=place.file, line=place.line, column=place.column, allowed="--alert-preset")
            )
        return None
    return next(iter(imported.presets), None)


def _names(objectives: Iterable[Objective]) -> tuple[list[str], list[Problem]]:
    """A name for each: its own, with its service before it where two would be the same."""
    objectives = list(objectives)
    plain = [name_of(one.name) for one in objectives]
    names = [
        name_of(f"{one.service}-{one.name}") if plain.count(own) > 1 and one.service else own
        for one, own in zip(objectives, plain, strict=True)
    ]
    problems = []
    first: dict[str, Objective] = {}
    for name, one in zip(names, objectives, strict=True):
        before = first.setdefault(name, one)
        if before is not one:
            message = f"an objective of this name and service stands on line {before.place.line} of {before.place.file} already"
            problems.append(
                Problem("import/duplicate", message, file=one.place.file, line=one.place.line, column=one.place.column, found=name)
            )
    return names, problems


def _against(text: str, places: Mapping[tuple[str, str], Place]) -> Iterator[Problem]:
    """What the policy's own checks say of it, each where the offending part came from."""
    source = parse(text.encode(), "policy")
    tree = source.root
    found = list(source.problems)
    if isinstance(tree, MapNode):
        policy, problems = check(Policy, tree)
        found += [*problems, *policy_problems(tree), *(rule_problems(policy) if policy else ())]
    for problem in found:
        section, name, rest = _split(problem.path or "", places)
        place = places.get((section, name)) if section else None
        yield Problem(
            "import/refused",
            f"a policy cannot hold this: {problem.message}",
            file=place.file if place else None,
            line=place.line if place else None,
            column=place.column if place else None,
            path=f"{name}{rest}" if place else problem.path,
            found=problem.found,
            allowed=problem.allowed,
            nearest=problem.nearest,
        )


def _split(path: str, places: Mapping[tuple[str, str], Place]) -> tuple[str, str, str]:
    """`slos.NAME` or `slos["NAME"]` and what follows."""
    for section, name in sorted(places, key=lambda key: -len(key[1])):
        for head in (f"{section}.{name}", f'{section}["{name}"]'):
            if path == head or path.startswith((f"{head}.", f"{head}[")):
                return section, name, path[len(head) :]
    return "", "", ""
