"""The exported graph gives the numbers of `transport`."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtri
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer

from sklearn_hti import HyperparameterTrajectoryRegressor, baselines
from sklearn_hti.clocks.clock import Clock
from sklearn_hti.clocks.curve import fit_curve
from sklearn_hti.clocks.entropy import EntropyClock
from sklearn_hti.clocks.time_scale import CurvedScale
from sklearn_hti.clocks.warps import MeanClock, WarpClock
from sklearn_hti.field.place import place_clock
from sklearn_hti.io import clock_graph, export, place_graph

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")


@pytest.fixture(scope="module")
def table():
    """Draws of networks for a number and two categories, and lambda in the first column."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "lam": 0.0,
            "letter": pd.Categorical(np.repeat(list("abc"), 20)),
            "number": np.repeat(rng.normal(50, 10, size=6), 10),
            "year": pd.Categorical(np.repeat([1990, 2000], 30)),
        }
    )
    X = pd.concat([frame.assign(lam=lam) for lam in (0.02, 0.3, 0.9)], ignore_index=True)
    y = rng.normal(size=(180, 2)) * (1 + X[["lam"]].to_numpy()) + [5.0, -100.0]
    y = y.clip(-105, 8)  # some at the bound
    return X, y


@pytest.fixture(scope="module")
def fit(table, make):
    def fit(**parameters):
        own = {"max_iter": 30, "base": "neighbors", "lam_column": "lam"}
        return make(**(own | parameters)).fit(*table)

    return fit


@pytest.fixture(scope="module")
def fitted(fit):
    return fit(y_bounds=(-105, 8))


def asked(table):
    """Return X, y, lambdas, and what a graph takes for them."""
    X, y = table
    lam = np.random.default_rng(1).uniform(0.02, 0.9, size=len(X))
    lam[:4] = 0.02, 0.3, 0.9, 0.3
    x = np.column_stack([X["letter"].cat.codes, X["number"], X["year"].cat.codes])
    return X, y, lam, [np.asarray(v, dtype=np.float64) for v in (x, y, lam)]


def run(graph, given):
    return graph(*map(torch.as_tensor, given)).detach().numpy()


# ---------------------------------------------------------------- the graph itself


@pytest.mark.parametrize(
    "lam_transform",
    [None, "log", "reciprocal", "logit", "probit", "odds", "entropy",
     FunctionTransformer(np.sqrt), QuantileTransformer(n_quantiles=3)],
)  # fmt: skip
@pytest.mark.parametrize("lam_from", [0.02, 0.5])
def test_every_clock(fit, table, lam_transform, lam_from):
    model = fit(lam_transform=lam_transform, max_iter=3)
    X, y, lam, given = asked(table)
    moved = run(export.TransportGraph(model._state, lam_from), given)
    assert_allclose(moved, model.transport(X, y, lam_from=lam_from, lam_to=lam), atol=3e-5)


WIDE = (0.001, 0.02, 0.95)


def curved(name, place):
    rule = WarpClock(name)
    u = rule.fraction(np.array(WIDE), WIDE[0], WIDE[-1])
    return CurvedScale(rule, WIDE[0], WIDE[-1], fit_curve(u, [0, place, 1], trend=True))


CHOSEN = {
    "curved, log": curved("log", 0.8),
    "curved, levels": curved("probit", 0.1),
    "curved, linear": curved("identity", 0.5),
    "curved, odds": curved("odds", 0.2),
    "mean": MeanClock((WarpClock("log"), EntropyClock(np.array(WIDE), np.array([0, 2.0, 1.0])))),
}


@pytest.mark.parametrize("rule", CHOSEN.values(), ids=CHOSEN)
def test_clocks_that_auto_makes_are_in_the_graph(rule):
    clock = Clock(rule, np.array(WIDE), "")
    lam = np.concatenate([np.geomspace(0.001, 0.95, 500), np.linspace(0.001, 0.95, 500), WIDE])
    time = clock_graph.ClockGraph(clock)(torch.as_tensor(lam, dtype=torch.float32))
    assert_allclose(time, clock.time(lam), atol=1e-3)


