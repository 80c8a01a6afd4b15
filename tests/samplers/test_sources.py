"""How y is drawn at the base anchor: neighbours, a generator, the user's own network."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import check_is_fitted

from sklearn_hti.exceptions import CouplingWarning


class Noisy(BaseEstimator):
    """A network with `sample`: a normal around the training mean; counts its fits."""

    n_fits = 0

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y):
        type(self).n_fits += 1
        self.mean_ = y.mean(axis=0)
        return self

    def sample(self, X, n_samples, random_state=None):
        rng = np.random.default_rng(random_state)
        return self.mean_ + self.scale * rng.normal(size=(n_samples, len(X), *self.mean_.shape))


class Offset(RegressorMixin, BaseEstimator):
    """A network with `predict` that remembers what it was fitted on."""

    def fit(self, X, y):
        self.X_, self.y_ = X, y
        return self

    def predict(self, X):
        return np.asarray(X)[:, :1] + self.y_.mean(axis=0)


# ---------------------------------------------------------------- neighbors


def test_neighbors_draw_the_rows_of_their_condition(make, clouds):
    model = make(max_iter=5, base="neighbors").fit(clouds.X, clouds.y, clouds.lam)
    for x in (0.0, 1.0):
        own = clouds.y[(clouds.X[:, 0] == x) & (clouds.lam == 0)]
        draws = model.sample(np.full((2000, 1), x), 0.0, random_state=0)
        near = abs(draws - own.T).argmin(axis=1)
        assert_allclose(draws, own[near], atol=1e-12)
        counts = np.bincount(near, minlength=60)
        assert counts.min() > 0.3 * 2000 / 60
        assert counts.max() < 2 * 2000 / 60
        # every row once, so that the mean over them is exact
        assert_allclose(model.predict([[x]], 0.0), [own.mean(axis=0)], atol=0.02)


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.SupportWarning")
def test_neighbors_serve_the_nearest_condition(make, clouds):
    model = make(max_iter=5, base="neighbors").fit(clouds.X, clouds.y + 9 * clouds.X, clouds.lam)
    draws = model.sample([[0.4], [0.6], [-50.0]], 0.0, n_samples=50, random_state=0)
    assert_array_equal((draws > 4.5).all(axis=(0, 2)), [False, True, False])
    assert_array_equal((draws < 4.5).all(axis=(0, 2)), [True, False, True])


def test_neighbors_pool_conditions_of_few_rows(make):
    """One row per condition: five neighbours are pooled, the nearest ones."""
    X = np.tile(np.linspace(0, 1, 40)[:, None], (2, 1))
    lam = np.repeat([0.0, 1.0], 40)
    model = make(max_iter=5, base="neighbors").fit(X, X[:, 0] + lam, lam)
    draws = model.sample(X[[20]], 0.0, n_samples=500, random_state=0)
    assert_allclose(np.unique(np.round(draws, 9)), np.round(X[18:23, 0], 9))


def test_neighbors_do_not_cross_categories(make):
    """Categories of one row each keep it, however near another one is."""
    lam = np.repeat([0.0, 1.0], 60)
    frame = pd.DataFrame(
        {"a": np.tile(np.linspace(0, 1, 60), 2), "kind": ["rare", *["common"] * 59] * 2}
    )
    y = np.where(frame["kind"] == "rare", 100.0, 0.0) + lam
    model = make(max_iter=5, base="neighbors").fit(frame, y, lam)
    query = pd.DataFrame({"a": [0.0, 0.0, 1.0], "kind": ["rare", "common", "rare"]})
    draws = model.sample(query, 0.0, n_samples=100, random_state=0)
    assert_allclose(draws, np.tile([100.0, 0.0, 100.0], (100, 1)), atol=1e-9)


def test_neighbors_refuse_an_unknown_combination_of_categories(make):
    lam = np.repeat([0.0, 1.0], 40)
    frame = pd.DataFrame({"a": ["u", "v"] * 40, "b": ["u", "v"] * 40, "c": 1.0})
    model = make(max_iter=1, base="neighbors").fit(frame, lam, lam)
    with pytest.raises(ValueError, match="combination of categories"):
        model.sample(pd.DataFrame({"a": ["u"], "b": ["v"], "c": 1.0}), 0.0)


# ---------------------------------------------------------------- flow


def test_flow_learns_a_conditional_normal(make):
    """y ~ N(2 x, (1 + x)^2) at x it has not seen."""
    rng = np.random.default_rng(0)
    x = np.tile(np.repeat(np.linspace(-0.5, 1, 100), 6), 2)
    z = np.tile(np.concatenate([rng.permutation(norm.ppf(np.arange(1, 12, 2) / 12))] * 100), 2)
    lam = np.repeat([0.0, 1.0], 600)
    model = make(max_iter=400, base="flow").fit(x[:, None], 2 * x + (1 + x) * z + lam, lam)
    assert model.base_.name == "flow"
    for at in (-0.3, 0.15, 0.8):
        draws = model.sample([[at]], 0.0, n_samples=3000, random_state=0)
        assert_allclose(draws.mean(), 2 * at, atol=0.35)
        assert_allclose(draws.std(), (1 + at) * z.std(), rtol=0.3)


def test_flow_stays_sharp_where_networks_are_deterministic(make, networks):
    model = make(max_iter=300, base="flow").fit(networks.X, networks.y, networks.lam)
    X = networks.X[:80]
    draws = model.sample(X, 0.0, n_samples=20, random_state=0)
    assert draws.std(axis=0).max() < 1e-3
    assert_allclose(draws[0], networks.f(X, 0.0), atol=0.05)


@pytest.mark.slow
def test_flow_draws_are_as_wide_as_the_truth_at_new_inputs(make, rng):
    """One noisy answer per x: a mean that is learned from few rows errs at others."""

    def outputs(X, lam):
        mean = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3]
        return mean + lam + rng.normal(size=len(X))

    X, lam = rng.uniform(size=(600, 5)), np.repeat([0.0, 1.0], 300)
    y = outputs(X, lam)
    model = make(max_iter=600, base="flow").fit(X, y, lam)
    assert 1.05 < model.base_.noise_scale_ < 2
    new = rng.uniform(size=(1500, 5))
    truth = outputs(new, np.zeros(1500))

    def held(model):
        draws = model.sample(new, 0.0, n_samples=60, random_state=0)
        draws = draws.reshape(60, len(new), -1)[:, :, 0]
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        return np.mean((low < truth) & (truth < high))

    share = held(model)
    # a constant beside it says nothing of its noise
    beside = make(max_iter=600, base="flow").fit(X, np.column_stack([y, 0 * y]), lam)
    assert 0.87 < held(beside) < 0.95
    model.base_.noise_scale_ = 1.0
    assert 0.87 < share < 0.95
    assert abs(share - 0.9) < abs(held(model) - 0.9)


def test_flow_draws_are_not_widened_where_nothing_was_held_out(make, rng):
    x = np.repeat(rng.uniform(-1, 1, 30), 20)
    lam = np.repeat([0.0, 1.0], len(x))
    y = rng.normal(size=2 * len(x))
    model = make(max_iter=20, base="flow").fit(np.tile(x, 2)[:, None], y, lam)
    assert model.base_.noise_scale_ == 1


# ---------------------------------------------------------------- the user's own network


def test_deterministic_callable(make, networks):
    def deployed(X):
        return networks.f(X, 0.0)

    model = make(max_iter=5, base=deployed).fit(networks.X, networks.y, networks.lam)
    assert model.base_.name == "deployed"
    X = np.random.default_rng(3).uniform(-1, 1, size=(9, 2))
    for answer in (model.sample(X, 0.0), model.predict(X, 0.0), model.trajectory(X, [0.0])[0]):
        assert_allclose(answer, deployed(X), atol=1e-12)
    moved = model.transport(X, deployed(X), lam_from=0.0, lam_to=1.5)
    draws = model.sample(X, 1.5, n_samples=3)
    assert_allclose(draws, np.broadcast_to(moved, draws.shape), atol=1e-5)
    mean, std = model.predict(X, 1.5, return_std=True)
    assert_allclose(mean, moved, atol=1e-5)
    assert_array_equal(std, 0)


@pytest.mark.parametrize("inner", [(), (1,)])
def test_callable_with_one_output(make, networks, inner):
    """A network may answer (n,) or (n, 1), whatever shape y had in fit."""

    def deployed(X):
        return networks.f(X, 0.0)[:, 0].reshape(-1, *inner)

    model = make(max_iter=5, base=deployed).fit(networks.X, networks.y[:, 0], networks.lam)
    X = networks.X[:9]
    assert_allclose(model.sample(X, 0.0), networks.f(X, 0.0)[:, 0], atol=1e-12)


def test_stochastic_callable(make, clouds):
    rng = np.random.default_rng(0)

    def deployed(X):
        return rng.normal(3 * X, 1 + X)

    model = make(max_iter=5, base=deployed).fit(clouds.X, clouds.y, clouds.lam)
    X = np.array([[0.0], [1.0]])
    draws = model.sample(X, 0.0, n_samples=4000)
    assert draws.shape == (4000, 2, 1)
    assert_allclose(draws.mean(axis=0), 3 * X, atol=0.2)
    assert_allclose(draws.std(axis=0), 1 + X, rtol=0.1)
    assert not np.array_equal(draws, model.sample(X, 0.0, n_samples=4000))


def test_callable_reads_x_as_the_user_gave_it(make, networks):
    """Frames stay frames, and the lambda column is not part of x."""
    seen = []

    def deployed(X):
        seen.append(list(X.columns))
        return networks.f(X[["a", "b"]].to_numpy(), 0.0)

    table = pd.DataFrame(networks.X, columns=["a", "b"])
    table.insert(0, "strength", networks.lam)
    model = make(max_iter=5, base=deployed, lam_column="strength").fit(table, networks.y)
    assert_allclose(model.predict(table[:9]), networks.f(networks.X[:9], 0.0), atol=1e-12)
    assert all(columns == ["a", "b"] for columns in seen)


def test_estimator_is_cloned_and_fitted_on_the_rows_of_the_anchor(make, networks):
    base = Offset()
    model = make(max_iter=5, base=base).fit(networks.X, networks.y, networks.lam)
    assert model.base_.name == "Offset"
    with pytest.raises(NotFittedError):
        check_is_fitted(base)
    here = networks.lam == 0
    assert_array_equal(model.base_.estimator_.X_, networks.X[here])
    assert_array_equal(model.base_.estimator_.y_, networks.y[here])
    X = networks.X[:9]
    expected = X[:, :1] + networks.y[here].mean(axis=0)
    assert_allclose(model.predict(X, 0.0), expected, atol=1e-12)
    assert_allclose(model.sample(X, 0.0, n_samples=2), [expected, expected], atol=1e-12)


def test_estimator_of_one_output_is_fitted_on_a_flat_y(make, networks):
    model = make(max_iter=5, base=Offset()).fit(networks.X, networks.y[:, 0], networks.lam)
    assert model.base_.estimator_.y_.shape == (80,)


def test_linear_networks_need_no_generator(make, networks):
    """A regression as base is exact where the networks are linear in x."""
    model = make(max_iter=200, base=LinearRegression())
    model.fit(networks.X, networks.y, networks.lam)
    X = np.random.default_rng(3).uniform(-0.8, 0.8, size=(50, 2))
    assert_allclose(model.predict(X, 0.0), networks.f(X, 0.0), atol=1e-9)
    assert_allclose(model.predict(X, 1.5), networks.f(X, 1.5), atol=0.2)


def test_estimator_with_sample(make, clouds):
    base = Noisy(scale=0.5)
    model = make(max_iter=5, base=base).fit(clouds.X, clouds.y + 3, clouds.lam)
    X = [[0.0], [1.0]]
    draws = model.sample(X, 0.0, n_samples=4000, random_state=0)
    assert draws.shape == (4000, 2, 1)
    assert_allclose(draws.mean(axis=0), 3, atol=0.05)
    assert_allclose(draws.std(axis=0), 0.5, rtol=0.05)
    assert_array_equal(draws, model.sample(X, 0.0, n_samples=4000, random_state=0))
    assert_array_equal(model.predict(X, 1.0), model.predict(X, 1.0))


def test_frozen_estimator_is_not_refitted(make, networks):
    fitted = LinearRegression().fit(networks.X, networks.y + 7)
    coefficients = fitted.coef_.copy()
    model = make(max_iter=5, base=FrozenEstimator(fitted))
    model.fit(networks.X, networks.y, networks.lam)
    assert_array_equal(fitted.coef_, coefficients)
    X = networks.X[:9]
    assert_allclose(model.predict(X, 0.0), fitted.predict(X), atol=1e-12)


def test_frozen_estimator_with_sample_is_not_refitted(make, clouds):
    fitted = Noisy().fit(clouds.X, np.array([5.0, 5.0]))
    before = Noisy.n_fits
    model = make(max_iter=5, base=FrozenEstimator(fitted)).fit(
        clouds.X, clouds.y[:, 0], clouds.lam
    )
    assert Noisy.n_fits == before
    assert_allclose(model.sample([[0.0]], 0.0, n_samples=4000, random_state=0).mean(), 5, atol=0.1)


# ---------------------------------------------------------------- which base, and where


def test_auto_takes_neighbors_where_conditions_repeat_often(make, clouds, networks):
    model = make(max_iter=5).fit(clouds.X, clouds.y, clouds.lam)
    assert model.base_.name == "neighbors"
    assert "2 distinct condition" in model.base_.reason
    model = make(max_iter=5, base="neighbors").fit(networks.X, networks.y, networks.lam)
    assert (model.base_.name, model.base_.reason) == ("neighbors", "asked for")


def test_auto_takes_the_generator_where_inputs_have_few_draws(make, networks, rng):
    noisy = networks.y + 0.1 * rng.normal(size=(2, *networks.y.shape))
    X, lam = np.tile(networks.X, (2, 1)), np.tile(networks.lam, 2)
    model = make(max_iter=5).fit(X, noisy.reshape(-1, 2), lam)
    assert model.base_.name == "flow"
    assert "80 distinct condition" in model.base_.reason


def test_auto_takes_the_regression_where_inputs_have_one_answer(make, networks):
    model = make(max_iter=5).fit(networks.X, networks.y, networks.lam)
    assert model.base_.name == "regression"
    assert "80 distinct condition" in model.base_.reason


@pytest.mark.parametrize(
    ("values", "base"), [(np.linspace(-1, 1, 11), "flow"), (np.linspace(-1, 1, 10), "neighbors")]
)
def test_auto_takes_the_generator_between_continuous_numbers(make, values, base, rng):
    """Levels, whole numbers and categories do not tell of what lies between them."""
    lam, n = np.repeat([0.0, 1.0], 12 * len(values)), 24 * len(values)
    x = np.tile(np.repeat(values, 12), 2)
    X = np.column_stack([x, np.arange(n) % 2])
    y = x + lam + 0.1 * rng.normal(size=n)
    assert make(max_iter=5).fit(X, y, lam).base_.name == base
    X[:, 0] = 1000 * x.round(1)
    assert make(max_iter=5).fit(X, y, lam).base_.name == "neighbors"


def test_auto_draws_between_inputs_as_the_truth_does(make, rng):
    """Twenty draws of each of 30 inputs; the nearest one alone is off by its own 20 draws."""
    x = np.repeat(rng.uniform(-1, 1, 30), 20)
    y = np.sin(3 * x) + 0.3 * rng.normal(size=(2, len(x)))
    lam = np.repeat([0.0, 1.0], len(x))
    asked = np.linspace(-0.9, 0.9, 25)
    errors = {}
    for base in ("auto", "neighbors"):
        model = make(max_iter=300, base=base).fit(np.tile(x, 2)[:, None], y.ravel(), lam)
        errors[base] = np.std(model.predict(asked[:, None], 0.0) - np.sin(3 * asked))
    assert errors["auto"] < 0.5 * errors["neighbors"]


@pytest.mark.parametrize("base_lam", [0.5, 2.0, 2])
def test_base_at_another_anchor(make, clouds, base_lam):
    model = make(base_lam=base_lam, max_iter=5).fit(clouds.X, clouds.y, clouds.lam)
    assert model.base_lam_ == base_lam
    own = clouds.y[(clouds.X[:, 0] == 1) & (clouds.lam == base_lam)]
    draws = model.sample(np.ones((300, 1)), base_lam, random_state=0)
    assert_allclose(abs(draws - own.T).min(axis=1), 0, atol=1e-9)
    elsewhere = model.sample(np.ones((300, 1)), 0.1, random_state=0)
    expected = model.transport(np.ones((300, 1)), draws, lam_from=base_lam, lam_to=0.1)
    assert_allclose(elsewhere, expected, atol=1e-5)


def test_estimator_at_the_last_anchor(make, networks):
    model = make(base_lam=2.0, base=LinearRegression(), max_iter=200)
    model.fit(networks.X, networks.y, networks.lam)
    X = networks.X[:80]
    assert_allclose(model.predict(X, 2.0), networks.f(X, 2.0), atol=1e-9)
    assert_allclose(model.predict(X, 0.5), networks.f(X, 0.5), atol=0.2)


def test_rows_of_a_bin_are_moved_to_the_base_lambda(make):
    """Outputs 5 lambda: draws at the first anchor are 5 times its lambda, not the bin's."""
    lam = np.random.default_rng(0).uniform(0, 2, size=300)
    model = make(n_anchors=3, max_iter=200, base="neighbors").fit(None, 5 * lam, lam)
    draws = model.sample(None, np.zeros(50) + model.anchors_[0], random_state=0)
    assert_allclose(draws, 5 * lam.min(), atol=0.3)


