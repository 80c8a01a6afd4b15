"""Common to page and pictures: the surrogate in question, its lambdas, and names."""

import importlib
from numbers import Real

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._utils.readable import as_readable
from ..data.arrays import as_float_array, is_frame
from ..data.lambdas import check_within
from ..data.table import split_columns
from .query import before_last


def require(module, caller):
    """Return a module of the extra `plot`; raise a helpful error where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{caller} needs {module.partition('.')[0]}, which is not installed; "
            "install it with pip install 'sklearn-hti[plot]'."
        ) from error


def final_step(estimator, caller):
    """Return the fitted surrogate, which may end a pipeline."""
    surrogate = estimator
    if isinstance(estimator, Pipeline):
        surrogate = estimator.steps[-1][1]
    if not hasattr(surrogate, "trajectory"):
        raise TypeError(
            f"{caller} needs a HyperparameterTrajectoryRegressor, a surrogate of "
            "sklearn_hti.baselines, or a pipeline that ends in one; got "
            f"{type(surrogate).__name__}."
        )
    check_is_fitted(surrogate)
    return surrogate


def enter(estimator, X):
    """Return X as the surrogate at the end of a pipeline sees it."""
    return before_last(estimator, X) if isinstance(estimator, Pipeline) else X


def spaced_lambdas(surrogate, lam, size, ends=None):
    """Return ascending lambdas: `size` even ones unless given, and the anchors among them.

    Of one hyperparameter that varies; even ones are between the ends, or the first anchor and the
    last.
    """
    anchors, space = surrogate._state.anchors, surrogate._state.lam_space
    if lam is None:
        ends = np.sort(anchors[[0, -1]] if ends is None else ends)
        spaced = np.geomspace if lam_scale(surrogate) == "log" else np.linspace
        lam = spaced(*ends, size)
        lam[[0, -1]] = ends  # geomspace rounds
    elif space.n_columns > 1:
        lam = space.encode(lam, space.count_rows(lam), "lam_grid")
    lam = as_float_array(lam, "lam_grid", ensure_2d=False)
    if lam.ndim != 1:
        raise ValueError(f"`lam_grid` must have shape (L,); got {lam.shape}.")
    lam = check_within(lam, anchors, name="lam_grid")
    inside = anchors[(anchors >= lam.min()) & (anchors <= lam.max())]
    return np.unique(np.concatenate([lam, inside]))


def lam_scale(surrogate):
    """Return the scale of axes of lambda: "log" where the clock is, else "linear"."""
    clock = getattr(surrogate, "lam_transform_", None)
    return "log" if getattr(clock, "name", None) == "log" else "linear"


def name_lambda(surrogate, name):
    """Return what to call lambda where one number varies: its column where it has a name."""
    if name is not None:
        return name
    if isinstance(surrogate.lam_column, str):
        return surrogate.lam_column
    space = surrogate._state.lam_space
    return str(space.kept_names[0]) if space.names else "λ"


def name_outputs(names, n_outputs):
    """Return the names of the outputs, checked."""
    if names is None:
        return ["output"] if n_outputs == 1 else [f"output {d}" for d in range(n_outputs)]
    names = [str(name) for name in names]
    if len(names) != n_outputs:
        raise ValueError(
            f"`output_names` has {len(names)} names for {n_outputs} output(s); pass one for each."
        )
    return names


def name_rows(surrogate, X, n_rows, labels):
    """Return a label per row of X: its values where it has one or two columns."""
    if labels is not None:
        labels = [str(label) for label in labels]
        if len(labels) != n_rows:
            raise ValueError(
                f"`labels` has {len(labels)} entries for {n_rows} row(s); pass one for each."
            )
        return labels
    if X is None:
        return [f"row {i}" for i in range(n_rows)]
    frame = X if is_frame(X) else np.asarray(as_readable(X))
    if surrogate.lam_column is not None and frame.shape[1] == surrogate.n_features_in_:
        frame, _ = split_columns(frame, surrogate.lam_column)
    if not 1 <= frame.shape[1] <= 2:
        return [f"row {i}" for i in range(n_rows)]
    names = list(frame.columns) if is_frame(frame) else ["x", "x'"]
    rows = frame.to_numpy() if is_frame(frame) else frame
    return [
        ", ".join(f"{name} = {_short(value)}" for name, value in zip(names, row, strict=False))
        for row in rows
    ]


def _short(value):
    return f"{value:.3g}" if isinstance(value, Real) else str(value)
