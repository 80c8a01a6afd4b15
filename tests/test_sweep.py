"""sweep: direct training reproduced, seeds shared, global states left alone."""

from copy import deepcopy

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import make_regression
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from skorch import NeuralNetRegressor
from torch import nn

from sklearn_hti._sweep import sweep

X, Y = make_regression(40, 3, noise=5.0, random_state=0)
ALPHAS = [0.1, 1, 10.0]


class ScaledError(nn.Module):
    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = weight

    def forward(self, predicted, wanted):
        return self.weight * (predicted - wanted.float()).square().mean()


class Line(nn.Module):
    def __init__(self, p=0.0):
        super().__init__()
        self.linear, self.dropout = nn.Linear(3, 1), nn.Dropout(p)

    def forward(self, X):
        return self.linear(self.dropout(X.float()))


class StochasticNet(NeuralNetRegressor):
    def sample(self, X):
        self.module_.train()
        with torch.no_grad():
            return self.module_(torch.as_tensor(X))


def make_net(cls=NeuralNetRegressor, **params):
    params = {"max_epochs": 2, "train_split": None, "verbose": 0, "lr": 0.01} | params
    return cls(Line, criterion=ScaledError, **params)


class Recorder(RegressorMixin, BaseEstimator):
    """Appends a character to a file at each fit; outputs of any kind on demand."""

    def __init__(self, path=None, level=0.0, output=None, random_state=None):
        self.path = path
        self.level = level
        self.output = output
        self.random_state = random_state

    def fit(self, X, y):
        if self.path is not None:
            with open(self.path, "a") as file:
                file.write("x")
        self.global_draw_ = np.random.rand()  # noqa: NPY002
        return self

    def predict(self, X):
        if self.output is not None:
            return self.output(len(X), self.level)
        return np.random.normal(self.level, size=len(X))  # noqa: NPY002


def count_fits(path):
    return len(path.read_text()) if path.exists() else 0


def test_ridge_equals_direct_training():
    data = sweep(Ridge(), "alpha", ALPHAS, X, Y, X[:7])
    for k, alpha in enumerate(ALPHAS):
        at_alpha = data.lam == alpha
        assert_array_equal(data.X[at_alpha], X[:7])
        assert_allclose(data.y[at_alpha], Ridge(alpha=alpha).fit(X, Y).predict(X[:7]))
        assert_array_equal(data.row[at_alpha], np.arange(7))
        assert data.estimators[k].alpha is ALPHAS[k]
    assert data.param_name == "alpha"
    assert data.lam.dtype == float


def test_queries_the_training_inputs_by_default():
    assert_array_equal(sweep(Ridge(), "alpha", ALPHAS, X, Y).X, np.repeat(X, 3, axis=0))


@pytest.mark.parametrize("n_draws", [1, 3])
def test_folds_in_order_take_no_value_away(n_draws):
    """Those of scikit-learn's defaults; an input is in one fold, but for those at the edges."""
    data = sweep(Ridge(), "alpha", ALPHAS, X, Y, n_draws=n_draws)
    for train, test in KFold(5).split(data.X):
        assert set(data.lam[train]) == set(data.lam[test]) == set(ALPHAS)
        assert len(set(data.row[train]) & set(data.row[test])) <= 2


def test_nested_parameter_and_many_outputs():
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    data = sweep(pipe, "logisticregression__C", [0.1, 1.0], X, Y > 0, method="predict_proba")
    assert data.y.shape == (80, 2)
    assert_allclose(data.y.sum(axis=1), 1)
    assert [e[-1].C for e in data.estimators] == [0.1, 1.0]


def test_targets_of_two_dimensions_keep_their_shape():
    data = sweep(Ridge(), "alpha", ALPHAS, X, np.column_stack([Y, -Y]))
    assert data.y.shape == (120, 2)
    assert_allclose(data.y[:, 0], -data.y[:, 1])


