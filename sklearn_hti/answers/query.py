"""What a method is asked, checked: conditions, lambdas and given outputs."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from .._utils.findings import warn_once
from .._utils.readable import as_readable
from ..clocks.beyond import FARTHEST, unplaced
from ..clocks.hull import Hull
from ..data.anchors import distinct_lambdas, find_anchors
from ..data.arrays import as_float_array, count_axes
from ..data.lambdas import INTERPOLATES, count_rows, split_outside
from ..data.table import check_features, split_columns
from ..data.targets import check_inside, check_outputs, check_reach
from ..exceptions import ExtrapolationWarning
from ..field.particles import equal_sizes


@dataclass(frozen=True)
class Inputs:
    """X without the lambda column, lambda as it was given, and the number of rows."""

    X: object
    lam: object
    n_rows: int


@dataclass(frozen=True)
class Given:
    """Outputs that are moved: in the user's units, and the lambda that they come from."""

    y: np.ndarray  # (n, D)
    lam: np.ndarray  # (n,)


@dataclass(frozen=True)
class Said:
    """Scaled outputs of several networks for the same inputs, by increasing lambda."""

    outputs: np.ndarray  # (A, n, D)
    lams: np.ndarray  # (A,)
    trailing: tuple  # each came as (n, *trailing)


def split_lam(estimator, X, lam, *, reset, n_rows=None):
    """Check X, and take its lambda column off.

    Parameters
    ----------
    estimator : BaseEstimator
        Has the parameters `lam_column`, which has to be that of the fit, and
        `categorical_features`; `n_features_in_` and the names of columns are set (`reset`) or
        compared.
    X : array-like of shape (n, C), DataFrame or None
        As users pass it.
    lam : object
        As users pass it; None: that of the column.
    reset : bool
        Whether this is `fit`.
    n_rows : int, default=None
        Number of rows where X is None; None: that of `lam`.

    Returns
    -------
    Inputs
        X is an array of no columns where it is None.
    """
    if not reset and estimator.lam_column != estimator._state.lam_column:
        raise ValueError(
            f"lam_column={estimator.lam_column!r} was set after fit, which had "
            f"lam_column={estimator._state.lam_column!r}; fit again."
        )
    X = check_features(estimator, X, reset=reset)
    if X is not None and estimator.lam_column is not None:
        X, column = split_columns(X, estimator.lam_column)
        lam = column if lam is None else lam
    if X is not None:
        return Inputs(X, lam, len(X))
    if n_rows is None:
        n_rows = count_rows(None, lam) if reset else estimator._state.count_rows(lam)
    return Inputs(np.zeros((n_rows, 0)), lam, n_rows)


def check_lam_within(estimator, lam, n_rows, name, *, beyond=True):
    """Return lambda, encoded, one per row, within the trained values, or beyond if that is asked.

    Without `beyond`, it is not, whatever the estimator has.

    Raises
    ------
    ValueError
        If a lambda lies outside, unless the estimator has ``extrapolation="warn"``, or where
        nothing is known: off the scale of lambda, or of categories never seen.

    Warns
    -----
    ExtrapolationWarning
        If a lambda lies outside. A surrogate says it once.
    """
    state, asker = estimator._state, estimator if beyond else None
    if state.hull is not None:
        own = state.hull.space.encode(lam, n_rows, name)
        _settle(asker, state.hull.outside(own, name), INTERPOLATES)
    lam = state.lam_space.encode(lam, n_rows, name)
    found = ""
    if lam.ndim == 1:
        lam, found = split_outside(lam, state.anchors, name)
        _settle(asker, found, INTERPOLATES)
    if state.particle_field is not None and (found or state.hull is not None):
        _check_placed(state, lam, name)
    return lam


def _settle(estimator, found, remedy):
    """Raise or warn, as the estimator wants, of what is found of lambdas outside."""
    if not found:
        return
    wanted = getattr(estimator, "extrapolation", None)
    if wanted != "warn":
        choice = "" if wanted is None else " Or use extrapolation='warn'."
        raise ValueError(found + remedy + choice)
    warn_once(
        estimator,
        f"{found}. Answers there continue the outputs between trained values. Networks may "
        "differ; `interval` widens with the distance.",
        ExtrapolationWarning,
    )


def _check_placed(state, lam, name):
    """Raise where the scale of lambda does not reach."""
    missing = unplaced(state.particle_field.scale, lam, state.anchors)
    if missing.any():
        raise ValueError(
            f"`{name}` has {int(missing.sum())} value(s), first "
            f"{state.lam_space.text(lam[missing][0])}, where the scale of lambda "
            f"({state.movement.clock.name}) is not defined, or over {FARTHEST:g} times the "
            "trained range away. Answers there are unknown. Train a network there, or use another "
            "lam_transform."
        )


