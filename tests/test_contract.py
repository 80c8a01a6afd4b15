"""What scikit-learn expects beyond its suite: names, tags, pages, copies, other processes."""

import importlib
import inspect
import io
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

import sklearn_hti
from sklearn_hti import (
    HyperparameterTrajectoryClassifier,
    HyperparameterTrajectoryRegressor,
    baselines,
)
from sklearn_hti.lagrangian import CallablePotential
from sklearn_hti.nn import Conditioning
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.pipeline import TrajectoryPipeline, make_trajectory_pipeline
from sklearn_hti.solvers import CouplingSolver

SURROGATES = [
    HyperparameterTrajectoryRegressor,
    *(getattr(baselines, name) for name in baselines.__all__),
]
SHORT = {
    "kinetic": "euclidean",
    "potential": None,
    "lam_transform": None,
    "max_iter": 2,
    "validate": False,
    "n_steps": 2,
    "path": GeodesicPath(max_iter=2, n_nodes=3),
    "estimator": LinearRegression(),
    "random_state": 0,
}
# the suite's checks of what has parameters and cannot be fitted
CHECKS_OF_COMPONENTS = [
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_estimator_tags_renamed,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_mixin_order,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_set_params,
    estimator_checks.check_valid_tag_types,
]


def public_classes():
    """Return the concrete estimators and components that public modules export."""
    modules = [sklearn_hti]
    for name in ("baselines", "lagrangian", "nn", "paths", "pipeline", "solvers"):
        modules.append(importlib.import_module(f"sklearn_hti.{name}"))
    exported = {
        value
        for module in modules
        for name, value in vars(module).items()
        if name in getattr(module, "__all__", [name]) and not name.startswith("_")
        if inspect.isclass(value) and value.__module__.startswith("sklearn_hti")
    }
    return sorted(
        (c for c in exported if issubclass(c, BaseEstimator) and not inspect.isabstract(c)),
        key=lambda c: c.__name__,
    )


COMPONENTS = [c for c in public_classes() if not hasattr(c, "fit")]


def build(cls):
    """Return a surrogate that is trained for two steps."""
    return cls(**{k: v for k, v in SHORT.items() if k in inspect.signature(cls).parameters})


def answers(estimator, X):
    """Return what a fitted estimator says, in all ways."""
    return {
        "predict": estimator.predict(X, 0.5),
        "sample": estimator.sample(X, 0.5, n_samples=2, random_state=0),
        "transport": estimator.transport(X, np.zeros(len(X)), lam_from=0.0, lam_to=1.5),
        "trajectory": estimator.trajectory(X, [0.0, 0.5], random_state=0),
    }


@pytest.fixture(scope="module")
def table():
    """Ten inputs with names, put to networks at three lambdas."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(10, 2)), columns=["age", "dose"])
    X = pd.concat([X] * 3, ignore_index=True)
    lam = np.repeat([0.0, 1.0, 2.0], 10)
    return X, X["age"].to_numpy() + lam, lam


@pytest.fixture(scope="module", params=[*SURROGATES, TrajectoryPipeline], ids=lambda c: c.__name__)
def fitted(request, table):
    """Every public estimator, fitted; for queries only."""
    X, y, lam = table
    if request.param is TrajectoryPipeline:
        surrogate = build(HyperparameterTrajectoryRegressor)
        return make_trajectory_pipeline(StandardScaler(), surrogate).fit(X, y, lam)
    return build(request.param).fit(X, y, lam)


# ---------------------------------------------------------------- the suite


def test_no_public_estimator_escapes():
    """A new one has to be put into SURROGATES here and ESTIMATORS of test_common."""
    with_fit = {c for c in public_classes() if hasattr(c, "fit")}
    elsewhere = {HyperparameterTrajectoryClassifier}  # test_classifier: it learns probabilities
    assert with_fit == {*SURROGATES, *elsewhere, TrajectoryPipeline}


def failed_checks(estimator):
    results = estimator_checks.check_estimator(estimator, on_fail=None)
    assert len(results) > 40
    return {r["check_name"] for r in results if r["status"] not in ("passed", "skipped")}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.CouplingWarning")
def test_the_pipeline_passes_what_pipelines_pass():
    """scikit-learn's own fits its steps in place, which two checks forbid."""
    surrogate = build(baselines.DisplacementInterpolationRegressor).set_params(lam_column=-1)
    ours = failed_checks(make_trajectory_pipeline(StandardScaler(), surrogate))
    assert ours == failed_checks(make_pipeline(StandardScaler(), Ridge()))


