"""scikit-learn's own suite, and what it does not look at: the parameters and the tags."""

import inspect

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc
from sklearn.base import clone, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.paths import GeodesicPath

# lambda is the last column of the suite's X, which has continuous columns, too: so bins.
# A few steps of a linear clock are enough for the checks, none of which needs the map to be
# good except those that want a finite score.
FAST = HyperparameterTrajectoryRegressor(
    path=GeodesicPath(max_iter=10, batch_size=32),
    lam_column=-1,
    lam_transform=None,
    max_iter=20,
    batch_size=32,
    random_state=0,
)


@pytest.mark.filterwarnings(
    "ignore::sklearn_hti.exceptions.CouplingWarning"
)  # random X repeats little
@pytest.mark.filterwarnings("ignore:the flow map stops short")  # 20 steps on noise
@parametrize_with_checks([FAST])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.CouplingWarning")
@pytest.mark.filterwarnings("ignore:the flow map stops short")
@parametrize_with_checks([clone(FAST).set_params(conditioning="hypernetwork")])
def test_scikit_learn_with_a_hypernetwork(estimator, check):
    check(estimator)


def test_every_parameter_is_documented_and_constrained():
    signature = list(inspect.signature(HyperparameterTrajectoryRegressor).parameters)
    documented = [p.name for p in ClassDoc(HyperparameterTrajectoryRegressor)["Parameters"]]
    assert documented == signature
    assert set(HyperparameterTrajectoryRegressor._parameter_constraints) == set(signature)


def test_every_fitted_attribute_is_documented():
    lam = np.repeat([0.0, 1.0], 10)
    model = HyperparameterTrajectoryRegressor(lam_transform=None, max_iter=1).fit(None, lam, lam)
    fitted = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    documented = {p.name for p in ClassDoc(HyperparameterTrajectoryRegressor)["Attributes"]}
    assert fitted <= documented
    assert documented - fitted == {"feature_names_in_"}


def test_tags():
    tags = get_tags(HyperparameterTrajectoryRegressor())
    assert is_regressor(HyperparameterTrajectoryRegressor())
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert tags.input_tags.categorical
    assert not tags.input_tags.allow_nan
    assert not tags.input_tags.sparse
