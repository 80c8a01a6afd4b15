"""A fit whose process is killed, again and again, comes to the end of one that is not.

Run as a program, it forks one process after the other, so that none has to import anything.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from skorch.callbacks import Callback

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.callbacks import Checkpoint
from sklearn_hti.nn.engine import count_steps
from sklearn_hti.paths import GeodesicPath

EVERY = 50
NETWORKS = ("geodesics", "transport", "base generator")
WAYS = ("amid writing", "before replacing", "after replacing", "at any time")


class Log(Callback):
    """Writes down, before every step, which network it is of and how many were taken."""

    def __init__(self, file):
        self.file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def on_epoch_begin(self, net, **kwargs):
        self.n_steps = count_steps(net.history)

    def on_batch_begin(self, net, training=False, **kwargs):
        if training:
            os.write(self.file, f"{NETWORKS.index(net.label)} {self.n_steps}\n".encode())
            self.n_steps += 1


def fit(folder, max_iter, out):
    """Fit three networks of `max_iter` steps with checkpoints, and store some answers."""
    rng = np.random.default_rng(0)
    X = np.tile(rng.uniform(-1, 1, size=(30, 2)), (3, 1))
    lam = np.repeat([0.0, 1.0, 2.0], 30)
    y = X * (1 + lam[:, None]) + X[:, ::-1] ** 2
    model = HyperparameterTrajectoryRegressor(
        kinetic="learned",
        potential=None,
        lam_transform=None,
        path=GeodesicPath(max_iter=max_iter, batch_size=16, n_couplings=2),
        max_iter=max_iter,
        batch_size=16,
        base="flow",
        callbacks=[Checkpoint(folder, every=EVERY), Log(f"{folder}.log")],
        random_state=0,
    ).fit(X, y, lam)
    draws = model.sample(X[:30], 0.7, random_state=0)
    np.save(out, np.hstack([model.transport(X[:30], y[:30], lam_from=0.0, lam_to=1.3), draws]))


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def prepare_to_die(way, n_before, share):
    """Have this process killed at its `n_before + 1`-th checkpoint, in one of the WAYS."""
    left = n_before
    replace = os.replace

    def write_bytes(path, data):
        with open(path, "wb") as file:
            if left or way != "amid writing":
                return file.write(data)
            file.write(data[: int(share * len(data))])
        return die()

    def replace_and_die(source, target):
        nonlocal left
        if not left and way == "before replacing":
            die()
        replace(source, target)
        if not left and way == "after replacing":
            die()
        left -= 1

    if way != "at any time":
        Path.write_bytes, os.replace = write_bytes, replace_and_die


def run(folder, max_iter, out, rng, way):
    """Fit in a process of its own that is killed, if there is a way; return its exit status."""
    log = Path(f"{folder}.log")
    log.unlink(missing_ok=True)
    n_before, share = int(rng.integers(2)), rng.random()
    child = os.fork()
    if not child:
        if way:
            prepare_to_die(way, n_before, share)
        fit(folder, max_iter, out)
        os._exit(0)
    if way == "at any time":
        deadline = time.monotonic() + 120
        while not log.exists() or not log.stat().st_size:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(rng.exponential(0.3))
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def span(folder, max_iter, reached=None):
    """Return the steps, of all networks, at which the last process began and ended.

    Where the one before it was killed after its last step, nothing was left to be trained.
    """
    lines = Path(f"{folder}.log").read_text().splitlines()
    steps = [max_iter * network + step for network, step in (map(int, s.split()) for s in lines)]
    assert np.all(np.diff(steps) == 1)
    if not steps:
        assert reached == len(NETWORKS) * max_iter - 1
        return reached + 1, reached
    return steps[0], steps[-1]


def main(folder, n_kills, max_iter, seed):
    """Kill, and go on, so many times; then to the end. Print what came of it."""
    n_kills, max_iter = int(n_kills), int(max_iter)
    rng = np.random.default_rng(int(seed))
    torch.set_num_threads(1)
    lost, n_left, died = [], 0, dict.fromkeys(WAYS, 0)
    end = None
    for i in range(n_kills):
        way = WAYS[i % len(WAYS)]
        status = run(folder, max_iter, f"{folder}.cut.npy", rng, way)
        assert status == signal.SIGKILL, (way, status)
        died[way] += 1
        begin, reached = span(folder, max_iter, end)
        if end is not None:
            lost.append(end + 1 - begin)
        end = reached
        for file in Path(folder).rglob("*.pt"):
            torch.load(file, weights_only=True)  # none is half a file
        n_left = len([*Path(folder).rglob(".*.part")])
    assert run(folder, max_iter, f"{folder}.cut.npy", rng, None) == 0
    lost.append(end + 1 - span(folder, max_iter, end)[0])
    assert run(f"{folder}.whole", max_iter, f"{folder}.whole.npy", rng, None) == 0
    print(json.dumps({"died": died, "lost": lost, "left": n_left}))


@pytest.mark.parametrize(
    ("n_kills", "max_iter"), [(4, 100), pytest.param(40, 900, marks=pytest.mark.slow)]
)
def test_killed_again_and_again(tmp_path, n_kills, max_iter):
    """The answers are the same to the bit, and no kill costs more than an interval."""
    folder, seed = tmp_path / "folder", secrets.randbelow(2**31)
    root = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.fspath(root)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, folder, *map(str, (n_kills, max_iter, seed))],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"
    found = json.loads(done.stdout)
    print(f"seed {seed}: {found}")
    assert all(n == n_kills // len(WAYS) for n in found["died"].values())
    assert max(found["lost"]) <= EVERY
    assert n_kills // 2 <= found["left"] <= n_kills * 3 // 4  # for the next hour
    cut, whole = (np.load(f"{folder}.{name}.npy") for name in ("cut", "whole"))
    assert_array_equal(cut, whole)


if __name__ == "__main__":
    main(*sys.argv[1:])
