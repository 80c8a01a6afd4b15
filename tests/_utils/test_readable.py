"""What users pass, as numpy reads it."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.metrics import r2_score

from sklearn_hti import metrics, sweep
from sklearn_hti._utils.readable import as_readable

VALUES = [[0.5, -2.0], [1.0, 0.25]]  # exact in few bits
FLOATS = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e5m2]


def with_gradient(values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("gradient", [False, True])
def test_tensors_of_any_precision(dtype, gradient):
    tensor = torch.tensor(VALUES, dtype=dtype, requires_grad=gradient)
    assert_array_equal(as_readable(tensor), VALUES)
    assert tensor.requires_grad == gradient


@pytest.mark.parametrize(
    "tensor",
    [
        torch.nn.Parameter(torch.tensor(VALUES)),
        with_gradient(VALUES) * 1,  # a result, which has no gradient of its own
        torch.tensor(np.transpose(VALUES)).T,
        torch.tensor(VALUES).neg().neg(),
    ],
)
def test_kinds_of_tensors(tensor):
    assert_array_equal(as_readable(tensor), VALUES)


def test_tensors_of_inference():
    with torch.inference_mode():
        tensor = torch.tensor(VALUES)
    assert_array_equal(as_readable(tensor), VALUES)


def test_lists_of_tensors():
    rows = list(with_gradient(VALUES))
    assert_array_equal(as_readable(rows), VALUES)
    assert_array_equal(as_readable([list(row) for row in rows]), VALUES)
    held = np.empty(2, dtype=object)
    held[0], held[1] = rows
    assert_array_equal(as_readable(held), VALUES)


@pytest.mark.parametrize("tensor", [torch.zeros(3, device="meta"), torch.eye(3).to_sparse()])
def test_tensors_without_numbers(make, tensor):
    with pytest.raises(TypeError, match=f"`y`: a tensor .*{tensor.layout}.*{tensor.device}"):
        make().fit(np.zeros((3, 1)), tensor, [0.0, 1.0, 2.0])


class Lazy:
    """As polars has it: no rows before it is collected."""

    def __init__(self, frame):
        self.frame = frame

    def lazy(self):
        return self

    def collect(self):
        return self.frame


@pytest.mark.parametrize("values", [VALUES, None, "text", 1.0, np.zeros(2), pd.DataFrame(VALUES)])
def test_all_else_is_left_alone(values):
    assert as_readable(values) is values


def test_lazy_frames(make, networks):
    frame, y = pd.DataFrame(networks.X, columns=["a", "b"]), pd.DataFrame(networks.y)
    expected = make(max_iter=2).fit(frame, y, networks.lam).predict(frame, 0.5)
    lazy, y = Lazy(frame), Lazy(y)
    assert_array_equal(make(max_iter=2).fit(lazy, y, networks.lam).predict(lazy, 0.5), expected)
    assert len(make(max_iter=2).fit(None, y, networks.lam).anchors_) == 3


# ---------------------------------------------------------------- wherever values are passed


def test_queries_of_tensors(on_networks, networks):
    X, y = networks.X[:9], networks.y[:9]
    tx, ty, half = with_gradient(X), with_gradient(y), with_gradient(0.5)
    one_each, grid = with_gradient(np.full(9, 0.5)), with_gradient([0.0, 1.0])
    model = on_networks
    assert_array_equal(model.predict(tx, half), model.predict(X, 0.5))
    assert_array_equal(model.sample(tx, one_each), model.predict(X, 0.5))
    assert_array_equal(model.interval(tx, half), model.interval(X, 0.5))
    assert model.score(tx, ty, one_each) == model.score(X, y, 0.5)
    assert_array_equal(
        model.transport(tx, ty, lam_from=half, lam_to=one_each * 2),
        model.transport(X, y, lam_from=0.5, lam_to=1.0),
    )
    expected = model.interpolate(X, [y, 2 * y], lams=[0.0, 1.0], lam=0.5)
    for outputs in ([ty, 2 * ty], torch.stack([ty, 2 * ty])):
        assert_array_equal(model.interpolate(tx, outputs, lams=grid, lam=half), expected)
    assert_array_equal(
        model.trajectory(tx, grid, y=ty, lam_from=half),
        model.trajectory(X, [0.0, 1.0], y=y, lam_from=0.5),
    )


def test_metrics_of_tensors(rng, on_networks, networks):
    y, draws = rng.normal(size=(6, 2)), rng.normal(size=(3, 6, 2))
    for metric in (metrics.energy_score, metrics.crps):
        assert metric(with_gradient(y), with_gradient(draws)) == metric(y, draws)
    expected = metrics.squared_wasserstein(y, draws[0])
    assert metrics.squared_wasserstein(with_gradient(y), with_gradient(draws[0])) == expected
    rows = networks.X[:9], networks.y[:9]
    for scorer in (metrics.neg_crps, metrics.make_lam_scorer(r2_score)):
        given = scorer(on_networks, *map(with_gradient, rows), lam=with_gradient(0.5))
        assert given == scorer(on_networks, *rows, lam=0.5)


class Tensors:
    """A network of torch, which answers with tensors that know their gradient."""

    def __init__(self, slope=1.0):
        self.slope = slope

    def get_params(self, deep=True):
        return {"slope": self.slope}

    def set_params(self, slope):
        self.slope = slope
        return self

    def fit(self, X, y):
        return self

    def predict(self, X):
        return (torch.tensor(X) * torch.nn.Parameter(torch.tensor(self.slope))).bfloat16()


def test_networks_that_answer_with_tensors(make):
    X = np.tile([[0.5], [1.0], [-2.0]], (4, 1))
    swept = sweep(Tensors(), "slope", [1.0, 2.0], X, X)
    assert_array_equal(swept.y, np.hstack([X, 2 * X]).reshape(-1, 1))
    params = {"max_iter": 1, "validate": False}
    asked = make(networks=swept.networks, **params).fit(swept.X, swept.y, swept.lam)
    assert_array_equal(asked.predict(X, 2.0), 2 * X)
    based = make(base=Tensors(1.0).predict, **params).fit(swept.X, swept.y, swept.lam)
    assert_array_equal(based.predict(X, 1.0), X)
