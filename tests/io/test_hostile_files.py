"""Files that are damaged or forged at random: refused, or as good as new; nothing runs."""

import json
import os
import pickle
import re
import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from safetensors.numpy import save as to_safetensors

from sklearn_hti import load
from sklearn_hti.callbacks import Checkpoint
from sklearn_hti.io import persistence

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.TrajectoryWarning")

# what no file may bring about, by the names of Python's audit events
_FORBIDDEN = (
    *("compile", "exec", "import", "os.exec", "os.fork", "os.posix_spawn", "os.remove"),
    *("os.rename", "os.rmdir", "os.spawn", "os.system", "pickle.find_class", "shutil.rmtree"),
    *("socket.connect", "subprocess.Popen", "ctypes.dlopen", "urllib.Request"),
)
_STATM = Path("/proc/self/statm")
_seen = None


def _listen(event, arguments):
    if _seen is not None:
        writes = event == "open" and set(str(arguments[1])) & set("wax+")
        if writes or event in _FORBIDDEN:
            _seen.append((event, arguments))


sys.addaudithook(_listen)  # for good: it cannot be taken away, but told not to listen


@contextmanager
def nothing_runs():
    """Raise if anything is run, imported, written or sent."""
    global _seen
    _seen = []
    try:
        yield
        seen = _seen
    finally:
        _seen = None
    assert not seen


@contextmanager
def in_bounds(seconds=60, mib=4096):
    """Raise where loading hangs or, on Linux, takes all memory."""

    def give_up(*_):
        raise TimeoutError(f"not done after {seconds} s")

    limits = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, give_up)
    if _STATM.exists():
        size = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + mib * 2**20, limits[1]))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=10), "kind": pd.Categorical(list("ab") * 5)})
    return pd.concat([frame] * 3, ignore_index=True)


@pytest.fixture(scope="module", params=["neighbors", "flow", "auto"])
def model(request, make, frame):
    lam = np.repeat([0.5, 1.0, 2.0], 10)
    y = np.random.default_rng(1).normal(size=(30, 2)) + lam[:, None]
    path = {"kinetic": "learned", "potential": "density"} if request.param == "flow" else {}
    model = make(base=request.param, max_iter=2, lam_transform="log", **path)
    return model.fit(frame, y, lam)


