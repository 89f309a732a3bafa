"""Random numbers one at a time, drawn in blocks: a call of numpy for each number would cost more than a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from workbench.rng import stream
from workbench.scenario.schema.base import Lognormal
from workbench.telemetry.series import FloatArray

Draw = Callable[[], float]
"""The next number of a stream."""
Law = Callable[[np.random.Generator, int], FloatArray]
"""Draws so many numbers."""
_BLOCK = 4096


def uniforms(seed: int, *names: str | int) -> Draw:
    """Numbers uniform in [0, 1) of the stream with these names."""
    rng = stream(seed, *names)
    return _one_by_one(lambda: rng.random(_BLOCK))


def lognormals(law: Lognormal, seed: int, *names: str | int) -> Draw:
    """Seconds from a lognormal law, of the stream with these names."""
    rng = stream(seed, *names)
    return _one_by_one(lambda: law.median * np.exp(law.sigma * rng.standard_normal(_BLOCK)))


def exponentials(seed: int, *names: str | int) -> Draw:
    """Exponential numbers of mean 1, of the stream with these names."""
    rng = stream(seed, *names)
    return _one_by_one(lambda: rng.standard_exponential(_BLOCK))


def drawn(law: Law, seed: int, *names: str | int) -> Draw:
    """Numbers of any law, of the stream with these names."""
    rng = stream(seed, *names)
    return _one_by_one(lambda: law(rng, _BLOCK))


def _one_by_one(block: Callable[[], FloatArray]) -> Draw:
    def numbers() -> Iterator[float]:
        while True:
            yield from block().tolist()

    return numbers().__next__


class Codes:
    """Draws one of some status codes."""

    __slots__ = ("_codes", "_upto")

    def __init__(self, shares: Sequence[tuple[str, float]]) -> None:
        """`shares` need not add up to 1; only their proportions count. There is at least one."""
        total = sum(share for _, share in shares)
        self._codes = tuple(code for code, _ in shares)
        reached, upto = 0.0, []
        for _, share in shares:
            reached += share / total
            upto.append(reached)
        self._upto = tuple(upto)

    def at(self, u: float) -> str:
        """The code for a number uniform in [0, 1)."""
        for code, upto in zip(self._codes, self._upto, strict=True):
            if u < upto:
                return code
        return self._codes[-1]
