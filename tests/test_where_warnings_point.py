"""A fit warns once, at the line that fits."""

import inspect
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_hti
from sklearn_hti.baselines import (
    ConditionalFlowMatchingRegressor,
    DisplacementInterpolationRegressor,
)
from sklearn_hti.exceptions import (
    BaseWarning,
    ClockWarning,
    ConvergenceWarning,
    CouplingWarning,
    ValidationWarning,
)
from sklearn_hti.solvers import MongeGap

LAM = np.repeat([0.0, 1.0, 2.0], 90)
X = np.tile(np.repeat([[-1.0], [0.0], [1.0]], 30, axis=0), (3, 1))


def spreading(rng):
    return X, np.sin(X[:, 0]) + LAM * rng.normal(size=270), LAM


def strangers(rng):
    """Most inputs are known at one of two anchors alone."""
    known = np.repeat(np.concatenate([np.arange(20.0), np.arange(5.0, 25.0)]), 6)
    lam = np.repeat([0.0, 1.0], 120)
    return known[:, None], known + lam + rng.normal(size=240), lam


def unlike(rng):
    return X, rng.normal(size=(270, 2)) * [1, 1e5], LAM


def two(rng):
    return X[:180], LAM[:180] + rng.normal(size=180), LAM[:180]


def there_and_back(rng):
    lam = np.repeat([0.0, 0.2, 2.0, 2.2], 40)
    x = np.tile(rng.uniform(-1, 1, size=(40, 1)), (4, 1))
    return x, np.repeat([0.0, 3.0, 0.1, -2.0], 40) * np.sin(9 * x[:, 0]), lam


def short_of(rng):
    x, lam = np.tile(np.repeat(rng.uniform(-1, 1, 40), 40), 2), np.repeat([0.0, 1.0], 1600)
    return x[:, None], x[:, None] + lam[:, None] * rng.normal(size=(3200, 2)), lam


CASES = {
    "equal draws": (BaseWarning, "so draws are taken at", spreading, {}),
    "inputs of strangers": (
        CouplingWarning,
        "their x occurs at no neighbouring",
        strangers,
        {"categorical_features": [0]},
    ),
    "unlike outputs": (CouplingWarning, "per_output", unlike, {}),
    "two anchors": (ClockWarning, "two trained values", two, {"lam_transform": "auto"}),
    "left out": (ValidationWarning, "are predicted worse", there_and_back, {"validate": True}),
    "draws that stay together": (
        ConvergenceWarning,
        "the flow map stops short",
        short_of,
        {"base_lam": 0.0},
    ),
    "single draws": (
        CouplingWarning,
        "every condition has one draw",
        there_and_back,
        {"solver": MongeGap(max_iter=2)},
    ),
    "maps that stay": (
        ConvergenceWarning,
        "maps stop short",
        there_and_back,
        {"solver": MongeGap(max_iter=2)},
    ),
}
ORDER = [
    ConvergenceWarning,
    CouplingWarning,
    ValidationWarning,
    BaseWarning,
    ClockWarning,
]


def line_that_fits(caught, model, rows):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        line = inspect.currentframe().f_lineno + 1
        model.fit(*rows)
    caught += found
    return line


def check(caught, line, category, text):
    """One warning, whose category is that of the finding, or of a graver one."""
    (found,) = caught
    assert text in str(found.message)
    assert ORDER.index(found.category) <= ORDER.index(category)
    assert (found.filename, found.lineno) == (__file__, line)


@pytest.mark.parametrize("case", CASES)
def test_warnings_of_a_fit(make, rng, case):
    category, text, rows, params = CASES[case]
    caught = []
    line = line_that_fits(caught, make(max_iter=20, **params), rows(rng))
    check(caught, line, category, text)


@pytest.mark.parametrize("case", ["equal draws", "inputs of strangers", "two anchors"])
@pytest.mark.parametrize(
    "rival", [ConditionalFlowMatchingRegressor(max_iter=3), DisplacementInterpolationRegressor()]
)
def test_warnings_of_rivals(rng, rival, case):
    category, text, rows, params = CASES[case]
    caught = []
    rival = rival.set_params(**{"lam_transform": None, **params})
    line = line_that_fits(caught, rival, rows(rng))
    check(caught, line, category, text)


def test_a_fit_inside_scikit_learn(rng):
    """Tools of scikit-learn are no line of the user."""
    X, y, lam = two(rng)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DisplacementInterpolationRegressor(lam_column=-1)),
        {"displacementinterpolationregressor__n_neighbors": [1, 2]},
        cv=KFold(2, shuffle=True, random_state=0),
    )
    caught = []
    line = line_that_fits(caught, search, (np.column_stack([X, lam]), y))
    assert {(w.filename, w.lineno) for w in caught} == {(__file__, line)}


def test_all_warnings_go_through_one_place():
    """Those that would be raised elsewhere are not joined, and point at a line of ours."""
    folder = Path(sklearn_hti.__file__).parent
    found = [
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*.py")
        if "warnings.warn(" in file.read_text(encoding="utf-8")
    ]
    # the second gives scikit-learn's own category, by a function that is no fit
    assert sorted(found) == ["_utils/findings.py", "io/persistence.py"]
