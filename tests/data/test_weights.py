"""Weights of rows: what a weighted fit learns from."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.data.weights import rows_by_weight
from sklearn_hti.exceptions import TrajectoryWarning

N = 400


@pytest.fixture
def lam():
    return np.repeat([0.0, 1.0], N)


def copies(weight, lam, inputs, y):
    rows = rows_by_weight(np.asarray(weight, dtype=float), lam, inputs, y)
    assert (np.diff(rows) >= 0).all()
    return np.bincount(rows, minlength=len(lam))


def test_whole_weights_are_numbers_of_copies(rng, lam):
    weight = rng.integers(0, 4, 2 * N)
    inputs = np.tile(np.arange(N), 2)
    assert_array_equal(copies(weight, lam, inputs, rng.normal(size=(2 * N, 1))), weight)


@pytest.mark.parametrize("weight", [0.1, 1 / 3, 7.5])
def test_equal_weights_change_nothing(rng, lam, weight):
    y = rng.normal(size=(2 * N, 1))
    weight = np.full(2 * N, weight)
    for inputs in (np.zeros(2 * N, dtype=int), np.tile(np.arange(N), 2), np.arange(2 * N)):
        assert_array_equal(copies(weight, lam, inputs, y), 1)


def test_the_distribution_is_that_of_the_weights(rng, lam):
    """At every output, off by half a row at most; their sum is the number of rows."""
    y, weight = rng.normal(size=2 * N), rng.lognormal(size=2 * N)
    weight[:9] = 0
    found = copies(weight, lam, np.zeros(2 * N, dtype=int), y[:, None])
    assert (found[:9] == 0).all()
    wanted = weight / weight[9:].mean()
    for here in (lam == 0, lam == 1):
        order = np.flatnonzero(here)[np.argsort(y[here])]
        assert np.abs(np.cumsum(found[order] - wanted[order])).max() <= 0.5 + 1e-9


def test_ratios_of_large_whole_weights_count(rng, lam):
    """Populations of thousands do not become millions of rows."""
    weight = rng.integers(10**6, 3 * 10**6, 2 * N)
    found = copies(weight, lam, np.zeros(2 * N, dtype=int), rng.normal(size=(2 * N, 1)))
    assert found.sum() == pytest.approx(20 * 2 * N, rel=1e-2)
    assert np.abs(found - 20 * weight / weight.mean()).max() <= 1


def test_inputs_of_equal_weights_stay_paired(rng, lam):
    inputs = np.concatenate([np.arange(N), rng.permutation(N)])
    weight = rng.lognormal(size=N)[inputs]
    found = copies(weight, lam, inputs, rng.normal(size=(2 * N, 1)))
    order = np.argsort(inputs[N:])
    assert_array_equal(found[:N], found[N:][order])
    assert found.min() == 1
    # inputs that one trained value knows alone have no partner to be kept for
    assert copies(weight, lam, np.arange(2 * N), rng.normal(size=(2 * N, 1))).min() == 0


@pytest.mark.filterwarnings("ignore:the flow map stops short")
def test_draws_are_weighted(make, clouds):
    """Of a symmetric family, the upper half weighs nine times as much."""
    above = clouds.y[:, 0] > (1 + clouds.X[:, 0]) * clouds.lam
    weight = np.where(above, 0.9, 0.1)
    fitted = make(base="neighbors").fit(clouds.X, clouds.y, clouds.lam, sample_weight=weight)
    for lam in (0.0, 0.3, 2.0):
        for x in (0.0, 1.0):
            draws = fitted.sample([[x]], lam, n_samples=1000, random_state=0)
            assert np.mean(draws > (1 + x) * lam) == pytest.approx(0.9, abs=0.08)


def test_one_answer_stays_exact(make, networks):
    """Weights leave no input out, and make no draws of repeated answers."""
    for weight in (
        np.tile(np.random.default_rng(0).lognormal(size=80), 3),
        np.random.default_rng(1).lognormal(size=240),
        np.random.default_rng(2).integers(1, 4, 240),
    ):
        fitted = make(max_iter=5).fit(networks.X, networks.y, networks.lam, sample_weight=weight)
        assert fitted.base_.name == "regression"
        np.testing.assert_allclose(fitted.predict(networks.X, networks.lam), networks.y, atol=1e-9)


@pytest.mark.parametrize(
    "weight, message",
    [
        ([1.0, 1, 1], r"`sample_weight` has shape \(3,\).* each of the 240 rows"),
        (np.ones((240, 1)), r"`sample_weight` has shape \(240, 1\)"),
        (-np.ones(240), "`sample_weight` is negative in 240 row"),
        (np.zeros(240), "`sample_weight` is zero for every row"),
        (np.full(240, np.nan), "sample_weight contains NaN"),
        (np.full(240, 1e200), "`sample_weight` is too large"),
        (["a"] * 240, "`sample_weight`: could not convert"),
        (np.repeat([0.0, 1, 0], 80), "`sample_weight` is zero for all rows except those of lam=1"),
    ],
)
def test_wrong_weights(networks, make, weight, message):
    with pytest.raises(ValueError, match=message):
        make().fit(networks.X, networks.y, networks.lam, sample_weight=weight)


def test_wrong_weights_of_a_score(on_networks, networks):
    for weight in (np.zeros(240), -np.ones(240), np.ones(3)):
        with pytest.raises(ValueError, match="`sample_weight`"):
            on_networks.score(networks.X, networks.y, networks.lam, sample_weight=weight)


def test_a_scalar_and_a_mask(make, networks):
    """As scikit-learn's estimators take them."""
    X, y, lam = networks.X, networks.y, networks.lam
    plain = make(max_iter=2).fit(X, y, lam).predict(X, lam)
    scalar = make(max_iter=2).fit(X, y, lam, sample_weight=0.3)
    assert_array_equal(scalar.predict(X, lam), plain)
    mask = np.tile(np.arange(80) < 60, 3)
    masked = make(max_iter=2).fit(X, y, lam, sample_weight=mask)
    dropped = make(max_iter=2).fit(X[mask], y[mask], lam[mask])
    assert_array_equal(masked.predict(X, lam), dropped.predict(X, lam))


