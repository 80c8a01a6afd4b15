"""Inputs unlike those of fit are named in a warning."""

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
    message = rf"X: 1 of 1 rows .* row 0, where column 'age' .* is {age:g}; .* from 20 to 29"
    with pytest.warns(SupportWarning, match=message):
        ask(fitted, age=[age])


def test_another_value_of_a_constant_column_is_named(fitted):
    with pytest.warns(SupportWarning, match=r"column 'dose' .* is 3.1; .* from 3 to 3"):
        ask(fitted, dose=[3.1])


def test_columns_of_arrays_are_named_by_their_place():
    lam = np.repeat([0.0, 1.0], 10)
    X = np.column_stack([np.tile(["a", "b"], 10), np.tile(np.arange(10), 2)]).astype(object)
    X[:, 1] = X[:, 1].astype(float)
    model = DisplacementInterpolationRegressor(lam_transform=None, categorical_features=[0])
    model.fit(X, lam, lam)
    with pytest.warns(SupportWarning, match=r"2 of 3 rows .* row 1, where column 1 .* is 99"):
        model.predict(np.array([["a", 3.0], ["a", 99.0], ["b", -99.0]], dtype=object), 0.5)
