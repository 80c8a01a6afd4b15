"""Splines between two points, and constant speed along a path."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import CubicSpline

from sklearn_hti.paths.spline import retime, spline_basis

# ---------------------------------------------------------------- the basis


@pytest.mark.parametrize("n_nodes", [1, 2, 7, 15])
def test_cardinal_at_the_nodes(n_nodes):
    """Segments in multiples of the intervals between nodes: the grid holds the nodes."""
    basis = spline_basis(n_nodes, 4 * (n_nodes + 1))
    assert basis.shape == (4 * (n_nodes + 1) + 1, n_nodes)
    assert_allclose(basis[4:-4:4], np.eye(n_nodes), atol=1e-12)
    assert (basis[[0, -1]] == 0).all()


@pytest.mark.parametrize("n_nodes", [1, 3, 7])
def test_curvature_vanishes_at_the_ends(n_nodes):
    n_segments = 200 * (n_nodes + 1)
    basis = spline_basis(n_nodes, n_segments)
    second = n_segments**2 * np.diff(basis, n=2, axis=0)
    largest = np.abs(second).max()
    # linear between nodes, so one segment inside the end it is 1 / 200 of its value at a node
    assert np.abs(second[[0, -1]]).max() < 0.006 * largest
    assert_allclose(second[0], 0.5 * second[1], atol=1e-6 * largest)


@pytest.mark.parametrize(("n_nodes", "n_segments"), [(1, 5), (7, 12), (15, 33)])
def test_the_natural_spline_through_random_nodes(rng, n_nodes, n_segments):
    nodes = rng.normal(size=(n_nodes, 3))
    through = np.concatenate([np.zeros((1, 3)), nodes, np.zeros((1, 3))])
    spline = CubicSpline(np.linspace(0, 1, n_nodes + 2), through, bc_type="natural")
    expected = spline(np.linspace(0, 1, n_segments + 1))
    assert_allclose(spline_basis(n_nodes, n_segments) @ nodes, expected, atol=1e-12)


# ---------------------------------------------------------------- constant speed


def circle(angle):
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def speeds(path):
    return np.linalg.norm(np.diff(path, axis=1), axis=2)


@pytest.fixture
def uneven(rng):
    """Three-quarter circles whose points are at uneven places, 64 segments."""
    even = np.linspace(0, 1, 65)
    power = rng.uniform(1.0, 1.6, size=(9, 1))
    wobble = even + 0.1 * np.sin(2 * np.pi * even) * rng.uniform(-1, 1, size=(9, 1))
    return circle(1.5 * np.pi * wobble**power)


def test_constant_speed_on_a_circle(uneven):
    before, after = speeds(uneven), speeds(retime(uneven, speeds(uneven)))
    assert (before.max(axis=1) > 1.2 * before.mean(axis=1)).all()
    assert_allclose(after, after.mean(axis=1, keepdims=True).repeat(64, axis=1), rtol=0.01)
    assert_allclose(after.sum(axis=1), 1.5 * np.pi, rtol=2e-3)


def test_the_fraction_of_the_angle_is_the_time(uneven):
    angle = 1.5 * np.pi * np.linspace(0, 1, 65)
    path = retime(uneven, speeds(uneven))
    assert_allclose(path, np.broadcast_to(circle(angle), path.shape), atol=0.01)


def test_end_points_are_exact(uneven):
    path = retime(uneven, speeds(uneven))
    assert_array_equal(path[:, [0, -1]], uneven[:, [0, -1]])


def test_an_even_path_stays(uneven):
    even = np.tile(circle(np.linspace(0, 2, 65)), (3, 1, 1))
    assert_allclose(retime(even, speeds(even)), even, atol=1e-12)
    assert_allclose(retime(even, 7 * speeds(even)), even, atol=1e-12)


def test_time_passes_in_proportion_to_the_speed_given():
    """Twice as long over the first half of a line: its middle is reached at time 2/3."""
    line = np.linspace(0, 1, 13)[None, :, None]
    speed = np.where(np.arange(12) < 6, 2.0, 1.0)[None]
    time = np.linspace(0, 1, 13)
    expected = np.where(time < 2 / 3, 0.75 * time, 0.5 + 1.5 * (time - 2 / 3))
    assert_allclose(retime(line, speed)[0, :, 0], expected, atol=1e-12)


def test_waiting_is_skipped():
    """Segments of no length, at the ends and inside, take no time."""
    q = np.array([0, 0, 0, 1, 1, 2, 3, 4, 4.0])[None, :, None]
    assert_allclose(retime(q, speeds(q))[0, :, 0], np.linspace(0, 4, 9), atol=1e-12)


def test_a_path_of_no_length_stays_where_it_is(uneven):
    still = np.broadcast_to([[[2.0, -3.0]]], (1, 65, 2))
    path = np.concatenate([uneven[:2], still, uneven[2:]])
    assert_array_equal(retime(path, speeds(path))[2:3], still)


def test_paths_do_not_see_each_other(uneven):
    paths = np.tile(uneven, (300, 1, 1)) * np.linspace(0.001, 1000, 2700)[:, None, None]
    together = retime(paths, speeds(paths))
    for i in (0, 1, 1350, 2699):
        alone = retime(paths[i : i + 1], speeds(paths[i : i + 1]))
        assert_allclose(together[i : i + 1], alone, rtol=0, atol=1e-9 * np.abs(paths[i]).max())
