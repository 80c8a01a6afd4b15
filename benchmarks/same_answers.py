"""Digests of the answers of many small fits, to show that a change of code changes no answer.

    python -m benchmarks.same_answers > before.txt    # on the code before the change
    python -m benchmarks.same_answers > after.txt     # on the code after it
    diff before.txt after.txt                         # empty: every answer is equal to the bit

One line per case: its name and a SHA-256 digest. The cases cover every solver, Lagrangian, path,
conditioning, base, clock and baseline, bins, categories, ensembles, validation, policies,
pipelines, exported graphs and files. Digests cover draws, means and standard deviations, moved
and interpolated outputs, trajectories, intervals, diagnostics, validation, histories without
durations, and the warnings of this package. Only the public interface is used, so that a copy of
this file runs on another version of the package: `PYTHONPATH=OTHER python same_answers.py`.

Both runs need the same machine and the same versions of all libraries. Names of cases as
arguments run those alone.
"""

import copy
import hashlib
import importlib.util
import json
import pickle
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler

from sklearn_hti import HyperparameterTrajectoryRegressor, baselines, load, sweep
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.lagrangian import DensityPotential, LearnedMetric
from sklearn_hti.metrics import neg_energy_score
from sklearn_hti.model_selection import LeaveOneLambdaOut
from sklearn_hti.nn import Conditioning
from sklearn_hti.paths import GeodesicPath, SmoothPath
from sklearn_hti.pipeline import make_trajectory_pipeline
from sklearn_hti.policies import TrajectoryPolicy
from sklearn_hti.solvers import CouplingSolver, MongeGap, NeuralDual

TIMINGS = ["seconds"]


class Digest:
    """A SHA-256 digest of numbers and text, whatever holds them."""

    def __init__(self):
        self.sha = hashlib.sha256()

    def add(self, value):
        """Add a value and all that it holds."""
        if isinstance(value, pd.DataFrame):
            value = value.drop(columns=TIMINGS, errors="ignore")
            self.add(list(map(str, value.columns)))
            for column in value:
                self.add(value[column].tolist())
        elif isinstance(value, torch.Tensor):
            self.add(value.detach().cpu().numpy())
        elif isinstance(value, np.ndarray) and value.dtype != object:
            self.sha.update(f"{value.dtype} {value.shape}".encode())
            self.sha.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, dict):
            for name, part in value.items():
                self.add(str(name))
                self.add(part)
        elif isinstance(value, list | tuple | np.ndarray):
            self.add(len(value))
            for part in value:
                self.add(part)
        elif isinstance(value, bytes):
            self.sha.update(value)
        else:
            if isinstance(value, np.generic):
                value = value.item()
            self.sha.update(f"{type(value).__name__} {value!r}".encode())


# ---------------------------------------------------------------- data


def draws(n_conditions=4, n_draws=30, lams=(0.0, 0.5, 1.0, 2.0), n_outputs=2, seed=0):
    """Networks of several draws per input."""
    rng = np.random.default_rng(seed)
    x = np.tile(np.repeat(rng.normal(size=(n_conditions, 2)), n_draws, axis=0), (len(lams), 1))
    lam = np.repeat(lams, n_conditions * n_draws)
    angle = lam[:, None] * (1 + 0.3 * np.arange(n_outputs)) + x[:, :1]
    noise = rng.normal(size=(len(lam), n_outputs)) * (0.2 + 0.1 * lam[:, None])
    return x, np.sin(angle) + x[:, 1:] * lam[:, None] + noise, lam


def answers_of_networks(n=60, lams=(0.0, 0.5, 1.0, 2.0), n_outputs=2, seed=0):
    """Networks of one answer, put to the same inputs."""
    rng = np.random.default_rng(seed)
    x = np.tile(rng.uniform(-1, 1, size=(n, 2)), (len(lams), 1))
    lam = np.repeat(lams, n)
    angle = lam[:, None] * (1 + 0.3 * np.arange(n_outputs)) + x[:, :1]
    return x, np.cos(angle) + x[:, 1:] * lam[:, None] ** 2, lam


