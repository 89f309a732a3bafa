"""Named random streams.

A stream is keyed by the seed and a path of names, never by order of use: a policy that draws more or less leaves every other
stream as it was, so two policies meet the same incidents (common random numbers).
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of one name: the same bits for the same (seed, names) in every process and at every hash seed."""
    text = "\x1f".join([str(seed), *(str(name) for name in names)])
    key = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")
    return np.random.Generator(np.random.PCG64DXSM(key))
