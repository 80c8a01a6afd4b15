"""Inputs unlike those of fit are named in a warning."""

import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from copy import copy, deepcopy
from threading import Barrier

import numpy as np
import pandas as pd
import pytest

from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.exceptions import SupportWarning


@pytest.fixture(scope="module")
def fitted():
    lam = np.repeat([0.0, 1.0], 10)
    X = pd.DataFrame(
        {"age": np.tile(np.arange(20.0, 30.0), 2), "kind": "a", "lam": lam, "dose": 3.0}
    )
    model = DisplacementInterpolationRegressor(lam_transform=None, lam_column="lam")
    return model.fit(X, X["age"] * lam)


def ask(fitted, **columns):
    row = {"age": [25.0], "kind": ["a"], "lam": [0.5], "dose": [3.0]} | columns
    return fitted.predict(pd.DataFrame(row))


@pytest.mark.parametrize("age", [16.0, 20.0, 33.0])
def test_inputs_within_half_a_range_of_fit_are_no_warning(fitted, age):
    ask(fitted, age=[age])


@pytest.mark.parametrize("age", [15.0, 34.0])
def test_inputs_farther_away_are_named(fitted, age):
    with pytest.warns(SupportWarning, match=r"X: .* column 'age' .* from 20 to 29"):
        ask(copy(fitted), age=[age])


def test_another_value_of_a_constant_column_is_named(fitted):
    with pytest.warns(SupportWarning, match=r"column 'dose' .* from 3 to 3"):
        ask(copy(fitted), dose=[3.1])


def test_columns_of_arrays_are_named_by_their_place():
    lam = np.repeat([0.0, 1.0], 10)
    X = np.column_stack([np.tile(["a", "b"], 10), np.tile(np.arange(10), 2)]).astype(object)
    X[:, 1] = X[:, 1].astype(float)
    model = DisplacementInterpolationRegressor(lam_transform=None, categorical_features=[0])
    model.fit(X, lam, lam)
    with pytest.warns(SupportWarning, match=r"column 1 .* ran from 0 to 9"):
        model.predict(np.array([["a", 3.0], ["a", 99.0], ["b", -99.0]], dtype=object), 0.5)


@pytest.mark.parametrize(
    "again", [copy, deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_surrogate_says_it_once(fitted, again):
    """Also where all warnings are shown; copies, and another fit, say the same text anew."""
    model, texts = copy(fitted), []
    for asked in (model, again(model)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for age in (1000.0, 15.0, -7.0):
                ask(asked, age=[age])
        texts += [str(w.message) for w in caught]
        assert {w.filename for w in caught} == {__file__}
    assert len(texts) == 2 and len(set(texts)) == 1


def test_another_fit_says_it_anew(fitted):
    lam = np.repeat([0.0, 1.0], 10)
    model = DisplacementInterpolationRegressor(lam_transform=None)
    for _ in range(2):
        model.fit(np.tile(np.arange(10.0), 2)[:, None], lam, lam)
        with pytest.warns(SupportWarning):
            model.predict([[99.0]], 0.5)
        model.predict([[99.0]], 0.5)


def test_threads_say_it_once(fitted):
    model, together = copy(fitted), Barrier(8)

    def work(_):
        together.wait()
        ask(model, age=[1000.0])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
    assert len(caught) == 1
