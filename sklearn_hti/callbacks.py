"""Callbacks for the training of the networks, beside those of skorch."""

import hashlib
import io
import json
import os
import pickle
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from skorch.callbacks import (
    Callback,
    EarlyStopping,
    GradientNormClipping,
    LRScheduler,
    ParamMapper,
)

from ._utils.annotations import FilePath
from ._utils.files import readable, replacing
from ._utils.findings import warn
from ._utils.fingerprint import describe
from ._version import __version__
from .exceptions import TrajectoryWarning
from .nn.engine import count_steps, is_complete

__all__ = ["Checkpoint"]

# those of skorch that change what is learned; others watch
_TRAINING = (EarlyStopping, GradientNormClipping, LRScheduler, ParamMapper)
_STOPPING = ("misses_", "dynamic_threshold_", "best_model_weights_", "best_epoch_")
# parameters that do not change what is learned, or whose seeds are known
_FREE = ("callbacks", "device", "random_state", "verbose")


class Checkpoint(Callback):
    """Lets an interrupted fit continue from its last checkpoint.

    Pass it to `callbacks` of a surrogate. After a crash, call `fit` again with the same data and
    parameters. Trained networks are then read from `folder`. The network in training continues
    from its last checkpoint, with the same batches as without the interruption. Each fit has its
    own subfolder, named by its data and parameters, so many fits may share `folder`. The files
    remain when the fit is done; delete them once the surrogate is saved.

    Parameters
    ----------
    folder : str or path-like
        Folder of the checkpoints. It is created if it does not exist.
    every : int, default=500
        Optimisation steps between two checkpoints, rounded up to an epoch of about 50.

    Warns
    -----
    TrajectoryWarning
        If a checkpoint cannot be written. The previous one remains, and training continues.

    Notes
    -----
    A file is replaced once the new one is complete, so none is ever half written. Files hold
    tensors and numbers only. Callbacks of the user start again when a fit continues. Fits differ
    if their data or parameters differ, or the code of functions and classes among the parameters,
    with all code that it refers to. Files that this code reads, and callbacks other than those of
    skorch, are not compared.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.callbacks import Checkpoint
    >>> lam = np.repeat([0.0, 1.0], 20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     surrogate = HyperparameterTrajectoryRegressor(
    ...         lam_transform=None,
    ...         max_iter=100,
    ...         callbacks=[Checkpoint(folder, every=50)],
    ...         random_state=0,
    ...     ).fit(None, 4 * lam, lam)
    ...     (fit,) = os.listdir(folder)
    ...     os.listdir(os.path.join(folder, fit))
    ['1-transport.pt']
    """

    n_networks_: int
    fit_folder_: Path
    runs_last = True  # what it stores and restores is then what all others have left

    def __init__(self, folder: FilePath, every: int = 500) -> None:
        self.folder = folder
        self.every = every

    def begin(self, name: str) -> None:
        """Begin a fit.

        Parameters
        ----------
        name : str
            Name of the fit.

        Raises
        ------
        OSError
            If the folder cannot be created.
        ValueError
            If `every` is not a positive number.
        """
        if not isinstance(self.every, Real) or not self.every > 0:
            raise ValueError(f"callbacks: every={self.every!r} of a Checkpoint must be above 0.")
        self.fit_folder_ = Path(os.fsdecode(self.folder), name)
        try:
            self.fit_folder_.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(
                error.errno,
                f"{error.strerror}. callbacks: a Checkpoint needs a writable folder",
                str(self.folder),
            ) from error
        self.n_networks_ = 0

    def on_train_begin(
        self, net: Any, X: ArrayLike | None = None, y: None = None, **kwargs: Any
    ) -> None:
        """Restore the network from its checkpoint, if there is one.

        Parameters
        ----------
        net : Engine
            The network.
        X : DrawnDataset
            Its training examples.
        y : None
            Not read.
        **kwargs : dict
            Not read.
        """
        self.n_networks_ += 1
        label = net.label.replace(" ", "-")
        self.file_ = self.fit_folder_ / f"{self.n_networks_}-{label}.pt"
        self.n_steps_ = 0
        self.batches_ = net.get_iterator(X, training=True)
        if self.file_.exists():
            try:
                state = torch.load(readable(self.file_), "cpu", weights_only=True)
                _restore(net, self.batches_, state)
            except Exception as error:
                # whose advice is to run what the file holds
                code = isinstance(error, pickle.UnpicklingError)
                reason = "it holds more than tensors and numbers" if code else error
                raise ValueError(
                    f"{self.file_} is damaged or from another version ({reason}); delete it."
                ) from (None if code else error)
        self.is_stored_ = is_complete(net)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Write a checkpoint if `every` steps have passed.

        Parameters
        ----------
        net : Engine
            The network.
        **kwargs : dict
            Not read.
        """
        self.n_steps_ += count_steps(net.history[-1:])
        if self.n_steps_ >= self.every:
            self._write(net)

    def on_train_end(
        self, net: Any, X: ArrayLike | None = None, y: None = None, **kwargs: Any
    ) -> None:
        """Write the trained network, unless its training was interrupted or already complete.

        References to training rows are dropped, so copies of the surrogate do not contain them.

        Parameters
        ----------
        net : Engine
            The network.
        X : DrawnDataset
            Not read.
        y : None
            Not read.
        **kwargs : dict
            Not read.
        """
        if is_complete(net) and not self.is_stored_:
            self._write(net)
        self.batches_ = None

    def _write(self, net):
        self.n_steps_ = 0
        buffer = io.BytesIO()  # of a full disk, torch says that a position is unexpected
        torch.save(_state(net, self.batches_), buffer)
        try:
            with replacing(self.file_) as fresh:
                fresh.write_bytes(buffer.getvalue())
        except OSError as error:
            warn(
                f"no checkpoint could be written: {error}. Training continues.",
                TrajectoryWarning,
                at_once=True,
            )


def begin_checkpoints(model, problem, seeds):
    """Begin a fit with every Checkpoint among the callbacks of a surrogate."""
    given = getattr(model, "callbacks", None) or ()
    given = [c[1] if isinstance(c, tuple) else c for c in given]
    found = [c for c in given if isinstance(c, Checkpoint)]
    if not found:
        return
    if model.random_state is None:
        raise ValueError(
            "callbacks: a Checkpoint needs an integer random_state; without it, every fit differs."
        )
    parameters = {k: v for k, v in model.get_params(deep=False).items() if k not in _FREE}
    if not isinstance(model.base, str):
        del parameters["base"]  # a network of the user, which is not trained
    training = [[type(c), c.get_params(deep=False)] for c in given if isinstance(c, _TRAINING)]
    # with the rows come their units, which potentials see, and the names of categories
    data = problem.data
    rows = [problem.y, data.y, data.lam, data.conditions, problem.encoder, problem.outputs]
    told = describe([__version__, type(model), parameters, training, seeds, rows])
    name = hashlib.sha256(told.encode()).hexdigest()[:16]
    for checkpoint in found:
        checkpoint.begin(name)


def _state(net, batches):
    """Return all that training depends on, as tensors and numbers."""
    return {
        "history": json.dumps(net.history, default=float),
        "module": net.module_.state_dict(),
        "optimizers": {name: o.state_dict() for name, o in _optimizers(net).items()},
        "numbers": {
            name: _plain(value)
            for name, value in vars(net).items()
            if name.endswith("_") and isinstance(value, Real)
        },
        "schedules": [c.lr_scheduler_.state_dict() for c in _callbacks(net, LRScheduler)],
        "stopping": [
            {name: _plain(getattr(c, name)) for name in _STOPPING}
            for c in _callbacks(net, EarlyStopping)
        ],
        "batches": batches.generator.get_state(),
        "dataset": batches.dataset.state_dict(),
        "average": net.average_.state_dict() if net.average_ else None,
    }


def _restore(net, batches, state):
    numbers = state["numbers"]
    if not all(name.endswith("_") and isinstance(v, Real) for name, v in numbers.items()):
        raise ValueError("its numbers are none")
    net.history.extend(json.loads(state["history"]))
    net.module_.load_state_dict(state["module"])
    for name, optimizer in _optimizers(net).items():
        optimizer.load_state_dict(state["optimizers"][name])
    vars(net).update(numbers)
    for callback, stored in zip(_callbacks(net, LRScheduler), state["schedules"], strict=True):
        callback.lr_scheduler_.load_state_dict(stored)
    for callback, stored in zip(_callbacks(net, EarlyStopping), state["stopping"], strict=True):
        vars(callback).update(stored)
    batches.generator.set_state(state["batches"])
    batches.dataset.load_state_dict(state["dataset"])
    if net.average_:
        net.average_.load_state_dict(state["average"])


def _plain(value):
    """Return the number of Python for one of numpy: no others are loaded without their code."""
    return value.item() if isinstance(value, np.generic) else value


def _optimizers(net):
    return {n: o for n, o in vars(net).items() if isinstance(o, torch.optim.Optimizer)}


def _callbacks(net, kind):
    return [callback for _, callback in net.callbacks_ if isinstance(callback, kind)]
