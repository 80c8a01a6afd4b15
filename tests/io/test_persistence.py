"""Surrogates in files: the same answers, and no harm from what is not a surrogate."""

import copy
import json
import os
import pickle
import resource
import time

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save as to_safetensors
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

import sklearn_hti
from sklearn_hti import HyperparameterTrajectoryRegressor, baselines, load
from sklearn_hti.clocks.time_scale import CurvedScale
from sklearn_hti.io import persistence
from sklearn_hti.io.decoder import Decoder
from sklearn_hti.io.encoder import Encoder
from sklearn_hti.lagrangian import CallablePotential, DensityPotential, LearnedMetric
from sklearn_hti.nn import Conditioning
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.solvers import CouplingSolver, NeuralDual

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning"),
]

SHORT = GeodesicPath(max_iter=4)


@pytest.fixture(scope="module")
def table():
    """Two outputs of networks that were asked for numbers and categories, in a DataFrame."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "number": np.repeat(rng.normal(size=6), 5),
            "letter": pd.Categorical(np.repeat(list("abcabc"), 5)),
            "year": pd.Categorical(np.repeat([1990, 2000], 15)),
        }
    )
    frames = [frame.assign(alpha=lam) for lam in (0.1, 0.2, 0.8)]
    X = pd.concat(frames, ignore_index=True)
    y = rng.normal(size=(90, 2)) * [1.0, 2.0] + X[["alpha"]].to_numpy()
    return X, y


@pytest.fixture(scope="module")
def fit(table):
    def fit(model, **parameters):
        own = {"max_iter": 5, "path": SHORT, "random_state": 0, "lam_column": "alpha"}
        own = {k: v for k, v in own.items() if k in model.get_params()}
        return model.set_params(**(own | parameters)).fit(*table)

    return fit


@pytest.fixture(scope="module")
def default(fit):
    return fit(HyperparameterTrajectoryRegressor(lam_transform="log", y_bounds=(-9, 9)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "surrogate.safetensors"


def assert_same_answers(model, again, X, y):
    X, y = X[::6], y[::6]
    lam, options = X["alpha"], {"random_state": 0}
    for a, b in (
        (
            model.sample(X, lam, n_samples=2, **options),
            again.sample(X, lam, n_samples=2, **options),
        ),
        (model.predict(X, 0.37), again.predict(X, 0.37)),
        (
            model.transport(X, y, lam_from=0.1, lam_to=0.6),
            again.transport(X, y, lam_from=0.1, lam_to=0.6),
        ),
        (
            model.transport(X, y, lam_from=0.6, lam_to=lam),
            again.transport(X, y, lam_from=0.6, lam_to=lam),
        ),
        (model.trajectory(X, [0.1, 0.7], **options), again.trajectory(X, [0.1, 0.7], **options)),
    ):
        assert_array_equal(a, b)


MODELS = {
    "default": HyperparameterTrajectoryRegressor(),
    "hypernetwork": HyperparameterTrajectoryRegressor(
        conditioning=Conditioning("hypernetwork", encoding="sinusoidal"),
        kinetic="land",
        base="flow",
        output_scaling="per_output",
    ),
    "smooth": HyperparameterTrajectoryRegressor(
        kinetic="rbf", path="smooth", potential=None, lam_transform="entropy"
    ),
    "dual": HyperparameterTrajectoryRegressor(
        solver=NeuralDual(max_iter=4, path_iter=2, hidden_layer_sizes=[8, 8]),
        kinetic=LearnedMetric(min_eigenvalue=0.2, fixed_spectrum=True),
        potential=DensityPotential(bandwidth=0.5),
        conditioning="concat",
    ),
    "flow matching": baselines.ConditionalFlowMatchingRegressor(coupling="independent", n_steps=2),
    "metric flow matching": baselines.MetricFlowMatchingRegressor(n_steps=2),
    "displacement": baselines.DisplacementInterpolationRegressor(solver=CouplingSolver()),
    "nearest": baselines.NearestAnchorRegressor(n_neighbors=2),
}


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("name", MODELS)
def test_answers_are_the_same_to_the_bit(fit, table, path, name):
    model = fit(clone(MODELS[name]))
    model.save(path)
    again = load(path)
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert_same_answers(model, again, *table)


@pytest.mark.parametrize(
    "transform",
    [None, "log", "probit", StandardScaler(), MinMaxScaler(), PowerTransformer(),
     QuantileTransformer(n_quantiles=3)],
)  # fmt: skip
def test_every_clock(fit, table, path, transform):
    model = fit(baselines.DisplacementInterpolationRegressor(lam_transform=transform))
    model.save(path)
    assert_same_answers(model, load(path), *table)


def test_deterministic_networks_and_no_columns(make, networks, path):
    """Their map is inverted on the way back; its errors by knot belong to the model."""
    model = make(max_iter=20, base="flow").fit(networks.X, networks.y[:, 0], networks.lam)
    model.save(path)
    again = load(path)
    X, y = networks.X[:80], networks.y[:80, 0]
    assert_array_equal(
        again.transport(X, y, lam_from=2.0, lam_to=0.3),
        model.transport(X, y, lam_from=2.0, lam_to=0.3),
    )
    bare = make(max_iter=5).fit(None, networks.y[:, 0], networks.lam)
    bare.save(path)
    assert_array_equal(load(path).predict(None, [0.4, 0.5]), bare.predict(None, [0.4, 0.5]))


def test_what_users_see_is_kept(default, table, path):
    default.save(path)
    again = load(path)
    assert_array_equal(again.anchors_, default.anchors_)
    assert_array_equal(again.feature_names_in_, default.feature_names_in_)
    assert again.n_features_in_ == 4
    assert again.n_iter_ == default.n_iter_
    assert repr(again.lam_transform_) == repr(default.lam_transform_)
    assert again.diagnostics_ == default.diagnostics_
    assert again.history_.equals(default.history_)
    assert (again.base_.name, again.base_.reason) == (default.base_.name, default.base_.reason)
    assert again.base_lam_ == default.base_lam_
    assert repr(again.solver_) == repr(default.solver_)
    with pytest.raises(ValueError, match="column 'letter' holds 'z'"):
        again.predict(table[0].assign(letter="z"), 0.3)


def test_the_curve_of_the_clock_is_kept(fit, path):
    model = fit(baselines.NearestAnchorRegressor(), lam_transform="auto")
    assert isinstance(model.lam_transform_.rule, CurvedScale)
    model.save(path)
    grid = np.linspace(*model.anchors_[[0, -1]], 30)
    assert_array_equal(load(path).lam_transform_.time(grid), model.lam_transform_.time(grid))


def test_a_loaded_surrogate_can_be_fitted_saved_and_pickled(default, table, path):
    default.save(path)
    again = load(path)
    again.save(path)
    assert_same_answers(default, load(path), *table)
    assert_same_answers(default, pickle.loads(pickle.dumps(again)), *table)
    assert_same_answers(default, clone(again).fit(*table), *table)


def test_what_only_a_new_fit_needs_is_left_out(fit, table, path):
    model = fit(
        HyperparameterTrajectoryRegressor(random_state=np.random.RandomState(0)),
        callbacks=[],
        kinetic="euclidean",
        potential=None,
        random_state=np.random.RandomState(0),
    )
    model.save(path)
    again = load(path)
    assert again.callbacks is None
    assert again.random_state is None
    assert isinstance(model.random_state, np.random.RandomState)  # untouched
    assert_same_answers(model, again, *table)


def test_many_conditions_stay_small(path):
    """One pool of rows per condition: not one array each."""
    x = np.arange(4000.0)[:, None]
    lam = np.repeat([0.0, 1.0], 4000)
    model = baselines.NearestAnchorRegressor().fit(np.tile(x, (2, 1)), lam, lam)
    model.save(path)
    assert path.stat().st_size < 1_500_000
    assert_array_equal(load(path).predict(x[:50], 1.0), model.predict(x[:50], 1.0))


# ---------------------------------------------------------------- what is refused on the way out


def square(y, x):
    return -(y**2).sum(dim=1)


class Own(HyperparameterTrajectoryRegressor):
    """A class of the user."""


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (HyperparameterTrajectoryRegressor(base=lambda X: X[["alpha", "alpha"]] * 0), "base"),
        (HyperparameterTrajectoryRegressor(base=LinearRegression()), "base is .*LinearRegression"),
        (HyperparameterTrajectoryRegressor(potential=square), "potential is .*square"),
        (HyperparameterTrajectoryRegressor(potential=CallablePotential(square)), "potential"),
        (
            HyperparameterTrajectoryRegressor(lam_transform=FunctionTransformer(np.log)),
            "lam_transform is .*FunctionTransformer",
        ),
        (baselines.DirectSurrogateRegressor(LinearRegression()), "DirectSurrogateRegressor"),
        (Own(), "Own"),
    ],
)
def test_objects_of_the_user_are_refused(fit, path, model, named):
    options = {"categorical_features": ["letter", "year"]}
    if getattr(model, "base", None) is not None and not isinstance(model.base, str):
        X = pd.DataFrame({"number": np.arange(40.0) % 4, "alpha": np.repeat([0.1, 0.2], 20)})
        model.set_params(lam_column="alpha", max_iter=2, path=SHORT, lam_transform=None)
        model.base = model.base if hasattr(model.base, "fit") else (lambda X: X.to_numpy())
        fitted = model.fit(X, X["number"])
    else:
        fitted = fit(model, **options)
    with pytest.raises(TypeError, match=rf"{named}.*(\n.*)*skops.*joblib"):
        fitted.save(path)
    assert not path.exists()


def test_what_could_not_be_loaded_is_refused(default, path):
    spoiled = copy.deepcopy(default)
    spoiled.base_.y_[0, 0] = np.nan
    with pytest.raises(ValueError, match="holds NaN"):
        spoiled.save(path)
    assert not path.exists()


def test_unfitted_is_refused(path):
    with pytest.raises(NotFittedError):
        HyperparameterTrajectoryRegressor().save(path)


# ---------------------------------------------------------------- several hyperparameters


START = {"C": 1.0, "gamma": 0.3, "kernel": "rbf"}


def answers_of_several(model, X, y, to):
    return [
        model.predict(X, to),
        model.sample(X, to, n_samples=2, random_state=0),
        model.transport(X, y, lam_from=START, lam_to=to),
        *model.interval(X, to),
        model.trajectory(X[:3], to[:5], random_state=0),
        model.anchors_,
    ]


@pytest.mark.parametrize(
    "copied",
    [
        lambda model, path: model.save(path) or load(path),
        lambda model, path: pickle.loads(pickle.dumps(model)),
        lambda model, path: copy.deepcopy(model),
    ],
    ids=["load", "pickle", "deepcopy"],
)
def test_several_hyperparameters(of_several, path, copied):
    model, X, y, to, _ = of_several
    again = copied(model, path)
    assert repr(again.lam_transform_) == repr(model.lam_transform_)
    assert again.base_lam_.tolist() == model.base_lam_.tolist()
    pairs = zip(*(answers_of_several(m, X, y, to) for m in (model, again)), strict=True)
    for expected, found in pairs:
        assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"unknown categories \['linear'\]"):
        again.predict(X, START | {"kernel": "linear"})
    with pytest.raises(ValueError, match="convex hull"):
        again.predict(X, START | {"gamma": 2.0})


def test_networks_of_several_hyperparameters_are_brought_by_their_tuples(path):
    X = np.random.default_rng(0).normal(size=(20, 2))

    def network(a, b, kind):
        return lambda X: np.sin(X[:, 0] + a) * (1 + (kind == "two")) + b * X[:, 1]

    rows = [(a, b, kind) for a in (0.0, 1.0) for b in (0.0, 2.0) for kind in ("one", "two")]
    networks = {row: network(*row) for row in rows}
    lam = pd.DataFrame([row for row in rows for _ in range(20)], columns=["a", "b", "kind"])
    y = np.concatenate([networks[row](X) for row in rows])
    model = HyperparameterTrajectoryRegressor(networks=networks, validate=False, random_state=0)
    model.fit(np.tile(X, (8, 1)), y, lam).save(path)
    asked = {"a": 0.4, "b": 1.5, "kind": "two"}
    expected = model.predict(X, asked)
    assert_array_equal(load(path, networks=networks).predict(X, asked), expected)
    del networks[1.0, 2.0, "two"]
    with pytest.raises(ValueError, match=r"no network for lambda = \(a=1, b=2, kind='two'\)"):
        load(path, networks=networks)


# ---------------------------------------------------------------- pickle, joblib, skops


OWN = {
    "default": HyperparameterTrajectoryRegressor(),
    "estimator": HyperparameterTrajectoryRegressor(
        base=make_pipeline(OneHotEncoder(), LinearRegression()),
        lam_transform=FunctionTransformer(np.log),
    ),
    "function": HyperparameterTrajectoryRegressor(potential=square),
    "direct": baselines.DirectSurrogateRegressor(LinearRegression()),
    "nearest": baselines.NearestAnchorRegressor(),
}


@pytest.fixture(scope="module", params=OWN)
def own(fit, request):
    """Surrogates with and without objects of the user."""
    return request.param, fit(clone(OWN[request.param]))


def test_pickle_joblib_and_copies(own, table, tmp_path):
    _, model = own
    joblib.dump(model, tmp_path / "model")
    for again in (
        joblib.load(tmp_path / "model"),
        joblib.load(tmp_path / "model", mmap_mode="r"),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        copy.copy(model),
    ):
        assert_same_answers(model, again, *table)


def test_skops_has_to_trust_the_surrogate_alone(own, table):
    """And what the user has put into it."""
    skops = pytest.importorskip("skops.io", reason="skops is of the user")
    name, model = own
    data = skops.dumps(model)
    trusted = skops.get_untrusted_types(data=data)
    more = {
        "estimator": [
            "sklearn_hti.data.encoding.OutputScaler",
            "sklearn_hti.samplers.wrapped.EstimatorBase",
        ],
        "direct": ["sklearn_hti.baselines.direct._Mean"],
    }
    expected = [f"{type(model).__module__}.{type(model).__name__}"]
    expected += more.get(name, [])
    expected += [f"{__name__}.square"] * (name == "function")
    assert sorted(trusted) == sorted(expected)
    assert_same_answers(model, skops.loads(data, trusted=trusted), *table)


def test_a_pickle_from_another_device(default, table):
    """Where there is no such device, networks come to the CPU."""
    state = default.__getstate__() | {"device": "cuda:77"}
    again = HyperparameterTrajectoryRegressor.__new__(HyperparameterTrajectoryRegressor)
    again.__setstate__(state)
    assert_same_answers(default, again, *table)


# ---------------------------------------------------------------- faults of the disk


def test_a_folder_that_is_not_there(default, tmp_path):
    with pytest.raises(FileNotFoundError, match="Pass a file in a folder that exists"):
        default.save(tmp_path / "missing" / "model")


def test_a_path_that_is_a_folder(default, tmp_path):
    with pytest.raises(OSError):
        default.save(tmp_path)
    with pytest.raises(OSError):
        load(tmp_path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "missing")


def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):
        load(tmp_path / "pipe")


@pytest.mark.parametrize("name", [b"bytes", "n" * 255, b"not \xff text"])
def test_every_name_is_saved_and_loaded(default, table, tmp_path, name):
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
    default.save(path)
    assert_array_equal(load(path).predict(table[0], 0.3), default.predict(table[0], 0.3))


def test_a_private_file_stays_private(default, path):
    path.touch(mode=0o600)
    default.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o400)
    with pytest.raises(PermissionError, match="read-only"):
        default.save(path)


def test_a_full_disk_leaves_the_old_file(default, path):
    """Past the largest file that the process may write, the system reports an error."""
    path.write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(OSError, match="unchanged"):
            default.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


def test_a_crash_before_the_last_step_leaves_the_old_file(default, path, monkeypatch):
    path.write_bytes(b"old")

    def crash(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        default.save(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


# ---------------------------------------------------------------- damaged and hostile files


@pytest.fixture(scope="module")
def saved(default, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    default.save(path)
    return path


def forge(saved, path, edit):
    """Write the file anew after `edit(head, arrays)`, with a checksum that is right."""
    head, arrays = persistence._read(saved)
    edit(head, arrays)
    text = json.dumps(head)
    entries = {"sklearn_hti": text, "sha256": persistence._digest(text, arrays)}
    path.write_bytes(to_safetensors(arrays, entries))


def find(node, name):
    """Return the parts of the first object of a class in the nodes."""
    if isinstance(node, dict):
        if "object" in node and node["object"][0] == name:
            return node["object"][1]
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            if (found := find(part, name)) is not None:
                return found
    return None


def test_the_forger_changes_nothing_by_itself(saved, path, default, table):
    forge(saved, path, lambda head, arrays: None)
    assert_same_answers(default, load(path), *table)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_truncated_file(saved, path, share):
    data = saved.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(ValueError, match=r"damaged.*Save it again"):
        load(path)


@pytest.mark.parametrize("share", [0.0, 0.00005, 0.1, 0.5, 0.9, 0.9999])
def test_a_flipped_bit(saved, path, share):
    data = bytearray(saved.read_bytes())
    data[int(share * len(data))] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"damaged|not a surrogate"):
        load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip file",
        pickle.dumps({"a": 1}),
        (2**62).to_bytes(8, "little") + b"{}",
        to_safetensors({"0": np.zeros(3)}),
        to_safetensors({"0": np.zeros(3)}, {"sklearn_hti": "{}", "sha256": "0"}),
        to_safetensors({"0": np.zeros(3)}, {"sklearn_hti": "[" * 100_000, "sha256": "0"}),
        to_safetensors({"0": np.zeros(3)}, {"sklearn_hti": '{"format": NaN}', "sha256": "0"}),
    ],
)
def test_other_files(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=str(path)):
        load(path)


@pytest.mark.parametrize(
    ("version", "number", "remedy"), [("9.0", 99, "Upgrade"), ("0.0", 1, "Fit and save again")]
)
def test_another_format_is_named(saved, path, version, number, remedy):
    def edit(head, arrays):
        head["format"], head["version"] = number, version

    forge(saved, path, edit)
    with pytest.raises(ValueError, match=rf"'{version}' in format {number}.*{remedy}"):
        load(path)


def test_another_version_of_scikit_learn_warns(saved, path):
    forge(saved, path, lambda head, arrays: head.update(sklearn="1.0"))
    with pytest.warns(InconsistentVersionWarning, match="1.0"):
        load(path)


def _set(name, attribute, value):
    return lambda head, arrays: find(head, name).__setitem__(attribute, value)


def _root(node):
    return lambda head, arrays: head.__setitem__("root", node)


def _add_nan(head, arrays):
    key = next(k for k, a in arrays.items() if a.dtype == np.float32 and a.ndim == 2)
    arrays[key] = arrays[key].copy()
    arrays[key][0, 0] = np.nan


def _reshape(head, arrays):
    weight = find(head, "Linear")["parameters"]["weight"]["array"]
    arrays[weight] = arrays[weight][:, :-1].copy()


def _plain(name, attribute, value):
    return lambda head, arrays: find(head, name)["plain"].__setitem__(attribute, value)


def _part(group):
    return lambda head, arrays: find(head, "FlowMap")[group].update(note=None)


HOSTILE = {
    "unknown class": _root({"object": ["os.system", {"command": "true"}]}),
    "path as class": _root({"object": ["../../Clock", {}]}),
    "not a surrogate": _root({"object": ["WarpClock", {"name": "log"}]}),
    "unknown node": _root({"call": ["print", "x"]}),
    "method as node": _root({"_check": 1}),
    "no object": _root([1, 2]),
    "missing array": _set("OutputScaler", "center_", {"array": "../../etc/passwd"}),
    "huge object array": _set(
        "ConditionEncoder", "categorical_", {"objects": [[10**12], [True]]}
    ),
    "huge category": _set("ConditionEncoder", "n_categories_", [10**12, 2]),
    "huge embedding": _plain("ConditionEmbedding", "n_categories", {"tuple": [10**12, 2]}),
    "huge number of anchors": _plain("FlowMap", "n_intervals", 10**12),
    "overwritten method": _set("OutputScaler", "decode", "text"),
    "overwritten private part": _plain("Linear", "_forward_hooks", {"dict": []}),
    "unknown attribute": _set("OutputScaler", "note", "text"),
    "unknown private attribute": _set("StandardScaler", "_parameter_constraints", {"dict": []}),
    "unknown attribute of a surrogate": _set("HyperparameterTrajectoryRegressor", "note", 1),
    "class attribute": _set("HyperparameterTrajectoryRegressor", "_parameter_constraints", 1),
    "unknown attribute of a network": _plain("Linear", "note", "text"),
    "unknown parameter": _part("parameters"),
    "unknown network": _part("modules"),
    "anchors that descend": _set("FittedState", "anchors", {"array": "0"}),
    "base at no anchor": _set("FittedState", "base_lam", 1e300),
    "dunder": _set("OutputScaler", "__class__", "text"),
    "wrong type": _set("OutputScaler", "scale_", "text"),
    "object type": _set("OutputScaler", "scale_", {"scalar": ["O", 1]}),
    "infinite scale": _set("OutputScaler", "scale_", {"float": "inf"}),
    "bad parameter": _set("HyperparameterTrajectoryRegressor", "max_iter", -3),
    "wrong shape": _reshape,
    "NaN": _add_nan,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file(saved, path, name):
    forge(saved, path, HOSTILE[name])
    with pytest.raises(ValueError, match=r"Save it again"):
        load(path)


@pytest.mark.parametrize("n_steps", [0, 10**6, 1e300, None])
def test_steps_without_end(fit, path, n_steps):
    fit(clone(MODELS["flow matching"])).save(path)
    forge(path, path, _set("FollowedVelocities", "n_steps", n_steps))
    with pytest.raises(ValueError, match="Save it again"):
        load(path)


def test_steps_from_noise(path):
    """Of several hyperparameters: the movement and the draws at the base have them."""
    lam = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 5, axis=0)
    y = lam.sum(axis=1) + np.tile(np.arange(5), 4)
    rival = baselines.ConditionalFlowMatchingRegressor(n_steps=10_000, max_iter=2, random_state=0)
    rival.fit(None, y, lam).save(path)
    seconds = time.perf_counter()
    assert load(path).n_steps == 10_000
    assert time.perf_counter() - seconds < 1
    for name, number in [("n_steps", 10**6), ("n_places", 3)]:
        forge(path, path, _set("FlowFromNoise", name, number))
        with pytest.raises(ValueError, match="Save it again"):
            load(path)


def test_loading_asks_for_one_step(fit, path):
    model = fit(clone(MODELS["flow matching"]), n_steps=10_000)
    model.save(path)
    seconds = time.perf_counter()
    assert load(path).n_steps == 10_000
    assert time.perf_counter() - seconds < 1


def test_an_attribute_of_the_user_is_refused(default, path):
    noted = copy.copy(default)
    noted.note = "mine"
    with pytest.raises(TypeError, match="note is no attribute that a Hyper"):
        noted.save(path)
    assert pickle.loads(pickle.dumps(noted)).note == "mine"


def test_text_of_any_shape_is_kept():
    for text in (["a", "bcd\U0001f600"], [["", "é"]], [], "x", [[], []]):
        array = np.array(text, dtype=np.str_)
        encoder = Encoder({}, {})
        node = encoder.encode(array)
        again = Decoder({}, encoder.arrays, "cpu").decode(node)
        assert (again.dtype, again.shape) == (array.dtype, array.shape)
        assert_array_equal(again, array)


def test_loading_builds_through_no_constructor(saved, monkeypatch, default):
    def never(*args, **kwargs):
        raise AssertionError("executed")

    for cls in (
        type(default.flow_map_),
        type(default.lam_transform_),
        type(default._state.outputs.scaler),
    ):
        monkeypatch.setattr(cls, "__init__", never)
    assert load(saved).n_iter_ == default.n_iter_


def test_the_device(saved, path):
    assert str(next(load(saved, "cpu").flow_map_.module.parameters()).device) == "cpu"
    with pytest.raises(ValueError, match="device='nonsense' cannot be used"):
        load(saved, "nonsense")
    forge(saved, path, lambda head, arrays: head.update(device="cuda:77"))
    assert load(path).flow_map_.device == "cpu"  # saved where this machine has no device


def test_load_is_found_where_users_look():
    assert "load" in sklearn_hti.__all__
