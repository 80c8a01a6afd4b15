"""Outputs as the metrics read them."""

from sklearn.utils import check_array

from .._utils.readable import as_readable


def check_outputs(y, name):
    """Return outputs as a float array.

    Parameters
    ----------
    y : array-like of shape (n,) or (n, D)
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
        If an output has axes of its own, or is not finite.
    """
    y = check_array(as_readable(y), dtype=float, ensure_2d=False, allow_nd=True, input_name=name)
    if y.ndim > 2:
        raise ValueError(
            f"{name} has shape {y.shape}; pass (n,) or (n, D), and flatten further axes into D."
        )
    return y.reshape(len(y), -1)
