"""Model-based transfer learning: the next value by the scores of trained ones alone."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.utils import Bunch

from .._utils.annotations import Lam
from ..data.validation import as_float_array


def mbtl(
    lam: Lam,
    scores: ArrayLike,
    candidates: ArrayLike,
    *,
    slope: float | None = None,
    deviations: float = 1.0,
) -> Bunch:
    """Choose the next hyperparameter value by the scores of trained ones, without their outputs.

    A Gaussian process predicts the score of a network trained at each candidate. A network
    loses `slope` of its score per unit of the range at other values (the *linear generalisation
    gap*), and at each value the best network is used. The candidate that raises the sum over
    candidates most is chosen, by an upper confidence bound.

    Parameters
    ----------
    lam : array-like of shape (M,)
        Trained values.
    scores : array-like of shape (M,)
        Their scores, such as returns; greater is better.
    candidates : array-like of shape (C,)
        Values to choose from, all of which count.
    slope : float, default=None
        Loss of score over the whole range. None: the range of the scores, or one.
    deviations : float, default=1.0
        Standard deviations that the bound lies above the mean.

    Returns
    -------
    Bunch
        ``lam`` of shape (1,), and ``gain`` (1,), the mean over candidates that the bound expects.

    References
    ----------
    Cho, Jayawardana, Li and Wu, "Model-Based Transfer Learning for Contextual Reinforcement
    Learning", NeurIPS 2024, arXiv:2408.04498.

    Examples
    --------
    >>> from sklearn_hti.design import mbtl
    >>> mbtl([0.0, 1.0], [0.2, 0.4], candidates=[0.0, 0.25, 0.5, 1.0]).lam
    array([0.5])
    """
    lam, scores, candidates = (
        as_float_array(values, name, ensure_2d=False)
        for values, name in ((lam, "lam"), (scores, "scores"), (candidates, "candidates"))
    )
    if lam.ndim != 1 or lam.shape != scores.shape or not len(lam):
        raise ValueError(
            f"`lam` has shape {lam.shape} and `scores` {scores.shape}; expected one score for "
            "each trained value, both (M,)."
        )
    free = ~np.isin(candidates, lam)
    if candidates.ndim != 1 or not free.any():
        raise ValueError("`candidates` has no value that is not trained yet; list more of them.")
    values = np.concatenate([lam, candidates])
    low, width = values.min(), np.ptp(values)
    spread = float(np.ptp(scores)) or 1.0
    slope = spread if slope is None else slope
    places, others = (((of - low) / width)[:, None] for of in (lam, candidates))
    kernel = ConstantKernel(1.0, "fixed") * RBF(0.5, "fixed") + WhiteKernel(1e-3, "fixed")
    model = GaussianProcessRegressor(kernel).fit(places, (scores - scores.mean()) / spread)
    mean, deviation = model.predict(others, return_std=True)
    bound = scores.mean() + spread * (mean + deviations * deviation)
    known = np.max(scores - slope * np.abs(others - places.T), axis=1)
    offered = bound[:, None] - slope * np.abs(others - others.T)  # by network, at value
    gain = np.where(free, np.mean(np.maximum(offered - known, 0), axis=1), -np.inf)
    best = int(np.argmax(gain))
    return Bunch(lam=candidates[[best]], gain=gain[[best]])
