"""Costs of paths: closed forms, and what they do not depend on."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from sklearn_hti.lagrangian import COSTS, Lagrangian

x = None  # conditions that nothing here reads


class Constant(nn.Module):
    """The metric v' A v."""

    def __init__(self, A):
        super().__init__()
        self.register_buffer("A", A)

    def forward(self, q, v, x):
        return torch.einsum("ntd,de,nte->nt", v, self.A, v)


class Field(nn.Module):
    """A potential of the given function of q."""

    def __init__(self, u, level=0.0):
        super().__init__()
        self.u, self.level = u, level

    def forward(self, q, x):
        return self.u(q)


def bowl(q):
    """A potential that falls off from the origin."""
    return -(q**2).sum(dim=-1)


@pytest.fixture(name="A")
def constant_matrix():
    B = torch.tensor([[1.5, 0.3], [-0.4, 0.7]], dtype=torch.float64)
    return B @ B.T


def line(y0, y1, n_segments=10):
    s = torch.linspace(0, 1, n_segments + 1, dtype=torch.float64)[:, None]
    return torch.lerp(y0[:, None], y1[:, None], s)


@pytest.fixture
def ends():
    return torch.randn(2, 8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def arc(times):
    """A bent curve at the given times of [0, 1]."""
    times = times.double()
    return torch.stack([2 * times, torch.sin(3 * times) + times**2], dim=-1)[None]


even = torch.linspace(0, 1, 4001, dtype=torch.float64)
uneven = even**2 * (3 - even) / 2


# ---------------------------------------------------------------- closed forms


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("n_segments", [1, 10])
def test_a_straight_line_costs_half_its_squared_length(ends, cost, n_segments):
    y0, y1 = ends
    found, speed = Lagrangian(None, None, cost=cost)(line(y0, y1, n_segments), x)
    length = (y1 - y0).norm(dim=1)
    assert_close(found, 0.5 * length**2)
    assert_close(speed, length[:, None].expand(-1, n_segments))


@pytest.mark.parametrize("cost", COSTS)
def test_a_constant_metric_is_euclidean_in_other_coordinates(ends, A, cost):
    y0, y1 = ends
    values, vectors = torch.linalg.eigh(A)
    root = vectors @ values.sqrt().diag() @ vectors.T
    metric = Lagrangian(Constant(A), None, cost=cost)
    assert_close(metric(line(y0, y1), x)[0], 0.5 * ((y1 - y0) @ root).norm(dim=1) ** 2)
    bent = line(y0, y1) + torch.sin(torch.arange(11.0))[:, None] * torch.tensor([0.2, -0.3])
    euclidean = Lagrangian(None, None, cost=cost)
    assert_close(metric(bent, x)[0], euclidean(bent @ root, x)[0])


def test_jacobi_weighs_length_by_depth_below_the_level(ends):
    """rho = 1 + a (level - u): with u = level - 3 everywhere, lengths are 1 + 3 a times."""
    field = Field(lambda q: q[..., 0] * 0 - 1.0, level=2.0)
    found, _ = Lagrangian(None, field, weight=0.5)(line(*ends), x)
    assert_close(found, 0.5 * (2.5 * (ends[1] - ends[0]).norm(dim=1)) ** 2)


def test_jacobi_along_a_line_through_a_linear_potential():
    """u = -q_1 from (0, 0) to (l, 0): the length is the integral of 1 + a q_1."""
    path = line(torch.zeros(1, 2).double(), torch.tensor([[3.0, 0.0]]).double(), 7)
    found, _ = Lagrangian(None, Field(lambda q: -q[..., 0]), weight=0.4)(path, x)
    assert_close(found, torch.tensor([0.5 * (3 + 0.4 * 4.5) ** 2]).double())


def test_depth_is_capped_and_never_below_zero(ends):
    lengths = (ends[1] - ends[0]).norm(dim=1)
    for value, rho in ((-1e9, 1 + 0.5 * 4), (1e9, 1.0)):
        field = Field(lambda q, value=value: q[..., 0] * 0 + value)
        found, _ = Lagrangian(None, field, weight=0.5, cap=4.0)(line(*ends), x)
        assert_close(found, 0.5 * (rho * lengths) ** 2)


def test_action_is_kinetic_minus_potential_energy(ends):
    """u = -|q|^2 on y0 + s (y1 - y0): its integral is (|y0|^2 + y0 y1 + |y1|^2) / 3."""
    y0, y1 = ends
    integral = (y0**2 + y0 * y1 + y1**2).sum(dim=1) / 3
    expected = 0.5 * ((y1 - y0) ** 2).sum(dim=1) + 0.7 * integral
    lagrangian = Lagrangian(None, Field(bowl), weight=0.7, cost="action")
    assert_close(lagrangian(line(y0, y1, 1000), x)[0], expected, rtol=1e-5, atol=0)


def test_study_is_half_the_squared_energy(ends):
    """E = |y1 - y0| - a mean u; a large u makes it negative, and its square grows again."""
    field = Field(lambda q: q[..., 0] * 0 + 2.0)
    length = (ends[1] - ends[0]).norm(dim=1)
    for weight in (0.1, 10.0):
        lagrangian = Lagrangian(None, field, weight=weight, cost="study")
        energy = lagrangian.energy(length[:, None], torch.tensor(2.0).double())
        assert_close(energy, length - 2 * weight)
        assert_close(lagrangian(line(*ends), x)[0], 0.5 * (length - 2 * weight) ** 2)


# ---------------------------------------------------------------- invariances and limits


@pytest.mark.parametrize("with_potential", [False, True])
@pytest.mark.parametrize("with_metric", [False, True])
def test_jacobi_does_not_see_how_a_path_is_run_through(A, with_metric, with_potential):
    lagrangian = Lagrangian(
        Constant(A) if with_metric else None, Field(bowl) if with_potential else None, weight=0.3
    )
    costs = [lagrangian(arc(times), x)[0].item() for times in (even, uneven)]
    assert costs[1] == pytest.approx(costs[0], rel=1e-3)
    backwards = lagrangian(arc(even).flip(1), x)[0].item()
    assert backwards == pytest.approx(costs[0], rel=1e-9)


def test_action_sees_it(A):
    lagrangian = Lagrangian(Constant(A), Field(bowl), weight=0.3, cost="action")
    costs = [lagrangian(arc(times), x)[0].item() for times in (even, uneven)]
    assert costs[1] > 1.05 * costs[0]


def test_jacobi_is_the_least_action_over_parametrisations():
    """Cauchy-Schwarz: half the squared length is at most the action, equal at even speed."""
    for times, equal in ((even, False), (uneven, False), (None, True)):
        path = line(torch.zeros(1, 2).double(), torch.ones(1, 2).double())
        path = path if times is None else arc(times)
        jacobi, action = (Lagrangian(None, None, cost=c)(path, x)[0].item() for c in COSTS[:2])
        assert jacobi <= action * (1 + 1e-12)
        assert (action / jacobi - 1 < 1e-9) == equal


@pytest.mark.parametrize("cost", COSTS)
def test_a_vanishing_weight_is_no_potential(A, cost):
    expected, _ = Lagrangian(Constant(A), None, cost=cost)(arc(even), x)
    zero, _ = Lagrangian(Constant(A), Field(bowl), weight=0.0, cost=cost)(arc(even), x)
    assert torch.equal(zero, expected)
    gaps = [
        (Lagrangian(Constant(A), Field(bowl), weight=w, cost=cost)(arc(even), x)[0] - expected)
        .abs()
        .item()
        for w in (1e-2, 1e-3, 1e-4)
    ]
    assert np.allclose(np.divide(gaps[:-1], gaps[1:]), 10, rtol=0.1)  # first order in the weight


def test_flat_is_where_geodesics_are_straight(A):
    field = Field(bowl)
    assert Lagrangian(None, None, weight=1.0).is_flat
    assert Lagrangian(None, field, weight=0.0).is_flat
    assert not Lagrangian(None, field, weight=1e-6).is_flat
    assert not Lagrangian(Constant(A), None).is_flat


@pytest.mark.parametrize("cost", COSTS)
def test_gradients_of_a_path_that_stands_still_are_finite(A, cost):
    path = torch.ones(2, 6, 2, dtype=torch.float64, requires_grad=True)
    cost, _ = Lagrangian(Constant(A), Field(bowl), weight=0.3, cost=cost)(path, x)
    cost.sum().backward()
    assert torch.isfinite(path.grad).all()


# ---------------------------------------------------------------- many outputs


@pytest.mark.parametrize(
    "metric", [None, Constant(torch.tensor([[2.0, 0.5], [0.5, 1.0]]).double())]
)
def test_metric_and_potential_read_few_coordinates(metric):
    """Costs of paths among many outputs are those of their coordinates along the axes."""
    generator = torch.Generator().manual_seed(0)
    axes = torch.linalg.qr(torch.randn(100, 2, generator=generator).double())[0]
    few = Lagrangian(metric, Field(bowl), 0.3)
    many = Lagrangian(metric, Field(bowl), 0.3, axes=axes.numpy()).double()
    many.axes.copy_(axes)
    inner = torch.randn(5, 9, 2, generator=generator).double()
    off = torch.randn(5, 9, 100, generator=generator).double()
    path = inner @ axes.T + off - off @ axes @ axes.T
    assert few.read(inner) is inner
    assert_close(many.read(path), inner)
    for name in ("forward", "speed"):
        assert_close(getattr(many, name)(path, x), getattr(few, name)(inner, x))
