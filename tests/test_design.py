"""Which lambda to train next, which gives what is wanted, and how fast outputs change."""

import numpy as np
import pytest
from scipy.stats import norm

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.design import find_lam, mbtl, suggest_lam
from sklearn_hti.exceptions import TrajectoryWarning

X = np.linspace(-1, 1, 40)[:, None]
GRID = [(a, b) for a in (0.0, 0.5, 1.0) for b in (0.0, 1.0, 2.0)]


def ask(network, lams, **params):
    """Return a surrogate that asks ``network(X, lam)`` at some lambdas."""
    networks = {v: lambda X, v=v: network(X, v) for v in lams}
    y = np.concatenate([network(X, v) for v in lams])
    lam = np.repeat(np.asarray(lams, dtype=float), len(X), axis=0)
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0, **params)
    return model.fit(np.tile(X, (len(lams), 1)), y, lam)


def level(X, lam):
    """Return quantiles of a normal law around x."""
    return X[:, 0] + norm.ppf(lam)


def bowl(X, lam):
    """Return what falls, and rises again."""
    return (lam - 1) ** 2 + X[:, 0]


def plane(X, lam):
    """Return what follows two hyperparameters."""
    return lam[0] * (1 + X[:, 0]) + 2 * lam[1]


@pytest.fixture(scope="module")
def levels():
    return ask(level, (0.05, 0.25, 0.5, 0.75, 0.95))


@pytest.fixture(scope="module")
def bowls():
    return ask(bowl, (0.0, 0.5, 1.0, 1.5, 2.0))


@pytest.fixture(scope="module")
def planes():
    return ask(plane, GRID)


# ---------------------------------------------------------------- suggest_lam


def test_trains_where_outputs_move():
    """Outputs move between 0 and 1 alone, of a range to 10."""
    surrogate = ask(lambda X, lam: X[:, 0] * np.exp(-3 * lam), (0.0, 1.0, 5.0, 10.0))
    found = suggest_lam(surrogate)
    assert 0 < found.lam[0] < 1
    assert 0 < found.gain[0] <= found.expected_error


def test_training_lowers_the_expected_error():
    lams = [0.0, 1.0, 3.0]
    expected = []
    for _ in range(4):
        found = suggest_lam(ask(lambda X, lam: np.sin(lam + 3 * X[:, 0]), sorted(lams)))
        assert not set(found.lam) & set(lams)
        expected.append(found.expected_error)
        lams.extend(found.lam)
    assert expected[-1] < 0.1 * expected[0]


def test_stops_where_nothing_moves():
    assert suggest_lam(ask(lambda X, lam: X[:, 0], (0.0, 1.0, 2.0))).stop
    assert not suggest_lam(ask(lambda X, lam: np.sin(3 * lam + X[:, 0]), (0.0, 1.0, 3.0))).stop


def test_batch_is_spread_and_costs_count(levels):
    found = suggest_lam(levels, 2, candidates=[0.1, 0.12, 0.9])
    assert 0.9 in found.lam and len(set(found.lam)) == 2
    free = suggest_lam(levels, candidates=[0.1, 0.9]).lam
    dear = suggest_lam(levels, candidates=[0.1, 0.9], cost=np.where(free == [0.1, 0.9], 1e3, 1))
    assert dear.lam != free
    by_function = suggest_lam(
        levels, candidates=[0.1, 0.9], cost=lambda lam: 1e3 if lam == free[0] else 1.0
    )
    assert by_function.lam == dear.lam


def test_suggests_within_the_hull(planes):
    found = suggest_lam(planes, 2)
    assert found.lam.shape == (2, 2)
    assert ((found.lam >= 0) & (found.lam <= [1, 2])).all()
    assert found.expected_error < 0.1  # outputs follow a plane, and were seen to


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"n_points": 0}, "n_points=0"),
        ({"n_points": 2, "candidates": [0.25, 0.3]}, "the 1 different candidates"),
        ({"candidates": [2.0]}, "candidates"),
        ({"candidates": [0.3], "cost": [1.0, 2.0]}, r"shape \(2,\)"),
        ({"candidates": [0.3], "cost": [0.0]}, "positive"),
    ],
)
def test_refuses_what_makes_no_sense(levels, kwargs, message):
    with pytest.raises(ValueError, match=message):
        suggest_lam(levels, **kwargs)


def test_rows_that_share_no_input_are_refused():
    rng = np.random.default_rng(0)
    lam = np.repeat([0.0, 1.0, 2.0], 30)
    rows = rng.normal(size=(90, 1))
    surrogate = HyperparameterTrajectoryRegressor(base=None, validate=False)
    surrogate.fit(rows, rows[:, 0] + lam, lam)
    if surrogate._state.moments is None:
        with pytest.raises(ValueError, match="same inputs"):
            suggest_lam(surrogate)
    else:
        assert np.isfinite(suggest_lam(surrogate).expected_error)


def test_mbtl_goes_where_scores_are_open():
    found = mbtl([0.0, 1.0], [0.2, 0.2], candidates=np.linspace(0, 1, 5))
    assert found.lam == 0.5
    with pytest.raises(ValueError, match="one score"):
        mbtl([0.0, 1.0], [0.2], candidates=[0.5])
    with pytest.raises(ValueError, match="not trained"):
        mbtl([0.0, 1.0], [0.2, 0.1], candidates=[0.0])


# ---------------------------------------------------------------- find_lam


