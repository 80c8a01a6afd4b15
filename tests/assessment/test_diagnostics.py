"""What a fit should be asked before it is trusted."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti._utils.findings import one_warning
from sklearn_hti.assessment.diagnostics import _floor, _some_of_each, warn_of
from sklearn_hti.data.anchors import find_anchors
from sklearn_hti.data.facts import DrawCounts
from sklearn_hti.lagrangian import CallablePotential
from sklearn_hti.metrics import squared_wasserstein
from sklearn_hti.paths import GeodesicPath


def test_a_map_that_stops_short_is_seen(make, clouds):
    """With hardly any training the transported outputs do not arrive at the anchors."""
    good, short = (
        make(max_iter=n, base="neighbors", learning_rate=lr).fit(clouds.X, clouds.y, clouds.lam)
        for n, lr in ((300, 0.01), (1, 0.5))
    )
    check, bad = good.diagnostics_, short.diagnostics_
    assert check["marginal_w2"][0] == check["standing_w2"][0] == pytest.approx(0, abs=1e-12)
    assert check["marginal_w2"][2] < 0.01 * check["standing_w2"][2]
    assert bad["marginal_w2"][2] > 3 * check["marginal_w2"][2]
    assert check["standing_w2"] == pytest.approx(bad["standing_w2"])


def test_the_distance_to_an_anchor_is_in_scaled_units(make, networks):
    """Networks with one answer per input: the exact distance of all answers together."""
    model = make(base="neighbors").fit(networks.X, networks.y, networks.lam)
    scaled = model._state.outputs.encode(networks.y)
    way = squared_wasserstein(scaled[160:], scaled[:80])
    assert model.diagnostics_["standing_w2"][2] == pytest.approx(way)


def test_what_x_does_not_tell_of_single_draws_is_measured(make):
    """Random networks asked once per input: what is noise and what is x, nothing tells."""
    rng = np.random.default_rng(0)
    X, lam = np.tile(np.arange(60.0)[:, None], (3, 1)), np.repeat([0.0, 1.0, 2.0], 60)
    model = make(max_iter=20, validate=True)
    with pytest.warns(match=r"no better than their mean(.|\n)*several draws per input"):
        model.fit(X, lam + rng.normal(size=180), lam)
    variance = 1 / np.var(lam + rng.normal(size=180))  # of the noise, scaled
    assert (model.validation_["base"] > 0.5 * variance).all()


def test_a_detour_is_measured(make, clouds, networks):
    """Small for deterministic networks."""
    model = make(base="neighbors", max_iter=300).fit(networks.X, networks.y, networks.lam)
    assert model.diagnostics_["semigroup_error"] < 0.01
    rough = make(base="neighbors", max_iter=20, learning_rate=0.1)
    rough.fit(clouds.X, clouds.y, clouds.lam)
    assert rough.diagnostics_["semigroup_error"] > 1e-4


def test_paths_are_described_where_they_are_learned(make):
    rng = np.random.default_rng(0)
    y, lam = rng.normal(size=(90, 2)), np.repeat([0.0, 1.0, 2.0], 30)
    path = GeodesicPath(max_iter=20, n_couplings=1)
    check = (
        make(kinetic="learned", potential="density", path=path, max_iter=5)
        .fit(None, y + lam[:, None], lam)
        .diagnostics_
    )
    low, high = check["eigenvalues"]
    assert 0.1 - 1e-6 <= low <= high <= 1 + 1e-6
    assert check["negative_costs"] == 0
    assert 1 <= check["longest_segment"] < 3
    straight = make(max_iter=5).fit(None, y + lam[:, None], lam).diagnostics_
    assert "eigenvalues" not in straight


@pytest.mark.parametrize(("cost", "share"), [("action", 1), ("study", 0.2), ("jacobi", 0)])
def test_negative_energies_are_named(make, recwarn, cost, share):
    """A potential of 100 everywhere outweighs every motion; "jacobi" counts from the top."""
    rng = np.random.default_rng(0)
    y, lam = rng.normal(size=(90, 2)), np.repeat([0.0, 1.0, 2.0], 30)
    rich = CallablePotential(lambda y, x: 0 * y[:, 0] + 100, weight=1.0)
    path = GeodesicPath(max_iter=20, n_couplings=1)
    model = make(potential=rich, cost=cost, path=path).fit(None, y, lam)
    assert share <= model.diagnostics_["negative_costs"] <= (share > 0)
    said = [str(w.message) for w in recwarn if "negative energy" in str(w.message)]
    assert len(said) == (share > 0) and all(f"cost={cost!r}" in message for message in said)


def test_the_floor_of_many_rows_is_that_of_some(monkeypatch):
    """Exact transport between all of them would take longer than the fit."""
    sizes = []

    def note(y_true, y_pred, groups=None):
        sizes.append(max(len(y_true), len(y_pred)))
        return squared_wasserstein(y_true, y_pred, groups=groups)

    monkeypatch.setattr("sklearn_hti.stats.distances.squared_wasserstein", note)
    rng = np.random.default_rng(0)
    floor = _floor(rng.normal(size=(4000, 1)), np.zeros(4000, dtype=int), rng)
    assert sizes == [250]
    assert 0 < floor < 0.1


def said_of(record, n_draws=1, base_time=0, differ=(False,) * 5, **params):
    """Return the text of the one warning about a record of five trained values."""
    anchors = find_anchors(np.repeat(np.arange(5.0), 2))
    draws = DrawCounts.of(np.repeat(np.arange(10), n_draws))
    data = SimpleNamespace(
        anchors=anchors, facts=SimpleNamespace(draws=[draws] * 5, draws_differ=differ)
    )
    with warnings.catch_warnings(record=True) as said, one_warning(said_of):
        warnings.simplefilter("always")
        warn_of(record, data, base_time, HyperparameterTrajectoryRegressor(**params))
    return "".join(str(w.message) for w in said)


SHORT = {
    "marginal_w2": [0.3, 0.3, 0.3, 1e-9, 0.5],
    "standing_w2": [0.3, 1.0, 1.0, 1e-9, 1.0],
    "floor_w2": [0.0, 0.0, np.nan, 0.0, 0.0],
}


def test_maps_that_stop_short_are_one_warning():
    """Not of the base itself, nor where hardly anything moves, or nothing is known."""
    said = said_of(SHORT, max_iter=40)
    assert "leaves 0.3 of 1 at lambda = 1, 0.5 of 1 at lambda = 4 (" in said
    assert "max_iter=80" in said
    assert "of 1 at lambda = 1" not in said_of(SHORT, base_time=1)
    good = {"marginal_w2": [0.0, 0.1], "standing_w2": [0.0, 1.0], "floor_w2": [0.0, 0.0]}
    assert not said_of(good)


@pytest.mark.parametrize(("n_draws", "advised"), [(1, True), (30, False)])
def test_draws_are_advised_where_they_are_single(n_draws, advised):
    assert ("several draws" in said_of(SHORT, n_draws)) == advised


def test_equal_draws_are_advised_another_base():
    """More steps do not spread them."""
    said = said_of(SHORT, 30, differ=(False, False, True, True, True))
    assert "base_lam=4" in said and "max_iter" not in said
    assert "max_iter" in said_of(SHORT, 30, differ=(True,) * 5)


@pytest.mark.parametrize(
    ("params", "advice"),
    [
        ({"cost": "study"}, "use cost='jacobi', or give the potential a lower weight"),
        ({"cost": "jacobi"}, "and so do answers between trained values: give the potential"),
        ({"potential": None}, "use kinetic='euclidean'"),
    ],
)
def test_paths_that_jump_are_named(params, advice):
    nothing = {name: [] for name in SHORT}
    assert advice in said_of(nothing | {"longest_segment": 8.0}, **params)


def test_many_rows_are_compared_by_some_of_each_condition(rng, monkeypatch):
    monkeypatch.setattr("sklearn_hti.assessment.diagnostics._MAX_COMPARED", 30)
    groups = np.repeat([4, 7, 9], [50, 3, 60])
    rows = rng.permutation(113)
    kept = _some_of_each(rows, groups, rng)
    labels, sizes = np.unique(groups[kept], return_counts=True)
    assert labels.tolist() == [4, 7, 9] and sizes.tolist() == [10, 3, 10]
    assert len(np.unique(kept)) == 23
    few = rows[:30]
    assert _some_of_each(few, groups, rng) is few


def test_trained_values_that_x_does_not_tell_are_named(make, rng):
    """Noise at one of three; where all x have one output, their mean is right."""
    X, lam = np.tile(rng.uniform(-1, 1, size=(60, 1)), (3, 1)), np.repeat([0.0, 1.0, 2.0], 60)
    y = np.where(lam == 2, rng.normal(size=180), X[:, 0] + lam)
    with pytest.warns(match=r"x predicts the outputs at lambda = 2 no better than their mean"):
        make(max_iter=300).fit(X, y, lam)
    make(max_iter=300).fit(X, lam + 1e-6 * y, lam)
    make(max_iter=300).fit(X, X[:, 0] * (1 + lam), lam)
