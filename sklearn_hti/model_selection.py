"""Validation that matches the task: predict a trained value from the others."""

from dataclasses import replace

import numpy as np
from sklearn.model_selection import BaseCrossValidator

from ._utils.readable import as_readable
from .clocks.axes import make_axes
from .clocks.hull import interior
from .data.anchors import find_anchors
from .data.arrays import is_frame
from .data.lam_space import ONE, learn_space
from .data.table import split_columns


class LeaveOneLambdaOut(BaseCrossValidator):
    """Leave out the rows of one trained value at a time.

    This measures the task of a surrogate: to predict a trained value from the others. Folds of
    shuffled rows do not. They test lambdas and inputs that are in the training rows, and score
    near 1. `GroupKFold`, with a number per x as groups, leaves out inputs. Lambda is passed as to
    the estimators: routed as `lam`, or as a column of X.

    Parameters
    ----------
    lam_column : int, str or list of these, default=None
        Position or name of the column of X that holds lambda, if `lam` is not passed. A list has
        the columns of several hyperparameters.
    n_anchors : "auto" or int, default="auto"
        Number of trained values, as in `HyperparameterTrajectoryRegressor`: the distinct values of
        lambda, or bins of near values.
    ends : bool, default=False
        Whether the first and the last trained value are left out, too. With several
        hyperparameters, these are the values on the convex hull. Surrogates then have to
        extrapolate, which is an error by default.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.model_selection import LeaveOneLambdaOut
    >>> lam = np.repeat([0.0, 0.5, 1.0, 2.0], 5)
    >>> for train, test in LeaveOneLambdaOut().split(lam[:, None], lam=lam):
    ...     print(np.unique(lam[train]), np.unique(lam[test]))
    [0. 1. 2.] [0.5]
    [0.  0.5 2. ] [1.]
    """

    __metadata_request__split = {"lam": True}

    def __init__(self, *, lam_column=None, n_anchors="auto", ends=False):
        self.lam_column = lam_column
        self.n_anchors = n_anchors
        self.ends = ends

    def split(self, X, y=None, groups=None, *, lam=None):
        """Yield the rows to fit on, and those of the trained value that is left out.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs; read for `lam_column` only.
        y : array-like, default=None
            Not read.
        groups : array-like, default=None
            Not read.
        lam : array-like of shape (n,) or (n, k) or DataFrame, default=None
            Hyperparameter value lambda of every row.

        Yields
        ------
        train : ndarray of int
            Rows of the other trained values.
        test : ndarray of int
            Rows of the trained value that is left out.

        Raises
        ------
        ValueError
            If lambda is missing. If there are fewer than three trained values. If several
            hyperparameters vary, and no trained value lies between the others.
        """
        anchors = self._anchors(X, lam)
        for k in self._left_out(anchors):
            held = anchors.index == k
            yield np.flatnonzero(~held), np.flatnonzero(held)

    def get_n_splits(self, X=None, y=None, groups=None, *, lam=None):
        """Return the number of trained values that are left out.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs; read for `lam_column` only.
        y : array-like, default=None
            Not read.
        groups : array-like, default=None
            Not read.
        lam : array-like of shape (n,) or (n, k) or DataFrame, default=None
            Hyperparameter value lambda of every row.

        Returns
        -------
        int
            Number of splits.
        """
        return len(self._left_out(self._anchors(X, lam)))

    def _anchors(self, X, lam):
        """Return the Anchors of all rows."""
        if lam is None and self.lam_column is not None and X is not None:
            X = X if is_frame(X) else np.asarray(as_readable(X))
            lam = split_columns(X, self.lam_column)[1]
        if lam is None:
            raise ValueError(
                "`lam` is missing. Pass it to the search (with metadata routing on), or name its "
                "column of X with LeaveOneLambdaOut(lam_column=...)."
            )
        space, lam = learn_space(lam, ONE.count_rows(lam))
        anchors = find_anchors(lam, self.n_anchors)
        if anchors.several:
            anchors = replace(anchors, scale=make_axes("auto", space, anchors.lam))
        return anchors

    def _left_out(self, anchors):
        """Return the numbers of the anchors that are left out."""
        out = np.arange(len(anchors.lam)) if self.ends else interior(anchors)
        if anchors.several and not len(out):
            raise ValueError(
                f"LeaveOneLambdaOut: none of the {len(anchors.lam)} trained values in `lam` lies "
                "within the convex hull of the others, so none can be predicted from them. Train "
                "values inside, or use ends=True."
            )
        if not len(out) or len(anchors.lam) < 3:
            raise ValueError(
                f"LeaveOneLambdaOut: `lam` has {len(anchors.lam)} trained values; at least three "
                "are needed, so that two remain when one is left out."
            )
        return out.tolist()
