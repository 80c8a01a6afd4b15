"""Full disks, folders that may not be written to, and files that lie in the way."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_hti import load
from sklearn_hti._utils.files import replacing
from sklearn_hti.callbacks import Checkpoint
from sklearn_hti.exceptions import TrajectoryWarning

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.ConvergenceWarning")


def _save(model, path):
    model.save(path)


def _export_torch(model, path):
    model.export(path, "torch")


def _export_onnx(model, path):
    pytest.importorskip("onnxscript", reason="the extra onnx")
    model.export(path)


def _to_html(model, path):
    pytest.importorskip("plotly", reason="the extra plot")
    model.to_html(path, np.zeros((1, 2)), n_samples=2)


WRITERS = {"save": _save, "torch": _export_torch, "to_html": _to_html, "onnx": _export_onnx}


@pytest.fixture(scope="module")
def fitted(make, networks):
    return make(max_iter=2, base="neighbors").fit(networks.X, networks.y, networks.lam)


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=pytest.mark.slow if n == "onnx" else ()) for n in WRITERS],
)
def write(request, fitted, tmp_path_factory):
    """A function of a path that writes a file, and has done so elsewhere: all is imported."""
    writer = WRITERS[request.param]
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "file"
    writer(fitted, elsewhere)
    assert elsewhere.stat().st_size > 20_000
    return lambda path: writer(fitted, path)


@pytest.fixture
def path(tmp_path):
    """A file that was there before."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def assert_unchanged(path):
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


@contextmanager
def full_disk(size=20_000):
    """Past the largest file that the process may write, the system reports an error."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def another_user():
    """Act as a user who is not root, whom no folder refuses."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def locked():
    """A folder with an old file that may be read, but not written to."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(b"old")
        os.chmod(folder, 0o555)
        yield path
        os.chmod(folder, 0o755)


# ---------------------------------------------------------------- files of a surrogate


def test_a_full_disk(write, path):
    with full_disk(), pytest.raises(OSError, match=rf"unchanged. Pass .* enough space.*{path}"):
        write(path)
    assert_unchanged(path)


def test_a_folder_that_may_not_be_written_to(write, locked):
    with another_user(), pytest.raises(PermissionError, match=r"unchanged. Pass .* writable"):
        write(locked)
    assert_unchanged(locked)


def test_a_folder_that_is_missing_or_is_none(write, path):
    with pytest.raises(FileNotFoundError, match="Pass a file in a folder that exists"):
        write(path.parent / "missing" / "file")
    with pytest.raises(NotADirectoryError, match="Pass a file in a folder"):
        write(path / "file")
    with pytest.raises(IsADirectoryError, match="Pass a file in a folder"):
        write(path.parent)
    assert_unchanged(path)


def test_a_crash_leaves_the_old_file(write, path, monkeypatch):
    def crash(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write(path)
    assert_unchanged(path)


def test_an_error_while_the_disk_is_synchronised(fitted, path, monkeypatch):
    """Where the disk tells late that it is full."""

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device.*unchanged"):
        fitted.save(path)
    assert_unchanged(path)


def test_a_device_is_not_replaced(fitted, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match=r"Invalid argument.*unchanged"):
        fitted.save(pipe)
    assert pipe.is_fifo()


def test_a_link_stays_a_link(fitted, path):
    link = path.with_name("link")
    link.symlink_to(path.name)
    fitted.save(link)
    assert link.is_symlink()
    assert load(path).n_iter_ == fitted.n_iter_


def test_what_a_killed_process_has_left_is_removed(tmp_path):
    """Once it is old: what is young may be in another process's hands."""
    with replacing(tmp_path / "[a]") as fresh:
        fresh.write_bytes(b"before")
    hidden = fresh.name.split(".")[1]
    names = [f".{hidden}.1.part", f".{hidden}.2.part", ".a.3.part"]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    long_ago = time.time() - 10_000
    for name in (names[0], names[2]):
        os.utime(tmp_path / name, (long_ago, long_ago))
    with replacing(tmp_path / "[a]") as fresh:
        fresh.write_bytes(b"whole")
    assert sorted(os.listdir(tmp_path)) == sorted([*names[1:], "[a]"])


# ---------------------------------------------------------------- checkpoints


