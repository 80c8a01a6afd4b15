"""The anchor of the base: draws come from where they differ, maps bring them together."""

import warnings

import numpy as np
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import ConditionalFlowMatchingRegressor, NearestAnchorRegressor
from sklearn_hti.clocks.way import way_reader
from sklearn_hti.exceptions import BaseWarning, ConvergenceWarning
from sklearn_hti.policies import TrajectoryPolicy
from sklearn_hti.samplers.anchor import choose_anchor
from sklearn_hti.solvers import CouplingSolver

ANCHORS = np.array([0.0, 1.0, 2.0])


def family(encode, draw, n_inputs=20, n_draws=10):
    """Return rows whose outputs at anchor k are ``draw(k, rng, n)`` around a line in x."""
    rng = np.random.default_rng(0)
    x = np.tile(np.repeat(rng.uniform(-1, 1, n_inputs), n_draws), 3)
    n = n_inputs * n_draws
    y = 3 * x + np.concatenate([draw(k, rng, n) for k in range(3)])
    return encode(x[:, None], y / y.std(), np.repeat(ANCHORS, n))


def normal(*spreads):
    return lambda k, rng, n: spreads[k] * rng.normal(size=n)


def chosen(data):
    """The anchor that is chosen for rows, along couplings of them."""
    read = way_reader(data, CouplingSolver(), np.random.default_rng(0))
    return choose_anchor(data, read().trajectories)


@pytest.mark.parametrize("spreads", [(1, 1, 1), (1, 2, 3), (1, 0.5, 0.01), (0, 0, 0)])
def test_the_first_where_draws_of_it_differ_or_none_do(encode, spreads):
    assert chosen(family(encode, normal(*spreads))) == 0


@pytest.mark.parametrize("spreads", [(0, 1, 2), (0, 2, 1)])
def test_one_where_draws_differ_if_those_of_the_first_are_equal(encode, spreads):
    """Nearest at the first tells nothing: any other draw of the input is as near."""
    assert chosen(family(encode, normal(*spreads))) in (1, 2)
    assert chosen(family(encode, normal(*spreads), 5, 100)) in (1, 2)


def test_much_wider_draws_are_not_stretched_from_narrow_ones(encode):
    for spreads, anchor in (((0.1, 1, 2), 2), ((1, 1, 300), 2), ((0.5, 1, 2), 0)):
        assert chosen(family(encode, normal(*spreads), 20, 50)) == anchor


def test_draws_that_are_mostly_equal_are_no_base(encode):
    """As wide as elsewhere by its variance, but nine in ten draws are one number."""

    def rare(k, rng, n):
        return np.where(rng.random(n) < (0.1, 0.5, 0.9)[k], 2 + 0.5 * rng.normal(size=n), 0.0)

    assert chosen(family(encode, rare, 20, 50)) == 2


