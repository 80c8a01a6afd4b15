"""Peers: what they answer, and what is said where they are missing."""

from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from benchmarks.methods import METHODS, make_method
from benchmarks.peers import HOW, MISSING, PEERS, FlowFromNoise, Generator


class Normal(BaseEstimator):
    """Draws y ~ N(x + lambda, 0.01), features as they come."""

    seed = None

    def fit(self, X, y):
        self.scale_ = np.std(y)
        return self

    def sample(self, X, n_samples, seed=None):
        noise = np.random.default_rng(seed).normal(scale=0.1, size=(n_samples, len(X), 1))
        return X.sum(axis=1)[:, None] + noise


def test_peers_are_methods_where_they_are_installed():
    assert set(PEERS) <= set(METHODS)
    installed = {name for name in HOW if find_spec(name)}
    assert len(MISSING) == len(HOW) - len(installed)
    assert {name.split(",")[0].lower() for name in PEERS} == installed
    assert all("pip install" in line for line in MISSING)


def test_transport_of_a_generator_is_a_fresh_draw(rng):
    X, lam = rng.normal(size=(200, 1)), np.repeat([0.0, 1.0], 100)
    model = Generator(Normal(), random_state=0).fit(X, X[:, 0] + lam, lam)
    ways = [
        model.transport(X, y, lam_from=start, lam_to=1.0) for y, start in ((X, 0.0), (-X, 0.5))
    ]
    np.testing.assert_array_equal(*ways)
    np.testing.assert_array_equal(ways[0], model.sample(X, 1.0, random_state=0))


# "ot" couples across x, while draws at one x start from all noise: its means are pulled inwards
@pytest.mark.parametrize("coupling, tolerance", [("ot", 1.0), ("independent", 0.3)])
def test_flow_from_noise(coupling, tolerance, rng):
    pytest.importorskip("torchcfm", reason="needs the extra `peers`")
    X = rng.integers(0, 2, size=(400, 1)).astype(float)
    y = np.column_stack([4 * X[:, 0] - 2, np.zeros(400)]) + 0.3 * rng.normal(size=(400, 2))
    model = FlowFromNoise(coupling, n_steps=300, seed=0).fit(X, y)
    for x in (0.0, 1.0):
        draws = model.sample(np.full((100, 1), x), 2, seed=0)
        assert draws.shape == (2, 100, 2)
        np.testing.assert_allclose(draws.mean(axis=(0, 1)), [4 * x - 2, 0], atol=tolerance)
    first, again = (
        FlowFromNoise(coupling, n_steps=10, seed=0).fit(X, y).sample(X[:5], 3, seed=1)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("name", PEERS)
def test_peers_take_what_the_judge_gives(name):
    model = make_method(name, 3, y_bounds=(0.0, 1.0), categorical_features=[0])
    assert (model.random_state, model.y_bounds) == (3, (0.0, 1.0))
    assert model.categorical_features == [0]
