"""Parameters are told apart by what they do."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from sklearn_hti._utils.fingerprint import describe
from sklearn_hti.lagrangian import CallablePotential
from sklearn_hti.paths import GeodesicPath


def scaled_by(factor):
    return lambda y, x: -factor * (y**2).sum(-1)


class Centre:
    def __init__(self, at):
        self.at = at

    def __call__(self, y, x):
        return -((y - self.at) ** 2).sum(-1)


def layer(seed):
    torch.manual_seed(seed)
    return nn.Linear(2, 2)


PAIRS = {
    "code": (lambda y, x: y + 1, lambda y, x: y + 2),
    "names": (lambda y, x: y.sin(), lambda y, x: y.cos()),
    "closure": (scaled_by(1.0), scaled_by(2.0)),
    "default": (lambda y, x, a=1: a * y, lambda y, x, a=2: a * y),
    "partial": (partial(scaled_by, 1), partial(scaled_by, 2)),
    "object": (Centre(0.0), Centre(1.0)),
    "method": (Centre(0.0).__call__, Centre(1.0).__call__),
    "component": (CallablePotential(scaled_by(1)), CallablePotential(scaled_by(2))),
    "transformer": (FunctionTransformer(np.sqrt), FunctionTransformer(np.cbrt)),
    "parameter": (GeodesicPath(n_nodes=3), GeodesicPath(n_nodes=4)),
    "weights": (layer(0), layer(1)),
    "array": (np.arange(2000.0), np.r_[np.arange(1999.0), 0]),  # numpy's text leaves these out
    "shape": (np.zeros((2, 3)), np.zeros((3, 2))),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_differs_is_told_apart(name):
    one, other = PAIRS[name]
    assert describe(one) == describe(one)
    assert describe(one) != describe(other)


def test_what_is_alike_is_told_alike():
    assert describe(scaled_by(1.0)) == describe(scaled_by(1.0))
    assert describe(layer(0)) == describe(layer(0))
    assert describe({"b", "a"}) == describe({"a", "b"})


def test_cycles_end():
    here = Centre(0.0)
    here.self = here
    assert describe(here) == describe(here)


def test_another_process_says_the_same():
    code = (
        "import numpy as np; from sklearn_hti._utils.fingerprint import describe; "
        "k = {'p', 'q', 'r'}; "
        "print(describe([lambda y, x: np.sin(y) in k, k, np.sin, 'a', 1.5]))"
    )
    told = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(told) == 1
