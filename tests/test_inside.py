"""The chance that a point lies in a circle: against the non-central chi-square, against a plain sum over rays, and at the edges of the rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ncx2

from detector.inside import SIGMA_R68, SIGMA_R95, chance_permille, mean_permille, probability


def chance(away: int, radius: float, accuracy: float | None, wide: bool = False) -> int:
    error = math.nan if accuracy is None else accuracy
    return int(chance_permille(np.array([away]), np.array([radius]), np.array([error]), np.array([wide]))[0])


def test_it_is_the_non_central_chi_square() -> None:
    """Squared distance over variance has that distribution, with two degrees of freedom: another way to the same number."""
    rng = np.random.default_rng(115)
    n = 20_000
    radius = rng.choice([1.0, 20.0, 100.0, 150.0, 300.0, 2000.0, 50_000.0], n)
    sigma = 10 ** rng.uniform(-0.3, 2.5, n)
    away = np.maximum(0, np.rint(radius + rng.normal(0, 2.5, n) * sigma))
    away[::50], away[1::50] = 0, radius[1::50]  # in the middle, and on the edge
    expected = ncx2.cdf((radius / sigma) ** 2, 2, (away / sigma) ** 2)
    ours = probability(away, radius, sigma)
    sure = np.isfinite(expected) & (radius / sigma < 2000)  # beyond, it is scipy's series that loses digits
    assert sure.sum() > 15_000
    assert np.abs(ours - expected)[sure].max() < 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.sampled_from([30.0, 150.0, 200.0]), st.floats(20.0, 200.0))
def test_it_is_the_sum_over_rays(away: int, radius: float, sigma: float) -> None:
    """The integral as it is defined, ray by ray from the point, by the midpoint rule."""
    angle = (np.arange(400_000) + 0.5) * 2 * np.pi / 400_000
    half = radius**2 - (away * np.sin(angle)) ** 2
    root = np.sqrt(np.maximum(half, 0.0))
    near, far = away * np.cos(angle) - root, away * np.cos(angle) + root
    met = (half > 0) & (far > 0)
    near = np.maximum(near, 0.0)
    shares = np.where(met, np.exp(-(near**2) / 2 / sigma**2) - np.exp(-(far**2) / 2 / sigma**2), 0.0)
    ours = probability(np.array([float(away)]), np.array([radius]), np.array([sigma]))[0]
    assert abs(ours - shares.mean()) < 2e-6  # the midpoint rule meets the edge of the circle from outside


def test_in_the_middle_it_has_a_closed_form() -> None:
    sigma = np.linspace(5, 500, 300)
    ours = probability(np.zeros(300), np.full(300, 150.0), sigma)
    assert np.abs(ours + np.expm1(-(150.0**2) / 2 / sigma**2)).max() < 1e-13


@pytest.mark.parametrize("kind, sigma, share", [(False, SIGMA_R68, 680), (True, SIGMA_R95, 950)])
def test_a_place_as_wide_as_the_accuracy_holds_the_share_that_the_accuracy_promises(
    kind: bool, sigma: float, share: int
) -> None:
    assert chance(0, 80.0, 80.0, kind) == share
    assert abs(1 - math.exp(-1 / (2 * sigma**2)) - share / 1000) < 1e-12


def test_without_an_accuracy_the_point_decides() -> None:
    assert [chance(d, 150.0, None) for d in (0, 150, 151)] == [1000, 1000, 0]


def test_beyond_six_sigma_it_is_sure() -> None:
    sigma = 10 * SIGMA_R68
    far = math.ceil(6 * sigma)
    assert chance(150 + far, 150.0, 10.0) == 0 and chance(150 - far, 150.0, 10.0) == 1000
    # the limit is no cliff: what is left out is less than half a permille
    assert probability(np.array([150 + 6 * sigma]), np.array([150.0]), np.array([sigma]))[0] < 1e-8


def test_a_point_outside_is_never_as_likely_as_not() -> None:
    for accuracy in (1.0, 10.0, 150.0, 200.0):
        assert chance(151, 150.0, accuracy) < 500


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.sampled_from([1.0, 100.0, 150.0]), st.sampled_from([None, 3.0, 50.0, 199.5]), st.booleans()), max_size=40))  # fmt: skip
def test_many_at_once_are_as_each_alone(rows: list[tuple[int, float, float | None, bool]]) -> None:
    away, radius, error, wide = (np.array(x) for x in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 4
    errors = np.array([math.nan if e is None else e for e in error.tolist()])
    together = chance_permille(
        away.astype(np.int64), radius.astype(np.float64), errors.astype(np.float64), wide.astype(np.bool_)
    )
    assert together.tolist() == [chance(*row) for row in rows]


def test_a_mean_is_rounded_half_up() -> None:
    assert mean_permille(np.array([999, 1000, 5]), np.array([2, 2, 3])).tolist() == [500, 500, 2]
