"""Columns of X: categories in frames and arrays, and lambda as a column."""

import warnings
from copy import copy

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge

from sklearn_hti import sweep
from sklearn_hti.baselines import NearestAnchorRegressor

GRID = [0.0, 0.4, 1.0, 2.0]


def as_frame(X, kind):
    """X as a frame with its first column and a categorical one made of the second."""
    words = np.where(X[:, 1] > 0, "high", "low")
    kinds = {
        "category": lambda: pd.Categorical(words),
        "string": lambda: pd.array(words, dtype="string"),
        "object": lambda: pd.Series(words, dtype=object),
    }
    return pd.DataFrame({"a": X[:, 0], "kind": kinds[kind]()})


# ---------------------------------------------------------------- categories


@pytest.mark.parametrize("kind", ["category", "string", "object"])
def test_categories_in_a_frame(make, networks, kind):
    frame = as_frame(networks.X, kind)
    model = make(max_iter=5, base="neighbors").fit(frame, networks.y, networks.lam)
    assert_array_equal(model.feature_names_in_, ["a", "kind"])
    assert model.n_features_in_ == 2
    codes = frame.assign(kind=(frame["kind"] == "low").astype(float)).to_numpy()
    same = make(max_iter=5, base="neighbors", categorical_features=[1])
    same.fit(codes, networks.y, networks.lam)
    assert_array_equal(model.predict(frame[:9], 0.5), same.predict(codes[:9], 0.5))


@pytest.mark.parametrize("listed", [[1], [-1], [False, True], np.array([1])])
def test_categories_in_an_array(make, networks, listed):
    X = np.column_stack([networks.X[:, 0], np.where(networks.X[:, 1] > 0, 7.0, -2.0)])
    expected = make(max_iter=5, base="neighbors", categorical_features=[1])
    expected = expected.fit(X, networks.y, networks.lam).predict(X[:9], 0.5)
    model = make(max_iter=5, base="neighbors", categorical_features=listed)
    assert_array_equal(model.fit(X, networks.y, networks.lam).predict(X[:9], 0.5), expected)
    other_names = np.where(X[:, 1] > 0, 1e6, 2e5)  # the values of categories carry no size
    X = np.column_stack([X[:, 0], other_names])
    assert_array_equal(model.fit(X, networks.y, networks.lam).predict(X[:9], 0.5), expected)


def test_strings_in_an_array_with_listed_categories(make, networks):
    X = np.array([[a, "high" if b > 0 else "low"] for a, b in networks.X], dtype=object)
    model = make(max_iter=5, base="neighbors", categorical_features=[1])
    model.fit(X, networks.y, networks.lam)
    frame = make(max_iter=5, base="neighbors")
    frame.fit(as_frame(networks.X, "string"), networks.y, networks.lam)
    expected = frame.predict(as_frame(networks.X[:9], "string"), 0.5)
    assert_array_equal(model.predict(X[:9], 0.5), expected)


@pytest.mark.parametrize("listed", [["kind"], [1], [False, True]])
def test_listed_categories_of_a_frame(make, networks, listed):
    frame = as_frame(networks.X, "category")
    numbers = frame.assign(kind=(frame["kind"] == "low").astype(int))
    model = make(max_iter=5, base="neighbors", categorical_features=listed)
    model.fit(numbers, networks.y, networks.lam)
    expected = make(max_iter=5, base="neighbors").fit(frame, networks.y, networks.lam)
    assert_array_equal(model.predict(numbers[:9], 0.5), expected.predict(frame[:9], 0.5))


def test_categories_keep_their_own_outputs(make):
    """Two categories on the same numbers: neither training nor draws mix them."""
    lam = np.repeat([0.0, 1.0], 40)
    frame = pd.DataFrame({"a": 0.0, "kind": ["up", "down"] * 40})
    sign = np.where(frame["kind"] == "up", 1.0, -1.0)
    for base in ("neighbors", "auto"):
        model = make(max_iter=100, base=base).fit(frame, sign * (1 + lam), lam)
        for at in (0.0, 0.5, 1.0):
            y = model.sample(frame[:2], at, n_samples=20)
            assert_allclose(y, np.tile([1 + at, -1 - at], (20, 1)), atol=0.05)


