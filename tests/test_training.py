"""Training from outside: callbacks, progress, interruption, divergence, stopping early."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning as SklearnConvergenceWarning
from sklearn.utils import Bunch
from skorch.callbacks import Callback, EarlyStopping

from sklearn_hti.exceptions import ConvergenceWarning, DivergenceError


class At(Callback):
    """Calls `action(net)` at the n-th training batch, counted over one fit of a network."""

    def __init__(self, step, action):
        self.step = step
        self.action = action

    def on_train_begin(self, net, *args, **kwargs):
        self.seen_ = 0

    def on_batch_end(self, net, training=False, **kwargs):
        self.seen_ += training
        if training and self.seen_ == self.step:
            self.action(net)


class Count(Callback):
    """Counts the events of all fits."""

    def initialize(self):
        self.counts_ = getattr(self, "counts_", {"train": 0, "epoch": 0, "batch": 0})
        return self

    def on_train_end(self, net, *args, **kwargs):
        self.counts_["train"] += 1

    def on_epoch_end(self, net, *args, **kwargs):
        self.counts_["epoch"] += 1

    def on_batch_end(self, net, training=False, **kwargs):
        self.counts_["batch"] += training


def interrupt(net):
    raise KeyboardInterrupt


def spoil(net):
    with torch.no_grad():
        for parameter in net.module_.parameters():
            parameter.fill_(torch.nan)


# ---------------------------------------------------------------- callbacks, progress


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(("base", "n_networks"), [("neighbors", 1), ("flow", 2)])
def test_callbacks_see_every_network(make, networks, base, n_networks, named):
    count = Count()
    callbacks = [("count", count) if named else count]
    model = make(max_iter=120, base=base, callbacks=callbacks)
    model.fit(networks.X, networks.y, networks.lam)
    assert count.counts_ == {
        "train": n_networks,
        "epoch": 3 * n_networks,
        "batch": 120 * n_networks,
    }


def test_a_user_callback_may_change_the_training(make, networks):
    """Freezing the network at its start leaves the linear map, which `networks` are."""

    class Freeze(Callback):
        def on_batch_begin(self, net, *args, **kwargs):
            for group in net.optimizer_.param_groups:
                group["lr"] = 0.0

    frozen = make(max_iter=200, base="neighbors", callbacks=[Freeze()])
    free = make(max_iter=200, base="neighbors")
    X, y = networks.X[:80], networks.y[:80]
    moved = frozen.fit(networks.X, networks.y, networks.lam).transport(
        X, y, lam_from=0.0, lam_to=2.0
    )
    assert_allclose(moved, networks.y[160:], atol=1e-3)
    bent = networks.y + networks.lam[:, None] * np.sin(4 * networks.X)
    one, other = (
        model.fit(networks.X, bent, networks.lam).transport(X, y, lam_from=0.0, lam_to=2.0)
        for model in (frozen, free)
    )
    assert abs(one - other).max() > 1e-3


def test_training_that_does_not_help_is_not_kept(make, rng):
    """Of few noisy rows, a network learns noise; the state before its first step was better."""
    X = rng.normal(size=(120, 6))
    y = 0.8 * X[:, 0] + 0.6 * rng.normal(size=120)
    model = make(max_iter=300).fit(X, y, np.tile([0.0, 1.0], 60))
    new = rng.normal(size=(300, 6))
    errors = [np.mean((model.predict(new, lam) - 0.8 * new[:, 0]) ** 2) for lam in (0.0, 0.5, 1.0)]
    assert max(errors) < 0.1  # of linear regressions .01 to .03, of last states .2 to .3
    for lam in (0.0, 0.5, 1.0):
        _, std = model.predict(new, lam, return_std=True)
        assert_allclose(std.mean(), 0.6, rtol=0.2)


@pytest.mark.parametrize("base", ["neighbors", "flow"])
def test_verbose_shows_progress_on_stderr(make, networks, base, capfd):
    make(max_iter=120, base=base, verbose=1).fit(networks.X, networks.y, networks.lam)
    out, err = capfd.readouterr()
    assert out == ""
    stages = {1: "couplings", 3: "paths", 4: "flow map", 5: "base", 6: "assessment"}
    for number, stage in stages.items():  # one bar; of two trained values none is left out
        assert f"Stage {number} of 6, {stage}" in err
    assert "flow map: step 120 of 120, loss " in err
    assert ("base: step 120 of 120, loss " in err) == (base == "flow")
    assert err.rstrip().count("\n") == 0
    assert "Fitted 100%" in err


def test_silence_is_the_default(make, networks, capfd):
    model = make(max_iter=60, base="flow").fit(networks.X, networks.y, networks.lam)
    model.predict(networks.X[:5], 0.5)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- interruption


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("step", [1, 60, 110])
def test_interrupted_fit_is_usable_and_warns(make, networks, step, early_stopping):
    """Ctrl-C in the first epoch, in the middle and in the last epoch."""
    model = make(
        max_iter=120,
        base="neighbors",
        callbacks=[At(step, interrupt)],
        early_stopping=early_stopping,
    )
    with pytest.warns(ConvergenceWarning, match="transport: interrupted"):
        model.fit(networks.X, networks.y, networks.lam)
    assert step - 1 <= model.n_iter_ <= step
    X = networks.X[:80]
    moved = model.transport(X, networks.y[:80], lam_from=0.0, lam_to=2.0)
    assert np.abs(moved - networks.y[160:]).mean() < (1.2 if step == 1 else 0.5)
    assert np.isfinite(model.sample(X, 1.5)).all()


def test_interrupting_a_fit_of_one_epoch_warns(make, networks):
    model = make(max_iter=50, base="neighbors", callbacks=[At(10, interrupt)])
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model.fit(networks.X, networks.y, networks.lam)


def test_interrupting_the_base_generator(make, networks):
    class AtBase(At):
        def on_train_begin(self, net, *args, **kwargs):
            super().on_train_begin(net)
            self.fits_ = getattr(self, "fits_", 0) + 1

        def on_batch_end(self, net, training=False, **kwargs):
            if self.fits_ == 2:
                super().on_batch_end(net, training=training)

    model = make(max_iter=120, base="flow", callbacks=[AtBase(60, interrupt)])
    with pytest.warns(ConvergenceWarning, match="base generator: interrupted"):
        model.fit(networks.X, networks.y, networks.lam)
    assert np.isfinite(model.predict(networks.X[:9], 0.5)).all()


def test_the_warning_is_scikit_learns_too(make, networks):
    model = make(max_iter=120, base="neighbors", callbacks=[At(10, interrupt)])
    with pytest.warns(SklearnConvergenceWarning):
        model.fit(networks.X, networks.y, networks.lam)


# ---------------------------------------------------------------- divergence


@pytest.mark.parametrize("learning_rate", [1e6, 1e30])
def test_divergence_is_an_error(make, networks, learning_rate):
    model = make(learning_rate=learning_rate, base="neighbors")
    with pytest.raises(DivergenceError, match="learning_rate"):
        model.fit(networks.X, networks.y, networks.lam)


def test_divergence_names_the_step(make, networks):
    model = make(max_iter=120, base="neighbors", callbacks=[At(70, spoil)])
    with pytest.raises(DivergenceError, match="step 71"):
        model.fit(networks.X, networks.y, networks.lam)


def test_divergence_of_the_base_generator(make, networks):
    class Later(At):
        def on_train_begin(self, net, *args, **kwargs):
            self.fits_ = getattr(self, "fits_", 0) + 1
            self.seen_ = 0 if self.fits_ == 2 else 1000

    model = make(max_iter=120, base="flow", callbacks=[Later(20, spoil)])
    with pytest.raises(DivergenceError):
        model.fit(networks.X, networks.y, networks.lam)


def test_spoiled_at_the_last_step(make, networks):
    """The best state on held-out trajectories is kept, not the last one."""
    model = make(max_iter=120, base="neighbors", callbacks=[At(120, spoil)])
    model.fit(networks.X, networks.y, networks.lam)
    assert model.score(networks.X, networks.y, networks.lam) > 0.5


# ---------------------------------------------------------------- stopping, learning


def test_early_stopping_ends_when_nothing_improves(make, networks):
    """A tolerance that no loss can meet: 500 steps after the beginning it is over."""
    model = make(max_iter=2000, early_stopping=True, tol=1.0, base="neighbors", batch_size=8)
    model.fit(networks.X, networks.y, networks.lam)
    assert len(model.history_) == 10


@pytest.fixture(scope="module")
def bent():
    """Deterministic networks that no linear map connects."""

    def f(X, lam):
        return np.column_stack([np.sin(3 * X[:, 0]), X[:, 1]]) * (1 + lam * X[:, [1]] ** 2)

    X = np.random.default_rng(0).uniform(-1, 1, size=(150, 2))
    y = np.concatenate([f(X, lam) for lam in (0.0, 1.0, 2.0)])
    return Bunch(X=np.tile(X, (3, 1)), y=y, lam=np.repeat([0.0, 1.0, 2.0], 150), f=f)


def test_history_tells_of_learning(make, bent):
    model = make(max_iter=300, base="flow").fit(bent.X, bent.y, bent.lam)
    history = model.history_
    assert history.columns.tolist() == [
        *("stage", "epoch", "step", "train_loss", "valid_loss", "lr", "seconds")
    ]
    assert history["stage"].tolist() == ["transport"] * 6 + ["base"] * 6
    transport, base = history[:6], history[6:]
    for stage in (transport, base):
        assert stage["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
        assert stage["step"].tolist() == [50, 100, 150, 200, 250, 300]
    assert transport["valid_loss"].iloc[-1] < 0.3 * transport["valid_loss"].iloc[0]
    assert (history["seconds"] > 0).all()
    assert transport["lr"].iloc[0] > 10 * transport["lr"].iloc[-1] > 0  # one cycle


def test_longer_training_is_better(make, bent):
    X = np.random.default_rng(1).uniform(-1, 1, size=(200, 2))
    errors = []
    for max_iter in (5, 100, 600):
        model = make(max_iter=max_iter, base="neighbors").fit(bent.X, bent.y, bent.lam)
        moved = model.transport(X, bent.f(X, 0.0), lam_from=0.0, lam_to=1.5)
        errors.append(np.abs(moved - bent.f(X, 1.5)).mean())
    assert errors[0] > 1.5 * errors[1] > 3 * errors[2]


def test_there_and_back_is_nearly_exact_for_deterministic_networks(make, bent):
    """Also on inputs that were not in fitting: the map learns its own way back."""
    model = make(max_iter=300, base="neighbors").fit(bent.X, bent.y, bent.lam)
    X = np.random.default_rng(1).uniform(-1, 1, size=(200, 2))
    y = bent.f(X, 0.0)
    there = model.transport(X, y, lam_from=0.0, lam_to=1.7)
    error = np.linalg.norm(model.transport(X, there, lam_from=1.7, lam_to=0.0) - y, axis=1)
    assert np.median(error) < 0.02 * np.median(np.linalg.norm(there - y, axis=1))


def test_a_user_may_stop_the_training_early(make, networks):
    """Without being told of an interruption."""
    stop = EarlyStopping(monitor="train_loss", patience=1, threshold=1.0, sink=lambda *_: None)
    model = make(max_iter=500, base="neighbors", callbacks=[stop])
    model.fit(networks.X, networks.y, networks.lam)
    assert len(model.history_) == 2


@pytest.mark.filterwarnings("ignore::sklearn_hti.exceptions.SupportWarning")
def test_the_network_adds_no_more_than_the_trajectories_ask_for(make, rng):
    """Far from the data, the linear part of the flow map speaks alone."""
    X = rng.normal(size=(150, 3))
    y = np.concatenate([X[:, :1], X[:, :1] + X[:, 1:2] + 0.3 * np.sin(3 * X[:, :1])])
    lam = np.repeat([0.0, 1.0], 150)
    model = make(max_iter=300).fit(np.tile(X, (2, 1)), y, lam)
    far = 30 * rng.normal(size=(500, 3))
    moved = model.transport(far, far[:, :1], lam_from=0.0, lam_to=1.0)
    exact = far[:, :1] + far[:, 1:2]
    assert np.abs(moved - exact).max() < 0.1 * np.abs(far).max()
    assert np.abs(model.transport(X, y[:150], lam_from=0.0, lam_to=1.0) - y[150:]).max() < 0.1


def test_an_integer_of_numpy_is_a_number_of_steps(make, networks):
    """Searches over scipy.stats.randint draw such."""
    given = networks.X, networks.y, networks.lam
    one, other = (make(max_iter=n).fit(*given) for n in (np.int64(20), 20))
    assert_allclose(one.predict(networks.X[:5], 0.3), other.predict(networks.X[:5], 0.3))