def own_inputs(n=80, lams=(0.01, 0.2, 0.9), seed=0):
    """One draw per input, and other inputs at every anchor."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n * len(lams), 2))
    lam = np.repeat(lams, n)
    y = x[:, :1] * lam[:, None] + rng.normal(size=(len(lam), 2)) * (0.3 + lam[:, None])
    return x, y, lam


def binned(n=240, seed=0):
    """Continuous lambdas."""
    rng = np.random.default_rng(seed)
    x, lam = rng.normal(size=(n, 1)), rng.uniform(0, 1, size=n)
    return x, np.column_stack([x[:, 0] + lam, lam**2]) + 0.1 * rng.normal(size=(n, 2)), lam


def table(n_draws=12):
    """A DataFrame with categories, and lambda in a column."""
    rng = np.random.default_rng(0)
    inputs = pd.DataFrame({"age": [0.1, 0.7, -0.4, 1.2], "kind": ["a", "b", "a", "c"]})
    rows = pd.concat([inputs.loc[inputs.index.repeat(n_draws)]] * 3, ignore_index=True)
    rows["lam"] = np.repeat([1.0, 2.0, 4.0], 4 * n_draws)
    shift = rows["kind"].map({"a": 0.0, "b": 1.0, "c": -1.0}).to_numpy()
    y = rows["age"].to_numpy() * rows["lam"].to_numpy() + shift
    return rows, y + 0.1 * rng.normal(size=len(rows)), None


def without_condition(n=80, lams=(0.0, 1.0, 2.0)):
    """Draws without any input."""
    lam = np.repeat(lams, n)
    rng = np.random.default_rng(0)
    return None, rng.normal(loc=np.column_stack([lam, lam**2]), scale=0.2), lam


def few_draws(n_conditions=60, n_draws=6):
    """Networks of a few draws of each of many inputs."""
    return draws(n_conditions, n_draws, lams=(0.0, 1.0, 2.0))


# ---------------------------------------------------------------- what is asked


def ask(model, data, *, pull=None):
    """Return all answers of a surrogate, or of a pipeline that ends in one."""
    X, y, lam = data
    in_column = lam is None
    lam = X["lam"].to_numpy() if in_column else lam
    anchors = getattr(model, "anchors_", None)
    anchors = model[-1].anchors_ if anchors is None else anchors
    some = np.unique(np.linspace(0, len(y) - 1, 23).astype(int))
    rows = None if X is None else (X.iloc[some] if in_column else X[some])
    middle = 0.3 * anchors[0] + 0.7 * anchors[1]
    last = anchors[-1] - 0.1 * (anchors[-1] - anchors[-2])
    at = np.where(np.arange(len(some)) % 2, middle, last)
    seeds = None if X is None else np.arange(len(some))
    found = {
        "sample": model.sample(rows, lam=at, random_state=3),
        "samples": model.sample(rows, lam=at, n_samples=3, random_state=0),
        "by row": None if seeds is None else model.sample(rows, lam=at, random_state=seeds),
        "mean": model.predict(rows, lam=at, return_std=True),
        "trajectory": model.trajectory(rows, [anchors[0], middle, last], random_state=1)
        if X is not None
        else model.trajectory(None, [anchors[0], middle], n_samples=4, random_state=1),
    }
    if not isinstance(model, baselines.DirectSurrogateRegressor):
        start, end = anchors[0], anchors[1]
        at_start = np.flatnonzero(lam == start)[:20] if pull is None else some
        given = None if X is None else (X.iloc[at_start] if in_column else X[at_start])
        found["moved"] = model.transport(given, y[at_start], lam_from=start, lam_to=last)
        found["back"] = model.transport(given, y[at_start], lam_from=last, lam_to=start)
        said = [y[at_start], y[at_start] + 0.3]
        found["between"] = model.interpolate(given, said, lams=[start, end], lam=middle)
        if X is not None:
            found["followed"] = model.trajectory(
                given, [start, middle, end], y=y[at_start], lam_from=start
            )
    if hasattr(model, "interval"):
        found["interval"] = model.interval(rows, lam=at, coverage=0.8)
    return found


def record_of(model):
    """Return what a fit has recorded of itself."""
    names = ("anchors_", "base_lam_", "n_iter_", "history_", "diagnostics_", "validation_")
    found = {name: getattr(model, name) for name in names if hasattr(model, name)}
    clock = getattr(model, "lam_transform_", None)
    if clock is not None:
        found["clock"] = clock.name, clock.reason, clock.scores, len(clock.alternatives)
        low, high = model.anchors_[[0, -1]]
        found["time"] = clock.time(np.linspace(low, high, 17))
    return found


def surrogate(**params):
    """The estimator with a short training."""
    short = {"max_iter": 25, "validate": False, "random_state": 0, "lam_transform": None}
    short |= {"kinetic": "euclidean", "potential": None}
    return HyperparameterTrajectoryRegressor(**{**short, **params})


def fit_and_ask(model, data):
    """Fit, and return answers and records."""
    model.fit(*data)
    return [
        ask(model, data, pull=True if len(np.unique(data[2])) > 20 else None)
        if data[2] is not None
        else ask(model, data),
        record_of(model),
    ]


PATHS = GeodesicPath(max_iter=15, n_nodes=3, n_segments=6)
LEARNED = {"kinetic": "learned", "potential": "density", "path": PATHS}
DUAL = NeuralDual(
    max_iter=20,
    inner_iter=2,
    path_iter=2,
    path_every=10,
    metric_every=5,
    hidden_layer_sizes=(16, 16),
    map_hidden_layer_sizes=(16, 16),
)
GAP = MongeGap(
    max_iter=20,
    path_iter=2,
    path_every=10,
    metric_every=5,
    block_size=16,
    gap_size=8,
    hidden_layer_sizes=(16, 16),
)


def obstacle(y, x):
    """A potential of the user."""
    return 0.1 * (y**2).sum(dim=-1)


def cloud(X):
    """A stochastic network of the user, at the first anchor."""
    X = np.asarray(X, dtype=float)
    return np.column_stack([np.sin(X[:, 0]), X[:, 1]])


def cases():
    """Yield names of cases and functions that return what is digested."""

    def fit(data, **params):
        return partial(fit_and_ask, surrogate(**params), data)

    # solvers
    for regularization in (None, "entropic", "sparse"):
        solver = CouplingSolver(regularization=regularization)
        yield f"coupling/{regularization}", fit(draws(2, 20), solver=solver)
    yield "coupling/affine", fit(draws(2, 60), solver=CouplingSolver(affine=True))
    yield "coupling/answers", fit(answers_of_networks())
    yield "coupling/few draws", fit(few_draws())
    yield "coupling/few draws, auto affine", fit(draws(40, 8), lam_transform="auto")
    yield "coupling/own inputs", fit(own_inputs())
    yield "coupling/without condition", fit(without_condition())
    yield "coupling/one output", fit(draws(n_outputs=1))
    yield "coupling/one output, learned", fit(draws(n_outputs=1), **LEARNED)
    yield "coupling/five outputs", fit(draws(2, 60, n_outputs=5))
    for name, solver in (("dual", DUAL), ("gap", GAP)):
        yield f"{name}/straight", fit(draws(), solver=solver)
        yield f"{name}/learned", fit(draws(), solver=solver, **LEARNED)
        yield f"{name}/answers", fit(answers_of_networks(), solver=solver)
        yield f"{name}/own inputs", fit(own_inputs(), solver=solver)
    yield "gap/few draws", fit(few_draws(), solver=GAP)

    # Lagrangians and paths
    for kinetic in ("learned", "fixed_spectrum", "land", "rbf"):
        yield f"kinetic/{kinetic}", fit(draws(), kinetic=kinetic, path=PATHS)
    yield "kinetic/instance", fit(draws(), kinetic=LearnedMetric(min_eigenvalue=0.3), path=PATHS)
    yield "kinetic/four outputs", fit(draws(n_outputs=4), kinetic="learned", path=PATHS)
    yield "potential/density", fit(draws(), potential="density", path=PATHS)
    yield "potential/instance", fit(draws(), potential=DensityPotential(weight=1.0), path=PATHS)
    yield "potential/function", fit(draws(), potential=obstacle, path=PATHS)
    for cost in ("jacobi", "action", "study"):
        yield f"cost/{cost}", fit(draws(), cost=cost, **LEARNED)
    yield "learned/answers", fit(answers_of_networks(), **LEARNED)
    yield "learned/own inputs", fit(own_inputs(), **LEARNED)
    yield "learned/without condition", fit(without_condition(), **LEARNED)
    yield "path/smooth", fit(draws(), path="smooth")
    yield "path/smooth, answers", fit(answers_of_networks(), path=SmoothPath())
    again = GeodesicPath(max_iter=20, n_nodes=3, n_couplings=2, refine_steps=2)
    yield "path/couplings", fit(draws(), kinetic="learned", potential="density", path=again)

    # networks
    for kind in ("film", "concat", "hypernetwork"):
        yield f"conditioning/{kind}", fit(draws(), conditioning=kind, base="flow")
    waves = Conditioning(encoding="sinusoidal")
    yield "conditioning/waves", fit(draws(), conditioning=waves, base="flow")
    yield "training/early stopping", fit(few_draws(), early_stopping=True, base="flow")

    # the base
    for base in ("auto", "neighbors", "flow", LinearRegression(), cloud):
        name = base if isinstance(base, str) else getattr(base, "__name__", type(base).__name__)
        yield f"base/{name}", fit(draws(), base=base)
    yield "base/auto, many inputs", fit(answers_of_networks(), base="auto")
    yield "base/own inputs", fit(own_inputs(), base="flow")
    yield "base/neighbors, own inputs", fit(own_inputs(), base="neighbors")
    yield "base/last", fit(draws(), base_lam=2.0)

    # bins, categories, bounds
    yield "bins/auto", fit(binned())
    yield "bins/4", fit(binned(), n_anchors=4, lam_transform="auto")
    yield "table/categories", fit(table(), lam_column="lam")
    yield "table/flow", fit(table(), lam_column="lam", base="flow", conditioning="concat")
    yield "table/learned", fit(table(), lam_column="lam", **LEARNED)
    X, y, lam = draws()
    yield "bounds", fit((X, y, lam), y_bounds=(y.min(axis=0) - 0.1, y.max(axis=0) + 0.1))
    yield "scaling/per output", fit((X, y * [1, 50], lam), output_scaling="per_output")

    # clocks
    for clock in ("auto", "entropy", QuantileTransformer(n_quantiles=20)):
        name = clock if isinstance(clock, str) else "transformer"
        yield f"clock/{name}", fit(draws(), lam_transform=clock)
    for clock in ("log", "logit", "probit", "odds", "auto"):
        yield f"clock/{clock}, levels", fit(own_inputs(), lam_transform=clock)
    yield "clock/auto, answers", fit(answers_of_networks(), lam_transform="auto")
    wide = answers_of_networks(lams=(1e-3, 0.1, 10.0))
    yield "clock/auto, two decades", fit(wide, lam_transform="auto")
    yield "clock/auto, two anchors", fit(draws(lams=(0.0, 0.97)), lam_transform="auto")

    # trust
    yield "trust", fit(draws(), validate=True)
    yield (
        "trust/answers",
        fit(answers_of_networks(), validate=True, lam_transform="auto"),
    )
    yield "trust/learned", fit(draws(), validate="auto", **LEARNED)
    yield (
        "defaults",
        partial(
            fit_and_ask,
            HyperparameterTrajectoryRegressor(max_iter=20, path=PATHS, random_state=1),
            draws(),
        ),
    )

    # baselines
    quick = {"max_iter": 25, "n_steps": 4, "random_state": 0, "lam_transform": None}
    flow = partial(baselines.ConditionalFlowMatchingRegressor, **quick)
    for model in (
        baselines.DisplacementInterpolationRegressor(random_state=0),
        baselines.DisplacementInterpolationRegressor(n_neighbors=3, random_state=0),
        baselines.NearestAnchorRegressor(random_state=0),
        baselines.DirectSurrogateRegressor(random_state=0),
        baselines.DirectSurrogateRegressor(
            make_pipeline(PolynomialFeatures(2), LinearRegression()), random_state=0
        ),
        flow(),
        flow(coupling="independent", conditioning="concat"),
        baselines.MetricFlowMatchingRegressor(path=PATHS, **quick),
        baselines.MetricFlowMatchingRegressor(metric=LearnedMetric(), path=PATHS, **quick),
    ):
        for of, data in (("draws", draws()), ("answers", answers_of_networks())):
            text = " ".join(repr(model).split())
            yield f"baseline/{of}/{text}", partial(fit_and_ask, copy.deepcopy(model), data)

    # files, copies and graphs
    for name, model, data in (
        ("plain", surrogate(base="flow"), draws()),
        ("answers", surrogate(), answers_of_networks()),
        ("learned", surrogate(lam_transform="auto", **LEARNED), draws()),
        ("kernel", surrogate(kinetic="land", path=PATHS), draws()),
        ("table", surrogate(lam_column="lam", conditioning="hypernetwork"), table()),
        ("nearest", baselines.NearestAnchorRegressor(random_state=0), draws()),
        ("flow matching", flow(coupling="independent"), draws()),
        ("metric", baselines.MetricFlowMatchingRegressor(path=PATHS, **quick), draws()),
        ("interpolation", baselines.DisplacementInterpolationRegressor(random_state=0), draws()),
    ):
        yield f"file/{name}", partial(through_files, model, data)
    for name, data, params in (
        ("draws", draws(), {}),
        ("table", table(), {"lam_column": "lam", "lam_transform": "log"}),
        ("entropy", draws(), {"lam_transform": "entropy", "y_bounds": (-9.0, 9.0)}),
        ("answers", answers_of_networks(), {"lam_transform": "auto"}),
        ("without condition", without_condition(), {}),
    ):
        yield f"export/torch/{name}", partial(through_graph, surrogate(**params), data)
    if all(map(importlib.util.find_spec, ("onnx", "onnxscript", "onnxruntime"))):
        yield "export/onnx", partial(through_onnx, surrogate(), draws())

    # around the estimator
    yield "pipeline", in_pipeline
    yield "policy", in_policy
    yield "sweep", swept
    yield "scores", scored
    yield "page", paged


def through_files(model, data):
    """Return the answers of a surrogate that was saved and loaded, pickled and copied."""
    model.fit(*data)
    first = ask(model, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        again = copy.copy(model)
        if isinstance(getattr(again, "history_", None), pd.DataFrame):
            again.history_ = again.history_.drop(columns=TIMINGS)
        again.save(path)
        written = content_of(path)
        loaded = load(path)
    pickled = pickle.loads(pickle.dumps(model))
    return [first, written, *(ask(one, data) for one in (loaded, pickled, copy.deepcopy(model)))]


def content_of(path):
    """Return header and numbers of a safetensors file, whose entries come in any order."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    return [json.dumps(json.loads(data[8:end]), sort_keys=True), data[end:]]


