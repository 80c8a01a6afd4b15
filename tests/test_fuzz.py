"""Odd and bad inputs: a finite answer of the right shape, or an error that names the argument."""

import re
import signal
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from sklearn_hti import HyperparameterTrajectoryRegressor, baselines
from sklearn_hti.paths import GeodesicPath, SmoothPath
from sklearn_hti.solvers import CouplingSolver, MongeGap, NeuralDual
from tests.odd_inputs import ARRAYS, CATEGORIES, FRAMES, LENGTHS, SERIES, SPOILED, frame_of

ARGUMENTS = "X|y|outputs|lams|lam|lam_grid|lam_from|lam_to|n_samples|random_state|" + "|".join(
    HyperparameterTrajectoryRegressor._parameter_constraints
)

# ---------------------------------------------------------------- cases


@dataclass
class Case:
    """Data and a surrogate; the parts that were drawn are what hypothesis shows."""

    estimator: object
    X: object = field(repr=False)
    y: object = field(repr=False)
    lam: object = field(repr=False)
    n_asked: int
    shape_of_y: tuple
    drawn: dict


SHORT = {"max_iter": 2, "batch_size": 16, "path": GeodesicPath(max_iter=2, n_nodes=2)}
SMALL = {"max_iter": 2, "batch_size": 16, "hidden_layer_sizes": [4, 4]}
DUAL = NeuralDual(**SMALL, path_iter=1, inner_iter=1, map_hidden_layer_sizes=[4])
LIMIT = 120  # seconds that a case may take; most take a tenth


@st.composite
def estimators(draw):
    """Return a surrogate that is trained for two steps."""
    options = {
        "base": ["neighbors", "neighbors", "auto", "flow"],
        "lam_transform": [None, None, "auto", "auto", "log", "odds", "entropy"],
        "n_anchors": ["auto", "auto", 2, 3],
        "output_scaling": ["common", "per_output"],
        "y_bounds": [*[None] * 6, (-1e17, 1e17), (-1.0, 1.0)],
        "kinetic": ["euclidean", "euclidean", "learned", "fixed_spectrum", "land", "rbf"],
        "potential": [None, None, "density"],
        "cost": ["jacobi", "jacobi", "action", "study"],
        "path": [SHORT["path"], SHORT["path"], SmoothPath()],
        "solver": [*[CouplingSolver()] * 5, MongeGap(**SMALL), DUAL],
        "conditioning": ["film", "concat", "hypernetwork"],
        "batch_size": [16, 16, 1],
        "n_steps": [2],
        "early_stopping": [False, True],
        "random_state": [0, 1],
    }
    cls = draw(
        st.sampled_from(
            [
                HyperparameterTrajectoryRegressor,
                baselines.DisplacementInterpolationRegressor,
                baselines.NearestAnchorRegressor,
                baselines.DirectSurrogateRegressor,
                baselines.ConditionalFlowMatchingRegressor,
            ]
        )
    )
    known = cls._parameter_constraints
    params = {k: v for k, v in SHORT.items() if k in known}
    if cls is baselines.DirectSurrogateRegressor:
        params["estimator"] = LinearRegression()
    for name, values in options.items():
        if name in known:
            params[name] = draw(st.sampled_from(values))
    if "max_iter" not in known:  # rivals that train no networks
        params.pop("base", None)
        params.pop("solver", None)
    return cls(**params)


SCALES = st.sampled_from([0, 0, 0, -8, -4, 4, 8])


