"""Fits that are cut off go on where they were; callbacks of skorch watch them."""

import os
import resource

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from skorch.callbacks import Callback, LRScheduler, TensorBoard

from sklearn_hti.callbacks import Checkpoint
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.solvers import NeuralDual

pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.ConvergenceWarning")


class CrashError(RuntimeError):
    """What ends a fit in these tests."""


class Steps(Callback):
    """Counts the optimisation steps of all networks; crashes in place of one of them."""

    def __init__(self, crash_at=None):
        self.crash_at = crash_at
        self.n_steps = 0
        self.by_label = {}

    def on_batch_begin(self, net, training=False, **kwargs):
        if training and self.n_steps == self.crash_at:
            raise CrashError
        self.n_steps += training
        self.by_label[net.label] = self.by_label.get(net.label, 0) + training


THREE = {
    "kinetic": "learned",
    "path": GeodesicPath(max_iter=150, batch_size=16, n_couplings=2),
    "base": "flow",
}


@pytest.fixture(scope="module")
def build(make, networks):
    """Fit networks of 100 or 150 steps, checkpoints in `folder`: one, or THREE in turn."""

    def build(folder=None, steps=None, *, every=50, **parameters):
        callbacks = [steps or Steps()]
        if folder is not None:
            callbacks.insert(0, Checkpoint(folder, every=every))
        own = {"base": "neighbors", "max_iter": 100, "batch_size": 16, "callbacks": callbacks}
        return make(**(own | parameters)).fit(networks.X, networks.y, networks.lam)

    return build


@pytest.fixture(scope="module")
def whole(build):
    return build(**THREE)


def answers(model, networks):
    X, y = networks.X[:80], networks.y[:80]
    draws = model.sample(X, 0.7, random_state=0)
    return np.hstack([model.transport(X, y, lam_from=0.0, lam_to=1.3), draws])


def stored(folder):
    (fit,) = os.listdir(folder)
    return sorted(os.listdir(folder / fit))


# ---------------------------------------------------------------- checkpoints


@pytest.mark.parametrize(("crash_at", "n_done"), [(110, 0), (210, 1), (340, 2)])
def test_a_fit_that_goes_on_is_the_same_to_the_bit(
    build, whole, networks, tmp_path, crash_at, n_done
):
    with pytest.raises(CrashError):
        build(tmp_path, Steps(crash_at), **THREE)
    rest = Steps()
    model = build(tmp_path, rest, **THREE)
    assert rest.n_steps == 350 - crash_at // 50 * 50  # what an epoch lost, no more
    labels = ["geodesics", "transport", "base generator"]
    assert list(rest.by_label) == labels[n_done:]
    assert_array_equal(answers(model, networks), answers(whole, networks))
    columns = ["stage", "epoch", "step", "train_loss", "valid_loss", "lr"]
    assert model.history_[columns].equals(whole.history_[columns])


def test_a_fit_that_is_done_trains_nothing_anew(build, whole, networks, tmp_path, capfd):
    build(tmp_path, **THREE)
    assert stored(tmp_path) == ["1-geodesics.pt", "2-transport.pt", "3-base-generator.pt"]
    again = build(tmp_path, steps := Steps(), verbose=1, **THREE)
    assert steps.n_steps == 0
    assert "step 50 of" not in capfd.readouterr().err  # the bar
    assert_array_equal(answers(again, networks), answers(whole, networks))


def test_stopping_early_is_remembered(build, tmp_path):
    options = {"early_stopping": True, "tol": 1.0, "max_iter": 2000}
    first = build(tmp_path, **options)
    assert 0 < first.n_iter_ < 2000
    again = build(tmp_path, steps := Steps(), **options)
    assert steps.n_steps == 0
    assert again.n_iter_ == first.n_iter_


def test_an_interrupted_network_is_trained_on(build, tmp_path, capfd):
    class Interrupt(Steps):
        def on_batch_begin(self, net, training=False, **kwargs):
            super().on_batch_begin(net, training, **kwargs)
            if training and self.n_steps == 70:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        assert build(tmp_path, Interrupt()).n_iter_ < 100
    assert build(tmp_path, steps := Steps(), verbose=1).n_iter_ == 100
    assert steps.n_steps == 50
    shown = capfd.readouterr().err
    assert "step 50 of 100" not in shown  # the bar goes on where it was
    assert "step 100 of 100" in shown