def test_one_of_two_outputs_is_not_enough(encode):
    """What vanishes at the first anchor is not told by it, whatever stays."""
    rng = np.random.default_rng(0)
    n = 400
    z = rng.normal(size=(n, 2))
    y = np.concatenate([z * [1, spread] for spread in (0.0, 1.0, 2.0)])
    x = np.tile(np.repeat(np.arange(4.0), n // 4), 3)[:, None]
    assert chosen(encode(x, y / y.std(), np.repeat(ANCHORS, n))) > 0


def test_one_answer_per_input_says_nothing(encode):
    assert chosen(family(encode, normal(0, 1, 2), 200, 1)) == 0


def test_an_anchor_asked_once_per_input_is_no_base_beside_others(encode):
    data = family(encode, normal(1, 1, 1))
    rows = np.flatnonzero((data.anchors.index > 0) | (np.arange(len(data.y)) % 10 == 0))
    assert chosen(data.take(rows)) > 0


@pytest.mark.parametrize("n_draws", [2, 100])
def test_one_row_of_an_anchor_tells_nothing_of_the_others(encode, n_draws):
    data = family(encode, normal(1, 1, 1), 5, n_draws)
    rows = np.flatnonzero((data.anchors.index > 0) | (np.arange(len(data.y)) < 1))
    assert chosen(data.take(rows)) > 0


def test_single_particles_leave_the_first(encode):
    """None to compare with: one draw of one input."""
    assert chosen(encode(None, np.array([0.0, 1.0, 3.0]), np.repeat(ANCHORS, 1))) == 0


@pytest.mark.parametrize(("spreads", "anchor"), [((0, 1, 2), 2), ((1, 1, 1), 0)])
def test_where_no_x_occurs_twice_the_mean_is_taken_off(encode, spreads, anchor):
    rng = np.random.default_rng(0)
    X, lam = rng.uniform(-1, 1, (900, 2)), np.repeat(ANCHORS, 300)
    y = 3 * np.sin(2 * X[:, 0]) + np.repeat(spreads, 300) * rng.normal(size=900)
    assert chosen(encode(X, y, lam)) == anchor


def test_sorted_draws_are_as_far_apart_as_others(encode):
    data = family(encode, normal(1, 1, 1), 1, 500)
    first = data.anchors.rows(0)
    data.y[first] = np.sort(data.y[first], axis=0)
    assert chosen(data) == 0


@pytest.fixture(scope="module")
def dropout():
    """Inputs, outputs and rates of a network whose dropout of rate 0 is none."""
    rng = np.random.default_rng(0)
    x, lam = np.tile(np.repeat([-1.0, 0.0, 1.0], 100), 3), np.repeat(ANCHORS, 300)
    return x[:, None], np.sin(x) + lam * rng.normal(size=900), lam


@pytest.mark.parametrize(
    "cls", [HyperparameterTrajectoryRegressor, ConditionalFlowMatchingRegressor]
)
def test_outputs_spread_with_a_rate_that_begins_at_zero(dropout, cls):
    X, y, lam = dropout
    model = cls(lam_transform=None, max_iter=300, random_state=0)
    with pytest.warns(BaseWarning, match="equal at lambda = 0, .* base_lam=2"):
        model.fit(X, y, lam)
    assert model.base_lam_ == 2.0
    for rate in (0.0, 0.5, 1.0, 1.5, 2.0):
        draws = model.sample(np.zeros((500, 1)), rate, random_state=0)
        assert draws.std() == pytest.approx(rate, abs=0.15)


def test_equal_draws_as_base_are_reported(make):
    """Floors are those of all draws of an input: halves of a few would hide missing spread."""
    rng = np.random.default_rng(0)
    x, lam = np.tile(np.repeat(rng.uniform(-1, 1, 40), 40), 2), np.repeat([0.0, 1.0], 1600)
    y = x[:, None] + lam[:, None] * rng.normal(size=(3200, 2))
    with pytest.warns(ConvergenceWarning, match=r"at lambda = 1 .* Try base_lam=1"):
        make(base_lam=0.0).fit(x[:, None], y, lam)


def test_a_network_of_the_users_own_sits_at_the_first(make, dropout):
    X, y, lam = dropout
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = make(base=lambda x: np.sin(x[:, 0])).fit(X, y, lam)
    assert model.base_lam_ == 0.0


def test_copies_of_the_nearest_anchor_spread_as_it_does(dropout):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BaseWarning)
        model = NearestAnchorRegressor().fit(*dropout)
    draws = model.sample(np.zeros((300, 1)), 2.0, random_state=0)
    assert draws.std() == pytest.approx(2, rel=0.15)


def test_deployed_networks_are_those_of_the_first_unless_told(make, tmp_path):
    """Where the data put the base is no lambda that a user's own network comes from."""
    rng = np.random.default_rng(0)
    X, lam = np.tile([[-1.0], [0.0], [1.0]], (300, 1)), np.repeat([0.1, 1.0, 2.0], 300)
    y = (lam - 0.1) * rng.normal(size=900)
    for params, lam_from in (({}, 0.1), ({"base_lam": 2.0}, 2.0)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make(**params).fit(X, y, lam)
        assert model.base_lam_ == params.get("base_lam", 2.0)
        assert model.export(tmp_path / "graph.pt2", format="torch")["lam_from"] == lam_from
        policy = TrajectoryPolicy(model, lam=2.0, base=lambda x: np.full((len(x), 1), 0.1))
        acted, _ = policy.predict(X[:3])
        expected = model.transport(X[:3], np.full((3, 1), 0.1), lam_from=lam_from, lam_to=2.0)
        np.testing.assert_allclose(acted, expected, atol=1e-5)
