"""Durations as Prometheus writes them: `1d12h`, `5m`, `250ms`, `0`."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?", re.ASCII)
_MS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1_000, 1)
_LONGEST_MS = (2**63 - 1) // 1_000_000
"""Go counts nanoseconds in 64 bits: 292 years."""
_LONGEST_TEXT = 100

RULE = "whole numbers with units, the larger unit first: 1d12h, 5m, 30s, 250ms, or 0"


def parse_prometheus_duration(text: str) -> float:
    """Seconds in a duration by the rules of Prometheus (common/model/time.go); raises ValueError with the rule."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text) if 0 < len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError(f"a duration is written as {RULE}")
    total_ms = sum(int(number) * unit for number, unit in zip(match.groups(), _MS, strict=True) if number)
    if total_ms > _LONGEST_MS:
        raise ValueError("a duration has at most 292 years")
    return total_ms / 1000