class CrashError(RuntimeError):
    """What ends a fit in these tests."""


class CrashAt(Callback):
    """Ends the fit in place of a step."""

    def __init__(self, step):
        self.step = step
        self.n_steps = 0

    def on_batch_begin(self, net, training=False, **kwargs):
        self.n_steps += training
        if self.n_steps == self.step:
            raise CrashError


@pytest.fixture
def fit(make, networks):
    def fit(folder, every=50, crash_at=None):
        callbacks = [Checkpoint(folder, every), CrashAt(crash_at)]
        model = make(max_iter=100, base="neighbors", callbacks=callbacks)
        return model.fit(networks.X, networks.y, networks.lam)

    return fit


def test_no_folder_for_checkpoints(fit, locked):
    with another_user(), pytest.raises(PermissionError, match="callbacks: a Checkpoint needs a"):
        fit(locked.parent / "new")
    with pytest.raises(NotADirectoryError, match="a Checkpoint needs a writable folder"):
        fit(locked / "new")
    assert_unchanged(locked)


def test_a_full_disk_leaves_the_checkpoint_before(fit, tmp_path):
    with pytest.raises(CrashError):
        fit(tmp_path, crash_at=70)
    (file,) = tmp_path.rglob("*.pt")
    before = file.read_bytes()
    no_room = r"no checkpoint could be written.*File too large.*unchanged.*Training continues"
    with full_disk(), pytest.warns(TrajectoryWarning, match=no_room):
        assert fit(tmp_path).n_iter_ == 100
    assert file.read_bytes() == before


def test_a_fit_that_is_done_writes_nothing(fit, tmp_path):
    fit(tmp_path)
    (file,) = tmp_path.rglob("*.pt")
    os.utime(file, (0, 0))
    with full_disk():
        assert fit(tmp_path).n_iter_ == 100
    assert file.stat().st_mtime == 0


@pytest.mark.parametrize("every", [0, -1, "50", None, np.nan])
def test_intervals_that_are_none(fit, tmp_path, every):
    with pytest.raises(ValueError, match="callbacks: every="):
        fit(tmp_path, every=every)


# ---------------------------------------------------------------- a disk that is full indeed


_ON_A_SMALL_DISK = """
import errno, os, sys, warnings
import numpy as np
from sklearn_hti import HyperparameterTrajectoryRegressor, load
from sklearn_hti.callbacks import Checkpoint

folder, here = sys.argv[1], os.path.join(sys.argv[1], "file")
lam = np.repeat([0.0, 1.0], 40)
X = np.tile(np.linspace(0, 1, 40), 2)[:, None]
model = HyperparameterTrajectoryRegressor(
    kinetic="euclidean", potential=None, base="neighbors", lam_transform=None,
    max_iter=100, random_state=0,
)
plain = model.fit(X, X + lam[:, None], lam).predict(X, 0.5)
open(here, "w").write("old")
writers = {
    "save": lambda: model.save(here),
    "torch": lambda: model.export(here, "torch"),
    "onnx": lambda: model.export(here, "onnx"),
    "html": lambda: model.to_html(here, X[:1]),
}
for name, write in writers.items():
    try:
        write()
    except OSError as error:
        assert error.errno == errno.ENOSPC and "unchanged" in str(error), (name, error)
    except ImportError:
        continue
    else:
        raise AssertionError(name)
    assert open(here).read() == "old", name
    assert os.listdir(folder) == ["file"], name
model.set_params(callbacks=[Checkpoint(folder, every=50)])
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    model.fit(X, X + lam[:, None], lam)
assert sum("No space left" in str(w.message) for w in seen) >= 2, seen
assert np.array_equal(model.predict(X, 0.5), plain)
"""


@pytest.mark.slow
def test_a_small_disk(tmp_path):
    """A file system of 100 kB."""
    mount = f"mount -t tmpfs -o size=100k none {tmp_path}"
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare here")
    probe = subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True)
    if probe.returncode:
        pytest.skip(f"no file system can be mounted here: {probe.stderr.decode().strip()}")
    program = f'{mount} && exec "$0" -W ignore -c "$1" {tmp_path}'
    command = ["unshare", "-rm", "sh", "-c", program, sys.executable, _ON_A_SMALL_DISK]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
