"""Threads that ask, save and load one surrogate get what one thread alone gets."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LinearRegression

from sklearn_hti import baselines, load
from sklearn_hti._utils.random import draw_seeds
from sklearn_hti.paths import GeodesicPath

N_THREADS = 8

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")


@pytest.fixture(scope="module")
def data():
    """Three networks, asked for 30 inputs of two columns."""
    rng = np.random.default_rng(0)
    X = np.tile(rng.normal(size=(30, 2)), (3, 1))
    lam = np.repeat([0.0, 1.0, 2.0], 30)
    return X, X * (1 + lam[:, None]) + X[:, ::-1] ** 2, lam


@pytest.fixture(scope="module")
def surrogates(make, data):
    """Deterministic networks, whose map is inverted; noisy ones; learned paths; rivals."""
    X, y, lam = data
    noisy = y + np.random.default_rng(1).normal(size=y.shape)
    learned = {"kinetic": "learned", "potential": "density", "path": GeodesicPath(max_iter=5)}
    short = {"max_iter": 5, "random_state": 0}
    return {
        "deterministic": make(max_iter=50, base="neighbors").fit(X, y, lam),
        "flow": make(max_iter=5, base="flow", conditioning="hypernetwork").fit(X, noisy, lam),
        "learned": make(max_iter=5, base="neighbors", **learned).fit(X, noisy, lam),
        "network": make(max_iter=5, base=LinearRegression()).fit(X, noisy, lam),
        "direct": baselines.DirectSurrogateRegressor(LinearRegression()).fit(X, y, lam),
        "flow matching": baselines.ConditionalFlowMatchingRegressor(n_steps=2, **short).fit(
            X, y, lam
        ),
        "displacement": baselines.DisplacementInterpolationRegressor().fit(X, noisy, lam),
    }


def questions(model, data):
    """Return 8 lists of functions: all methods, each with rows, lambdas and seeds of its own."""
    X, y, _ = data

    def question(i):
        seed = draw_seeds(i, "a")["a"]
        rows = np.random.default_rng(i).integers(30, size=2 + i)
        x, start, end = X[rows], y[rows], y[60 + rows]
        lam = np.linspace(0.1 * i, 2, len(rows))
        by_row = np.arange(len(rows)) + seed
        return [
            lambda: model.sample(x, lam, n_samples=3, random_state=seed),
            lambda: model.sample(x, lam, random_state=by_row),
            lambda: np.stack(model.predict(x, lam, return_std=True)),
            lambda: model.transport(x, start, lam_from=0.0, lam_to=lam),
            lambda: model.transport(x, end, lam_from=2.0, lam_to=lam),
            lambda: model.interpolate(x, [start, end], lams=[0.0, 2.0], lam=lam),
            lambda: model.trajectory(x, [0.0, 0.3 + 0.1 * i], random_state=seed),
            lambda: model.score(x, start, lam),
        ]

    return [question(i) for i in range(N_THREADS)]


def at_once(functions):
    """Call functions in as many threads, which begin together; return what each returns."""
    ready = Barrier(len(functions))

    def call(function):
        ready.wait(60)
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(call, functions))


@pytest.mark.parametrize("n_rounds", [1, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name",
    ["deterministic", "flow", "learned", "network", "direct", "flow matching", "displacement"],
)
def test_eight_threads_get_the_answers_of_one(surrogates, data, name, n_rounds):
    """In another order each, so that different methods meet."""
    asked = questions(surrogates[name], data)
    alone = [[ask() for ask in own] for own in asked]

    def in_turn(i):
        order = np.tile(np.roll(np.arange(len(asked[i])), i), n_rounds)
        return [(k, asked[i][k]()) for k in order]

    together = at_once([lambda i=i: in_turn(i) for i in range(N_THREADS)])
    for one, other in zip(alone, together, strict=True):
        for k, answer in other:
            assert_array_equal(answer, one[k])


def test_a_new_thread_computes_as_the_first_does():
    """Where OpenMP has more threads than torch: only a fresh process can be told so."""
    script = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np, torch
from sklearn_hti import HyperparameterTrajectoryRegressor as Regressor

torch.set_num_threads(1)
rng = np.random.default_rng(0)
X, lam = rng.normal(size=(90, 2)), np.repeat([0.0, 1.0, 2.0], 30)
y = X * (1 + lam[:, None]) + rng.normal(size=X.shape)

def fit():
    options = {"kinetic": "euclidean", "potential": None, "validate": False}
    return Regressor(max_iter=20, base="flow", random_state=0, **options).fit(X, y, lam)

def in_a_new_thread(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()

model = fit()
for n_rows in range(2, 9):
    def sample(model=model):
        return model.sample(X[:n_rows], 0.5, n_samples=3, random_state=0)

    np.testing.assert_array_equal(in_a_new_thread(sample), sample())
    fitted = in_a_new_thread(fit) if n_rows == 2 else model
    np.testing.assert_array_equal(sample(fitted), sample())
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "2"})


def test_draws_without_a_seed_differ_between_threads(surrogates, data):
    X = data[0][:20]
    draws = at_once([lambda: surrogates["flow"].sample(X, 0.5) for _ in range(N_THREADS)])
    assert len(np.unique(np.stack(draws), axis=0)) == N_THREADS


def test_threads_that_save_and_load_one_file(surrogates, data, tmp_path):
    """A file is a whole one at any time."""
    models = [surrogates["deterministic"], surrogates["learned"]]
    path, X = tmp_path / "surrogate", data[0][:5]
    models[0].save(path)
    known = [model.predict(X, 0.5) for model in models]

    def write(i):
        for _ in range(5):
            models[i % 2].save(path)

    def read():
        return [load(path).predict(X, 0.5) for _ in range(5)]

    calls = [*(lambda i=i: write(i) for i in range(4)), *[read] * 4]
    for answers in at_once(calls)[4:]:
        for answer in answers:
            assert any(np.array_equal(answer, one) for one in known)
    assert [file.name for file in tmp_path.iterdir()] == ["surrogate"]
