"""The page for users names everything that is evaluated, and nothing else."""

import re
from pathlib import Path

from workbench.promql.signatures import AGGREGATIONS, FUNCTIONS, NATIVE

PAGE = (Path(__file__).parents[2] / "docs" / "promql.md").read_text()


def test_every_function_and_aggregation_is_on_the_page():
    named = set(re.findall(r"`(\w+)`", PAGE))

    assert [name for name in (*FUNCTIONS, *AGGREGATIONS, *NATIVE) if name not in named] == []


def test_a_function_that_not_every_version_has_is_named_with_its_version():
    for name, signature in FUNCTIONS.items():
        if signature.since > (2, 42):
            row = next(line for line in PAGE.splitlines() if f"`{name}`" in line)
            after = row.split(f"`{name}`", 1)[1]
            assert f"{signature.since[0]}.{signature.since[1]}" in after or f"({signature.since[0]}.x)" in after, name
