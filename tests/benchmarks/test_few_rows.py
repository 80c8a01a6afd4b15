"""The table of few rows: what it says of true draws, and of draws that are none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks.few_rows import FAMILIES, compare, judge
from sklearn_hti.baselines import NearestAnchorRegressor


@pytest.mark.parametrize("family", FAMILIES.values())
def test_true_draws_are_without_error(family, rng):
    X = rng.normal(size=(100, 9))
    mean, spread = family(X, 0.5)
    draws = mean + spread * rng.normal(size=(1000, 100))
    error, share, held, distance = compare(draws, mean, spread, rng)
    assert error < 0.003
    assert_allclose(share, 1, atol=0.03)
    assert_allclose(held, 0.9, atol=0.01)
    assert abs(distance) < 0.005
    error, share, held, distance = compare(mean + 0 * draws, mean, spread, rng)
    assert error < 1e-12
    assert share < 1e-12
    assert held < 1e-12
    assert distance > 0.1


def test_a_copy_of_the_first_anchor_is_right_there(rng):
    def make(lam_transform, random_state):
        return NearestAnchorRegressor(random_state=random_state)

    found = np.array(judge(FAMILIES["moving"], make, 100, seed=0))
    assert found.shape == (3, 4)
    assert np.isfinite(found).all()
    assert found[2, 3] > found[0, 3]  # it does not follow as lambda moves on
