"""`workbench schema`: what an editor needs to complete and check scenario files."""

from __future__ import annotations

import click


@click.command(short_help="Print the JSON Schema of scenario files, for editors.")
@click.argument("document", metavar="[DOCUMENT]", required=False, type=click.Choice(["scenario", "world", "policy"]))
def command(document: str | None) -> None:
    r"""Print the JSON Schema of scenario, world or policy files; of all three, told apart by `kind`, if none is named.

    \b
    Save it and name it on the first line of a file, for editors with a YAML language server:
      workbench schema > workbench.schema.json
      # yaml-language-server: $schema=workbench.schema.json
    """
    import json

    from workbench.scenario.json_schema import schema_of

    click.echo(json.dumps(schema_of(document), indent=2, ensure_ascii=False))  # type: ignore[arg-type]
