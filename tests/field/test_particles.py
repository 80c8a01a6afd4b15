"""Particles: exact couplings inside inputs, composed along edges."""

import numpy as np
import ot
import pytest

from sklearn_hti._utils.tree import chain, spanning_tree
from sklearn_hti.field import particles as module
from sklearn_hti.field.particles import equal_sizes, follow, partners
from sklearn_hti.field.roughness import measure_noise


def test_rows_of_one_answer_are_particles_as_they_are():
    outputs = np.random.default_rng(0).normal(size=(3, 6, 2))
    found = follow(outputs, np.arange(6), chain(3), np.random.default_rng(0))
    np.testing.assert_array_equal(found, outputs.transpose(1, 0, 2))


def test_draws_keep_to_their_input_and_are_all_used():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], [5, 1, 4])
    outputs = rng.normal(size=(3, 10, 1)) + 100 * groups[:, None]
    found = follow(outputs, groups, chain(3), rng)
    np.testing.assert_array_equal(found[:, 0], outputs[0])
    for k in range(3):
        for g in range(3):
            here = groups == g
            np.testing.assert_array_equal(np.sort(found[here, k, 0]), np.sort(outputs[k, here, 0]))
    # of one output, exact plans keep the order
    for g in range(3):
        ranks = found[groups == g, :, 0].argsort(axis=0).argsort(axis=0)
        assert (ranks == ranks[:, :1]).all()


def test_couplings_cost_what_exact_transport_costs():
    rng = np.random.default_rng(1)
    y, other = rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) + 1
    partner = partners(y, other, rng)
    cost = np.mean(np.sum((y - other[partner]) ** 2, axis=1))
    exact = ot.emd2(np.full(40, 1 / 40), np.full(40, 1 / 40), ot.dist(y, other))
    assert cost == pytest.approx(exact)


def test_edges_of_a_tree_are_followed_from_its_root():
    outputs = np.array([[[0.0], [1.0]], [[11.0], [10.0]], [[-9.0], [-10.0]]])
    edges = [(0, 1), (0, 2)]
    found = follow(outputs, np.zeros(2, dtype=int), edges, np.random.default_rng(0))
    np.testing.assert_array_equal(found[:, :, 0], [[0, 10, -10], [1, 11, -9]])


def test_outputs_meet_where_they_are_carried():
    """Turned about by half a turn, the nearest is the one on the other side."""
    rng = np.random.default_rng(0)
    y, groups = rng.normal(size=(20, 2)), np.repeat([0, 1], 10)
    order = np.concatenate([rng.permutation(10), 10 + rng.permutation(10)])
    outputs = np.stack([y, -y[order], y])
    edges = []

    def carry(y, parent, child):
        edges.append((parent, child))
        return -y

    found = follow(outputs, groups, chain(3), rng, carry)
    np.testing.assert_array_equal(found, np.stack([y, -y, y], axis=1))
    assert edges == chain(3)
    assert (follow(outputs, groups, chain(3), rng)[:, 1] != -y).any()


def test_many_draws_are_coupled_in_parts(monkeypatch):
    monkeypatch.setattr(module, "MAX_COUPLED", 8)
    rng = np.random.default_rng(2)
    partner = partners(rng.normal(size=(50, 1)), rng.normal(size=(50, 1)), rng)
    np.testing.assert_array_equal(np.sort(partner), np.arange(50))


def test_rows_of_small_clouds_are_repeated_evenly():
    clouds = [np.arange(3.0)[:, None], np.arange(7.0)[:, None]]
    same = equal_sizes(clouds, np.random.default_rng(0))
    assert same.shape == (2, 7, 1)
    assert set(np.unique(same[0], return_counts=True)[1]) <= {2, 3}
    np.testing.assert_array_equal(np.sort(same[1, :, 0]), np.arange(7))


def gaussian_draws(n_draws, rng, *, scale=1.0, n_inputs=10):
    """Draws of N(m, 1) moved to N(m + 4, scale^2), independent at both."""
    groups = np.repeat(np.arange(n_inputs), n_draws)
    start = rng.standard_normal((len(groups), 1))
    end = scale * rng.standard_normal((len(groups), 1))
    return groups, np.stack([start, 4 + end])


def test_noise_is_what_few_draws_leave_unsaid():
    rng = np.random.default_rng(0)
    noise = []
    for n_draws in (4, 40, 400):
        groups, outputs = gaussian_draws(n_draws, rng)
        outputs[1] -= 4  # the same law at both: all increments are noise
        noise.append(measure_noise(outputs, groups, chain(2), rng))
    assert all(value > 0.8 for value in noise)
    groups, outputs = gaussian_draws(400, rng)
    assert measure_noise(outputs, groups, chain(2), rng) < 0.02


def test_increments_are_compared_where_they_start():
    # 3 z - z: what a particle does depends on where it starts, and the mean does not move
    groups, outputs = gaussian_draws(400, np.random.default_rng(0), scale=3.0)
    outputs[1] -= 4
    assert measure_noise(outputs, groups, chain(2), np.random.default_rng(0)) < 0.1


def test_noise_of_inputs_with_few_draws_is_all():
    groups, outputs = gaussian_draws(3, np.random.default_rng(0))
    assert measure_noise(outputs, groups, chain(2), np.random.default_rng(0)) == 1


def test_nothing_that_moves_is_no_noise():
    outputs = np.repeat(np.random.default_rng(0).normal(size=(1, 40, 1)), 2, axis=0)
    assert measure_noise(outputs, np.zeros(40, int), chain(2), np.random.default_rng(0)) <= 0.2


def test_the_tree_of_one_axis_is_the_chain_in_any_order():
    knots = np.array([[0.7], [0.0], [1.0], [0.2], [0.2]])
    edges = {frozenset(map(int, edge)) for edge in spanning_tree(knots)}
    assert {frozenset(e) for e in [(0, 2)]} <= edges
    assert len(edges) == 4
    assert sum(abs(knots[a] - knots[b]).item() for a, b in map(tuple, edges)) == pytest.approx(1.0)


def test_the_tree_of_two_axes_is_the_shortest():
    knots = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1.2], [0.4, 0.5]])
    edges = {frozenset(map(int, edge)) for edge in spanning_tree(knots)}
    assert edges == {frozenset(e) for e in [(0, 4), (1, 4), (2, 4), (3, 4)]}
