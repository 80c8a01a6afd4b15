"""Metrics: eigenvalues within their bounds, quadratic in the velocity, cheap at the data."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.lagrangian import EuclideanKinetic, LandMetric, LearnedMetric, RBFMetric
from sklearn_hti.lagrangian.support import path_conditions
from sklearn_hti.nn import Conditioning

N, T = 12, 5
LOW, HIGH = 0.2, 1.5


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def build(encode, generator):
    """Build a learned metric in double precision with random parameters: (module, q, v, x)."""

    def build(n_outputs, *, condition="both", kind="film", **kwargs):
        rng = np.random.default_rng(0)
        columns = {
            "none": None,
            "numeric": rng.normal(size=(N, 2)),
            "both": np.column_stack([rng.normal(size=(N, 2)), np.arange(N) % 3]),
        }
        X, categorical = columns[condition], [2] if condition == "both" else None
        y = rng.normal(size=(N, n_outputs))
        data = encode(X, y, np.arange(N) % 2, categorical=categorical)
        encoder = ConditionEncoder().fit(X, categorical, N)
        metric = LearnedMetric(LOW, HIGH, **kwargs)
        module = metric.metric(data, encoder, Conditioning(kind), seed=1)
        module = module.double()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.normal_(std=0.3, generator=generator)
        x = path_conditions(data, np.arange(N), "cpu")
        q, v = torch.randn(2, N, T, n_outputs, generator=generator, dtype=torch.float64)
        return module, q, v, x._replace(numeric=x.numeric.double())

    return build


def matrices(module, q, x):
    """G at every place (N, T, D, D), read off v' G v by polarisation."""
    unit = torch.eye(q.shape[-1], dtype=q.dtype)

    def energy(v):
        return module(q, v.expand(q.shape), x)

    rows = [[(energy(a + b) - energy(a - b)) / 4 for b in unit] for a in unit]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2).detach()


# 2 and 3 outputs: rotations of pairs of axes; 8: reflections
sizes = pytest.mark.parametrize("n_outputs", [2, 3, 8])
conditions = pytest.mark.parametrize("condition", ["none", "numeric", "both"])


# ---------------------------------------------------------------- the learned metric


@sizes
@conditions
@pytest.mark.parametrize("kind", ["film", "concat", "hypernetwork"])
def test_eigenvalues_lie_within_their_bounds_and_have_a_fixed_sum(
    build, n_outputs, condition, kind
):
    module, q, _, x = build(n_outputs, condition=condition, kind=kind)
    spectrum = torch.linalg.eigvalsh(matrices(module, q, x))
    assert spectrum.min() >= LOW - 1e-9
    assert spectrum.max() <= HIGH + 1e-9
    assert_close(spectrum.sum(-1), torch.full((N, T), n_outputs * LOW + HIGH - LOW).double())
    assert spectrum[..., -1].std() > 0.02  # a field, not one matrix


@sizes
def test_energy_is_the_quadratic_form_of_a_symmetric_matrix(build, n_outputs):
    """Polarisation gives a symmetric G by construction; that v' G v comes back is the test."""
    module, q, v, x = build(n_outputs)
    G = matrices(module, q, x)
    assert_close(module(q, v, x).detach(), torch.einsum("ntd,ntde,nte->nt", v, G, v))


@sizes
@pytest.mark.parametrize("fixed_spectrum", [False, True])
def test_energy_lies_between_the_bounds(build, n_outputs, fixed_spectrum):
    module, q, v, x = build(n_outputs, fixed_spectrum=fixed_spectrum)
    with torch.no_grad():
        ratio = module(q, v, x) / (v**2).sum(dim=-1)
        assert ratio.min() >= LOW
        assert ratio.max() <= HIGH
        assert ratio.std() > 0.05
        assert_close(module(q, -3 * v, x), 9 * module(q, v, x))
        assert (module(q, 0 * v, x) == 0).all()


@sizes
@conditions
def test_a_fixed_spectrum_is_the_same_everywhere_and_only_turns(build, n_outputs, condition):
    module, q, _, x = build(n_outputs, condition=condition, fixed_spectrum=True)
    G = matrices(module, q, x)
    expected = torch.tensor([LOW] + (n_outputs - 1) * [HIGH])
    spectrum = torch.linalg.eigvalsh(G)
    assert_close(spectrum, expected.double().expand(N, T, -1), atol=1e-6, rtol=0)
    assert G.std(dim=(0, 1)).max() > 0.05


