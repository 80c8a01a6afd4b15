"""Indices of surrogates: closed forms, distributions of lambda, pictures."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.inspection import SensitivityDisplay, sensitivity
from sklearn_hti.inspection._draws import draw_lambdas
from sklearn_hti.metrics import ot_sensitivity
from sklearn_hti.pipeline import make_trajectory_pipeline

mpl.use("Agg")


def linear(x, lam):
    return 2 * lam + x


@pytest.fixture(scope="module")
def of_one():
    """y = 2 lambda + x, lambda from 0 to 1."""
    x = np.random.default_rng(0).normal(size=(200, 2))
    values = [0.0, 0.5, 1.0]
    networks = {v: lambda X, v=v: linear(X[:, 0], v) for v in values}
    model = HyperparameterTrajectoryRegressor(networks=networks, lam_transform=None)
    y = np.concatenate([net(x) for net in networks.values()])
    return model.fit(np.tile(x, (3, 1)), y, np.repeat(values, len(x))), x


@pytest.fixture(scope="module")
def of_two():
    """y = a + 3 b + shift of the category, at the corners of a square."""
    corners = [(a, b, c) for a in (0.0, 1.0) for b in (0.0, 1.0) for c in ("p", "q")]
    lam = pd.DataFrame(np.repeat(np.array(corners, dtype=object), 5, axis=0), columns=list("abc"))
    lam = lam.astype({"a": float, "b": float})
    y = lam["a"] + 3 * lam["b"] + 2.0 * (lam["c"] == "q")
    x = np.tile(np.arange(5.0), len(corners))[:, None]
    networks = {
        k: lambda X, k=k: k[0] + 3 * k[1] + 2.0 * (k[2] == "q") + 0 * X[:, 0] for k in corners
    }
    model = HyperparameterTrajectoryRegressor(networks=networks, lam_transform=None)
    return model.fit(x, y.to_numpy(), lam)


def test_of_one_hyperparameter(of_one):
    model, x = of_one
    table = sensitivity(model, x, n_draws=2000, random_state=0)
    assert table.index.tolist() == ["λ", "x0", "x1"]
    truth = ot_sensitivity(
        np.c_[z := np.random.default_rng(1).random(20000), e := np.resize(x[:, 0], 20000)],
        2 * z + e,
        random_state=0,
    )["index"]
    assert table["index"].to_numpy()[0] == pytest.approx(truth[0], abs=0.03)
    assert table["index"]["x0"] == pytest.approx(truth[1], abs=0.05)
    assert table["index"]["x1"] < 0.04
    assert (table["lower"] <= table["index"]).all() and (table["index"] <= table["upper"]).all()
    again = sensitivity(model, x, n_draws=2000, random_state=0)
    pd.testing.assert_frame_equal(table, again)


def test_of_several_with_a_category(of_two):
    table = sensitivity(of_two, np.zeros((1, 1)), n_draws=2000, random_state=0)
    assert table.index.tolist() == ["a", "b", "c", "x0"]
    assert table["index"]["x0"] == 0
    sobol = np.array([1 / 12, 9 / 12, 1.0]) / (1 / 12 + 9 / 12 + 1)
    np.testing.assert_allclose(table["advective"][:3], sobol / 2, atol=0.03)


def test_lambdas_follow_the_distribution(of_two):
    rng = np.random.default_rng(0)
    values = np.geomspace(0.01, 100, 5)
    y = np.concatenate([np.log(v) + np.arange(10.0) for v in values])
    x = np.tile(np.arange(10.0), 5)[:, None]
    model = HyperparameterTrajectoryRegressor(base=None, lam_transform="log", validate=False)
    model.fit(x, y, np.repeat(values, 10))
    lam, _ = draw_lambdas(model, 4000, "clock", rng)
    assert np.mean(lam < 1) == pytest.approx(0.5, abs=0.04)
    lam, _ = draw_lambdas(model, 4000, "uniform", rng)
    assert np.mean(lam < 50) == pytest.approx(0.5, abs=0.04)
    lam, encoded = draw_lambdas(of_two, 1000, "clock", rng)
    assert (of_two._state.hull.distance(encoded) < 1e-6).all()
    assert np.mean(lam[:, 2] == "q") == pytest.approx(0.5, abs=0.06)


def test_pipelines_and_frames(of_one):
    _, x = of_one
    frame = pd.DataFrame(x, columns=["size", "age"])
    lam = np.repeat([0.0, 1.0], len(x))
    model = make_trajectory_pipeline(
        StandardScaler(),
        HyperparameterTrajectoryRegressor(max_iter=10, lam_transform=None, random_state=0),
    )
    model.fit(pd.concat([frame, frame]), linear(np.tile(x[:, 0], 2), lam), lam=lam)
    table = sensitivity(model, frame, n_draws=400, random_state=0)
    assert table.index.tolist() == ["λ", "size", "age"]


def test_refusals(of_one):
    model, x = of_one
    with pytest.raises(ValueError, match="n_draws=3"):
        sensitivity(model, x, n_draws=3)
    with pytest.raises(ValueError, match="lam_distribution='even'"):
        sensitivity(model, x, lam_distribution="even")
    with pytest.raises(ValueError, match="coverage=2"):
        sensitivity(model, x, coverage=2)
    with pytest.raises(TypeError, match="sensitivity needs"):
        sensitivity(SVR(), x)


def test_display_stacks_the_parts():
    table = pd.DataFrame(
        [[0.5, 0.3, 0.1, 0.4, 0.6], [0.1, 0.2, 0.0, 0.0, 0.2], [np.nan] * 5],
        columns=["index", "advective", "diffusive", "lower", "upper"],
        index=["C", "gamma", "id"],
    )
    display = SensitivityDisplay(table).plot(height=0.5)
    widths = [[bar.get_width() for bar in bars] for bars in display.ax_.containers[:3]]
    np.testing.assert_allclose(widths, [[0.3, 0.1, 0], [0.1, 0, 0], [0.1, 0, 0]], atol=1e-12)
    with pytest.raises(ValueError, match="lacks the columns"):
        SensitivityDisplay(table[["index"]]).plot()


def test_display_from_estimator(of_one):
    model, x = of_one
    display = SensitivityDisplay.from_estimator(model, x, n_draws=200, random_state=0)
    assert len(display.ax_.get_yticks()) == 3


@pytest.mark.slow
def test_agrees_with_true_trainings():
    """As `python -m benchmarks.sensitivity` prints."""
    from benchmarks.sensitivity import compare

    X, y = load_diabetes(return_X_y=True)
    assert compare(X, y, n_inputs=0)["difference"].max() < 0.05
