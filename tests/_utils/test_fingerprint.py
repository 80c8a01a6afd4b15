"""Parameters are told apart by what they do."""

import importlib
import os
import subprocess
import sys
from collections import deque
from functools import partial
from textwrap import dedent
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.neighbors import KernelDensity
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


class Slots:
    __slots__ = ("at",)

    def __init__(self, at):
        self.at = at


def as_modules(text, *, change, name="theirs"):
    """Return `potential` of a module of the user, and the same after a change of its text."""
    found = []
    for code in (text, text.replace(*change)):
        module = ModuleType(name)
        module.__file__ = "/home/user/theirs.py"
        exec(compile(dedent(code), module.__file__, "exec"), vars(module))
        found.append(module.potential)
    return tuple(found)


MODULES = {
    "global": ("SCALE = 1\ndef potential(y, x): return SCALE * y", ("= 1", "= 2")),
    "global in a comprehension": (
        "SCALE = 1\ndef potential(y, x): return sum([SCALE * q for q in y])",
        ("= 1", "= 2"),
    ),
    "global in an inner lambda": (
        "SCALE = 1\ndef potential(y, x): return (lambda q: (lambda: SCALE * q)())(y)",
        ("= 1", "= 2"),
    ),
    "default of an inner lambda": (
        "SCALE = 1\ndef potential(y, x): return (lambda q, a=SCALE: a * q)(y)",
        ("= 1", "= 2"),
    ),
    "global of a global function": (
        "SCALE = 1\ndef inner(y): return SCALE * y\ndef potential(y, x): return inner(y)",
        ("= 1", "= 2"),
    ),
    "attribute of a function": (
        "def potential(y, x): return potential.scale * y\npotential.scale = 1",
        ("= 1", "= 2"),
    ),
    "decorated by a library": (
        "import torch\n@torch.no_grad()\ndef potential(y, x): return 1 * y",
        ("1 * y", "2 * y"),
    ),
    "cached": (
        "from functools import cache\n@cache\ndef potential(y, x): return 1 * y",
        ("1 * y", "2 * y"),
    ),
    "inherited method": (
        """
        class Base:
            def scale(self): return 1
        class Own(Base):
            def __call__(self, y, x): return self.scale() * y
        potential = Own()
        """,
        ("return 1", "return 2"),
    ),
    "property": (
        """
        class Own:
            @property
            def scale(self): return 1
            def __call__(self, y, x): return self.scale * y
        potential = Own()
        """,
        ("return 1", "return 2"),
    ),
    "static method": (
        """
        class Own:
            @staticmethod
            def scale(): return 1
            def __call__(self, y, x): return self.scale() * y
        potential = Own()
        """,
        ("return 1", "return 2"),
    ),
    "class method of a base": (
        """
        class Base:
            @classmethod
            def scale(cls): return 1
        class Own(Base):
            def __call__(self, y, x): return self.scale() * y
        potential = Own()
        """,
        ("return 1", "return 2"),
    ),
    "cached property": (
        """
        from functools import cached_property
        class Own:
            @cached_property
            def scale(self): return 1
            def __call__(self, y, x): return self.scale * y
        potential = Own()
        """,
        ("return 1", "return 2"),
    ),
    "constant of a class": (
        """
        class Own:
            scale = 1
            def __call__(self, y, x): return self.scale * y
        potential = Own()
        """,
        ("scale = 1", "scale = 2"),
    ),
    "class that is made inside": (
        """
        class Inner:
            def scale(self): return 1
        def potential(y, x): return Inner().scale() * y
        """,
        ("return 1", "return 2"),
    ),
    "network": (
        """
        from torch import nn
        class Own(nn.Module):
            def forward(self, y, x): return 1 * y
        potential = Own()
        """,
        ("return 1", "return 2"),
    ),
    "field of a dataclass": (
        """
        from dataclasses import dataclass
        @dataclass(frozen=True, slots=True)
        class Own:
            scale: float = 1
            def __call__(self, y, x): return self.scale * y
        potential = Own()
        """,
        ("= 1", "= 2"),
    ),
    "handler": (
        """
        def potential(y, x):
            try:
                return y.scale()
            except AttributeError:
                return 1 * y
        """,
        ("return 1", "return 2"),
    ),
}

