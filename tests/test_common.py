"""scikit-learn's own suite, and what it does not look at: the parameters and the tags."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpydoc.docscrape import ClassDoc
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.linear_model import LinearRegression
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_hti import (
    HyperparameterTrajectoryClassifier,
    HyperparameterTrajectoryRegressor,
    baselines,
)
from sklearn_hti.paths import GeodesicPath

ESTIMATORS = [
    HyperparameterTrajectoryRegressor,
    *(getattr(baselines, name) for name in baselines.__all__),
]

# lambda is the last column of the suite's X, which has continuous columns, too: so bins.
# A few steps of a linear clock are enough for the checks, none of which needs the map to be
# good except those that want a finite score.
SHORT = {
    "lam_column": -1,
    "lam_transform": None,
    "max_iter": 20,
    "validate": False,
    "batch_size": 32,
    "n_steps": 2,
    "path": GeodesicPath(max_iter=10, batch_size=32),
    "estimator": LinearRegression(),
    "random_state": 0,
}


def short(cls):
    """Return an estimator that fits fast."""
    return cls(**{k: v for k, v in SHORT.items() if k in cls._parameter_constraints})


FAST = [*map(short, ESTIMATORS)]

FAIL = {
    "check_sample_weight_equivalence_on_dense_data": "it asks at a lambda outside the rows of a "
    "weight above zero; test_weights_repeat_rows does not"
}


@pytest.mark.filterwarnings(
    "ignore::sklearn_hti.exceptions.CouplingWarning"
)  # random X repeats little
@pytest.mark.filterwarnings("ignore:the flow map stops short")  # 20 steps on noise
@pytest.mark.filterwarnings("ignore:outputs break")  # outputs of 1 at one lambda, else of 2
@parametrize_with_checks(
    [*FAST, short(HyperparameterTrajectoryClassifier)],
    expected_failed_checks=lambda estimator: FAIL,
)
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.CouplingWarning")
@pytest.mark.filterwarnings("ignore:the flow map stops short")
@parametrize_with_checks(
    [clone(FAST[0]).set_params(conditioning="hypernetwork")],
    expected_failed_checks=lambda estimator: FAIL,
)
def test_scikit_learn_with_a_hypernetwork(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.CouplingWarning")
@pytest.mark.filterwarnings("ignore:the flow map stops short")
@pytest.mark.parametrize("estimator", FAST, ids=lambda estimator: type(estimator).__name__)
def test_weights_repeat_rows(estimator, clouds):
    """Bit for bit: whole weights are repetitions, zero drops a row."""
    table = np.column_stack([clouds.X, clouds.lam])
    weight = np.random.default_rng(0).integers(0, 4, len(table))
    rows = np.repeat(np.arange(len(table)), weight)
    weighted = clone(estimator).fit(table, clouds.y, sample_weight=weight)
    repeated = clone(estimator).fit(table[rows], clouds.y[rows])
    assert_array_equal(weighted.predict(table), repeated.predict(table))
    draws = (fitted.sample(table, random_state=0) for fitted in (weighted, repeated))
    assert_array_equal(*draws)
    by_weight = weighted.score(table, clouds.y, sample_weight=weight)
    assert by_weight == pytest.approx(weighted.score(table[rows], clouds.y[rows]))


@pytest.mark.parametrize("cls", [*ESTIMATORS, HyperparameterTrajectoryClassifier])
def test_every_parameter_is_documented_and_constrained(cls):
    signature = list(inspect.signature(cls).parameters)
    documented = [p.name for p in ClassDoc(cls)["Parameters"]]
    assert documented == signature
    assert set(cls._parameter_constraints) == set(signature)


@pytest.mark.parametrize("cls", [*ESTIMATORS, HyperparameterTrajectoryClassifier])
def test_every_fitted_attribute_is_documented(cls):
    lam = np.repeat([0.0, 1.0], 10)
    short = {"lam_transform": None, "max_iter": 1}
    model = cls(**{k: v for k, v in short.items() if k in cls._parameter_constraints})
    model.fit(None, lam, lam)
    public = {name for name in dir(model) if name.endswith("_") and not name.startswith("_")}
    fitted = {name for name in public if hasattr(model, name)}
    documented = {p.name for p in ClassDoc(cls)["Attributes"]}
    assert fitted <= documented
    assert documented - fitted - {"lam_names_in_"} == {"feature_names_in_"}


def test_tags():
    assert is_classifier(HyperparameterTrajectoryClassifier())
    tags = get_tags(HyperparameterTrajectoryRegressor())
    assert is_regressor(HyperparameterTrajectoryRegressor())
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert tags.input_tags.categorical
    assert not tags.input_tags.allow_nan
    assert not tags.input_tags.sparse
