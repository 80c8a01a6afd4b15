"""Sensitivity by optimal transport, from given data."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .._utils.annotations import Seed
from .._utils.random import sampling_generator
from .._utils.readable import as_readable
from ._outputs import check_outputs, scale_exponent
from ._slices import LEAST_ROWS, bounded, principal

LEAST_DATA = 60  # rows
COLUMNS = ["index", "advective", "diffusive", "lower", "upper"]


def ot_sensitivity(
    Z: ArrayLike,
    Y: ArrayLike,
    *,
    n_slices: int | None = None,
    coverage: float = 0.9,
    random_state: Seed = None,
) -> pd.DataFrame:
    r"""Sensitivity of outputs to each of their inputs, by optimal transport, from given data.

    The index of input i is

    .. math::
        \iota_i = \frac{E\bigl[W_2^2(P_Y, P_{Y \mid Z_i})\bigr]}{2 \operatorname{tr}
        \operatorname{Cov} Y} ,

    It is 0 if and only if Y does not depend on :math:`Z_i`, and 1 if and only if :math:`Z_i`
    determines Y. The index has two parts. They add up to the index if all conditional
    distributions are affine images of :math:`P_Y`, such as Gaussian ones. Otherwise, their sum is
    smaller. With the covariances :math:`S` of Y and :math:`S_i` of Y given :math:`Z_i`, they are

    .. math::
        \text{advective} &= \frac{E\lVert E[Y \mid Z_i] - E Y \rVert^2}
        {2 \operatorname{tr} S} , \\
        \text{diffusive} &= \frac{E \operatorname{tr}\bigl(S + S_i
        - 2 (S^{1/2} S_i S^{1/2})^{1/2}\bigr)}{2 \operatorname{tr} S} .

    The advective part measures how means move. It is half of Sobol's first-order index. The
    diffusive part measures how spreads and correlations change.

    Parameters
    ----------
    Z : array-like of shape (N,) or (N, p), or DataFrame
        Inputs, N >= 60. Columns without numbers are categories. Each category needs 5 rows or
        more.
    Y : array-like of shape (N,) or (N, D)
        Outputs. Convert several outputs to one unit first, because the index weights them by their
        variances.
    n_slices : int, default=None
        Number of slices of a column of numbers, at most N / 5. Slices have the same number of
        rows. A column with at most this number of different values, each in 5 rows or more, has
        one slice per value. None: the root of N.
    coverage : float, default=0.9
        Coverage of the bounds of the index.
    random_state : int, RandomState, Generator or None, default=None
        Splits rows and slices at random.

    Returns
    -------
    DataFrame
        A row for each column of Z, with the columns ``index``, ``advective``, ``diffusive``,
        ``lower`` and ``upper``, all from 0 to 1.

    Raises
    ------
    ValueError
        If Z and Y have different numbers of rows, fewer than 60 rows, or missing values. If a
        category has fewer than 5 rows, Y does not vary, or a parameter is out of range.

    See Also
    --------
    sklearn_hti.inspection.sensitivity : The indices of a surrogate, for hyperparameters and x.
    sklearn_hti.inspection.SensitivityDisplay : A plot of the table.

    Notes
    -----
    Distances between samples are biased upward by the noise of small slices, and downward by the
    width of large ones [1]_ [2]_. Three steps remove both biases:

    * Means and covariances are those of the residuals of a linear trend inside each slice, with
      a correction for degrees of freedom. The width of slices then does not count as spread.
    * The root in the diffusive part is extrapolated from slices and their halves.
    * Exact transport of slices gives the excess of the distance over the Gaussian one (sorted
      values for one output, the network simplex for several). The excess of affine images of the
      whole sample is noise. It is subtracted, in the amount that makes slices and their halves
      agree.

    Bounds are those of Student's t from the indices of up to ten disjoint parts of the rows. Rows
    have to be independent. Errors are larger with many outputs, because a slice does not determine
    their covariance. Prefer a few outputs, such as principal components.

    References
    ----------
    .. [1] Borgonovo, Figalli, Plischke & Savaré, "Global Sensitivity Analysis via Optimal
       Transport", Management Science 2024. https://doi.org/10.1287/mnsc.2023.01796
    .. [2] Gelbrich, "On a Formula for the L2 Wasserstein Metric between Measures on Euclidean and
       Hilbert Spaces", Mathematische Nachrichten 147, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.metrics import ot_sensitivity
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(2000, 2))
    >>> y = Z[:, 0] + rng.normal(size=2000)
    >>> ot_sensitivity(Z, y, random_state=0).round(2)["index"].tolist()
    [0.3, 0.0]
    """
    names, columns = _check_columns(Z)
    Y = check_outputs(Y, "Y")
    n_rows = len(columns[0])
    if len(Y) != n_rows:
        raise ValueError(f"Z has {n_rows} rows and Y has {len(Y)}; pass one row of Y for each.")
    check_rows(n_rows, n_slices, coverage)
    for name, column in zip(names, columns, strict=True):
        check_categories(name, column)
    Y = check_varies(Y)
    rng = sampling_generator(random_state)
    rows = [bounded(column, [Y], n_slices, coverage, rng) for column in columns]
    return pd.DataFrame(rows, index=names, columns=COLUMNS)


def check_varies(Y):
    """Return outputs (N, D) in principal coordinates, scaled; raise if they are all equal."""
    Y = np.ldexp(Y, -scale_exponent(Y))
    if not np.ptp(Y, axis=0).any():
        raise ValueError("Y is the same in all rows, so it has no index; pass outputs that vary.")
    return principal(Y)


def check_rows(n_rows, n_slices, coverage):
    """Raise if there are too few rows, too many slices, or no coverage."""
    if n_rows < LEAST_DATA:
        raise ValueError(f"Z has {n_rows} rows; the index needs {LEAST_DATA} or more.")
    most = n_rows // LEAST_ROWS
    if n_slices is not None and not (isinstance(n_slices, Integral) and 2 <= n_slices <= most):
        raise ValueError(
            f"n_slices={n_slices!r} must be None or an int from 2 to {most}, so that each slice "
            f"of the {n_rows} rows has {LEAST_ROWS}."
        )
    if not (isinstance(coverage, Real) and 0 < coverage < 1):
        raise ValueError(f"coverage={coverage!r} must lie between 0 and 1.")


def check_categories(name, column):
    """Raise if a category has too few rows."""
    if column.dtype.kind == "f":
        return
    least = np.bincount(column).min()
    if least < LEAST_ROWS:
        raise ValueError(
            f"Z: a category of {name!r} has {least} row(s), and {LEAST_ROWS} are needed; merge "
            "rare categories, or leave out the column."
        )


def _check_columns(Z):
    """Return names of columns, and their values: floats, or codes of categories."""
    Z = as_readable(Z)
    frame = Z if isinstance(Z, pd.DataFrame) else None
    if frame is None and hasattr(Z, "columns") and hasattr(Z, "to_pandas"):
        frame = Z.to_pandas()
    if frame is None:
        Z = Z.to_frame() if isinstance(Z, pd.Series) else np.asarray(Z)
        Z = Z[:, np.newaxis] if Z.ndim == 1 else Z
        if Z.ndim != 2:
            raise ValueError(f"Z has shape {Z.shape}; pass (N,) or (N, p), one column per input.")
        frame = pd.DataFrame(Z).infer_objects()
    if frame.shape[1] == 0:
        raise ValueError("Z has no columns; pass at least one.")
    columns = [encode_column(name, frame.iloc[:, j]) for j, name in enumerate(frame.columns)]
    return list(frame.columns), columns


def encode_column(name, values):
    """Return a Series as floats, or as codes of its categories; raise where values are missing."""
    if values.isna().any():
        raise ValueError(f"Z: column {name!r} has missing values; drop those rows, or fill them.")
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if not number:
        return pd.factorize(values)[0]
    column = values.to_numpy(dtype=float)
    if not np.isfinite(column).all():
        raise ValueError(f"Z: column {name!r} has infinite values; drop those rows.")
    return column
