"""Modes: the few functions of time that all particles are made of."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.time_scale import PlacedScale
from sklearn_hti.clocks.warps import WarpClock
from sklearn_hti.field.modes import CELLS, complete, field_modes
from sklearn_hti.field.particle_field import fit_field

LAMS = np.array([0.0, 0.3, 1.0, 1.4])
QUARTERS = np.arange(13) / 4  # of the intervals: with points between anchors


def clock_and_field(particles, lams, noise=0.0):
    rule = WarpClock("identity")
    clock = Clock(rule, lams, "")
    scale = PlacedScale(clock, rule.fraction(lams, lams[0], lams[-1]))
    return clock, fit_field(scale, particles, lams, noise=noise)


def wavy(n, lams, n_outputs=2, seed=0):
    a, b = np.random.default_rng(seed).normal(size=(2, n, 1, n_outputs))
    return 1 + a * np.sin(2 * lams)[:, None] + b * lams[:, None] ** 2


def paths(modes, points):
    """Particles at even times, (N, T, D), by the modes."""
    coefficients = np.einsum("rq,nqd->nrd", modes.of_steps, np.diff(points, axis=1))
    mean = points.mean(axis=1, keepdims=True)
    return mean + np.einsum("tr,nrd->ntd", modes.table, coefficients)


@pytest.mark.parametrize("between", [False, True])
def test_particles_are_met_at_their_knots_and_as_the_field_has_them(rng, between):
    """As many modes as knots leave nothing out."""
    knots = QUARTERS if between else np.arange(4.0)
    points = rng.normal(size=(30, len(knots), 2))
    at_anchors = points[:, knots == np.floor(knots)]
    clock, field = clock_and_field(at_anchors, LAMS)
    modes = field_modes(field, clock, knots, points)
    assert modes.table.shape == (3 * CELLS + 1, len(knots) - 1)
    path = paths(modes, points)
    assert_allclose(path[:, (CELLS * knots).astype(int)], points, atol=1e-9)
    weights = field.weights_of_knots(np.linspace(0, 3, 3 * CELLS + 1), knots, LAMS)
    assert_allclose(modes.weights, weights, atol=1e-12)
    assert_allclose(path, np.einsum("tq,nqd->ntd", weights, points), atol=1e-9)
    assert_allclose(modes.at(points, 1.5), path[:, 3 * CELLS // 2], atol=1e-9)
    if not between:  # the same as by lambda
        middle = np.full(30, 0.5 * (LAMS[1] + LAMS[2]))
        assert_allclose(modes.at(points, 1.5), field.at(points, middle, LAMS), atol=1e-9)


def test_steps_from_knot_to_knot_are_those_of_the_modes(rng):
    points = rng.normal(size=(20, 4, 3))
    clock, field = clock_and_field(points, LAMS)
    modes = field_modes(field, clock, np.arange(4.0), points)
    steps = np.diff(points, axis=1)
    coefficients = np.einsum("rq,nqd->nrd", modes.of_steps, steps)
    assert_allclose(np.einsum("qr,nrd->nqd", modes.along, coefficients), steps, atol=1e-9)
    assert_allclose(modes.vectors.sum(axis=0), 0, atol=1e-9)


def test_two_functions_take_two_modes_at_many_anchors():
    lams = np.linspace(0, 1, 40)
    points = wavy(50, lams)
    clock, field = clock_and_field(points, lams)
    modes = field_modes(field, clock, np.arange(40.0), points)
    assert modes.vectors.shape == (40, 2)
    assert_allclose(paths(modes, points)[:, ::CELLS], points, atol=0.01 * points.std())


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_modes_of_any_particles_are_few(rng, noise):
    lams = np.linspace(0, 1, 40)
    points = rng.normal(size=(50, 40, 2)).cumsum(axis=1)
    clock, field = clock_and_field(points, lams, noise)
    modes = field_modes(field, clock, np.arange(40.0), points)
    assert modes.vectors.shape == (40, 16)


def test_particles_that_stand_still_have_a_mode_that_does_not_move():
    points = np.tile(np.random.default_rng(0).normal(size=(10, 1, 2)), (1, 4, 1))
    clock, field = clock_and_field(points, LAMS)
    modes = field_modes(field, clock, np.arange(4.0), points)
    assert np.isfinite(modes.table).all()
    assert_allclose(paths(modes, points), points[:, :1].repeat(3 * CELLS + 1, axis=1), atol=1e-9)


@pytest.mark.parametrize("knots", [np.arange(4.0), QUARTERS], ids=["anchors", "between"])
def test_linear_particles_are_completed_by_lines(rng, knots):
    """Where two knots or more are known, and lines in the time of the field."""
    lams = np.interp(knots, np.arange(4), LAMS)
    points = rng.normal(size=(9, 1, 2)) + rng.normal(size=(9, 1, 2)) * lams[:, None]
    clock, field = clock_and_field(points[:, knots == np.floor(knots)], LAMS)
    of_anchor = np.flatnonzero(knots == np.floor(knots))
    first = of_anchor[np.array([0, 1, 2, 0, 0, 1, 0, 1, 2])]
    last = of_anchor[np.array([3, 3, 3, 2, 1, 2, 3, 2, 3])]
    position = np.arange(len(knots))
    known = (first[:, None] <= position) & (position <= last[:, None])
    holes = np.where(known[..., None], points, np.nan)
    assert_allclose(complete(holes, first, last, knots, field, clock), points, atol=1e-6)
    assert np.isnan(holes).any()  # as they were


def test_a_single_knot_is_completed_by_itself(rng):
    points = rng.normal(size=(4, 4, 2))
    clock, field = clock_and_field(points, LAMS)
    full = complete(points, np.full(4, 2), np.full(4, 2), np.arange(4.0), field, clock)
    assert_allclose(full, points[:, 2:3].repeat(4, axis=1))
