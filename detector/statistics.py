"""Intervals and tests of the indicators: exact where the page says exact, and the same on every machine.

Floats appear here and nowhere else among the indicators. What is compared or printed leaves as a whole number: rounded in the direction that the page
names, and where a float lies too close to the number that decides, the decision is made once more in whole numbers (:func:`at_most`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import lgamma, log, log1p

import numpy as np

from detector.arrays import Ints

#: the 97.5 % quantile of the standard normal distribution
Z95 = 1.959963984540054
#: a rounded bound closer than this to a whole number (relatively) is decided in whole numbers
_CLOSE = 1e-7
#: scores are kept as whole millionths
MILLION = 1_000_000


# -- the binomial distribution ------------------------------------------------------------------------------------------


def at_most(k: int, n: int, p: tuple[int, int], level: tuple[int, int]) -> bool:
    """Return whether ``P(X <= k) <= level`` for X binomial (n, p), in whole numbers.

    Parameters
    ----------
    k, n : int
        Successes and trials, ``0 <= k <= n``.
    p, level : tuple of int
        Numerator and denominator.
    """
    top, bottom = p
    rest = bottom - top
    # the sum of comb(n, i) top^i rest^(n - i) for i <= k, by Horner's rule in rest / top
    total = term = 1
    for i in range(1, k + 1):
        term = term * (n - i + 1) * top // i
        total = total * rest + term
    total *= rest ** (n - k)
    return bool(total * level[1] <= level[0] * bottom**n)


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction of the incomplete beta function (modified Lentz)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1.0 / (d if abs(d) > tiny else tiny)
    h = d
    for m in range(1, 100_000):
        for term in (m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                     -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):  # fmt: skip
            d = 1.0 + term * d
            c = 1.0 + term / c
            d = 1.0 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            h *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return h


def beta_share(a: float, b: float, x: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b), for a, b > 0.

    ``I_p(k, n - k + 1)`` is the chance of k or more successes in n trials.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return min(1.0, front * _fraction(a, b, x) / a)
    return max(0.0, 1.0 - front * _fraction(b, a, 1.0 - x) / b)


def beta_quantile(a: float, b: float, share: float) -> float:
    """Return x with I_x(a, b) = share, 0 < share < 1: Newton's method, kept inside a bracket by bisection."""
    low, high = 0.0, 1.0
    x = a / (a + b)
    norm = lgamma(a + b) - lgamma(a) - lgamma(b)
    for _ in range(400):
        miss = beta_share(a, b, x) - share
        if miss == 0.0:
            return x
        low, high = (x, high) if miss < 0 else (low, x)
        slope = math.exp(norm + (a - 1) * log(x) + (b - 1) * log1p(-x)) if 0.0 < x < 1.0 else 0.0
        step = x - miss / slope if slope > 0.0 else -1.0
        # near 0 a mean of the ends would take a thousand rounds to reach a share of 1e-300: halve the exponent instead
        middle = math.sqrt(low * high) if low > 0.0 and high / low > 4.0 else (low + high) / 2
        new = step if low < step < high else middle
        if abs(new - x) <= 1e-13 * x:
            return new
        x = new
    return x


