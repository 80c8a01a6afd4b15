"""What is refused, by an error that names the argument, and before any training."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import NearestAnchorRegressor
from sklearn_hti.exceptions import CouplingWarning
from sklearn_hti.lagrangian import DensityPotential, LandMetric, LearnedMetric, RBFMetric
from sklearn_hti.nn import Conditioning
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.solvers import MongeGap, NeuralDual

LAM = np.repeat([0.0, 1.0, 2.0], 10)
X = np.random.default_rng(0).uniform(-1, 1, size=(30, 2))
Y = np.random.default_rng(1).normal(size=(30, 2))


def with_value(values, value):
    changed = np.array(values, dtype=float)
    changed[(3, *[0] * (changed.ndim - 1))] = value
    return changed


@pytest.fixture
def refuse(monkeypatch, make):
    """Assert that fit raises an error whose message matches, and trains nothing."""

    def train(*args, **kwargs):
        pytest.fail("training was reached")

    monkeypatch.setattr("sklearn_hti.flow_map.learning.fit_flow_map", train)
    monkeypatch.setattr("sklearn_hti.samplers.flow.train", train)
    monkeypatch.setattr("sklearn_hti.paths.learning.train", train)

    def refuse(match, X=X, y=Y, lam=LAM, error=ValueError, **params):
        with pytest.raises(error, match=match):
            make(**params).fit(X, y, lam)

    return refuse


# ---------------------------------------------------------------- the data in fit


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["X", "y", "lam"])
def test_not_finite(refuse, name, value):
    values = {"X": X, "y": Y, "lam": LAM}[name]
    refuse(rf"\b{name}\b.*(NaN|infinity)", **{name: with_value(values, value)})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite_in_a_frame(refuse, value):
    frame = pd.DataFrame(with_value(X, value), columns=["a", "b"])
    refuse(r"\bX\b.*(NaN|infinity)(?s:.*)column 'a', at row 3", X=frame)


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
@pytest.mark.parametrize("dtype", ["category", object, "string"])
def test_missing_category(refuse, dtype, missing):
    values = pd.Series(["a", "b", missing] * 10, dtype=object).astype(dtype)
    refuse(r"\bX\b.*NaN in a categorical column", X=pd.DataFrame({"c": values}))


@pytest.mark.parametrize("name", ["X", "y", "lam"])
@pytest.mark.parametrize("kind", ["datetime64[D]", "timedelta64[s]"])
def test_times_are_no_numbers(refuse, name, kind):
    """numpy would turn them into numbers of whatever unit they have."""
    values = {"X": X, "y": Y, "lam": LAM}[name]
    times = np.arange(values.size).reshape(values.shape).astype(kind)
    refuse(rf"`{name}`: dtype {re.escape(kind)} is not a number", error=TypeError, **{name: times})


def test_dates_in_a_frame_are_no_categories(refuse):
    frame = pd.DataFrame({"a": X[:, 0], "day": pd.date_range("2020-01-01", periods=30)})
    refuse("`X`: dtype datetime64.* is not a number", error=TypeError, X=frame)


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (X[:, :, None], r"dim 3.* X\.reshape\(30, -1\)"),
        (pd.DataFrame(X).iloc[0], r"Series.*iloc\[\[i\]\]"),
        (pd.DataFrame(X)[0], "Series.*to_frame"),
        ({"a": X[:, 0]}, "dict.*DataFrame"),
        ([{"a": x} for x in X[:, 0]], "dicts.*DataFrame"),
        (pd.DataFrame(np.c_[X, X], columns=["a", "b", "a", "b"]), "unique column names"),
        (pd.DataFrame({"a": [[1.0]] * 30}), "list"),
    ],
)
def test_tables_that_are_none(refuse, X, match):
    refuse(rf"\bX\b.*{match}", error=(ValueError, TypeError), X=X)


@pytest.mark.parametrize("name", ["y", "lam"])
def test_sparse_outputs_and_lambdas(refuse, name):
    values = sparse.csr_matrix(np.arange(30.0)[:, None])
    refuse(rf"\b{name}\b", error=TypeError, X=None, **{name: values})


@pytest.mark.parametrize("name", ["X", "y", "lam"])
def test_values_beyond_their_squares(refuse, name):
    values = {"X": X, "y": Y, "lam": LAM}[name]
    refuse(rf"\b{name}\b.* is too large", **{name: values * 1e200})


def test_missing_category_in_an_array(refuse):
    refuse(r"\bX\b.*NaN", X=with_value(X, np.nan), categorical_features=[0])


@pytest.mark.parametrize("lam", [np.ones(30), 1.0])
def test_one_anchor(refuse, lam):
    refuse(r"`lam` holds one value only \(1\)", lam=lam)


@pytest.mark.parametrize("rows", [29, 31])
def test_rows_of_y_differ(refuse, rows):
    refuse(rf"\by\b.*\b{rows}\b", y=np.zeros((rows, 2)))


@pytest.mark.parametrize("lam", [LAM[:-1], LAM[:1], np.r_[LAM, 1.0], np.c_[LAM, LAM][:-1]])
def test_rows_of_lam_differ(refuse, lam):
    refuse(r"`lam` has (shape|29 row)", lam=lam)
    refuse(r"`lam` has (shape|29 row)", X=None, lam=lam)


@pytest.mark.parametrize("X", [X, None])
def test_lam_is_missing(refuse, X):
    refuse("`lam` is missing.*`lam_column`", X=X, lam=None)


def test_y_is_missing(refuse):
    refuse("requires y to be passed", y=None)


@pytest.mark.parametrize("y", [np.zeros((30, 0, 2)), np.zeros((30, 0))])
def test_shape_of_y(refuse, y):
    refuse(r"\by\b", y=y)


def test_y_is_a_number(make):
    with pytest.raises((ValueError, TypeError), match=r"\by\b"):
        make().fit(X, 1.0, LAM)


def test_no_rows(refuse):
    refuse(r"0 sample", X=X[:0], y=Y[:0], lam=LAM[:0])
    refuse(r"\bX\b", X=pd.DataFrame(X[:0]), y=Y[:0], lam=LAM[:0])
    refuse(r"\by\b", X=None, y=Y[:0], lam=LAM[:0])


@pytest.mark.parametrize("name", ["X", "y", "lam"])
def test_strings_in_an_array(refuse, name):
    values = np.array({"X": X, "y": Y, "lam": LAM}[name], dtype=object)
    values[(3, *[0] * (values.ndim - 1))] = "tall"
    refuse(rf"\b{name}\b.*tall", **{name: values})


def test_strings_in_an_array_hint_at_categories(refuse):
    refuse("categorical_features", X=np.array([["a", "b"]] * 30))


def test_strings_in_a_frame_that_are_not_categorical(refuse):
    frame = pd.DataFrame({"a": ["low", "high"] * 15})
    refuse(r"\bX\b.*low.* column 'a', at row 0", X=frame, categorical_features=None)


@pytest.mark.parametrize("columns", [[2], [-3], ["a"], [1.5], [True, False, True]])
def test_categorical_features_that_are_not_there(refuse, columns):
    refuse("categorical_features", categorical_features=columns)
    frame = pd.DataFrame(X, columns=["first", "second"])
    refuse("categorical_features", X=frame, categorical_features=columns)


def test_the_lambda_column_is_no_category(refuse):
    """Positions and masks of categories count the columns of X without lambda."""
    table = np.column_stack([X, LAM])
    refuse("categorical_features", X=table, lam=None, lam_column=-1, categorical_features=[2])


@pytest.mark.parametrize("column", [2, -3, "lam"])
def test_lam_column_is_not_there(refuse, column):
    refuse(f"lam_column={column!r}", lam=None, lam_column=column)


def test_lam_column_name_is_not_in_the_frame(refuse):
    frame = pd.DataFrame(X, columns=["first", "second"])
    refuse("lam_column='lam'.*'first', 'second'", X=frame, lam=None, lam_column="lam")


def test_lam_column_holds_no_numbers(refuse):
    frame = pd.DataFrame({"a": X[:, 0], "lam": ["low", "high", "low"] * 10})
    refuse(r"\blam\b.*low", X=frame, lam=None, lam_column="lam")


# ---------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("kinetic", "x", ["'euclidean'", "'learned'", "'fixed_spectrum'", "'land'", "'rbf'"]),
        ("potential", "x", ["None", "'density'"]),
        ("cost", "x", ["'jacobi'", "'action'", "'study'"]),
        ("path", "x", ["'geodesic'", "'smooth'"]),
        ("solver", "x", ["'coupling'", "'neural_dual'", "'monge_gap'"]),
        ("conditioning", "x", ["'film'", "'concat'", "'hypernetwork'"]),
        ("base", "x", ["'auto'", "'neighbors'", "'flow'"]),
        ("lam_transform", "x", ["None", "'auto'", "'log'", "'reciprocal'", "'logit'", "'odds'"]),
        ("output_scaling", "x", ["'common'", "'per_output'"]),
        ("categorical_features", "x", ["'from_dtype'", "None"]),
        ("n_anchors", "x", ["'auto'"]),
    ],
)
def test_the_error_lists_what_is_accepted(refuse, name, value, accepted):
    for text in (name, value, *accepted):
        refuse(text, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kinetic", 1),
        ("potential", 3.0),
        ("path", None),
        ("solver", None),
        ("conditioning", None),
        ("base", 1),
        ("base_lam", "first"),
        ("lam_transform", np.sqrt),
        ("lam_column", 1.5),
        ("n_anchors", 1),
        ("n_anchors", 2.5),
        ("y_bounds", 3),
        ("y_bounds", "01"),
        ("output_scaling", None),
        ("categorical_features", 1),
        ("max_iter", 0),
        ("max_iter", 10.0),
        ("batch_size", 0),
        ("learning_rate", 0),
        ("learning_rate", -0.1),
        ("learning_rate", np.nan),
        ("early_stopping", "yes"),
        ("tol", -1e-3),
        ("device", 0),
        ("callbacks", "progress"),
        ("verbose", -1),
        ("random_state", "x"),
        ("random_state", -1),
    ],
)
def test_parameter_of_the_wrong_kind(refuse, name, value):
    refuse(name, **{name: value})


@pytest.mark.parametrize(
    "y_bounds",
    [(0,), (0, 1, 2), (1, 0), (0, 0), (np.nan, 1), ("a", "b"), ((0, 0, 0), (1, 1, 1))],
)
def test_malformed_bounds(refuse, y_bounds):
    refuse("y_bounds", y=np.full((30, 2), 0.5), y_bounds=y_bounds)


@pytest.mark.parametrize("y_bounds", [(-10, 0.1), (-0.1, 10), ([-10, -10], [10, 0.1])])
def test_y_outside_its_bounds(refuse, y_bounds):
    refuse(r"`y` has \d+ value\(s\) outside y_bounds", y_bounds=y_bounds)


@pytest.mark.parametrize(
    ("lam_transform", "lam"),
    [
        ("log", [0, 1, 2]),
        ("odds", [0, 0.5, 1]),
        ("logit", [0, 0.5, 0.9]),
        ("probit", [0.1, 0.5, 1]),
        ("odds", [-1, 0, 0.5]),
    ],
)
def test_clock_is_not_defined(refuse, lam_transform, lam):
    refuse(f"lam_transform='{lam_transform}'", lam=np.repeat(lam, 10), lam_transform=lam_transform)


@pytest.mark.parametrize("function", [np.square, np.sign, lambda v: 1 / v])
def test_clock_is_not_monotone(refuse, function):
    clock = FunctionTransformer(function)
    refuse("lam_transform=.*monotone", lam=LAM - 1, lam_transform=clock)


@pytest.mark.parametrize("base_lam", [0.5, -1, np.nan])
def test_base_lam_is_no_anchor(refuse, base_lam):
    refuse(r"base_lam=.*\[0.0, 1.0, 2.0\]", base_lam=base_lam)


@pytest.mark.parametrize(
    "outputs", [lambda n: np.zeros((n, 3)), lambda n: np.full((n, 2), np.nan)]
)
def test_network_with_useless_answers(refuse, outputs):
    refuse(r"output of `?base", base=lambda X: outputs(len(X)))


def test_class_in_place_of_an_estimator(refuse):
    refuse(r"base=.*instance", base=LinearRegression)


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_device_does_not_exist(refuse, device):
    refuse(f"device='{device}'", device=device)


# ---------------------------------------------------------------- after fit


def ask(model, method, X, lam):
    """Query at `lam` by the named method."""
    if method == "transport":
        return model.transport(X, np.zeros((len(X), 2)), lam_from=0.0, lam_to=lam)
    if method == "trajectory":
        return model.trajectory(X, [0.0, lam])
    return getattr(model, method)(X, lam)


METHODS = ["sample", "predict", "transport", "trajectory"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lam", [-0.001, 2.001, np.nan, np.inf])
def test_lambda_outside_the_anchors(on_networks, method, lam):
    name = {"transport": "lam_to", "trajectory": "lam_grid"}.get(method, "lam")
    with pytest.raises(ValueError, match=name):
        ask(on_networks, method, X, lam)


def test_one_lambda_of_many_outside_the_anchors(on_networks):
    with pytest.raises(ValueError, match=r"`lam` has 1 value\(s\) outside the anchors \[0, 2\]"):
        on_networks.predict(X, with_value(LAM, 2.5))


@pytest.mark.parametrize("lam_from", [-0.001, 2.001, np.nan])
def test_lam_from_outside_the_anchors(on_networks, lam_from):
    with pytest.raises(ValueError, match="lam_from"):
        on_networks.transport(X, Y, lam_from=lam_from, lam_to=1.0)
    with pytest.raises(ValueError, match="lam_from"):
        on_networks.trajectory(X, [0.0, 1.0], y=Y, lam_from=lam_from)


@pytest.mark.parametrize("method", ["sample", "predict"])
@pytest.mark.parametrize("lam", [None, np.zeros(29), np.zeros((30, 2))])
def test_lam_missing_or_of_another_length(on_networks, method, lam):
    with pytest.raises(ValueError, match="`lam`"):
        ask(on_networks, method, X, lam)


def test_score_without_lam(on_networks):
    with pytest.raises(ValueError, match="`lam` is missing"):
        on_networks.score(X, Y)


@pytest.mark.parametrize("name", ["lam_from", "lam_to"])
def test_lambdas_of_transport_of_another_length(on_networks, name):
    with pytest.raises(ValueError, match=name):
        on_networks.transport(X, Y, **({"lam_from": 0.0, "lam_to": 1.0} | {name: LAM[:-1]}))


@pytest.mark.parametrize("method", METHODS)
def test_number_of_columns(on_networks, method):
    with pytest.raises(ValueError, match=r"X has 3 features.*expecting 2"):
        ask(on_networks, method, np.zeros((30, 3)), 1.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_query_not_finite(on_networks, method, value):
    with pytest.raises(ValueError, match=r"\bX\b"):
        ask(on_networks, method, with_value(X, value), 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_condition_dropped(on_networks, method):
    with pytest.raises(ValueError, match="X is None"):
        if method == "transport":
            on_networks.transport(None, Y, lam_from=0.0, lam_to=1.0)
        else:
            ask(on_networks, method, None, 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_condition_added(make, method):
    model = make(max_iter=1).fit(None, Y, LAM)
    with pytest.raises(ValueError, match="X"):
        ask(model, method, X, 1.0)


@pytest.fixture(scope="module")
def on_frame(make):
    frame = pd.DataFrame({"a": X[:, 0], "kind": ["low", "high", "mid"] * 10})
    return make(max_iter=1, base="neighbors").fit(frame, Y, LAM), frame


@pytest.mark.parametrize("method", METHODS)
def test_unseen_category(on_frame, method):
    model, frame = on_frame
    with pytest.raises(ValueError, match=r"X: column 'kind' holds 'huge'.*'high', 'low', 'mid'"):
        ask(model, method, frame.assign(kind="huge"), 1.0)
    with pytest.raises(
        ValueError, match=r"X contains NaN in a categorical column: 'kind', at row"
    ):
        ask(model, method, frame.assign(kind=None), 1.0)


def test_unseen_category_of_an_array(make):
    """Columns are counted without that of lambda, as `categorical_features` are."""
    table = np.column_stack([LAM, X[:, 0], np.tile([1.0, 2.0], 15)])
    model = make(max_iter=1, base="neighbors", lam_column=0, categorical_features=[1])
    model.fit(table, Y)
    table[4, 2] = 3.0
    with pytest.raises(
        ValueError, match=r"column 1 \(without the lambda column\) holds 3.0, which"
    ):
        model.predict(table)


def test_more_categories_than_a_fit_takes(refuse):
    words = [f"word {i}" for i in range(10_000)]
    frame = pd.DataFrame({"size": np.repeat(["s", "l"], 10_000), "id": words * 2})
    lam, y = np.repeat([0.0, 1.0], 10_000), np.zeros(20_000)
    remedy = r"'id' holds 10,000 categories; a fit accepts 4,096 .*OneHotEncoder\(max_categories="
    refuse(remedy, X=frame, y=y, lam=lam)
    array = frame.to_numpy(dtype=object)
    refuse(r"column 1 .*10,000", X=array, y=y, lam=lam, categorical_features=[0, 1])


def test_without_training_any_number_of_categories_is_taken(make):
    frame = pd.DataFrame({"id": [f"word {i}" for i in range(5000)] * 3})
    lam, y = np.repeat([0.0, 1.0, 2.0], 5000), np.tile(np.arange(5000.0), 3)
    model = make(base=None).fit(frame, y + lam, lam)
    outputs = [y[:9], y[:9] + 1, y[:9] + 2]
    answer = model.interpolate(frame[:9], outputs, lams=[0.0, 1.0, 2.0], lam=1.0)
    np.testing.assert_allclose(answer, outputs[1])


def test_many_categories_are_not_all_listed(make):
    frame = pd.DataFrame({"k": [f"level {i % 10}" for i in range(30)]})
    model = make(max_iter=1, base="neighbors").fit(frame, Y, LAM)
    with pytest.raises(ValueError, match="'level 4' and 5 more") as caught:
        model.predict(frame + "!", 1.0)
    assert "'level 4!' and 5 more" in str(caught.value)


@pytest.mark.parametrize("method", METHODS)
def test_other_column_names(on_frame, method):
    model, frame = on_frame
    with pytest.raises(ValueError, match=r"(?s)feature names should match.*\bb\b"):
        ask(model, method, frame.rename(columns={"a": "b"}), 1.0)
    with pytest.raises(ValueError, match=r"(?s)feature names.*order.*X\[surrogate.feature_names_"):
        ask(model, method, frame[["kind", "a"]], 1.0)
    with pytest.raises(ValueError, match=r"(?s)unseen.*more.*X\[surrogate.feature_names_in_\]"):
        ask(model, method, frame.assign(more=1.0), 1.0)


@pytest.mark.parametrize("y", [Y[:, 0], Y[:, :1], np.zeros((30, 3))])
def test_other_number_of_outputs(on_networks, y):
    with pytest.raises(ValueError, match=r"`y` has \d output\(s\).* 2"):
        on_networks.transport(X, y, lam_from=0.0, lam_to=1.0)
    with pytest.raises(ValueError, match=r"`y` has \d output\(s\).* 2"):
        on_networks.trajectory(X, [0.0, 1.0], y=y, lam_from=0.0)


@pytest.mark.parametrize("y", [with_value(Y, np.nan), with_value(Y, np.inf), Y[:-1]])
def test_given_outputs_that_are_no_good(on_networks, y):
    with pytest.raises(ValueError, match=r"\by\b"):
        on_networks.transport(X, y, lam_from=0.0, lam_to=1.0)
    with pytest.raises(ValueError, match=r"\by\b"):
        on_networks.trajectory(X, [0.0, 1.0], y=y, lam_from=0.0)


@pytest.mark.parametrize("bad", [with_value(Y, np.nan), Y[:-1], Y[:, :1], Y * 1e300])
@pytest.mark.parametrize("which", [0, 1])
def test_given_outputs_of_networks_that_are_no_good(on_networks, which, bad):
    outputs = [Y, Y]
    outputs[which] = bad
    with pytest.raises(ValueError, match=rf"outputs\[{which}\]"):
        on_networks.interpolate(X, outputs, lams=[0.0, 1.0], lam=0.5)


def test_outputs_of_other_rows_than_x(on_networks):
    with pytest.raises(ValueError, match=r"`outputs\[1\]` holds 20 rows, and X 30.*X=None"):
        on_networks.interpolate(X, [Y, Y[:20]], lams=[0.0, 1.0], lam=0.5)


def test_rows_of_unequal_lengths(refuse):
    """Also where nothing but they tell the number of rows."""
    ragged = [[1.0] * (1 + i % 2) for i in range(30)]
    for given in (X, None):
        refuse(r"\by\b", X=given, y=ragged)
        refuse(r"\blam\b", X=given, lam=ragged)
    with pytest.raises(ValueError, match=r"\blam\b"):
        NearestAnchorRegressor().fit(None, Y, LAM).predict(None, ragged)


def test_a_score_that_is_no_number(on_networks):
    y = Y * 1e-160
    with pytest.raises(ValueError, match=r"`y` varies too little for R\^2"):
        on_networks.score(X, y, LAM)


@pytest.mark.parametrize("far", [1e30, 1e300])
def test_queries_beyond_single_precision(on_networks, far):
    """Networks would answer inf or nan."""
    with pytest.raises(ValueError, match=r"`X` (holds values .* standard deviations away|is too)"):
        on_networks.sample(X * far, 1.0)
    with pytest.raises(ValueError, match=r"`y` holds values .* standard deviations away"):
        on_networks.transport(X, Y * far, lam_from=0.0, lam_to=1.0)


@pytest.mark.parametrize("y", [Y[:-1], with_value(Y, np.nan), np.array([["a", "b"]] * 30), None])
def test_truth_that_cannot_be_scored(on_networks, y):
    with pytest.raises(ValueError, match=r"\by\b"):
        on_networks.score(X, y, 1.0)


def test_y_and_lam_from_go_together(on_networks):
    with pytest.raises(ValueError, match="lam_from"):
        on_networks.trajectory(X, [0.0, 1.0], y=Y)
    with pytest.raises(ValueError, match="`y`"):
        on_networks.trajectory(X, [0.0, 1.0], lam_from=0.0)


@pytest.mark.parametrize("grid", [1.0, [[0.0, 1.0]], [], [0.0, np.nan], None, ["low"]])
def test_grid_of_a_trajectory(on_networks, grid):
    with pytest.raises((ValueError, TypeError), match="lam_grid"):
        on_networks.trajectory(X, grid)


def test_n_samples_with_given_outputs(on_networks):
    with pytest.raises(ValueError, match="n_samples"):
        on_networks.trajectory(X, [0.0, 1.0], y=Y, lam_from=0.0, n_samples=2)


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, "many"])
def test_number_of_draws(on_networks, n_samples):
    with pytest.raises(ValueError, match="n_samples"):
        on_networks.sample(X, 1.0, n_samples=n_samples)
    with pytest.raises(ValueError, match="n_samples"):
        on_networks.trajectory(X, [0.0, 1.0], n_samples=n_samples)


@pytest.mark.parametrize(
    ("method", "arguments", "named"),
    [
        ("sample", (X, 1.0), {}),
        ("predict", (X, 1.0), {}),
        ("transport", (X, Y), {"lam_from": 0.0, "lam_to": 1.0}),
        ("interpolate", (X, [Y, Y]), {"lams": [0.0, 1.0], "lam": 0.5}),
        ("trajectory", (X, [0.0, 1.0]), {}),
        ("score", (X, Y, 1.0), {}),
    ],
)
def test_before_fit(method, arguments, named):
    with pytest.raises(NotFittedError):
        getattr(HyperparameterTrajectoryRegressor(), method)(*arguments, **named)


def test_rows_that_cannot_be_used_are_named(make):
    """Half of the inputs of the last network were put to no other."""
    X = np.arange(40.0)[:, None]
    X = np.concatenate([X, X, X + 20])
    lam = np.repeat([0.0, 1.0, 2.0], 40)
    with pytest.warns(CouplingWarning, match=r"rows at lambda = 2 are not used.*GroupKFold"):
        make(max_iter=2, base="neighbors").fit(X, X[:, 0] + lam, lam)


def test_a_device_without_data_is_refused(make):
    with pytest.raises(ValueError, match="device='meta'"):
        make(device="meta").fit(None, np.arange(20.0), np.repeat([0.0, 1.0], 10))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"path": GeodesicPath(n_nodes=0)}, "n_nodes=0"),
        ({"path": GeodesicPath(n_couplings=0)}, "n_couplings=0"),
        ({"path": GeodesicPath(max_iter=2.5)}, "max_iter=2.5"),
        ({"path": GeodesicPath(learning_rate=-1.0)}, "learning_rate=-1.0"),
        ({"path": GeodesicPath(constant_speed="x")}, "constant_speed='x'"),
        ({"potential": DensityPotential(bandwidth="x")}, "bandwidth='x'"),
        ({"potential": DensityPotential(bandwidth=-0.1)}, "bandwidth=-0.1"),
        ({"potential": DensityPotential(condition_bandwidth=0)}, "condition_bandwidth=0"),
        ({"potential": DensityPotential(weight=-1)}, "weight=-1"),
        ({"potential": DensityPotential(n_support=0)}, "n_support=0"),
        ({"kinetic": LearnedMetric(min_eigenvalue=2.0)}, "max_eigenvalue=1.0 .* at least 2.0"),
        ({"kinetic": LearnedMetric(min_eigenvalue=0.0)}, "min_eigenvalue=0.0 .* above 0"),
        ({"kinetic": LandMetric(bandwidth=0)}, "LandMetric: bandwidth=0"),
        ({"kinetic": RBFMetric(n_support=1.5)}, "RBFMetric: n_support=1.5"),
        ({"solver": NeuralDual(inner_iter=0)}, "inner_iter=0"),
        ({"solver": NeuralDual(learning_rate="fast")}, "learning_rate='fast'"),
        ({"solver": NeuralDual(hidden_layer_sizes=64)}, "hidden_layer_sizes=64"),
        ({"solver": NeuralDual(map_hidden_layer_sizes=(8, 0))}, "map_hidden_layer_sizes"),
        ({"solver": NeuralDual(pretrain_iter=-1)}, "pretrain_iter=-1"),
        ({"solver": MongeGap(block_size=1)}, "MongeGap: block_size=1"),
        ({"solver": MongeGap(gap_size=1.5)}, "gap_size=1.5"),
        ({"solver": MongeGap(gap_weight=-1)}, "gap_weight=-1"),
        ({"solver": MongeGap(strength=0)}, "strength=0"),
        ({"solver": MongeGap(hidden_layer_sizes="64")}, "hidden_layer_sizes='64'"),
        ({"conditioning": Conditioning("x")}, "Conditioning: kind='x' .*'hypernetwork'"),
        ({"conditioning": Conditioning(encoding=None)}, "encoding=None .*'sinusoidal'"),
        ({"conditioning": Conditioning(n_frequencies=0)}, "n_frequencies=0"),
        ({"conditioning": Conditioning(n_bases=2.5)}, "n_bases=2.5"),
    ],
)
def test_components_check_their_parameters(refuse, params, message):
    refuse(message, **{"potential": "density"} | params)


def test_a_refused_fit_leaves_nothing_that_answers(make):
    model = make()
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, with_value(Y, np.nan), LAM)
    with pytest.raises(NotFittedError):
        model.predict(X, LAM)
    model.set_params(base="neighbors", max_iter=1).fit(X, Y, LAM)
    model.set_params(validate=True)
    some = np.isin(LAM, np.unique(LAM)[:2])
    with pytest.raises(ValueError, match="validate=True"):
        model.fit(X[some], Y[some], LAM[some])
    with pytest.raises(NotFittedError):
        model.predict(X, LAM)


def test_names_of_a_fit_before_are_forgotten(make):
    model = make(base="neighbors", max_iter=1)
    model.fit(pd.DataFrame(X).add_prefix("x"), Y, LAM)
    assert len(model.feature_names_in_) == X.shape[1]
    assert not hasattr(model.fit(None, Y, LAM), "feature_names_in_")


def test_anchors_of_single_precision_can_be_asked_for(make):
    lam = np.repeat(np.float32([0.1, 0.5, 0.9]), 10)
    model = make(base="neighbors", max_iter=1).fit(X, Y, lam)
    for at in (0.1, 0.9):
        assert np.isfinite(model.predict(X, at)).all()
        assert np.isfinite(model.transport(X, Y, lam_from=at, lam_to=0.5)).all()
    with pytest.raises(ValueError, match="outside the anchors"):
        model.predict(X, 0.9001)


def test_given_outputs_outside_their_bounds(make, networks):
    X, y, low, high = networks.X, networks.y, networks.y.min(), networks.y.max()
    model = make(max_iter=5, validate=False, y_bounds=(low, high)).fit(X, y, networks.lam)
    bad = np.full_like(y[:2], high)
    assert np.isfinite(model.transport(X[:2], bad, lam_from=0.0, lam_to=1.0)).all()
    bad[1, 0] = 50
    match = r"outside y_bounds, such as 50 in row 1"
    with pytest.raises(ValueError, match="`y` has 1 .*" + match):
        model.transport(X[:2], bad, lam_from=0.0, lam_to=1.0)
    with pytest.raises(ValueError, match="`y` has 1 .*" + match):
        model.trajectory(X[:2], [0.0, 1.0], y=bad, lam_from=0.0)
    with pytest.raises(ValueError, match=r"`outputs\[1\]` has 1 .*" + match):
        model.interpolate(X[:2], [y[:2], bad], lams=[0.0, 1.0], lam=0.5)
    assert model.score(X[:2], bad, lam=0.0) < 1


@pytest.mark.parametrize("lam", [1e9 + 402, 1e9 - 1, 1e9 + 2.01])
def test_lambda_outside_anchors_far_from_zero(make, networks, lam):
    model = make(max_iter=5, validate=False).fit(networks.X, networks.y, 1e9 + networks.lam)
    with pytest.raises(ValueError, match=r"outside the anchors \[1000000000, 1000000002\]"):
        model.predict(networks.X[:2], lam=lam)
