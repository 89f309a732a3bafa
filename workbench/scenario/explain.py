"""A tree against a model: the model, or problems in a user's words, each at the line and column of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from workbench.errors import Problem
from workbench.scenario.compose import MAX_PROBLEMS
from workbench.scenario.names import nearest
from workbench.scenario.shape import Shape, either
from workbench.scenario.suggest import meant
from workbench.scenario.tree import ListNode, MapNode, Node, Path, Place, ScalarNode, format_path, plain, pointed_at, shorten, show

Model = TypeVar("Model", bound=BaseModel)
PathOf = Callable[[Path, Place], str]
"""How a path is shown: a value that an override brought is shown with its path in the scenario."""

_WRONG_TYPE = {
    "string_type": "this must be text",
    "float_type": "this must be a number",
    "float_parsing": "this must be a number",
    "int_type": "this must be a whole number",
    "int_parsing": "this must be a whole number",
    "int_from_float": "this must be a whole number",
    "bool_type": "this must be true or false",
    "bool_parsing": "this must be true or false",
    "tuple_type": "this must be a list",
    "list_type": "this must be a list",
    "dict_type": "this must be a mapping",
    "model_type": "this must be a mapping",
    "model_attributes_type": "this must be a mapping",
    "finite_number": "a number must be finite",
}
_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def plain_path(path: Path, place: Place) -> str:  # noqa: ARG001 - the place decides only where documents were merged
    """The path in the document itself."""
    return format_path(path)


def check(
    model: type[Model],
    tree: Node,
    *,
    broken: Collection[Place] = (),
    path_of: PathOf = plain_path,
) -> tuple[Model | None, list[Problem]]:
    """The model, or None and what is wrong with the tree; places in `broken` were reported before and are not reported again."""
    try:
        found = model.model_validate(plain(tree))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, _explained(details, Shape.of(model), tree, broken, path_of)
    return found, []


@dataclass(frozen=True)
class _Spot:
    """Where a pydantic error points to."""

    path: Path
    """In the document: without the tags and labels that pydantic adds for branches of a union."""
    node: Node
    """What stands there; the mapping itself if the key is missing."""
    key_place: Place | None
    """Where the key of `node` stands; None for the document itself and for items of lists."""
    shape: Shape | None
    parent: Shape | None
    is_key: bool = False
    """The key is wrong, not its value."""
    is_stated: bool = True
    in_union: bool = False
    """One of several errors, one for each branch of a union."""

    @property
    def place(self) -> Place:
        """Of the value, or of its key."""
        return pointed_at(self.node, self.key_place)


def _spot(shape: Shape | None, tree: Node, location: Iterable[str | int]) -> _Spot:
    """Follow a pydantic location through the document and the schema at once."""
    path: Path = ()
    key_place: Place | None
    node, key_place, parent, in_union = tree, None, shape, False
    for part in location:
        if part == "[key]":
            return _Spot(path, node, key_place, shape, parent, is_key=True)
        if shape is not None and shape.tag is not None and part in shape.tags:
            shape = shape.tags[str(part)]
            continue
        if shape is not None and shape.long_form is not None:
            if isinstance(node, ScalarNode):
                continue  # written short: what is wrong with a part of it is wrong with the text
        elif shape is not None and len(shape.branches) > 1:
            in_union = True
            continue
        parent, shape = shape, shape.child(part) if shape else None
        path = (*path, part)
        if isinstance(node, MapNode) and isinstance(part, str) and part in node.entries:
            entry = node.entries[part]
            node, key_place = entry.node, entry.key_place
        elif isinstance(node, ListNode) and isinstance(part, int) and part < len(node.items):
            node, key_place = node.items[part], None
        else:
            return _Spot(path, node, key_place, shape, parent, is_stated=False)
    return _Spot(path, node, key_place, shape, parent, in_union=in_union)


def _explained(
    details: Iterable[Any],
    shape: Shape,
    tree: Node,
    broken: Collection[Place],
    path_of: PathOf,
) -> list[Problem]:
    problems: dict[Any, Problem] = {}
    unions: dict[Path, list[str]] = {}
    spots = []
    for detail in details:
        kind, context = detail["type"], detail.get("ctx", {})
        spots.append((detail, kind, context, _spot(shape, tree, (*detail["loc"], *context.get("at", ())))))
    misspelt = {_meant_key(spot) for _, kind, _, spot in spots if kind == "extra_forbidden"}
    for detail, kind, context, spot in spots:
        if kind == "missing" and spot.path in misspelt:
            continue  # it stands there misspelt: one fault, one problem
        if spot.is_stated and spot.node.place in broken and kind != "extra_forbidden":
            continue
        if kind == "too_short" and isinstance(spot.node, ListNode) and len(spot.node.items) >= context["min_length"]:
            continue  # pydantic counts only items that are valid, and those that are not are reported themselves
        problem = _problem(kind, context, detail["msg"], spot, path_of)
        if spot.in_union:
            messages = unions.setdefault(spot.path, [])
            messages.append(problem.message)
            problems[spot.path] = _joined(problem, messages)
        else:
            problems[len(problems), kind] = problem
        if len(problems) >= MAX_PROBLEMS:
            break
    return list(problems.values())


def _meant_key(spot: _Spot) -> Path:
    """The path of the key that an unknown key probably is."""
    keys = spot.parent.keys if spot.parent else ()
    return (*spot.path[:-1], nearest(str(spot.path[-1]), keys) or "")


def _joined(problem: Problem, messages: list[str]) -> Problem:
    """One problem for a value that fits no branch of a union."""
    return Problem(
        problem.check,
        "; or ".join(dict.fromkeys(messages)),
        file=problem.file,
        line=problem.line,
        column=problem.column,
        path=problem.path,
        found=problem.found,
        allowed=problem.allowed,
        nearest=problem.nearest,
    )


def _problem(kind: str, context: Mapping[str, Any], text: str, spot: _Spot, path_of: PathOf) -> Problem:
    """One pydantic error in a user's words."""
    check_name = "schema/value"
    name = shorten(str(spot.path[-1])) if spot.path else "the document"
    place = spot.place
    more: dict[str, str | None] = {"found": show(spot.node), "allowed": spot.shape.words() if spot.shape else None}
    if kind == "missing":
        check_name, message = "schema/missing", f"the key {name} is missing"
        more["found"] = _keys_of(spot.node)
        more["allowed"] = f"{name}: {more['allowed']}" if more["allowed"] else None
        more["nearest"] = None
    elif kind == "extra_forbidden":
        keys = spot.parent.keys if spot.parent else ()
        check_name, message = "schema/unknown-key", "unknown key"
        place = spot.key_place or place
        more = {"found": name, "allowed": ", ".join(keys) or None, "nearest": nearest(name, keys)}
    elif spot.is_key:
        names = spot.parent.key_shape if spot.parent else None
        check_name, message = "schema/key", _rule(kind, context, text, None)
        place = spot.key_place or place
        more = {"found": name}
        if names is not None:
            more |= {"allowed": names.words(), "nearest": nearest(name, names.values)}
    elif kind in ("union_tag_not_found", "union_tag_invalid") and spot.shape is not None:
        check_name, message, place, more = _tag_problem(kind, spot, place)
    elif kind == "broken_rule":
        message = str(context["rule"])
        more = {"found": more["found"] if spot.is_stated else "nothing, so the default holds", "nearest": context.get("nearest")}
    else:
        check_name = "schema/type" if kind in _WRONG_TYPE else "schema/value"
        message = _rule(kind, context, text, spot.shape)
        more["nearest"] = meant(spot.node, spot.shape) if spot.shape else None
    return Problem(
        check_name,
        message,
        file=place.file,
        line=place.line,
        column=place.column,
        path=path_of(spot.path, place) or None,
        found=more.get("found"),
        allowed=more.get("allowed"),
        nearest=more.get("nearest"),
    )


