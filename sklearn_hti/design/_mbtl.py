"""Model-based transfer learning: the next value by the scores of trained ones alone."""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.utils import Bunch

from .._utils.annotations import Lam
from ..data.arrays import as_float_array


def mbtl(
    lam: Lam,
    scores: ArrayLike,
    candidates: ArrayLike,
    *,
    slope: float | None = None,
    deviations: float = 1.0,
) -> Bunch:
    """Choose the next hyperparameter value by the scores of trained networks alone.

    A Gaussian process predicts the score of a network trained at each candidate. At other values,
    a network loses `slope` of its score per unit of the range (the *linear generalisation gap*).
    The best network is used at each value. The chosen candidate raises the sum of scores over all
    candidates most, by an upper confidence bound.

    Parameters
    ----------
    lam : array-like of shape (M,)
        Trained values.
    scores : array-like of shape (M,)
        Scores of the networks, such as returns; greater is better.
    candidates : array-like of shape (C,)
        Values to choose from. The scores at all of them count.
    slope : float, default=None
        Loss of score over the whole range. None: the range of the scores, or one if they are
        equal.
    deviations : float, default=1.0
        Distance of the bound from the mean, in standard deviations.

    Returns
    -------
    Bunch
        ``lam`` of shape (1,), and ``gain`` (1,), the gain in score under the bound, averaged over
        the candidates.

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
            f"`lam` has shape {lam.shape} and `scores` {scores.shape}; pass one score for "
            "each trained value, both of shape (M,)."
        )
    free = ~np.isin(candidates, lam)
    if candidates.ndim != 1 or not free.any():
        raise ValueError("`candidates` has trained values only; add some that are not trained.")
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