def test_disjoint_inputs_inform_the_base_together(make):
    """Networks asked at different x: a generator needs the x of all anchors."""
    x = np.linspace(-1, 1, 240)
    lam = np.where(x < 0, 0.0, 1.0)
    model = make(max_iter=300, base="flow").fit(x[:, None], 3 * x + lam, lam)
    at = np.array([[-0.5], [0.5], [0.9]])
    assert_allclose(model.predict(at, 0.0), 3 * at[:, 0], atol=0.5)


def test_a_constant_base(make, clouds):
    base = DummyRegressor(strategy="constant", constant=4.0)
    model = make(max_iter=5, base=base).fit(clouds.X, clouds.y[:, 0], clouds.lam)
    assert_allclose(model.sample(clouds.X[:5], 0.0, n_samples=3), 4.0, atol=1e-12)


def test_means_of_many_ordered_rows_are_those_of_the_rows(make):
    """The draws behind a mean are like all rows, in whatever order these come."""
    y = np.tile([-1.0, 1.0], 400)[:, None] * [1.0, 3.0]
    lam = np.repeat([0.0, 1.0], 400)
    with pytest.warns(CouplingWarning, match="takes only 2 values"):
        model = make(max_iter=1, base="neighbors", base_lam=0.0, geometry="transport").fit(
            None, y, lam
        )
    mean, std = model.predict(None, 0.0, return_std=True)
    assert_allclose(mean, 0, atol=0.02)
    assert_allclose(std, [[1.0, 3.0]], rtol=0.01)


@pytest.mark.parametrize("axis", [0, 1])
def test_outputs_of_another_shape_raise(make, networks, axis):
    X, y, lam = networks.X, networks.y, networks.lam

    class Odd(Noisy):
        def sample(self, X, n_samples, random_state=None):
            return np.moveaxis(super().sample(X, n_samples, random_state), axis, -1)

    def odd(X):
        return np.zeros((2, len(X)))

    with pytest.raises(ValueError, match=r"output of `base` has shape \(2, 5\)"):
        make(max_iter=1, base=odd).fit(X, y, lam)
    with pytest.raises(ValueError, match=r"output of `base` has shape.*draws on the first axis"):
        make(max_iter=1, base=Odd()).fit(X, y, lam)
