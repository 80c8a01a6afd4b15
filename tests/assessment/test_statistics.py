"""Intervals of quantiles, and of any function of draws: what they hold, and what is refused."""

import pickle

import numpy as np
import pytest
from scipy.stats import norm

from sklearn_hti import (
    HyperparameterTrajectoryClassifier,
    HyperparameterTrajectoryRegressor,
    load,
)

LAMS = (0.0, 0.5, 1.0, 1.5, 2.0)
NEW = np.linspace(-1, 1, 4)[:, None]
QUICK = {"max_iter": 30, "random_state": 0, "kinetic": "euclidean", "potential": None}


def mean_of(x, lam):
    return np.sin(lam + x)


def spread_of(lam):
    return 0.5 + 0.4 * lam**2


def gaussian(lam, seed=None):
    """Return a network that draws from a normal law."""
    rng = np.random.default_rng(seed)

    def draw(X, n_samples):
        return mean_of(X[:, 0], lam) + spread_of(lam) * rng.normal(size=(n_samples, len(X)))

    return draw


def fit_gaussians(seed, n_draws=40, lams=LAMS, **params):
    rng = np.random.default_rng(seed)
    X = np.repeat(np.linspace(-1, 1, 8)[:, None], n_draws, axis=0)
    lam = np.repeat(lams, len(X))
    X = np.tile(X, (len(lams), 1))
    y = mean_of(X[:, 0], lam) + spread_of(lam) * rng.normal(size=len(lam))
    params = {"random_state": seed, **params}
    return HyperparameterTrajectoryRegressor(**params).fit(X, y, lam)


@pytest.fixture(scope="module")
def learned():
    return fit_gaussians(0, lams=LAMS[:3], base="neighbors", lam_transform=None, **QUICK)


def test_bounds_hold_quantiles_and_shares_of_gaussians():
    lam, x = np.repeat([0.3, 1.2, 1.8], len(NEW)), np.tile(NEW, (3, 1))
    mean, spread = mean_of(x[:, 0], lam), spread_of(lam)
    truth = {level: mean + spread * norm.ppf(level) for level in (0.1, 0.9)}
    held = {name: [] for name in (*truth, "share")}
    for seed in range(2):
        networks = {v: gaussian(v, seed) for v in LAMS}
        model = fit_gaussians(seed, networks=networks, lam_transform=None)
        for level in truth:
            low, high = model.interval(x, lam, statistic=level)
            held[level].append((low <= truth[level]) & (truth[level] <= high))
        low, high = model.interval(x, lam, statistic=lambda y: (y[..., 0] < 0).mean(axis=0))
        share = norm.cdf(-mean / spread)
        held["share"].append((low <= share) & (share <= high))
    assert 0.8 < np.mean(list(held.values())) < 0.99
    assert min(np.mean(found) for found in held.values()) > 0.75


def test_median_by_level_and_by_function(learned):
    of_level = learned.interval(NEW, 0.7, statistic=0.5)
    of_function = learned.interval(NEW, 0.7, statistic=lambda y: np.median(y, axis=0))
    np.testing.assert_allclose(of_level, np.squeeze(of_function, axis=2), rtol=1e-5)


def test_a_function_that_is_the_mean_is_bounded_as_the_mean(learned):
    of_name = learned.interval(NEW, 0.3)
    of_function = learned.interval(NEW, 0.3, statistic=lambda y: y[..., 0].mean(axis=0))
    widths = [high - low for low, high in (of_name, of_function)]
    np.testing.assert_allclose(np.mean(widths[0]), np.mean(widths[1]), rtol=0.2)


def test_the_width_at_a_trained_value_is_the_error_of_a_sample_quantile(learned):
    """Asymptotically p (1 - p) / (n f^2), of 40 draws of an input, here with five quantiles."""
    low, high = learned.interval(np.linspace(-1, 1, 8)[:, None], 0.0, statistic=0.5)
    error = np.sqrt(0.25 / 40) / norm.pdf(0) * spread_of(0.0)
    assert np.mean(high - low) / 2 == pytest.approx(norm.ppf(0.95) * error, rel=0.5)


def test_one_answer_is_all_its_quantiles(rng):
    networks = {v: lambda X, v=v: np.sin(v + X[:, 0]) for v in LAMS}
    X = np.linspace(-1, 1, 30)[:, None]
    y, lam = np.concatenate([f(X) for f in networks.values()]), np.repeat(LAMS, 30)
    asked = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    trained = HyperparameterTrajectoryRegressor(**QUICK)
    for model in (asked, trained):
        model.fit(np.tile(X, (5, 1)), y, lam)
        mean = model.interval(NEW, 0.7)
        np.testing.assert_array_equal(model.interval(NEW, 0.7, statistic=0.1), mean)
        low, high = model.interval(NEW, 0.7, statistic=lambda y: 2 * y[0, :, 0])
        np.testing.assert_allclose(high - low, 2 * (mean[1] - mean[0]), rtol=0.2)
        assert np.isfinite(model.interval(NEW, 0.7, statistic=lambda y: y[0] < 0)).all()