def test_every_interval_and_another_fit(build, tmp_path):
    options = {"max_iter": 200, "every": 100}
    with pytest.raises(CrashError):
        build(tmp_path, Steps(199), **options)
    build(tmp_path, rest := Steps(), **options)
    assert rest.n_steps == 100
    build(tmp_path, other := Steps(), learning_rate=0.005, **options)
    assert other.n_steps == 200
    assert len(os.listdir(tmp_path)) == 2


def test_the_neural_dual_goes_on(build, networks, tmp_path):
    """It has three optimizers."""
    hidden = {"hidden_layer_sizes": [32], "map_hidden_layer_sizes": [32]}
    solver = NeuralDual(max_iter=100, batch_size=16, inner_iter=1, path_iter=1, **hidden)
    options = {"solver": solver, "kinetic": "learned"}
    with pytest.raises(CrashError):
        build(tmp_path, Steps(60), **options)
    model = build(tmp_path, rest := Steps(), **options)
    assert rest.n_steps == 150
    error = np.abs(answers(model, networks)[:, :2] - networks.f(networks.X[:80], 1.3)).mean()
    assert error < 0.5  # 1.1 without moving


def test_potentials_of_one_place_are_two_fits(build, networks, tmp_path):
    """Functions are told apart by what they do, not by their names."""
    models = [
        build(folder, kinetic="euclidean", potential=lambda y, x, a=a: -a * y[:, 0] ** 2)
        for folder, a in ((tmp_path, 0.0), (tmp_path, 5.0), (None, 5.0))
    ]
    assert len(os.listdir(tmp_path)) == 2
    flat, told, fresh = (answers(model, networks) for model in models)
    assert_array_equal(told, fresh)
    assert not np.array_equal(flat, fresh)


def test_the_units_of_outputs_are_part_of_a_fit(make, networks, tmp_path):
    """Rows are the same once they are scaled; a potential sees their units."""
    parameters = {"max_iter": 50, "potential": lambda y, x: -(y[:, 0] ** 2)}
    for factor in (1, 4, 1):
        model = make(callbacks=[Checkpoint(tmp_path)], base="neighbors", **parameters)
        model.fit(networks.X, factor * networks.y, networks.lam)
    assert len(os.listdir(tmp_path)) == 2


def test_callbacks_that_train_are_part_of_a_fit(build, tmp_path):
    for size in (5, 7, 5):
        schedule = LRScheduler("StepLR", step_size=size)
        build(callbacks=[Checkpoint(tmp_path), Steps(), schedule], max_iter=50)
    assert len(os.listdir(tmp_path)) == 2


def test_a_checkpoint_needs_a_seed(build, tmp_path):
    with pytest.raises(ValueError, match="integer random_state"):
        build(tmp_path, random_state=None)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_cannot_be(build, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError):
        build(file)


def test_a_damaged_checkpoint_is_named(build, tmp_path):
    build(tmp_path)
    (fit,) = os.listdir(tmp_path)
    file = tmp_path / fit / "1-transport.pt"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"1-transport.pt is damaged.*delete it"):
        build(tmp_path)


def test_a_full_disk_does_not_end_the_fit(build, networks, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.warns(TrajectoryWarning, match="no checkpoint could be written"):
            model = build(tmp_path / "full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert stored(tmp_path / "full") == []
    roomy = build(tmp_path / "roomy")
    assert_array_equal(answers(model, networks), answers(roomy, networks))
    (fit,) = os.listdir(tmp_path / "roomy")
    state = torch.load(tmp_path / "roomy" / fit / "1-transport.pt", weights_only=True)
    assert "module" in state  # no code is needed to read it


# ---------------------------------------------------------------- those of skorch


def test_tensorboard_of_skorch(build, tmp_path):
    """One network after the other, told apart by the label that each has."""
    pytest.importorskip("tensorboard", reason="what skorch's callback writes for")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    class ByNetwork(TensorBoard):
        def on_epoch_end(self, net, **kwargs):
            self.key_mapper = lambda key: f"{net.label}/{key}"
            super().on_epoch_end(net, **kwargs)

    with SummaryWriter(tmp_path) as writer:
        model = build(base="flow", callbacks=[ByNetwork(writer)])
    seen = EventAccumulator(os.fspath(tmp_path)).Reload()
    tags = {f"{label}/train_loss" for label in ("transport", "base generator")}
    assert tags <= set(seen.Tags()["scalars"])
    losses = [event.value for event in seen.Scalars("transport/train_loss")]
    history = model.history_[model.history_["stage"] == "transport"]
    assert_allclose(losses, history["train_loss"], rtol=1e-6)
