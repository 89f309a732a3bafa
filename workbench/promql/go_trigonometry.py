"""Trigonometric and hyperbolic functions of Go's math package, bit for bit (golang/go, src/math, after Cephes and msun)."""

from __future__ import annotations

import math

import numpy as np

from workbench.promql.go_math import exp, log, log1p
from workbench.promql.vector import BoolArray
from workbench.telemetry.series import FloatArray

_SIN = (
    1.58962301576546568060e-10,
    -2.50507477628578072866e-8,
    2.75573136213857245213e-6,
    -1.98412698295895385996e-4,
    8.33333333332211858878e-3,
    -1.66666666666666307295e-1,
)
_COS = (
    -1.13585365213876817300e-11,
    2.08757008419747316778e-9,
    -2.75573141792967388112e-7,
    2.48015872888517045348e-5,
    -1.38888888888730564116e-3,
    4.16666666666665929218e-2,
)
_QUARTER = (7.85398125648498535156e-1, 3.77489470793079817668e-8, 2.69515142907905952645e-15)
"""Pi / 4 in three parts."""
_TAN_P = (-1.30936939181383777646e4, 1.15351664838587416140e6, -1.79565251976484877988e7)
_TAN_Q = (1.36812963470692954678e4, -1.32089234440210967447e6, 2.50083801823357915839e7, -5.38695755929454629881e7)
_ATAN_P = (
    -8.750608600031904122785e-01,
    -1.615753718733365076637e01,
    -7.500855792314704667340e01,
    -1.228866684490136173410e02,
    -6.485021904942025371773e01,
)
_ATAN_Q = (
    2.485846490142306297962e01,
    1.650270098316988542046e02,
    4.328810604912902668951e02,
    4.853903996359136964868e02,
    1.945506571482613964425e02,
)
_SINH_P = (
    -0.6307673640497716991184787251e6,
    -0.8991272022039509355398013511e5,
    -0.2894211355989563807284660366e4,
    -0.2630563213397497062819489e2,
)
_SINH_Q = (-0.6307673640497716991212077277e6, 0.1521517378790019070696485176e5, -0.173678953558233699533450911e3)
_TANH_P = (-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
_TANH_Q = (1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3)
_FOUR_OVER_PI = int(
    "145f306dc9c882a53f84eafa3ea69bb81b6c52b3278872083fca2c757bd778ac36e48dc74849ba5c00c925dd413a32439fc3bd63962534e7dd1046bea5d768909"
    "d338e04d68befc827323ac7306a673e93908bf177bf250763ff12fffbc0b301fde5e2316b414da3eda6cfd9e4f96136e9e8c7ecd3cbfd45aea4f758fd7cbe2f6"
    "7a0e73ef14a525d4d7f6bf623f1aba10ac06608df8f6d757",
    16,
)
_FAR = 2.0**29


def _horner(x: FloatArray, terms: tuple[float, ...]) -> FloatArray:
    total: FloatArray = terms[0] * x + terms[1]
    for term in terms[2:]:
        total = total * x + term
    return total


def _monic(x: FloatArray, terms: tuple[float, ...]) -> FloatArray:
    total: FloatArray = x + terms[0]
    for term in terms[1:]:
        total = total * x + term
    return total


def _reduced(size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The octant, even, and the distance from it."""
    octant = np.floor(np.where(size < _FAR, size, 0.0) * (4 / math.pi))
    octant = octant + np.fmod(octant, 2)
    z = ((size - octant * _QUARTER[0]) - octant * _QUARTER[1]) - octant * _QUARTER[2]
    j = np.fmod(octant, 8)
    for at in np.argwhere(np.isfinite(size) & (size >= _FAR)):
        j[tuple(at)], z[tuple(at)] = _payne_hanek(float(size[tuple(at)]))
    return j, z


def _payne_hanek(x: float) -> tuple[float, float]:
    """The same for a large number, by many bits of 4 / pi."""
    fraction, exponent = math.frexp(x)
    mantissa, shift = int(fraction * 2**53), exponent - 53
    digit, offset = divmod(shift + 61, 64)
    words = [(_FOUR_OVER_PI << 64 >> (64 * (20 - at))) & (2**64 - 1) for at in range(digit, digit + 4)]
    z0, z1, z2 = (((words[at] << offset) | (words[at + 1] >> (64 - offset))) & (2**64 - 1) for at in range(3))
    total = ((z0 * mantissa & (2**64 - 1)) << 64) + z1 * mantissa + (z2 * mantissa >> 64)
    total &= 2**128 - 1
    octant = total >> 125
    bits = (total << 3) & (2**128 - 1)
    high = bits >> 64
    zeros = 64 - high.bit_length()
    kept = ((bits << (zeros + 1)) & (2**128 - 1)) >> 64 >> 12
    z = math.ldexp(1 + kept / 2**52, -(zeros + 1))
    if octant & 1:
        octant, z = (octant + 1) & 7, z - 1
    return float(octant), z * (math.pi / 4)


def _wave(z: FloatArray, cosine: BoolArray) -> FloatArray:
    zz = z * z
    return np.where(cosine, 1.0 - 0.5 * zz + zz * zz * _horner(zz, _COS), z + z * zz * _horner(zz, _SIN))


def sin(x: FloatArray) -> FloatArray:
    """math.Sin."""
    j, z = _reduced(np.abs(x))
    negative = (x < 0) ^ (j > 3)
    j = np.where(j > 3, j - 4, j)
    y = _wave(z, (j == 1) | (j == 2))
    return np.where(np.isinf(x), np.nan, np.where((x == 0) | np.isnan(x), x, np.where(negative, -y, y)))


def cos(x: FloatArray) -> FloatArray:
    """math.Cos."""
    j, z = _reduced(np.abs(x))
    negative = j > 3
    j = np.where(negative, j - 4, j)
    negative ^= j > 1
    y = _wave(z, ~((j == 1) | (j == 2)))
    return np.where(np.isfinite(x), np.where(negative, -y, y), np.nan)


def tan(x: FloatArray) -> FloatArray:
    """math.Tan."""
    j, z = _reduced(np.abs(x))
    zz = z * z
    y = np.where(zz > 1e-14, z + z * (zz * _horner(zz, _TAN_P) / _monic(zz, _TAN_Q)), z)
    y = np.where(np.fmod(j, 4) >= 2, -1 / y, y)
    return np.where(np.isinf(x), np.nan, np.where((x == 0) | np.isnan(x), x, np.where(x < 0, -y, y)))


def _small_atan(x: FloatArray) -> FloatArray:
    z = x * x
    z = z * _horner(z, _ATAN_P) / _monic(z, _ATAN_Q)
    result: FloatArray = x * z + x
    return result


def _positive_atan(x: FloatArray) -> FloatArray:
    more = 6.123233995736765886130e-17
    large = math.pi / 2 - _small_atan(1 / x) + more
    middle = math.pi / 4 + _small_atan((x - 1) / (x + 1)) + 0.5 * more
    return np.where(x <= 0.66, _small_atan(x), np.where(x > 2.41421356237309504880, large, middle))


def atan(x: FloatArray) -> FloatArray:
    """math.Atan."""
    return np.where(x == 0, x, np.where(x > 0, _positive_atan(np.abs(x)), -_positive_atan(np.abs(x))))


def atan2(y: FloatArray, x: FloatArray) -> FloatArray:
    """math.Atan2."""
    y, x = np.broadcast_arrays(np.asarray(y, np.float64), np.asarray(x, np.float64))
    q = atan(y / x)
    result = np.where(x < 0, np.where(q <= 0, q + math.pi, q - math.pi), q)
    size = np.where(np.isinf(y), math.pi / 2, np.nan)
    size = np.where(
        np.isinf(x), np.where(x > 0, np.where(np.isinf(y), math.pi / 4, 0.0), np.where(np.isinf(y), 3 * math.pi / 4, math.pi)), size
    )
    size = np.where(x == 0, math.pi / 2, size)
    size = np.where(y == 0, np.where(np.signbit(x), math.pi, 0.0), size)
    special = np.isinf(x) | np.isinf(y) | (x == 0) | (y == 0)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, np.where(special, np.copysign(size, y), result))


def asin(x: FloatArray) -> FloatArray:
    """math.Asin."""
    size = np.abs(x)
    root = np.sqrt(1 - size * size)
    angle = np.where(size > 0.7, math.pi / 2 - _positive_atan(root / size), _positive_atan(size / root))
    return np.where(x == 0, x, np.where(size > 1, np.nan, np.where(x < 0, -angle, angle)))


def acos(x: FloatArray) -> FloatArray:
    """math.Acos."""
    return math.pi / 2 - asin(x)


def sinh(x: FloatArray) -> FloatArray:
    """math.Sinh."""
    size = np.abs(x)
    grown, square = exp(size), size * size
    near = (((_SINH_P[3] * square + _SINH_P[2]) * square + _SINH_P[1]) * square + _SINH_P[0]) * size
    near = near / (((square + _SINH_Q[2]) * square + _SINH_Q[1]) * square + _SINH_Q[0])
    value = np.where(size > 21, grown * 0.5, np.where(size > 0.5, (grown - 1 / grown) * 0.5, near))
    return np.where(x < 0, -value, value)


def cosh(x: FloatArray) -> FloatArray:
    """math.Cosh."""
    size = np.abs(x)
    grown = exp(size)
    return np.where(size > 21, grown * 0.5, (grown + 1 / grown) * 0.5)


def tanh(x: FloatArray) -> FloatArray:
    """math.Tanh."""
    size = np.abs(x)
    far = 1 - 2 / (exp(2 * size) + 1)
    square = x * x
    near = x + x * square * _horner(square, _TANH_P) / _monic(square, _TANH_Q)
    value = np.where(size >= 0.625, np.where(x < 0, -far, far), near)
    value = np.where(size > 0.5 * 8.8029691931113054295988e01, np.where(x < 0, -1.0, 1.0), value)
    return np.where(x == 0, x, value)


def asinh(x: FloatArray) -> FloatArray:
    """math.Asinh."""
    size = np.abs(x)
    value = np.where(size > 2.0**28, log(size) + 6.93147180559945286227e-01, log(2 * size + 1 / (np.sqrt(size * size + 1) + size)))
    near = log1p(size + size * size / (1 + np.sqrt(1 + size * size)))
    value = np.where(size > 2, value, np.where(size < 2.0**-28, size, near))
    return np.where(np.isfinite(x), np.where(x < 0, -value, value), x)


def acosh(x: FloatArray) -> FloatArray:
    """math.Acosh."""
    far = np.where(x >= 2.0**28, log(x) + math.log(2), log(2 * x - 1 / (x + np.sqrt(x * x - 1))))
    t = x - 1
    value = np.where(x > 2, far, log1p(t + np.sqrt(2 * t + t * t)))
    return np.where((x < 1) | np.isnan(x), np.nan, np.where(x == 1, 0.0, value))


def atanh(x: FloatArray) -> FloatArray:
    """math.Atanh."""
    size = np.abs(x)
    twice = size + size
    value = np.where(size < 0.5, 0.5 * log1p(twice + twice * size / (1 - size)), 0.5 * log1p((size + size) / (1 - size)))
    value = np.where(size < 2.0**-28, size, value)
    value = np.where(x < 0, -value, value)
    return np.where(np.abs(x) == 1, np.copysign(np.inf, x), np.where((size > 1) | np.isnan(x), np.nan, value))
