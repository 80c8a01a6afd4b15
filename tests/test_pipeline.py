"""The pipeline keeps the surrogate's methods, with routing on and off."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from sklearn_hti.baselines import DirectSurrogateRegressor, DisplacementInterpolationRegressor
from sklearn_hti.metrics import neg_energy_score
from sklearn_hti.model_selection import LeaveOneLambdaOut
from sklearn_hti.pipeline import TrajectoryPipeline, make_trajectory_pipeline


@pytest.fixture(params=[False, True], ids=["off", "routing"])
def routing(request):
    with config_context(enable_metadata_routing=request.param):
        yield request.param


@pytest.fixture
def pipe():
    rival = DisplacementInterpolationRegressor(lam_transform=None, random_state=0)
    return make_trajectory_pipeline(StandardScaler(), PolynomialFeatures(2), rival)


def test_all_methods_by_hand(routing, pipe, networks):
    X, y, lam = networks.X, networks.y, networks.lam
    pipe.fit(X, y, lam)
    steps = [clone(step) for _, step in pipe.steps]
    Xt = steps[1].fit_transform(steps[0].fit_transform(X))
    model = steps[2].fit(Xt, y, lam)
    some = slice(0, 9)
    np.testing.assert_array_equal(pipe.predict(X[some], 0.5), model.predict(Xt[some], 0.5))
    mean, std = pipe.predict(X[some], 0.5, return_std=True)
    assert mean.shape == std.shape
    assert pipe.score(X[some], y[some], 0.0) == model.score(Xt[some], y[some], 0.0)
    weight = np.arange(9.0)
    assert pipe.score(X[some], y[some], 0.0, weight) == model.score(Xt[some], y[some], 0.0, weight)
    options = {"n_samples": 3, "random_state": 0}
    np.testing.assert_array_equal(
        pipe.sample(X[some], 0.5, **options), model.sample(Xt[some], 0.5, **options)
    )
    np.testing.assert_array_equal(
        pipe.transport(X[some], y[some], lam_from=0.0, lam_to=0.5),
        model.transport(Xt[some], y[some], lam_from=0.0, lam_to=0.5),
    )
    np.testing.assert_array_equal(
        pipe.trajectory(X[some], [0.0, 0.5], **options),
        model.trajectory(Xt[some], [0.0, 0.5], **options),
    )


def test_intervals_are_those_of_the_surrogate(pipe, make, networks):
    X, y, lam = networks.X, networks.y, networks.lam
    assert not hasattr(pipe, "interval")  # the rival of the fixture has none
    surrogate = make(max_iter=5, base="neighbors")
    model = clone(surrogate).fit(StandardScaler().fit_transform(X), y, lam)
    pipe = make_trajectory_pipeline(StandardScaler(), surrogate).fit(X, y, lam)
    here = model.interval(pipe[:-1].transform(X[:9]), 0.5, 0.8)
    np.testing.assert_array_equal(pipe.interval(X[:9], 0.5, 0.8), here)


def test_without_lambda_it_raises(routing, pipe, networks):
    with pytest.raises(ValueError, match="`lam` is missing"):
        clone(pipe).fit(networks.X, networks.y)
    pipe.fit(networks.X, networks.y, networks.lam)
    for ask in (pipe.predict, pipe.sample):
        with pytest.raises(ValueError, match="`lam` is missing"):
            ask(networks.X[:3])
    with pytest.raises(ValueError, match="`lam` is missing"):
        pipe.score(networks.X[:3], networks.y[:3])


def test_searched_and_cross_validated(pipe, networks):
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            pipe,
            {"polynomialfeatures__degree": [1, 2]},
            scoring=neg_energy_score,
            cv=LeaveOneLambdaOut(),
            error_score="raise",
        ).fit(networks.X, networks.y, lam=networks.lam)
        scores = cross_validate(
            pipe,
            networks.X,
            networks.y,
            cv=LeaveOneLambdaOut(),
            params={"lam": networks.lam},
            error_score="raise",
        )
    assert isinstance(search.best_estimator_, TrajectoryPipeline)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    (train, test), *_ = LeaveOneLambdaOut().split(None, lam=networks.lam)
    pipe.fit(networks.X[train], networks.y[train], networks.lam[train])
    expected = pipe.score(networks.X[test], networks.y[test], networks.lam[test])
    assert scores["test_score"] == pytest.approx([expected])


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.CouplingWarning")  # folds part pairs
def test_a_search_without_routing_does_not_lose_lambda_silently(pipe, networks):
    with pytest.raises(ValueError, match="`fit` receives `lam`, but the scorer does not"):
        GridSearchCV(pipe, {"polynomialfeatures__degree": [1]}, cv=2, error_score="raise").fit(
            networks.X, networks.y, lam=networks.lam
        )


def test_a_surrogate_alone(networks):
    rival = DisplacementInterpolationRegressor(lam_transform=None, random_state=0)
    pipe = TrajectoryPipeline([("surrogate", rival)]).fit(networks.X, networks.y, networks.lam)
    assert pipe.predict(networks.X[:3], 0.5).shape == (3, 2)
    pytest.importorskip("matplotlib")
    from sklearn_hti.inspection import TrajectoryDisplay

    display = TrajectoryDisplay.from_estimator(pipe, networks.X[:3], random_state=0)
    assert np.isfinite(display.paths).all()


def test_methods_are_those_of_the_last_step(pipe):
    assert hasattr(pipe, "transport")
    assert not hasattr(make_trajectory_pipeline(StandardScaler(), LinearRegression()), "sample")
    direct = DirectSurrogateRegressor(LinearRegression())
    assert hasattr(make_trajectory_pipeline(StandardScaler(), direct), "transport")
