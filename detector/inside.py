"""The chance that a measured point lay inside a circle, given its error (``docs/rules.md`` section 1).

The true point is spread around the measured one as a round normal distribution. Its chance to lie in a circle is the integral over the rays from the
measured point: along a ray at angle φ that meets the circle at r it is ``1 - exp(-r²/2σ²)``. Written over the angle t at the *centre* of the circle
instead (``r² = R² + d² - 2Rd cos t``) the same integral has no singularity, inside as outside:

    P = 1/π ∫₀^π (1 - exp(-r²/2σ²)) / r² · R (R - d cos t) dt

Where the exponential is nothing any more, what is left of the ray integral is an angle in closed form; so a fixed number of nodes is exact
for a circle of any size.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from detector.arrays import Bools, Ints

#: sigma of a stated accuracy of 1 m: two coordinates of a round normal lie within k sigma with probability 1 - exp(-k²/2)
SIGMA_R68 = 1 / math.sqrt(-2 * math.log(0.32))
SIGMA_R95 = 1 / math.sqrt(-2 * math.log(0.05))
#: further than this many sigma from the edge the chance is 0 or 1 to eight digits
_BAND = 6.0
#: where exp(-r²/2σ²) has fallen below the last digit of a float
_REACH = 9.0
_AT, _WEIGHT = np.polynomial.legendre.leggauss(64)
#: circles integrated at once, which bounds the memory
_BLOCK = 16_384


def probability(
    away: NDArray[np.float64], radius: NDArray[np.float64], sigma: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the chance that a point lies in a circle.

    Parameters
    ----------
    away : float array
        Distance of the measured point from the centre, m, 0 or more.
    radius : float array
        Radius of the circle, m, above 0.
    sigma : float array
        Standard deviation of each coordinate, m, above 0.

    Returns
    -------
    float array
        Between 0 and 1, right to 1e-12.
    """
    d, big = away / sigma, radius / sigma
    middle = np.sqrt(d * big)
    half = np.arcsin(np.minimum(_REACH / (2 * np.maximum(middle, _REACH / 2)), 1.0))
    stop = 2 * half  # the angle up to which the exponential counts; π for a small circle
    t = stop[:, None] * (_AT + 1) / 2
    chord = 2 * np.sin(t / 2) ** 2  # 1 - cos t, without cancelling
    low = (big - d)[:, None]
    square = low**2 + 2 * (d * big)[:, None] * chord
    s = square / 2
    share = np.where(s > 1e-9, -np.expm1(-s) / np.where(s > 0, s, 1.0), 1 - s / 2)
    rays = share * big[:, None] * (low + d[:, None] * chord) / 2
    near = stop / 2 * (rays @ _WEIGHT)
    rest = np.pi - np.arctan2(big * np.sin(stop), big * np.cos(stop) - d)
    rest[stop >= np.pi] = 0.0
    return np.asarray(np.clip((near + rest) / np.pi, 0.0, 1.0))


def chance_permille(away_m: Ints, radius_m: NDArray[np.float64], accuracy_m: NDArray[np.float64], wide: Bools) -> Ints:
    """Return the chance of each point to have been inside its circle, in permille, rounded half up.

    Parameters
    ----------
    away_m : int64 array
        Distance from the centre in whole metres.
    radius_m, accuracy_m : float array
        Radius of the circle and stated accuracy in metres, NaN where no accuracy is known: then it is 1000 if the point lies in the circle, else 0.
    wide : bool array
        The accuracy is one of 95 % (or a bounding radius); else of 68 %.
    """
    out = np.where(away_m <= radius_m, 1000, 0).astype(np.int64)
    sigma = accuracy_m * np.where(wide, SIGMA_R95, SIGMA_R68)
    at = np.flatnonzero(np.abs(away_m - radius_m) <= _BAND * sigma)  # NaN is never in the band
    if not len(at):
        return out
    # equal circles and errors are integrated once: phones round both
    sizes, size = np.unique(radius_m[at], return_inverse=True)
    errors, error = np.unique(accuracy_m[at], return_inverse=True)
    far = int(away_m[at].max()) + 1
    key = ((error.astype(np.int64) * len(sizes) + size) * 2 + wide[at]) * far + away_m[at]
    keys, whose = np.unique(key, return_inverse=True)
    d, rest = keys % far, keys // far
    w, rest = rest % 2 == 1, rest // 2
    big, a = sizes[rest % len(sizes)], errors[rest // len(sizes)]
    spread = a * np.where(w, SIGMA_R95, SIGMA_R68)
    parts = [slice(i, i + _BLOCK) for i in range(0, len(keys), _BLOCK)]
    p = np.concatenate([probability(d[i].astype(np.float64), big[i], spread[i]) for i in parts])
    out[at] = np.floor(1000 * p + 0.5).astype(np.int64)[whose]
    return out


def mean_permille(total: Ints, number: Ints) -> Ints:
    """Return the mean of whole permilles, rounded half up."""
    return np.asarray((2 * total + number) // (2 * number), np.int64)
