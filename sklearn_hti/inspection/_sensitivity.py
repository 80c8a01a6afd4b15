"""What moves the outputs of a surrogate: hyperparameters and columns of x."""

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.utils import _safe_indexing

from .._utils.annotations import Seed
from .._utils.random import sampling_generator
from .._utils.readable import as_readable
from ..answers.labels import enter, final_step, name_lambda
from ..data.table import split_columns
from ..metrics._sensitivity import (
    COLUMNS,
    LEAST_DATA,
    check_rows,
    check_varies,
    encode_column,
)
from ..metrics._slices import LEAST_ROWS, bounded
from ._draws import DISTRIBUTIONS, draw_lambdas

_RARE = -1
_MOST = 0.5
_REPEATS = 50  # of each row of X, where X is the whole population


def sensitivity(
    surrogate: Any,
    X: ArrayLike | None = None,
    *,
    n_draws: int = 5000,
    lam_distribution: str = "clock",
    coverage: float = 0.9,
    random_state: Seed = None,
) -> pd.DataFrame:
    r"""Sensitivity of the outputs to hyperparameters and columns of x, by optimal transport.

    The index of :func:`~sklearn_hti.metrics.ot_sensitivity`,

    .. math::
        \iota_i = \frac{E\bigl[W_2^2(P_Y, P_{Y \mid Z_i})\bigr]}{2 \operatorname{tr}
        \operatorname{Cov} Y} ,

    where Z holds every hyperparameter that varied in `fit` and every column of x. Rows of X are
    combined with random lambdas, and the surrogate draws an output for each pair.

    Parameters
    ----------
    surrogate : surrogate or TrajectoryPipeline
        Any fitted surrogate of this package.
    X : array-like of shape (n, C), DataFrame or None, default=None
        A sample of inputs from the population of interest. None: there is no condition. A lambda
        column is not read.
    n_draws : int, default=5000
        Smallest number of pairs of x and lambda. Every row of X is used equally often. If X has
        more rows than this, `n_draws` rows are drawn.
    lam_distribution : {"clock", "uniform"}, default="clock"
        Distribution of lambda over the trained range. "clock" is uniform in the times of
        ``lam_transform_``, and "uniform" is uniform in lambda. Several hyperparameters are uniform
        in the convex hull of the trained values: with "clock" on the given or suggested scales,
        with "uniform" in lambda. Combinations of categories are equally frequent.
    coverage : float, default=0.9
        Coverage of the bounds of the index.
    random_state : int, RandomState, Generator or None, default=None
        Seed of lambdas, draws and slices.

    Returns
    -------
    DataFrame
        A row for each hyperparameter and then for each column of X, with the columns ``index``,
        ``advective``, ``diffusive``, ``lower`` and ``upper``.

    Raises
    ------
    TypeError
        If `surrogate` is not a surrogate.
    ValueError
        If a parameter is out of range, or outputs do not vary.

    See Also
    --------
    SensitivityDisplay : A plot of the table.
    sklearn_hti.metrics.ot_sensitivity : The index from data, without a surrogate.

    Notes
    -----
    Rows of X are independent, but draws of one row are not. The index of a hyperparameter uses all
    pairs. The index of a column of x is the mean of estimates with one lambda for each row of X.
    An X with fewer than 60 rows counts as the whole population: each value of a column is then a
    slice. Categories of x in fewer than 5 rows share a slice. A column with mostly such categories
    has no index (NaN). Bounds cover the choice of lambdas and, for columns of x, the choice of
    rows. They do not cover errors of the surrogate, which are in ``validation_``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
    >>> from sklearn_hti.inspection import sensitivity
    >>> rng = np.random.default_rng(0)
    >>> lam = np.repeat([0.0, 1.0], 500)
    >>> surrogate = DisplacementInterpolationRegressor(lam_transform=None, random_state=0)
    >>> _ = surrogate.fit(None, 3 * lam + rng.normal(size=1000), lam)
    >>> sensitivity(surrogate, random_state=0)["index"].round(1).to_dict()
    {'λ': 0.3}
    """
    estimator, surrogate = surrogate, final_step(surrogate, "sensitivity")
    if not isinstance(n_draws, Integral) or n_draws < LEAST_DATA:
        raise ValueError(f"n_draws={n_draws!r} must be an int of {LEAST_DATA} or more.")
    if lam_distribution not in DISTRIBUTIONS:
        raise ValueError(
            f"lam_distribution={lam_distribution!r} is not available; accepted: {DISTRIBUTIONS}."
        )
    check_rows(int(n_draws), None, coverage)
    rng = sampling_generator(random_state)
    frame = _inputs(surrogate, X)
    rows = _choose_rows(frame, int(n_draws), rng)
    shown, lam = draw_lambdas(surrogate, rows.size, lam_distribution, rng)
    inputs = None if X is None else _safe_indexing(enter(estimator, X), rows.ravel())
    seed = int(rng.integers(2**31))
    y = np.asarray(surrogate.sample(inputs, shown, random_state=seed), dtype=float)
    y = check_varies(y.reshape(rows.size, -1))
    names, columns = _columns_of_lam(surrogate, lam)
    table = [bounded(column, [y], None, coverage, rng) for column in columns]
    draws = y.reshape(*rows.shape, -1)
    for name in frame.columns:
        column = _encode(name, frame[name], population=len(frame) < LEAST_DATA)[rows[0]]
        if np.mean(column == _RARE) > _MOST:
            table.append(np.full(len(COLUMNS), np.nan))
        else:
            table.append(bounded(column, draws, None, coverage, rng))
    return pd.DataFrame(table, index=names + list(frame.columns), columns=COLUMNS)


def _inputs(surrogate, X):
    """Return X as a frame without columns of lambda; one without columns for None."""
    if X is None:
        return pd.DataFrame(index=range(1))
    X = as_readable(X)
    X = X.to_pandas() if hasattr(X, "to_pandas") else X
    named = hasattr(X, "columns")
    frame = X if named else pd.DataFrame(np.asarray(X)).infer_objects()
    if surrogate.lam_column is not None and frame.shape[1] == surrogate.n_features_in_:
        frame, _ = split_columns(frame, surrogate.lam_column)
    return frame if named else frame.set_axis([f"x{j}" for j in range(frame.shape[1])], axis=1)


def _choose_rows(frame, n_draws, rng):
    """Return rows of X (R, m): R times a sample; once, where X is the whole population."""
    n_rows = len(frame)
    if n_rows >= LEAST_DATA:
        chosen = rng.permutation(n_rows)[:n_draws]
        return np.tile(chosen, (-(-n_draws // len(chosen)), 1))
    return np.tile(np.arange(n_rows), max(-(-n_draws // n_rows), _REPEATS))[np.newaxis]


def _encode(name, values, population):
    """Return a column of x as floats, or as codes; rare categories share one."""
    column = encode_column(name, values)
    if population:
        return np.unique(column, return_inverse=True)[1]
    if column.dtype.kind != "f":
        column = np.where(np.bincount(column)[column] < LEAST_ROWS, _RARE, column)
    return column


def _columns_of_lam(surrogate, lam):
    """Return names and values of the hyperparameters that varied in fit."""
    state = surrogate._state
    if state.hull is None:
        space = state.lam_space
        name = str(space.kept_names[0]) if space.names else name_lambda(surrogate, None)
        return [name], [lam]
    space = state.hull.space
    names = [name if space.names else f"λ[{name}]" for name in space.kept_names]
    columns = [
        column if level is None else column.astype(int)
        for column, level in zip(lam.T, space.kept_levels, strict=True)
    ]
    return names, columns
