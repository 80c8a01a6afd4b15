"""Small networks trained on the diabetes data, one for each quantile level."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from sklearn.utils import Bunch, check_array, check_random_state
from skorch import NeuralNetRegressor
from skorch.callbacks import LRScheduler
from torch import nn

from .._sweep import draw_seed, global_seed, sweep
from .._utils.annotations import RandomState

_N_TRAIN = 300
_SPLIT_SEED = 0


def make_quantile_networks(
    levels: Sequence[Any] = (0.05, 0.5, 0.95),
    *,
    max_epochs: int = 150,
    n_jobs: int | None = None,
    random_state: RandomState = None,
) -> Bunch:
    """Train a network for each quantile level and collect the outputs.

    The networks of :func:`quantile_network` predict the progression of diabetes from ten
    measurements of a patient (scikit-learn's diabetes data). Inputs and target are scaled to
    mean 0 and standard deviation 1. The networks are trained on the same 300 patients and answer
    for all 442. Lambda is the level of the pinball loss, which :func:`~sklearn_hti.sweep` varies.
    Each network returns one output per patient, without noise.

    Parameters
    ----------
    levels : sequence of float, default=(0.05, 0.5, 0.95)
        The trained values, at least two quantile levels in (0, 1).
    max_epochs : int, default=150
        Epochs of each training, which takes about a second.
    n_jobs : int, default=None
        Number of networks that joblib trains in parallel.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, which are the same for every level.

    Returns
    -------
    Bunch
        With the attributes

        X : ndarray of shape (n, 10)
            The scaled measurements age, sex, body mass index, blood pressure and six
            blood serum values; n = 442 * len(levels).
        y : ndarray of shape (n,)
            The predicted quantile of the scaled progression.
        lam : ndarray of shape (n,)
            The level of each row.
        row : ndarray of shape (n,)
            The patient, 0 to 441.
        train_rows : ndarray of shape (300,)
            The training patients of the networks.
        test_rows : ndarray of shape (142,)
            The other patients.
        truth : callable
            ``truth(X, lam, random_state=None)`` trains a network at the scalar level lam and
            returns its answers at X, of shape (n,). With None, it has the seed of the data, so
            only the level differs. An int trains from other initial weights. The distance
            between two such networks is the noise floor. Trained networks are kept, so further
            calls are fast.

    Raises
    ------
    ValueError
        If a level is outside (0, 1).

    References
    ----------
    Koenker & Bassett, "Regression Quantiles", Econometrica 46, 1978.
    Efron, Hastie, Johnstone & Tibshirani, "Least Angle Regression", Annals of
    Statistics 32, 2004 (the data).

    Examples
    --------
    >>> from sklearn_hti.datasets import make_quantile_networks
    >>> data = make_quantile_networks((0.1, 0.9), max_epochs=3, random_state=0)
    >>> data.X.shape, data.y.shape, len(data.test_rows)
    ((884, 10), (884,), 142)
    """
    for level in levels:
        _check_level(level)
    seed = draw_seed(random_state)
    X, target, train_rows, test_rows = _load_patients()
    network = quantile_network(max_epochs=max_epochs)
    truth = _QuantileNetworks(network, X[train_rows], target[train_rows], seed)
    data = sweep(
        network,
        "criterion__level",
        levels,
        truth.X_train,
        truth.y_train,
        X,
        n_jobs=n_jobs,
        random_state=seed,
    )
    truth.remember(levels, data.estimators)
    by_level = np.arange(len(data.row)).reshape(len(X), -1).T.ravel()
    return Bunch(
        X=data.X[by_level],
        y=data.y[by_level, 0],
        lam=data.lam[by_level],
        row=data.row[by_level],
        train_rows=train_rows,
        test_rows=test_rows,
        truth=truth,
    )


def quantile_network(
    level: float = 0.5,
    *,
    n_inputs: int = 10,
    hidden: int = 32,
    learning_rate: float = 0.02,
    weight_decay: float = 3.0,
    max_epochs: int = 150,
) -> Any:
    """Make a small skorch network that predicts one quantile.

    It has two hidden layers. Training uses the pinball loss and AdamW on the full batch, with a
    cosine schedule. The weight decay is so strong that trainings from different initial weights
    agree.

    Parameters
    ----------
    level : float, default=0.5
        The quantile level in (0, 1), ``criterion__level`` of the net.
    n_inputs : int, default=10
        Number of columns of X.
    hidden : int, default=32
        Width of both hidden layers.
    learning_rate : float, default=0.02
        Learning rate at the start; it falls to zero.
    weight_decay : float, default=3.0
        Decoupled weight decay of AdamW.
    max_epochs : int, default=150
        Number of steps.

    Returns
    -------
    skorch.NeuralNetRegressor
        The untrained network. It fits targets of shape (n, 1).

    Raises
    ------
    ValueError
        If the level is outside (0, 1).

    Examples
    --------
    A sweep varies the level:

    >>> from sklearn.datasets import make_regression
    >>> from sklearn_hti import sweep
    >>> from sklearn_hti.datasets import quantile_network
    >>> X, y = make_regression(30, 4, random_state=0)
    >>> net = quantile_network(n_inputs=4, max_epochs=3)
    >>> sweep(net, "criterion__level", [0.1, 0.9], X, y[:, None]).y.shape
    (60, 1)
    """
    return NeuralNetRegressor(
        MLP,
        module__n_inputs=n_inputs,
        module__hidden=hidden,
        criterion=PinballLoss,
        criterion__level=_check_level(level),
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=weight_decay,
        lr=learning_rate,
        max_epochs=max_epochs,
        batch_size=-1,
        train_split=None,
        callbacks=[("decay", LRScheduler("CosineAnnealingLR", T_max=max_epochs))],
        verbose=0,
    )


class MLP(nn.Module):
    """Two hidden layers, one output; computes in float32.

    Parameters
    ----------
    n_inputs : int
        Number of columns of X.
    hidden : int, default=32
        Width of both hidden layers.
    """

    def __init__(self, n_inputs, hidden=32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, 1),
        )

    def forward(self, X):
        """Compute the outputs.

        Parameters
        ----------
        X : Tensor of shape (n, n_inputs)
            The inputs, of any dtype.

        Returns
        -------
        Tensor of shape (n, 1)
            The predicted quantile.
        """
        return self.layers(X.float())


class PinballLoss(nn.Module):
    """Mean pinball loss, whose expectation is smallest at the quantile.

    Parameters
    ----------
    level : float, default=0.5
        The quantile level.
    """

    def __init__(self, level=0.5):
        super().__init__()
        self.level = level

    def forward(self, predicted, target):
        """Average the loss over rows.

        Parameters
        ----------
        predicted : Tensor of shape (n, 1)
            The predicted quantile.
        target : Tensor of shape (n, 1)
            The target.

        Returns
        -------
        Tensor
            The mean, a scalar.
        """
        excess = target.to(predicted.dtype) - predicted
        return torch.maximum(self.level * excess, (self.level - 1) * excess).mean()


class _QuantileNetworks:
    """The true network at any level, trained when first asked for."""

    def __init__(self, network, X_train, y_train, seed):
        self.network = network
        self.X_train = X_train
        self.y_train = y_train
        self.seed = seed
        self.trained = {}

    def __call__(self, X, lam, random_state=None):
        """Outputs at X, one per row."""
        X = check_array(X, input_name="X")
        lam = np.asarray(lam, dtype=float)
        if lam.shape not in ((), (len(X),)):
            raise ValueError(
                f"lam has shape {lam.shape} for {len(X)} rows; pass a scalar or one level per row."
            )
        lam = np.broadcast_to(lam, len(X))
        seed = self.seed if random_state is None else random_state
        y = np.empty(len(X))
        for level in np.unique(lam):
            y[lam == level] = self._network_at(level, seed).predict(X[lam == level])[:, 0]
        return y

    def remember(self, levels, networks):
        """Keep networks that were trained with the seed of the data."""
        for level, network in zip(levels, networks, strict=True):
            self.trained[float(level), self.seed] = network

    def _network_at(self, level, seed):
        key = float(_check_level(level)), seed
        if key not in self.trained:
            network = clone(self.network).set_params(criterion__level=key[0])
            with global_seed(draw_seed(seed), network):
                self.trained[key] = network.fit(self.X_train, self.y_train)
        return self.trained[key]


def _load_patients():
    """Scaled inputs and targets, and the patients to learn from and to test on."""
    X, target = load_diabetes(return_X_y=True)
    order = check_random_state(_SPLIT_SEED).permutation(len(X))
    train_rows, test_rows = np.sort(order[:_N_TRAIN]), np.sort(order[_N_TRAIN:])
    return scale(X), scale(target)[:, np.newaxis], train_rows, test_rows


def _check_level(level):
    if not isinstance(level, Real) or not 0 < level < 1:
        raise ValueError(f"level is {level!r}; a quantile level lies in (0, 1).")
    return level
