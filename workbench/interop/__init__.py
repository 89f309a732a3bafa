"""Rule files of other tools."""
