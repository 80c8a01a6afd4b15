"""Networks: the flow map's exact properties, and how the condition enters."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from sklearn_hti._utils.random import build_module
from sklearn_hti.flow_map.module import FlowMap
from sklearn_hti.flow_map.transport import TransportMap
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.modules import ConditionalMLP, ConditionEmbedding

N, D, K = 50, 3, 4


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def inputs(generator):
    """Random outputs, numbers, codes and two times per row, some of them at knots."""
    times = K * torch.rand(N, 2, 1, generator=generator, dtype=torch.float64)
    times[::5] = times[::5].round()
    return {
        "y": torch.randn(N, D, generator=generator, dtype=torch.float64),
        "numeric": torch.randn(N, 2, generator=generator, dtype=torch.float64),
        "codes": torch.randint(0, 5, (N, 1), generator=generator),
        "start": times[:, 0],
        "end": times[:, 1],
    }


def make_map(conditioning, generator, dtype=torch.float64):
    """A flow map with random parameters and scales everywhere."""
    module = build_module(
        lambda: FlowMap(D, K, ConditionEmbedding(2, [5]), conditioning), seed=1
    ).to(dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3, generator=generator)
        for name, buffer in module.named_buffers():
            buffer.normal_(generator=generator)
            if name.endswith("scale"):
                buffer.abs_().add_(0.1)
    return module


conditionings = pytest.mark.parametrize(
    "conditioning",
    [Conditioning(kind) for kind in ("film", "concat", "hypernetwork")],
    ids=["film", "concat", "hypernetwork"],
)


# ---------------------------------------------------------------- the flow map


@conditionings
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_identity_where_the_times_are_equal(inputs, generator, conditioning, dtype):
    flow_map = make_map(conditioning, generator, dtype)
    inputs = {k: v if k == "codes" else v.to(dtype) for k, v in inputs.items()}
    inputs["end"] = inputs["start"]
    with torch.no_grad():
        assert torch.equal(flow_map(**inputs), inputs["y"])
        assert (flow_map.displacement(**inputs) == 0).all()


@conditionings
def test_displacements_add_up_over_end_times(inputs, generator, conditioning):
    """The trajectory through y does not depend on where one looks at it."""
    flow_map = make_map(conditioning, generator)
    with torch.no_grad():
        far = flow_map.displacement(**inputs)
        parts = torch.zeros_like(far)
        steps = torch.linspace(0, 1, 8)
        velocity = flow_map.modes(*list(inputs.values())[:4])
        for a, b in pairwise(steps):
            low = torch.lerp(inputs["start"], inputs["end"], a)
            high = torch.lerp(inputs["start"], inputs["end"], b)
            parts += (flow_map.passed(low, high) @ velocity).squeeze(1)
    assert_close(parts, far)
    moving = (inputs["start"] != inputs["end"])[:, 0]
    assert (far[moving].abs() > 0).all()


@conditionings
def test_paths_are_straight_within_an_interval(inputs, generator, conditioning):
    flow_map = make_map(conditioning, generator)
    inputs["start"] = torch.full((N, 1), 1.25, dtype=torch.float64)
    with torch.no_grad():
        moved = [
            flow_map.displacement(**{**inputs, "end": torch.full((N, 1), end).double()})
            for end in (1.5, 1.75, 2.0, 1.0)
        ]
    assert_close(moved[1], 2 * moved[0])
    assert_close(moved[2], 3 * moved[0])
    assert_close(moved[3], -moved[0])


@conditionings
def test_forward_adds_the_displacement(inputs, generator, conditioning):
    flow_map = make_map(conditioning, generator)
    with torch.no_grad():
        assert_close(flow_map(**inputs), inputs["y"] + flow_map.displacement(**inputs))


def test_lengths_of_a_span_in_every_interval(generator):
    flow_map = make_map(Conditioning(), generator)
    start = torch.tensor([[0.5], [3.25], [1.0], [0.0]]).double()
    end = torch.tensor([[2.25], [0.5], [1.0], [4.0]]).double()
    expected = [[0.5, 1, 0.25, 0], [-0.5, -1, -1, -0.25], [0, 0, 0, 0], [1, 1, 1, 1]]
    assert_close(flow_map.passed(start, end)[:, 0], torch.tensor(expected).double())


@conditionings
def test_an_untrained_map_is_linear(inputs, generator, conditioning):
    """Coefficients hold at their nodes and blend between them."""
    flow_map = build_module(
        lambda: FlowMap(D, K, ConditionEmbedding(2, [5]), conditioning), seed=1
    ).double()
    flow_map.linear.normal_(generator=generator)
    y, numeric, codes = inputs["y"], inputs["numeric"], inputs["codes"]
    features = torch.cat(
        [torch.ones(N, 1), y, numeric, torch.nn.functional.one_hot(codes[:, 0], 5)], dim=1
    )
    at_nodes = torch.einsum("nf,jfkd->jnkd", features, flow_map.linear)
    nodes = flow_map.nodes.double()
    with torch.no_grad():
        for j in range(len(nodes) - 1):
            start = nodes[j].expand(N, 1)
            assert_close(flow_map.modes(y, numeric, codes, start), at_nodes[j])
            start = torch.lerp(nodes[j], nodes[j + 1], 0.25).expand(N, 1)
            blend = torch.lerp(at_nodes[j], at_nodes[j + 1], 0.25)
            assert_close(flow_map.modes(y, numeric, codes, start), blend)


@conditionings
def test_origins_invert_the_map(inputs, generator, conditioning):
    flow_map = make_map(conditioning, generator)
    flow_map.y_scale.fill_(1.0)
    flow_map.residual_scale.mul_(0.02)  # a map that can be inverted
    flow_map.linear.mul_(0.02)
    y, numeric, codes, start, _ = inputs.values()
    base = torch.full_like(start, 1.0)
    with torch.no_grad():
        moved = flow_map(y, numeric, codes, base, start)
        origin, guess, solved = flow_map.origins(moved, numeric, codes, start, base, n_steps=30)
        assert solved.all()
        assert_close(flow_map(origin, numeric, codes, base, start), moved, atol=1e-6, rtol=0)
    off = start[:, 0] != 1.0
    assert (
        (guess - y).norm(dim=1)[off] > 100 * (origin - y).norm(dim=1)[off]
    ).double().mean() > 0.9


@conditionings
def test_what_the_map_does_not_reach_has_no_origin(inputs, generator, conditioning):
    """All outputs are led to zero at the last time: another output there comes from nowhere."""
    flow_map = make_map(conditioning, generator)
    for name, value in flow_map.named_buffers(recurse=False):
        if name in ("y_mean", "linear", "residual_scale"):
            value.zero_()
    flow_map.y_scale.fill_(1.0)
    flow_map.limit.fill_(1.0)
    for i in range(D):
        flow_map.linear[:, 1 + i, :, i] = -1.0 / K
    y, numeric, codes, *_ = inputs.values()
    start = torch.zeros_like(y[:, :1])
    end = torch.full_like(start, K)
    with torch.no_grad():
        zero = torch.zeros_like(y)
        assert_close(flow_map(y, numeric, codes, start, end), zero, atol=1e-9, rtol=0)
        guess, solved = flow_map.origins(y, numeric, codes, end, start)[1:]
        assert not solved.any()
        errors = np.full(K + 1, 1e9)  # any guess is that uncertain
        move = TransportMap(flow_map, "cpu", 0, errors).mover(flow_map, True)
        assert_close(move(y, numeric, codes, end, start), guess - y)


@conditionings
@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_the_map_is_the_same_in_any_unit(inputs, generator, conditioning, unit):
    flow_map = make_map(conditioning, generator)
    with torch.no_grad():
        expected = unit * flow_map.displacement(**inputs)
        for buffer in flow_map.buffers():
            buffer *= unit
        assert_close(flow_map.displacement(**{**inputs, "y": unit * inputs["y"]}), expected)


@conditionings
def test_rows_do_not_see_each_other(inputs, generator, conditioning):
    flow_map = make_map(conditioning, generator)
    with torch.no_grad():
        together = flow_map(**inputs)
        for i in range(0, N, 7):
            alone = flow_map(**{k: v[i : i + 1] for k, v in inputs.items()})
            assert_close(alone, together[i : i + 1])


# ---------------------------------------------------------------- the condition


@conditionings
@pytest.mark.parametrize("part", ["numeric", "codes"])
def test_every_conditioning_reads_numbers_and_categories(inputs, generator, conditioning, part):
    flow_map = make_map(conditioning, generator)
    other = dict(inputs)
    other[part] = inputs[part] + 1 if part == "numeric" else (inputs[part] + 1) % 5
    with torch.no_grad():
        change = flow_map.displacement(**other) - flow_map.displacement(**inputs)
    moving = (inputs["start"] != inputs["end"])[:, 0]
    assert (change[moving].abs().amax(dim=1) > 1e-6).all()


@pytest.mark.parametrize("kind", ["film", "concat"])
def test_film_scales_by_the_condition_and_concat_does_not(generator, kind):
    """With FiLM the slope in z depends on x even in a network that is linear in z."""
    mlp = build_module(
        lambda: ConditionalMLP(1, 1, ConditionEmbedding(1, []), Conditioning(kind)), 0
    )
    z = torch.linspace(-1, 1, 5)[:, None]
    codes = torch.zeros(5, 0, dtype=torch.int64)
    with torch.no_grad():
        first = [
            mlp.layers[0](torch.cat([z, torch.full_like(z, x)], dim=1))
            if mlp.concat
            else mlp.layers[0](z) * (1 + mlp.film(torch.full_like(z, x)).chunk(2, dim=1)[0])
            for x in (0.0, 2.0)
        ]
    slopes = [layer[-1] - layer[0] for layer in first]
    assert torch.allclose(*slopes, atol=1e-6) == (kind == "concat")
    with torch.no_grad():
        assert (mlp(z, torch.zeros(5, 1), codes) == 0).all()  # the output starts at zero


@conditionings
def test_no_condition_at_all(generator, conditioning):
    mlp = build_module(lambda: ConditionalMLP(2, 1, ConditionEmbedding(0, []), conditioning), 0)
    with torch.no_grad():
        mlp.output.weight.normal_(generator=generator)
        out = mlp(torch.randn(4, 2), torch.zeros(4, 0), torch.zeros(4, 0, dtype=torch.int64))
    assert out.shape == (4, 1)
    assert out.std() > 0


def test_embedding_sizes():
    embedding = ConditionEmbedding(2, [3, 40])
    assert embedding.n_features == 2 + 3 + 8
    codes = torch.tensor([[0, 39], [2, 0]])
    vector = embedding(torch.tensor([[5.0, 6.0], [7.0, 8.0]]), codes)
    assert vector.shape == (2, 13)
    assert torch.equal(vector[:, :2], torch.tensor([[5.0, 6.0], [7.0, 8.0]]))


# ---------------------------------------------------------------- seeded building


def test_the_seed_alone_decides(generator):
    def build(seed):
        module = build_module(
            lambda: FlowMap(D, K, ConditionEmbedding(2, [5]), Conditioning()), seed
        )
        return torch.cat([p.detach().flatten() for p in module.parameters()])

    torch.manual_seed(0)
    before = torch.get_rng_state()
    first = build(3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(build(3), first)
    assert not torch.equal(build(4), first)


def test_parameters_are_as_torch_would_draw_them():
    """Uniform within 1 / sqrt(inputs) for linear layers, standard normal for embeddings."""
    module = build_module(
        lambda: ConditionalMLP(5, 2, ConditionEmbedding(2, [50]), Conditioning("concat")), 0
    )
    for layer in module.layers:
        bound = layer.in_features**-0.5
        for parameter in (layer.weight, layer.bias):
            assert parameter.device.type == "cpu"
            assert parameter.abs().max() <= bound
            assert parameter.abs().max() > 0.9 * bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
    weight = module.embedding.embeddings[0].weight
    assert weight.std().item() == pytest.approx(1, rel=0.15)
    assert (module.output.weight == 0).all()