def check_given(state, y, n_rows, name="y"):
    """Return given outputs as (n, D), and the shape of one of their rows as they came."""
    y, trailing = check_outputs(y, n_rows, name=name)
    if y.shape[1] != state.outputs.n_outputs:
        raise ValueError(
            f"`{name}` has {y.shape[1]} output(s) per row; pass {state.outputs.n_outputs}, as in "
            "fit."
        )
    check_reach(state.outputs.encode(y, name), name)
    return y, trailing


def check_moved(state, y, n_rows, name="y"):
    """Return outputs that are to be moved, as `check_given` does; raise outside of `y_bounds`."""
    y, trailing = check_given(state, y, n_rows, name)
    if state.outputs.bounds is not None:
        check_inside(y, state.outputs.bounds, name)
    return y, trailing


def check_said(estimator, X, outputs, lams):
    """Return what several networks said, checked: their scaled outputs and lambdas.

    Clouds of different sizes, which go without X, get the size of the largest: their rows are
    repeated evenly.
    """
    state, lams = estimator._state, as_readable(lams)
    if count_axes(lams) == 0:
        lams = np.atleast_1d(lams)
    asked, lams = lams, _several(estimator, lams, "lams")
    if len(lams) < 2:
        raise ValueError("`lams` must hold the lambdas of two or more networks; got one.")
    given = lams if state.hull is None else state.hull.space.encode(asked, len(lams), "lams")
    if _count_distinct(given) < len(lams):
        raise ValueError(f"`lams` must be distinct; got {given.tolist()}.")
    if not hasattr(outputs, "__len__") or len(outputs) != len(lams):
        found = len(outputs) if hasattr(outputs, "__len__") else type(outputs).__name__
        raise ValueError(
            f"`outputs` must hold the outputs of {len(lams)} networks, one per entry of `lams`; "
            f"got {found}."
        )
    clouds = [check_moved(state, y, None, f"outputs[{i}]") for i, y in enumerate(outputs)]
    n_rows = None if X is None else count_outputs(X)
    for i, (y, _) in enumerate(clouds):
        if n_rows not in (None, len(y)):
            raise ValueError(
                f"`outputs[{i}]` holds {len(y)} rows, and X {n_rows}: pass the output at every "
                "row of X. Numbers of draws may differ only without a condition, X=None."
            )
    scaled = equal_sizes(
        [state.outputs.encode_whole(y) for y, _ in clouds], np.random.default_rng(0)
    )
    # where an axis without influence was left out, several networks are one: the first
    order = np.unique(lams, axis=0, return_index=True)[1]
    return Said(scaled[order], lams[order], clouds[0][1])


def _count_distinct(lams):
    """Return the number of distinct lambdas (A,) or (A, k)."""
    return len(distinct_lambdas(lams)[0] if lams.ndim == 1 else find_anchors(lams).lam)


def check_between(estimator, lam, lams):
    """Return lambdas, encoded, that lie between others, or beyond if that is asked."""
    state = estimator._state
    remedy = (
        "; `interpolate` answers between the networks that were asked, `transport` moves outputs "
        "beyond."
    )
    if lams.ndim == 1:
        lam, found = split_outside(lam, lams, "lam", "`lams`")
    else:
        scale = (state.particle_field or state.movement).scale
        found = Hull(state.lam_space, (scale, scale.plain()), lams).outside(lam, "lam")
    _settle(estimator, found, remedy)
    return lam


def check_grid(estimator, lam_grid):
    """Return a grid of lambdas (L,) or (L, k), encoded, as `check_lam_within` does."""
    return _several(estimator, lam_grid, "lam_grid")


def _several(estimator, lams, name):
    """Return several lambdas, each a row, encoded, as `check_lam_within` does."""
    state = estimator._state
    if state.lam_space.n_columns == 1 and not hasattr(lams, "columns"):
        lams = as_float_array(lams, name, ensure_2d=False)
        if lams.ndim != 1:
            raise ValueError(f"`{name}` must have shape (L,); got {lams.shape}.")
    return check_lam_within(estimator, lams, state.count_rows(lams), name)


def count_outputs(values):
    """Return the number of rows of y, before it is checked; None if it has none."""
    values = values if hasattr(values, "shape") else as_readable(values)
    if hasattr(values, "shape"):  # sparse matrices have no length
        return values.shape[0] if values.shape else None
    return len(values) if hasattr(values, "__len__") and count_axes(values) else None


def check_n_samples(n_samples):
    """Raise unless a number of draws is a positive integer."""
    if not isinstance(n_samples, Integral) or isinstance(n_samples, bool) or n_samples < 1:
        raise ValueError(f"n_samples={n_samples!r} must be None or a positive integer.")


def before_last(pipeline, X):
    """Return X as the last step of a pipeline takes it."""
    return pipeline[:-1].transform(X) if len(pipeline.steps) > 1 else X
