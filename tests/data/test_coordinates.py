"""Coordinates of outputs: there and back, their domain, and the same in torch."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.preprocessing import FunctionTransformer, PowerTransformer

from sklearn_hti.data.coordinate_graph import graph_of
from sklearn_hti.data.coordinates import make_coordinates
from sklearn_hti.data.encoding import OutputScaler
from sklearn_hti.data.outputs import OutputSpace

BOUNDS = np.array([0.0, -2.0, 0.0, 0.0]), np.array([1.0, 3.0, 10.0, 2.0])


def outputs(rng, transform):
    z = rng.normal(size=(20, 4))
    if transform == "simplex":
        return softmax(2 * z, axis=1)
    if transform == "log":
        return np.exp(z)
    return BOUNDS[0] + (BOUNDS[1] - BOUNDS[0]) / (1 + np.exp(-z))


@pytest.mark.parametrize("transform", ["simplex", "log", "logit", PowerTransformer()])
def test_there_and_back(rng, transform):
    y = outputs(rng, transform)
    bounds = BOUNDS if transform == "logit" else None
    coordinates = make_coordinates(transform, y, (4,), bounds)
    z = coordinates.encode(y)
    assert z.shape == (20, 3 if transform == "simplex" else 4)
    assert_allclose(coordinates.decode(z), y, rtol=1e-10)
    draws = y.reshape(4, 5, 4)
    assert_array_equal(coordinates.encode(draws), z.reshape(4, 5, -1))
    if isinstance(transform, str):
        graph, y = graph_of(coordinates, "export"), torch.tensor(y)
        assert_allclose(graph.encode(y), z, rtol=1e-12)
        assert_allclose(graph.decode(graph.encode(y)), y, rtol=1e-12)


def test_log_ratios_keep_distances_and_turn_powers_to_lines(rng):
    """Isometric to centred log-ratios, and p ** (1 / T) lies on the ray of p."""
    p = softmax(rng.normal(size=(5, 3)), axis=1)
    coordinates = make_coordinates("simplex", p, (3,))
    z, logs = coordinates.encode(p), np.log(p)
    centred = logs - logs.mean(axis=1, keepdims=True)
    assert_allclose(z @ z.T, centred @ centred.T)
    assert_allclose(coordinates.encode(softmax(logs / 3, axis=1)), z / 3)


def test_rows_of_any_shape_lie_on_simplices_along_the_last_axis(rng):
    p = softmax(rng.normal(size=(6, 2, 3)), axis=2)
    coordinates = make_coordinates("simplex", p.reshape(6, 6), (2, 3))
    assert coordinates.encode(p.reshape(6, 6)).shape == (6, 4)
    back = coordinates.decode(rng.normal(size=(7, 4))).reshape(7, 2, 3)
    assert_allclose(back.sum(axis=2), 1)


def test_zeros_are_below_what_rows_with_zeros_can_tell():
    """One of 100 trees, not the fine probabilities of other rows; in a row, below all else."""
    trees = [[0.5, 0.49, 0.01, 0.0], [0.98, 0.02, 0.0, 0.0], [0.99, 0.01, 0.0, 0.0]]
    p = np.array([*trees, [1.0, 0.0, 0.0, 0.0], [0.5, 0.4999, 5e-5, 5e-5], [1 - 1e-9, 1e-9, 0, 0]])
    coordinates = make_coordinates("simplex", p, (4,))
    assert coordinates.floor == 0.005
    back = coordinates.decode(coordinates.encode(p))
    assert_allclose(back[1], np.array([0.98, 0.02, 0.005, 0.005]) / 1.01)
    assert_allclose(back[5, 2:], 5e-10, rtol=1e-6)
    torched = graph_of(coordinates, "x").encode(torch.as_tensor(p))
    assert_allclose(torched, coordinates.encode(p))


@pytest.mark.parametrize(
    ("p", "floor"),
    [([[0.0, 1.0], [0.04, 0.96]], 0.02), ([[0.0, 1.0], [1.0, 0.0]], 0.25)],
)
def test_zeros_count_as_half_of_what_is_seen(p, floor):
    p = np.array(p)
    coordinates = make_coordinates("simplex", p, (2,))
    assert coordinates.decode(coordinates.encode(p))[0, 0] == pytest.approx(floor / (1 + floor))


def test_outputs_on_a_bound_are_near_it_and_answers_inside():
    y = np.array([[0.0], [1.0], [0.3], [0.9]])
    coordinates = make_coordinates("logit", y, (), (np.zeros(1), np.ones(1)))
    z = coordinates.encode(y)
    assert_allclose(coordinates.decode(z)[:2, 0], [0.05, 0.95])
    inside = coordinates.decode(np.linspace(-30, 30, 7))
    assert ((inside > 0) & (inside < 1)).all()


@pytest.mark.parametrize(
    ("transform", "y", "match"),
    [
        ("log", [[1.0, 2.0], [3.0, 0.0]], "1 value.*such as 0 in row 1, column 1.*above zero"),
        ("simplex", [[0.5, 0.5], [0.7, 0.7]], "row 1 sums to 1.4.*Divide rows"),
        ("simplex", [[0.5, 0.5], [1.5, -0.5]], "-0.5 in row 1, column 1, is negative"),
        ("simplex", [[1.0], [1.0]], "two columns or more.*'logit'"),
        ("logit", [[0.5, 0.5]], r"needs finite y_bounds=\(low, high\)"),
        (FunctionTransformer(np.log), [[1.0], [-1.0]], "no finite number for 1 row.*row 1"),
        (
            FunctionTransformer(np.log, lambda z: z[:, :0], check_inverse=False),
            [[1.0], [2.0]],
            "inverse_transform",
        ),
    ],
)
def test_outputs_off_the_domain_are_named(transform, y, match):
    y = np.array(y)
    with pytest.raises(ValueError, match=match):
        make_coordinates(transform, y, y.shape[1:])


def test_bounds_of_a_simplex_are_its_own(rng):
    p = outputs(rng, "simplex")
    with pytest.raises(ValueError, match="leave out y_bounds"):
        make_coordinates("simplex", p, (4,), (np.zeros(4), np.ones(4)))


def test_transformers_are_not_in_torch(rng):
    coordinates = make_coordinates(PCA(2), outputs(rng, "log"), (4,))
    with pytest.raises(ValueError, match=r"export needs.*PCA\(n_components=2\)"):
        graph_of(coordinates, "export")


def space(y, transform):
    coordinates = make_coordinates(transform, y, y.shape[1:])
    z = y if coordinates is None else coordinates.encode(y)
    return OutputSpace(OutputScaler().fit(z, "common"), None, y.shape[1:], coordinates)


def test_reach_of_logarithms_is_that_of_their_ends(rng):
    y = outputs(rng, "log")
    of_log = space(y, "log")
    width = rng.uniform(0, 1, size=y.shape)
    down, up = of_log.reach(y, width)
    scaled = of_log.encode(y)
    assert_allclose(y - down, of_log.decode(scaled - width))
    assert_allclose(y + up, of_log.decode(scaled + width))


def test_outputs_that_do_not_move_stay_to_the_bit(rng):
    y = outputs(rng, "simplex")
    of_simplex = space(y, "simplex")
    moved = np.zeros((2, 20, 3))
    moved[1] = 0.1
    there = of_simplex.move(y, moved)
    assert_array_equal(there[0], y)
    assert np.abs(there[1] - y).max() > 1e-3
    assert_allclose(there.sum(axis=2), 1)


def test_bounds_end_where_the_inverse_of_a_transformer_does():
    squares = FunctionTransformer(np.square, np.sqrt, check_inverse=False)
    y = np.array([[1.0], [2.0], [3.0]])
    of_squares = space(y, squares)
    width = 2.5 / of_squares.scaler.scale_ * np.ones_like(y)
    down, up = of_squares.reach(y, width)
    assert_allclose((y - down)[:, 0], [0, np.sqrt(1.5), np.sqrt(6.5)], atol=1e-7)
    assert_allclose(y + up, np.sqrt(y**2 + 2.5))
    with pytest.raises(ValueError, match="inverse_transform returns nan"):
        of_squares.decode(of_squares.encode(y) - width)
