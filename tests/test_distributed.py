"""On a Dask cluster: trainings and searches by joblib, draws by partitions."""

import os

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_hti import sweep
from sklearn_hti.metrics import neg_energy_score
from sklearn_hti.model_selection import LeaveOneLambdaOut

REASON = "the extra `dask` is not installed"
dask = pytest.importorskip("dask", reason=REASON)
distributed = pytest.importorskip("distributed", reason=REASON)
cloudpickle = pytest.importorskip("cloudpickle", reason=REASON)
da = pytest.importorskip("dask.array", reason=REASON)
dd = pytest.importorskip("dask.dataframe", reason=REASON)

pytestmark = [
    pytest.mark.dask,
    # Dask's own, on its way up and down
    pytest.mark.filterwarnings("ignore::DeprecationWarning:(distributed|dask|tornado)"),
    pytest.mark.filterwarnings("ignore:.*:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Sending large graph"),
]


@pytest.fixture(scope="module")
def cluster():
    """A client of two workers, each a process with one thread."""
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            memory_limit=0,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.run(__import__, "sklearn_hti.datasets")  # on both at once
        yield client


@pytest.fixture(scope="module", params=["neighbors", "flow"])
def surrogate(request, make, clouds):
    """A surrogate of `clouds` with either base; for queries only."""
    X = pd.DataFrame(clouds.X, columns=["x"])
    return make(max_iter=20, base=request.param).fit(X, clouds.y[:, 0], clouds.lam)


@pytest.fixture(scope="module")
def rows(clouds):
    """Rows to ask for, each with lambda and a seed of its own."""
    frame = pd.DataFrame({"x": clouds.X[:50, 0], "lam": np.linspace(0, 2, 50)})
    return frame.assign(seed=np.arange(50))


def draw(part, surrogate):
    """Draw for the rows of one partition: the recipe of docs/distributed.md."""
    return part.assign(y=surrogate.sample(part[["x"]], part["lam"], random_state=part["seed"]))


class Where(BaseEstimator):
    """Answers with the number of the process that trained it."""

    def __init__(self, level=0.0):
        self.level = level

    def fit(self, X, y):
        self.process_ = os.getpid()
        return self

    def predict(self, X):
        return np.full(len(X), float(self.process_))


def test_sweep_on_a_cluster(cluster):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    arguments = Ridge(), "alpha", [0.1, 1.0, 10.0, 100.0], X, X.sum(axis=1)
    here = sweep(*arguments, random_state=0)
    with joblib.parallel_config(backend="dask"):
        there = sweep(*arguments, random_state=0)
    assert_allclose(there.y, here.y)
    assert_array_equal(there.lam, here.lam)
    assert [e.alpha for e in there.estimators] == [0.1, 1.0, 10.0, 100.0]


def test_trainings_are_elsewhere(cluster):
    with joblib.parallel_config(backend="dask"):
        there = sweep(Where(), "level", [0.0, 1.0, 2.0, 3.0], np.zeros((2, 1)), np.zeros(2))
    assert set(there.y) <= {float(pid) for pid in cluster.run(os.getpid).values()}


@pytest.mark.parametrize("routing", [True, False])
def test_search_on_a_cluster(cluster, make, clouds, routing):
    """Workers obey the setting of the client, whichever it is."""
    params = {} if routing else {"lam_column": -1}
    X = clouds.X if routing else np.column_stack([clouds.X, clouds.lam])
    search = GridSearchCV(
        make(max_iter=5, base="neighbors", **params),
        {"conditioning": ["film", "concat"]},
        scoring=neg_energy_score,
        cv=LeaveOneLambdaOut(**params),
        error_score="raise",
    )
    lam = {"lam": clouds.lam} if routing else {}
    with config_context(enable_metadata_routing=routing):
        here = search.fit(X, clouds.y, **lam).cv_results_["mean_test_score"]
        with joblib.parallel_config(backend="dask"):
            there = search.fit(X, clouds.y, **lam).cv_results_["mean_test_score"]
    assert_allclose(there, here, rtol=1e-4)


def weights(collection):
    """Return the pickled bytes of every task, as they go to a worker."""
    (collection,) = dask.optimize(collection)
    return np.array([len(cloudpickle.dumps(t)) for t in dict(collection.dask).values()])


@pytest.mark.parametrize("n_partitions", [1, 3])
def test_draws_by_partitions_of_a_frame(cluster, surrogate, rows, n_partitions):
    table = dd.from_pandas(rows, npartitions=n_partitions)
    drawn = table.map_partitions(draw, dask.delayed(surrogate), meta=rows.assign(y=0.0))
    found = drawn.compute()
    assert_array_equal(found.index, rows.index)
    assert_allclose(found["y"], draw(rows, surrogate)["y"], rtol=1e-4, atol=1e-5)
    # the surrogate is one task of its own, not a part of every partition's
    assert (weights(drawn) >= len(cloudpickle.dumps(surrogate))).sum() == 1


def draw_block(block, surrogate):
    """Draw four times for the rows of one block with the columns x, lambda and seed."""
    X = pd.DataFrame(block[:, :-2], columns=["x"])
    lam, seed = block[:, -2], block[:, -1].astype(int)
    return surrogate.sample(X, lam, n_samples=4, random_state=seed).T


def test_draws_by_blocks_of_an_array(cluster, surrogate, rows):
    table = da.from_array(rows.to_numpy(), chunks=((20, 20, 10), 3))
    drawn = table.map_blocks(
        draw_block, dask.delayed(surrogate), chunks=(table.chunks[0], 4), dtype=float
    )
    assert drawn.shape == (50, 4)
    assert_allclose(drawn.compute(), draw_block(rows.to_numpy(), surrogate), rtol=1e-4, atol=1e-5)
    assert (weights(drawn) >= len(cloudpickle.dumps(surrogate))).sum() == 1
