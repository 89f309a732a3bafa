"""The wheel carries the scenarios and the app's entry; an editable install reads them from the checkout instead of copying them."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedFiles(BuildHookInterface):
    """Adds what `workbench init` and `workbench app` need."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; `version` is `editable` or `standard`."""
        if version == "standard":
            build_data["force_include"]["scenarios"] = "workbench/_shipped/scenarios"
            build_data["force_include"]["app.py"] = "workbench/_shipped/app.py"
