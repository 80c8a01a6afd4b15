"""lambda through scikit-learn's tools: with metadata routing, and as a column of X."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.metrics import make_scorer, mean_squared_error, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch, _safe_indexing

from sklearn_hti.metrics import make_lam_scorer, neg_energy_score
from sklearn_hti.model_selection import LeaveOneLambdaOut
from sklearn_hti.pipeline import make_trajectory_pipeline
from sklearn_hti.solvers import CouplingSolver

FOLDS = KFold(2, shuffle=True, random_state=0)


def bent(networks):
    """Outputs for which a linear map, where training starts, is not enough."""
    return networks.y + networks.lam[:, None] * np.sin(4 * networks.X)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def networks(networks):
    """The first thirty x of the family: a mean per row is what takes time here."""
    rows = np.arange(240) % 80 < 30
    return Bunch(X=networks.X[rows], y=networks.y[rows], lam=networks.lam[rows])


@pytest.fixture
def short(make):
    return make(max_iter=10, base="neighbors")


def by_hand(estimator, data):
    """Scores on FOLDS without any of scikit-learn's tools."""
    scores = []
    for train, test in FOLDS.split(data.X):
        estimator.fit(data.X[train], data.y[train], data.lam[train])
        scores.append(estimator.score(data.X[test], data.y[test], data.lam[test]))
    return np.array(scores)


def test_import_switches_nothing():
    assert get_config()["enable_metadata_routing"] is False


# ---------------------------------------------------------------- with routing


def test_grid_search_with_lam(routing, short, clouds):
    search = GridSearchCV(short, {"max_iter": [1, 30]}, cv=FOLDS, error_score="raise")
    search.fit(clouds.X, clouds.y, lam=clouds.lam)
    expected = [by_hand(short.set_params(max_iter=n), clouds).mean() for n in (1, 30)]
    assert_allclose(search.cv_results_["mean_test_score"], expected)
    best = search.best_estimator_
    assert_array_equal(best.anchors_, [0.0, 0.5, 2.0])
    assert search.score(clouds.X, clouds.y, lam=clouds.lam) == pytest.approx(
        best.score(clouds.X, clouds.y, clouds.lam)
    )


def test_grid_search_over_parameters_of_a_component(routing, short, clouds):
    short.set_params(solver=CouplingSolver(), base="neighbors")
    grid = {"solver__max_batch": [20, 1000], "conditioning": ["film", "concat"]}
    search = GridSearchCV(short, grid, cv=FOLDS, error_score="raise")
    search.fit(clouds.X, clouds.y, lam=clouds.lam)
    assert search.cv_results_["mean_test_score"].shape == (4,)
    assert search.best_estimator_.solver_.max_batch == search.best_params_["solver__max_batch"]


def test_cross_validate_with_lam(routing, short, clouds):
    result = cross_validate(
        short, clouds.X, clouds.y, params={"lam": clouds.lam}, cv=FOLDS, error_score="raise"
    )
    assert_allclose(result["test_score"], by_hand(short, clouds))


def test_cross_val_score_with_lam(routing, short, clouds):
    scores = cross_val_score(
        short, clouds.X, clouds.y, params={"lam": clouds.lam}, cv=FOLDS, error_score="raise"
    )
    assert_allclose(scores, by_hand(short, clouds))


def test_pipeline_with_lam(routing, short, networks):
    pipe = make_pipeline(StandardScaler(), short)
    pipe.fit(networks.X, networks.y, lam=networks.lam)
    scaled = StandardScaler().fit_transform(networks.X)
    expected = short.fit(scaled, networks.y, networks.lam)
    lam = np.linspace(0, 2, 9)
    assert_array_equal(pipe.predict(networks.X[:9], lam=lam), expected.predict(scaled[:9], lam))
    assert pipe.score(networks.X, networks.y, lam=networks.lam) == pytest.approx(
        expected.score(scaled, networks.y, networks.lam)
    )
    draws = pipe[-1].sample(pipe[:-1].transform(networks.X[:9]), lam, random_state=0)
    assert_array_equal(draws, expected.sample(scaled[:9], lam, random_state=0))


def test_search_over_a_pipeline_with_lam(routing, short, networks):
    pipe = make_pipeline(StandardScaler(), short)
    grid = {"hyperparametertrajectoryregressor__max_iter": [1, 30]}
    search = GridSearchCV(pipe, grid, cv=FOLDS, error_score="raise")
    search.fit(networks.X, bent(networks), lam=networks.lam)
    assert (search.cv_results_["mean_test_score"] > 0.5).all()


