"""`workbench schema`: what an editor needs to complete and check scenario files."""

from __future__ import annotations

import click


@click.command(short_help="Print the JSON Schema of scenario files, for editors.")
@click.argument("document", metavar="[DOCUMENT]", required=False, type=click.Choice(["scenario", "world", "policy"]))
def command(document: str | None) -> None:
    """Print the JSON Schema of scenario, world or policy files; of all three, told apart by `kind`, if none is named.

    \b
    Editors with a YAML language server take it from the first line of a file:
      workbench schema > workbench.schema.json
      # yaml-language-server: $schema=workbench.schema.json
    """  # noqa: D301 - \b is click's mark for a paragraph that is not wrapped
    import json

    from workbench.scenario.json_schema import schema_of

    click.echo(json.dumps(schema_of(document), indent=2, ensure_ascii=False))  # type: ignore[arg-type]