@pytest.fixture(scope="module")
def saved(model, frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    model.save(path)
    load(path)
    str(frame)  # pandas imports what prints a table late; errors may print one
    bad = path.with_name("bad")
    bad.write_bytes(b"bad")
    with pytest.raises(ValueError):
        load(bad)  # what is imported along the way is there now
    return path


def answers(model, frame):
    X = frame[:4]
    drawn = model.sample(X, 0.7, random_state=0)
    return np.stack(
        [
            model.predict(X, 1.5),
            model.transport(X, np.zeros((4, 2)), lam_from=0.5, lam_to=2.0),
            drawn,
        ]
    )


# ---------------------------------------------------------------- damaged


def damage(data, rng):
    """Return the bytes of a file after one of the accidents that files meet with."""
    data = bytearray(data)
    # half of them in the head, which is but a part
    place = int(rng.integers(len(data) if rng.random() < 0.5 else min(len(data), 20_000)))
    some = slice(place, place + int(rng.integers(1, 600)))
    way = rng.integers(7)
    if way == 0:
        data[place] ^= 1 << int(rng.integers(8))
    elif way == 1:
        data[some] = rng.bytes(len(data[some]))
    elif way == 2:
        data[some] = bytes(len(data[some]))
    elif way == 3:
        del data[some]
    elif way == 4:
        del data[place:]
    elif way == 5:
        data[place:place] = data[some]
    else:
        data += rng.bytes(int(rng.integers(1, 99)))
    return bytes(data)


@pytest.mark.parametrize("n_files", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_damaged_files(saved, model, frame, tmp_path, n_files):
    data, rng = saved.read_bytes(), np.random.default_rng(0)
    known, path = answers(model, frame), tmp_path / "model"
    n_refused = 0
    for _ in range(n_files):
        path.write_bytes(damage(data, rng))
        with nothing_runs(), in_bounds():
            try:
                again = load(path)
            except ValueError as error:
                assert str(path) in str(error)
                n_refused += 1
                continue
        assert_array_equal(answers(again, frame), known)
    assert n_refused > 0.9 * n_files


# ---------------------------------------------------------------- forged


def places(node, found):
    """Collect every (container, key) of the nodes."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, part in items:
        found.append((node, key))
        if isinstance(part, dict | list):
            places(part, found)
    return found


VALUES = (
    *(None, True, -1, 0, 1, 2, 3, 10**12, -(10**12), 10**400, 0.5, -1e300, 1e300),
    *("", "x", "euclidean", "__class__", [], [[]], {}, {"array": "0"}, {"array": "99999"}),
    *({"float": "inf"}, {"float": "nan"}, {"tuple": []}, {"dict": []}, {"objects": [[2], [1, 2]]}),
    *({"object": ["Linear", {}]}, {"object": ["OutputScaler", {}]}, {"foreign": 0}),
    *({"scalar": ["f8", 1e300]}, {"texts": [[1], ["x"]]}, {"tree": {"array": "0"}}),
    {"frame": [["a", [1]]]},
)


def forge(saved, path, rng):
    """Change one or two nodes, or an array, at random; the checksum is right."""
    head, arrays = persistence._read(saved)
    for _ in range(int(rng.integers(1, 3))):
        everywhere = places(head["root"], [])
        where, key = everywhere[rng.integers(len(everywhere))]
        way = rng.integers(5)
        if way == 0 and isinstance(where, dict):
            where[f"{key}_"] = where.pop(key)
        elif way == 1:
            del where[key]
        elif way == 2:
            other, place = everywhere[rng.integers(len(everywhere))]
            where[key] = json.loads(json.dumps(other[place]))
        elif way == 3:
            name = [*arrays][rng.integers(len(arrays))]
            array = arrays[name] = arrays[name].copy()
            change = rng.integers(3)
            if change == 0:
                arrays[name] = array[:-1].copy() if array.ndim else array
            elif change == 1:
                arrays[name] = array.astype([np.int64, np.float64, bool][rng.integers(3)])
            elif array.size and array.dtype.kind != "b":
                array.flat[rng.integers(array.size)] = -(10**6)
        else:
            where[key] = VALUES[rng.integers(len(VALUES))]
    write(head, arrays, path)


def write(head, arrays, path):
    """Write a file whose checksum is right; return its path."""
    text = json.dumps(head)
    entries = {"sklearn_hti": text, "sha256": persistence._digest(text, arrays)}
    path.write_bytes(to_safetensors(arrays, entries))
    return path


@pytest.mark.parametrize("n_files", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_forged_files(saved, frame, tmp_path, n_files):
    """Without a key, no check knows a forged number from a true one; no harm comes of either."""
    rng, path = np.random.default_rng(0), tmp_path / "model"
    n_refused = 0
    for _ in range(n_files):
        forge(saved, path, rng)
        with nothing_runs(), in_bounds():
            try:
                load(path)
            except ValueError as error:
                assert str(path) in str(error)
                n_refused += 1
    assert 0.2 * n_files < n_refused < n_files


@pytest.mark.parametrize("n_files", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_forged_files_of_several_hyperparameters(of_several, tmp_path, n_files):
    rng, saved, path = np.random.default_rng(0), tmp_path / "saved", tmp_path / "model"
    of_several[0].save(saved)
    load(saved)
    n_refused = 0
    for _ in range(n_files):
        forge(saved, path, rng)
        with nothing_runs(), in_bounds():
            try:
                load(path)
            except ValueError as error:
                assert str(path) in str(error)
                n_refused += 1
    assert 0.2 * n_files < n_refused < n_files


def several_times_as_many(state):
    state["levels"]["tuple"][2]["tuple"] *= 2


FORGED = {
    "a category more": ("LamSpace", several_times_as_many),
    "levels of another number": ("CategoryAxis", lambda state: state.update(n_levels=10**6)),
    "a hyperparameter less": ("LamSpace", lambda state: state["kept"]["tuple"].pop()),
    "an axis less": ("AxesScale", lambda state: state["axes"]["tuple"].pop()),
    "no hull": ("FittedState", lambda state: state.update(hull=None)),
    "names of other columns": ("LamSpace", lambda state: state["names"]["tuple"].pop()),
}


FORGED_SAYS = r"its scales|hull|number of hyperparameters|categories that have no name"


@pytest.mark.parametrize("name", FORGED)
def test_hyperparameters_of_a_file_fit_together(of_several, tmp_path, name):
    of_several[0].save(tmp_path / "saved")
    head, arrays = persistence._read(tmp_path / "saved")
    kind, change = FORGED[name]
    nodes = [where[key] for where, key in places(head["root"], [])]
    found = [n["object"] for n in nodes if isinstance(n, dict) and n.get("object", [0])[0] == kind]
    change(found[0][1])
    with (
        in_bounds(mib=1024),
        pytest.raises(ValueError, match=FORGED_SAYS) as error,
    ):
        load(write(head, arrays, tmp_path / "model"))
    assert "MemoryError" not in repr(error.value.__cause__)


# ---------------------------------------------------------------- small, that would be large


def _linear(n):
    names = [{"parameters": {"weight": n, "bias": n}, "buffers": {}, "modules": {}, "plain": {}}]
    return {"object": ["Linear", *names]}


ONE, TWO, THREE = ({"array": key} for key in "xyz")
LARGE = {
    "parameters": [_linear(ONE)] * 1000,
    "trees": [{"tree": ONE}] * 1000,
    "trees of other views": [{"tree": {"transposed": {"transposed": ONE}}}] * 1000,
    "texts": [{"texts": TWO}] * 10_000,
    "lists of empty arrays": [{"ragged": [ONE, TWO]}] * 1000,
    "tuples of numbers": [{"tuple": ONE}] * 1000,
    "tables": [{"frame": [["a", ONE]]}] * 1000,
    "tables of arrays": [{"frame": [["a", [ONE] * 100]]}] * 1000,
    "scalars": [{"scalar": ["f8", ONE]}] * 1000,
    "rows of nothing": {"tree": THREE},
}


@pytest.mark.parametrize("name", LARGE)
def test_what_is_built_is_bounded_by_the_size_of_the_file(saved, tmp_path, name):
    head, arrays = persistence._read(saved)
    arrays |= {"x": np.zeros((60_000, 2)), "y": np.zeros(200_000, dtype=np.uint32)}
    if name == "rows of nothing":
        arrays["z"] = np.zeros((10**9, 0))
    head["root"] = LARGE[name]
    with in_bounds(seconds=10, mib=1024), pytest.raises(ValueError) as error:
        load(write(head, arrays, tmp_path / "model"))
    assert "MemoryError" not in repr(error.value.__cause__)
    wanted = r"far more memory|of a ndarray is not known|more than numbers|are none|longer than"
    assert re.search(wanted, str(error.value))


def test_texts_are_as_wide_as_the_file(saved, tmp_path):
    """One long text among many was repeated for each of them."""
    head, arrays = persistence._read(saved)
    head["root"] = {"texts": [[2001], ["x" * 500_000] + [""] * 2000]}
    with in_bounds(seconds=10, mib=512), pytest.raises(ValueError, match="not a surrogate"):
        load(write(head, arrays, tmp_path / "model"))


def test_texts_hold_letters_alone(saved, tmp_path):
    head, arrays = persistence._read(saved)
    arrays["x"] = np.full((3, 2), 2**31, dtype=np.uint32)
    head["root"] = {"texts": ONE}
    with pytest.raises(ValueError, match="no letter"):
        load(write(head, arrays, tmp_path / "model"))


# ---------------------------------------------------------------- what they say of themselves


@pytest.mark.parametrize("name", ["version", "sklearn", "device"])
@pytest.mark.parametrize("value", ["\x1b[2J\u202egpj", "9" * 10**6, ["\x1b"], None])
def test_what_a_file_says_of_itself_is_short_and_prints(saved, tmp_path, name, value):
    for number in (persistence._FORMAT, 99):
        head, arrays = persistence._read(saved)
        head |= {name: value, "format": number}
        with pytest.raises(ValueError, match="damaged") as error:
            load(write(head, arrays, tmp_path / "model"))
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 1000


def test_names_in_a_file_print(saved, tmp_path):
    head, arrays = persistence._read(saved)
    for root in ({"object": ["\x1b[2J", {}]}, {"\x1b[2J" * 1000: 1}, {"array": "\x1b[2J"}):
        head["root"] = root
        with pytest.raises(ValueError) as error:
            load(write(head, arrays, tmp_path / "\x1b[2J"))
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 1000


# ---------------------------------------------------------------- that would run code


class Bomb:
    """What pickle would run."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_pickle_in_place_of_a_surrogate(here, saved):
    (here / "model").write_bytes(pickle.dumps(Bomb()))
    with nothing_runs(), pytest.raises(ValueError, match="not a surrogate"):
        load(here / "model")
    assert not (here / "exploded").exists()


@pytest.fixture
def fit(here, make, networks):
    def fit():
        callbacks = [Checkpoint(here, every=50)]
        model = make(max_iter=50, base="neighbors", callbacks=callbacks)
        return model.fit(networks.X, networks.y, networks.lam)

    return fit


@pytest.mark.parametrize("protocol", ["zip", "legacy", "bare"])
def test_a_pickle_in_place_of_a_checkpoint(here, fit, protocol):
    fit()
    (file,) = here.rglob("*.pt")
    if protocol == "bare":
        file.write_bytes(pickle.dumps(Bomb(), protocol=2))  # torch warns of later ones
    else:
        torch.save({"module": Bomb()}, file, _use_new_zipfile_serialization=protocol == "zip")
    with pytest.raises(ValueError, match=rf"{file} is damaged.*more than tensors.*delete it"):
        fit()
    assert not (here / "exploded").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"numbers": {"train_step": 1.0}},
        {"numbers": {"module_": "text"}},
        {"history": "[" * 100_000},
        {"module": {}},
        {"batches": torch.zeros(3)},
        {"optimizers": {}},
        {"schedules": []},
    ],
)
def test_a_forged_checkpoint(here, fit, change):
    fit()
    (file,) = here.rglob("*.pt")
    torch.save(torch.load(file, weights_only=True) | change, file)
    with pytest.raises(ValueError, match=rf"(?s){file} is damaged.*delete it"):
        fit()
