"""Writes the pages that say what the code says: `docs/cli.md`, `docs/scenario-files.md`, `docs/lint`, and parts of other pages.

python docs/generate.py            write them
python docs/generate.py --check    exit 1 and show the difference if a page is not what would be written (`make check`)
"""

import difflib
import json
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, TypeAdapter

from workbench.alerts.burn_rate import window_text
from workbench.alerts.numbers import rounded_text
from workbench.alerts.preset_registry import all_presets
from workbench.cli.main import cli
from workbench.errors import ExitCode
from workbench.lint.pages import pages as lint_pages
from workbench.scenario.schema import base
from workbench.scenario.schema.incidents import Moment
from workbench.scenario.schema.naming import LabelName, MetricName
from workbench.scenario.schema.policy import BurnRateRule, CodePattern, Policy
from workbench.scenario.schema.scenario import ScenarioFile
from workbench.scenario.schema.strengths import Factor
from workbench.scenario.schema.world import RoutePath, World
from workbench.units import format_duration, format_share, parse_duration
from workbench.world.failures.catalogue import page as failure_modes_page

ROOT = Path(__file__).resolve().parents[1]
BY = "<!-- Written by docs/generate.py (`make docs`); edit the code instead. -->"
MARKS = ("<!-- exit codes: begin -->", "<!-- exit codes: end -->")

SPELLED = {
    "duration": (base.Duration, "a number and a unit, also joined: `250ms`, `15s`, `5m`, `6h`, `30d`, `4w`, `1h30m`"),
    "share": (base.Share, "in percent, kept exactly: `99.9%`"),
    "money": (base.Money, "an amount and its currency: `499.00 EUR`"),
    "name": (base.Name, "1 to 63 letters, digits, `-`, `_` or `.`; begins and ends with a letter or digit"),
    "path": (RoutePath, "begins with `/`: `/api/v1/media/{id}`"),
    "status code": (base.StatusCode, "three digits: `503`"),
    "label": (LabelName, "letters, digits and `_`; does not begin with a digit or with `__`: `team`"),
    "metric": (MetricName, "letters, digits, `_` and `:`; does not begin with a digit: `http_requests_total`"),
    "factor": (Factor, "`x3`, or the number alone"),
    "moment": (
        Moment,
        "`day 12, 14:05` or `2026-04-12T14:05` in the run's time zone, `2026-04-12T14:05Z`, or `after 36h`",
    ),
    "codes": (CodePattern, "a status code or a class of them: `503`, `5..`"),
}
"""Kinds of values that have a spelling of their own: the word that the tables use, the type, how it is written."""


def exit_codes() -> str:
    """The table of exit codes."""
    rows = "\n".join(f"| {int(code)} | {code.meaning} |" for code in ExitCode)
    return f"| exit code | meaning |\n|---|---|\n{rows}"


def cli_page() -> str:
    """Every verb's help, as the terminal prints it at 80 columns."""
    parent = click.Context(cli, info_name="workbench", terminal_width=80, **cli.context_settings)
    parts = ["# Commands", BY, _help(cli, parent), "## Exit codes", exit_codes()]
    for verb in cli.list_commands(parent):
        if command := cli.get_command(parent, verb):
            context = click.Context(command, info_name=verb, parent=parent, terminal_width=80, **command.context_settings)
            parts += [f"## workbench {verb}", _help(command, context)]
            for name, inner in sorted(command.commands.items()) if isinstance(command, click.Group) else ():
                below = click.Context(inner, info_name=name, parent=context, terminal_width=80, **inner.context_settings)
                parts += [f"### workbench {verb} {name}", _help(inner, below)]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, context: click.Context) -> str:
    vars(command)["_help_option"] = None  # click keeps that of the first to ask: without `-h`, if a verb was called by itself
    return f"```text\n{command.get_help(context)}\n```"


INTRODUCTION = """\
A **scenario** names a **world** (how things behave) and a **policy** (what the team has chosen), and adds a clock, a seed and
expectations. All three are YAML. Unknown and repeated keys are errors. A scenario may have `extends: FILE` and is then laid over
that scenario: mappings merge key by key, null deletes, everything else replaces.

`workbench init DIR` writes a starter that explains each field where it stands; `workbench schema` prints JSON Schema for editors;
`workbench validate PATH...` shows every problem."""


