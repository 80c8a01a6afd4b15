"""What a fit should be asked before it is trusted."""

import numpy as np
import pytest

from sklearn_hti.lagrangian import CallablePotential
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
    """Deterministic networks: the mean squared way from network to network."""
    model = make(base="neighbors").fit(networks.X, networks.y, networks.lam)
    scaled = model._scaler.encode(networks.y)
    way = ((scaled[160:] - scaled[:80]) ** 2).sum(axis=1).mean()
    assert model.diagnostics_["standing_w2"][2] == pytest.approx(way)


def test_a_detour_is_measured(make, clouds, networks):
    """None for deterministic networks, whose map is inverted exactly."""
    model = make(base="neighbors", max_iter=300).fit(networks.X, networks.y, networks.lam)
    assert model.diagnostics_["semigroup_error"] < 0.01
    rough = make(base="neighbors", max_iter=5, learning_rate=0.1)
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
    rich = CallablePotential(lambda y, x: 0 * y[:, 0] + 100, weight=1.0)
    action = make(potential=rich, cost="action", path=path, max_iter=5)
    assert action.fit(None, y, lam).diagnostics_["negative_costs"] == 1
