"""What may stand where, in words, read off the JSON Schema of a model.

The schema that editors use is also what messages are made of, so the two cannot say different things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from workbench.scenario.schema.base import PATTERN_WORDS


@dataclass(frozen=True, eq=False)
class Shape:
    """One part of a schema."""

    schema: Mapping[str, Any]
    definitions: Mapping[str, Any]

    @classmethod
    def of(cls, model: type[BaseModel]) -> Shape:
        """The shape of a whole document."""
        return _shape_of(model)

    def _part(self, schema: Mapping[str, Any]) -> Shape:
        while "$ref" in schema:
            schema = self.definitions[schema["$ref"].rpartition("/")[2]]
        return Shape(schema, self.definitions)

    @property
    def branches(self) -> tuple[Shape, ...]:
        """The alternatives of a union, nothing (null) not among them; empty if this is no union."""
        parts = self.schema.get("oneOf") or self.schema.get("anyOf") or ()
        return tuple(self._part(part) for part in parts if part.get("type") != "null")

    @property
    def long_form(self) -> Shape | None:
        """The mapping, where a value is either a mapping or a text that stands for one; None elsewhere."""
        parts = {str(branch.schema.get("type")): branch for branch in self.branches}
        return parts["object"] if parts.keys() == {"object", "string"} and self.tag is None else None

    @property
    def _whole(self) -> Shape | None:
        return self.branches[0] if len(self.branches) == 1 else self.long_form

    @property
    def tag(self) -> str | None:
        """The key that decides between the branches of a tagged union; None if this is none."""
        discriminator = self.schema.get("discriminator")
        if not discriminator and len(self.branches) == 1:  # it may also be left out
            return self.branches[0].tag
        return str(discriminator["propertyName"]) if discriminator else None

    @property
    def tags(self) -> dict[str, Shape]:
        """The branches of a tagged union by their tag, in the order of the schema."""
        if "discriminator" not in self.schema and len(self.branches) == 1:
            return self.branches[0].tags
        mapping = self.schema.get("discriminator", {}).get("mapping", {})
        return {tag: self._part({"$ref": target}) for tag, target in mapping.items()}

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that a mapping may have; empty if they are free."""
        whole = self._whole
        return whole.keys if whole else tuple(self.schema.get("properties", ()))

    @property
    def key_shape(self) -> Shape | None:
        """What a free key may be."""
        names = {"type": "string", **self.schema.get("propertyNames", {})}
        for pattern in self.schema.get("patternProperties", ()):
            names["pattern"] = pattern
        return self._part(names) if len(names) > 1 else None

    @property
    def values(self) -> tuple[str, ...]:
        """The only values allowed, of all branches; empty if they are free."""
        if "const" in self.schema:
            return (str(self.schema["const"]),)
        if "enum" in self.schema:
            return tuple(str(value) for value in self.schema["enum"])
        return tuple(value for branch in self.branches for value in branch.values)

    def child(self, part: str | int) -> Shape | None:
        """What may stand under a key or at an index."""
        whole = self._whole
        if whole is not None:
            return whole.child(part)
        if isinstance(part, int):
            items = self.schema.get("items")
            return self._part(items) if items else None
        found = self.schema.get("properties", {}).get(part)
        if found is None:
            patterns = self.schema.get("patternProperties")
            found = next(iter(patterns.values())) if patterns else self.schema.get("additionalProperties")
        return self._part(found) if isinstance(found, dict) else None

    def patterns(self) -> tuple[str, ...]:
        """The patterns of text that is allowed, of all branches."""
        own = self.schema.get("pattern")
        return (own,) if own else tuple(pattern for branch in self.branches for pattern in branch.patterns())

    def types(self) -> tuple[str, ...]:
        """`string`, `number`, `integer`, `boolean`, `array`, `object`: those of all branches."""
        own = self.schema.get("type", [])
        kinds = (own,) if isinstance(own, str) else tuple(own)
        return kinds or tuple(kind for branch in self.branches for kind in branch.types())

    def words(self) -> str:
        """What may stand here, for `Problem.allowed`."""
        if self.tag is not None:
            return f"a mapping with {self.tag}: {either(self.tags)}"
        if "const" in self.schema or "enum" in self.schema:
            return either(self.values)
        if self.branches:
            return either(dict.fromkeys(branch.words() for branch in self.branches))
        kind = (*self.types(), "")[0]
        if kind == "string":
            return self._text_words()
        if kind in ("integer", "number"):
            return f"a {'whole ' if kind == 'integer' else ''}number{self._bounds_words()}"
        if kind == "boolean":
            return "true or false"
        if kind == "array":
            items = self.schema.get("items")
            return f"a list{_count_words(self.schema)}" + (f", each {self._part(items).words()}" if items else "")
        if kind == "object":
            return f"a mapping with the keys {', '.join(self.keys)}" if self.keys else "a mapping"
        return "a value"

    def _text_words(self) -> str:
        if self.schema.get("format") == "date":
            return "a date such as 2026-04-01"
        longest = self.schema.get("maxLength")
        words = PATTERN_WORDS.get(self.schema.get("pattern", ""), "text")
        return f"{words} (at most {longest} characters)" if longest else words

    def _bounds_words(self) -> str:
        low, high = self.schema.get("minimum"), self.schema.get("maximum")
        above, below = self.schema.get("exclusiveMinimum"), self.schema.get("exclusiveMaximum")
        if low is not None and high is not None:
            return f" from {low:g} to {high:g}"
        parts = []
        if low is not None:
            parts.append(f"{low:g} or more")
        if above is not None:
            parts.append(f"more than {above:g}")
        if high is not None:
            parts.append(f"{high:g} or less")
        if below is not None:
            parts.append(f"less than {below:g}")
        return ", " + " and ".join(parts) if parts else ""


@lru_cache(maxsize=8)
def _shape_of(model: type[BaseModel]) -> Shape:
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return Shape(schema, schema.get("$defs", {}))


def _count_words(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minItems"), schema.get("maxItems")
    if low is not None and low == high:
        return f" of {low} items"
    if low is not None and high is not None:
        return f" of {low} to {high} items"
    if low:
        return f" of at least {low} item{'s' if low > 1 else ''}"
    return f" of at most {high} items" if high is not None else ""


def either(words: Any) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *most, last = [str(word) for word in words] or ["nothing"]
    return f"{', '.join(most)} or {last}" if most else last
