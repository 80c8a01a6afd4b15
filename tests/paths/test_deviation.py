"""Deviation: orthonormal functions that vanish at the ends, and the curves that they can be."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_hti.paths.deviation import (
    N_COEFFICIENTS,
    basis_values,
    deviation_basis,
    fit_deviation,
)

T = 32
s = np.linspace(0, 1, T + 1)


def values(s, n_coefficients=N_COEFFICIENTS):
    """Basis functions in double precision, s.shape + (M,)."""
    return basis_values(
        torch.as_tensor(s), torch.as_tensor(deviation_basis(n_coefficients))
    ).numpy()


def rebuild(deviation, path):
    """The curve of a deviation over the chord of a path."""
    chord = path[:, :1] + s[:, None] * (path[:, -1:] - path[:, :1])
    return chord + values(s) @ deviation


def polynomials(rng, degree, n_paths=7):
    """Paths in three dimensions whose coordinates are polynomials of random coefficients."""
    return np.moveaxis(
        np.polynomial.polynomial.polyval(s, rng.normal(size=(degree + 1, n_paths, 3))), 2, 1
    )


@pytest.mark.parametrize("n_coefficients", [1, 3, 6])
def test_orthonormal_and_zero_at_both_ends(n_coefficients):
    nodes, weights = np.polynomial.legendre.leggauss(n_coefficients + 2)  # exact to degree 2 n + 3
    at_nodes = values((nodes + 1) / 2, n_coefficients)
    gram = at_nodes.T @ (weights[:, None] / 2 * at_nodes)
    assert_allclose(gram, np.eye(n_coefficients), atol=1e-7)
    assert_allclose(values(np.array([0.0, 1.0]), n_coefficients), 0, atol=1e-10)


def test_fewer_coefficients_are_the_first_of_more():
    """Degree m + 2 each: the spaces are nested, so that a count can be changed alone."""
    many = deviation_basis(6)
    for n_coefficients in range(6):
        few = deviation_basis(n_coefficients)
        assert few.shape == (n_coefficients, n_coefficients + 2)
        assert_allclose(few, many[:n_coefficients, : n_coefficients + 2])
        assert (many[:n_coefficients, n_coefficients + 2 :] == 0).all()
        assert many[n_coefficients, n_coefficients + 2] != 0


def test_no_coefficients_at_all():
    assert values(s, 0).shape == (T + 1, 0)


def test_basis_functions_are_the_polynomials_at_any_shape():
    coefficients = deviation_basis(3)
    times = np.linspace(0, 1, 12).reshape(3, 4)
    expected = np.polynomial.polynomial.polyval(times, coefficients.T)
    assert_allclose(values(times, 3), np.moveaxis(expected, 0, -1), atol=1e-12)


@pytest.mark.parametrize("degree", [1, 2, 3, N_COEFFICIENTS + 1])
def test_polynomials_are_reproduced_exactly(rng, degree):
    path = polynomials(rng, degree)
    deviation = fit_deviation(path)
    assert deviation.shape == (7, N_COEFFICIENTS, 3)
    assert_allclose(rebuild(deviation, path), path, atol=1e-10)
    assert_allclose(deviation[:, degree - 1 :], 0, atol=1e-9)  # by no higher degree
    if degree > 1:
        assert (np.abs(deviation[:, degree - 2]) > 1e-4).all()


def test_one_degree_more_is_out_of_reach(rng):
    path = polynomials(rng, N_COEFFICIENTS + 2)
    assert np.abs(rebuild(fit_deviation(path), path) - path).max() > 1e-5


def test_a_parabola_in_closed_form():
    """q = (s, s^2) leaves its chord by s^2 - s: minus the first function over its norm."""
    path = np.stack([s, s**2], axis=1)[None]
    expected = np.zeros((1, N_COEFFICIENTS, 2))
    expected[0, 0, 1] = -(30**-0.5)  # the integral of s^2 (1 - s)^2 is 1 / 30
    assert_allclose(fit_deviation(path), expected, atol=1e-12)


def test_a_quarter_circle():
    angle = 0.5 * np.pi * s
    path = 3.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)[None]
    error = np.linalg.norm(rebuild(fit_deviation(path), path) - path, axis=2).max()
    assert error < 3e-4  # 1e-4 of the radius


def test_deviations_come_back(rng):
    deviation = rng.normal(size=(5, N_COEFFICIENTS, 2))
    ends = rng.normal(size=(5, 2, 2))
    path = ends[:, :1] + s[:, None] * (ends[:, 1:] - ends[:, :1]) + values(s) @ deviation
    assert_allclose(fit_deviation(path), deviation, atol=1e-10)


def test_paths_do_not_see_each_other_nor_where_they_are(rng):
    path = rng.normal(size=(6, T + 1, 2)).cumsum(axis=1)
    together = fit_deviation(path)
    assert_allclose(fit_deviation(path[2:3]), together[2:3], atol=1e-10)
    line = rng.normal(size=(6, 1, 2)) + s[:, None] * rng.normal(size=(6, 1, 2))
    assert_allclose(fit_deviation(-2 * path + line), -2 * together, atol=1e-9)
