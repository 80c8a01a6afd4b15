"""How x enters the networks: starts, encodings, the hypernetwork against a hand computation."""

import copy
import math

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from torch.testing import assert_close

from sklearn_hti._utils.random import build_module
from sklearn_hti.data.encoding import ConditionEncoder
from sklearn_hti.flow_map.module import FlowMap
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.conditioning import Waves
from sklearn_hti.nn.modules import ConditionalMLP, ConditionEmbedding
from sklearn_hti.nn.settings import Training
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.paths.geodesic import build_paths
from sklearn_hti.solvers.dual_training import DualNetworks
from sklearn_hti.solvers.registry import resolve

N, D = 40, 2
KINDS = ["film", "concat", "hypernetwork"]
every_conditioning = pytest.mark.parametrize(
    "conditioning",
    [Conditioning(kind, encoding) for kind in KINDS for encoding in ("linear", "sinusoidal")],
    ids=lambda c: f"{c.kind}-{c.encoding}",
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def mixed(generator):
    """Inputs z and mixed conditions: (z, numeric, codes)."""
    return (
        torch.randn(N, D, generator=generator),
        torch.randn(N, 2, generator=generator),
        torch.randint(0, 3, (N, 1), generator=generator),
    )


def build(conditioning, generator, *, n_numeric=2, n_categories=(3,), hidden=(16, 16)):
    """A network with a random output layer."""
    embedding = (n_numeric, n_categories)
    mlp = build_module(
        lambda: ConditionalMLP(D, D, ConditionEmbedding(*embedding), conditioning, hidden), 0
    )
    with torch.no_grad():
        mlp.output.weight.normal_(generator=generator)
    return mlp.requires_grad_(False)


# ---------------------------------------------------------------- the component


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_the_component_with_defaults(kind):
    assert resolve("conditioning", kind).get_params() == Conditioning(kind).get_params()
    given = Conditioning(kind, n_bases=7)
    assert resolve("conditioning", given) is given


# ---------------------------------------------------------------- the start


@every_conditioning
def test_maps_start_as_the_identity_and_potentials_as_constants(conditioning, mixed):
    z, numeric, codes = mixed
    embedding = ConditionEmbedding(2, [3])
    flow_map = build_module(lambda: FlowMap(D, 3, embedding, conditioning), 0)
    start, end = torch.zeros(N, 1), torch.full((N, 1), 2.5)
    assert torch.equal(flow_map(z, numeric, codes, start, end), z)

    encoder = ConditionEncoder()
    encoder.n_numeric_, encoder.n_categories_ = 2, [3]
    training = Training(encoder, {"paths": 0}, conditioning=conditioning)
    dual = build_module(lambda: DualNetworks(D, 1, training, (8, 8), (8, 8)), 0)
    for net, value in ((dual.maps[0], torch.zeros(N, D)), (dual.potentials[0], torch.zeros(N, 1))):
        assert torch.equal(net(z, numeric, codes), value)

    paths = build_paths(GeodesicPath(), D, training)
    assert (paths.net(torch.cat([z, z], dim=1), numeric, codes) == 0).all()


def test_a_random_start_is_none_of_it(mixed):
    z, numeric, codes = mixed
    encoder = ConditionEncoder()
    encoder.n_numeric_, encoder.n_categories_ = 2, [3]
    sizes = (D, 2, Training(encoder, {}, conditioning=Conditioning()), (8, 8), (9, 9))
    dual = build_module(lambda: DualNetworks(*sizes, random_start=True), 0)
    same = build_module(lambda: DualNetworks(*sizes, random_start=True), 0)
    for nets, width in ((dual.potentials, 8), (dual.maps, 9)):
        for net in nets:
            assert net(z, numeric, codes).std() > 0.01
            assert 0 < net.output.weight.abs().max() <= width**-0.5
    for one, other in zip(dual.parameters(), same.parameters(), strict=True):
        assert torch.equal(one, other)


@every_conditioning
def test_the_seed_alone_decides(conditioning):
    def draw(seed):
        module = build_module(
            lambda: ConditionalMLP(D, D, ConditionEmbedding(2, [3]), conditioning), seed
        )
        return torch.cat([t.detach().flatten() for t in module.state_dict().values()])

    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = draw(3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(draw(3), first)
    assert not torch.equal(draw(4), first)
    assert first.isfinite().all()


# ---------------------------------------------------------------- the hypernetwork


@pytest.mark.parametrize("hidden", [(16,), (16, 16), (8, 16, 4)])
def test_hypernetwork_is_a_layer_with_weights_of_x(generator, mixed, hidden):
    """The last hidden layer, with W(x) and b(x) formed row by row."""
    z, numeric, codes = mixed
    mlp = build(Conditioning("hypernetwork", n_bases=3), generator, hidden=hidden)
    mixture = mlp.hyper.mixture(mlp.embedding(numeric, codes))
    expected = []
    for row, m in zip(z, mixture, strict=True):
        for layer in mlp.layers[:-1]:
            row = torch.nn.functional.silu(layer(row))
        last = mlp.layers[-1]
        weight = last.weight + sum(m[j] * mlp.hyper.weight[j] for j in range(3))
        bias = last.bias + sum(m[j] * mlp.hyper.bias[j] for j in range(3))
        expected.append(mlp.output(torch.nn.functional.silu(weight @ row + bias)))
    assert_close(mlp(z, numeric, codes), torch.stack(expected))


def test_hypernetwork_depends_on_numbers_and_on_categories(generator, mixed):
    """In value and in gradient, of every row and of that row alone."""
    z, numeric, codes = mixed
    mlp = build(Conditioning("hypernetwork"), generator)
    plain = mlp(z, numeric, codes)
    for other in (mlp(z, numeric + 0.5, codes), mlp(z, numeric, (codes + 1) % 3)):
        assert ((other - plain).abs().amax(dim=1) > 1e-4).all()
    numeric = numeric.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(mlp(z, numeric, codes)[7].sum(), numeric)
    assert (gradient[7] != 0).all()
    assert (gradient[torch.arange(N) != 7] == 0).all()


def test_weights_differ_by_about_their_size_from_x_to_x(generator, mixed):
    """Else the dual would not find out that maps depend on x."""
    _, numeric, codes = mixed
    mlp = build(Conditioning("hypernetwork"), generator, hidden=(64, 64))
    mixture = mlp.hyper.mixture(mlp.embedding(numeric, codes))
    weights = torch.einsum("nj,jab->nab", mixture, mlp.hyper.weight)
    ratio = weights.std(dim=0).mean() / mlp.layers[-1].weight.std()
    assert 0.4 < ratio < 2.5


# ---------------------------------------------------------------- the encoding


def test_waves_by_hand():
    waves = build_module(lambda: Waves(2, 3), 0)
    x = torch.tensor([[0.5, -3.0]])
    angles = [2 * math.pi / period * v for v in (0.5, -3.0) for period in (12, 6, 3)]
    expected = [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
    assert_close(waves(x), torch.tensor([expected]))
    assert waves.n_features == 12


def test_the_longest_wave_tells_numbers_apart_where_data_are():
    waves = build_module(lambda: Waves(1, 1), 0)
    x = torch.linspace(-3, 3, 61)[:, None]
    assert (waves(x)[:, 0].diff() > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_encoding_keeps_the_number_itself(kind, generator, mixed):
    """Of two numbers on which all waves agree, networks still tell which is which."""
    z, numeric, codes = mixed
    mlp = build(Conditioning(kind, "sinusoidal"), generator)
    far = numeric.clone()
    far[:, 0] += 12
    assert_close(mlp.waves(numeric), mlp.waves(far), atol=1e-5, rtol=0)
    assert (mlp(z, numeric, codes) - mlp(z, far, codes)).abs().mean() > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_without_numbers_the_encodings_are_the_same(kind, generator):
    linear, sinusoidal = (
        build(Conditioning(kind, encoding), generator, n_numeric=0).state_dict()
        for encoding in ("linear", "sinusoidal")
    )
    assert linear.keys() == sinusoidal.keys()
    assert "waves.frequencies" not in sinusoidal


# ---------------------------------------------------------------- every kind


@every_conditioning
def test_one_condition_may_have_many_places(conditioning, generator, mixed):
    _, numeric, codes = mixed
    mlp = build(conditioning, generator)
    z = torch.randn(N, 5, D, generator=generator)
    together = mlp(z, numeric, codes)
    assert together.shape == (N, 5, D)
    for t in range(5):
        assert_close(together[:, t], mlp(z[:, t], numeric, codes))


@every_conditioning
def test_no_condition_is_a_plain_network(conditioning, generator):
    mlp = build(conditioning, generator, n_numeric=0, n_categories=())
    assert {name.split(".")[0] for name, _ in mlp.named_parameters()} == {"layers", "output"}
    z = torch.randn(N, D, generator=generator)
    hidden = z
    for layer in mlp.layers:
        hidden = torch.nn.functional.silu(layer(hidden))
    codes = torch.zeros(N, 0, dtype=torch.int64)
    assert_close(mlp(z, torch.zeros(N, 0), codes), mlp.output(hidden))


@every_conditioning
def test_a_copy_in_double_precision_says_the_same(conditioning, generator, mixed):
    z, numeric, codes = mixed
    mlp = build(conditioning, generator)
    double = copy.deepcopy(mlp).double()
    exact = double(z.double(), numeric.double(), codes)
    assert exact.dtype == torch.float64
    assert_close(mlp(z, numeric, codes).double(), exact, atol=1e-5, rtol=1e-4)


# ---------------------------------------------------------------- the estimator


@pytest.fixture(scope="module")
def rows():
    """Deterministic networks on mixed x: the category turns the sign of the move."""
    rng = np.random.default_rng(0)
    x, sign = rng.uniform(-1, 1, size=80), rng.choice([-1.0, 1.0], size=80)
    X = pd.DataFrame({"x": x, "way": np.where(sign > 0, "up", "down")})
    lams = np.array([0.0, 1.0, 2.0])
    y = np.column_stack([x, x**2])[None] + (lams[:, None] * (sign * x))[:, :, None]
    return pd.concat([X] * 3), y.reshape(-1, 2), np.repeat(lams, 80)


def test_hypernetwork_on_mixed_conditions(make, rows):
    X, y, lam = rows
    torch.manual_seed(7)
    before = torch.get_rng_state()
    model = make(
        conditioning=Conditioning("hypernetwork", "sinusoidal"),
        max_iter=150,
        batch_size=64,
        base="flow",
    ).fit(X, y, lam)
    assert torch.equal(torch.get_rng_state(), before)
    X, truth = X[:80], 0.5 * (y[80:160] + y[160:])
    moved = model.transport(X, y[:80], lam_from=0.0, lam_to=1.5)
    assert abs(moved - truth).mean() < 0.1  # without the category it would miss by .75
    mean = model.predict(X, 1.5)
    assert abs(mean - truth).mean() < 0.1
    assert_allclose(model.predict(X[:5], 1.5), mean[:5], atol=1e-7)
    draws = model.sample(X, 1.5, n_samples=3, random_state=0)
    assert abs(draws - truth).mean() < 0.2
