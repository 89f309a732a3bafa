"""JSON Schema of the documents, draft 2020-12, as editors use it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel

from workbench.scenario.schema.base import DURATION_PATTERN, SHARE_PATTERN
from workbench.scenario.schema.policy import Policy
from workbench.scenario.schema.scenario import ScenarioFile
from workbench.scenario.schema.world import World
from workbench.units import format_duration, format_share

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Document = Literal["scenario", "world", "policy"]
DOCUMENTS: tuple[Document, ...] = ("scenario", "world", "policy")

Schema = dict[str, Any]

_MODELS: dict[Document, type[BaseModel]] = {"scenario": ScenarioFile, "world": World, "policy": Policy}
_TITLES: dict[Document, str] = {"scenario": "Scenario", "world": "World", "policy": "Policy"}
_EXTENDS: Schema = {
    "type": "string",
    "minLength": 1,
    "title": "Extends",
    "description": "A scenario file that this one is laid over: mappings merge key by key, null deletes, everything else replaces.",
}


def schema_of(document: Document | None = None) -> Schema:
    """The schema of one kind of document; without one, of a file of any kind, told apart by `kind`."""
    definitions: Schema = {}
    for one in (document,) if document else DOCUMENTS:
        _define(one, definitions)
    if document:
        return {"$schema": DIALECT, **definitions.pop(_TITLES[document]), "$defs": dict(sorted(definitions.items()))}
    return {
        "$schema": DIALECT,
        "title": "Workbench file",
        "description": "A scenario, a world or a policy; `kind` says which.",
        "type": "object",
        "required": ["kind"],
        "oneOf": [_reference(title) for title in _TITLES.values()],
        "$defs": dict(sorted(definitions.items())),
    }


def _define(document: Document, definitions: Schema) -> None:
    """Add a document and all that it consists of to the definitions."""
    schema: Schema = _readable(_MODELS[document].model_json_schema(by_alias=True, mode="validation"))
    definitions |= schema.pop("$defs", {})
    definitions[_TITLES[document]] = schema | {"title": _TITLES[document]}
    if document == "scenario":
        _define_scenario(definitions)


def _define_scenario(definitions: Schema) -> None:
    """A scenario that extends another may leave out what the other says, delete it with null, and state mappings in part.

    What it overrides is such a part of a world or of a policy.
    """
    whole = definitions["Scenario"]
    override = whole["properties"]["override"]
    override.pop("propertyNames", None)
    override["additionalProperties"] = False
    override["properties"] = {}
    for one in ("world", "policy"):
        _define(one, definitions)
        override["properties"][one] = _part(_reference(_TITLES[one]), definitions)
    # an override is a part already, and apiVersion and kind decide what the file is: nothing deletes them
    kept = {name: whole["properties"][name] for name in ("apiVersion", "kind", "override")}
    rest = {name: value for name, value in whole["properties"].items() if name not in kept}
    laid_over = _part(whole | {"properties": rest}, definitions)
    laid_over["properties"] = kept | {"extends": _EXTENDS} | laid_over["properties"]
    definitions["ScenarioWhole"] = whole | {"title": "ScenarioWhole"}
    definitions["ScenarioPart"] = laid_over | {"title": "ScenarioPart", "required": ["kind", "extends"]}
    definitions["Scenario"] = {
        "title": "Scenario",
        "description": whole["description"],
        "type": "object",
        "if": {"required": ["extends"]},
        "then": _reference("ScenarioPart"),
        "else": _reference("ScenarioWhole"),
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _part(schema: Schema, definitions: Schema) -> Schema:
    """The same schema for a part of the mapping: nothing is required, null deletes. Lists replace, so they stay whole.

    Definitions that it refers to are added as parts of themselves, `Slo` as `SloPart`.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if f"{name}Part" not in definitions:
            definitions[f"{name}Part"] = {}  # stands here while a definition that leads back to itself is made
            definitions[f"{name}Part"] = _part(definitions[name], definitions) | {"title": f"{name}Part"}
        return schema | _reference(f"{name}Part")
    dropped = ("required", "minProperties", "discriminator", "default", "oneOf")
    part = {key: value for key, value in schema.items() if key not in dropped}
    for keyword in ("properties", "patternProperties"):
        if keyword in schema:
            part[keyword] = {key: _or_null(_part(value, definitions)) for key, value in schema[keyword].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        part["additionalProperties"] = _or_null(_part(schema["additionalProperties"], definitions))
    # half of an indicator may be half of either kind
    branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    return part | {"anyOf": [_part(branch, definitions) for branch in branches]} if branches else part


def _or_null(schema: Schema) -> Schema:
    outside = {key: schema[key] for key in ("title", "description") if key in schema}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return outside | {"anyOf": [inside, {"type": "null"}]}


def _readable(schema: Any) -> Any:
    """Defaults as a user writes them: `30d`, not 2592000.0; those of whole mappings stand at their keys already."""
    if isinstance(schema, list):
        return [_readable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _readable(value) for key, value in schema.items()}
    default = schema.get("default")
    if isinstance(default, dict) and "properties" not in schema and default:
        del changed["default"]
    elif isinstance(default, float | int) and DURATION_PATTERN in _patterns(schema):
        changed["default"] = format_duration(default)
    elif isinstance(default, float | int | str) and SHARE_PATTERN in _patterns(schema):
        changed["default"] = format_share(Decimal(str(default).rstrip("%")))
    return changed


def _patterns(schema: Schema) -> list[str]:
    return [branch.get("pattern", "") for branch in (schema, *schema.get("anyOf", ()))]