def test_a_clock_too_steep_for_a_table_is_refused(fit):
    model = fit(lam_transform=FunctionTransformer(lambda lam: lam**0.001 + 1e-9 * lam), max_iter=1)
    model.lam_transform_.anchors[0] = 1e-30
    with pytest.raises(ValueError, match="too steep"):
        export.TransportGraph(model._state, 0.5)


@pytest.mark.parametrize("conditioning", ["hypernetwork", "concat"])
def test_curved_paths_and_other_conditionings(fit, table, conditioning):
    model = fit(conditioning=conditioning, path="smooth", output_scaling="per_output")
    X, y, lam, given = asked(table)
    moved = run(export.TransportGraph(model._state, 0.02), given)
    assert_allclose(moved, model.transport(X, y, lam_from=0.02, lam_to=lam), atol=3e-5)


def test_bounds_are_kept(fitted, table):
    X, y, lam, given = asked(table)
    moved = run(export.TransportGraph(fitted._state, 0.02), given)
    assert (moved == 8).any()
    assert_allclose(moved, fitted.transport(X, y, lam_from=0.02, lam_to=lam), atol=3e-5)


def test_lambdas_outside_count_as_the_ends_and_codes_as_the_nearest(fitted, table):
    given = [v[:2] for v in asked(table)[3]]
    graph = export.TransportGraph(fitted._state, 0.02)
    inside = run(graph, [*given[:2], np.array([0.02, 0.9])])
    assert_array_equal(run(graph, [*given[:2], np.array([-7.0, 1e9])]), inside)
    given[0][:, 0] = 0, 2
    at_ends = run(graph, given)
    given[0][:, 0] = -3, 99
    assert_array_equal(run(graph, given), at_ends)


@pytest.mark.parametrize("lam_from", [0.0, 1.0, 1.6])
def test_deterministic_networks_go_through_the_inverse(make, networks, lam_from):
    model = make(max_iter=100, base="neighbors").fit(networks.X, networks.y, networks.lam)
    X, lam = networks.X[:80], np.linspace(0, 2, 80)
    y = networks.f(X, lam_from)
    given = [np.asarray(v, dtype=np.float64) for v in (X, y, lam)]
    moved = run(export.TransportGraph(model._state, lam_from), given)
    assert_allclose(moved, model.transport(X, y, lam_from=lam_from, lam_to=lam), atol=1e-4)


def test_the_functions_that_runtimes_lack():
    p = np.concatenate([np.geomspace(1e-12, 0.5, 500), 1 - np.geomspace(1e-6, 0.5, 500)])
    assert_allclose(clock_graph.probit(torch.as_tensor(p)).numpy(), ndtri(p), atol=1e-6)
    z = torch.as_tensor(np.geomspace(1e-10, 1e10, 500), dtype=torch.float32)
    z = torch.cat([z, -z[z < 0.999]])
    assert_allclose(clock_graph.log1p(z), np.log1p(z.double().numpy()), rtol=1e-6)


@pytest.mark.parametrize(
    ("unit", "shift", "start"),
    [(1.0, 1.7e9, 1.7e9), (1e40, 0.0, 0.0), (1e-60, -1e-52, 1e9)],
)
def test_numbers_far_from_zero(make, networks, unit, shift, start):
    """Times in seconds since 1970, and outputs of any unit; lambdas near to each other."""
    X, y, lam = networks.X.copy(), shift + unit * networks.y, start + networks.lam
    X[:, 0] = 1.7e9 + 1e3 * X[:, 0]
    model = make(max_iter=100, base="neighbors").fit(X, y, lam)
    between = start + np.linspace(0, 2, 80)
    moved = run(export.TransportGraph(model._state, start), [X[:80], y[:80], between])
    expected = model.transport(X[:80], y[:80], lam_from=start, lam_to=between)
    assert_allclose(moved / unit, expected / unit, rtol=1e-15, atol=2e-5)


# ---------------------------------------------------------------- several hyperparameters


START = {"C": 1.0, "gamma": 0.3, "kernel": "rbf"}


def with_field(state, **changes):
    """Return a state whose clock has another field; its knots are the trained values."""
    clock = state.movement.clock
    field = replace(clock.field, **changes)
    clock = place_clock(field, clock.anchors)
    return replace(state, movement=replace(state.movement, clock=clock))


