"""Several hyperparameters at once."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_gaussian_field
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.metrics import squared_wasserstein

FAST = {"kinetic": "euclidean", "potential": None, "max_iter": 100, "random_state": 0}
FIELD = {"base": None, "random_state": 0}
N_INPUTS = 12


def family(X, lam):
    """Return outputs (n, 2) of a network trained at lambda (2,)."""
    a, b = lam
    return np.column_stack([np.sin(2 * a + X[:, 0]) + b**2 * X[:, 1], a * b + X[:, 0] * b])


def rows_of(lams, X, outputs=family):
    """Return X, y, lam of `fit`."""
    y = np.concatenate([outputs(X, lam) for lam in lams])
    return np.tile(X, (len(lams), 1)), y, np.repeat(lams, len(X), axis=0)


@pytest.fixture(scope="module", name="X")
def inputs():
    return np.random.default_rng(0).normal(size=(N_INPUTS, 2))


@pytest.fixture(scope="module")
def lams():
    """Return the corners of a square, and values inside."""
    inside = np.random.default_rng(1).uniform(0.1, 0.9, size=(8, 2))
    return np.vstack([[[0, 0], [0, 1], [1, 0], [1, 1.0]], inside])


@pytest.fixture(scope="module")
def field(X, lams):
    return HyperparameterTrajectoryRegressor(**FIELD).fit(*rows_of(lams, X))


@pytest.fixture(scope="module")
def fitted(X, lams):
    return HyperparameterTrajectoryRegressor(**FAST).fit(*rows_of(lams, X))


def miss(surrogate, X, lams, lam, outputs=family):
    given = [outputs(X, one) for one in lams]
    answer = surrogate.interpolate(X, given, lams=lams, lam=lam)
    return np.mean((answer - outputs(X, lam)) ** 2)


# ---------------------------------------------------------------------- answers


def test_trained_values_are_met(fitted, X, lams):
    for lam in lams:
        assert_allclose(fitted.predict(X, lam=lam), family(X, lam), atol=1e-6)


def test_answers_between_are_near(fitted, X):
    for lam in ([0.4, 0.6], [0.7, 0.3]):
        true = family(X, lam)
        assert np.mean((fitted.predict(X, lam=lam) - true) ** 2) < 0.01 * np.var(true)


def test_shapes(fitted, X, lams):
    assert fitted.anchors_.shape == (12, 2)
    assert fitted.sample(X, lam=lams[5], n_samples=3).shape == (3, N_INPUTS, 2)
    assert fitted.trajectory(X, lams[4:7]).shape == (3, N_INPUTS, 2)
    each = np.tile(lams[5], (N_INPUTS, 1))
    assert_array_equal(fitted.predict(X, lam=each), fitted.predict(X, lam=lams[5]))


def test_transport_there_and_back(fitted, X, lams):
    y, there = family(X, lams[4]), lams[9]
    moved = fitted.transport(X, y, lam_from=lams[4], lam_to=there)
    assert np.mean((moved - family(X, there)) ** 2) < 0.05 * np.var(moved)
    assert_array_equal(fitted.transport(X, y, lam_from=there, lam_to=there), y)


def test_intervals_hold_and_vanish(fitted, X, lams):
    lower, upper = fitted.interval(X, lam=[0.5, 0.5])
    true = family(X, [0.5, 0.5])
    assert np.mean((lower <= true) & (true <= upper)) > 0.7
    spread = fitted._state.uncertainty.spread
    assert not spread.deviation(lams).any() and spread.deviation(np.full((1, 2), 0.5)) > 0


def test_planes_are_met(X, lams):
    """With a linear mean, what is linear in lambda is reproduced."""

    def plane(X, lam):
        return X[:, :1] + X[:, 1:] @ [[1.0]] * lam[0] - 2 * lam[1]

    surrogate = HyperparameterTrajectoryRegressor(lam_transform=None, **FIELD)
    surrogate.fit(*rows_of(lams, X, plane))
    assert miss(surrogate, X, lams, [0.35, 0.55], plane) < 1e-12


def test_fits_repeat(X, lams, fitted):
    again = HyperparameterTrajectoryRegressor(**FAST).fit(*rows_of(lams, X))
    assert_array_equal(again.predict(X, lam=[0.3, 0.3]), fitted.predict(X, lam=[0.3, 0.3]))


def test_draws_are_those_of_a_known_family():
    data = make_gaussian_field(2, n_samples=150, random_state=0)
    surrogate = HyperparameterTrajectoryRegressor(**FIELD).fit(data.X, data.y, data.lam)
    clouds = [data.y[(data.lam == lam).all(axis=1)] for lam in data.anchors]
    rng, ratio = np.random.default_rng(0), []
    for lam in rng.uniform(0.15, 0.85, size=(4, 2)):
        one, other = (data.truth(None, np.tile(lam, (150, 1)), random_state=i) for i in (0, 1))
        answer = surrogate.interpolate(None, clouds, lams=data.anchors, lam=lam)
        ratio.append([squared_wasserstein(one, answer), squared_wasserstein(one, other)])
    assert np.divide(*np.sum(ratio, axis=0)) < 1.15


def test_loops_of_one_output_close(X, lams):
    """Couplings of one number are monotone, and so is what they are composed of."""
    draws = np.random.default_rng(0).normal(size=20)
    y = np.concatenate([np.exp(lam[0]) * np.sort(draws) + lam[1] for lam in lams])
    surrogate = HyperparameterTrajectoryRegressor(**FAST)
    surrogate.fit(None, y, np.repeat(lams, 20, axis=0))
    assert_allclose(surrogate.diagnostics_["loop_errors"], 0, atol=1e-12)


# ------------------------------------------------- columns that say nothing


def test_a_constant_column_changes_nothing(X):
    lams = np.linspace(0, 1, 5)

    def one(X, lam):
        return family(X, [np.atleast_1d(lam)[0], 0.5])

    alone = HyperparameterTrajectoryRegressor(**FAST).fit(*rows_of(lams, X, one))
    both = np.column_stack([lams, np.full(5, 3.0)])
    beside = HyperparameterTrajectoryRegressor(**FAST).fit(*rows_of(both, X, one))
    assert_array_equal(beside.predict(X, lam=[0.3, 3.0]), alone.predict(X, lam=0.3))
    assert_array_equal(beside.anchors_, both)
    with pytest.raises(ValueError, match="column 1 was 3 for every row"):
        beside.predict(X, lam=[0.3, 2.0])


def test_an_axis_without_influence_costs_nothing(X, lams):
    def one(X, lam):
        return family(X, [np.atleast_1d(lam)[0], 0.5])

    values = lams[:, 0] + 1e-3 * np.arange(len(lams))
    both = np.column_stack([values, lams[:, 1]])
    beside = HyperparameterTrajectoryRegressor(**FIELD).fit(*rows_of(both, X, one))
    alone = HyperparameterTrajectoryRegressor(**FIELD).fit(*rows_of(np.sort(values), X, one))
    for lam in ([0.35, 0.5], [0.6, 0.4]):
        error = miss(alone, X, np.sort(values), lam[0], one)
        assert miss(beside, X, both, lam, one) <= 1.05 * error + 1e-12
    with pytest.raises(ValueError, match="outside"):
        beside.interpolate(X, [one(X, v) for v in both], lams=both, lam=[0.5, 7.0])


# --------------------------------------------------------- designs and regions


def test_weights_that_sum_to_one(X):
    corners = np.vstack([np.eye(3), np.full((1, 3), 1 / 3), 0.5 * (1 - np.eye(3))])

    def policy(X, w):
        return np.column_stack([X @ [1, 2] * w[0] + w[1] ** 2, np.tanh(X[:, 0] + w[2])])

    surrogate = HyperparameterTrajectoryRegressor(**FIELD).fit(*rows_of(corners, X, policy))
    assert miss(surrogate, X, corners, [0.5, 0.25, 0.25], policy) < 0.01
    with pytest.raises(ValueError, match="outside the convex hull"):
        miss(surrogate, X, corners, [0.5, 0.5, 0.5], policy)


def test_one_axis_at_a_time(X):
    """A cross: the corners of its square are outside."""
    cross = np.array([[0.5, 0.5], [0, 0.5], [1, 0.5], [0.5, 0], [0.5, 1]])
    surrogate = HyperparameterTrajectoryRegressor(**FIELD).fit(*rows_of(cross, X))
    assert miss(surrogate, X, cross, [0.5, 0.8]) < 0.05
    with pytest.raises(ValueError, match="outside the convex hull"):
        miss(surrogate, X, cross, [0.95, 0.95])


@pytest.mark.parametrize("lam", [[1.5, 0.5], [0.5, np.inf]])
def test_outside_names_the_nearest(fitted, X, lam):
    match = "convex hull" if np.isfinite(lam).all() else "infinity"
    with pytest.raises(ValueError, match=match) as error:
        fitted.predict(X, lam=lam)
    if match == "convex hull":
        assert "first (1.5, 0.5), " in str(error.value)
        assert "nearest trained value, (" in str(error.value)


def test_rounding_is_not_outside(fitted, X):
    fitted.predict(X, lam=np.float32([1.0, 0.1]) + np.float32(1e-7))


# --------------------------------------------------------------- how lambda comes


def test_names_come_in_any_order(X, lams):
    frame = pd.DataFrame(lams, columns=["C", "gamma"])
    table, y, _ = rows_of(lams, X)
    named = frame.loc[np.repeat(frame.index, N_INPUTS)]
    surrogate = HyperparameterTrajectoryRegressor(**FAST).fit(table, y, named)
    expected = surrogate.predict(X, lam=[0.3, 0.6])
    assert_array_equal(surrogate.predict(X, lam={"gamma": 0.6, "C": 0.3}), expected)
    asked = pd.DataFrame({"gamma": [0.6] * N_INPUTS, "C": 0.3})
    assert_array_equal(surrogate.predict(X, lam=asked), expected)
    assert_array_equal(surrogate.predict(X, lam=asked.iloc[0]), expected)
    assert {"C", "gamma"} <= set(surrogate.validation_)
    with pytest.raises(ValueError, match=r"hyperparameters \['C', 'alpha'\]; expected"):
        surrogate.predict(X, lam={"C": 0.3, "alpha": 0.6})


def test_columns_of_lambda_in_a_frame(X, lams, fitted):
    table, y, lam = rows_of(lams, X)
    frame = pd.DataFrame(np.column_stack([lam[:, 1], table, lam[:, 0]]), columns=[*"gabC"])
    surrogate = HyperparameterTrajectoryRegressor(lam_column=["C", "g"], **FAST).fit(frame, y)
    assert_array_equal(surrogate.predict(frame), fitted.predict(table, lam=lam))


@pytest.mark.parametrize("lam", [0.5, [0.1, 0.2, 0.3], np.zeros((4, 2))])
def test_other_shapes_are_refused(fitted, X, lam):
    with pytest.raises(ValueError, match=r"`lam` has (shape|4 row)"):
        fitted.predict(X, lam=lam)


def test_without_inputs(lams):
    y = np.concatenate([[np.sin(lam.sum())] for lam in lams])
    surrogate = HyperparameterTrajectoryRegressor(**FAST).fit(None, y, lams)
    assert surrogate.predict(None, lam=[0.5, 0.5]).shape == (1,)
    assert surrogate.sample(None, lam=lams[:3]).shape == (3,)
    assert abs(surrogate.predict(None, lam=[0.5, 0.5])[0] - np.sin(1)) < 0.05


# ------------------------------------------------------------------ categories


@pytest.fixture(scope="module")
def mixed(X):
    """Return rows of two kernels whose outputs differ by a shift, and the surrogate."""
    values = np.linspace(0, 1, 4)
    frames, outputs = [], []
    for kernel, shift in (("rbf", 0.0), ("poly", 2.0)):
        for value in values:
            frames.append(pd.DataFrame({"C": [value] * N_INPUTS, "kernel": kernel}))
            outputs.append(family(X, [value, 0.5]) + shift)
    lam = pd.concat(frames, ignore_index=True)
    surrogate = HyperparameterTrajectoryRegressor(**FAST)
    return surrogate.fit(np.tile(X, (8, 1)), np.concatenate(outputs), lam)


@pytest.mark.parametrize(("kernel", "shift"), [("rbf", 0.0), ("poly", 2.0)])
def test_categories_keep_apart_and_share(mixed, X, kernel, shift):
    for value, bound in ((1 / 3, 1e-9), (0.5, 2e-3)):
        true = family(X, [value, 0.5]) + shift
        answer = mixed.predict(X, lam={"C": value, "kernel": kernel})
        assert np.mean((answer - true) ** 2) < bound


def test_categories_come_back_by_name(mixed):
    assert mixed.anchors_.shape == (8, 2)
    assert set(mixed.anchors_[:, 1]) == {"rbf", "poly"}


def test_unknown_categories_are_named(mixed, X):
    with pytest.raises(ValueError, match=r"kernel has the unknown categories \['linear'\]"):
        mixed.predict(X, lam={"C": 0.5, "kernel": "linear"})


def test_a_single_value_of_a_category(X):
    lam = pd.DataFrame({"C": [0.0, 1.0, 0.5], "kernel": ["rbf", "rbf", "poly"]})
    with pytest.raises(ValueError, match=r"\(C=0.5, kernel='poly'\) is the only trained value"):
        HyperparameterTrajectoryRegressor(**FIELD).fit(None, np.arange(3.0), lam)


# --------------------------------------------------------------- refusals of fit


def test_nothing_varies():
    with pytest.raises(ValueError, match="holds one value only"):
        HyperparameterTrajectoryRegressor().fit(None, np.zeros(4), np.ones((4, 2)))


def test_too_many_columns():
    with pytest.raises(ValueError, match=r"6 columns.*at most 5"):
        HyperparameterTrajectoryRegressor().fit(None, np.zeros(4), np.ones((4, 6)))


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"lam_transform": "entropy"}, "lam_transform='entropy'"),
        ({"lam_transform": ["log"]}, "lam_transform has 1 entries for 2"),
        ({"lam_transform": ["sqrt", None]}, "lam_transform='sqrt' is not available"),
        ({"lam_transform": {"C": "log"}}, r"lam_transform has the unknown names \['C'\]"),
        ({"solver": "monge_gap"}, "solver='monge_gap' follows one"),
        ({"path": "smooth"}, "path='smooth' follows one"),
        ({"n_anchors": 3}, "n_anchors=3 merges"),
        ({"base_lam": [0.5, 0.5]}, "is not a trained value"),
    ],
)
def test_parameters_of_one_hyperparameter(X, lams, params, match):
    with pytest.raises(ValueError, match=match):
        HyperparameterTrajectoryRegressor(**FAST | params).fit(*rows_of(lams, X))


def test_a_scale_for_each(X, lams):
    table, y, lam = rows_of(lams + 1, X)
    surrogate = HyperparameterTrajectoryRegressor(lam_transform=["log", None], **FIELD)
    surrogate.fit(table, y, lam)
    assert surrogate.lam_transform_.name == "log, identity"
    assert surrogate.lam_transform_.reason == "asked for"


@pytest.mark.parametrize("scale", [["log", None], {"C": "log", "gamma": None}, {"C": "log"}])
def test_a_scale_for_each_of_which_one_has_an_influence(X, scale):
    lams = np.array([[a, b] for a in (1.0, 2.0, 8.0) for b in (0.0, 1.0, 2.0)])
    table, y, lam = rows_of(lams, X, lambda X, lam: np.log(lam[0]) * X)
    alone = lam * [1, 0]  # nothing else varies in lambda
    for values in (lam, alone):
        surrogate = HyperparameterTrajectoryRegressor(lam_transform=scale, **FIELD)
        surrogate.fit(table, y, pd.DataFrame(values, columns=["C", "gamma"]))
        assert surrogate.lam_transform_.name == "log"
        assert surrogate.anchors_.shape[1] == 2


# ------------------------------------------------------------------- networks


def test_networks_are_asked(X, lams):
    networks = {tuple(lam): (lambda X, lam=lam: family(X, lam)) for lam in lams}
    networks[(9.0, 9.0)] = lambda X: 1 / 0  # never asked: fit did not see it
    surrogate = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    surrogate.fit(*rows_of(lams, X))
    new = np.random.default_rng(5).normal(size=(4, 2))
    assert_allclose(surrogate.predict(new, lam=lams[6]), family(new, lams[6]), atol=1e-9)
    assert np.mean((surrogate.predict(new, lam=[0.5, 0.5]) - family(new, [0.5, 0.5])) ** 2) < 0.02
    del networks[tuple(lams[3])]
    with pytest.raises(ValueError, match=r"no network for lambda = \(1, 1\)"):
        HyperparameterTrajectoryRegressor(networks=networks).fit(*rows_of(lams, X))


def test_few_trained_values_leave_no_axis_out():
    """Three values do not show that a hyperparameter does nothing."""
    lams = np.array([[0.0, 0.0], [1.0, 0.5], [0.5, 1.0]])
    y = np.concatenate([[lam.sum()] * 4 for lam in lams])
    X = np.tile(np.arange(4.0)[:, None], (3, 1))
    surrogate = HyperparameterTrajectoryRegressor(lam_transform=None, **FIELD)
    surrogate.fit(X, y, np.repeat(lams, 4, axis=0))
    given = [np.full(4, lam.sum()) for lam in lams]
    assert_allclose(surrogate.interpolate(X[:4], given, lams=lams, lam=[0.5, 0.5]), 1.0)


def test_networks_on_a_grid_keep_their_values(X):
    """Of two networks that agree, each is asked at its own value."""
    grid = np.array([[a, b] for a in np.linspace(0, 1, 4) for b in (0.0, 1.0, 2.0)])

    def one(X, lam):
        return family(X, [lam[0], 0.5])

    networks = {tuple(lam): (lambda X, lam=lam: one(X, lam) + 1e-9 * lam[1]) for lam in grid}
    surrogate = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    surrogate.fit(*rows_of(grid, X, one))
    for lam in grid[1:3]:
        assert_allclose(surrogate.predict(X, lam=lam), networks[tuple(lam)](X), atol=1e-13)


def test_two_trained_values(X):
    """The line between them is inside, and has bounds."""
    lams = np.array([[0.0, 0.2], [1.0, 0.8]])
    surrogate = HyperparameterTrajectoryRegressor(**FAST).fit(*rows_of(lams, X))
    with pytest.warns(match="two trained values"):
        lower, upper = surrogate.interval(X, lam=[0.5, 0.5])
    assert (lower < upper).all()


def test_a_lambda_of_its_own_for_every_row():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"50 trained values of 1 row.*same inputs"):
        HyperparameterTrajectoryRegressor(**FAST).fit(
            rng.normal(size=(50, 2)), rng.normal(size=50), rng.random((50, 2))
        )


def test_names_are_kept(mixed, field):
    assert mixed.lam_names_in_.tolist() == ["C", "kernel"]
    assert not hasattr(field, "lam_names_in_")


def test_inputs_that_some_values_miss(X, lams):
    """Where most inputs are known at a value, the rest is predicted."""
    table, y, lam = rows_of(lams, np.random.default_rng(2).normal(size=(60, 2)))
    kept = np.random.default_rng(3).random(len(y)) < 0.9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrajectoryWarning)
        surrogate = HyperparameterTrajectoryRegressor(**FAST).fit(table[kept], y[kept], lam[kept])
    true = family(table[:60], [0.5, 0.5])
    assert np.mean((surrogate.predict(table[:60], lam=[0.5, 0.5]) - true) ** 2) < 0.05 * true.var()