def test_frames_and_no_condition(make):
    pd = pytest.importorskip("pandas")
    lam = np.repeat([0.0, 1.0], 20)
    y = np.random.default_rng(0).normal(lam)
    kind = pd.Categorical(["a", "b"] * 20)
    frame = pd.DataFrame({"kind": kind, "lam": lam}, index=np.arange(40) + 7)
    weight = pd.Series(np.tile([1.0, 0.5, 0.25, 0.5], 10), index=frame.index)
    for estimator, X in (
        (make(lam_column="lam", max_iter=5), frame),
        (make(max_iter=5), None),
    ):
        given = {} if X is not None else {"lam": lam}
        fitted = estimator.fit(X, y, sample_weight=weight, **given)
        assert isinstance(fitted, HyperparameterTrajectoryRegressor)
        assert np.isfinite(fitted.score(X, y, sample_weight=weight, **given))


def test_rows_in_messages_are_those_that_were_passed(make, networks):
    """Not those of the copies."""
    X, y, lam = networks.X, networks.y.copy(), networks.lam
    weight = np.tile([2.0, 1.0, 0.0, 3.0], 60)
    y[[100, 102, 103], 0] = 1e4, -1e6, 1e4
    with pytest.warns(TrajectoryWarning, match=r"has 10000 in 2 rows, such as row 100, and"):
        make(max_iter=2).fit(X, y, lam, sample_weight=weight)
    with pytest.raises(ValueError, match="such as 10000 in row 100, outside"):
        make(y_bounds=(-1e3, 1e3)).fit(X, y, lam, sample_weight=weight)
