"""Intervals and tests of ``detector/statistics.py`` against SciPy, against sums in whole numbers, and against simple enumeration."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from detector import statistics as s

SHARES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_a_share_of_nought_in_the_design() -> None:
    assert s.upper95(0, 11_873) == 0.00026


def test_a_tail_in_whole_numbers() -> None:
    # four tosses of a fair coin: none or one head in 5 of 16
    assert s.at_most(1, 4, (1, 2), (5, 16))
    assert not s.at_most(1, 4, (1, 2), (49, 160))
    assert s.at_most(4, 4, (1, 2), (1, 1))


@given(SHARES, st.integers(1, 99))
def test_tails_are_those_of_the_binomial_distribution(share: tuple[int, int], percent: int) -> None:
    k, n = share
    p = Fraction(percent, 100)
    tail = sum((Fraction(math.comb(n, i)) * p**i * (1 - p) ** (n - i) for i in range(k + 1)), Fraction(0))
    assert s.at_most(k, n, (percent, 100), (tail.numerator, tail.denominator))
    below = tail - Fraction(1, 10**9)
    assert below < 0 or not s.at_most(k, n, (percent, 100), (below.numerator, below.denominator))
    if k < n:
        assert s.beta_share(k + 1, n - k, percent / 100) == pytest.approx(float(1 - tail), rel=1e-9, abs=1e-12)


@given(st.floats(0.5, 5000), st.floats(0.5, 5000), st.floats(0, 1))
def test_the_incomplete_beta_function(a: float, b: float, x: float) -> None:
    assert s.beta_share(a, b, x) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-8, abs=1e-13)


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.sampled_from([0.025, 0.05, 0.5, 0.95, 0.975]))
def test_its_inverse(a: int, b: int, share: float) -> None:
    assert s.beta_quantile(a, b, share) == pytest.approx(stats.beta.ppf(share, a, b), rel=1e-9)


@given(SHARES)
def test_clopper_pearson(share: tuple[int, int]) -> None:
    k, n = share
    wanted = stats.binomtest(k, n).proportion_ci(0.95, "exact")
    assert s.clopper_pearson(k, n) == pytest.approx((wanted.low, wanted.high), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5)])
def test_no_share(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        s.clopper_pearson(k, n)
    with pytest.raises(ValueError, match="no share"):
        s.upper95(k, n)


def test_nought_of_nought_has_no_bound() -> None:
    with pytest.raises(ValueError, match="no share"):
        s.upper95(0, 0)


@given(SHARES)
def test_upper_bounds_are_the_least_of_two_digits(share: tuple[int, int]) -> None:
    k, n = share
    bound = s.upper95(k, n)
    if k == n:
        assert bound == 1.0
        return
    text = f"{bound:.12f}".lstrip("0.").rstrip("0")
    assert len(text) <= 2
    u = Fraction(str(bound))
    assert s.at_most(k, n, (u.numerator, u.denominator), (1, 20))
    # one step of the last digit less, and the chance is above 5 %
    step = Fraction(1, 100)
    while u < step * 10:
        step /= 10
    less = u - step
    assert less <= 0 or not s.at_most(k, n, (less.numerator, less.denominator), (1, 20))


@given(SHARES)
def test_wilson(share: tuple[int, int]) -> None:
    k, n = share
    wanted = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
    low, high = s.wilson_permille(k, n)
    assert low == max(0, math.floor(1000 * wanted.low + 1e-9))
    assert high == min(1000, math.ceil(1000 * wanted.high - 1e-9))
    assert 0 <= low <= 1000 * k / n <= high <= 1000


def test_the_interval_of_a_rate_ratio_by_hand() -> None:
    # one act before, none since: none of one has a chance of 1 - p, which is 2.5 % at p = 0.975: a ratio of 39
    assert s.rate_ratio_permille(0, 1) == (0, 39_000)
    # the mirror: 1 / 39, and no upper bound
    assert s.rate_ratio_permille(1, 0) == (25, None)
    assert s.rate_ratio_permille(0, 0) == (0, None)


@given(st.integers(0, 300), st.integers(0, 300))
def test_the_interval_of_a_rate_ratio(a: int, b: int) -> None:
    low, high = s.rate_ratio_permille(a, b)
    if a:
        # the chance of a or more of a + b at a ratio of low permille is at most 2.5 %, at one permille more it is above
        assert s.at_most(b, a + b, (1000, 1000 + low), (1, 40))
        assert not s.at_most(b, a + b, (1000, 1001 + low), (1, 40))
    else:
        assert low == 0
    assert (high is None) == (b == 0)
    if high is not None:
        assert s.at_most(a, a + b, (high, 1000 + high), (1, 40))
        assert not s.at_most(a, a + b, (high - 1, 999 + high), (1, 40))


def test_edges_are_decided_in_whole_numbers() -> None:
    seen = []

    def holds(m: int) -> bool:
        seen.append(m)
        return m <= 7

    assert s._floor(6.999999999999, holds) == 7
    assert s._floor(8.0, holds) == 7
    assert seen == [7, 8]
    assert s._floor(7.4, holds) == 7
    assert seen == [7, 8], "far from an edge the float is good enough"


@given(st.lists(st.integers(0, 3), min_size=2, max_size=7))
def test_the_variance_of_kendalls_s(values: list[int]) -> None:
    """Over all orders of the values S has mean 0 and this variance."""
    sums = [
        sum((b > a) - (b < a) for a, b in itertools.combinations(order, 2)) for order in itertools.permutations(values)
    ]
    ties = [values.count(v) for v in set(values)]
    assert sum(sums) == 0
    assert Fraction(sum(x * x for x in sums), len(sums)) == Fraction(s.kendall_variance_18(len(values), ties), 18)


def test_the_chance_of_a_trend() -> None:
    # ten values without ties: the variance of S is 125; S = 21 gives z = 20 / sqrt(125) = 1.789
    assert s.kendall_variance_18(10, [1] * 10) == 18 * 125
    assert s.trend_p_permille(21, 18 * 125) == s.trend_p_permille(-21, 18 * 125) == 74
    assert s.trend_p_permille(0, 18 * 125) == 1000
    assert s.trend_p_permille(0, 0) == 1000
    assert s.trend_p_permille(1, 18) == 1000


def _score(k: int, m: int, d: int, days: int) -> int:
    def part(a: float, b: float) -> float:
        return a * math.log(a / b) if a else 0.0

    return round(m * (part(k / m, d / days) + part((m - k) / m, (days - d) / days)) * 1_000_000)


@given(
    st.integers(2, 800).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n - 1), st.integers(1, n))), st.data()
)
def test_the_score_of_a_split(sizes: tuple[int, int, int], data: st.DataObject) -> None:
    days, d, m = sizes
    k = data.draw(st.integers(max(0, m - (days - d)), min(m, d)))
    one = [np.array([x], np.int64) for x in (k, m, d, days)]
    assert s.change_scores(*one).tolist() == [pytest.approx(_score(k, m, d, days), abs=1)]


def test_a_split_by_hand() -> None:
    # five active days, all before day 50 of 100: 5 ln 2
    one = [np.array([x], np.int64) for x in (5, 5, 50, 100)]
    assert s.change_scores(*one).tolist() == [round(5 * math.log(2) * 1e6)]
    assert s.change_bar(np.array([100]), (1, 20)).tolist() == [math.ceil(math.log(2 * 99 * 20) * 1e6)]
    assert s.change_alarm_permille(100, math.ceil(math.log(2 * 99 * 20) * 1e6)) == 50
    assert s.change_alarm_permille(100, 20_000_000) == 1


def test_false_alarms_stay_below_their_bound() -> None:
    """Every way of laying three active days among eleven: those that show a change at a bar of 1/2 are fewer than the bound says."""
    days, m = 11, 3
    bar = int(s.change_bar(np.array([days]), (1, 2))[0])
    alarms = 0
    ways = list(itertools.combinations(range(days), m))
    for way in ways:
        best = max(_score(sum(x < d for x in way), m, d, days) for d in range(1, days))
        alarms += best >= bar
    assert 2 * alarms <= len(ways)
    # and by chance: a hundred draws of thirty active days among two hundred
    rng = np.random.default_rng(4)
    loud = 0
    for _ in range(100):
        way = np.sort(rng.choice(200, 30, replace=False))
        d = np.arange(1, 200)
        k = np.searchsorted(way, d)
        scores = s.change_scores(k, np.full(199, 30), d, np.full(199, 200))
        loud += int(scores.max()) >= int(s.change_bar(np.array([200]), (1, 20))[0])
    assert loud <= 5