@pytest.mark.parametrize("param_name", ["criterion__weight", "module__p", "lr"])
def test_skorch_net(param_name):
    values = [0.01, 0.5]
    data = sweep(make_net(), param_name, values, X, Y[:, None], random_state=0)
    assert data.y.shape == (80, 1)
    for value, net in zip(values, data.estimators, strict=True):
        assert net.get_params()[param_name] == value
        assert_allclose(net.predict(X), data.y[data.lam == value], rtol=1e-6)


def test_every_value_is_trained_with_the_same_seed():
    net = make_net(max_epochs=0)
    for random_state in (0, None):
        data = sweep(net, "lr", [0.1, 0.2], X, Y[:, None], random_state=random_state)
        first, second = (e.module_.linear.weight.data for e in data.estimators)
        assert_array_equal(first, second)


def test_trees_get_one_seed_and_the_call_repeats():
    forest = RandomForestRegressor(n_estimators=3)
    once = sweep(forest, "max_depth", [1, 3], X, Y, random_state=1)
    again = sweep(forest, "max_depth", [1, 3], X, Y, random_state=1)
    other = sweep(forest, "max_depth", [1, 3], X, Y, random_state=2)
    assert len({e.random_state for e in once.estimators}) == 1
    assert_array_equal(once.y, again.y)
    assert not np.array_equal(once.y, other.y)


class Writer(RegressorMixin, BaseEstimator):
    """Centres what it is given in place, and answers from one buffer."""

    def __init__(self, level=0.0):
        self.level = level

    def fit(self, X, y):
        X -= 1.0
        y *= 2.0
        self.seen_ = deepcopy((X, y))
        return self

    def predict(self, X):
        X -= 1.0
        self.buffer_ = getattr(self, "buffer_", np.zeros(len(X)))
        self.buffer_ += np.asarray(X)[:, 0]
        return self.buffer_


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize(
    "kind", [np.array, np.asfortranarray, pd.DataFrame, lambda a: torch.tensor(a) * 1]
)
def test_every_training_has_data_of_its_own(kind, n_jobs):
    given, targets = kind(X), Y.copy()
    data = sweep(Writer(), "level", [0.0, 1.0], given, targets, n_draws=2, n_jobs=n_jobs)
    assert_array_equal(given, X)
    assert_array_equal(targets, Y)
    for fitted in data.estimators:
        assert_array_equal(fitted.seen_[0], X - 1.0)
        assert_array_equal(fitted.seen_[1], 2.0 * Y)
    first = X[:, 0] - 1.0
    assert_allclose(data.y.reshape(-1, 2, 2), np.stack([np.outer(first, [1, 2])] * 2, axis=1))


def test_a_transformer_that_writes_into_its_input_changes_nothing():
    given = X.copy()
    pipe = make_pipeline(StandardScaler(copy=False), Ridge())
    data = sweep(pipe, "ridge__alpha", ALPHAS, given, Y, n_draws=2)
    assert_array_equal(given, X)
    expected = sweep(make_pipeline(StandardScaler(), Ridge()), "ridge__alpha", ALPHAS, X, Y)
    assert_allclose(data.y, np.repeat(expected.y, 2))


def test_without_random_state_the_estimators_own_seed_stays():
    forest = RandomForestRegressor(n_estimators=3, random_state=5)
    data = sweep(forest, "max_depth", [1, 3], X, Y)
    assert [e.random_state for e in data.estimators] == [5, 5]
    assert_array_equal(data.y[data.lam == 1], forest.set_params(max_depth=1).fit(X, Y).predict(X))


def test_the_swept_parameter_may_be_the_seed_itself():
    forest = RandomForestRegressor(n_estimators=3)
    data = sweep(forest, "random_state", [7, 8], X, Y, random_state=0)
    assert [e.random_state for e in data.estimators] == [7, 8]


def test_the_estimator_itself_is_left_alone():
    ridge = Ridge(alpha=3.0)
    sweep(ridge, "alpha", ALPHAS, X, Y)
    assert ridge.alpha == 3.0
    assert not hasattr(ridge, "coef_")


