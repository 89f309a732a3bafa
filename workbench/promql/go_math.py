"""Functions of Go's math package, bit for bit as Prometheus on amd64 computes them (golang/go, src/math).

`exp` is the routine for processors with fused multiply-add, `log` the one in assembly; the others are the portable ones, after
Cephes and FreeBSD's msun. numpy's own functions differ in the last bit here and there, and a threshold may lie on that bit.
"""

from __future__ import annotations

import numpy as np

from workbench.promql.vector import BoolArray
from workbench.telemetry.series import FloatArray

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_L = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_SPLIT = 2.0**27 + 1
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)


def _fused(a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
    """The fused a x b + c, with one rounding: error-free products and sums, and a sum rounded to odd (Boldo, Melquiond 2008)."""
    product, product_rest = _product(a, b)
    sum_high, sum_low = _sum(c, product_rest)
    high, low = _sum(product, sum_high)
    rest, lost = _sum(sum_low, low)
    even = (np.ascontiguousarray(rest).view(np.uint64) & np.uint64(1)) == 0
    odd = np.where((lost != 0) & even, np.nextafter(rest, np.copysign(np.inf, lost)), rest)
    result: FloatArray = high + odd
    return result


def _sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


def _product(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    total = a * b
    a_high, b_high = a * _SPLIT, b * _SPLIT
    a_high, b_high = a_high - (a_high - a), b_high - (b_high - b)
    a_low, b_low = a - a_high, b - b_high
    return total, ((a_high * b_high - total) + a_high * b_low + a_low * b_high) + a_low * b_low


def exp(x: FloatArray) -> FloatArray:
    """math.Exp."""
    x = np.asarray(x, np.float64)
    usable = np.isfinite(x) & (x <= 7.09782712893384e02) & (x > -800)
    given = np.where(usable, x, 0.0)
    power = np.rint(given * 1.4426950408889634073599246810018920)
    rest = _fused(-power, np.full_like(given, 0.69314718055966295651160180568695068359375), given)
    rest = _fused(-power, np.full_like(given, 0.28235290563031577122588448175013436025525412068e-12), rest)
    rest = rest * 0.0625
    series = np.full_like(given, 2.4801587301587301587e-5)
    for term in (1.9841269841269841270e-4, 1.3888888888888888889e-3, 8.3333333333333333333e-3, 4.1666666666666666667e-2):
        series = _fused(series, rest, np.full_like(given, term))
    for term in (1.6666666666666666667e-1, 0.5, 1.0):
        series = _fused(series, rest, np.full_like(given, term))
    value = rest * series
    for _ in range(3):
        value = value * (value + 2.0)
    value = _fused(value + 2.0, value, np.ones_like(given))
    biased = power + 1023
    scaled = np.where(
        biased >= 2047,
        np.inf,
        np.where(
            biased > 0,
            np.ldexp(value, np.clip(power, -1022, 1023).astype(np.int64)),
            np.ldexp(np.ldexp(value, np.clip(biased - 1, -1022, 1023).astype(np.int64)), -1022),
        ),
    )
    scaled = np.where(biased < -52, 0.0, scaled)
    return np.where(usable, scaled, np.where(np.isnan(x), x, np.where(x > 0, np.inf, 0.0)))


def log(x: FloatArray) -> FloatArray:
    """math.Log."""
    x = np.asarray(x, np.float64)
    bits = np.ascontiguousarray(x).view(np.uint64)
    fraction = ((bits & _MANTISSA) | np.uint64(0x3FE0000000000000)).view(np.float64)
    k = ((bits >> np.uint64(52)) & np.uint64(0x7FF)).astype(np.float64) - 1022
    small = ~(fraction > 7.07106781186547524401e-01)
    k = np.where(small, k - 1, k)
    f = np.where(small, fraction * 2.0, fraction) - 1.0
    s = f / (2.0 + f)
    s2 = s * s
    s4 = s2 * s2
    odd = s2 * (_L[0] + s4 * (_L[2] + s4 * (_L[4] + s4 * _L[6])))
    even = s4 * (_L[1] + s4 * (_L[3] + s4 * _L[5]))
    half = 0.5 * f * f
    result = k * _LN2_HIGH - ((half - (s * (half + (odd + even)) + k * _LN2_LOW)) - f)
    result = np.where(x == 0, -np.inf, np.where(x < 0, np.nan, result))
    return np.where(np.isnan(x) | (x == np.inf), x, result)


def log10(x: FloatArray) -> FloatArray:
    """math.Log10."""
    return log(x) * 0.434294481903251827651128918916605082


def log2(x: FloatArray) -> FloatArray:
    """math.Log2."""
    fraction, exponent = np.frexp(np.asarray(x, np.float64))
    result: FloatArray = log(fraction) * 1.44269504088896340735992468100189214 + exponent
    return np.where(fraction == 0.5, exponent - 1.0, result)


def log1p(x: FloatArray) -> FloatArray:
    """math.Log1p."""
    x = np.asarray(x, np.float64)
    size = np.abs(x)
    near = (size < 4.142135623730950488017e-01) & (x > -2.928932188134524755992e-01)
    u = np.where(size < 2.0**53, 1.0 + x, x)
    bits = np.ascontiguousarray(np.where(u > 0, u, 1.0)).view(np.uint64)
    k = (bits >> np.uint64(52)).astype(np.float64) - 1023
    c = np.where(size < 2.0**53, np.where(k > 0, 1.0 - (u - x), x - (u - 1.0)) / u, 0.0)
    mantissa = bits & _MANTISSA
    low = mantissa < np.uint64(0x0006A09E667F3BCD)
    k = np.where(near, 0.0, np.where(low, k, k + 1))
    ones = np.where(low, np.uint64(0x3FF0000000000000), np.uint64(0x3FE0000000000000))
    f = np.where(near, x, (mantissa | ones).view(np.float64) - 1.0)
    exact = ~near & np.where(low, mantissa == 0, ((np.uint64(0x0010000000000000) - mantissa) >> np.uint64(2)) == 0)
    half = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    r = z * (_L[0] + z * (_L[1] + z * (_L[2] + z * (_L[3] + z * (_L[4] + z * (_L[5] + z * _L[6]))))))
    carried = k * _LN2_LOW + c
    result = np.where(near, f - (half - s * (half + r)), k * _LN2_HIGH - ((half - (s * (half + r) + carried)) - f))
    third = half * (1.0 - 0.66666666666666666 * f)
    simple = np.where(f == 0, np.where(k == 0, 0.0, k * _LN2_HIGH + carried), k * _LN2_HIGH - ((third - carried) - f))
    result = np.where(exact, np.where((k == 0) & (f != 0), f - third, simple), result)
    result = np.where(size < 2.0**-29, np.where(size < 2.0**-54, x, x - x * x * 0.5), result)
    result = np.where(x == -1, -np.inf, np.where(x == np.inf, np.inf, result))
    return np.where((x < -1) | np.isnan(x), np.nan, result)


def power(x: FloatArray, y: FloatArray) -> FloatArray:
    """math.Pow."""
    x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    size = np.abs(y)
    rest, whole = np.modf(np.where(np.isfinite(size), size, 0.0))
    far = whole >= 2.0**63
    usable = np.isfinite(x) & (x != 0) & np.isfinite(y) & ~far & ~((rest != 0) & (x < 0))
    up = rest > 0.5
    rest, whole = np.where(up, rest - 1, rest), np.where(up, whole + 1, whole)
    value = np.where(usable & (rest != 0), exp(np.where(usable, rest * log(np.where(usable, x, 1.0)), 0.0)), 1.0)
    value = _repeated(np.where(usable, x, 1.0), np.where(usable, whole, 0.0), value, y < 0)
    value = np.where(y == 0.5, np.sqrt(x), np.where(y == -0.5, 1 / np.sqrt(x), value))
    large = np.where((np.abs(x) < 1) == (y > 0), 0.0, np.inf)
    value = np.where(
        far | np.isinf(y), np.where(x == -1, 1.0, large), np.where(~far & (np.modf(size)[0] != 0) & (x < 0), np.nan, value)
    )
    value = np.where(np.isinf(x) & ~np.isinf(y), _of_edge(np.copysign(0.0, x), -y), value)
    value = np.where((x == 0) & (y != 0), _of_edge(x, y), value)
    value = np.where(np.isnan(x) | np.isnan(y), np.nan, value)
    return np.where((y == 0) | (x == 1), 1.0, np.where(y == 1, x, value))


def _repeated(x: FloatArray, times: FloatArray, value: FloatArray, inverse: BoolArray) -> FloatArray:
    """The product value x x^times, by squaring fractions and adding up exponents."""
    base, exponent = np.frexp(x)
    exponent = exponent.astype(np.int64)
    total = np.zeros(x.shape, np.int64)
    bits = times.astype(np.uint64)
    while np.any(bits):
        beyond = (bits != 0) & (np.abs(exponent) > 1 << 12)
        total = np.where(beyond, total + exponent, total)
        bits = np.where(beyond, np.uint64(0), bits)
        one = (bits & np.uint64(1)) == 1
        value, total = np.where(one, value * base, value), np.where(one, total + exponent, total)
        more = bits != 0
        base = np.where(more, base * base, base)
        exponent = np.where(more, exponent << 1, exponent)
        low = more & (base < 0.5)
        base, exponent = np.where(low, base + base, base), np.where(low, exponent - 1, exponent)
        bits = bits >> np.uint64(1)
    value, total = np.where(inverse, 1 / value, value), np.where(inverse, -total, total)
    result: FloatArray = np.ldexp(value, np.clip(total, -5000, 5000))
    return result


def _of_edge(zero: FloatArray, y: FloatArray) -> FloatArray:
    """Zero to the power of y."""
    odd = (np.abs(y) < 2.0**53) & (np.fmod(np.where(np.isfinite(y), y, 0.0), 2) != 0) & (np.rint(y) == y)
    sign = np.where(odd & np.signbit(zero), -1.0, 1.0)
    return np.where(y < 0, sign * np.inf, np.where(y > 0, sign * 0.0, 1.0))
