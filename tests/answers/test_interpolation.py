"""Answers between two networks that are both asked."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_hti.baselines import DirectSurrogateRegressor, DisplacementInterpolationRegressor
from sklearn_hti.datasets import make_gaussians
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.pipeline import make_trajectory_pipeline


@pytest.fixture(scope="module")
def fitted(make, networks):
    return make(max_iter=60).fit(networks.X, networks.y, networks.lam)


@pytest.fixture(scope="module")
def asked(networks):
    """New inputs, and outputs of the networks at both ends."""
    X = np.random.default_rng(5).uniform(-1, 1, (50, networks.X.shape[1]))
    ends = fitted_ends(networks)
    return X, networks.f(X, ends[0]), networks.f(X, ends[1]), *ends


def fitted_ends(networks):
    return [float(lam) for lam in np.unique(networks.lam)[:2]]


def test_each_network_has_the_word_at_its_own_lambda(fitted, asked):
    X, y0, y1, low, high = asked
    assert_allclose(fitted.interpolate(X, y0, y1, low, high, low), y0, atol=1e-12)
    assert_allclose(fitted.interpolate(X, y0, y1, low, high, high), y1, atol=1e-12)


def test_both_networks_know_more_than_one(fitted, asked, networks):
    X, y0, y1, low, high = asked
    lam = 0.5 * (low + high)
    both = fitted.interpolate(X, y0, y1, low, high, lam)
    truth = networks.f(X, lam)
    assert np.mean((both - truth) ** 2) < 0.5 * np.mean(
        (fitted.transport(X, y0, lam_from=low, lam_to=lam) - truth) ** 2
    )


def test_networks_that_agree(fitted, asked):
    """Between equal outputs lies the same output, whatever the transport says."""
    X, y, *_ = asked
    assert_allclose(fitted.interpolate(X, y, y, 0.0, 2.0, 0.7), y, atol=1e-12)


def test_one_lambda_per_row(fitted, asked):
    X, y0, y1, low, high = asked
    lam = np.linspace(low, high, len(X))
    rows = [fitted.interpolate(X[[i]], y0[[i]], y1[[i]], low, high, lam[i])[0] for i in (0, 7, 49)]
    assert_allclose(fitted.interpolate(X, y0, y1, low, high, lam)[[0, 7, 49]], rows, atol=1e-5)


def test_rows_of_other_networks_are_no_partners(fitted, networks):
    """The same inputs, between two pairs of networks in one call or in two."""
    lams = np.unique(networks.lam)[:3]
    X = np.random.default_rng(6).uniform(-1, 1, (20, networks.X.shape[1]))
    y = [networks.f(X, lam) for lam in lams]
    # what is said at the ends is such that rows would rather meet that of the other pair
    pairs = [(X, y[i], y[2 - i], *lams[i : i + 2], lams[i : i + 2].mean()) for i in (0, 1)]
    apart = np.concatenate([fitted.interpolate(*pair) for pair in pairs])
    each = [np.repeat([pair[i] for pair in pairs], 20) for i in (3, 4, 5)]
    stacked = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1, 2))
    assert_allclose(fitted.interpolate(*stacked, *each), apart, atol=1e-5)


def test_draws_are_coupled_before_they_meet():
    """Shuffled draws of a condition have no partners; their distribution has a middle."""
    data = make_gaussians(200, random_state=0)
    model = DisplacementInterpolationRegressor(lam_transform=None, categorical_features=[0])
    model.fit(data.X, data.y, data.lam)
    X = data.X[data.lam == 0]
    y0, y1, truth = (data.truth(X, lam, random_state=i) for i, lam in enumerate((0.0, 0.5, 0.25)))
    order = np.random.default_rng(0).permutation(len(X))
    between = model.interpolate(X, y0, y1, 0.0, 0.5, 0.25)
    groups = X[:, 0]
    other = data.truth(X, 0.25, random_state=9)
    floor = squared_wasserstein(truth, other, groups=groups)
    assert squared_wasserstein(truth, between, groups=groups) < 1.3 * floor
    at_random = 0.5 * (y0 + y1)  # rows of one condition, coupled as they came
    assert squared_wasserstein(truth, at_random, groups=groups) > 2 * floor
    # the order of the rows says nothing
    shuffled = model.interpolate(X[order], y0[order], y1[order], 0.0, 0.5, 0.25)
    assert_allclose(np.sort(shuffled, axis=0), np.sort(between, axis=0), atol=1e-6)


def test_without_a_clock_and_in_a_pipeline(networks, asked):
    X, y0, y1, low, high = asked
    model = DirectSurrogateRegressor(random_state=0).fit(networks.X, networks.y, networks.lam)
    between = model.interpolate(X, y0, y1, low, high, high)
    assert_allclose(between, y1, atol=1e-12)
    pipe = make_trajectory_pipeline(DisplacementInterpolationRegressor(lam_transform=None))
    pipe.fit(networks.X, networks.y, lam=networks.lam)
    assert_allclose(pipe.interpolate(X, y0, y1, low, high, low), y0, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lam": 9.0}, "`lam` has 50 value"),
        ({"lam_from": 1.0, "lam_to": 0.0}, "`lam_from` .* must be below `lam_to`"),
        ({"lam_to": 99.0}, "`lam_to` has 50 value.* outside the anchors"),
        ({"y_to": np.zeros(3)}, "3"),
        ({"y_from": np.full((50, 2), np.nan)}, "NaN"),
    ],
)
def test_bad_questions(fitted, asked, changes, message):
    names = "X", "y_from", "y_to", "lam_from", "lam_to"
    question = dict(zip(names, asked, strict=True)) | {"lam": asked[3]} | changes
    with pytest.raises(ValueError, match=message):
        fitted.interpolate(**question)