@pytest.mark.parametrize("simple", ["", "straight_line_in_clock", "nearest_anchor"])
def test_several_hyperparameters(of_several, monkeypatch, simple):
    model, X, y, to, given = of_several
    monkeypatch.setattr(model, "_state", with_field(model._state, simple=simple))
    graph = export.TransportGraph(model._state, model._state.lam_space.encode(START, 1)[0])
    moved, expected = run(graph, given), model.transport(X, y, lam_from=START, lam_to=to)
    assert np.abs(expected - y).max() > 1
    assert_allclose(moved, expected, rtol=0, atol=1e-5 * y.std())


def test_numbers_outside_count_as_the_ends_and_codes_as_the_nearest(of_several):
    model, _, _, _, (x, y, _) = of_several
    graph = export.TransportGraph(model._state, model._state.base_lam)
    inside = np.array([[0.1, 1.0, 0.0], [10.0, 0.0, 1.0]])
    outside = np.array([[-7.0, 9.0, -3.0], [1e9, -1.0, 99.0]])
    assert_array_equal(run(graph, [x[:2], y[:2], outside]), run(graph, [x[:2], y[:2], inside]))


def test_a_graph_of_several_says_what_lambda_is(of_several, tmp_path):
    model, X, y, to, given = of_several
    info = model.export(tmp_path / "graph.pt2", "torch", lam_from=START)
    assert info == {
        "x": [0, 1],
        "categories": [],
        "n_outputs": 2,
        "lam": ["C", "gamma", "kernel"],
        "lam_categories": [{"column": 2, "values": ["poly", "rbf"]}],
        "lam_from": [1.0, 0.3, "rbf"],
        "lam_range": [[0.1, 10.0], [0.0, 1.0], None],
    }
    files = {"sklearn_hti.json": ""}
    graph = torch.export.load(tmp_path / "graph.pt2", extra_files=files).module()
    assert json.loads(files["sklearn_hti.json"]) == info
    for n in (120, 1):
        moved = run(graph, [v[:n] for v in given])
        expected = model.transport(X[:n], y[:n], lam_from=START, lam_to=to[:n])
        assert_allclose(moved, expected, rtol=0, atol=1e-5 * y.std())


def test_a_graph_takes_hyperparameters_without_influence(make, tmp_path):
    rng = np.random.default_rng(0)
    X = np.tile(rng.normal(size=(20, 1)), (9, 1))
    lam = np.repeat([(a, b) for a in (0.0, 1.0, 2.0) for b in (3.0, 4.0, 7.0)], 20, axis=0)
    y = np.sin(X[:, 0] + lam[:, 0])
    frame = pd.DataFrame({"a": lam[:, 0], "x": X[:, 0], "b": lam[:, 1]})
    model = make(base="neighbors", lam_column=["a", "b"]).fit(frame, y)
    assert model._state.anchors.ndim == 1
    info = model.export(tmp_path / "graph", "torch", lam_from=(0.0, 7.0))
    assert (info["x"], info["lam_range"]) == (["x"], [[0.0, 2.0], [3.0, 7.0]])
    graph = torch.export.load(tmp_path / "graph").module()
    to = np.column_stack([np.linspace(0, 2, 20), np.full(20, 5.0)])
    expected = model.transport(frame[:20], y[:20], lam_from=(0.0, 7.0), lam_to=to)
    moved = run(graph, [X[:20], y[:20, None], to])[:, 0]
    assert_allclose(moved, expected, rtol=0, atol=1e-5)


def test_too_many_simplices_are_refused(of_several, monkeypatch):
    model = of_several[0]
    monkeypatch.setattr(place_graph, "_MOST_SIMPLICES", 3)
    with pytest.raises(ValueError, match="simplices between trained values"):
        export.TransportGraph(with_field(model._state, simple="straight_line"), None)


# ---------------------------------------------------------------- files


