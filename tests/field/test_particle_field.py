"""The particle field: closed forms, limits and invariances."""

import numpy as np
import pytest

from sklearn_hti._utils.tree import chain
from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.time_scale import PlacedScale, make_time_scale
from sklearn_hti.clocks.warps import WarpClock
from sklearn_hti.clocks.way import way_reader
from sklearn_hti.field.kernels import Matern
from sklearn_hti.field.particle_field import LENGTHS, ParticleField, fit_field
from sklearn_hti.field.particles import follow
from sklearn_hti.solvers import CouplingSolver

LAMS = np.array([0.0, 0.3, 1.0])
GRID = np.linspace(0, 1, 21)


def linear_scale(lams=LAMS):
    clock = Clock(WarpClock("identity"), lams, "")
    return PlacedScale(clock, WarpClock("identity").fraction(lams, lams[0], lams[-1]))


def answers(field, particles, lams=LAMS, grid=GRID):
    return np.stack([field.at(particles, np.full(len(particles), lam), lams) for lam in grid])


def wavy(n=30, n_outputs=2, lams=LAMS, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n, 1, n_outputs))
    return a * np.sin(2 * lams)[:, None] + b * lams[:, None] ** 2


def test_trained_values_are_met_to_the_bit():
    particles = wavy()
    field = fit_field(linear_scale(), particles, LAMS)
    for m, lam in enumerate(LAMS):
        np.testing.assert_array_equal(answers(field, particles, grid=[lam])[0], particles[:, m])


def test_lines_are_met():
    slope, start = np.random.default_rng(0).normal(size=(2, 40, 1, 3))
    particles = start + slope * LAMS[:, None]
    field = fit_field(linear_scale(), particles, LAMS)
    truth = start + slope * GRID[:, None]
    assert np.abs(answers(field, particles).transpose(1, 0, 2) - truth).max() < 1e-6


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_two_values_are_joined_by_straight_lines(noise):
    particles = np.random.default_rng(0).normal(size=(20, 2, 2))
    lams = np.array([0.0, 1.0])
    field = fit_field(linear_scale(lams), particles, lams, noise=noise)
    line = (1 - GRID)[:, None, None] * particles[:, 0] + GRID[:, None, None] * particles[:, 1]
    np.testing.assert_allclose(answers(field, particles, lams), line, atol=1e-9)


def test_noise_alone_is_joined_by_straight_lines():
    particles = wavy()
    field = fit_field(linear_scale(), particles, LAMS, noise=1.0)
    line = np.stack(
        [[np.interp(GRID, LAMS, column) for column in particle.T] for particle in particles]
    ).transpose(2, 0, 1)
    np.testing.assert_allclose(answers(field, particles), line, atol=1e-8)


def test_smooth_particles_are_followed_better_than_by_lines():
    lams = np.linspace(0, 1, 5)
    particles, truth = wavy(lams=lams), wavy(lams=GRID).transpose(1, 0, 2)
    field = fit_field(linear_scale(lams), particles, lams)
    straight = fit_field(linear_scale(lams), particles, lams, noise=1.0)
    error, of_lines = (
        np.mean((answers(f, particles, lams) - truth) ** 2) for f in (field, straight)
    )
    assert field.smooth.length >= 1
    assert error < 0.3 * of_lines


def test_white_particles_return_to_their_mean():
    lams = np.linspace(0, 1, 4)
    particles = np.random.default_rng(0).normal(size=(500, 4, 1))
    field = fit_field(linear_scale(lams), particles, lams)
    assert field.smooth.length == min(LENGTHS)
    between = field.weights(np.array([1 / 6]), lams)[0]
    assert between.max() < 0.45  # a line has one half and one half


def test_scale_and_shift_of_outputs_scale_and_shift_answers():
    particles = wavy()
    field, other = (fit_field(linear_scale(), y, LAMS) for y in (particles, 7 - 3 * particles))
    np.testing.assert_allclose(
        answers(other, 7 - 3 * particles), 7 - 3 * answers(field, particles), atol=1e-9
    )


def test_reflected_lambdas_give_reflected_answers():
    particles = wavy()
    lams = 1 - LAMS[::-1]
    field = fit_field(linear_scale(), particles, LAMS)
    mirrored = fit_field(linear_scale(lams), particles[:, ::-1], lams)
    np.testing.assert_allclose(
        answers(mirrored, particles[:, ::-1], lams)[::-1], answers(field, particles), atol=1e-7
    )