def scenario_page() -> str:
    """Every field of every document, from the models' JSON Schema."""
    parts = [
        "# Scenario files",
        BY,
        INTRODUCTION,
        "## How values are written",
        "| kind | written |\n|---|---|\n" + "\n".join(f"| {kind} | {text} |" for kind, (_, text) in SPELLED.items()),
    ]
    described: set[str] = set()
    for model in (ScenarioFile, World, Policy):
        parts += list(_document(model, described))
    return "\n\n".join(parts) + "\n"


def _document(model: type[BaseModel], described: set[str]) -> Iterator[str]:
    """A document's own fields, then its parts in the order in which they are named, but for those that stand further up already."""
    schema = model.model_json_schema(by_alias=True)
    parts = schema.get("$defs", {})
    yield f"## {schema['title'].removesuffix('File')}"
    yield from _fields(schema)
    for name in _named(schema["properties"], parts):
        if name not in described and "properties" in parts[name]:
            described.add(name)
            yield f"### {name}"
            yield from _fields(parts[name])


def _named(node: Any, parts: dict[str, Any], found: dict[str, None] | None = None) -> dict[str, None]:
    """Names of all parts below a node of a schema, depth first, each once; a part may hold itself."""
    found = {} if found is None else found
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            name = reference.rsplit("/", 1)[-1]
            if name not in found:
                found[name] = None
                _named(parts[name].get("properties"), parts, found)
            return found
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        _named(child, parts, found)
    return found


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    """What a part is, and a table with a row for each field."""
    if "description" in schema:
        yield _prose(schema["description"])
    rows = ["| field | kind | default | meaning |", "|---|---|---|---|"]
    for name, field in schema["properties"].items():
        kind = _kind(field)
        default = "required" if name in schema.get("required", []) else _default(field, kind)
        rows.append(f"| `{name}` | {kind} | {default} | {_prose(field.get('description', ''))} |")
    yield "\n".join(rows)


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(field: dict[str, Any], kind: str) -> str:
    """A default as one would write it."""
    default = field.get("default")
    if default in (None, "", [], {}):
        return "none"
    if isinstance(default, dict):
        return "its defaults"
    if isinstance(default, bool | list):
        return f"`{json.dumps(default)}`"
    if not isinstance(default, str) or kind == "share":
        if "duration" in kind:
            return f"`{format_duration(default)}`"
        if kind == "share":
            return f"`{format_share(Decimal(default))}`"
        return f"`{default:g}`"
    return f"`{default}`"


def _kind(field: dict[str, Any]) -> str:
    """What may stand in a field, in words."""
    if any("$ref" in option for option in field.get("anyOf", ())):
        return " or ".join(dict.fromkeys(_kind(option) for option in field["anyOf"] if option.get("type") != "null"))
    if word := _word(field):
        return word
    if "$ref" in field:
        return _linked(field["$ref"])
    for key in ("oneOf", "anyOf"):
        if key in field:
            return " or ".join(dict.fromkeys(_kind(option) for option in field[key] if option.get("type") != "null"))
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    match field.get("type"):
        case "array":
            return "list of " + _kind(field["items"]) + _size(field) if "items" in field else "list"
        case "object":
            return _mapping(field)
        case "string":
            return _string(field)
        case "integer" | "number" as kind:
            return {"integer": "whole number", "number": "number"}[kind] + _range(field)
        case "boolean":
            return "`true` or `false`"
        case _:
            return "anything"


def _string(field: dict[str, Any]) -> str:
    if field.get("format") == "date":
        return "date"
    if "pattern" in field:
        return f"text matching `{field['pattern']}`".replace("|", "\\|")
    return "text"


def _mapping(field: dict[str, Any]) -> str:
    if patterns := field.get("patternProperties"):
        ((pattern, values),) = patterns.items()
        keys = {"pattern": pattern}
    else:
        values, keys = field.get("additionalProperties"), field.get("propertyNames", {})
    if not isinstance(values, dict):
        return "mapping"
    return f"mapping of {_kind({'type': 'string'} | keys)} to {_kind(values)}"