def test_scorers_side_by_side(routing, short, clouds):
    """Draws and means in one search; the names of scikit-learn's scorers cannot ask for lam."""
    scoring = {
        "energy": neg_energy_score,
        "mse": make_lam_scorer(mean_squared_error, greater_is_better=False),
    }
    options = {"cv": FOLDS, "error_score": "raise"}
    search = GridSearchCV(short, {"max_iter": [1, 30]}, scoring=scoring, refit="mse", **options)
    found = search.fit(clouds.X, clouds.y, lam=clouds.lam).cv_results_
    for k, (train, test) in enumerate(FOLDS.split(clouds.X)):
        for i, n in enumerate([1, 30]):
            short.set_params(max_iter=n).fit(clouds.X[train], clouds.y[train], clouds.lam[train])
            X, y, lam = clouds.X[test], clouds.y[test], clouds.lam[test]
            mse = mean_squared_error(y, short.predict(X, lam))
            assert found[f"split{k}_test_mse"][i] == pytest.approx(-mse)
            energy = neg_energy_score(short, X, y, lam=lam)
            assert found[f"split{k}_test_energy"][i] == pytest.approx(energy)
    with pytest.raises(ValueError, match="make_lam_scorer"):
        search.set_params(scoring={**scoring, "r2": "r2"}).fit(clouds.X, clouds.y, lam=clouds.lam)


def test_sample_weight_is_asked_for(routing, short, clouds):
    """Unlike lam it has no default: scikit-learn demands a decision."""
    weight = np.arange(len(clouds.y)) % 3
    params = {"lam": clouds.lam, "sample_weight": weight}
    options = {"params": params, "cv": FOLDS, "error_score": "raise"}
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        cross_validate(short, clouds.X, clouds.y, **options)
    for in_fit in (True, False):
        short.set_fit_request(sample_weight=in_fit).set_score_request(sample_weight=True)
        found = cross_validate(short, clouds.X, clouds.y, **options)["test_score"]
        for score, (train, test) in zip(found, FOLDS.split(clouds.X), strict=True):
            X, y, lam = clouds.X[test], clouds.y[test], clouds.lam[test]
            fitted = clone(short).fit(
                clouds.X[train],
                clouds.y[train],
                clouds.lam[train],
                sample_weight=weight[train] if in_fit else None,
            )
            assert score == pytest.approx(fitted.score(X, y, lam, sample_weight=weight[test]))


# ---------------------------------------------------------------- without routing


def test_a_forgotten_lam_is_an_error(short, clouds):
    with pytest.raises(ValueError, match="`lam` is missing"):
        cross_val_score(short, clouds.X, clouds.y, cv=FOLDS, error_score="raise")


def test_the_error_knows_the_remedy(short, clouds):
    with pytest.raises(ValueError, match=r"enable_metadata_routing=True"):
        cross_val_predict(short, clouds.X, clouds.y, params={"lam": clouds.lam}, cv=FOLDS)
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(ValueError, match=r"cross_val_predict.*make_lam_scorer"),
    ):
        cross_val_predict(short, clouds.X, clouds.y, params={"lam": clouds.lam}, cv=FOLDS)


@pytest.mark.parametrize("scoring", [None, neg_energy_score, {"e": neg_energy_score}, "r2"])
@pytest.mark.parametrize("error_score", [np.nan, "raise"])
def test_a_search_stops_where_lam_does_not_arrive(short, clouds, scoring, error_score):
    """By default scikit-learn turns errors of scorers, not those of all fits, into NaN."""
    refit = "e" if isinstance(scoring, dict) else True
    options = {"cv": FOLDS, "scoring": scoring, "refit": refit, "error_score": error_score}
    search = GridSearchCV(short, {"max_iter": [1, 30]}, **options)
    with pytest.raises(ValueError, match=r"`lam`.*lam_column") as caught:
        search.fit(clouds.X, clouds.y, lam=clouds.lam)
    remedy = "make_lam_scorer" if scoring == "r2" else "enable_metadata_routing=True"
    assert remedy in str(caught.value)


def test_a_scorer_of_scikit_learn_stops_a_search(routing, short, clouds):
    search = GridSearchCV(short, {"max_iter": [1, 30]}, cv=FOLDS, scoring="r2")
    with pytest.raises(ValueError, match=r"scikit-learn predicts without `lam`.*make_lam_scorer"):
        search.fit(clouds.X, clouds.y, lam=clouds.lam)


def test_scorers_that_do_not_ask_for_lam_stay(short, clouds):
    """A function of the user may judge by what `fit` knows itself."""

    def judge(estimator, X, y):
        return -estimator.n_iter_

    params = {"lam": clouds.lam}
    options = {"params": params, "cv": FOLDS}
    scores = cross_val_score(short, clouds.X, clouds.y, scoring=judge, **options)
    assert_array_equal(scores, [-10, -10])


