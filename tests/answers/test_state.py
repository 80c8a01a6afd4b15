"""The fitted state: there after all stages or not at all, and what public attributes read."""

import copy
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import check_is_fitted

from sklearn_hti.answers.state import FittedState
from sklearn_hti.baselines import DirectSurrogateRegressor, DisplacementInterpolationRegressor

LAM = np.repeat([0.0, 1.0, 2.0], 20)


@pytest.fixture
def fitted(make):
    return make(max_iter=2, base="neighbors").fit(None, LAM, LAM)


def test_a_fitted_estimator_has_one_state(fitted):
    assert isinstance(fitted._state, FittedState)
    assert fitted.flow_map_ is fitted._state.movement.flow_map
    assert {name for name in vars(fitted) if name.endswith("_")} == {"n_features_in_"}
    with pytest.raises(FrozenInstanceError):
        fitted._state.base = None


STAGES = [
    "flow_map.learning.fit_trajectories",
    "flow_map.learning.fit_flow_map",
    "_regressor.check_fit",
    "_regressor.assess",
]


@pytest.mark.parametrize("stage", STAGES)
def test_a_fit_that_fails_leaves_no_state(fitted, monkeypatch, stage):
    def fail(*args, **kwargs):
        raise RuntimeError(stage)

    monkeypatch.setattr(f"sklearn_hti.{stage}", fail)
    with pytest.raises(RuntimeError, match=stage):
        fitted.set_params(validate=True).fit(None, LAM, LAM)
    with pytest.raises(NotFittedError):
        check_is_fitted(fitted)
    with pytest.raises(NotFittedError):
        fitted.predict(None, 0.5)
    assert not hasattr(fitted, "flow_map_")


def test_what_is_not_fitted_has_no_public_attributes(make):
    for model in (make(), DirectSurrogateRegressor()):
        names = [name for name in dir(type(model)) if name.endswith("_") and name[0] != "_"]
        assert names
        assert not any(hasattr(model, name) for name in names)


def test_attributes_are_set_on_one_copy_alone(fitted):
    other = copy.copy(fitted)
    clock, other.lam_transform_ = fitted.lam_transform_, "another"
    other.base_lam_ = 1.0
    assert (other.lam_transform_, other.base_lam_) == ("another", 1.0)
    assert (fitted.lam_transform_, fitted.base_lam_) == (clock, 0.0)


def test_the_state_of_generators_has_neither_movement_nor_base():
    class Generator(LinearRegression):
        def sample(self, X, n_samples, random_state):
            noise = np.random.default_rng(random_state).normal(size=(n_samples, len(X)))
            return self.predict(X) + noise

    model = DirectSurrogateRegressor(Generator(), random_state=0).fit(None, 4 * LAM, LAM)
    assert model._state.movement is None
    assert model._state.base is None
    assert isinstance(model.estimator_, Generator)
    assert model.sample(None, [0.5, 1.5], n_samples=3, random_state=0).shape == (3, 2)


def test_the_deployed_network_is_where_it_was_told(make):
    """Not at the anchor that the data choose."""
    y = np.where(LAM == 0, 0.0, np.random.default_rng(0).normal(size=60))
    model = DisplacementInterpolationRegressor(lam_transform=None)
    with pytest.warns(match="draws are taken at"):
        model.fit(None, y, LAM)
    assert model.base_lam_ != 0
    assert model._state.deployed_lam == 0