@pytest.mark.parametrize(
    ("estimator", "param_name"), [(Ridge(), "alpha"), (make_net(), "criterion__weight")]
)
def test_two_processes_give_what_one_gives(estimator, param_name):
    arguments = (estimator, param_name, [0.5, 1.0], X, Y[:, None])
    one = sweep(*arguments, random_state=0)
    two = sweep(*arguments, n_jobs=2, random_state=0)
    assert_allclose(one.y, two.y, rtol=1e-4)
    assert_array_equal(one.lam, two.lam)


@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize(
    ("estimator", "param_name"), [(Recorder(), "level"), (make_net(), "module__p")]
)
def test_global_states_are_put_back(estimator, param_name, random_state):
    numpy_state = np.random.get_state()[1].copy()  # noqa: NPY002
    torch_state = torch.get_rng_state()
    sweep(estimator, param_name, [0.1, 0.2], X, Y[:, None], random_state=random_state)
    assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert_array_equal(torch.get_rng_state(), torch_state)


def test_global_states_are_put_back_after_an_error():
    torch_state = torch.get_rng_state()
    with pytest.raises(TypeError):
        sweep(make_net(), "module__q", [0.1, 0.2], X, Y[:, None])
    assert_array_equal(torch.get_rng_state(), torch_state)


def test_draws_at_one_input_are_neighbours():
    net = make_net(StochasticNet)
    options = {"method": "sample", "n_draws": 4, "random_state": 0}
    data = sweep(net, "module__p", [0.0, 0.5], X, Y[:, None], X[:5], **options)
    assert_array_equal(data.row, np.repeat(np.arange(5), 8))
    assert_array_equal(data.lam, np.tile(np.repeat([0.0, 0.5], 4), 5))
    assert_array_equal(data.X, X[data.row])
    draws = data.y.reshape(5, 2, 4).swapaxes(0, 1)
    assert_allclose(np.ptp(draws[0], axis=1), 0, atol=1e-6)  # no dropout, no noise
    assert np.all(np.ptp(draws[1], axis=1) > 0)


def test_dataframe_queries_stay_dataframes():
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=range(100, 140))
    data = sweep(Ridge(), "alpha", ALPHAS, frame, Y, frame[:5], n_draws=2)
    assert list(data.X.columns) == ["a", "b", "c"]
    assert_array_equal(data.X.index, np.arange(30))
    assert_array_equal(data.X, frame.to_numpy()[data.row])


@pytest.mark.parametrize("as_memory", [str, lambda p: p, lambda p: joblib.Memory(p, verbose=0)])
def test_memory_trains_only_once(tmp_path, as_memory):
    counter = tmp_path / "fits"
    arguments = (Recorder(counter), "level", [0.0, 1.0], X, Y)
    memory = as_memory(tmp_path / "cache")
    first = sweep(*arguments, random_state=0, memory=memory)
    assert count_fits(counter) == 2
    again = sweep(*arguments, random_state=0, memory=memory)
    assert count_fits(counter) == 2
    assert_array_equal(first.y, again.y)
    sweep(*arguments, random_state=1, memory=memory)
    assert count_fits(counter) == 4
    sweep(arguments[0], "level", [0.0, 2.0], X, Y, random_state=1, memory=memory)
    assert count_fits(counter) == 5


class CountingNet(NeuralNetRegressor):
    def __init__(self, *args, path=None, **kwargs):
        self.path = path
        super().__init__(*args, **kwargs)

    def fit(self, X, y, **fit_params):
        with open(self.path, "a") as file:
            file.write("x")
        return super().fit(X, y, **fit_params)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_memory_serves_skorch_nets(tmp_path, n_jobs):
    counter = tmp_path / "fits"
    net = make_net(CountingNet, path=counter, optimizer=torch.optim.Adam)
    options = {"random_state": 0, "memory": tmp_path / "cache", "n_jobs": n_jobs}
    first = sweep(net, "criterion__weight", [1.0, 2.0], X, Y[:, None], **options)
    again = sweep(net, "criterion__weight", [1.0, 2.0], X, Y[:, None], **options)
    assert count_fits(counter) == 2
    assert_array_equal(first.y, again.y)
    assert_allclose(again.estimators[1].predict(X), again.y[again.lam == 2.0], rtol=1e-6)


