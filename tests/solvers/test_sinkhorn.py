"""Sinkhorn on batches against POT, and what a debiased divergence must be."""

import numpy as np
import ot
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_hti.solvers.sinkhorn import sinkhorn_divergence, sinkhorn_plans, squared_costs


@pytest.fixture
def points(rng):
    """Three problems of 20 points each, in two dimensions; the ends are moved and squeezed."""
    a = rng.standard_normal((3, 20, 2))
    b = 0.5 * rng.standard_normal((3, 20, 2)) + [2.0, 0.0]
    return torch.as_tensor(a), torch.as_tensor(b)


def divergence(a, b, strength=0.05):
    return sinkhorn_divergence(
        squared_costs(a, b), squared_costs(a, a), squared_costs(b, b), strength
    )


def test_plans_are_those_of_pot(points):
    cost = squared_costs(*points)
    regularization = torch.tensor([0.3, 0.5, 1.0], dtype=cost.dtype).view(3, 1, 1)
    plans = sinkhorn_plans(cost, regularization, n_iter=200)
    for plan, one, reg in zip(plans, cost.numpy(), (0.3, 0.5, 1.0), strict=True):
        exact = ot.sinkhorn([], [], one, reg, method="sinkhorn_log", stopThr=1e-12)
        assert_allclose(plan, exact, atol=1e-7)


def test_few_iterations_are_nearly_converged(points):
    cost = squared_costs(*points)
    spreads = [squared_costs(y, y).mean() for y in points]
    plans = sinkhorn_plans(cost, 0.05 * torch.stack(spreads).prod().sqrt().repeat(3, 1, 1))
    assert_allclose(plans.sum(dim=2), np.full((3, 20), 1 / 20), rtol=1e-6)
    assert_allclose(plans.sum(dim=1), np.full((3, 20), 1 / 20), atol=0.01 / 20)


def test_divergence_is_zero_for_equal_points_alone(points):
    a, b = points
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    assert_allclose(divergence(a, a[:, order]), 0.0, atol=1e-6)
    assert (divergence(a, b) > 1.0).all()


def test_divergence_of_a_translation_is_half_its_square(points):
    a, _ = points
    assert_allclose(divergence(a, a + torch.tensor([3.0, 4.0])), 12.5, rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_that_are_one_and_the_same(points, dtype):
    """Such as rows of an anchor that has one: no unit of their own, and one plan."""
    a, b = (y.to(dtype) for y in points)
    single, other = a[:, :1].expand_as(a), b[:, :1].expand_as(b)
    expected = 0.5 * (a[:, 0] - b[:, 0]).square().sum(dim=1)
    assert_allclose(divergence(single, other), expected, rtol=1e-5)
    assert_allclose(divergence(single, single), 0.0, atol=1e-6)
    spread = squared_costs(single, b).mean(dim=(1, 2)) - 0.5 * squared_costs(b, b).mean(dim=(1, 2))
    assert_allclose(divergence(single, b, strength=1e5), spread, rtol=1e-3)
    moving = single.clone().requires_grad_()
    divergence(moving, b).sum().backward()
    assert moving.grad.isfinite().all()


def test_little_regularization_gives_exact_optimal_transport(points):
    exact = [ot.emd2([], [], one) for one in squared_costs(*points).numpy()]
    assert_allclose(divergence(*points, strength=0.01), exact, rtol=0.02)


def test_gradient_is_that_of_differences(points):
    a, b = points
    a = a.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(divergence(a, b, 0.5).sum(), a)
    step = 1e-5 * torch.ones_like(a[:, :1])
    with torch.no_grad():
        up, down = (
            divergence(torch.cat([a[:, :1] + s, a[:, 1:]], dim=1), b, 0.5) for s in (step, -step)
        )
    # twenty iterations are not quite the optimum, at which plans are constants
    assert_allclose(gradient[:, 0].sum(dim=1), (up - down) / 2e-5, rtol=0.02)