@pytest.mark.parametrize("base", ["neighbors", "flow"])
@pytest.mark.parametrize("as_array", [False, True])
def test_nothing_but_categories(make, base, as_array):
    lam = np.repeat([0.0, 1.0], 40)
    X = pd.DataFrame({"kind": ["up", "down"] * 40, "level": ["one", "one", "two", "two"] * 20})
    y = np.where(X["kind"] == "up", 1.0, -1.0) * (1 + lam)
    X = X.to_numpy(dtype=object) if as_array else X
    listed = [0, 1] if as_array else "from_dtype"
    model = make(max_iter=200, base=base, categorical_features=listed).fit(X, y, lam)
    for lam in (0.0, 0.5, 1.0):
        expected = np.array([1, -1, 1, -1]) * (1 + lam)
        assert_allclose(model.predict(X[:4], lam), expected, atol=0.1)


# ---------------------------------------------------------------- lambda as a column of X


@pytest.mark.parametrize("position", [0, 1, -1])
def test_lam_column_of_an_array(make, networks, position):
    plain = make(max_iter=5).fit(networks.X, networks.y, networks.lam)
    table = np.insert(networks.X, position if position >= 0 else 2, networks.lam, axis=1)
    model = make(max_iter=5, lam_column=position).fit(table, networks.y)
    assert model.n_features_in_ == 3
    rows, X, lam = table[70:90], networks.X[70:90], networks.lam[70:90]
    assert_array_equal(model.predict(rows), plain.predict(X, lam))
    assert_array_equal(model.sample(rows, random_state=1), plain.sample(X, lam, random_state=1))
    y = networks.y[70:90]
    assert_array_equal(
        model.transport(rows, y, lam_from=lam, lam_to=1.5),
        plain.transport(X, y, lam_from=lam, lam_to=1.5),
    )
    assert_array_equal(
        model.trajectory(rows, GRID, random_state=1), plain.trajectory(X, GRID, random_state=1)
    )
    assert model.score(rows, y) == plain.score(X, y, lam)


@pytest.mark.parametrize("column", ["strength", 1, -2])
def test_lam_column_of_a_frame(make, networks, column):
    frame = as_frame(networks.X, "string")
    plain = make(max_iter=5).fit(frame, networks.y, networks.lam)
    table = frame.copy()
    table.insert(1, "strength", networks.lam)
    model = make(max_iter=5, lam_column=column).fit(table, networks.y)
    assert_array_equal(model.feature_names_in_, ["a", "strength", "kind"])
    expected = plain.predict(frame[70:90], networks.lam[70:90])
    assert_array_equal(model.predict(table[70:90]), expected)


def test_explicit_lam_overrides_the_column(make, networks):
    plain = make(max_iter=5).fit(networks.X, networks.y, networks.lam)
    wrong = np.column_stack([networks.X, np.arange(len(networks.X))])
    model = make(max_iter=5, lam_column=-1).fit(wrong, networks.y, networks.lam)
    assert_array_equal(model.anchors_, plain.anchors_)
    assert_array_equal(model.predict(wrong[:9], 0.5), plain.predict(networks.X[:9], 0.5))


def test_positions_of_categories_do_not_count_the_lambda_column(make, networks):
    X = np.column_stack([networks.X[:, 0], np.where(networks.X[:, 1] > 0, 7.0, -2.0)])
    params = {"max_iter": 5, "base": "neighbors", "categorical_features": [1]}
    plain = make(**params).fit(X, networks.y, networks.lam)
    table = np.column_stack([networks.lam, X])
    model = make(**params, lam_column=0).fit(table, networks.y)
    assert_array_equal(model.predict(table[:9]), plain.predict(X[:9], networks.lam[:9]))


