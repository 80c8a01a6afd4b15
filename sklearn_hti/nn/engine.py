"""The one training engine: a skorch net, seeded and on one device."""

import math
from copy import deepcopy

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from threadpoolctl import threadpool_limits
from torch import nn

from .._utils import progress
from .._utils.findings import warn
from ..exceptions import ConvergenceWarning, DivergenceError
from .averaging import WeightAverage
from .batches import STEPS_PER_EPOCH, BatchIterator
from .inference import settle_thread
from .optimizer import Muon


class Engine(NeuralNet):
    """A skorch net that steps its optimizer on `loss(inputs, target)` of drawn batches.

    `label` is the name of the stage. With `averaging`, the mean of the weights of late steps is
    what validation judges, and what the module holds when an epoch ends.
    """

    def __init__(self, module, *, label="", averaging=False, criterion=nn.MSELoss, **kwargs):
        self.label = label
        self.averaging = averaging
        super().__init__(module, criterion=criterion, **kwargs)

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Begin to average."""
        self.average_ = WeightAverage(self.module_) if self.averaging else None
        super().on_train_begin(net, X, y, **kwargs)

    def fit_loop(self, X, y=None, epochs=None, **options):
        """Train for the epochs that are left: all, unless a checkpoint was restored."""
        epochs = 0 if is_complete(self) else self.max_epochs - len(self.history)
        return super().fit_loop(X, y, epochs, **options)

    def on_epoch_end(self, net, *args, **kwargs):
        """Record the learning rate."""
        super().on_epoch_end(net, *args, **kwargs)
        self.history.record("lr", self.optimizer_.param_groups[0]["lr"])

    def get_iterator(self, dataset, training=False):
        """Return one iterator per role for the whole fit, so that its stream goes on."""
        name = "_training_batches" if training else "_validation_batches"
        if getattr(self, name, None) is None:
            setattr(self, name, super().get_iterator(dataset, training=training))
        return getattr(self, name)

    def run_single_epoch(self, iterator, training, **options):
        """Train on the weights of the last step, judge their mean."""
        if self.average_ is not None:
            self.average_.show(not training)
        super().run_single_epoch(iterator, training=training, **options)

    def loss(self, inputs, target):
        """Return the loss of one batch."""
        return self.criterion_(self.module_(**inputs), target)

    def train_step(self, batch, **fit_params):
        """Take one optimizer step on one batch."""
        self.module_.train()
        self.optimizer_.zero_grad(set_to_none=True)
        loss = self.loss(*batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.module_.parameters(), 1.0)
        self.optimizer_.step()
        if self.average_ is not None:
            self.average_.update()
        return {"loss": loss.detach(), "y_pred": None}

    def validation_step(self, batch, **fit_params):
        """Return the loss of one validation batch."""
        self.module_.eval()
        with torch.no_grad():
            return {"loss": self.loss(*batch), "y_pred": None}


class BestState(EarlyStopping):
    """Restores the best state, that before the first step among them; stops early if asked."""

    def on_epoch_begin(self, net, dataset_valid=None, **kwargs):
        """Judge the state before the first step."""
        if self.best_model_weights_ is not None or dataset_valid is None:
            return
        batches = net.get_iterator(dataset_valid, training=False)
        losses = [float(net.validation_step(batch)["loss"]) for batch in batches]
        self.dynamic_threshold_ = self._calc_new_threshold(float(np.mean(losses)))
        self.best_model_weights_ = deepcopy(net.module_.state_dict())


class StopOnDivergence(Callback):
    """Raise when a training loss is not finite."""

    def on_batch_end(self, net, training=True, **kwargs):
        """Look at the loss of the batch."""
        if training and not math.isfinite(net.history[-1, "batches", -1, "train_loss"]):
            step = count_steps(net.history)
            raise DivergenceError(
                f"Training diverged at step {step}: the loss is not finite. Lower "
                "learning_rate, or look for extreme values in y."
            )


class StepProgress(Callback):
    """Shows the optimisation steps in the progress bar of the fit."""

    def __init__(self, n_steps):
        self.n_steps = n_steps

    def on_epoch_end(self, net, *args, **kwargs):
        """Advance by the steps of one epoch and show the loss."""
        loss = f"loss {net.history[-1, 'train_loss']:.2e}"
        progress.step(count_steps(net.history), self.n_steps, loss)


def train(
    module, training, validation, *, label, seed, settings, engine=Engine, user_callbacks=()
):
    """Train a module on drawn batches; return the fitted engine.

    Parameters
    ----------
    module : nn.Module
        The module, with seeded parameters.
    training, validation : DrawnDataset
        Examples; validation may be None. With it, the best state is kept.
    label : str
        Name of the stage, for messages.
    seed : int
        Seed of the batches.
    settings : TrainingSettings
        Steps, batch size, learning rate, stopping, device.
    engine : type
        Engine or a subclass.
    user_callbacks : sequence
        skorch callbacks of the user, each as (name, callback) or callback.

    Returns
    -------
    Engine
        The engine; its `module_` holds the best state seen.

    Warns
    -----
    ConvergenceWarning
        If the training was interrupted.
    """
    max_iter = int(settings.max_iter)  # an integer of numpy, as a search draws, is none to skorch
    n_epochs = max(1, -(-max_iter // STEPS_PER_EPOCH))
    n_batches = -(-max_iter // n_epochs)
    callbacks = [
        ("schedule", _one_cycle(settings.learning_rate, n_epochs * n_batches)),
        ("divergence", StopOnDivergence()),
    ]
    monitor = "train_loss" if validation is None else "valid_loss"
    callbacks.append(("best", _best_state(monitor, settings, n_epochs)))
    callbacks.append(("progress", StepProgress(n_epochs * n_batches)))
    net = engine(
        module.to(settings.device),
        label=label,
        averaging=validation is not None,
        optimizer=Muon,
        optimizer__fused=True,
        optimizer__weight_decay=1e-4,
        lr=settings.learning_rate,
        max_epochs=n_epochs,
        batch_size=settings.batch_size,
        iterator_train=BatchIterator,
        iterator_train__seed=seed,
        iterator_train__n_batches=n_batches,
        iterator_valid=BatchIterator,
        iterator_valid__seed=seed + 1,
        iterator_valid__n_batches=4,
        iterator_valid__batch_size=1024,
        iterator_valid__fixed=True,
        train_split=None if validation is None else predefined_split(validation),
        callbacks=[*callbacks, *sorted(user_callbacks, key=_runs_last)],
        callbacks__print_log=None,
        device=settings.device,
        verbose=0,
    )
    # the networks are small: a second thread costs more than it brings
    # (of OpenMP only: its limit is the calling thread's own, that of BLAS the process's)
    settle_thread()  # or it would do so within the limit, and lift it
    with threadpool_limits(1, user_api="openmp"):
        net.fit(training, None)
    if not is_complete(net):
        warn(
            f"{label}: interrupted after {count_steps(net.history)} of {n_epochs * n_batches} "
            "steps; the best state so far is kept.",
            ConvergenceWarning,
        )
    net.module_.eval().requires_grad_(False)
    return net


def is_complete(net):
    """Tell whether a training took all its steps, or a callback stopped it early."""
    stopped_early = any(
        isinstance(callback, EarlyStopping) and callback.misses_ >= callback.patience
        for _, callback in net.callbacks_
    )
    n_steps = net.max_epochs * net.iterator_train__n_batches
    return stopped_early or count_steps(net.history) >= n_steps


def count_steps(history):
    """Return the optimisation steps of some epochs; validation batches are none."""
    return sum("train_loss" in batch for epoch in history for batch in epoch["batches"])


def _runs_last(callback):
    """Tell whether a callback, or a pair of name and callback, wants to come after others."""
    return getattr(callback[1] if isinstance(callback, tuple) else callback, "runs_last", False)


def _one_cycle(learning_rate, n_steps):
    """Return the learning-rate schedule: warm up, then anneal to zero."""
    return LRScheduler(
        torch.optim.lr_scheduler.OneCycleLR,
        max_lr=learning_rate,
        total_steps=n_steps + 1,
        pct_start=0.1,
        step_every="batch",
        event_name=None,
    )


def _best_state(monitor, settings, n_epochs):
    """Return the callback that restores the best state, and stops early if asked."""
    return BestState(
        monitor=monitor,
        patience=10 if settings.early_stopping else n_epochs + 1,
        threshold=settings.tol if settings.early_stopping else 0.0,
        load_best=True,
        sink=_silent,
    )


def _silent(*args, **kwargs):
    """Print nothing."""
