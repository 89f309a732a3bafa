"""Comparisons with tolerances that come from standard errors."""

from collections.abc import Sequence

import numpy as np


def standard_errors_off(samples: Sequence[float], expected: float, *, bias: float = 0.0) -> float:
    """How many standard errors the mean of independent samples lies from what is expected, up to a known bias."""
    values = np.asarray(samples, dtype=np.float64)
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    off = max(0.0, abs(float(values.mean()) - expected) - bias)
    return off / error if error > 0 else (0.0 if off == 0 else np.inf)


def agrees(samples: Sequence[float], expected: float, *, bias: float = 0.0, within: float = 4.0) -> bool:
    """Whether the mean of independent samples is what is expected, within some standard errors and a known bias."""
    return standard_errors_off(samples, expected, bias=bias) <= within
