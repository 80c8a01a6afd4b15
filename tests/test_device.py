"""Training on a GPU: the same answers as on the CPU, up to training noise."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti import load
from sklearn_hti.flow_map.dataset import ParticleDataset
from sklearn_hti.nn.engine import Engine
from sklearn_hti.paths.learning import PairDataset
from sklearn_hti.samplers.flow import FlowMatchingDataset
from sklearn_hti.solvers.dual_training import DualEngine, EdgeDataset

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
]


@pytest.fixture(scope="module")
def fitted(make, networks):
    return {
        device: make(max_iter=600, device=device).fit(networks.X, networks.y, networks.lam)
        for device in ("cpu", "cuda")
    }


def test_answers_are_those_of_the_cpu(fitted, networks):
    X, y = networks.X[:80], networks.y[:80]
    for lam in (0.0, 0.7, 2.0):
        moved = {d: model.transport(X, y, lam_from=0.0, lam_to=lam) for d, model in fitted.items()}
        assert_allclose(moved["cuda"], moved["cpu"], atol=0.1)
        assert_allclose(moved["cuda"], networks.f(X, lam), atol=0.1)
        assert_allclose(fitted["cuda"].predict(X, lam), networks.f(X, lam), atol=0.1)
        draws = fitted["cuda"].sample(X, lam, n_samples=3, random_state=0)
        assert np.isfinite(draws).all()


def test_contract_on_the_gpu(fitted, networks):
    model, X, y = fitted["cuda"], networks.X[:80], networks.y[:80]
    assert_array_equal(model.transport(X, y, lam_from=1.3, lam_to=1.3), y)
    assert_array_equal(model.predict(X, 0.7), model.predict(X, 0.7))
    assert_allclose(model.predict(X[:7], 0.7), model.predict(X, 0.7)[:7], atol=1e-7)


def test_global_states_are_left_alone(make, networks):
    before = torch.get_rng_state(), torch.cuda.get_rng_state()
    model = make(max_iter=10, device="cuda").fit(networks.X, networks.y, networks.lam)
    model.sample(networks.X[:5], 0.5)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.equal(torch.cuda.get_rng_state(), before[1])


def test_auto_takes_the_gpu(make, networks):
    model = make(max_iter=10).fit(networks.X, networks.y, networks.lam)
    assert next(model.flow_map_.module.parameters()).device.type == "cuda"


def test_a_surrogate_of_the_gpu_is_loaded_on_the_cpu(fitted, networks, tmp_path):
    model, X, y = fitted["cuda"], networks.X[:80], networks.y[:80]
    model.save(tmp_path / "model")
    here, there = load(tmp_path / "model", device="cpu"), load(tmp_path / "model")
    assert next(there.flow_map_.module.parameters()).device.type == "cuda"
    assert_array_equal(
        there.transport(X, y, lam_from=0.0, lam_to=0.7),
        model.transport(X, y, lam_from=0.0, lam_to=0.7),
    )
    assert next(here.flow_map_.module.parameters()).device.type == "cpu"
    assert_allclose(
        here.transport(X, y, lam_from=0.0, lam_to=0.7),
        model.transport(X, y, lam_from=0.0, lam_to=0.7),
        atol=1e-4,
    )
    assert_allclose(here.predict(X, 0.7), model.predict(X, 0.7), atol=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")  # 30 steps
def test_intervals_on_the_gpu(make, networks, tmp_path):
    """The Lagrangian learned on the GPU is kept there."""
    model = make(
        kinetic="learned", potential="density", max_iter=30, validate=True, base="flow",
        device="cuda",
    ).fit(networks.X, networks.y, networks.lam)  # fmt: skip
    lower, upper = model.interval(networks.X[:9], 0.7)
    assert (lower < upper).all()
    model.save(tmp_path / "model")
    here = load(tmp_path / "model", device="cpu")
    assert_allclose(here.interval(networks.X[:9], 0.7), (lower, upper), atol=1e-4)


@pytest.mark.parametrize(
    "params",
    [
        {"base": "flow"},
        {"kinetic": "learned", "potential": "density", "base": "flow"},
        {"solver": "neural_dual"},
    ],
)
def test_no_copies_inside_a_training_step(make, networks, monkeypatch, params):
    """Batches are drawn and steps taken without a word to the host."""
    waits, steps = [], []

    def watched(function, counter=None):
        def call(*args, **kwargs):
            torch.cuda.set_sync_debug_mode("warn")
            try:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    return function(*args, **kwargs)
            finally:
                torch.cuda.set_sync_debug_mode("default")
                waits.extend(w for w in caught if "synchroniz" in str(w.message))
                if counter is not None:
                    counter.append(function)

        return call

    for part in (Engine, DualEngine):
        monkeypatch.setattr(part, "train_step", watched(part.train_step, steps))
    for part in (PairDataset, ParticleDataset, FlowMatchingDataset, EdgeDataset):
        monkeypatch.setattr(part, "draw", watched(part.draw))
    make(max_iter=30, device="cuda", **params).fit(networks.X, networks.y, networks.lam)
    assert len(steps) >= 30
    assert not waits, waits[0]
