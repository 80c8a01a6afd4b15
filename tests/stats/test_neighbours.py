"""Places near knots, and the trajectory that is nearest there."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_hti.data.budget import Budget
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.stats.neighbours import nearby_places, neighbours


def brute_force(places, points, rows):
    distance = np.linalg.norm(places[:, None] - points[rows], axis=2)
    return distance.min(axis=1)


@pytest.fixture
def two_groups(rng):
    points = rng.normal(size=(60, 3, 2))
    return points, np.ones((60, 3), dtype=bool), np.arange(60) % 2


def test_the_nearest_of_the_same_condition_is_found(two_groups, rng):
    points, passes, groups = two_groups
    places, nearest = nearby_places(points, passes, groups, rng)
    assert places.shape == (*nearest.shape, 2) and nearest.shape[:2] == (60, 3)
    assert_array_equal(groups[nearest], np.broadcast_to(groups[:, None, None], nearest.shape))
    for k in range(3):
        for g in (0, 1):
            on = np.flatnonzero(groups == g)
            q = places[on, k].reshape(-1, 2)
            found = np.linalg.norm(q - points[nearest[on, k].ravel(), k], axis=1)
            assert found == pytest.approx(brute_force(q, points[:, k], on))


def test_places_are_about_as_far_away_as_neighbours_are(rng):
    """Whatever the unit; a grid of spacing one has its four neighbours at distance one."""
    grid = np.stack(np.meshgrid(*2 * [np.arange(20.0)]), axis=-1).reshape(-1, 1, 2)
    for unit in (1e-6, 1.0, 1e6):
        points = unit * np.repeat(grid, 2, axis=1)
        passes = np.ones(points.shape[:2], dtype=bool)
        places, _ = nearby_places(points, passes, np.zeros(400, dtype=int), rng)
        kept, drawn = np.split(places - points[:, :, None], 2, axis=2)
        assert not kept.any()
        spread = drawn.std()
        assert spread == pytest.approx(unit, rel=0.15)


def test_single_draws_stay_where_they_are(rng):
    points, passes = rng.normal(size=(30, 2, 3)), np.ones((30, 2), dtype=bool)
    places, nearest = nearby_places(points, passes, np.arange(30), rng)
    assert_array_equal(places[:, :, 0], points)
    assert_array_equal(nearest[:, 0, 0], np.arange(30))


def test_many_rows_have_the_knots_alone(two_groups, rng):
    """Where memory allows one place per knot, it is the knot."""
    points, passes, groups = two_groups
    places, nearest = nearby_places(points, passes, groups, rng, Budget(places=200))
    assert_array_equal(places[:, :, 0], points)
    assert_array_equal(nearest[:, 1, 0], np.arange(60))


def test_trajectories_that_miss_the_anchor_are_not_followed(two_groups, rng):
    points, passes, groups = two_groups
    passes[:20, 2] = False
    places, nearest = nearby_places(points, passes, groups, rng)
    assert nearest[20:, 2].min() >= 20
    assert_array_equal(places[:20, 2], np.repeat(points[:20, 2, None], places.shape[2], axis=1))


def test_equal_knots_share_the_visits(rng):
    """Where mass splits, several trajectories begin at one output: each is followed."""
    points = np.repeat(rng.normal(size=(10, 2, 2)), 2, axis=0)
    passes = np.ones((20, 2), dtype=bool)
    _, nearest = nearby_places(points, passes, np.zeros(20, dtype=int), rng)
    counts = np.bincount(nearest[:, 0].ravel(), minlength=20).reshape(10, 2)
    assert (counts > 0).all()
    assert np.abs(np.diff(counts, axis=1)).max() < 0.8 * counts.sum(axis=1).max()


def test_fresh_draws_arrive_between_the_rows(make):
    """A map that learns its rows by heart sends outputs between them astray.

    Radii and angles of noisy arcs; fresh starts must arrive as close to the far arc as the
    rows of fit do.
    """
    data = make_semicircles(60, random_state=0)
    model = make(categorical_features=[0], base="neighbors", max_iter=600)
    model.fit(data.X, data.y, data.lam)
    X = np.repeat(np.arange(4.0), 100)[:, None]
    fresh = data.truth(X, 0.0, random_state=1)
    arrived = data.truth.circle_distance(
        X, model.transport(X, fresh, lam_from=0.0, lam_to=1.0)
    ).mean()
    own = data.lam == 0
    known = model.transport(data.X[own], data.y[own], lam_from=0.0, lam_to=1.0)
    assert arrived < 2 * data.truth.circle_distance(data.X[own], known).mean()


def test_neighbours_in_many_dimensions_are_those_of_a_tree(rng):
    known, places = rng.normal(size=(50, 9)), rng.normal(size=(20, 9))
    distance, found = neighbours(known, rng)(places, 3)
    apart = np.linalg.norm(places[:, None] - known, axis=2)
    assert_array_equal(found, np.argsort(apart, axis=1)[:, :3])
    assert distance == pytest.approx(np.sort(apart, axis=1)[:, :3])


def test_in_many_dimensions_some_of_many_knots_are_enough(rng):
    known = rng.normal(size=(50, 9))
    distance, found = neighbours(known, rng, Budget(known_knots=10))(known, 1)
    assert len(np.unique(found)) == 10
    # squares are what is computed: the root of one that is 0 but for rounding is no tiny number
    expected = np.sum((known - known[found[:, 0]]) ** 2, axis=1)
    assert distance[:, 0] ** 2 == pytest.approx(expected)
