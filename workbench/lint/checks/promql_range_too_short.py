"""A range too short for a rate.

`rate()` needs two scrapes in its range. With a range of one scrape interval it has them at no instant (or at some), and the result
is empty: no error, no alert. Without a scenario or `--world` the scrape interval is not known; then only ranges below two times
the default of a minute get a remark.

Take at least twice the scrape interval; four times survives a failed scrape.
"""

from __future__ import annotations

from collections.abc import Iterator

from workbench.errors import Problem, Severity
from workbench.lint.rules.document import Rules
from workbench.lint.rules.expressions import is_rate
from workbench.promql.ast import Call, Range, children
from workbench.units import format_duration

NAME = "promql/range-too-short"
USUAL_S = 60.0
"""Prometheus's default scrape interval."""


def check_rules(rules: Rules) -> Iterator[Problem]:
    """Ranges of rates shorter than two scrapes."""
    known = rules.scrape_interval_s
    scrape = USUAL_S if known is None else known
    for view in rules.readable:
        told: set[int] = set()
        for node in view.nodes:
            if not isinstance(node, Call) or not is_rate(node):
                continue
            for below in children(node):
                if not isinstance(below, Range) or below.window_ms >= 2000 * scrape or below.window_ms in told:
                    continue
                told.add(below.window_ms)
                window = format_duration(below.window_ms / 1000)
                if known is None and below.window_ms < 1000 * scrape:
                    continue  # scrapes are surely more frequent than the default here
                if known is None:
                    most = format_duration(below.window_ms / 2000)
                    message = f"{view.title}: [{window}] holds two scrapes only if they come every {most}"
                    yield view.problem(
                        NAME, f"{message}; the default is {format_duration(scrape)}", at=node, severity=Severity.INFO
                    )
                    continue
                yield view.problem(
                    NAME,
                    f"{view.title}: [{window}] is less than two scrapes, 2 x {format_duration(scrape)} = "
                    f"{format_duration(2 * scrape)}: "
                    f"the rate is {'never' if below.window_ms < 1000 * scrape else 'not always'} there",
                    at=node,
                    severity=Severity.ERROR if below.window_ms < 1000 * scrape else Severity.WARNING,
                    allowed=f"[{format_duration(4 * scrape)}]",
                )