def test_memory_without_a_seed_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Pass an int as random_state"):
        sweep(Ridge(), "alpha", ALPHAS, X, Y, memory=tmp_path)


@pytest.mark.parametrize(
    ("estimator", "name", "hint"),
    [
        (Ridge(), "alfa", "did you mean alpha"),
        (make_net(criterion__weight=1.0), "criteron__weight", "criterion__weight"),
        (make_net(), "zzz", "see its get_params"),
        (make_pipeline(StandardScaler(), Ridge()), "rigde__alpha", "ridge__alpha"),
    ],
)
def test_unknown_parameter_names_the_near_miss(estimator, name, hint):
    with pytest.raises(ValueError, match=rf"param_name='{name}'.*{hint}"):
        sweep(estimator, name, [1.0, 2.0], X, Y)


def test_parts_of_a_nested_net_are_known():
    pipe = make_pipeline(StandardScaler(), make_net())
    name = "neuralnetregressor__criterion__weight"
    assert sweep(pipe, name, [1.0, 2.0], X, Y[:, None]).y.shape == (80, 1)


@pytest.mark.parametrize(
    "values", [[1.0], [1.0, 1], [0.0, np.nan], [0.0, np.inf], ["a", "b"], [True, 2.0]]
)
def test_param_values_are_distinct_finite_numbers(values):
    with pytest.raises(ValueError, match="param_values"):
        sweep(Ridge(), "alpha", values, X, Y)


@pytest.mark.parametrize("n_draws", [0, 1.5, None])
def test_n_draws_is_a_positive_integer(n_draws):
    with pytest.raises(ValueError, match="n_draws"):
        sweep(Ridge(), "alpha", ALPHAS, X, Y, n_draws=n_draws)


def test_method_has_to_exist():
    with pytest.raises(ValueError, match=r"method='predict_proba'.*Ridge"):
        sweep(Ridge(), "alpha", ALPHAS, X, Y, method="predict_proba")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda n, level: np.full(n, np.nan if level else 0.0), "level=2.0 returned 40"),
        (lambda n, level: np.zeros(n + 1), r"shape \(41,\) for 40 inputs"),
        (lambda n, level: 1.0, r"shape \(\)"),
        (lambda n, level: np.full(n, "cat"), "must be numbers"),
    ],
)
def test_outputs_are_checked(output, message):
    with pytest.raises(ValueError, match=message):
        sweep(Recorder(output=output), "level", [0.0, 2.0], X, Y)


# ---------------------------------------------------------------- several hyperparameters

GRID = {"C": [0.1, 1, 10.0], "kernel": ["rbf", "linear"]}
POINTS = [{"C": c, "kernel": kernel} for c in GRID["C"] for kernel in GRID["kernel"]]


@pytest.mark.parametrize(
    "design",
    [GRID, POINTS, tuple(POINTS), ParameterGrid(GRID), pd.DataFrame(POINTS), iter(POINTS)],
)
def test_a_grid_is_direct_training(design):
    data = sweep(SVR(), design, X, Y, X[:7])
    assert list(data.lam) == data.param_name == ["C", "kernel"]
    assert list(data.networks) == [tuple(point.values()) for point in POINTS]
    assert_array_equal(data.X, X[data.row])
    for k, point in enumerate(POINTS):
        rows = ((data.lam["C"] == point["C"]) & (data.lam["kernel"] == point["kernel"])).to_numpy()
        trained = SVR(**point).fit(X, Y)
        assert_array_equal(data.row[rows], np.arange(7))
        assert_allclose(data.y[rows], trained.predict(X[:7]))
        assert_allclose(data.networks[tuple(point.values())](X), trained.predict(X))
        assert data.estimators[k].kernel == point["kernel"]


def test_rows_of_a_design_come_input_by_input():
    options = {"method": "sample", "n_draws": 3, "random_state": 0}
    design = [{"module__p": 0.0, "lr": 0.1}, {"module__p": 0.5, "lr": 0.2}]
    data = sweep(make_net(StochasticNet), design, X, Y[:, None], X[:4], **options)
    assert_array_equal(data.row, np.repeat(np.arange(4), 6))
    assert_array_equal(data.lam, np.tile(np.repeat([[0.0, 0.1], [0.5, 0.2]], 3, axis=0), (4, 1)))
    assert_array_equal(data.lam.index, np.arange(24))