class Handing(BaseEstimator):
    """An estimator of the user that keeps a surrogate, and hands lambda on itself."""

    def __init__(self, inner):
        self.inner = inner

    def fit(self, X, y):
        self.inner_ = clone(self.inner).fit(X[:, :-1], y, X[:, -1])
        return self

    def score(self, X, y):
        return self.inner_.score(X[:, :-1], y, X[:, -1])


def test_lam_of_an_inner_surrogate_is_its_owners(short, networks, table):
    scores = cross_val_score(Handing(short), table, networks.y, cv=FOLDS)
    assert_allclose(scores, by_hand(short, networks))


@pytest.mark.parametrize("on", [True, False])
def test_predict_of_a_search_names_the_remedy(short, clouds, on):
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(short, {"max_iter": [1]}, cv=FOLDS)
        search.fit(clouds.X, clouds.y, lam=clouds.lam)
    with (
        config_context(enable_metadata_routing=on),
        pytest.raises(ValueError, match=r"search\.best_estimator_\.predict\(X, lam\)"),
    ):
        search.predict(clouds.X)


@pytest.fixture
def table(networks):
    return np.column_stack([networks.X, networks.lam])


def test_cross_val_score_with_a_column(short, networks, table):
    expected = by_hand(short, networks)
    short.set_params(lam_column=-1)
    scores = cross_val_score(short, table, networks.y, cv=FOLDS, error_score="raise")
    assert_allclose(scores, expected)
    scorer = make_scorer(r2_score)
    scores = cross_val_score(
        short, table, networks.y, cv=FOLDS, scoring=scorer, error_score="raise"
    )
    assert_allclose(scores, expected)


def test_cross_val_predict_with_a_column(short, networks, table):
    short.set_params(lam_column=-1)
    predicted = cross_val_predict(short, table, networks.y, cv=FOLDS)
    for train, test in FOLDS.split(table):
        expected = short.fit(table[train], networks.y[train]).predict(table[test])
        assert_array_equal(predicted[test], expected)


def test_halving_over_steps(routing, short, clouds):
    search = HalvingGridSearchCV(
        short,
        {"conditioning": ["film", "concat"]},
        resource="max_iter",
        min_resources=10,
        max_resources=20,
        factor=2,
        cv=FOLDS,
        error_score="raise",
    ).fit(clouds.X, clouds.y, lam=clouds.lam)
    found = search.cv_results_
    assert_array_equal(found["n_resources"], [10, 10, 20])
    for params, score in zip(found["params"], found["mean_test_score"], strict=True):
        assert score == pytest.approx(by_hand(short.set_params(**params), clouds).mean())
    assert search.best_estimator_.n_iter_ == 20


@pytest.mark.parametrize("search_class", [GridSearchCV, RandomizedSearchCV])
def test_search_with_a_column(short, networks, table, search_class):
    short.set_params(lam_column=-1)
    options = {"n_iter": 2, "random_state": 0} if search_class is RandomizedSearchCV else {}
    search = search_class(short, {"max_iter": [1, 30]}, cv=FOLDS, error_score="raise", **options)
    search.fit(table, bent(networks))
    assert (search.cv_results_["mean_test_score"] > 0.5).all()
    assert search.predict(table[:3]).shape == (3, 2)


def test_pipeline_with_a_column(short, networks, table):
    """A scaler may scale lambda, too: a linear clock does not mind."""
    plain = short.fit(networks.X, networks.y, networks.lam).predict(networks.X, networks.lam)
    pipe = make_pipeline(StandardScaler(), short.set_params(lam_column=-1))
    assert_allclose(pipe.fit(table, networks.y).predict(table), plain, atol=1e-4)
    assert pipe.score(table, networks.y) == pytest.approx(r2_score(networks.y, plain), abs=1e-4)


def test_inside_another_estimator(short, networks, table):
    outer = MultiOutputRegressor(short.set_params(lam_column=-1)).fit(table, networks.y)
    single = short.fit(table, networks.y[:, 1])
    assert_array_equal(outer.predict(table[:5])[:, 1], single.predict(table[:5]))


# ---------------------------------------------------------------- several hyperparameters


@pytest.fixture
def quick(make):
    return make(max_iter=2)


