"""What callers have set in torch changes no answer, and is as it was afterwards."""

import copy
import pickle
from contextlib import ExitStack, contextmanager
from threading import Barrier, Thread

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sklearn_hti import load
from sklearn_hti._utils.torch_state import TorchState, callers_torch_state, own_torch_state
from sklearn_hti.baselines import ConditionalFlowMatchingRegressor
from sklearn_hti.inspection import LagrangianDisplay
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.solvers import MongeGap, NeuralDual

LAM = np.repeat([0.0, 0.5, 2.0], 40)
X = np.tile(np.repeat(np.linspace(-1, 1, 20), 2)[:, None], (3, 1))
Y = (X + LAM[:, None]) * [1, -1] + np.random.default_rng(0).normal(size=(120, 2)) / 5


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


STATES = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "default device": lambda: default_device("meta"),
    "device as a context": lambda: torch.device("meta"),
}


@contextmanager
def all_states():
    with ExitStack() as stack:
        for name in ("float64", "default device", "autocast", "inference_mode"):
            stack.enter_context(STATES[name]())
        yield


STATES["all of them"] = all_states
every_state = pytest.mark.parametrize("state", STATES)


def answers(model):
    """Return the answers of all methods, one after the other."""
    x, y = X[:5], Y[:5]
    asked = [
        model.sample(x, 0.3, n_samples=3, random_state=0),
        *model.predict(x, 1.0, return_std=True),
        model.transport(x, y, lam_from=0.0, lam_to=1.0),
        model.trajectory(x, [0.0, 1.0], random_state=0),
        model.interpolate(x, [y, y + 1], lams=[0.0, 2.0], lam=0.7),
    ]
    return np.concatenate([np.ravel(a) for a in asked])


def learned_paths(make, **params):
    path = GeodesicPath(max_iter=2)
    rest = {"kinetic": "learned", "potential": "density", "base": "flow", "path": path}
    return make(**{**rest, "max_iter": 2, **params})


def velocity(make):
    return ConditionalFlowMatchingRegressor(lam_transform=None, max_iter=2, random_state=0)


MODELS = {
    "paths": learned_paths,
    "hypernetwork": lambda make: learned_paths(make, conditioning="hypernetwork"),
    "dual": lambda make: learned_paths(make, solver=NeuralDual(max_iter=2), potential=None),
    "gap": lambda make: learned_paths(make, solver=MongeGap(max_iter=2), kinetic="rbf"),
    "velocity": velocity,
}


@pytest.mark.filterwarnings("ignore:.*:sklearn_hti.exceptions.TrajectoryWarning")
@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("kind", "state"),
    [*(("velocity", state) for state in STATES), *((kind, "all of them") for kind in MODELS)],
)
def test_fits_and_answers_are_the_same_to_the_bit(make, kind, state, tmp_path):
    model = MODELS[kind](make).fit(X, Y, LAM)
    expected = answers(model)
    path = tmp_path / "surrogate"
    with STATES[state]():
        before = TorchState.now()
        fitted = copy.copy(model).set_params().fit(X, Y, LAM)
        assert_array_equal(answers(fitted), expected)
        fitted.save(path)
        made = [load(path), copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
        for other in made:
            assert_array_equal(answers(other), expected)
        assert TorchState.now() == before
    for other in (fitted, *made):
        assert_array_equal(answers(other), expected)


@every_state
def test_networks_and_bases_see_what_their_caller_has_set(make, state):
    """Functions of the user, which may count on it."""
    seen = []

    def network(x):
        seen.append(TorchState.now())
        return np.hstack([x, -x])

    with STATES[state]():
        here = TorchState.now()
        asked = make(networks=dict.fromkeys([0.0, 0.5, 2.0], network))
        asked.fit(X, np.hstack([X, -X]), LAM).predict(X[:3], 0.3)
        make(max_iter=1, base=network).fit(X, Y, LAM).sample(X[:3], 0.3)
    assert len(seen) > 6
    assert set(seen) == {here}


@every_state
def test_displays(make, state):
    pytest.importorskip("matplotlib")
    model = make(kinetic="rbf", path="smooth", potential="density", max_iter=1).fit(X, Y, LAM)

    def shown():
        display = LagrangianDisplay.from_estimator(model, X[:1], random_state=0)
        return np.concatenate([display.potential.ravel(), display.metric.ravel()])

    expected = shown()
    with STATES[state]():
        assert_array_equal(shown(), expected)


def test_potentials_of_the_user_have_gradients(make):
    with torch.no_grad():
        make(potential=lambda y, x: -y.square().sum(-1), max_iter=2).fit(X, Y, LAM)


@every_state
def test_states_nest(state):
    plain = TorchState.now()
    with STATES[state]():
        caller = TorchState.now()
        assert caller != plain
        with own_torch_state():
            assert TorchState.now() == plain
            with callers_torch_state():
                assert TorchState.now() == caller
                with own_torch_state():
                    assert TorchState.now() == plain
                assert TorchState.now() == caller
            assert TorchState.now() == plain
        assert TorchState.now() == caller
    assert TorchState.now() == plain


@every_state
def test_states_are_put_back_after_an_error(make, state):
    with STATES[state]():
        before = TorchState.now()
        with pytest.raises(ValueError, match="NaN"):
            make().fit(X, Y * np.nan, LAM)
        assert TorchState.now() == before


def test_threads_share_the_default_dtype():
    """That of the caller comes back when the last of them is done."""
    inside, done, seen = Barrier(2, timeout=30), Barrier(2, timeout=30), []

    def long():
        with own_torch_state():
            inside.wait()
            done.wait()
            seen.append(torch.get_default_dtype())

    with default_dtype(torch.float64):
        thread = Thread(target=long)
        thread.start()
        inside.wait()
        with own_torch_state():
            pass
        done.wait()
        thread.join()
        assert seen == [torch.float32]
        assert torch.get_default_dtype() == torch.float64


def test_the_usual_state_is_left_alone(monkeypatch):
    """So that it costs nothing, and threads do not meet."""
    monkeypatch.setattr(torch, "set_default_dtype", pytest.fail)
    monkeypatch.setattr(torch, "device", pytest.fail)
    with own_torch_state(), callers_torch_state():
        pass
