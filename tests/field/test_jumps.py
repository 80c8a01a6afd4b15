"""Particles that move or jump."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, logit

from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.time_scale import PlacedScale
from sklearn_hti.clocks.warps import WarpClock
from sklearn_hti.field.jumps import Reweighting
from sklearn_hti.field.kernels import Matern
from sklearn_hti.field.particle_field import ParticleField
from sklearn_hti.field.particles import partners

LAMS = np.array([0.0, 1.0, 3.0])
SCALE = PlacedScale(Clock(WarpClock("identity"), LAMS, ""), LAMS / 3)
FIELD = ParticleField(SCALE, Matern(10.0), 1.0)


@pytest.fixture
def particles(rng):
    return rng.normal(size=(50, 3, 2))


def make_mix(delta=0.0, **settings):
    return Reweighting("unbalanced" if delta else "mixture", delta, FIELD, SCALE, **settings)


@pytest.mark.parametrize("lam", [0.0, 0.25, 1.0, 2.5, 3.0])
def test_jumps_keep_to_the_ends_until_the_switch(particles, lam):
    switch = (np.arange(50) + 0.3) / 50
    y = make_mix().at(particles, np.full(50, lam), LAMS, switch)
    k = 0 if lam < 1 else 1
    s = (lam - LAMS[k]) / (LAMS[k + 1] - LAMS[k])
    upper = switch >= 1 - s
    assert_array_equal(y, np.where(upper[:, None], particles[:, k + 1], particles[:, k]))


def test_a_trajectory_jumps_once_on_an_edge(particles):
    grid = np.linspace(0, 3, 61)
    switch = np.random.default_rng(0).random(50)
    path = np.stack([make_mix().at(particles, np.full(50, lam), LAMS, switch) for lam in grid])
    assert_array_equal((np.diff(path, axis=0) != 0).any(axis=2).sum(axis=0), 2)


def test_large_delta_is_the_field_and_small_delta_the_mixture(particles):
    lam, switch = np.full(50, 2.2), np.random.default_rng(0).random(50)
    moved = make_mix(100.0).at(particles, lam, LAMS, switch)
    assert_allclose(moved, FIELD.at(particles, lam, LAMS), atol=1e-12)
    jumped = make_mix(1e-9).at(particles, lam, LAMS, switch)
    assert_array_equal(jumped, make_mix().at(particles, lam, LAMS, switch))
    assert make_mix(100.0).reweighted(particles, [(0, 1), (1, 2)]) == 0
    assert_allclose(make_mix().reweighted(particles, [(0, 1), (1, 2)]), 1)


def test_a_jump_does_not_bend_the_moves_beside_it():
    particle = np.array([[[0.0], [0.1], [9.0]]])
    y = make_mix(1.0).at(particle, np.array([0.5]), LAMS, np.array([0.9]))
    assert_allclose(y, 0.05)


def test_moves_step_between_values_seen():
    particle = np.repeat([[[1.0], [4.0], [4.0]]], 2000, axis=0)
    mix = make_mix(100.0, seen=(np.array([0.0, 1.0, 2.0, 4.0]),))
    switch = (np.arange(2000) + 0.5) / 2000
    y = mix.at(particle, np.full(2000, 0.5), LAMS, switch)
    assert set(y.ravel()) == {2.0, 4.0}
    assert_allclose(y.mean(), 2.5, atol=1e-3)


def test_several_outputs_step_between_values_seen():
    mix = make_mix(100.0, seen=(np.arange(5.0), np.arange(0.0, 30.0, 10.0)))
    points, probability = mix.stepped(np.array([[2.25, 16.0], [4.0, 0.0], [0.5, 19.0]]))
    assert_allclose(probability.sum(axis=1), 1)
    assert_allclose(np.einsum("nb,nbd->nd", probability, points), [[2.25, 16], [4, 0], [0.5, 19]])
    assert set(points[..., 0].ravel()) <= set(range(5))
    assert set(points[..., 1].ravel()) <= {0, 10, 20}


def test_logit_is_linear_in_time():
    particle = np.repeat([[[0.0], [1.0], [1.0]]], 1, axis=0)
    mix = make_mix(seen=(np.array([0.0, 1.0]),), by_logit=True)
    _, probability = mix.outcomes(particle, np.array([0.3]), LAMS, np.array([[0.1, 0.7, 0.9]]))
    p = 0.1 + 0.6 * probability[0, 1]
    assert_allclose(p, expit(0.7 * logit(0.1) + 0.3 * logit(0.7)))


def test_growth_matches_what_is_near(rng):
    """Of nine low and one high, one low and nine high: squares would move all but the last."""
    y = np.r_[np.zeros(9), 5.0][:, None] + 0.01 * rng.normal(size=(10, 1))
    other = np.r_[0.0, np.full(9, 5.0)][:, None] + 0.01 * rng.normal(size=(10, 1))
    step = np.abs(other[partners(y, other, rng, delta=0.2)] - y)
    assert np.sum(step > 1) == 8
    assert np.sum(step < 0.1) == 2
