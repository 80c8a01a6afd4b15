"""Networks: the flow map's exact properties, and how the condition enters."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from sklearn_hti._utils.random import build_module
from sklearn_hti.data.conditions import Conditions
from sklearn_hti.flow_map.module import FlowMap
from sklearn_hti.flow_map.transport import TransportMap
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.modules import ConditionalMLP, ConditionEmbedding
from sklearn_hti.stats.axes import MOST_AXES

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
            if name in ("table", "axes"):  # a mode for every interval; outputs are read
                continue
            buffer.normal_(generator=generator)
            if name.endswith("scale"):
                buffer.abs_().add_(0.1)
    return module


def in_modes(generator, n_outputs=D, n_modes=2, n_cells=8):
    """A flow map of a few modes, which bend between the anchors."""
    module = build_module(
        lambda: FlowMap(
            n_outputs, K, ConditionEmbedding(2, [5]), Conditioning(), n_modes, n_cells
        ),
        seed=1,
    ).double()
    with torch.no_grad():
        module.net.output.weight.normal_(std=0.1, generator=generator)
        module.linear.normal_(std=0.1, generator=generator)
        module.table.normal_(generator=generator)
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
    one_hot = torch.nn.functional.one_hot(codes[:, 0], 5)
    products = (y.unsqueeze(2) * one_hot.unsqueeze(1)).flatten(1)
    features = torch.cat([torch.ones(N, 1), y, numeric, one_hot, products], dim=1)
    at_nodes = torch.einsum("nf,jfkd->jnkd", features, flow_map.linear)
    nodes = flow_map.nodes.double()
    with torch.no_grad():
        for j in range(len(nodes) - 1):
            start = nodes[j].expand(N, 1)
            assert_close(flow_map.modes(y, numeric, codes, start), at_nodes[j])
            start = torch.lerp(nodes[j], nodes[j + 1], 0.25).expand(N, 1)
            blend = torch.lerp(at_nodes[j], at_nodes[j + 1], 0.25)
            assert_close(flow_map.modes(y, numeric, codes, start), blend)


def test_few_modes_add_up_and_stand_still_where_times_are_equal(inputs, generator):
    flow_map = in_modes(generator)
    y, numeric, codes, start, end = inputs.values()
    middle = 0.3 * start + 0.7 * end
    with torch.no_grad():
        assert torch.equal(flow_map(y, numeric, codes, start, start), y)
        parts = flow_map.passed(start, middle) + flow_map.passed(middle, end)
        assert_close(parts, flow_map.passed(start, end))
        modes = flow_map.modes(y, numeric, codes, start)
        assert modes.shape == (N, 2, D)
        assert_close(flow_map(**inputs), y + (parts @ modes).squeeze(1))
        # several ends at once
        ends = torch.stack([middle, end], dim=1)[..., 0]
        assert_close(flow_map.passed(start, ends)[:, 1:], flow_map.passed(start, end))


def test_modes_are_what_the_table_says(generator):
    """Straight between even times, and clamped to none: the last is met exactly."""
    flow_map = in_modes(generator)
    time = torch.linspace(0, K, len(flow_map.table)).double()
    zero = torch.zeros_like(time)
    psi = flow_map.passed(zero, time)
    assert_close(psi, flow_map.table - flow_map.table[0])
    middle = 0.5 * (time[1:] + time[:-1])
    assert_close(flow_map.passed(zero[1:], middle), 0.5 * (psi[1:] + psi[:-1]))


def test_many_outputs_are_read_through_few_axes(inputs, generator):
    """What is off the axes changes no displacement, and all outputs move."""
    n_outputs = MOST_AXES + 16
    flow_map = in_modes(generator, n_outputs)
    assert flow_map.axes.shape == (n_outputs, MOST_AXES)
    turn = torch.linalg.qr(torch.randn(n_outputs, n_outputs, generator=generator).double())[0]
    flow_map.axes.copy_(turn[:, :MOST_AXES])
    inputs["y"] = torch.randn(N, n_outputs, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        moved = flow_map.displacement(**inputs)
        off = torch.randn(N, 16, generator=generator).double() @ turn[:, MOST_AXES:].T
        assert_close(flow_map.displacement(**{**inputs, "y": inputs["y"] + off}), moved)
        on = torch.randn(N, 1, generator=generator).double() @ turn[:, :1].T
        other = flow_map.displacement(**{**inputs, "y": inputs["y"] + on})
    moving = (inputs["start"] != inputs["end"])[:, 0]
    assert (other - moved)[moving].abs().max() > 1e-3
    assert (moved[moving] != 0).all()


def test_displacements_to_many_times_are_those_to_each(inputs, generator):
    flow_map = in_modes(generator)
    numeric, codes = inputs["numeric"].numpy(), inputs["codes"].numpy()
    conditions = Conditions(numeric, codes, np.hstack([numeric, codes]))
    transport = TransportMap(flow_map, "cpu", np.arange(K + 1.0))
    y, start = inputs["y"].numpy(), inputs["start"][:, 0].numpy()
    ends = np.column_stack([start, inputs["end"][:, 0].numpy(), np.full(N, float(K))])
    moved = transport.displacements(y, conditions, start, ends, dtype=torch.float64)
    assert (moved[:, 0] == 0).all()
    for i, end in enumerate(ends.T):
        one = transport.displacement(y, conditions, start, end, dtype=torch.float64)
        np.testing.assert_allclose(moved[:, i], one, atol=1e-12)


@conditionings
@pytest.mark.parametrize("unit", [1e-3, 1e3])
def test_the_map_is_the_same_in_any_unit(inputs, generator, conditioning, unit):
    flow_map = make_map(conditioning, generator)
    with torch.no_grad():
        expected = unit * flow_map.displacement(**inputs)
        for name, buffer in flow_map.named_buffers():
            if name not in ("table", "axes"):
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
