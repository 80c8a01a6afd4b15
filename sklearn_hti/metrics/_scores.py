"""Proper scores of draws."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist, pdist
from sklearn.utils import check_array

from .._utils.readable import as_readable
from ._outputs import check_outputs, scale_exponent


def energy_score(y_true: ArrayLike, y_samples: ArrayLike) -> float:
    r"""Energy score of samples against true outputs, mean over rows.

    For a row with output y and draws :math:`Y_1, \dots, Y_S`, the score is

    .. math::
        \frac1S \sum_s \lVert Y_s - y \rVert
        - \frac{1}{2 S (S - 1)} \sum_{s \ne t} \lVert Y_s - Y_t \rVert ,

    This is an unbiased estimate of :math:`E\lVert Y-y\rVert - \frac12 E\lVert Y-Y'\rVert`,
    because the second term averages over distinct pairs. In expectation over y, the score is
    smallest for the true distribution. For scalar outputs, it is the continuous ranked
    probability score. The score of a single row may be negative.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, D)
        Outputs of the true network, one per row.
    y_samples : array-like of shape (S, n) or (S, n, D)
        S >= 2 draws of the surrogate for each row, draws first as
        ``sample(..., n_samples=S)`` returns them.

    Returns
    -------
    float
        Mean score, in units of y. Lower is better.

    Raises
    ------
    ValueError
        If the shapes do not match, there are fewer than two draws, or values are NaN.

    Notes
    -----
    Rows are scored one after another, so memory grows with S squared, not with n times S squared.

    References
    ----------
    Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation",
    Journal of the American Statistical Association 102, 2007.

    Examples
    --------
    >>> from sklearn_hti.metrics import energy_score
    >>> energy_score([0.0], [[-1.0], [1.0]])
    0.0
    >>> energy_score([2.0], [[-1.0], [1.0]])
    1.0
    """
    y_true, y_samples = as_readable(y_true), as_readable(y_samples)
    y_samples = check_array(
        y_samples, dtype=float, ensure_2d=False, allow_nd=True, input_name="y_samples"
    )
    wanted = np.shape(y_true)
    if y_samples.shape[1:] != wanted:
        raise ValueError(
            f"y_samples has shape {y_samples.shape}, y_true {wanted}; y_samples needs "
            f"shape (S, *y_true.shape) = {('S', *wanted)}, draws first."
        )
    if len(y_samples) < 2:
        raise ValueError(
            "y_samples has one draw per row; the energy score needs at least 2: ask "
            "`sample` for more with n_samples."
        )
    y_true = check_outputs(y_true, "y_true")
    exponent = scale_exponent(y_true, y_samples)
    y_true, y_samples = np.ldexp(y_true, -exponent), np.ldexp(y_samples, -exponent)
    draws_by_row = np.moveaxis(y_samples.reshape(len(y_samples), *y_true.shape), 1, 0)
    scores = [
        cdist(draws, y[np.newaxis]).mean() - pdist(draws).mean() / 2
        for y, draws in zip(y_true, draws_by_row, strict=True)
    ]
    return float(np.ldexp(np.mean(scores), exponent))


def crps(y_true: ArrayLike, y_samples: ArrayLike) -> float:
    r"""Return the continuous ranked probability score of samples, mean over rows and outputs.

    This is the energy score of each output on its own. It is unbiased for S >= 2 draws. It does
    not measure how outputs depend on each other.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, D)
        Outputs of the true network, one per row.
    y_samples : array-like of shape (S, n) or (S, n, D)
        S >= 2 draws of the surrogate for each row, draws first.

    Returns
    -------
    float
        Mean score, in units of y. Lower is better.

    Raises
    ------
    ValueError
        If the shapes do not match, there are fewer than two draws, or values are NaN.

    References
    ----------
    Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation",
    Journal of the American Statistical Association 102, 2007.

    Examples
    --------
    >>> from sklearn_hti.metrics import crps
    >>> crps([[0.0, 2.0]], [[[-1.0, -1.0]], [[1.0, 1.0]]])
    0.5
    """
    y_true, y_samples = as_readable(y_true), as_readable(y_samples)
    shape = np.shape(y_true)
    columns = np.reshape(y_true, (shape[0], -1)).T if shape else [y_true]
    samples = np.asarray(y_samples)
    if samples.shape[1:] != shape or not samples.size:
        return energy_score(y_true, y_samples)  # says what is wrong
    draws = np.moveaxis(samples.reshape(len(samples), shape[0], -1), 2, 0)
    return float(np.mean([energy_score(y, d) for y, d in zip(columns, draws, strict=True)]))