PAIRS = {
    **{name: as_modules(text, change=change) for name, (text, change) in MODULES.items()},
    "slots": (Slots(0.0), Slots(1.0)),
    "method of an object": (np.arange(3).dot, np.arange(4).dot),
    "half precision": (torch.zeros(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16)),
    "sparse": (sparse.eye_array(3), 2 * sparse.eye_array(3)),
    "mask": (np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0])),
    "queue": (deque([1]), deque([2])),
    "frame": (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})),
    "fitted": tuple(KernelDensity().fit([[a]]) for a in (0.0, 1.0)),
    "generator": tuple(np.random.default_rng(seed) for seed in (0, 1)),
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


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_compiled_networks_are_told_by_their_weights():
    one, other = (torch.jit.trace(layer(seed), torch.zeros(1, 2)) for seed in (0, 1))
    assert describe(one) == describe(one)
    assert describe(one) != describe(other)


def test_what_is_alike_is_told_alike():
    assert describe(scaled_by(1.0)) == describe(scaled_by(1.0))
    assert describe(layer(0)) == describe(layer(0))
    assert describe({"b", "a"}) == describe({"a", "b"})


@pytest.mark.parametrize("name", MODULES)
def test_the_same_code_is_told_alike(name):
    text, _ = MODULES[name]
    one, other = as_modules(text, change=("", ""))
    assert describe(one) == describe(other)


@pytest.mark.parametrize(
    "reads", ["import theirs_{n}", "import theirs_{n} as t", "from theirs_{n} import SCALE"]
)
@pytest.mark.parametrize("inside", [True, False])
def test_constants_of_other_modules_of_the_user(tmp_path, monkeypatch, reads, inside, request):
    monkeypatch.syspath_prepend(tmp_path)
    name = f"{abs(hash(request.node.name))}"
    reads = reads.format(n=name)
    known = "SCALE" if "from" in reads else f"{reads.split()[-1]}.SCALE"
    body = f"def potential(y, x):\n    {reads if inside else 'pass'}\n    return {known} * y"
    told = []
    for scale in (1, 1.0, 1):
        (tmp_path / f"theirs_{name}.py").write_text(f"SCALE = {scale}\nOTHER = len")
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, f"theirs_{name}", raising=False)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        space = {}
        exec("pass" if inside else reads, space)
        exec(compile(body, "/home/user/script.py", "exec"), space)
        told.append(describe(space["potential"]))
    assert told[0] != told[1]
    assert told[0] == told[2]


def test_cycles_and_depth_end():
    here = Centre(0.0)
    here.self = here
    assert describe(here) == describe(here)
    deep = []
    for _ in range(5000):
        deep = [deep]
    deep[0].append(deep)
    assert describe(deep) == describe(deep)


def test_asking_changes_nothing():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    net = layer(0)
    told = describe([frame, net])
    frame["a"].mean()
    str(frame)
    net(torch.zeros(1, 2)).sum().backward()
    net.zero_grad()
    assert describe([frame.copy(), net]) == told


def test_another_process_says_the_same():
    """Whatever the hashes of text and the places in memory."""
    code = (
        "import numpy as np, pandas as pd; from collections import deque; "
        "from functools import partial; from sklearn.neighbors import KernelDensity; "
        "from sklearn_hti._utils.fingerprint import describe; "
        "k = {'p', 'q', 'r'}; f = lambda y, x: np.sin(y) in k; "
        "C = type('C', (), {'__slots__': ('a',), 'm': f, 'k': k, 'fs': {f, (lambda: 1)}}); "
        "c = C(); c.a = deque([1]); "
        "print(describe([f, k, np.sin, 'a', 1.5, c, partial(f, 1), pd.DataFrame({'a': ['b']}), "
        "KernelDensity().fit([[0]]), np.random.default_rng(0)]))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in "12"
    }
    assert len(told) == 1
