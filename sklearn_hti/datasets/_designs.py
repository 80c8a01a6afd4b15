"""Where several hyperparameters are trained: corners and scattered points, or a grid."""

import numbers
from itertools import product

import numpy as np
from scipy.stats import qmc

DESIGNS = ("scattered", "grid")


def draw_anchors(design, n_anchors, n_axes, random_state):
    """Return trained values (M, n_axes) in the unit box.

    "scattered": all corners, so that the convex hull is the box, then a scrambled Halton
    sequence. "grid": the same number of evenly spaced values on every axis.
    """
    if design not in DESIGNS:
        raise ValueError(
            f"design={design!r} is not available; accepted: {', '.join(map(repr, DESIGNS))}."
        )
    if n_anchors is None:
        # 16, 28, 34, 40 for 2 to 5 axes
        n_anchors = max(min(12 * n_axes - 8, 6 * n_axes + 10), 2**n_axes)
        if design == "grid":
            n_anchors = int(n_anchors ** (1 / n_axes) + 1e-9) ** n_axes
    if not isinstance(n_anchors, numbers.Integral) or n_anchors < 2:
        raise ValueError(f"n_anchors is {n_anchors!r}; pass an integer of at least 2.")
    if design == "grid":
        n_values = round(n_anchors ** (1 / n_axes))
        if n_values < 2 or n_values**n_axes != n_anchors:
            raise ValueError(
                f"n_anchors={n_anchors} does not give a grid of {n_axes} axes with the same "
                f"number of values each; pass {', '.join(str(m**n_axes) for m in (2, 3, 4))} or "
                "another such power."
            )
        return np.array(list(product(np.linspace(0.0, 1.0, n_values), repeat=n_axes)))
    corners = np.array(list(product((0.0, 1.0), repeat=n_axes)))
    if n_anchors < len(corners):
        raise ValueError(
            f"n_anchors={n_anchors} is too small: a scattered design has the {len(corners)} "
            f"corners of the box of {n_axes} hyperparameters. Pass at least that many."
        )
    inside = qmc.Halton(n_axes, rng=np.random.default_rng(random_state))
    return np.concatenate([corners, inside.random(n_anchors - len(corners))])


def check_points(lam, n_axes, name="lam"):
    """Return lambdas (n, n_axes), finite; one lambda makes one row."""
    lam = np.asarray(lam, dtype=float)
    if lam.ndim not in (1, 2) or lam.shape[-1] != n_axes:
        raise ValueError(
            f"{name} has shape {lam.shape}; pass {n_axes} values, or an array (n, {n_axes})."
        )
    if not np.isfinite(lam).all():
        raise ValueError(f"{name} holds values that are not finite; pass numbers.")
    return np.atleast_2d(lam)


def check_no_condition(X, lam, n_axes):
    """Return lambdas (n, n_axes) of a family without inputs x."""
    if X is not None:
        raise ValueError("X was given, but this family has no inputs x; pass X=None.")
    return check_points(lam, n_axes)


def check_rows(lam_from, lam_to, y):
    """Raise if pairs of lambdas (m, n_axes) fit neither all rows of y nor each of them."""
    n_rows = max(len(lam_from), len(lam_to))
    if not {len(lam_from), len(lam_to)} <= {1, len(y)}:
        raise ValueError(
            f"lam_from and lam_to have {n_rows} rows for {len(y)} rows of y; pass one lambda, or "
            "one for each row."
        )


def as_given(values, lam):
    """Return one value per lambda: an array, or for a single lambda (n_axes,) the value alone."""
    return values[0] if np.ndim(lam) == 1 else values
