"""Kernels against closed forms and against scikit-learn's."""

import numpy as np
import pytest
from sklearn.gaussian_process import kernels as reference

from sklearn_hti._utils.tree import chain
from sklearn_hti.field.kernels import Brownian, Matern, blend, mean_increment


@pytest.mark.parametrize("nu", [1.5, 2.5, np.inf])
@pytest.mark.parametrize("length", [0.7, (0.3, 2.0)])
def test_matern_is_that_of_scikit_learn(nu, length):
    rng = np.random.default_rng(0)
    z, other = rng.random((7, 2)), rng.random((4, 2))
    expected = reference.Matern(length_scale=length, nu=nu)(z, other)
    np.testing.assert_allclose(Matern(length, nu)(z, other), expected, atol=1e-12)


def test_the_rough_kernel_is_positive_on_contrasts():
    z = np.random.default_rng(1).random((9, 2))
    contrasts = np.linalg.svd(np.ones((9, 1)))[0][:, 1:]
    assert np.linalg.eigvalsh(contrasts.T @ Brownian()(z, z) @ contrasts).min() > 0


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_blend_shares_out_the_increments(fraction):
    knots = np.array([0.0, 0.1, 0.7, 1.0])[:, None]
    edges = chain(4)
    kernel = blend(Matern(0.4), Brownian(), fraction, knots, edges)
    assert mean_increment(kernel, knots, edges) == pytest.approx(1)
    rough = blend(Matern(0.4), Brownian(), 1.0, knots, edges)(knots, knots)
    smooth = blend(Matern(0.4), Brownian(), 0.0, knots, edges)(knots, knots)
    np.testing.assert_allclose(
        kernel(knots, knots), fraction * rough + (1 - fraction) * smooth, atol=1e-12
    )
