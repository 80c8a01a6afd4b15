"""Checks and layout that the families share."""

import numpy as np
from sklearn.utils import Bunch, check_array


def check_categories(X, n_categories):
    """The single column of X as integers in [0, n_categories)."""
    X = check_array(X, dtype=float, input_name="X")
    if X.shape[1] != 1 or not np.isin(X, np.arange(n_categories)).all():
        raise ValueError(
            f"X has shape {X.shape} and reaches from {X.min()} to {X.max()}; pass one "
            f"column of category numbers 0 to {n_categories - 1}."
        )
    return X[:, 0].astype(int)


def check_outputs(y, n_rows, n_outputs):
    """The outputs as a float array of shape (n_rows, n_outputs)."""
    y = check_array(y, dtype=float, input_name="y")
    if y.shape != (n_rows, n_outputs):
        raise ValueError(
            f"y has shape {y.shape}; pass one output of {n_outputs} numbers for each of "
            f"the {n_rows} rows of X."
        )
    return y


def check_lam(lam, n_rows, name="lam"):
    """A lambda in [0, 1] for each row; a scalar serves all."""
    lam = np.asarray(lam, dtype=float)
    if lam.shape not in ((), (n_rows,)):
        raise ValueError(
            f"{name} has shape {lam.shape} for {n_rows} rows; pass a scalar or one value per row."
        )
    if not np.all((lam >= 0) & (lam <= 1)):
        raise ValueError(
            f"{name} reaches from {lam.min()} to {lam.max()}; this family is defined for "
            "lambda in [0, 1]."
        )
    return np.broadcast_to(lam, n_rows)


def draw_family(truth, n_categories, n_samples, lams, random_state):
    """Draws of the truth on the grid of lambdas and categories, as a Bunch."""
    if n_samples < 1:
        raise ValueError(f"n_samples is {n_samples}; pass at least 1.")
    category = np.repeat(np.arange(n_categories, dtype=float), n_samples)
    X = np.tile(category, len(lams))[:, np.newaxis]
    lam = np.repeat(np.asarray(lams, dtype=float), len(category))
    return Bunch(X=X, y=truth(X, lam, random_state), lam=lam, truth=truth)
