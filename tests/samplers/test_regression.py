"""Particles regressed on x: exact at inputs of fit, continuous there, and near elsewhere."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern
from sklearn.neural_network import MLPRegressor

from sklearn_hti import load
from sklearn_hti.samplers import regressors
from sklearn_hti.samplers.regression import ParticleRegression, _filled, _held_out
from sklearn_hti.samplers.regressors import Average, Forest, KernelRidge, Network
from sklearn_hti.stats.ridge import LinearMean

# answers come from particles; the flow map, of few steps, is for `transport`
pytestmark = pytest.mark.filterwarnings("ignore:the flow map stops short")
LAM = [0.0, 1.0, 2.0]


def smooth(X, lam):
    return np.sin(3 * X[:, :1] + lam) * np.column_stack([X[:, 1], 1 + X[:, 1] ** 2])


def steps(X, lam):
    return (X[:, :1] > 0.2) * (1 + lam) + np.sign(X[:, 1:2]) * (X[:, :1] < -0.4) + [[0.0, lam]]


def linear(X, lam):
    return X @ np.array([[1.0, lam], [2.0, 1.0]]) + lam


def family(f, n=150, seed=0):
    """Inputs, and rows at three values of lambda."""
    x = np.random.default_rng(seed).uniform(-1, 1, size=(n, 2))
    return x, np.tile(x, (3, 1)), np.concatenate([f(x, v) for v in LAM]), np.repeat(LAM, n)


def fitted(encode, X, y, lam, **options):
    data = encode(X, y, lam, **options)
    return data, ParticleRegression().fit(data, data.features.n_categories, 0, n_steps=250)


def asked(data, n):
    """Conditions of the first rows, with numbers moved by a distance."""

    def at(distance):
        x = data.conditions[np.arange(n)]
        return type(x)(x.scaled + distance, x.codes, x.keys)

    return at


# ---------------------------------------------------------------- regressors


def test_kernel_ridge_is_the_mean_of_a_gaussian_process(rng):
    x, z, y = rng.normal(size=(40, 3)), rng.normal(size=(9, 3)), rng.normal(size=(40, 2))
    for smoothness in (1.5, 2.5):
        ours = KernelRidge((smoothness, 1.3, 0.1)).fit(x, y).predict(z)
        kernel = Matern(1.3, nu=smoothness, length_scale_bounds="fixed")
        peer = GaussianProcessRegressor(kernel, alpha=0.1).fit(x, y - y.mean(axis=0))
        assert_allclose(ours, peer.predict(z) + y.mean(axis=0), atol=1e-10)


def test_kernel_ridge_has_a_penalty_where_outputs_are_noisy(rng):
    x = rng.uniform(-2, 2, size=(200, 1))
    clean, noise = np.sin(2 * x), 0.3 * rng.normal(size=(200, 1))
    on_clean, on_noisy = (KernelRidge().fit(x, y) for y in (clean, clean + noise))
    assert on_clean.setting[2] < 1e-5 < 1e-2 < on_noisy.setting[2]
    z = np.linspace(-1.8, 1.8, 50)[:, None]
    assert_allclose(on_clean.predict(z), np.sin(2 * z), atol=1e-3)
    assert_allclose(on_noisy.predict(z), np.sin(2 * z), atol=0.3)


def test_kernel_ridge_of_many_inputs(rng, monkeypatch):
    """Fewer centres than inputs: nearly the same function."""
    x, z = rng.uniform(-1, 1, size=(3000, 2)), rng.uniform(-1, 1, size=(100, 2))
    found = KernelRidge((2.5, 1.0, 1e-4)).fit(x, np.sin(3 * x)).predict(z)
    assert_allclose(found, np.sin(3 * z), atol=1e-2)


@pytest.mark.parametrize("n_outputs", [1, 3, 16])
def test_forest_answers_as_that_of_scikit_learn(rng, n_outputs):
    x, z = rng.normal(size=(120, 4)), rng.normal(size=(300, 4)).astype(np.float32)
    y = rng.normal(size=(120, n_outputs))
    forest = Forest(seed=3).fit(x, y)
    peer = ExtraTreesRegressor(100, random_state=3).fit(x, y[:, 0] if n_outputs == 1 else y)
    assert_allclose(forest.predict(z), peer.predict(z).reshape(300, -1), atol=1e-12)
    assert_allclose(forest.predict(x), y, atol=1e-12)


def test_forest_of_many_outputs_and_of_equal_ones(rng):
    x, weights = rng.normal(size=(80, 2)), rng.normal(size=(1, 500))
    y = x[:, :1] * weights
    assert_allclose(Forest(0).fit(x, y).predict(x), y, atol=1e-9)
    assert_array_equal(Forest(0).fit(x, np.ones((80, 1))).predict(x[:5]), np.ones((5, 1)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_network_answers_as_that_of_scikit_learn(rng, n_outputs):
    x, y = rng.normal(size=(90, 3)), rng.normal(size=(90, n_outputs)) + 5
    found = Network(100, seed=2).fit(x, y)
    peer = MLPRegressor(
        hidden_layer_sizes=(64, 64, 64, 64),
        activation="tanh",
        alpha=0.1,
        batch_size=64,
        learning_rate_init=4e-3,
        max_iter=72,
        n_iter_no_change=100,
        random_state=2,
    )
    target = (y - y.mean(axis=0)).astype(np.float32)
    peer.fit(x.astype(np.float32), target if n_outputs > 1 else target[:, 0])
    told = peer.predict(x.astype(np.float32)).reshape(90, -1) + y.mean(axis=0)
    assert_allclose(found.predict(x), told, atol=1e-5)


def test_network_takes_passes_over_many_rows_and_is_reproducible(rng):
    x = rng.normal(size=(640, 2))
    y = np.tanh(3 * x)
    few, more, again = (Network(n, seed=0).fit(x, y).predict(x) for n in (1, 20, 20))
    assert_array_equal(few, more)  # 20 passes of ten steps, either way
    assert_array_equal(more, again)
    assert np.mean((more - y) ** 2) < 0.02 * y.var()


def test_network_of_many_inputs_sees_some(rng, monkeypatch):
    """One pass over a million rows would take longer than all other stages."""
    x = rng.normal(size=(200, 2))
    y = np.tanh(x)
    monkeypatch.setattr(regressors, "BUDGET", replace(regressors.BUDGET, kernel_rows=50))
    some = np.sort(np.random.default_rng(0).permutation(200)[:50])
    told = Network(100, seed=0).fit(x[some], y[some]).predict(x)
    assert_array_equal(Network(100, seed=0).fit(x, y).predict(x), told)


# ---------------------------------------------------------------- the choice


def test_a_regressor_that_is_clearly_worse_leaves_the_race(rng):
    x, fits = rng.normal(size=(100, 2)), []

    class Counted(LinearMean):
        def fit(self, x, y):
            fits.append(len(x))
            return super().fit(x, y - 1.0)  # off by one

    held = _held_out({"linear": LinearMean, "network": Counted}, x, x)
    assert list(held) == ["linear"]
    assert fits == [80]
    assert_allclose(held["linear"], x, atol=1e-2)


def test_probabilities_take_the_network(encode, rng):
    """Classes of a softmax with steep logits: smooth functions do not saturate."""
    x, w = rng.normal(size=(200, 6)), rng.normal(size=(6, 3))
    y = [softmax(6 * lam * np.tanh(x @ w), axis=1) for lam in LAM]
    lam = np.repeat(LAM, 200)
    data = encode(np.tile(x, (3, 1)), np.concatenate(y), lam)
    found = ParticleRegression().fit(data, data.features.n_categories, 0, n_steps=500)
    assert "network" in found.chosen_.name


@pytest.mark.parametrize(("f", "name"), [(linear, "linear"), (smooth, "smooth"), (steps, "trees")])
def test_held_out_inputs_choose_the_regressor(encode, f, name):
    _, found = fitted(encode, *family(f)[1:])
    assert found.chosen_.name == name
    assert isinstance(found.regressor_, Average) == ("," in name)
    assert found.errors_.shape == (150, 3, 2)
    relative = np.mean((found.errors_ / found.spread_) ** 2)
    assert_allclose(relative, found.chosen_.losses[found.chosen_.index])


@pytest.mark.parametrize("f", [linear, smooth, steps])
def test_the_correction_does_no_harm_at_new_inputs(make, f):
    """Of one number, many new inputs are near to one of fit."""

    def along(X, lam):
        return f(np.column_stack([X[:, 0], np.cos(9 * X[:, 0])]), lam)

    x = np.random.default_rng(0).uniform(-1, 1, size=(150, 1))
    y = np.concatenate([along(x, v) for v in LAM])
    model = make(max_iter=5, geometry="transport").fit(np.tile(x, (3, 1)), y, np.repeat(LAM, 150))
    new = np.random.default_rng(1).uniform(-1, 1, size=(3000, 1))
    conditions = model._state.encoder.transform(new, len(new))
    plain = model.base_._predict(model.base_._features(conditions))
    truth = model._state.outputs.encode(np.stack([along(new, v) for v in LAM], axis=1))
    errors = [np.mean((y - truth) ** 2) for y in (model.base_.particles(conditions), plain)]
    assert errors[0] <= 1.01 * errors[1]


def test_trained_values_count_alike_in_the_choice(encode):
    """Steps of a spread of 1e-3 at one value, and a line at the two others."""
    x, *_ = family(smooth, 200)
    y = np.concatenate([1e-3 * np.sign(x[:, 0]), x[:, 0], 1e-3 * np.sign(x[:, 0])])
    _, found = fitted(encode, np.tile(x, (3, 1)), y, np.repeat(LAM, 200))
    assert found.chosen_.name == "trees"
    _, found = fitted(encode, np.tile(x, (3, 1)), np.tile(x[:, 0], 3), np.repeat(LAM, 200))
    assert found.chosen_.name == "linear"


@pytest.mark.parametrize("n_inputs", [1, 2, 3, 9])
def test_few_inputs(encode, n_inputs):
    x, X, y, lam = family(smooth, n_inputs)
    data, found = fitted(encode, X, y, lam)
    assert found.chosen_.name == "linear"
    assert_array_equal(found.particles(data.conditions[np.arange(n_inputs)])[:, 1], smooth(x, 1))


# ---------------------------------------------------------------- at inputs of fit


@pytest.mark.parametrize("f", [linear, smooth, steps])
def test_inputs_of_fit_have_their_own_outputs(encode, f):
    x, *rows = family(f)
    data, found = fitted(encode, *rows)
    at = asked(data, 150)
    truth = np.stack([f(x, v) for v in LAM], axis=1)
    assert_array_equal(found.particles(at(0.0)), truth)
    for distance in (1e-9, 1e-6):
        moved = np.abs(found.particles(at(distance)) - truth).max()
        assert moved < 1e-3 * truth.std()


def test_answers_are_continuous_on_the_way_from_an_input_of_fit(encode, rng):
    """Of outputs that nothing predicts, the residual fades out."""
    x = rng.uniform(-1, 1, size=(60, 2))
    y = rng.normal(size=(180, 1))
    data, found = fitted(encode, np.tile(x, (3, 1)), y, np.repeat(LAM, 60))
    at = asked(data, 60)
    way = np.linspace(0, 2 * found.reach_, 400)
    path = np.stack([found.particles(at(distance)) for distance in way])
    assert np.abs(np.diff(path, axis=0)).max() < 0.02 * np.abs(path[-1] - path[0]).max()
    assert_allclose(path[-1], found._predict(found._features(at(way[-1]))), atol=1e-12)


def test_inputs_that_are_nearly_one(encode, rng):
    """Twins 1e-5 apart that agree: near to them the answer is theirs, on all sides."""
    x = rng.uniform(-1, 1, size=(60, 1))
    x = np.concatenate([x, x + 1e-5])
    y = np.tile(rng.normal(size=(60, 1)), (6, 1))
    data, found = fitted(encode, np.tile(x, (3, 1)), y, np.repeat(LAM, 120))
    for distance in (-1e-5, 5e-6, 1e-5, 3e-5):
        assert_allclose(found.particles(asked(data, 60)(distance))[:, 0], y[:60], atol=1e-3)


def test_categories_do_not_mix(encode):
    x = np.tile(np.linspace(-1, 1, 40), 2)
    X = np.column_stack([x, np.repeat([0.0, 1.0], 40)])
    y = np.where(X[:, 1] > 0, 5.0, -5.0) + x
    data, found = fitted(
        encode, np.tile(X, (2, 1)), np.tile(y, 2), np.repeat([0.0, 1.0], 80), categorical=[1]
    )
    found = found.particles(asked(data, 80)(1e-3))[:, 0, 0]
    assert_allclose(found, y, atol=0.05)


# ---------------------------------------------------------------- inputs known at some values


def test_what_is_not_known_lies_on_lines():
    values = np.array([[0.0, 9, 4, 9], [9, 1, 9, 9], [9, 9, 2, 3]])[:, :, None]
    known = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 1]], dtype=bool)
    filled = _filled(values, known, several=False)
    expected = [[0, 2, 4, 4], [1, 1, 1, 1], [2, 2, 2, 3]]
    assert_array_equal(filled[:, :, 0], expected)


def test_inputs_that_are_known_at_some_values(encode):
    """Trained values know three in four inputs each: the rest is predicted."""
    x, X, y, lam = family(smooth, 200)
    missing = np.zeros((3, 200), dtype=bool)
    missing[0, :50] = missing[1, 50:100] = missing[2, 100:150] = True
    rows = ~missing.ravel()
    _, found = fitted(encode, X[rows], y[rows], lam[rows])
    particles, truth = found.known_, np.stack([smooth(x, v) for v in LAM], axis=1)
    order = np.lexsort(x.astype(np.float32).T[::-1])
    miss = (particles - truth[order])[missing.T[order]]
    assert np.sqrt(np.mean(miss**2)) < 0.3 * truth.std()
    assert_array_equal(particles[~missing.T[order]], truth[order][~missing.T[order]])
    assert len(found.errors_) == 50


# ---------------------------------------------------------------- the whole surrogate


@pytest.fixture(scope="module")
def model(make):
    return make(max_iter=5).fit(*family(smooth)[1:])


def test_trained_values_are_exact_and_draws_are_equal(model):
    x = family(smooth)[0]
    for lam in LAM:
        mean, std = model.predict(x, lam, return_std=True)
        assert_allclose(mean, smooth(x, lam), atol=1e-12)
        assert not std.any()
    draws = model.sample(x, 0.7, n_samples=3, random_state=0)
    assert_array_equal(draws, np.broadcast_to(model.predict(x, 0.7), draws.shape))
    path = model.trajectory(x, [0.0, 0.7], n_samples=2)
    assert_allclose(path[1], draws[:2], atol=1e-12)


def test_between_trained_values_the_field_answers(model):
    x, lam = family(smooth)[0], 0.7
    outputs = [smooth(x, v) for v in LAM]
    said = model.interpolate(x, outputs, lams=LAM, lam=lam)
    assert_allclose(model.predict(x, lam), said, atol=1e-12)


def test_saved_surrogates_answer_the_same(make, tmp_path):
    for f, name in ((smooth, "smooth"), (steps, "trees"), (linear, "linear")):
        before = make(max_iter=5, geometry="transport").fit(*family(f)[1:])
        assert before.base_.chosen_.name == name
        before.save(tmp_path / name)
        after = load(tmp_path / name)
        new = np.random.default_rng(1).uniform(-1, 1, size=(50, 2))
        assert_array_equal(after.predict(new, 0.3), before.predict(new, 0.3))
        assert after.base_.chosen_ == before.base_.chosen_


def test_fits_are_reproducible(make):
    new = np.random.default_rng(1).uniform(-1, 1, size=(50, 2))
    one, other = (make(max_iter=5).fit(*family(steps)[1:]).predict(new, 0.3) for _ in "ab")
    assert_array_equal(one, other)


def test_answers_keep_to_the_box(make):
    _, X, y, lam = family(linear)
    model = make(max_iter=5, y_bounds=(y.min(), y.max())).fit(X, y, lam)
    with pytest.warns(match="unlike"):
        far = model.predict([[9.0, 9.0]], 2.0)
    assert (far <= y.max()).all()


def test_words_as_inputs(make):
    lam = np.repeat([0.0, 1.0], 40)
    frame = pd.DataFrame({"word": ["up", "down"] * 40})
    y = np.where(frame["word"] == "up", 1.0, -1.0) * (1 + lam)
    model = make(max_iter=5).fit(frame, y, lam)
    assert model.base_.name == "regression"
    assert_allclose(model.predict(frame[:2], 0.5), [1.5, -1.5], atol=1e-12)