@lru_cache(maxsize=65_536)
def clopper_pearson(k: int, n: int) -> tuple[float, float]:
    """Return the exact two-sided 95 % interval of a share k of n.

    Source: Clopper & Pearson 1934, Biometrika 26:404-413.

    Raises
    ------
    ValueError
        Unless ``0 <= k <= n``.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no share")
    low = 0.0 if k == 0 else beta_quantile(k, n - k + 1, 0.025)
    high = 1.0 if k == n else beta_quantile(k + 1, n - k, 0.975)
    return low, high


def _floor(value: float, holds: Callable[[int], bool]) -> int:
    """Return the largest whole number that holds, given a float near the edge: ``holds`` is true up to the edge and false above it."""
    near = round(value)
    if abs(value - near) > _CLOSE * max(1.0, abs(value)):
        return math.floor(value)
    return near if holds(near) else near - 1


@lru_cache(maxsize=65_536)
def rate_ratio_permille(a: int, b: int) -> tuple[int, int | None]:
    """Return the exact conditional 95 % interval of the ratio of two rates over equal times, in permille.

    Parameters
    ----------
    a, b : int
        Occasions in the one time and in the other.

    Returns
    -------
    tuple
        Low, rounded down; high, rounded up, None where it has no bound (b = 0).

    Notes
    -----
    Given a + b, a is binomial with p, and the ratio is p / (1 - p): the interval is that of Clopper and Pearson for p, carried over. Source: Przyborowski &
    Wilenski 1940, Biometrika 31:313-323.
    """
    n, (p_low, p_high) = a + b, clopper_pearson(a, a + b)
    # p = r / (r + 1000) where the ratio is r permille. Low: the chance of a or more is at most 0.025 up to the bound
    low = 0
    if a:
        low = _floor(1000 * p_low / (1 - p_low), lambda r: at_most(b, n, (1000, r + 1000), (1, 40)))
    if not b:
        return low, None
    # high: the chance of a or fewer is more than 0.025 below the bound, at most 0.025 from the bound on
    high = 1 + _floor(1000 * p_high / (1 - p_high), lambda r: not at_most(a, n, (r, r + 1000), (1, 40)))
    return low, high


@lru_cache(maxsize=65_536)
def upper95(k: int, n: int) -> float:
    """Return the exact one-sided 95 % upper bound of a share k of n, rounded up to two significant digits.

    0 of 11,873 gives 0.00026. The bound u is the share at which k or fewer have a chance of 5 %: Clopper & Pearson 1934, one-sided.

    Raises
    ------
    ValueError
        Unless ``0 <= k <= n`` and ``n > 0``.
    """
    if not 0 <= k <= n or n == 0:
        raise ValueError(f"{k} of {n} is no share")
    if k == n:
        return 1.0
    bound = beta_quantile(k + 1, n - k, 0.95)
    digits = 1 - math.floor(math.log10(bound))  # decimal places that leave two digits
    scale = int(10**digits)
    edge = 1 + _floor(bound * scale, lambda m: not at_most(k, n, (m, scale), (1, 20)))
    return edge / scale


def wilson_permille(k: int, n: int) -> tuple[int, int]:
    """Return Wilson's 95 % interval of a share k of n (n > 0) in permille: low rounded down, high rounded up, within 0 and 1000.

    Source: Wilson 1927, J American Statistical Association 22:209-212.
    """
    square = Z95 * Z95
    middle = (k + square / 2) / (n + square)
    half = Z95 * math.sqrt(k * (n - k) / n + square / 4) / (n + square)
    low = 0 if k == 0 else math.floor(1000 * (middle - half))
    high = 1000 if k == n else math.ceil(1000 * (middle + half))
    return max(low, 0), min(high, 1000)


# -- trend --------------------------------------------------------------------------------------------------------------


def kendall_variance_18(n: int, ties: Iterable[int]) -> int:
    """Return 18 times the variance of Kendall's S of n values without a trend, ``ties`` being the sizes of the groups of equal values.

    ``n (n - 1) (2 n + 5) - sum t (t - 1) (2 t + 5)``. Source: Kendall 1975, Rank Correlation Methods; Mann 1945, Econometrica 13:245-259.
    """
    return n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)


def trend_p_permille(s: int, variance_18: int) -> int:
    """Return the two-sided chance of an S at least this far from 0 without a trend, in permille, rounded half up.

    Normal approximation with continuity correction, ``z = (|S| - 1) / sd``; 1000 if S or the variance is 0.
    """
    if s == 0 or variance_18 == 0:
        return 1000
    z = (abs(s) - 1) / math.sqrt(variance_18 / 18)
    return math.floor(1000 * math.erfc(z / math.sqrt(2)) + 0.5)


# -- change point -------------------------------------------------------------------------------------------------------


def change_scores(k: Ints, m: Ints, d: Ints, days: Ints) -> Ints:
    """Return the scores of splits in millionths: ``m KL(k/m || d/days)``, in nats, 0 log 0 = 0.

    Parameters
    ----------
    k, m : int64 arrays
        Active days before the split, and all active days (m > 0).
    d, days : int64 arrays
        Days before the split, and all days, ``0 < d < days``.

    Notes
    -----
    If m active days lie anywhere alike among the days, the chance that k or more (k or fewer) of them come before the split is at most ``exp(-score)``:
    Hoeffding 1963, J American Statistical Association 58:13-30, theorem 1 with section 6 (drawing without replacement).
    """
    kf, mf, df, whole = (np.asarray(x, np.float64) for x in (k, m, d, days))
    after, rest = mf - kf, whole - df
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(kf > 0, kf * np.log(kf * whole / (mf * df)), 0.0)
        second = np.where(after > 0, after * np.log(after * whole / (mf * rest)), 0.0)
    return np.asarray(np.rint((first + second) * MILLION), np.int64)


def change_bar(days: Ints, alarm: tuple[int, int]) -> Ints:
    """Return the score, in millionths rounded up, from which a split of so many days is a change.

    ``ln(2 (days - 1) / alarm)``: the union over all splits and both directions, so that active days that lie anywhere alike show a change with a share of at
    most ``alarm`` (numerator, denominator).
    """
    splits = np.maximum(np.asarray(days, np.float64) - 1, 1)
    return np.asarray(np.ceil(np.log(2 * splits * alarm[1] / alarm[0]) * MILLION), np.int64)


def change_alarm_permille(days: int, score: int) -> int:
    """Return the share of false alarms with a score (millionths) at least this high, in permille, rounded up: ``2 (days - 1) exp(-score)``."""
    return math.ceil(2000 * (days - 1) * math.exp(-score / MILLION))