@pytest.mark.parametrize("way", ["routed", "positions"])
def test_search_over_scales_and_potentials(quick, plane, way):
    """Lambda in two columns; no score is NaN, and they are those of the same steps by hand."""
    frame = pd.DataFrame(np.column_stack([plane.X, plane.lam]), columns=["a", "b", "C", "gamma"])
    routed = way == "routed"
    X, column = (plane.X, None) if routed else (frame.to_numpy(), [2, 3])
    train, test = next(LeaveOneLambdaOut().split(None, lam=plane.lam))
    with config_context(enable_metadata_routing=routed):
        search = GridSearchCV(
            quick.set_params(lam_column=column),
            {"lam_transform": [None, ["auto", None]], "potential": [None, "density"]},
            scoring={"energy": neg_energy_score, "r2": make_lam_scorer(r2_score)},
            refit="energy",
            cv=[(train, test)],
            error_score="raise",
        ).fit(X, plane.y, **({"lam": frame[["C", "gamma"]]} if routed else {}))
    found = search.cv_results_
    assert np.isfinite([found["mean_test_energy"], found["mean_test_r2"]]).all()
    by_hand = clone(quick).set_params(lam_column=None, **search.best_params_)
    by_hand.fit(plane.X[train], plane.y[train], plane.lam[train])
    score = neg_energy_score(by_hand, plane.X[test], plane.y[test], lam=plane.lam[test])
    assert search.best_score_ == pytest.approx(score, rel=1e-9)
    assert_array_equal(search.best_estimator_.anchors_, np.unique(plane.lam, axis=0))


def test_transformers_before_several_columns(quick, plane):
    """Names survive set_output; where they do not, the error names the remedy."""
    frame = pd.DataFrame(np.column_stack([plane.X, plane.lam]), columns=["a", "b", "C", "gamma"])
    quick.set_params(lam_column=["gamma", "C"])
    scale = make_column_transformer(
        (StandardScaler(), ["a", "b"]), remainder="passthrough", verbose_feature_names_out=False
    )
    with pytest.raises(ValueError, match=r"lam_column='gamma'.*no column names.*set_output"):
        make_pipeline(scale, quick).fit(frame, plane.y)
    pipe = make_trajectory_pipeline(scale.set_output(transform="pandas"), quick)
    pipe.fit(frame, plane.y)
    assert pipe.score(frame, plane.y) == pytest.approx(1)
    scaled = StandardScaler().fit_transform(plane.X)
    plain = clone(quick).set_params(lam_column=None).fit(scaled, plane.y, plane.lam[:, ::-1])
    assert_allclose(pipe.predict(frame[:6], (0.5, 1.5)), plain.predict(scaled[:6], (0.5, 1.5)))


def test_importance_and_dependence_of_several_columns(quick, plane):
    frame = pd.DataFrame(np.column_stack([plane.X, plane.lam]), columns=["a", "b", "C", "gamma"])
    fitted = quick.set_params(lam_column=["C", "gamma"]).fit(frame, plane.y)
    importance = permutation_importance(fitted, frame, plane.y, n_repeats=2, random_state=0)
    assert (importance.importances_mean > 0).all()
    found = partial_dependence(fitted, frame, ["C", "gamma"], kind="average")["average"][0]
    expected = [[plane.f(plane.X, (a, b)).mean() for b in (0, 1)] for a in (0, 1, 2)]
    assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("names", [None, ["C", "gamma"]])
def test_weights_of_several_hyperparameters_repeat_rows(quick, plane, names):
    lam = plane.lam if names is None else pd.DataFrame(plane.lam, columns=names)
    weight = np.arange(36) % 3
    rows = np.repeat(np.arange(36), weight)
    weighted = clone(quick).fit(plane.X, plane.y, lam, sample_weight=weight)
    repeated = clone(quick).fit(plane.X[rows], plane.y[rows], _safe_indexing(lam, rows))
    here = (1.0, 0.5)
    assert_array_equal(weighted.predict(plane.X, here), repeated.predict(plane.X, here))


def test_weights_may_leave_one_hyperparameter(quick, plane):
    weight = (plane.lam[:, 1] == 1) * 1.0
    fitted = quick.fit(plane.X, plane.y, plane.lam, sample_weight=weight)
    rows = weight > 0
    alone = clone(quick).fit(plane.X[rows], plane.y[rows], plane.lam[rows])
    assert_array_equal(fitted.anchors_, [[0, 1], [1, 1], [2, 1]])
    assert_array_equal(fitted.predict(plane.X, (0.5, 1)), alone.predict(plane.X, (0.5, 1)))
    with pytest.raises(ValueError, match="was 1 for every row in fit"):
        fitted.predict(plane.X, (0.5, 0))


def test_inputs_that_are_missing_at_some_values_each(quick, plane):
    """No row may be followed through all trained values, as in a fold of shuffled rows."""
    kept = np.arange(36) % 7 > 0
    with pytest.raises(
        ValueError, match=r"X: no input .* all trained values of `lam`.*GroupKFold"
    ):
        quick.fit(plane.X[kept], plane.y[kept], plane.lam[kept])