def _linked(reference: str) -> str:
    name = reference.rsplit("/", 1)[-1]
    return f"[{name}](#{name.lower()})"


def _range(field: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {field[key]:g}" for key, sign in signs.items() if key in field]
    return f" {', '.join(bounds)}" if bounds else ""


def _size(field: dict[str, Any]) -> str:
    least, most = field.get("minItems"), field.get("maxItems")
    if least and least == most:
        return f", exactly {least}"
    return (f", at least {least}" if least else "") + (f", at most {most}" if most else "")


def _patterns(node: Any) -> frozenset[str]:
    """Every regular expression in a schema, but for those of mappings' keys."""
    if isinstance(node, dict):
        own = [node["pattern"]] if isinstance(node.get("pattern"), str) else []
        return frozenset(own).union(*(_patterns(part) for part in (node.get("anyOf") or ())))
    return frozenset()


def _word(field: dict[str, Any]) -> str | None:
    """The word for a value with a spelling of its own: such values are told by their regular expression."""
    return _WORDS.get(_patterns(field))


_WORDS = {_patterns(TypeAdapter(kind).json_schema()): word for word, (kind, _) in SPELLED.items()}


def readme_page() -> str:
    """The README as it stands, with the table of exit codes made anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n{exit_codes()}\n{MARKS[1]}{after}"


PRESET_MARKS = ("<!-- presets: begin -->", "<!-- presets: end -->")
PRESET_PERIODS = ("30d", "28d", "7d")


def presets() -> str:
    """A section for each preset: what it is, its rows for some windows."""
    parts = []
    for preset in all_presets().values():
        tables = [preset.rows(parse_duration(period)) for period in PRESET_PERIODS]
        lines = [
            f"| rule | severity | {' | '.join(PRESET_PERIODS)} |",
            f"|---|---|{'---|' * len(PRESET_PERIODS)}",
            *(
                f"| `{name}` | {rule.severity}{', pages' if rule.page else ''} | "
                + " | ".join(_row_words(table[name], period) for table, period in zip(tables, PRESET_PERIODS, strict=True))
                + " |"
                for name, rule in tables[0].items()
            ),
        ]
        parts += [f"### {preset.name}", preset.documentation, "\n".join(lines)]
    return "\n\n".join(parts)


def _row_words(rule: BurnRateRule, period: str) -> str:
    """`1h/5m 14.4x for 2m`."""
    factor = rounded_text(rule.factor_for(parse_duration(period)))
    hold = f" for {format_duration(rule.for_)}" if rule.for_ else ""
    return f"{window_text(rule.long)}/{window_text(rule.short)} {factor}x{hold}"


def rules_page() -> str:
    """The page on rules as it stands, with the presets made anew."""
    text = (ROOT / "docs" / "slo-to-rules.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(PRESET_MARKS[0])
    _, _, after = rest.partition(PRESET_MARKS[1])
    return f"{before}{PRESET_MARKS[0]}\n\n{presets()}\n\n{PRESET_MARKS[1]}{after}"


PAGES: dict[str, Callable[[], str]] = {
    "docs/cli.md": cli_page,
    "docs/failure-modes.md": failure_modes_page,
    "docs/scenario-files.md": scenario_page,
    "docs/slo-to-rules.md": rules_page,
    "README.md": readme_page,
}


def every_page() -> Iterator[tuple[str, str]]:
    """Path and text of every page."""
    yield from ((name, make()) for name, make in PAGES.items())
    yield from lint_pages(ROOT / "tests" / "lint" / "examples").items()


def differences() -> Iterator[str]:
    """A unified diff for every page that is not what would be written."""
    for name, text in every_page():
        path = ROOT / name
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        yield from difflib.unified_diff(there.splitlines(), text.splitlines(), name, f"{name} (generated)", n=1, lineterm="")


def main() -> int:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        difference = "\n".join(differences())
        if difference:
            sys.stderr.write(f"{difference}\n\nGenerated pages are behind the code: make docs\n")
        return int(bool(difference))
    for name, text in every_page():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