def test_names_in_messages_print():
    """Whatever scikit-learn says of columns and levels."""
    name = "dose\x1b[2J\u202e"
    X = pd.DataFrame({name: np.tile(np.arange(5.0), 2), "kind": [name, "b"] * 5})
    lam, options = np.repeat([0.0, 1.0], 5), {"categorical_features": ["kind"]}
    model = NearestAnchorRegressor(**options).fit(X, lam, lam)
    for asked in (X[["kind"]], X.rename(columns={name: "other"}), X.assign(kind=f"{name}2")):
        with pytest.raises(ValueError, match=r"dose\\x1b") as error:
            model.predict(asked, 0.5)
        assert str(error.value).replace("\n", "").isprintable()
        cause = error.value.__cause__
        assert cause is None or str(cause).replace("\n", "").isprintable()
    with pytest.raises(ValueError, match=r"dose\\x1b") as error:
        NearestAnchorRegressor(categorical_features=None).fit(X, lam, lam)
    assert str(error.value).isprintable()
    assert r"\x1b" in repr(NearestAnchorRegressor(lam_column=name))
    page = NearestAnchorRegressor(lam_column="<script>")._repr_html_()
    assert "&lt;script&gt;" in page
    assert "<script>'" not in page


def test_numbers_in_an_object_column_are_numbers(make, networks):
    frame = pd.DataFrame(networks.X, columns=["a", "b"])
    model = make(max_iter=5, validate=False).fit(frame, networks.y, networks.lam)
    objects = make(max_iter=5, validate=False)
    objects.fit(frame.astype({"a": object}), networks.y, networks.lam)
    new = frame[:5] * 0.9
    assert_array_equal(objects.predict(new, lam=0.5), model.predict(new, lam=0.5))


def test_a_position_that_is_the_name_of_another_column_is_refused(make, networks):
    X = pd.DataFrame(np.column_stack([networks.X[:, 0], networks.lam]), columns=[1, 0])
    with pytest.raises(ValueError, match=r"lam_column: 0 is the position of column 1 .*rename"):
        make(lam_column=0).fit(X, networks.y)
    with pytest.raises(ValueError, match="categorical_features: 1 is the position of column 0"):
        make(categorical_features=[1]).fit(X, networks.y, networks.lam)
    model = make(max_iter=5, validate=False, lam_column=1)
    model.fit(X.set_axis([0, 1], axis=1), networks.y)
    assert_array_equal(model.anchors_, [0, 1, 2])


def test_a_column_that_was_set_after_fit_is_refused(on_networks, networks):
    later = copy(on_networks).set_params(lam_column=0)
    for ask in (later.predict, later.sample):
        with pytest.raises(ValueError, match=r"lam_column=0 was set after .*None; fit again"):
            ask(networks.X[:2], lam=0.5)


@pytest.fixture
def named(rng):
    """Networks trained on a frame, and the rows of a fit."""
    X = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"])
    return sweep(Ridge(), "alpha", [0.1, 1.0, 10.0], X, X["a"] + X["b"])


def warned(ask, *rows, **named):
    """Return how many warnings a question gives, and its answer."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = ask(*rows, **named)
    assert all("feature names" in str(w.message) for w in caught)
    return len(caught), answer


@pytest.mark.parametrize("kind", ["networks", "estimator", "function"])
@pytest.mark.parametrize("of_fit", [pd.DataFrame, np.asarray])
def test_names_that_were_in_fit_or_not_are_one_warning(make, named, kind, of_fit):
    """Networks in the surrogate have no more to say; they take columns by their places."""
    params = {
        "networks": {"networks": named.networks},
        "estimator": {"base": Ridge()},
        "function": {"base": named.networks[0.1]},
    }[kind]
    model = make(max_iter=5, **params).fit(of_fit(named.X), named.y, named.lam)
    for of_question in (pd.DataFrame, np.asarray):
        n, answer = warned(model.predict, of_question(named.X[:6]), lam=0.5)
        assert n == (of_question is not of_fit)
        assert_allclose(answer, model.predict(of_fit(named.X[:6]), lam=0.5))
