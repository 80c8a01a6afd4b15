"""Surrogates whose outputs are mapped to coordinates, or have axes of their own."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer, PowerTransformer

from sklearn_hti import HyperparameterTrajectoryRegressor, load
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.metrics import neg_energy_score

LAMS = np.repeat([0.0, 1.0, 2.0], 40)
SHORT = {
    **{"max_iter": 15, "lam_transform": None, "validate": False, "random_state": 0},
    **{"kinetic": "euclidean", "potential": None, "base": "neighbors"},
}
INVERSE = FunctionTransformer(np.reciprocal)


@pytest.fixture(scope="module")
def positive():
    rng = np.random.default_rng(0)
    return np.exp(0.5 * rng.normal(size=(120, 2)) + LAMS[:, None])


def fit(y, **params):
    return HyperparameterTrajectoryRegressor(**{**SHORT, **params}).fit(None, y, LAMS)


@pytest.mark.parametrize("asked", [True, False])
def test_softmax_at_any_temperature_is_exact(asked):
    """Hard: from two temperatures, in log-ratios that are linear in 1 / T."""
    rng = np.random.default_rng(1)
    X, weights, trained = rng.normal(size=(30, 2)), rng.normal(size=(2, 4)), [0.3, 3.0]
    networks = {T: lambda X, T=T: softmax(X @ weights / T, axis=1) for T in trained}
    P = np.stack([networks[T](X) for T in trained])
    params = {"networks": networks} if asked else {}
    surrogate = HyperparameterTrajectoryRegressor(
        output_transform="simplex", **{**SHORT, "base": "auto", **params, "lam_transform": INVERSE}
    ).fit(np.tile(X, (2, 1)), P.reshape(-1, 4), np.repeat(trained, 30))
    for T in (0.3, 0.5, 1.0, 2.0, 3.0):
        true = softmax(X @ weights / T, axis=1)
        assert_allclose(surrogate.predict(X, T), true, atol=1e-6)
        assert_allclose(surrogate.sample(X, T).sum(axis=1), 1)
        if asked:
            said = surrogate.interpolate(X, P, lams=trained, lam=T)
            assert_allclose(said, true, atol=1e-6)


@pytest.mark.parametrize(
    "params",
    [
        {"output_transform": "log"},
        {"output_transform": "logit", "y_bounds": (0, 200)},
        {"output_transform": PowerTransformer()},
    ],
)
def test_answers_are_in_the_units_of_the_user(positive, params, tmp_path):
    surrogate = fit(positive, **params)
    draws = surrogate.sample(None, 0.5, n_samples=50, random_state=0)
    assert (draws > 0).all()
    mean, std = surrogate.predict(None, 0.5, return_std=True)
    assert mean.shape == std.shape == (1, 2)
    lower, upper = surrogate.interval(None, 0.5)
    assert ((lower > 0) & (lower <= mean) & (mean <= upper)).all()
    y = positive[:5]
    moved = surrogate.transport(None, y, lam_from=0.0, lam_to=2.0)
    assert (moved > 0).all()
    assert_array_equal(surrogate.transport(None, y, lam_from=0.0, lam_to=0.0), y)
    said = surrogate.interpolate(None, [y, moved], lams=[0.0, 2.0], lam=2.0)
    assert_allclose(np.sort(said, axis=0), np.sort(moved, axis=0), rtol=1e-6)
    if params == {"output_transform": "log"}:
        surrogate.save(tmp_path / "file")
        again = load(tmp_path / "file")
        assert_array_equal(again.predict(None, 0.5), mean)
        surrogate.export(tmp_path / "graph", "torch", lam_from=0.0)
        graph = torch.export.load(tmp_path / "graph").module()
        exported = graph(torch.tensor(y), torch.full((5,), 2.0, dtype=torch.float64))
        assert_allclose(exported, moved, rtol=1e-5)


def test_a_base_of_the_user_is_fitted_in_coordinates():
    """Lines of logarithms are positive; a frozen one, or a function, answers in its units."""
    X = np.tile(np.linspace(-1, 1, 40), 3)[:, None]
    y = np.exp(3 * X[:, 0] + LAMS)
    line = LinearRegression()
    frozen = FrozenEstimator(TransformedTargetRegressor(line, func=np.log, inverse_func=np.exp))
    frozen.estimator.fit(X[:40], y[:40])
    for base in (line, frozen, lambda X: np.exp(3 * X[:, 0])):
        surrogate = HyperparameterTrajectoryRegressor(
            output_transform="log", **{**SHORT, "base": base}
        ).fit(X, y, LAMS)
        assert_allclose(surrogate.predict(X[:40], 0.0), y[:40])


def test_nothing_piles_up_on_bounds():
    rng = np.random.default_rng(2)
    y = 1 / (1 + np.exp(-3 * rng.normal(size=120) - LAMS))
    clipped = fit(y, y_bounds=(0, 1)).sample(None, 0.5, n_samples=500, random_state=0)
    inside = fit(y, y_bounds=(0, 1), output_transform="logit")
    draws = inside.sample(None, 0.5, n_samples=500, random_state=0)
    assert np.isin(clipped, [0, 1]).mean() > 0
    assert ((draws > 0) & (draws < 1)).all()


def test_outputs_off_the_domain_are_refused_before_training(positive):
    with pytest.raises(ValueError, match="in row 3, column 1"):
        fit(np.where(np.arange(240).reshape(120, 2) == 7, -1.0, positive), output_transform="log")
    surrogate = fit(positive, output_transform="log")
    with pytest.raises(ValueError, match=r"`y` has 2 value\(s\) that are not positive"):
        surrogate.transport(None, [[-1.0, -2.0]], lam_from=0.0, lam_to=1.0)
    with pytest.raises(ValueError, match=r"`outputs\[1\]`.*not positive"):
        surrogate.interpolate(None, [[[1.0, 1.0]], [[0.0, 1.0]]], lams=[0.0, 1.0], lam=0.5)


def test_the_transformer_of_the_user_stays_as_it_is(positive):
    mine = PowerTransformer()
    surrogate = fit(positive, output_transform=mine)
    assert not hasattr(mine, "lambdas_")
    assert clone(surrogate).output_transform is not mine


@pytest.mark.parametrize("shape", [(1, 2), (2, 1, 1)])
def test_outputs_of_any_shape(positive, shape):
    """Bit for bit the answers of flat outputs."""
    y = positive.reshape(120, *shape)
    surrogate, flat = fit(y), fit(positive)
    assert_array_equal(surrogate.predict(None, 0.5), flat.predict(None, 0.5).reshape(1, *shape))
    seed = {"random_state": 0}
    assert surrogate.sample(None, [0.5, 1.0], **seed).shape == (2, *shape)
    assert surrogate.sample(None, 0.5, n_samples=3, **seed).shape == (3, 1, *shape)
    assert surrogate.trajectory(None, [0, 1, 2], n_samples=3, **seed).shape == (3, 3, 1, *shape)
    assert surrogate.trajectory(None, [0, 1], y=y[:4], lam_from=0.0).shape == (2, 4, *shape)
    assert surrogate.transport(None, y[:4], lam_from=0.0, lam_to=1.0).shape == (4, *shape)
    said = surrogate.interpolate(None, [y[:4], y[40:44]], lams=[0.0, 1.0], lam=0.5)
    assert said.shape == (4, *shape)
    assert all(bound.shape == (1, *shape) for bound in surrogate.interval(None, 0.5))
    assert surrogate.score(None, y, LAMS) == pytest.approx(flat.score(None, positive, LAMS))
    score = neg_energy_score(surrogate, None, y, lam=LAMS)
    assert score == pytest.approx(neg_energy_score(flat, None, positive, lam=LAMS))


def test_networks_answer_in_any_shape():
    X = np.linspace(0, 1, 12)[:, None]
    networks = {lam: lambda X, lam=lam: X[:, :, None] + lam * np.ones((1, 2, 3)) for lam in (0, 1)}
    y = np.concatenate([network(X) for network in networks.values()])
    surrogate = HyperparameterTrajectoryRegressor(networks=networks, lam_transform=None)
    surrogate.fit(np.tile(X, (2, 1)), y, np.repeat([0, 1], 12))
    assert_allclose(surrogate.predict(X, 0.5), X[:, :, None] + 0.5 * np.ones((1, 2, 3)))
    assert surrogate.sample(X, 0.5, n_samples=2).shape == (2, 12, 2, 3)


N_WIDE = 150  # outputs, more than Budget.coordinates


@pytest.fixture(scope="module")
def wide():
    """Return inputs, images (3, n, 10, 15) at three trained values, and their networks."""
    rng = np.random.default_rng(3)
    X, weights = rng.normal(size=(30, 2)), rng.normal(size=(2, 6))
    images = rng.normal(size=(6, N_WIDE))
    fine = 0.02 * rng.normal(size=(2, N_WIDE))

    def answer(X, lam):
        smooth = np.tanh(X @ weights * (1 + 0.2 * lam)) @ images
        y = 0.5 + 0.1 * smooth + 0.1 * np.sin(9 * (1 + lam / 4) * X @ fine)
        return np.clip(y, 0, 1).reshape(-1, 10, 15)

    networks = {float(lam): lambda X, lam=lam: answer(X, lam) for lam in (0, 1, 2)}
    return X, np.stack([network(X) for network in networks.values()]), networks


def fit_wide(wide, **params):
    X, y, _ = wide
    params = {**SHORT, "base": "auto", "y_bounds": (0, 1), **params}
    surrogate = HyperparameterTrajectoryRegressor(**params)
    return surrogate.fit(np.tile(X, (3, 1)), y.reshape(-1, 10, 15), np.repeat([0.0, 1, 2], 30))


@pytest.mark.parametrize("transform", ["auto", PCA(3)])
def test_networks_of_wide_outputs_are_exact_at_trained_values(wide, transform):
    X, y, networks = wide
    surrogate = fit_wide(wide, networks=networks, output_transform=transform)
    assert surrogate.diagnostics_["n_coordinates"] < N_WIDE
    for lam in networks:
        assert_allclose(surrogate.predict(X, lam), networks[lam](X), atol=1e-12)
    if transform == "auto":  # the field acts on all outputs
        weights = surrogate._state.particle_field.weights(np.array([0.5]), surrogate.anchors_)[0]
        said = np.clip(np.tensordot(weights, y, 1), 0, 1)
        assert_allclose(surrogate.predict(X, 0.5), said, atol=1e-12)
        assert_allclose(surrogate.interpolate(X, y, lams=[0, 1, 2], lam=0.5), said, atol=1e-12)


def test_wide_outputs_without_networks(wide, tmp_path):
    """Inputs of fit keep their own outputs; answers stay inside, and files and graphs agree."""
    X, y, _ = wide
    surrogate = fit_wide(wide)
    lost = surrogate.diagnostics_["lost_of_variance"], surrogate.diagnostics_["lost_of_movement"]
    assert 0 < lost[0] < 1e-4
    assert lost[0] < lost[1] < 0.01
    for k in range(3):
        assert_allclose(surrogate.predict(X, k), y[k], atol=1e-12)
    new = X + 0.3
    mean, (lower, upper) = surrogate.predict(new, 0.5), surrogate.interval(new, 0.5)
    assert ((lower >= 0) & (lower <= mean) & (mean <= upper) & (upper <= 1)).all()
    assert mean.shape == (30, 10, 15)
    moved = surrogate.transport(X, y[0], lam_from=0.0, lam_to=1.5)
    assert_array_equal(surrogate.transport(X, y[0], lam_from=0.0, lam_to=0.0), y[0])
    surrogate.save(tmp_path / "file")
    assert_array_equal(load(tmp_path / "file").predict(new, 0.5), mean)
    surrogate.export(tmp_path / "graph", "torch", lam_from=0.0)
    graph = torch.export.load(tmp_path / "graph").module()
    given = (torch.tensor(part) for part in (X, y[0].reshape(30, -1), np.full(30, 1.5)))
    assert_allclose(graph(*given), moved.reshape(30, -1), atol=1e-6)


def test_draws_of_wide_outputs_keep_what_the_codec_leaves_out():
    y = np.random.default_rng(4).normal(size=(450, N_WIDE))
    lam = np.repeat([0.0, 1.0, 2.0], 150)
    noisy = HyperparameterTrajectoryRegressor(**SHORT).fit(None, y, lam)
    draws = noisy.sample(None, 0.0, n_samples=20, random_state=0)[:, 0]
    assert noisy.diagnostics_["n_coordinates"] == 128
    assert np.abs(draws[:, None] - y[:150]).max(axis=2).min(axis=1).max() < 1e-12


def test_a_codec_that_leaves_out_the_movement_is_warned_of():
    X = np.linspace(0, 1, 150)[:, None]
    y = np.random.default_rng(5).normal(size=(150, N_WIDE))
    lam = np.repeat([0.0, 0.01, 0.02], 150)
    params = {**SHORT, "base": "neighbors"}
    with pytest.warns(TrajectoryWarning, match="128 coordinates represent 150 outputs"):
        HyperparameterTrajectoryRegressor(**params).fit(
            np.tile(X, (3, 1)), np.tile(y, (3, 1)) + lam[:, None], lam
        )
