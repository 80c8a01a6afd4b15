"""Losses of the networks that a surrogate trained."""

from collections.abc import Mapping
from typing import Any, Self

import pandas as pd

from ._common import Display, plain

STAGES = {
    "paths": "paths between coupled outputs",
    "transport": "movement along lambda",
    "base": "generator at the base value",
}
ROLES = {
    "train_loss": "training loss",
    "valid_loss": "validation loss",
    "dual_value": "potential g: dual value",
    "map_residual": "map T: distance to the c-transform",
    "fitting_loss": "map T: divergence from the next trained value",
    "monge_gap": "map T: Monge gap",
    "cost": "cost of the transport",
}
_PLAYERS = {"dual_value": "potentials and maps", "monge_gap": "maps"}
_NO_LOSSES = ("stage", "step", "epoch", "seconds", "lr", "event_", "negative_share", "eigenvalue")


class HistoryDisplay(Display):
    """Losses of every network of a surrogate along its training steps.

    Use `from_estimator` to make one. There is one panel per stage of the fit: the paths between
    coupled outputs (with learned maps: the maps and their potentials), the movement along lambda,
    and the generator at the base value. Stages that train nothing have no panel.

    Parameters
    ----------
    losses : dict of dict of tuple
        The steps and the values, for every stage and name of a loss.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One per stage.
    ax_ : Axes
        The first of them.
    figure_ : Figure
        The figure of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.inspection import HistoryDisplay
    >>> lam = np.repeat([0.0, 1.0], 50)
    >>> surrogate = HyperparameterTrajectoryRegressor(
    ...     lam_transform=None, max_iter=100, random_state=0
    ... ).fit(None, lam + np.random.default_rng(0).normal(size=100), lam)
    >>> display = HistoryDisplay.from_estimator(surrogate)
    >>> steps, values = display.losses["transport"]["train_loss"]
    >>> steps
    array([ 50, 100])
    """

    def __init__(self, *, losses: Mapping[Any, Any]) -> None:
        self.losses = losses

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Read ``history_`` of a fitted surrogate, and plot it.

        Parameters
        ----------
        estimator : surrogate or TrajectoryPipeline
            Any fitted surrogate of this package that trains networks.
        ax : Axes or array of Axes, default=None
            Axes, one per stage. None makes a figure.
        **kwargs : dict
            Options of `plot`.

        Returns
        -------
        HistoryDisplay
            The display, with the plotted losses.

        Raises
        ------
        TypeError
            If `estimator` is not a surrogate.
        ValueError
            If nothing was trained.
        ImportError
            If matplotlib is not installed.
        """
        surrogate = cls._surrogate_in(estimator)
        losses = _collect_losses(surrogate.history_)
        if not losses:
            raise ValueError(f"{type(surrogate).__name__} trained no network and has no losses.")
        return cls(losses=losses).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot the losses, on a logarithmic scale if all are positive.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Axes, one per stage. None makes a figure.
        **kwargs : dict
            Options of `Axes.plot`.

        Returns
        -------
        HistoryDisplay
            The display itself.
        """
        self.axes_ = self._take_axes(ax, len(self.losses))
        for axis, (stage, losses) in zip(self.axes_, self.losses.items(), strict=True):
            for name, (steps, values) in losses.items():
                role = ROLES.get(name, name.replace("_", " "))
                axis.plot(steps, values, label=plain(role), **{"marker": ".", "lw": 1, **kwargs})
            if all((values > 0).all() for _, values in losses.values()):
                axis.set_yscale("log")
            players = [title for name, title in _PLAYERS.items() if name in losses]
            axis.set(xlabel="step", title=plain((players or [STAGES.get(stage, stage)])[0]))
            axis.legend(fontsize="small")
        self.ax_.set_ylabel("loss")
        return self


def _collect_losses(history):
    """Return steps and values of every loss of every stage, stages in the order of the fit."""
    losses = {}
    history = pd.DataFrame(history, columns=None if len(history) else ["stage"])
    for stage, records in history.groupby("stage", sort=False):
        records = records.dropna(axis="columns", how="all")
        names = [n for n in records.columns if not n.startswith(_NO_LOSSES)]
        if not _PLAYERS.keys().isdisjoint(names):
            names.remove("train_loss")  # made of the figures of its parts
        steps = records["step"].to_numpy()
        losses[stage] = {n: (steps, records[n].to_numpy(dtype=float)) for n in names}
    return losses
