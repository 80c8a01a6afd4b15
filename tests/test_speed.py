"""What answers do not wait for: copies, checks twice, work per row, imports. No clocks."""

import copy
import gc
import subprocess
import sys
import weakref
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hti.data import arrays, lambdas, table
from sklearn_hti.nn import inference
from sklearn_hti.nn.inference import in_precision, row_chunks

# slow to import, and needed by few calls or by none
UNWANTED = [
    *("IPython", "dask", "distributed", "gymnasium", "jax", "matplotlib", "onnx", "onnxruntime"),
    *("onnxscript", "ot", "plotly", "polars", "skops", "statsmodels", "sympy", "tensorflow"),
    *("torch._dynamo", "torch._inductor", "torch.onnx", "torchcfm", "torchdiffeq", "torchvision"),
]


def test_import_brings_nothing_that_most_do_not_need():
    program = f"""
import sys, torch, sklearn
before = set(sys.modules)
import sklearn_hti
print(*sorted((set(sys.modules) - before) & set({UNWANTED})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.split() == []


# ---------------------------------------------------------------- double precision


@pytest.fixture
def copies(monkeypatch):
    """The modules that are copied."""
    made = []

    def deepcopy(module):
        made.append(module)
        return copy.deepcopy(module)

    monkeypatch.setattr(inference, "copy", SimpleNamespace(deepcopy=deepcopy))
    return made


def test_predict_copies_each_network_once(make, networks, copies):
    model = make(max_iter=20, base="flow").fit(networks.X, networks.y, networks.lam)
    first = model.predict(networks.X, 0.7)  # rows in several parts
    assert_array_equal(model.predict(networks.X, 0.7), first)
    model.sample(networks.X, 0.7)
    assert copies == [model.base_.module_, model.flow_map_.module]


def test_changed_weights_are_copied_again(copies):
    module = torch.nn.Linear(1, 1).requires_grad_(False)
    assert in_precision(module, torch.float32) is module
    double = in_precision(module, torch.float64)
    assert double.weight.dtype == torch.float64
    assert in_precision(module, torch.float64) is double
    module.weight.fill_(7.0)
    assert in_precision(module, torch.float64).weight.item() == 7.0
    module.weight.data = torch.full((1, 1), 8.0)
    assert in_precision(module, torch.float64).weight.item() == 8.0
    assert len(copies) == 3


def test_copies_go_with_their_network():
    module = torch.nn.Linear(1, 1)
    copy = weakref.ref(in_precision(module, torch.float64))
    assert copy() is inference._doubles[module][1]
    del module
    gc.collect()
    assert copy() is None


# ---------------------------------------------------------------- rows at once


@pytest.mark.parametrize("device, most", [("cpu", 4096), ("cuda", 65_536)])
def test_parts_are_all_rows_in_order(device, most):
    rows = np.arange(150_000)
    parts = [rows[part] for part in row_chunks(len(rows), device)]
    assert_array_equal(np.concatenate(parts), rows)
    assert max(map(len, parts)) == most
    assert not list(row_chunks(0, device))


def test_answers_do_not_depend_on_the_parts(on_networks, networks, monkeypatch):
    X, start = networks.X[:80], np.linspace(0, 2, 80)
    y = networks.f(X, start)
    answers = []
    for n in (4096, 7):
        monkeypatch.setattr(inference, "_ROWS_IN_CACHE", n)
        sample = on_networks.sample(X, 1.3, n_samples=3, random_state=0)
        answers.append([sample, on_networks.transport(X, y, lam_from=start, lam_to=1.3)])
    for whole, parts in zip(*answers, strict=True):
        assert_allclose(parts, whole, atol=1e-5)


def test_the_flow_reads_conditions_once(make, networks, monkeypatch):
    model = make(max_iter=2, base="flow").fit(networks.X, networks.y, networks.lam)
    module, calls = model.base_.module_, []

    def counted(name, function):
        return lambda *args: calls.append(name) or function(*args)

    for name in ("read", "respond"):
        monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
    model.sample(networks.X, 0.0)
    assert calls[0] == "read"
    assert set(calls[1:]) == {"respond"}
    assert len(calls) > 20


# ---------------------------------------------------------------- plain arrays


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_plain_arrays_need_no_further_check(on_networks, networks, monkeypatch, dtype):
    X, y = (np.round(v[:5]).astype(dtype) for v in (networks.X, networks.y))
    expected = on_networks.transport(X.tolist(), y.tolist(), lam_from=[0.5] * 5, lam_to=[1.0] * 5)

    def refuse(*args, **kwargs):
        raise AssertionError("checked once more")

    monkeypatch.setattr(arrays, "check_array", refuse)
    monkeypatch.setattr(table, "validate_data", refuse)
    for lam in (1.0, 1, np.ones(5)):
        assert_array_equal(
            on_networks.transport(X, y, lam_from=np.full(5, 0.5), lam_to=lam), expected
        )


class Own(np.ndarray):
    """An array of a class of its own."""


ODD = [
    np.full((5, 2), np.nan),
    np.array([[1.0, np.inf]] * 5),
    np.array([[-np.inf, np.inf]] * 5),
    np.full((5, 2), 1e308),
    np.full((5, 2), 1e200),
    np.zeros((5, 3)),
    np.zeros((5, 1)),
    np.zeros((4, 2)),
    np.zeros((0, 2)),
    np.zeros((5, 0)),
    np.zeros(5),
    np.zeros(()),
    np.zeros((5, 2, 1)),
    np.zeros((5, 2), dtype=complex),
    np.zeros((5, 2), dtype="datetime64[s]"),
    np.zeros((5, 2), dtype=bool),
    np.zeros((5, 2), dtype=np.float16),
    np.zeros((5, 2), dtype=">f8"),
    np.zeros((5, 2), dtype=np.uint64) + np.uint64(2**63),
    np.full((5, 2), np.longdouble("1e400")) if np.finfo(np.longdouble).max > 1e308 else None,
    np.zeros((5, 2), dtype=object),
    np.full((5, 2), "1.5"),
    np.full((5, 2), "a"),
    np.ma.masked_array(np.zeros((5, 2)), mask=np.eye(5, 2)),
    np.full((5, 2), np.nan).view(Own),
    np.asfortranarray(np.ones((5, 2))),
    np.ones((5, 4))[:, ::2],
    [[0.0, np.nan]] * 5,
    pd.DataFrame(np.zeros((5, 2)), columns=["a", "b"]),
    0.5,
    True,
    10**400,
    float("nan"),
    None,
    "a",
]


@pytest.mark.parametrize("value", ODD, ids=lambda v: getattr(getattr(v, "dtype", None), "str", ""))
@pytest.mark.parametrize("name", ["X", "y", "lam_from", "lam_to"])
@pytest.mark.filterwarnings("ignore")
def test_odd_values_fare_as_without_the_short_way(on_networks, monkeypatch, name, value):
    """The same numbers, or the same error in the same words."""
    given = {"X": np.ones((5, 2)), "y": np.ones((5, 2)), "lam_from": 0.5, "lam_to": 1.5}

    def answer():
        try:
            return on_networks.transport(**given | {name: value})
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    short = answer()
    for module in (arrays, table):
        monkeypatch.setattr(module, "is_plain", lambda value: False)
    monkeypatch.setattr(lambdas, "is_number", lambda value: False)
    assert_array_equal(short, answer())


def test_neighbours_are_those_of_the_pools(make, clouds):
    model = make(max_iter=2, base="neighbors").fit(clouds.X, clouds.y, clouds.lam)
    base, noise = model.base_, np.random.default_rng(0).random((120, 4))
    query = model._query(clouds.X[:120], 0.0)
    pools = [base.pools_[g] for g in base._nearest(query.conditions)]
    rows = [[pool[int(u * len(pool))] for u in us] for pool, us in zip(pools, noise, strict=True)]
    assert_array_equal(base.draw(query, noise), base.y_[np.array(rows)])
