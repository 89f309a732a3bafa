"""One number: what theory says, what was found, how far apart they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

WITHIN = 4.5
"""Largest deviate that is still chance: one line in 150,000 lies beyond it, one page of a hundred lines in 1,500."""


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    parameters: str
    figure: str
    theory: float
    found: float
    error: float = 0.0
    """Standard error of what was found; 0 for what is computed and not drawn."""
    z: float | None = None
    """Normal deviate; None for what is computed."""
    allowed: float = 0.0
    """For what is computed: largest relative difference, the stated precision of the method."""
    slack: float = 0.0
    """A stated absolute difference that is allowed as well."""

    @property
    def agrees(self) -> bool:
        """Within chance, or within the stated precision."""
        if self.z is not None:
            return abs(self.z) <= WITHIN
        return abs(self.found - self.theory) <= self.allowed * abs(self.theory) + self.slack + 1e-12

    def __str__(self) -> str:
        """For the message of a test that fails."""
        chance = f"z {self.z:.2f}" if self.z is not None else f"allowed {self.allowed:.1%} and {self.slack:g}"
        return f"{self.parameters}, {self.figure}: theory {self.theory:.6g}, found {self.found:.6g} +- {self.error:.2g}, {chance}"


def sampled(parameters: str, figure: str, theory: float, samples: Sequence[float]) -> Line:
    """The mean of some independent runs. Student's t of so few runs is turned to the normal deviate of the same probability."""
    values = np.asarray(samples, np.float64)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    off = mean - theory
    if error == 0:
        return Line(parameters, figure, theory, mean, 0.0, 0.0 if off == 0 else math.inf)
    z = math.copysign(-float(norm.ppf(t.sf(abs(off / error), len(values) - 1))), off)
    return Line(parameters, figure, theory, mean, error, z)


def counted(parameters: str, figure: str, theory: float, found: float, error: float) -> Line:
    """A number whose standard error is known."""
    return Line(parameters, figure, theory, found, error, (found - theory) / error)


def computed(parameters: str, figure: str, theory: float, found: float, allowed: float, slack: float = 0.0) -> Line:
    """A number that is computed, and may be off by a stated share and a stated difference."""
    return Line(parameters, figure, theory, found, allowed=allowed, slack=slack)
