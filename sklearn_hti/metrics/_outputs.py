"""Outputs as the metrics read them."""

import numpy as np
from sklearn.utils import check_array

from .._utils.readable import as_readable


def check_outputs(y, name):
    """Return outputs as a float array.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, D, ...)
        Outputs.
    name : str
        What errors call them.

    Returns
    -------
    ndarray of shape (n, D)
        The same.

    Raises
    ------
    ValueError
        If an output is not finite.
    """
    y = check_array(as_readable(y), dtype=float, ensure_2d=False, allow_nd=True, input_name=name)
    return y.reshape(len(y), -1)


def scale_exponent(*outputs):
    """Return the binary exponent of the largest of some outputs.

    Divided by two to its power, outputs have squares, however large or small they are.

    Parameters
    ----------
    *outputs : ndarray
        Outputs.

    Returns
    -------
    int
        The exponent.
    """
    return int(np.frexp(max(np.abs(y).max(initial=0) for y in outputs))[1])