@pytest.mark.parametrize("check", CHECKS_OF_COMPONENTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("cls", COMPONENTS, ids=lambda c: c.__name__)
def test_components(cls, check):
    component = cls(np.abs) if cls is CallablePotential else cls()
    check(cls.__name__, component)


# ---------------------------------------------------------------- names and tags


def test_names_of_columns(fitted, table):
    X, y, lam = table
    assert_array_equal(fitted.feature_names_in_, ["age", "dose"])
    assert fitted.n_features_in_ == 2
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(X.rename(columns={"dose": "mass"}), lam)
    without = clone(fitted).fit(X.to_numpy(), y, lam)
    assert not hasattr(without, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but"):
        without.predict(X[:2], 0.5)


def test_tags_of_all(fitted):
    tags = get_tags(fitted)
    assert is_regressor(fitted)
    assert tags.target_tags.required is not isinstance(fitted, TrajectoryPipeline)  # as Pipeline
    assert tags.target_tags.multi_output
    assert not tags.input_tags.sparse
    assert not tags.input_tags.allow_nan


def test_frames_between_steps(table):
    """Transformers that answer with frames: the surrogate sees their names."""
    X, y, lam = table
    steps = PolynomialFeatures(2, include_bias=False), StandardScaler()
    surrogate = build(baselines.DisplacementInterpolationRegressor)
    pipe = make_trajectory_pipeline(*steps, surrogate).set_output(transform="pandas")
    pipe.fit(X, y, lam)
    names = ["age", "dose", "age^2", "age dose", "dose^2"]
    assert_array_equal(pipe[-1].feature_names_in_, names)
    assert_array_equal(pipe[:-1].get_feature_names_out(), names)
    plain = clone(pipe).set_output(transform="default").fit(X, y, lam)
    assert_array_equal(pipe.predict(X, 0.5), plain.predict(X, 0.5))


@pytest.mark.parametrize("cls", SURROGATES, ids=lambda c: c.__name__)
def test_frames_asked_of_all_transformers(cls, table):
    """A global setting of users, which the transformers inside a surrogate must not obey."""
    X, y, lam = table
    X = X.assign(kind=np.where(X["age"] > 0, "old", "young"))
    expected = answers(build(cls).fit(X, y, lam), X)
    clock = (
        {} if cls is baselines.DirectSurrogateRegressor else {"lam_transform": StandardScaler()}
    )
    with config_context(transform_output="pandas"):
        found = answers(build(cls).set_params(**clock).fit(X, y, lam), X)
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=1e-5, err_msg=name)


def test_lambda_passes_through_a_column_transformer(table):
    X, y, lam = table
    columns = make_column_transformer(
        (StandardScaler(), ["age", "dose"]),
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    surrogate = build(baselines.DisplacementInterpolationRegressor)
    pipe = make_trajectory_pipeline(columns, clone(surrogate).set_params(lam_column="alpha"))
    with_lam = X.assign(alpha=lam)[["alpha", "age", "dose"]]
    pipe.fit(with_lam, y)
    assert_array_equal(pipe[-1].anchors_, [0.0, 1.0, 2.0])
    expected = make_trajectory_pipeline(StandardScaler(), surrogate).fit(X, y, lam)
    asked = with_lam.assign(alpha=0.5)
    assert_allclose(pipe.predict(asked), expected.predict(X, 0.5))


# ---------------------------------------------------------------- the page in a notebook


def test_page_of_an_estimator(fitted):
    page = fitted._repr_html_()
    assert type(fitted).__name__ in page
    assert "Fitted" in page
    assert "Not fitted" not in page
    assert "Not fitted" in clone(fitted)._repr_html_()
    for name, value in fitted.get_params(deep=False).items():
        if isinstance(value, bool | int | float | str):
            assert name in page
    bundle = fitted._repr_mimebundle_()
    assert bundle["text/plain"] == repr(fitted)
    # scikit-learn's site has no page on what is ours
    links = re.findall(r'href="([^"#]*)', page)
    assert not [link for link in links if "sklearn_hti" in link or "Trajectory" in link]


def test_repr_shows_what_was_changed():
    surrogate = HyperparameterTrajectoryRegressor(solver=CouplingSolver(max_batch=50), max_iter=7)
    changed = "max_iter=7, solver=CouplingSolver(max_batch=50)"
    assert " ".join(repr(surrogate).split()) == f"HyperparameterTrajectoryRegressor({changed})"
    assert "CouplingSolver" in surrogate._repr_html_()


# ---------------------------------------------------------------- copies


def test_a_clone_trains_to_the_same(fitted, table):
    X, y, lam = table
    again = clone(fitted)
    with pytest.raises(NotFittedError):
        check_is_fitted(again)
    given, copied = fitted.get_params(deep=True), again.get_params(deep=True)
    assert given.keys() == copied.keys()
    for name, value in given.items():
        if isinstance(value, BaseEstimator):
            assert copied[name] is not value
        elif not isinstance(value, list):
            assert copied[name] is value or copied[name] == value
    again.fit(X, y, lam)
    assert_array_equal(again.predict(X, 0.5), fitted.predict(X, 0.5))


@pytest.mark.parametrize("how", ["pickle", "joblib"])
def test_what_is_stored_answers_the_same(fitted, table, how):
    X = table[0]
    if how == "pickle":
        again = pickle.loads(pickle.dumps(fitted))
    else:
        file = io.BytesIO()
        joblib.dump(fitted, file)
        file.seek(0)
        again = joblib.load(file)
    expected = answers(fitted, X)
    for name, found in answers(again, X).items():
        assert_array_equal(found, expected[name], err_msg=name)
    assert_array_equal(clone(again).fit(*table).predict(X, 0.5), expected["predict"])


def test_another_process_fits_and_answers_the_same(table):
    """Surrogates go to workers and come back."""
    X, y, lam = table
    surrogate = build(HyperparameterTrajectoryRegressor)
    parallel = Parallel(n_jobs=2)
    (there,) = parallel([delayed(clone(surrogate).fit)(X, y, lam)])
    here = clone(surrogate).fit(X, y, lam)
    expected = answers(here, X)
    (found,) = parallel([delayed(answers)(there, X)])
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("cls", COMPONENTS, ids=lambda c: c.__name__)
def test_components_are_stored(cls):
    component = cls(np.abs) if cls is CallablePotential else cls()
    again = pickle.loads(pickle.dumps(component))
    assert again.get_params() == component.get_params()


def test_parameters_of_components_are_reached():
    surrogate = HyperparameterTrajectoryRegressor(conditioning=Conditioning())
    surrogate.set_params(conditioning__n_frequencies=3)
    assert surrogate.conditioning.n_frequencies == 3
    with pytest.raises(ValueError, match="Invalid parameter 'n_waves'"):
        surrogate.set_params(conditioning__n_waves=3)