def test_torch(fitted, table, tmp_path):
    info = fitted.export(tmp_path / "graph.pt2", "torch", lam_from=0.3)
    assert info == {
        "x": ["letter", "number", "year"],
        "categories": [
            {"column": 0, "values": ["a", "b", "c"]},
            {"column": 2, "values": [1990, 2000]},
        ],
        "n_outputs": 2,
        "lam_from": 0.3,
        "lam_range": [0.02, 0.9],
    }
    files = {"sklearn_hti.json": ""}
    graph = torch.export.load(tmp_path / "graph.pt2", extra_files=files).module()
    assert json.loads(files["sklearn_hti.json"]) == info
    X, y, lam, given = asked(table)
    for n in (180, 1):
        moved = run(graph, [v[:n] for v in given])
        assert_allclose(
            moved, fitted.transport(X[:n], y[:n], lam_from=0.3, lam_to=lam[:n]), atol=3e-5
        )


def test_onnx_runtime_gives_the_same_numbers(fitted, table, tmp_path):
    pytest.importorskip("onnxscript", reason="the extra onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs the graph")
    path = tmp_path / "graph.onnx"
    info = fitted.export(path)
    session = onnxruntime.InferenceSession(os.fspath(path))
    assert json.loads(session.get_modelmeta().custom_metadata_map["sklearn_hti"]) == info
    X, y, lam, given = asked(table)
    for n in (180, 1):
        inputs = dict(zip(("x", "y", "lam"), (v[:n] for v in given), strict=True))
        (moved,) = session.run(["moved"], inputs)
        assert_allclose(
            moved, fitted.transport(X[:n], y[:n], lam_from=0.02, lam_to=lam[:n]), atol=3e-5
        )
    assert os.listdir(tmp_path) == ["graph.onnx"]


def test_onnx_of_several_hyperparameters(of_several, tmp_path):
    pytest.importorskip("onnxscript", reason="the extra onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs the graph")
    model, X, y, to, given = of_several
    path = os.fspath(tmp_path / "graph.onnx")
    model.export(path, lam_from=START)
    session = onnxruntime.InferenceSession(path)
    for n in (120, 1):
        inputs = dict(zip(("x", "y", "lam"), (v[:n] for v in given), strict=True))
        (moved,) = session.run(["moved"], inputs)
        expected = model.transport(X[:n], y[:n], lam_from=START, lam_to=to[:n])
        assert_allclose(moved, expected, rtol=0, atol=1e-5 * y.std())


@pytest.mark.slow
def test_onnx_of_deterministic_networks_without_a_condition(make, networks, tmp_path):
    pytest.importorskip("onnxscript", reason="the extra onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs the graph")
    model = make(max_iter=50, lam_transform="entropy").fit(None, networks.y, networks.lam)
    model.export(tmp_path / "graph", lam_from=2.0)
    session = onnxruntime.InferenceSession(os.fspath(tmp_path / "graph"))
    lam, y = np.linspace(0, 2, 80), networks.y[160:]
    given = {"y": y, "lam": lam}
    (moved,) = session.run(["moved"], given)
    assert_allclose(moved, model.transport(None, y, lam_from=2.0, lam_to=lam), atol=1e-4)


@pytest.mark.slow
def test_the_torch_graph_needs_no_package_of_ours(fitted, tmp_path):
    path = tmp_path / "graph.pt2"
    fitted.export(path, "torch")
    program = f"""
import sys, torch
moved = torch.export.load({str(path)!r}).module()(
    torch.zeros(2, 3).double(), torch.zeros(2, 2).double(), torch.full((2,), 0.5).double()
)
assert moved.isfinite().all()
assert not any(name.startswith(("sklearn", "sklearn_hti")) for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


# ---------------------------------------------------------------- what is refused


def test_what_cannot_be_exported(fitted, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"format='tf'.*'onnx', 'torch'"):
        fitted.export(tmp_path / "graph", "tf")
    with pytest.raises(ValueError, match="outside the anchors"):
        fitted.export(tmp_path / "graph", lam_from=2.0)
    with pytest.raises(FileNotFoundError, match="Pass a file in a folder that exists"):
        fitted.export(tmp_path / "missing" / "graph", "torch")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"sklearn-hti\[onnx\]"):
        fitted.export(tmp_path / "graph")
    assert os.listdir(tmp_path) == []
    assert isinstance(fitted, HyperparameterTrajectoryRegressor)
    assert not hasattr(baselines.ConditionalFlowMatchingRegressor, "export")