def _rule(kind: str, context: Mapping[str, Any], text: str, shape: Shape | None) -> str:
    """The rule that a value breaks, as one sentence."""
    if kind == "value_error":
        return text.removeprefix("Value error, ")
    if kind in _WRONG_TYPE:
        return _WRONG_TYPE[kind]
    if kind in _BOUNDS:
        words = shape.words() if shape else text
        return f"this must be {words}"
    if kind in ("literal_error", "enum"):
        values = shape.values if shape else ()
        return f"this must be {either(values)}" if len(values) == 1 else "this is none of the values allowed here"
    if kind == "too_short":
        return f"this needs {context['min_length']} or more entries"
    if kind == "too_long":
        return f"this takes at most {context['max_length']} entries"
    if kind == "string_too_long":
        return f"this is too long, at most {context['max_length']} characters"
    if kind == "string_too_short":
        return "this must not be empty"
    return text[:1].lower() + text[1:]


def _tag_problem(kind: str, spot: _Spot, place: Place) -> tuple[str, str, Place, dict[str, str | None]]:
    """The key that decides what a mapping is (`kind`) is missing or has a value that does not exist."""
    shape, node = spot.shape, spot.node
    assert shape is not None  # noqa: S101 - the caller looked
    if kind == "union_tag_not_found":
        if not isinstance(node, MapNode):
            return "schema/type", "this must be a mapping", place, {"found": show(node), "allowed": shape.words()}
        return (
            "schema/missing",
            f"the key {shape.tag} is missing",
            place,
            {"found": _keys_of(node), "allowed": f"{shape.tag}: {either(shape.tags)}"},
        )
    tag = node.get(shape.tag or "") if isinstance(node, MapNode) else None
    if tag is None:
        return "schema/value", f"there is no such {shape.tag}", place, {"found": show(node), "allowed": either(shape.tags)}
    found = show(tag)
    return (
        "schema/value",
        f"there is no such {shape.tag}",
        tag.place,
        {"found": found, "allowed": either(shape.tags), "nearest": nearest(found, shape.tags)},
    )


def _keys_of(node: Node) -> str:
    """What stands there instead of a missing key."""
    if isinstance(node, MapNode):
        return shorten("only " + ", ".join(node.entries)) if node.entries else "an empty mapping"
    return show(node)