def test_quantiles_of_logarithms_are_logarithms_of_quantiles():
    rng = np.random.default_rng(0)
    lam = np.repeat([0.0, 1.0, 2.0], 60)
    z = lam + (1 + lam) * rng.normal(size=180)
    options = {"lam_transform": None, "base": "neighbors", **QUICK}
    plain = HyperparameterTrajectoryRegressor(**options).fit(None, z, lam)
    logs = HyperparameterTrajectoryRegressor(output_transform="log", **options)
    logs.fit(None, np.exp(z), lam)
    for level in (0.1, 0.5):
        found = np.log(logs.interval(None, 0.6, statistic=level))
        np.testing.assert_allclose(found, plain.interval(None, 0.6, statistic=level), atol=0.02)


def test_statistics_survive_files(learned, tmp_path):
    learned.save(tmp_path / "surrogate")
    for again in (load(tmp_path / "surrogate"), pickle.loads(pickle.dumps(learned))):
        for statistic in (0.2, lambda y: y.std(axis=0)):
            found = again.interval(NEW, 0.7, statistic=statistic)
            np.testing.assert_array_equal(found, learned.interval(NEW, 0.7, statistic=statistic))


def test_outputs_of_any_shape_and_several_hyperparameters(rng):
    def network(lam):
        return lambda X, n_samples: rng.normal(
            lam[0] + X[:, 0] + lam[1], 1, size=(3, 2, n_samples, len(X))
        ).transpose(2, 3, 0, 1)

    grid = [(a, b) for a in (0.0, 1.0, 2.0) for b in (0.0, 1.0, 2.0)]
    networks = {lam: network(lam) for lam in grid}
    X, lam = np.zeros((9 * 10, 1)), np.repeat(grid, 10, axis=0)
    y = rng.normal(lam.sum(axis=1), 1, size=(3, 2, 90)).transpose(2, 0, 1)
    model = HyperparameterTrajectoryRegressor(networks=networks, random_state=0).fit(X, y, lam)
    low, high = model.interval(X[:2], (0.5, 1.5), statistic=0.9)
    assert low.shape == (2, 3, 2)
    truth = 2 + norm.ppf(0.9)
    assert ((low < truth) & (truth < high)).mean() > 0.8
    low, high = model.interval(X[:2], (0.5, 1.5), statistic=lambda y: np.ones((y.shape[1], 4)))
    np.testing.assert_array_equal([low, high], np.ones((2, 2, 4)))


def test_probabilities_of_classes(rng):
    lam = np.repeat([0.0, 1.0, 2.0], 60)
    p = 1 / (1 + np.exp(-lam - rng.normal(size=180)))
    model = HyperparameterTrajectoryClassifier(**QUICK)
    model.fit(None, np.column_stack([p, 1 - p]), lam)
    low, high = model.interval(None, 0.5, statistic=0.9)
    assert low.shape == (1, 2)
    assert (low >= 0).all()
    assert (low < high).all()
    assert (high <= 1).all()


@pytest.mark.parametrize(
    ("statistic", "message"),
    [
        ("median", "statistic='median'"),
        (1.0, "statistic=1.0"),
        (True, "statistic=True"),
        (None, "statistic=None"),
        (lambda y: y, "reduce axis 0"),
        (lambda y: 1.0, "reduce axis 0"),
        (lambda y: np.full(y.shape[1], "a"), "return numbers"),
        (lambda y: np.full(y.shape[1], np.nan), "finite"),
        (lambda y: np.moveaxis(y[..., 0], 1, 0), "one shape for any number of draws"),
    ],
)
def test_refuses_what_is_no_statistic(learned, statistic, message):
    with pytest.raises(ValueError, match=message):
        learned.interval(NEW, 0.7, statistic=statistic)


def test_single_draws_tell_no_quantile(rng):
    lam = np.repeat([0.0, 1.0, 2.0], 60)
    X = rng.normal(size=(180, 1))
    model = HyperparameterTrajectoryRegressor(lam_transform=None, base="flow", **QUICK)
    model.fit(X, X[:, 0] + lam + rng.normal(size=180), lam)
    with pytest.raises(ValueError, match=r"statistic=0\.1 needs at least 5 draws"):
        model.interval(X[:3], 0.5, statistic=0.1)