@pytest.mark.parametrize("how", [{}, {"param_values": None}])
def test_a_grid_by_keywords(how):
    named = sweep(estimator=SVR(), param_name=GRID, X=X, y=Y, X_query=X[:7], **how)
    for data in (sweep(SVR(), GRID, X=X, y=Y, X_query=X[:7]), sweep(SVR(), GRID, X, Y, X[:7])):
        assert_array_equal(data.y, named.y)
        assert data.lam.equals(named.lam)


def test_a_grid_of_one_name_has_plain_keys():
    data = sweep(Ridge(), {"alpha": ALPHAS}, X, Y)
    plain = sweep(Ridge(), "alpha", ALPHAS, X, Y)
    assert list(data.networks) == list(plain.networks)
    assert_array_equal(data.lam["alpha"], plain.lam)


def test_memory_and_processes_serve_grids(tmp_path):
    counter = tmp_path / "fits"
    grid = {"level": [0.0, 1.0], "random_state": [1, 2]}
    options = {"random_state": 0, "memory": tmp_path / "cache", "n_jobs": 2}
    first = sweep(Recorder(counter), grid, X, Y, **options)
    again = sweep(Recorder(counter), grid, X, Y, **options)
    assert count_fits(counter) == 4
    assert_array_equal(first.y, again.y)
    assert [e.random_state for e in first.estimators] == [1, 2, 1, 2]  # swept, not the seed
    wider = sweep(Recorder(counter), {**grid, "random_state": [1, 2, 3]}, X, Y, **options)
    assert count_fits(counter) == 6
    assert_array_equal(wider.y[wider.lam["random_state"] < 3], first.y)


@pytest.mark.parametrize(
    ("design", "match"),
    [
        ({"C": 1.0, "gamma": [0.1]}, r"grid has C=1.0; pass a list"),
        ({"C": [1.0, 2.0], "kernel": "rbf"}, r"kernel='rbf'; pass a list"),
        ({"C": [1.0, np.nan]}, "C has the value nan"),
        ({"C": [1.0, 2.0], "kernel": [None, "rbf"]}, "kernel has the value None"),
        ({"C": [1.0, 2.0], "gamma": [0.1, 0.1]}, r"\(1.0, 0.1\) more than once"),
        ({"C": [1.0], "gamma": [0.1]}, "got 1"),
        ({"C": []}, "got 0"),
        ({}, "got 1"),
        ({"kernel": ["rbf", "linear"]}, "varies in categories only"),
        ([{"C": 1.0, "gamma": 0.1}, {"C": 2.0}], r"the same keys; got \['C', 'gamma'\]"),
        ([{"C": 1.0, "kernel": "rbf"}, *POINTS[1::2]], r"kernel='rbf'\) is the only trained"),
        ([1.0, 2.0], "must be a name, a dict of lists"),
        ({1: [1.0, 2.0]}, "1 is not a parameter name"),
        ([{"C": [1.0, 2.0]}], r"C has the value \[1.0, 2.0\]"),
        ({"C": [1.0, 2.0], "gama": [0.1, 0.2]}, r"'gama'.*did you mean gamma"),
    ],
)
def test_designs_are_checked_before_training(design, match):
    with pytest.raises(ValueError, match=match) as error:
        sweep(SVR(), design, X, Y)
    assert "param_name" in str(error.value)


def test_a_grid_has_its_values_itself():
    with pytest.raises(ValueError, match="param_values was given beside"):
        sweep(SVR(), GRID, X=X, y=Y, param_values=[1.0])


def test_outputs_of_a_grid_are_checked():
    output = (lambda n, level: np.full(n, np.nan if level else 0.0),)[0]
    grid = {"level": [0.0, 2.0], "random_state": [1, 2]}
    with pytest.raises(ValueError, match=r"predict at level=2.0, random_state=1 returned 40"):
        sweep(Recorder(output=output), grid, X, Y)
