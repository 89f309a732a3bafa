"""Durations as Prometheus and the tools around it print them."""

from __future__ import annotations

_UNITS_MS = (("y", 31_536_000_000), ("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1))


def go_duration(seconds: float) -> str:
    """`4w`, `30d`, `1h4m`: years and weeks only where nothing is left over (prometheus/common, model.Duration)."""
    left = round(seconds * 1000)
    text = ""
    for unit, size in _UNITS_MS:
        if unit in ("y", "w") and left % size:
            continue
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