def inputs_of_graph(info, data):
    """Return x, y and lam of a few rows as a graph takes them."""
    X, y, lam = data
    lam = X["lam"].to_numpy() if lam is None else lam
    rows = np.arange(0, len(y), 7)
    given = {"y": y.reshape(len(y), -1)[rows], "lam": lam[::-1][rows]}
    if X is None:
        return {name: np.float32(value) for name, value in given.items()}
    if isinstance(X, pd.DataFrame):
        X = X[info["x"]].assign(kind=X["kind"].astype("category").cat.codes)
    given = {"x": np.asarray(X, dtype=float)[rows], **given}
    return {name: np.float32(value) for name, value in given.items()}


def through_graph(model, data):
    """Return the outputs of a graph for torch."""
    model.fit(*data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.pt2"
        info = model.export(path, "torch")
        graph = torch.export.load(path).module()
    given = [torch.as_tensor(value) for value in inputs_of_graph(info, data).values()]
    with torch.no_grad():
        return [info, graph(*given)]


def through_onnx(model, data):
    """Return the outputs of a graph for ONNX."""
    import onnxruntime

    model.fit(*data)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "graph.onnx")
        info = model.export(path, "onnx")
        session = onnxruntime.InferenceSession(path)
    return [info, session.run(None, inputs_of_graph(info, data))]


