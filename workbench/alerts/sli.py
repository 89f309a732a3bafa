"""An objective's indicator as PromQL over any window: every kind comes down to queries in which `{{.window}}` stands.

Events and latency become `errors` and `total`, or `good` and `total`, over the counters of a telemetry; a query indicator is that
already. What rules are made of (error ratio, events, failures over a window) is the same for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.alerts.queries import counts_in, placed
from workbench.alerts.vocabulary import Vocabulary, le_label, matching_routes
from workbench.scenario.schema.policy import EventsIndicator, Indicator, LatencyIndicator, QueryIndicator
from workbench.units import DAY_S, HOUR_S, format_duration

_REGEX_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")
_RATE = "sum(rate({}[{{{{.window}}}}]))"


@dataclass(frozen=True, slots=True)
class Sli:
    """Queries with `{{.window}}`: `errors` and `total`, or `good` and `total`, or `ratio` alone; the others are empty."""

    errors: str = ""
    good: str = ""
    total: str = ""
    ratio: str = ""
    bare: bool = False
    """The queries need no brackets around them."""

    def ratio_over(self, window_s: float) -> str:
        """The share of bad events over a window."""
        window = window_text(window_s)
        if self.ratio:
            return f"({placed(self.ratio, window)})"
        part, total = self._operand(self.errors or self.good, window), self._operand(self.total, window)
        return f"{part} / {total}" if self.errors else f"1 - {part} / {total}"

    def total_over(self, window_s: float) -> str:
        """The query of all events over a window; empty for a ratio."""
        return self._operand(self.total, window_text(window_s)) if self.total else ""

    def events_over(self, window_s: float) -> str | None:
        """How many events lie in a window; None if the queries do not count any."""
        return self._count(self.total, window_s)

    def failures_over(self, window_s: float) -> str | None:
        """How many bad events lie in a window; None if the queries do not count any."""
        if self.errors:
            return self._count(self.errors, window_s)
        total, good = self._count(self.total, window_s), self._count(self.good, window_s)
        return None if total is None or good is None else f"{total} - {good}"

    def _operand(self, query: str, window: str) -> str:
        text = placed(query, window)
        return text if self.bare else f"({text})"

    def _count(self, query: str, window_s: float) -> str | None:
        """A count of events from a query of their rate: `increase` is `rate` times the seconds of the window."""
        if not query:
            return None
        window = window_text(window_s)
        if self.bare:
            return placed(query, window).replace("sum(rate(", "sum(increase(", 1)
        match counts_in(query):
            case "increase":
                return f"({placed(query, window)})"
            case "rate":
                return f"({placed(query, window)}) * {number_of_seconds(window_s)}"
            case _:
                return None


def sli_of(indicator: Indicator, routes: Sequence[str], vocabulary: Vocabulary) -> Sli | None:
    """The queries of an indicator; None if it covers nothing that the telemetry holds. `routes` are all routes of the telemetry."""
    if isinstance(indicator, QueryIndicator):
        return Sli(indicator.errors or "", indicator.good or "", indicator.total or "", indicator.ratio or "")
    covered = matching_routes(indicator.routes, routes)
    if not covered or (indicator.tiers and vocabulary.tier_label is None):
        return None
    common = []
    if set(covered) != set(routes):
        common.append(_one_of(vocabulary.route_label, [vocabulary.text(vocabulary.route_label, route) for route in covered]))
    common += _of_tiers(indicator, vocabulary)
    return _sli(indicator, common, vocabulary)


def sli_anywhere(indicator: Indicator, vocabulary: Vocabulary) -> Sli:
    """The queries of an indicator where the routes are not known: its globs become regular expressions."""
    if isinstance(indicator, QueryIndicator):
        return Sli(indicator.errors or "", indicator.good or "", indicator.total or "", indicator.ratio or "")
    common = []
    if "*" not in indicator.routes:
        label = vocabulary.route_label
        renamed = {after for one, before, after in vocabulary.texts if one == label and matching_routes(indicator.routes, [before])}
        globs = [_regex_of(glob) for glob in sorted(set(indicator.routes))]
        patterns = "|".join([*globs, *(_escaped(after) for after in sorted(renamed))])
        common.append(f'{vocabulary.route_label}=~"{_quoted(patterns)}"')
    common += _of_tiers(indicator, vocabulary)
    return _sli(indicator, common, vocabulary)


def _of_tiers(indicator: EventsIndicator | LatencyIndicator, vocabulary: Vocabulary) -> list[str]:
    label = vocabulary.tier_label
    if not indicator.tiers or label is None:
        return []
    return [_one_of(label, [vocabulary.text(label, tier) for tier in sorted(set(indicator.tiers))])]


def _sli(indicator: EventsIndicator | LatencyIndicator, common: list[str], vocabulary: Vocabulary) -> Sli:
    if isinstance(indicator, LatencyIndicator):
        good = _selector(f"{vocabulary.latency}_bucket", [f'le="{le_label(indicator.threshold)}"', *common])
        total = _selector(f"{vocabulary.latency}_count", common)
        return Sli(good=_RATE.format(good), total=_RATE.format(total), bare=True)
    if vocabulary.code_label is not None and indicator.exclude_codes:
        excluded = _alternatives(vocabulary.patterns(vocabulary.code_label, indicator.exclude_codes))
        common = [*common, f'{vocabulary.code_label}!~"{excluded}"']
    total = _selector(vocabulary.requests, common)
    if vocabulary.errors is not None:
        bad = _selector(vocabulary.errors, common)
    else:
        assert vocabulary.code_label is not None, "errors have a code or a counter of their own"  # noqa: S101 - as the message says
        codes = _alternatives(vocabulary.patterns(vocabulary.code_label, indicator.bad_codes))
        bad = _selector(vocabulary.requests, [*common, f'{vocabulary.code_label}=~"{codes}"'])
    return Sli(errors=_RATE.format(bad), total=_RATE.format(total), bare=True)


def window_text(seconds: float) -> str:
    """A window as SREs write it: `5m`, `1h`, `72h`; days only from four on."""
    if seconds % HOUR_S == 0 and seconds < 4 * DAY_S:
        return f"{int(seconds // HOUR_S)}h"
    return format_duration(seconds)


def number_of_seconds(seconds: float) -> str:
    """Seconds without an exponent and without `.0`."""
    text = f"{seconds:.3f}".rstrip("0")
    return text.removesuffix(".")


def _selector(name: str, matchers: Sequence[str]) -> str:
    return f"{name}{{{','.join(matchers)}}}" if matchers else name


def _one_of(label: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f'{label}="{_quoted(values[0])}"'
    return f'{label}=~"{_quoted("|".join(_escaped(value) for value in values))}"'


def _alternatives(patterns: Sequence[str]) -> str:
    return "|".join(patterns)


def _regex_of(glob: str) -> str:
    """A glob as an RE2 pattern; sets of characters are written alike in both."""
    parts = re.split(r"(\*|\?|\[[^\]]+\])", glob)
    return "".join({"*": ".*", "?": "."}.get(part, part if part.startswith("[") else _escaped(part)) for part in parts)


def _escaped(text: str) -> str:
    """Literal text as an RE2 pattern (regexp.QuoteMeta)."""
    return _REGEX_SPECIAL.sub(lambda match: "\\" + match[0], text)


def _quoted(text: str) -> str:
    """Text inside a double-quoted PromQL string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