def test_rows_do_not_look_at_each_other():
    particles = wavy()
    order = np.random.default_rng(1).permutation(30)
    field, shuffled = (fit_field(linear_scale(), p, LAMS) for p in (particles, particles[order]))
    assert field.smooth == shuffled.smooth
    np.testing.assert_allclose(
        answers(shuffled, particles[order]), answers(field, particles)[:, order], atol=1e-12
    )


def test_order_of_values_changes_nothing():
    particles, order = wavy(), np.array([2, 0, 1])
    field = fit_field(linear_scale(), particles, LAMS)
    np.testing.assert_allclose(
        answers(field, particles[:, order], LAMS[order]), answers(field, particles), atol=1e-9
    )


def test_particles_that_stand_still_stay():
    particles = np.repeat(np.random.default_rng(0).normal(size=(5, 1, 2)), 3, axis=1)
    field = fit_field(linear_scale(), particles, LAMS)
    np.testing.assert_allclose(
        answers(field, particles), np.tile(particles[:, 0], (21, 1, 1)), atol=1e-9
    )


def test_gaussians_stay_gaussian_with_the_moments_of_transport():
    rng = np.random.default_rng(0)
    lams = np.array([0.0, 0.5, 1.0])
    base = rng.normal(size=(1500, 2))
    moves = [(np.eye(2), 0), (np.diag([1.5, 1.0]), 1), (np.diag([2.0, 1.0]), 2)]
    outputs = np.stack([base @ a + b for a, b in moves])
    shuffled = np.stack([y[rng.permutation(1500)] for y in outputs])
    particles = follow(shuffled, np.zeros(1500, dtype=int), chain(3), rng)
    field = fit_field(linear_scale(lams), particles, lams)
    y = field.at(particles, np.full(1500, 0.25), lams)
    expected = base @ np.diag([1.25, 1.0]) + 0.5  # McCann's interpolation, on the line here
    np.testing.assert_allclose(y.mean(axis=0), expected.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(y.T), np.cov(expected.T), atol=0.03)


def test_scale_of_trained_values_follows_the_outputs(encode):
    lams, n = np.array([0.0, 0.2, 0.9]), 20
    x = np.random.default_rng(0).normal(size=(n, 1))
    y = np.concatenate([x + place * (2 + x**2) for place in (0, 0.8, 1.0)])
    data = encode(np.tile(x, (3, 1)), y, np.repeat(lams, n))
    read = way_reader(data, CouplingSolver(), np.random.default_rng(0))
    scale = make_time_scale("auto", data, read)
    assert scale.time(0.2) == pytest.approx(0.8, abs=0.05)
    assert 0.4 < scale.time(0.02) < 0.8  # outputs hurry near zero
    assert 0.4 < scale.time(0.1) < 0.8
    asked = make_time_scale(None, data, read)
    np.testing.assert_allclose(asked.time(lams), lams / 0.9)


def test_field_is_the_same_for_any_chunk(monkeypatch):
    from sklearn_hti.field import particle_field

    particles = wavy(n=50)
    field = ParticleField(linear_scale(), Matern(1.0), 0.2)
    whole = field.at(particles, np.linspace(0, 1, 50), LAMS)
    monkeypatch.setattr(particle_field, "_MAX_NUMBERS", 20)
    np.testing.assert_array_equal(field.at(particles, np.linspace(0, 1, 50), LAMS), whole)


class PlaneScale:
    """Two hyperparameters on linear scales."""

    def time(self, lam):
        return np.asarray(lam, dtype=float)


def test_two_hyperparameters():
    rng = np.random.default_rng(0)
    lams, asked = rng.random((9, 2)), rng.random((4, 2))
    start, slope = rng.normal(size=(2, 20, 1, 3)), rng.normal(size=(20, 2, 3))
    particles = start[0] + lams @ slope
    field = fit_field(PlaneScale(), particles, lams)
    for lam in asked:
        answer = field.at(particles, np.tile(lam, (20, 1)), lams)
        np.testing.assert_allclose(answer, start[0][:, 0] + lam @ slope, atol=1e-6)
    own = field.at(particles, np.tile(lams[3], (20, 1)), lams)
    np.testing.assert_array_equal(own, particles[:, 3])


def test_a_constant_second_hyperparameter_changes_nothing():
    particles = wavy()
    field = fit_field(linear_scale(), particles, LAMS)
    with_it = ParticleField(PlaneScale(), field.smooth, field.rough_fraction)
    both = np.column_stack([LAMS, np.full(3, 0.4)])
    for lam in (0.1, 0.7):
        here = with_it.at(particles, np.tile([lam, 0.4], (30, 1)), both)
        np.testing.assert_allclose(here, answers(field, particles, grid=[lam])[0], atol=1e-8)