def in_pipeline():
    """Return the answers of a pipeline."""
    data = draws()
    pipeline = make_trajectory_pipeline(StandardScaler(), surrogate())
    X, y, lam = data
    pipeline.fit(X, y, lam=lam)
    return [ask(pipeline, data), pipeline.score(X, y, lam=lam)]


def in_policy():
    """Return actions."""
    X, y, lam = answers_of_networks()
    model = surrogate().fit(X, y, lam)
    found = []
    for base in (None, cloud):
        policy = TrajectoryPolicy(model, 0.7, base=base, random_state=0)
        found += [policy.predict(X[:5], deterministic=how)[0] for how in (True, False)]
    return found


def swept():
    """Return data of a sweep, and a fit of them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = X[:, 0] ** 2 + 0.1 * rng.normal(size=60)
    pipeline = make_pipeline(PolynomialFeatures(2), LinearRegression())
    data = sweep(pipeline, "polynomialfeatures__degree", [1, 2, 3], X, y)
    data = data.X, data.y, data.lam
    return [list(data), fit_and_ask(surrogate(), data)]


def scored():
    """Return scores, and what leaving anchors out says."""
    X, y, lam = draws()
    model = surrogate().fit(X, y, lam)
    parts = [list(part) for part in LeaveOneLambdaOut().split(X, y, lam=lam)]
    return [model.score(X, y, lam), neg_energy_score(model, X, y, lam=lam), parts]


def paged():
    """Return a page with a slider, but for plotly's own code."""
    if importlib.util.find_spec("plotly") is None:
        return None
    X, y, lam = draws()
    model = surrogate().fit(X, y, lam)
    with tempfile.TemporaryDirectory() as folder:
        path = model.to_html(Path(folder) / "page.html", X[:2], n_samples=3, random_state=0)
        return path.read_bytes()


def told(caught):
    """Return the warnings of this package: kind, text, and whether users see their own line."""
    own = [w for w in caught if issubclass(w.category, TrajectoryWarning)]
    return [(w.category.__name__, str(w.message), w.filename == __file__) for w in own]


def main(names):
    """Print a line per case."""
    torch.set_num_threads(1)
    n_cases = 0
    for name, run in cases():
        if names and not any(part in name for part in names):
            continue
        digest, begin = Digest(), time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                digest.add(run())
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
                raise
        digest.add(told(caught))
        n_cases += 1
        print(f"{name}\t{digest.sha.hexdigest()}", flush=True)
        print(f"{time.perf_counter() - begin:6.2f} s  {name}", file=sys.stderr)
    print(f"{n_cases} cases", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
