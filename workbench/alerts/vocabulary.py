"""Under which names telemetry holds requests, errors and latencies, and which routes a pattern means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import translate

from workbench.telemetry.series import Telemetry, le_label

__all__ = ["RECORDED", "SIMULATED", "Vocabulary", "le_label", "matching_routes", "routes_of"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Metric and label names of one telemetry.

    Simulated telemetry counts requests by status code; a recorded history has one series of all requests and one of errors.
    """

    requests: str = "http_requests_total"
    errors: str | None = None
    """A counter of failed requests; None: they are those of `requests` with a bad code."""
    latency: str = "http_request_duration_seconds"
    """Stem of `_bucket` and `_count`."""
    route_label: str = "route"
    tier_label: str | None = "tier"
    """None: the telemetry does not know tiers."""
    code_label: str | None = "status_code"
    """None: the telemetry does not know codes."""
    texts: tuple[tuple[str, str, str], ...] = ()
    """What values are called: (label of the telemetry, value as policies name it, value in the telemetry)."""

    def text(self, label: str, named: str) -> str:
        """The value in the telemetry that a policy names."""
        return (
            next((after for one, before, after in self.texts if one == label and before == named), named) if self.texts else named
        )

    def named(self, label: str, text: str) -> str:
        """How policies name a value of the telemetry."""
        return next((before for one, before, after in self.texts if one == label and after == text), text) if self.texts else text

    def patterns(self, label: str, patterns: Iterable[str]) -> tuple[str, ...]:
        """Regular expressions of the values in the telemetry, given those of values as policies name them."""
        given = tuple(patterns)
        more = [
            re.escape(after) for one, before, after in self.texts if one == label and any(re.fullmatch(p, before) for p in given)
        ]
        return (*given, *dict.fromkeys(more))


SIMULATED = Vocabulary()
RECORDED = Vocabulary(errors="http_request_errors_total", tier_label=None, code_label=None)


def routes_of(telemetry: Telemetry, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Every route that has a counter of requests, as policies name them, sorted."""
    found = {series.key.label_map.get(vocabulary.route_label, "") for series in telemetry.by_name.get(vocabulary.requests, ())}
    return tuple(sorted(vocabulary.named(vocabulary.route_label, route) for route in found - {""}))


def matching_routes(patterns: Iterable[str], routes: Iterable[str]) -> tuple[str, ...]:
    """The routes that any glob matches, sorted: `/api/v1/auth/*`, `*`."""
    compiled = [re.compile(translate(pattern)) for pattern in patterns]
    return tuple(sorted({route for route in routes if any(p.match(route) for p in compiled)}))
