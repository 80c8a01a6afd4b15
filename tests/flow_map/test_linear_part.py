"""The linear part of the flow map: exact where particles are linear."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_hti._utils.random import build_module
from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.time_scale import PlacedScale
from sklearn_hti.clocks.warps import WarpClock
from sklearn_hti.data.conditions import Conditions
from sklearn_hti.field.modes import CELLS, complete, field_modes
from sklearn_hti.field.particle_field import fit_field
from sklearn_hti.flow_map.dataset import Particles
from sklearn_hti.flow_map.linear_part import set_linear_part
from sklearn_hti.flow_map.module import FlowMap
from sklearn_hti.nn import Conditioning
from sklearn_hti.nn.modules import ConditionEmbedding
from sklearn_hti.stats.axes import MOST_AXES

LAMS = np.array([0.0, 0.4, 1.0])


def fit_linear(points, features, first=None, last=None):
    """Return a map whose network adds nothing, set by particles that pass the anchors."""
    n, n_knots, n_outputs = points.shape
    rule = WarpClock("identity")
    clock = Clock(rule, LAMS, "")
    field = fit_field(PlacedScale(clock, rule.fraction(LAMS, 0.0, 1.0)), points, LAMS)
    knots = np.arange(float(n_knots))
    first = np.zeros(n, int) if first is None else first
    last = np.full(n, n_knots - 1) if last is None else last
    points = complete(points, first, last, knots, field, clock)
    modes = field_modes(field, clock, knots, points)
    particles = Particles(points, first, last, np.arange(n), modes)
    module = build_module(
        lambda: FlowMap(
            n_outputs,
            n_knots - 1,
            ConditionEmbedding(features.shape[1], []),
            Conditioning(),
            modes.vectors.shape[1],
            CELLS,
        ),
        seed=0,
    )
    codes = np.zeros((len(features), 0), dtype=np.int64)
    set_linear_part(module, particles, Conditions(features, codes, features))
    return module, particles


def moved(module, y, features, start, end):
    n = len(y)
    y, numeric = (torch.as_tensor(v, dtype=torch.float32) for v in (y, features))
    codes = torch.zeros(n, 0, dtype=torch.int64)
    start, end = (torch.full((n, 1), float(t)) for t in (start, end))
    with torch.no_grad():
        return module(y, numeric, codes, start, end).numpy()


FAMILIES = {  # start y0, what x says, lambda
    "shift": (lambda y0, by_x, lam: y0 + lam * by_x, 2e-3),
    "spread": (lambda y0, by_x, lam: (1 + lam) * y0 - 3 * lam, 2e-3),
    # coefficients of y bend with the time, and blend between nodes
    "both": (lambda y0, by_x, lam: (1 + lam) * y0 + lam * by_x, 0.15),
}


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("family", FAMILIES)
def test_affine_particles_are_followed_exactly(rng, family, n_outputs):
    truth, tolerance = FAMILIES[family]
    x = rng.normal(size=(200, 2))
    y0, by_x = rng.normal(size=(200, n_outputs)), x @ rng.normal(size=(2, n_outputs)) + 1
    points = np.stack([truth(y0, by_x, lam) for lam in LAMS], axis=1)
    module, particles = fit_linear(points, x)
    tolerance = tolerance * points.std()
    for start in (0, 0.5, 1, 1.75, 2):
        here = particles.modes.at(particles.points, start)
        for end in (0, 0.5, 1, 1.25, 2):
            there = truth(y0, by_x, np.interp(end, np.arange(3), LAMS))
            assert_allclose(moved(module, here, x, start, end), there, atol=tolerance)
    assert (module.residual_scale <= 0.05 * points.std() + 1e-6).all()


def test_particles_that_end_midway_count_for_the_steps_that_they_pass(rng):
    x, y0 = rng.normal(size=(200, 1)), rng.normal(size=(200, 1))
    points = np.stack([y0 + lam * (1 + x) for lam in LAMS], axis=1)
    first, last = rng.integers(0, 2, 200), rng.integers(1, 3, 200)
    whole = first < last
    points, x, first, last = points[whole], x[whole], first[whole], last[whole]
    known = (first[:, None] <= np.arange(3)) & (np.arange(3) <= last[:, None])
    module, _ = fit_linear(np.where(known[..., None], points, points[:, 1:2]), x, first, last)
    for start, end in [(0, 1), (1, 2), (0, 2), (2, 0)]:
        there = moved(module, points[:, start], x, start, end)
        assert_allclose(there, points[:, end], atol=0.05)


def test_more_outputs_than_are_read_move_by_what_is_read(rng):
    """Outputs of five dimensions: the axes hold them, whatever their number."""
    n_outputs = 2 * MOST_AXES
    inner, x = rng.normal(size=(300, 5)), rng.normal(size=(300, 1))
    turn = rng.normal(size=(5, n_outputs))
    points = np.stack([((1 + lam) * inner + lam * x) @ turn for lam in LAMS], axis=1)
    module, _ = fit_linear(points, x)
    assert module.axes.shape == (n_outputs, MOST_AXES)
    for start, end in [(0, 2), (1, 0), (2, 1)]:
        there = moved(module, points[:, start], x, start, end)
        assert np.mean((there - points[:, end]) ** 2) < 1e-3 * points.var()


def test_the_unit_of_outputs_is_no_matter(rng):
    x, y0 = rng.normal(size=(100, 1)), rng.normal(size=(100, 2))
    points = np.stack([y0 + lam * np.sin(2 * y0) + lam * x for lam in LAMS], axis=1)
    one, _ = fit_linear(points, x)
    other, _ = fit_linear(1e3 * points + 5, x)
    there = moved(one, points[:, 0], x, 0, 2)
    again = moved(other, 1e3 * points[:, 0] + 5, x, 0, 2)
    assert_allclose((again - 5) / 1e3, there, atol=1e-3)


def test_the_network_adds_no_more_than_what_is_left_of_the_particles(rng):
    x, y0 = rng.normal(size=(200, 1)), rng.normal(size=(200, 1))
    points = np.stack([y0 + lam * (y0**2 + x) for lam in LAMS], axis=1)
    module, particles = fit_linear(points, x)
    coefficients = np.einsum("rq,nqd->nrd", particles.modes.of_steps, particles.steps)
    with torch.no_grad():
        n = len(y0)
        y, numeric = (torch.as_tensor(v, dtype=torch.float32) for v in (points[:, 0], x))
        start = torch.zeros(n, 1)
        z = module.normalise(y, start)
        linear = module.linear_modes(z, numeric, torch.zeros(n, 0, dtype=torch.int64), start)
    miss = np.abs(coefficients - linear.numpy())
    assert (miss.max(axis=0) <= module.limit.numpy()).all()
    assert (module.limit >= module.residual_scale).all()
