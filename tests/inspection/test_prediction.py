"""The one picture: what it shows is what the surrogate answers."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryClassifier, HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import DirectSurrogateRegressor, DisplacementInterpolationRegressor
from sklearn_hti.inspection import PredictionDisplay
from sklearn_hti.pipeline import make_trajectory_pipeline

pytest.importorskip("matplotlib", reason="displays draw with matplotlib (extra `plot`)")


def asked(networks, **options):
    """Return a surrogate that asks networks, by trained value, at ten inputs."""
    X = np.linspace(-1, 1, 10)[:, None]
    y = np.concatenate([network(X) for network in networks.values()])
    lam = np.repeat(np.array(list(networks)), 10, axis=0)
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0, **options)
    return model.fit(np.tile(X, (len(networks), 1)), y, lam)


@pytest.fixture(scope="module")
def squares():
    return asked({v: lambda X, v=v: v**2 * X[:, 0] for v in (0.0, 1.0, 2.0, 4.0)})


def legend(display):
    return [text.get_text() for text in display.axes_[-1].get_legend().get_texts()]


def test_it_shows_the_answers(squares):
    display = squares.plot([0.5], lam_name="strength", coverage=0.8)
    known = display.lam[display.trained]
    np.testing.assert_array_equal(known, [0, 1, 2, 4])
    X = np.full((len(display.lam), 1), 0.5)
    np.testing.assert_array_equal(display.mean[:, 0, 0], squares.predict(X, display.lam))
    np.testing.assert_array_equal(
        np.array(display.interval)[:, :, 0, 0], squares.interval(X, display.lam, coverage=0.8)
    )
    np.testing.assert_allclose(
        display.straight[:, 0, 0], 0.5 * np.interp(display.lam, known, known**2), atol=1e-12
    )
    assert display.draws is None  # every input has one answer
    assert legend(display) == [
        "80 % interval of the mean",
        "mean",
        "straight line",
        "trained value",
    ]
    assert display.ax_.get_xlabel() == "strength"
    dots = display.ax_.collections[-1].get_offsets()
    np.testing.assert_allclose(dots, np.c_[known, 0.5 * known**2], atol=1e-12)


def test_draws_have_a_band(on_clouds, clouds):
    display = on_clouds.plot(clouds.X[[0, 60]], n_samples=50, random_state=0)
    paths = on_clouds.trajectory(clouds.X[[0, 60]], display.lam, n_samples=50, random_state=0)
    np.testing.assert_allclose(display.draws, np.quantile(paths, (0.1, 0.9), axis=1))
    assert legend(display)[0] == "80 % of draws"
    assert legend(display)[-1] == "x = 1"


@pytest.mark.parametrize(
    "model", [DisplacementInterpolationRegressor(), DirectSurrogateRegressor()], ids=repr
)
def test_baselines_have_no_interval(model, clouds):
    if hasattr(model, "estimator"):
        from sklearn.linear_model import LinearRegression

        model.set_params(estimator=LinearRegression())
    model.set_params(random_state=0).fit(clouds.X, clouds.y, clouds.lam)
    display = model.plot([0.0], n_samples=20, random_state=0)
    assert display.interval is None
    assert np.isfinite(display.draws).all()


def test_one_row_in_any_form(squares):
    shown = [squares.plot(X).mean for X in ([0.5], [[0.5]], np.array([0.5]))]
    frame = pd.DataFrame({"x": [0.5, 1.0]})
    named = asked({v: lambda X, v=v: v * np.asarray(X)[:, 0] for v in (0.0, 1.0, 2.0)})
    pipe = make_trajectory_pipeline(StandardScaler(), DisplacementInterpolationRegressor())
    lam = np.repeat([0.0, 1.0, 2.0], 2)
    pipe.fit(pd.concat([frame] * 3), lam, lam)
    assert pipe.plot(frame.iloc[0]).mean.shape == (61, 1, 1)
    assert named.plot(frame.iloc[:1].to_numpy()).mean.shape == (61, 1, 1)
    for mean in shown[1:]:
        np.testing.assert_array_equal(shown[0], mean)


def test_classes_have_a_panel_each():
    logits = np.random.default_rng(0).normal(size=(10, 2))
    networks = {
        T: lambda X, T=T: softmax(logits[X[:, 0].astype(int)] / T, axis=1) for T in (1.0, 2.0, 4.0)
    }
    X = np.arange(10.0)[:, None]
    P = np.vstack([network(X) for network in networks.values()])
    model = HyperparameterTrajectoryClassifier(classes=["no", "yes"], networks=networks)
    model.fit(np.tile(X, (3, 1)), P, np.repeat(list(networks), 10))
    display = model.plot([3.0])
    np.testing.assert_allclose(display.mean.sum(axis=2), 1)
    assert [ax.get_ylabel() for ax in display.axes_] == ["P(no)", "P(yes)"]


def test_of_several_hyperparameters_one_varies():
    networks = {
        (a, b): lambda X, a=a, b=b: X[:, 0] * a**2 + b for a in (0.0, 1.0, 3.0) for b in (0.0, 2.0)
    }
    model = asked(networks)
    display = model.plot([0.5], lam_name=["C", "gamma"])
    assert display.ax_.get_xlabel() == "C, at gamma = 0"
    np.testing.assert_allclose(display.lam[display.trained], [0, 1, 3], atol=1e-12)
    np.testing.assert_allclose(display.mean[display.trained, 0, 0], [0, 0.5, 4.5], atol=1e-9)
    other = model.plot([0.5], lam_from=[0.0, 0.0], lam_to=[3.0, 2.0])
    assert other.trained.sum() == 2


def test_wide_outputs_show_the_first_three():
    model = asked(
        {v: lambda X, v=v: X[:, :, None] * v + np.ones((1, 2, 4)) for v in (0.0, 1.0, 2.0)}
    )
    display = model.plot([0.5])
    assert display.outputs == [0, 1, 2]
    assert display.mean.shape[2] == 8
    assert model.plot([0.5], outputs=[7]).axes_.size == 1
    with pytest.raises(ValueError, match="is not an output"):
        model.plot([0.5], outputs=[8])


def test_refusals(squares):
    with pytest.raises(ValueError, match="outside the anchors"):
        squares.plot([0.5], lam_grid=[0.0, 5.0])
    with pytest.raises(TypeError, match="got StandardScaler"):
        PredictionDisplay.from_estimator(StandardScaler())
    with pytest.raises(ValueError, match="`truth` has no row"):
        squares.plot([0.5], truth=([[0.6]], [0.0], 1.0))
