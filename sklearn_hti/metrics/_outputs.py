"""Outputs as the metrics read them."""

from sklearn.utils import check_array


def check_outputs(y, name):
    """Outputs as a float array of shape (n, D)."""
    y = check_array(y, dtype=float, ensure_2d=False, allow_nd=True, input_name=name)
    if y.ndim > 2:
        raise ValueError(
            f"{name} has shape {y.shape}; pass (n,) or (n, D), and flatten further axes into D."
        )
    return y.reshape(len(y), -1)