@pytest.mark.parametrize("wanted", [0.1, 0.4, 0.6, 0.9])
def test_finds_the_level_of_a_coverage(levels, wanted):
    noise = norm.ppf((np.arange(2000) + 0.5) / 2000)

    def covered(draws):
        return np.mean(noise + X <= draws[0])

    found = find_lam(levels, X, covered, wanted)
    assert abs(found.lam - wanted) < 0.02 * 0.9
    assert found.interval[0] <= found.lam <= found.interval[1]


def test_finds_the_lambda_of_a_mean_of_draws():
    def draw(lam):
        return lambda X, n_samples: (
            2 * lam + X[:, 0] + np.random.default_rng(0).normal(size=(n_samples, len(X)))
        )

    lams, rng = (0.0, 1.0, 2.0), np.random.default_rng(1)
    rows, lam = np.tile(np.repeat(X, 8, axis=0), (3, 1)), np.repeat(lams, 8 * len(X))
    y = 2 * lam + rows[:, 0] + rng.normal(size=len(lam))
    surrogate = HyperparameterTrajectoryRegressor(
        networks={v: draw(v) for v in lams}, lam_transform=None, random_state=0
    ).fit(rows, y, lam)
    found = find_lam(surrogate, X, "mean", 2.6)
    assert abs(found.lam - 1.3) < 0.02 * 2
    assert found.achieved == pytest.approx(2.6)
    median = find_lam(surrogate, X, 0.5, 2.6)
    assert abs(median.lam - 1.3) < 0.05 * 2


def test_all_solutions_and_the_one_nearby(bowls):
    found = find_lam(bowls, X, "mean", 0.5, near=0.1)
    assert np.allclose(found.solutions, 1 + np.sqrt(0.5) * np.array([-1, 1]), atol=0.03)
    assert found.lam == found.solutions[0]
    assert find_lam(bowls, X, "mean", 0.5, near=1.9).lam == found.solutions[1]


def test_the_nearest_where_there_is_none(bowls):
    with pytest.warns(TrajectoryWarning, match="out of reach"):
        found = find_lam(bowls, X, "mean", 5.0)
    assert found.lam in (0.0, 2.0)
    assert not len(found.solutions)


def test_explains_the_outputs_of_a_network(levels, bowls):
    for lam in (0.1, 0.4, 0.8):
        found = find_lam(levels, X, None, level(X, lam))
        assert abs(found.lam - lam) < 0.01
        assert found.interval[0] <= lam <= found.interval[1]
    assert abs(find_lam(bowls, X, None, bowl(X, 0.3), near=0.2).lam - 0.3) < 0.03


def test_finds_several_hyperparameters(planes):
    found = find_lam(planes, X, "mean", 2.5, near=(0.5, 1.0))
    assert found.lam @ [1, 2] == pytest.approx(2.5, abs=0.05)
    assert found.interval.shape == (2, 2)
    assert found.solutions.shape[1] == 2 and len(found.solutions) > 5
    assert np.allclose(found.solutions @ [1, 2], 2.5, atol=0.05)
    found = find_lam(planes, X, None, plane(X, (0.3, 1.4)))
    assert np.allclose(found.lam, (0.3, 1.4), atol=0.02)


def test_several_hyperparameters_are_found_to_convergence():
    def curved(X, lam):
        return np.column_stack([np.exp(lam[0]) * X[:, 0], lam[1] ** 2 + lam[0] * X[:, 0] ** 2])

    surrogate = ask(curved, GRID)
    for lam in ((0.83, 1.71), (0.21, 0.37)):
        target = surrogate.predict(X, lam)
        found = find_lam(surrogate, X, None, target)
        assert np.allclose(found.lam, lam, atol=2e-3)
        assert found.achieved < 1e-3


def test_outputs_from_beyond_are_explained_at_the_edge(planes):
    """The best of a <= 1 for a = 1.5, b = 1: b = 1 + (1.5 - a) (1 + mean x) / 2, mean x = 0."""
    found = find_lam(planes, X, None, plane(X, (1.5, 1.0)))
    assert np.allclose(found.lam, (1.0, 1.25), atol=0.02)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("median", 0.5), "statistic='median'"),
        ((1.5, 0.5), "statistic=1.5"),
        (("mean", np.nan), "target=nan"),
        (("mean", 0.5, 1.0), "coverage=1.0"),
        ((lambda draws: draws, 0.5), "one finite number"),
        ((None, np.zeros(3)), "target"),
    ],
)
def test_refuses_questions_without_an_answer(bowls, args, message):
    with pytest.raises(ValueError, match=message):
        find_lam(bowls, X, *args)


# ---------------------------------------------------------------- derivative


def test_derivative_of_a_parabola():
    surrogate = ask(lambda X, lam: lam**2 * X[:, 0], tuple(np.linspace(0, 2, 9)))
    for lam in (0.3, 0.9, 1.0, 1.6):
        found = surrogate.derivative(X, lam)
        assert found.shape == (len(X),)
        assert np.allclose(found, 2 * lam * X[:, 0], rtol=0.02, atol=0.02 * 4)


def test_derivative_at_the_ends_and_over_decades():
    surrogate = ask(lambda X, lam: X[:, 0] * np.log(lam), (0.01, 0.1, 1.0, 10.0))
    for lam in (0.01, 0.03, 1.0, 10.0):
        assert np.allclose(surrogate.derivative(X, lam), X[:, 0] / lam, rtol=0.02)


def test_derivative_by_each_hyperparameter(planes):
    found = planes.derivative(X, (0.4, 0.7))
    assert found.shape == (len(X), 2)
    assert np.allclose(found[:, 0], 1 + X[:, 0], atol=0.04)
    assert np.allclose(found[:, 1], 2, atol=0.04)