@st.composite
def cases(draw):
    """Return a Case."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    sizes = draw(
        st.lists(st.integers(1, 12), min_size=draw(st.sampled_from([1, 2, 2, 2])), max_size=4)
    )
    if draw(st.integers(0, 9)) == 0:
        sizes = [1] * len(sizes)
    n = sum(sizes)
    n_features, n_outputs = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    kind = {
        "X": draw(st.sampled_from([*ARRAYS, *FRAMES, *CATEGORIES])),
        "y": draw(st.sampled_from([*ARRAYS, *FRAMES, *SERIES])),
        "lam": draw(st.sampled_from([*ARRAYS, *SERIES])),
    }
    spoiled = draw(st.sampled_from([None] * 6 + ["X", "y", "lam"]))
    rows = draw(st.sampled_from(["shared", "shared", "fresh", "duplicated", "constant"]))
    scale = {name: 10.0 ** draw(SCALES) for name in kind}
    in_column = spoiled is None and draw(st.integers(0, 4)) == 0
    offset = draw(st.sampled_from([0, 0, 0, 1, 1e6]))

    inputs = rng.normal(size=(max(sizes), n_features))
    X = np.concatenate([inputs[:size] for size in sizes])
    if rows == "fresh":
        X = rng.normal(size=(n, n_features))
    elif rows == "duplicated":
        X = np.repeat(X[:1], n, axis=0)
    elif rows == "constant" and n_features:
        X[:, 0] = 3.0
    lam = np.repeat(rng.uniform(0.1, 0.9, size=len(sizes)).cumsum(), sizes)
    y = rng.normal(size=(n, max(n_outputs, 1))) + lam[:, None]
    if rows == "constant":
        y[:, 0] = 1.0
    y = y if n_outputs else y[:, 0]
    values = {"X": X, "y": y, "lam": lam}
    values = {name: (v + offset * (name != "lam")) * scale[name] for name, v in values.items()}
    if draw(st.booleans()):
        order = rng.permutation(n)
        values = {name: v[order] for name, v in values.items()}
    if in_column:
        values["X"] = np.column_stack([values["X"], values["lam"]])
        n_features += 1
    given_as = {}
    for name, v in values.items():
        if name == spoiled:
            kind[name] = draw(st.sampled_from(list(SPOILED)))
            given_as[name] = SPOILED[kind[name]](v) if v.size else np.full((n, 1), np.nan)
        else:
            holders = ARRAYS | FRAMES | CATEGORIES | (SERIES if v.ndim == 1 else {})
            given_as[name] = holders[kind[name] if kind[name] in holders else "frame"](v)
    if spoiled != "X" and not n_features:
        given_as["X"] = None
    if n_features and spoiled is None and draw(st.booleans()):
        kind["lam"] = "None" if draw(st.integers(0, 9)) == 0 else kind["lam"]
        given_as["lam"] = None if kind["lam"] == "None" else given_as["lam"]
    estimator = draw(estimators())
    if in_column:
        given_as["lam"] = None
        estimator.set_params(lam_column=-1)
    return Case(
        estimator,
        **given_as,
        n_asked=draw(st.integers(1, n)),
        shape_of_y=(n_outputs,) if n_outputs else (),
        drawn={"sizes": sizes, "n_features": n_features, "kind": kind, "spoiled": spoiled}
        | {"rows": rows, "scale": scale, "offset": offset, "in_column": in_column},
    )


# ---------------------------------------------------------------- what has to hold


def first(values, n):
    """Return the first rows of anything with rows."""
    if values is None:
        return None
    if hasattr(values, "slice"):  # of Arrow
        return values.slice(0, n)
    return values.iloc[:n] if hasattr(values, "iloc") else values[:n]


def shape_of(y):
    return np.shape(y)[1:]


def answer(case):
    """Fit, ask in every way, and return {name: (answer, shape that it has to have)}."""
    model = case.estimator.fit(case.X, case.y, case.lam)
    n = case.n_asked
    X, y = first(case.X, n), first(case.y, n)
    lam = np.linspace(model.anchors_[0], model.anchors_[-1], n)
    D = shape_of(case.y)
    mean, std = model.predict(X, lam, return_std=True)
    start, end = model.anchors_[[0, -1]]
    grid = np.linspace(start, end, 3)
    found = {
        "predict": (mean, (n, *D)),
        "std": (std, (n, *D)),
        "sample": (model.sample(X, lam, random_state=0), (n, *D)),
        "samples": (model.sample(X, lam, n_samples=2, random_state=0), (2, n, *D)),
        "transport": (model.transport(X, y, lam_from=start, lam_to=end), (n, *D)),
        "back": (model.transport(X, y, lam_from=end, lam_to=start), (n, *D)),
        "trajectory": (model.trajectory(X, grid, random_state=0), (3, 1 if X is None else n, *D)),
        "followed": (model.trajectory(X, grid, y=y, lam_from=start), (3, n, *D)),
        "interpolate": (model.interpolate(X, [y, y], lams=[start, end], lam=lam), (n, *D)),
    }
    if n > 1:
        found["score"] = (np.float64(model.score(X, y, lam)), ())
    return found


@dataclass
class Question:
    """A method of a fitted surrogate and what it is asked."""

    surrogate: str
    method: str
    arguments: dict = field(repr=False)
    shape: tuple
    named: str | None  # what an error has to name
    drawn: dict


METHODS = ("predict", "sample", "transport", "interpolate", "trajectory", "score")


@cache
def fitted(name):
    """Return a surrogate fitted on plain data, and 8 rows of X to ask about."""
    rng = np.random.default_rng(0)
    n_outputs = 1 if name == "no condition" else 2
    lam = np.repeat([0.0, 1.0, 2.0], 8)
    y = rng.normal(size=(24, n_outputs)) + lam[:, None]
    X = np.tile(rng.normal(size=(8, 2)), (3, 1))
    X = {
        "array": X,
        "frame": frame_of(X).assign(kind=np.where(X[:, 0] > 0, "up", "down")),
        "no condition": None,
    }[name]
    params = {"kinetic": "euclidean", "potential": None, "lam_transform": None, "validate": False}
    model = HyperparameterTrajectoryRegressor(**SHORT, **params, base="neighbors", random_state=0)
    return model.fit(X, y[:, 0] if name == "no condition" else y, lam), first(X, 8)


@st.composite
def questions(draw):
    """Return a Question."""
    name = draw(st.sampled_from(["array", "array", "frame", "no condition"]))
    method = draw(st.sampled_from([*METHODS]))
    _, X = fitted(name)
    n = draw(st.integers(2, 8))
    D = () if X is None else (2,)
    rng = np.random.default_rng(draw(st.integers(0, 100)))
    y = rng.normal(size=(n, *D)) * 10.0 ** draw(SCALES)
    values = {"X": first(X, n), "y": y, "lam": rng.uniform(0, 2, size=n)}
    spoiled = draw(st.sampled_from([None, "X", "y", "lam"]))
    drawn = {"spoiled": spoiled}
    for key, v in values.items():
        if key == spoiled:
            # without X, the others say how many rows there are
            ways = [w for w in SPOILED if values["X"] is not None or w not in LENGTHS]
            drawn[key] = draw(st.sampled_from(ways))
            v = v if isinstance(v, np.ndarray) else np.zeros((n, 2))
            values[key] = SPOILED[drawn[key]](v)
        elif spoiled is None and isinstance(v, np.ndarray) and draw(st.booleans()):
            holders = ARRAYS | {"X": {}, "y": FRAMES if D else {}, "lam": SERIES}[key]
            drawn[key] = draw(st.sampled_from(list(holders)))
            v = np.linspace(0, 1, n) if key == "lam" and "int" in drawn[key] else v
            values[key] = holders[drawn[key]](v)
    X, y, lam = values.values()
    n_lam = n + {"too few": -1, "too many": 1}.get(drawn.get("lam"), 0)
    turned = draw(st.booleans())
    outputs = [np.zeros((n, *D)), y] if turned else [y, np.zeros((n, *D))]
    between = {"X": X, "outputs": outputs, "lams": [0.0, 2.0], "lam": lam}
    arguments, shape = {
        "predict": ({"X": X, "lam": lam}, (n, *D)),
        "sample": ({"X": X, "lam": lam, "n_samples": 3, "random_state": 0}, (3, n, *D)),
        "transport": ({"X": X, "y": y, "lam_from": 0.0, "lam_to": lam}, (n, *D)),
        "interpolate": (between, (n, *D)),
        "trajectory": ({"X": X, "lam_grid": lam, "y": y, "lam_from": 0.0}, (n_lam, n, *D)),
        "score": ({"X": X, "y": y, "lam": lam}, ()),
    }[method]
    named = {
        ("y", "interpolate"): "outputs",
        ("lam", "transport"): "lam_to",
        ("lam", "trajectory"): "lam_grid",
    }.get((spoiled, method), spoiled)
    # of arguments that disagree, either may be named
    named = None if drawn.get(spoiled) in LENGTHS else named
    return Question(name, method, arguments, shape, named, drawn)


@contextmanager
def in_time():
    """Raise where something hangs."""

    def give_up(*_):
        raise TimeoutError(f"no answer after {LIMIT} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def ends_well(ask, spoiled=None):
    """Assert that an answer is finite and of its shape, or the error names the argument."""
    with in_time(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)  # ours, and scikit-learn's
        try:
            found = ask()
        except (ValueError, TypeError) as error:
            names = spoiled or ARGUMENTS
            assert re.search(rf"\b({names})\b", str(error)), f"does not name {names}: {error}"
            return "refused"
    for name, (values, shape) in found.items():
        assert isinstance(values, np.ndarray | np.float64), name
        assert values.dtype == np.float64, name
        assert values.shape == shape, (name, values.shape, shape)
        assert np.isfinite(values).all(), name
    return "answered"


def check(case):
    """Fit a case, and ask it in every way."""
    return ends_well(lambda: answer(case))


def check_question(question):
    """Ask a surrogate that is there."""
    method = getattr(fitted(question.surrogate)[0], question.method)

    def ask():
        values = method(**question.arguments)
        return {
            question.method: (np.float64(values) if not question.shape else values, question.shape)
        }

    return ends_well(ask, question.named)


COMMON = {
    "deadline": None,
    "database": None,
    "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}


@settings(max_examples=60, **COMMON)
@given(cases())
def test_every_input_ends_well(case):
    check(case)


@settings(max_examples=300, **COMMON)
@given(questions())
def test_every_question_ends_well(question):
    check_question(question)


@pytest.mark.slow
@settings(max_examples=5000, **COMMON)
@given(cases())
def test_five_thousand_inputs_end_well(case):
    check(case)


@pytest.mark.slow
@settings(max_examples=5000, **COMMON)
@given(questions())
def test_five_thousand_questions_end_well(question):
    check_question(question)
