"""Targets of classifiers: labels, or probabilities whose columns are classes."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from .._utils.readable import as_readable
from .arrays import as_float_array, errors_name


def read_targets(y):
    """Return the names of the columns of a DataFrame, None without, and targets as an array."""
    y = as_readable(y)
    names = getattr(y, "columns", None)
    names = None if names is None else np.asarray(list(names))
    return (names if names is not None and names.ndim == 1 else None), np.asarray(y)


def are_labels(y):
    """Tell whether targets are labels (n,), or a column of them, and not probabilities."""
    return y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1)


def read_labels(y, named):
    """Return the classes, and one-hot labels (n, n_classes).

    Parameters
    ----------
    y : ndarray of shape (n,) or (n, 1)
        Labels.
    named : array-like or None
        The parameter `classes`.
    """
    with errors_name("y"):
        y = column_or_1d(y, warn=True)
        if y.dtype.kind == "f":
            as_float_array(y, "y", ensure_2d=False)
        check_classification_targets(y)
        seen = np.unique(y)
    classes = seen if named is None else _named(named)
    unknown = np.setdiff1d(seen, classes)
    if len(unknown):
        raise ValueError(f"`y` holds labels {unknown.tolist()}, which are not in `classes`.")
    return classes, (y[:, None] == classes).astype(float)


def read_probabilities(y, columns, named):
    """Return the classes, and probabilities (n, n_classes).

    Parameters
    ----------
    y : ndarray of shape (n, n_classes)
        Probabilities.
    columns : ndarray of shape (n_classes,) or None
        Names of the columns of a DataFrame.
    named : array-like or None
        The parameter `classes`.
    """
    if y.ndim != 2:
        raise ValueError(
            f"`y` must hold labels (n,) or probabilities (n, n_classes); got shape {y.shape}."
        )
    n_classes = y.shape[1]
    if named is not None:
        classes = _named(named, n_classes)
        if _name_some(columns, classes) and list(columns) != [*classes]:
            raise ValueError(
                f"classes={named!r} are not the columns {columns.tolist()} of y in their order; "
                "leave out `classes`, and the columns name them."
            )
        return classes, y
    if columns is None:
        return np.arange(n_classes), y
    if len(np.unique(columns)) < n_classes:
        raise ValueError(
            f"The columns {list(columns)} of `y` must be distinct, since they name the classes."
        )
    return columns, y


def classes_of(y, columns, classes):
    """Return the classes of the columns of probabilities that are compared with answers.

    Parameters
    ----------
    y : ndarray of shape (n, n_classes)
        Probabilities.
    columns : ndarray of shape (n_classes,) or None
        Names of the columns of a DataFrame.
    classes : ndarray of shape (n_classes,)
        The classes of the answers.
    """
    by_name = _name_some(columns, classes)
    if y.shape[1:] == classes.shape and not by_name:
        return classes
    if by_name and len(columns) == len(classes) and {*columns} == {*classes}:
        return columns
    found = f"shape {y.shape}" if columns is None else f"columns {columns.tolist()}"
    raise ValueError(
        f"`y` must hold labels (n,) or probabilities (n, {len(classes)}) of the classes "
        f"{classes.tolist()}; got {found}."
    )


def _name_some(columns, classes):
    """Tell whether names of columns are those of classes, at least one of them."""
    if columns is None:
        return False
    by_default = columns.tolist() == [*range(len(columns))]  # as a DataFrame counts its columns
    shared = {*columns} & {*classes}
    return bool(shared) and (len(shared) == len(classes) or not by_default)


def _named(named, n_classes=None):
    """Return the classes that the parameter names."""
    classes = np.asarray(named)
    wanted = len(classes) if n_classes is None else n_classes
    if classes.shape != (wanted,) or len(np.unique(classes)) < wanted:
        raise ValueError(
            f"classes={named!r} must be {wanted} distinct names, one for each column of y."
        )
    return classes
