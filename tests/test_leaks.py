"""A process that fits again and again keeps nothing of it."""

import gc
import os
import subprocess
import sys
import weakref
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.leaks import KINDS, fit_and_ask
from sklearn_hti import HyperparameterTrajectoryRegressor, load

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")


def alive():
    """Return how many objects of each kind are reachable, and how many numbers tensors hold."""
    gc.collect()
    everything = gc.get_objects()
    # by type: some objects of torch warn when they are asked for their class
    tensors = [o for o in everything if issubclass(type(o), torch.Tensor)]
    return Counter(type(o).__name__ for o in everything), sum(t.numel() for t in tensors)


def test_fits_leave_no_objects():
    """Two more of every kind add nothing to what the first ones left."""
    of_each_kind = sorted({KINDS.index(kind) for kind in KINDS}) * 2
    for i in of_each_kind:
        fit_and_ask(i)
    alive()  # Python remembers what it has compared
    objects, numbers = alive()
    for i in of_each_kind:
        fit_and_ask(i)
    more, more_numbers = alive()
    grown = {name: k for name, k in (more - objects).items() if k > 1}
    assert not grown
    assert more_numbers == numbers


def test_a_surrogate_dies_with_its_last_name(make, networks, tmp_path):
    """At once: no cycle holds it, its networks or what it was trained on."""
    model = make(max_iter=2, base="flow").fit(networks.X, networks.y, networks.lam)
    model.predict(networks.X[:5], 0.5)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again, HyperparameterTrajectoryRegressor)
    parts = [model, model.flow_map_, model.flow_map_.module, model.base_.module_, again]
    watched = [weakref.ref(part) for part in parts]
    gc.collect()
    gc.disable()
    try:
        del parts, model, again
        assert [one() for one in watched] == [None] * len(watched)
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_a_thousand_fits():
    """Less than 20 MiB of growth after the first hundred."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.leaks", "--fits", "1000"],
        cwd=Path(__file__).parents[1],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    mib = np.array([line.split()[2] for line in done.stdout.splitlines()[:-1]], dtype=float)
    assert len(mib) == 10
    assert mib[1:].max() - mib[0] < 20
