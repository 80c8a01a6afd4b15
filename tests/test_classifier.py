"""HyperparameterTrajectoryClassifier: probabilities and labels in, probabilities out."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn import config_context
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hti import HyperparameterTrajectoryClassifier, load, sweep
from sklearn_hti.metrics import make_lam_scorer
from sklearn_hti.pipeline import make_trajectory_pipeline
from sklearn_hti.policies import TrajectoryPolicy

TRAINED = [0.5, 1.0, 2.0]  # temperatures
WEIGHTS = np.array([[1.0, -1.0, 0.0], [0.5, 0.5, -1.0]])
FLAT = {"kinetic": "euclidean", "potential": None, "max_iter": 15, "random_state": 0}
INVERSE = FunctionTransformer(np.reciprocal)


def network(T):
    return lambda X: softmax(np.asarray(X) @ WEIGHTS / T, axis=1)


@pytest.fixture(scope="module", name="X")
def inputs():
    return np.random.default_rng(0).normal(size=(40, 2))


@pytest.fixture(scope="module")
def rows(X):
    P = np.concatenate([network(T)(X) for T in TRAINED])
    return np.tile(X, (3, 1)), P, np.repeat(TRAINED, 40)


def build(**params):
    return HyperparameterTrajectoryClassifier(**{**FLAT, "lam_transform": INVERSE, **params})


@pytest.fixture(scope="module")
def named(rows):
    return build(classes=["cat", "dog", "owl"]).fit(*rows)


def test_probabilities_and_names(named, X):
    p = named.predict_proba(X, 0.7)
    assert_allclose(p, network(0.7)(X), atol=1e-6)
    assert_allclose(np.exp(named.predict_log_proba(X, 0.7)), p)
    assert_array_equal(named.classes_, ["cat", "dog", "owl"])
    assert_array_equal(named.predict(X, 0.7), named.classes_[p.argmax(axis=1)])
    assert named.score(X, p, 0.7) == named.score(X, named.predict(X, 0.7), 0.7) == 1
    lower, upper = named.interval(X, 0.7)
    assert ((lower >= 0) & (lower <= p) & (p <= upper) & (upper <= 1)).all()


def test_columns_name_the_classes(rows, X):
    X_rows, P, lam = rows
    table = pd.DataFrame(P, columns=["cat", "owl", "dog"])
    surrogate = build(base=None).fit(X_rows, table, lam)
    assert_array_equal(surrogate.classes_, ["cat", "owl", "dog"])
    assert_array_equal(build(base=None).fit(X_rows, pd.DataFrame(P), lam).classes_, [0, 1, 2])
    named = build(base=None, classes=["a", "b", "c"]).fit(X_rows, table, lam)
    assert_array_equal(named.classes_, ["a", "b", "c"])
    with pytest.raises(ValueError, match="are not the columns"):
        build(classes=["cat", "dog", "owl"]).fit(X_rows, table, lam)
    with pytest.raises(ValueError, match="distinct"):
        build().fit(X_rows, table.set_axis(["cat", "cat", "dog"], axis=1), lam)


def test_score_reads_columns_by_their_names(named, X):
    p = pd.DataFrame(named.predict_proba(X, 0.7), columns=named.classes_)
    assert named.score(X, p[["owl", "cat", "dog"]], 0.7) == 1


def test_columns_of_other_classes_are_refused(named, rows, X):
    p = named.predict_proba(X, 0.7)
    wrong = [p[:, :2], np.hstack([p, 0 * p[:, :1]])]  # one class fewer, one more
    wrong += [pd.DataFrame(p, columns=["cat", "dog", "ape"]), pd.DataFrame(p[:, :2]).round(1)]
    for y in wrong:
        with pytest.raises(ValueError, match=r"probabilities \(n, 3\) of the classes"):
            named.score(X, y, 0.7)
    assert named.score(X, pd.DataFrame(p), 0.7) == 1  # columns without names
    X_rows, P, lam = rows
    table = pd.DataFrame(P, columns=["dog", "cat", "ape"])
    with pytest.raises(ValueError, match="are not the columns"):
        build(base=None, classes=["cat", "dog", "owl"]).fit(X_rows, table, lam)


def test_answers_of_networks_are_exact(rows, X):
    networks = {T: network(T) for T in TRAINED}
    asked = build(networks=networks).fit(*rows)
    new = X + 0.1
    for T in (0.5, 0.7, 2.0):
        assert_allclose(asked.predict_proba(new, T), network(T)(new), atol=1e-6)
    with pytest.raises(ValueError, match=r"networks= answer with probabilities"):
        build(networks=networks).fit(rows[0], rows[1].argmax(axis=1), rows[2])


def test_files_keep_the_classes(named, X, tmp_path):
    named.set_params(lam_transform=INVERSE)
    surrogate = build(lam_transform="log", classes=["a", "b", "c"])
    p = np.concatenate([network(T)(X) for T in TRAINED])
    surrogate.fit(np.tile(X, (3, 1)), p, np.repeat(TRAINED, 40)).save(tmp_path / "file")
    again = load(tmp_path / "file")
    assert_array_equal(again.predict(X, 0.7), surrogate.predict(X, 0.7))


def test_labels_of_inputs_that_repeat_are_frequencies():
    """With one more label, spread evenly over the classes."""
    y = np.repeat(["a", "b", "a", "c"], [30, 10, 20, 20])
    lam = np.repeat([0.0, 1.0], 40)
    surrogate = build(lam_transform=None).fit(None, y, lam)
    assert_allclose(surrogate.predict_proba(None, 0.0), [np.array([91, 31, 1]) / 123])
    assert_allclose(surrogate.predict_proba(None, 1.0), [np.array([61, 1, 61]) / 123])


def test_labels_of_single_inputs_train_a_classifier():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(900, 2))
    lam = rng.choice(TRAINED, 900)
    p = softmax(X @ WEIGHTS / lam[:, None], axis=1)
    y = (rng.random((900, 1)) > p.cumsum(axis=1)).sum(axis=1)
    surrogate = build().fit(X, y, lam)
    new = rng.normal(size=(200, 2))
    true = network(0.7)(new)
    said = surrogate.predict_proba(new, 0.7)
    assert np.mean((said - true) ** 2) < 0.1 * np.mean((1 / 3 - true) ** 2)


@pytest.mark.parametrize(
    ("params", "y", "match"),
    [
        ({}, np.full((120, 3), 0.5), "row 0 sums to 1.5"),
        ({}, np.zeros(120), "one class"),
        ({}, np.linspace(0, 1, 120), "continuous"),
        ({}, np.ones((120, 2, 2)), "labels .* or probabilities"),
        ({"classes": ["a", "b"]}, np.full((120, 3), 1 / 3), "3 distinct names"),
        ({"classes": ["a", "a", "b"]}, np.full((120, 3), 1 / 3), "3 distinct names"),
        ({"classes": ["a", "b"]}, np.repeat(["a", "c"], 60), "'c'.*not in `classes`"),
    ],
)
def test_targets_that_are_none(rows, params, y, match):
    with pytest.raises(ValueError, match=match):
        build(**params).fit(rows[0], y, rows[2])


def test_tools_of_scikit_learn_with_a_column(rows):
    """Lambda in X: searches, cross-validation, pipelines and calibration take plain scorers."""
    X, P, lam = (part.reshape(3, 40, -1).swapaxes(0, 1).reshape(120, -1) for part in rows)
    table, y = np.column_stack([X, lam]), P.argmax(axis=1)
    column = build(lam_column=2, validate=False, max_iter=3)
    search = GridSearchCV(
        column,
        {"output_scaling": ["common", "per_output"]},
        scoring="neg_log_loss",
        cv=2,
        error_score="raise",
    ).fit(table, y)
    assert search.best_score_ > -np.log(3)
    p = cross_val_predict(column, table, y, cv=2, method="predict_proba")
    assert_allclose(p.sum(axis=1), 1)
    calibration_curve(y == 0, p[:, 0])
    pipe = make_pipeline(FunctionTransformer(), column).fit(table, y)
    assert pipe.predict_proba(table).shape == (120, 3)


def test_routing_and_scorers_hand_lambda_over(rows):
    X, P, lam = (part.reshape(3, 40, -1).swapaxes(0, 1).reshape(120, -1) for part in rows)
    scorer = make_lam_scorer(
        log_loss, greater_is_better=False, response_method="predict_proba", labels=[0, 1, 2]
    )
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            build(max_iter=3, validate=False),
            {"tol": [1e-4]},
            scoring=scorer,
            cv=2,
            error_score="raise",
        ).fit(X, P.argmax(axis=1), lam=lam[:, 0])
    assert search.best_score_ > -np.log(3)
    pipe = make_trajectory_pipeline(StandardScaler(), build(max_iter=3)).fit(X, P, lam[:, 0])
    assert_allclose(pipe.predict_proba(X, lam=0.7).sum(axis=1), 1)
    with pytest.raises(ValueError, match="response_method='decision_function'"):
        make_lam_scorer(log_loss, response_method="decision_function")


def test_a_sweep_of_a_classifier(X):
    y = (X[:, 0] > 0).astype(int)
    data = sweep(LogisticRegression(), "C", [0.01, 0.1, 1.0], X, y, method="predict_proba")
    surrogate = HyperparameterTrajectoryClassifier(networks=data.networks)
    surrogate.fit(data.X, data.y, data.lam)
    assert_allclose(surrogate.predict_proba(X, 0.1), data.networks[0.1](X))


def test_policies_act_by_probabilities(named, X):
    policy = TrajectoryPolicy(named, 0.7, outputs="probabilities")
    actions, _ = policy.predict(X)
    assert_array_equal(actions, named.predict_proba(X, 0.7).argmax(axis=1))


def test_images_of_a_sweep_keep_their_shape(X):
    class Images(LogisticRegression):
        def draw(self, X):
            return self.C * np.ones((len(X), 2, 3))

    data = sweep(Images(), "C", [0.1, 1.0], X, X[:, 0] > 0, method="draw")
    assert data.y.shape == (80, 2, 3)
    assert_allclose(data.y[:, 1, 2], data.lam)
