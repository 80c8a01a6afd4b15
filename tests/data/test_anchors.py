"""Anchors: values of lambda, or bins of many values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti.data.anchors import find_anchors


def test_distinct_values_are_anchors(rng):
    lam = rng.permutation(np.repeat([3.0, -1.0, 0.5], [5, 9, 6]))
    anchors = find_anchors(lam)
    assert_array_equal(anchors.lam, [-1.0, 0.5, 3.0])
    assert not anchors.binned
    assert anchors.edges == [(0, 1), (1, 2)]
    for k, value in enumerate(anchors.lam):
        assert_array_equal(anchors.rows(k), np.flatnonzero(lam == value))


@pytest.mark.parametrize(
    ("n_values", "n_rows", "binned"),
    [(20, 5, False), (21, 5, True), (8, 3, False), (6, 2, True), (2, 1, False)],
)
def test_auto_bins_many_or_rare_values(n_values, n_rows, binned):
    anchors = find_anchors(np.repeat(np.linspace(0, 1, n_values), n_rows))
    assert anchors.binned == binned
    assert len(anchors.lam) == (5 if binned else n_values)


@pytest.mark.parametrize("n_anchors", [2, 4, 10])
def test_bins_hold_the_nearest_rows(rng, n_anchors):
    lam = rng.exponential(size=1000)
    anchors = find_anchors(lam, n_anchors)
    assert anchors.binned
    assert_allclose(anchors.lam, np.quantile(lam, np.linspace(0, 1, n_anchors)))
    assert_array_equal(anchors.lam[[0, -1]], [lam.min(), lam.max()])
    assert_array_equal(anchors.index, np.abs(lam[:, None] - anchors.lam).argmin(axis=1))


def test_bins_that_nothing_is_near_to_are_dropped():
    """Most rows at one value: several quantiles fall on it."""
    lam = np.r_[np.zeros(100), np.linspace(1, 2, 30)]
    anchors = find_anchors(lam, 6)
    assert (np.diff(anchors.lam) > 0).all()
    assert_array_equal(np.unique(anchors.index), np.arange(len(anchors.lam)))
    assert_array_equal(anchors.lam[[0, -1]], [0, 2])


def test_more_anchors_than_values():
    anchors = find_anchors(np.repeat([0.0, 1.0, 5.0], 2), 10)
    assert_array_equal(anchors.lam, [0, 1, 5])
    assert not anchors.binned


def test_rare_values_between_others_go_to_the_nearest():
    lam = np.repeat([0.0, 0.4, 1.0, 2.0, 3.0, 4.0], [9, 4, 9, 9, 5, 9])
    anchors = find_anchors(lam)
    assert_array_equal(anchors.lam, [0, 1, 2, 3, 4])
    assert anchors.binned
    assert_array_equal(np.bincount(anchors.index), [13, 9, 9, 5, 9])
    assert_array_equal(find_anchors(lam, 6).lam, np.unique(lam))
    at_an_end = find_anchors(np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [9, 9, 9, 9, 9, 4]))
    assert_array_equal(at_an_end.lam[[0, -1]], [0, 5])
    assert len(at_an_end.lam) == 5


def test_lambdas_that_differ_by_rounding_are_one_anchor():
    lam = np.repeat([0.0, 0.3, 0.1 + 0.2, float(np.float32(0.3)), 1.0], [9, 5, 6, 7, 9])
    anchors = find_anchors(lam)
    assert anchors.lam.tolist() == [0.0, float(np.float32(0.3)), 1.0]
    assert not anchors.binned
    assert_array_equal(np.bincount(anchors.index), [9, 18, 9])
    with pytest.raises(ValueError, match="one value only"):
        find_anchors(np.repeat([0.3, 0.1 + 0.2], 5))


@pytest.mark.parametrize(
    "values", [[1e8, 1e8 + 1, 1e8 + 2], [1e-12, 1e-8, 1e-4, 1.0], [-1.0, 0.0, 1e-9, 1.0]]
)
def test_lambdas_that_lie_near_to_each_other_on_purpose_are_several(values):
    assert find_anchors(np.repeat(values, 5)).lam.tolist() == values