@pytest.mark.parametrize("part", ["numeric", "codes"])
def test_the_metric_reads_numbers_and_categories(build, part):
    module, q, v, x = build(2)
    other = x.numeric + 1 if part == "numeric" else (x.codes + 1) % 3
    with torch.no_grad():
        change = module(q, v, x._replace(**{part: other})) - module(q, v, x)
    assert (change.abs().amax(dim=1) > 1e-4).all()


@sizes
def test_gradients_with_respect_to_the_place(build, n_outputs):
    """Automatic derivatives are those of finite differences, and the place does matter."""
    module, q, v, x = build(n_outputs)
    module.requires_grad_(False)
    q.requires_grad_()
    assert torch.autograd.gradcheck(lambda q: module(q, v, x), q, fast_mode=True)
    (gradient,) = torch.autograd.grad(module(q, v, x).sum(), q)
    assert (gradient.norm(dim=-1) > 1e-4).all()


def test_one_output_leaves_no_choice(encode):
    data = encode(None, np.zeros((N, 1)), np.arange(N) % 2)
    encoder = ConditionEncoder().fit(None, None, N)
    assert LearnedMetric().metric(data, encoder, Conditioning(), seed=0) is None
    assert EuclideanKinetic().metric(data, encoder, Conditioning(), seed=0) is None


# ---------------------------------------------------------------- metrics read from the data


@pytest.fixture
def ring(encode):
    """Points on the unit circle, those of category 1 three times as far out."""
    angle = 2 * np.pi * np.arange(60) / 60
    y = np.column_stack([np.cos(angle), np.sin(angle)])
    X = np.repeat([[0.0], [1.0]], 60, axis=0)
    return encode(X, np.concatenate([y, 3 * y]), np.arange(120) % 2, categorical=[0])


def cost_at(module, data, row, places, velocity):
    """v' G v at some places under the condition of one row."""
    q = torch.as_tensor(np.array(places), dtype=torch.float32)[None]
    v = torch.as_tensor(velocity, dtype=torch.float32).expand(q.shape)
    return module(q, v, path_conditions(data, [row], "cpu"))[0].numpy()


@pytest.mark.parametrize("component", [LandMetric(), RBFMetric()])
def test_cheap_at_the_data_of_the_own_category(ring, component):
    module = component.metric(ring, None, None, 0)
    places = np.outer([1, 0, 3, 6], [1.0, 0.0])
    inner = cost_at(module, ring, 0, places, [0.0, 1.0])
    assert (inner[0] < 0.6 * inner[1:]).all()
    np.testing.assert_allclose(inner[2:], 1 / 0.01, rtol=1e-3)  # 1 / ridge far from data
    outer = cost_at(module, ring, 60, places, [0.0, 1.0])
    assert (outer[2] < 0.8 * outer[[0, 1, 3]]).all()


def test_land_is_the_inverse_of_local_second_moments(ring):
    module = LandMetric(bandwidth=0.4, ridge=0.02).metric(ring, None, None, 0)
    q, v, y = np.array([0.7, 0.4]), np.array([2.0, -1.0]), ring.y[:60]
    kernel = np.exp(-((y - q) ** 2).sum(axis=1) / (2 * 0.4**2)) / 60
    expected = (v**2 / (kernel @ (y - q) ** 2 + 0.02)).sum()
    np.testing.assert_allclose(cost_at(module, ring, 0, [q], v), expected, rtol=1e-4)


def test_rbf_is_one_at_the_median_of_the_data(encode, rng):
    data = encode(None, rng.normal(size=(101, 2)), np.arange(101) % 2)
    price = cost_at(RBFMetric().metric(data, None, None, 0), data, 0, data.y, [1.0, 0.0])
    assert np.median(price) == pytest.approx(1 / 1.01, rel=1e-3)


@pytest.mark.parametrize("component", [LandMetric(), RBFMetric()])
def test_gradients_of_kernels_are_finite_near_and_far(ring, component):
    module = component.metric(ring, None, None, 0)
    q = torch.tensor([[[1.0, 0.0], [1.3, 0.2], [0.0, 0.0], [1e3, -1e3]]], requires_grad=True)
    module(q, torch.ones_like(q), path_conditions(ring, [0], "cpu")).sum().backward()
    assert torch.isfinite(q.grad).all()
    assert q.grad[0, 1, 0] > 0  # dearer outwards
