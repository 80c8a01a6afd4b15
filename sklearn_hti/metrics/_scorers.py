"""Scorers for searches and cross-validation, which pass lambda to the surrogate."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.metadata_routing import MetadataRequest

from .._utils.annotations import Lam, RandomState
from .._utils.groupby import number_groups
from .._utils.readable import as_readable
from ._outputs import check_outputs
from ._scores import crps, energy_score
from ._wasserstein import squared_wasserstein


class _LamScorer:
    """Asks for `lam` itself, and is named in searches and tables."""

    name = "scorer"

    def get_metadata_routing(self) -> Any:
        """Return the request for `lam`.

        Returns
        -------
        MetadataRequest
            What `score` asks for.
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="lam", alias=True)
        return request

    def __repr__(self):
        return self.name


class SampleScorer(_LamScorer):
    """Negative score of draws, to be passed as ``scoring=``; higher is better.

    The scorer requests `lam` by default. With metadata routing on, searches and cross-validation
    pass it without a further request. With routing off, lambda has to be a column of X.
    ``make_scorer`` does not support this.

    Parameters
    ----------
    score : callable
        A function ``score(y_true, draws, X, lam)``; lower is better.
    name : str
        Name of the score.
    n_samples : int, default=100
        Draws per row.
    random_state : int, default=0
        Seed of the draws, the same for all candidates of a search.
    """

    def __init__(
        self,
        score: Callable[..., Any],
        name: str,
        *,
        n_samples: int = 100,
        random_state: RandomState = 0,
    ) -> None:
        self._score = score
        self.name = name
        self.n_samples = n_samples
        self.random_state = random_state

    def __call__(
        self, estimator: Any, X: ArrayLike | None, y_true: ArrayLike, *, lam: Lam | None = None
    ) -> float:
        """Return the negative score of draws of a fitted surrogate.

        Parameters
        ----------
        estimator : estimator
            With ``sample(X, lam, n_samples=..., random_state=...)``.
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        y_true : array-like of shape (n,) or (n, D)
            Outputs of the true network.
        lam : float, array-like, DataFrame or dict, default=None
            Hyperparameter value lambda, as ``sample`` takes it; None: the columns of X that the
            estimator names.

        Returns
        -------
        float
            Minus the score.

        Raises
        ------
        TypeError
            If the estimator has no `sample`, as a plain `sklearn.pipeline.Pipeline` has none.
        """
        if not hasattr(estimator, "sample"):
            raise TypeError(
                f"{self.name} scores draws, and {type(estimator).__name__} has no `sample`. "
                "Put transformers before a surrogate with make_trajectory_pipeline, or score its "
                "mean with make_lam_scorer."
            )
        draws = estimator.sample(X, lam, n_samples=self.n_samples, random_state=self.random_state)
        return -self._score(y_true, draws, X, lam)


class MeanScorer(_LamScorer):
    """Score of the conditional mean, or of probabilities, as returned by `make_lam_scorer`.

    Parameters
    ----------
    score_func : callable
        ``score_func(y_true, y_pred, **options)``.
    sign : {1, -1}
        Sign of the score: -1 if lower is better.
    options : dict
        Further arguments of `score_func`.
    response_method : {"predict", "predict_proba"}, default="predict"
        Method of the scored answers. For two classes, the probability of the second is scored.
    """

    def __init__(
        self,
        score_func: Callable[..., Any],
        sign: int,
        options: Mapping[Any, Any],
        response_method: str = "predict",
    ) -> None:
        self._response_method = response_method
        self._score_func = score_func
        self._sign = sign
        self._options = options
        self.name = ("" if sign == 1 else "neg_") + getattr(score_func, "__name__", "score")

    def __call__(
        self, estimator: Any, X: ArrayLike | None, y_true: ArrayLike, *, lam: Lam | None = None
    ) -> float:
        """Return the signed score of what a fitted surrogate predicts.

        Parameters
        ----------
        estimator : estimator
            With ``predict(X, lam=...)``, or the method that is asked for.
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        y_true : array-like of shape (n,) or (n, D)
            Outputs of the true network.
        lam : float, array-like, DataFrame or dict, default=None
            Hyperparameter value lambda, as ``predict`` takes it; None: the columns of X that the
            estimator names.

        Returns
        -------
        float
            The score; higher is better.
        """
        given = {} if lam is None else {"lam": lam}
        predicted = getattr(estimator, self._response_method)(X, **given)
        if self._response_method == "predict_proba" and predicted.shape[1] == 2:
            predicted = predicted[:, 1]
        y_true = as_readable(y_true)
        return self._sign * self._score_func(y_true, predicted, **self._options)


def make_lam_scorer(
    score_func: Callable[..., Any],
    *,
    greater_is_better: bool = True,
    response_method: str = "predict",
    **options: Any,
) -> Any:
    """Make a scorer of the conditional mean that passes `lam` to ``predict``.

    It replaces `sklearn.metrics.make_scorer` for surrogates. That function, and names of scorers
    such as "r2", predict without `lam`. This is an error unless lambda is a column of X. Use this
    scorer beside others, as in ``scoring={"r2": ..., "energy": ...}``. Without ``scoring``, the
    score of a surrogate is R^2.

    Parameters
    ----------
    score_func : callable
        A function ``score_func(y_true, y_pred, **options)``, such as `sklearn.metrics.r2_score`.
    greater_is_better : bool, default=True
        Whether high scores are good. False changes the sign.
    response_method : {"predict", "predict_proba"}, default="predict"
        Method that returns `y_pred`. For two classes, this is the probability of the second, as in
        `sklearn.metrics.make_scorer`.
    **options : dict
        Further arguments of `score_func`.

    Returns
    -------
    callable
        A function ``scorer(estimator, X, y_true, lam=None)``, to be passed as ``scoring=``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.metrics import mean_squared_error
    >>> from sklearn_hti.baselines import DirectSurrogateRegressor
    >>> from sklearn_hti.metrics import make_lam_scorer
    >>> scorer = make_lam_scorer(mean_squared_error, greater_is_better=False)
    >>> scorer
    neg_mean_squared_error
    >>> lam = np.repeat([0.0, 1.0], 50)
    >>> baseline = DirectSurrogateRegressor(LinearRegression()).fit(None, 4 * lam, lam)
    >>> round(scorer(baseline, None, 4 * lam + 0.5, lam=lam), 6)
    -0.25
    """
    if response_method not in ("predict", "predict_proba"):
        raise ValueError(
            f"response_method={response_method!r} is not available; accepted: 'predict', "
            "'predict_proba'."
        )
    return MeanScorer(score_func, 1 if greater_is_better else -1, options, response_method)


def _draws_of_conditions(y_true, draws, X, lam):
    """Return W2^2 between the rows of equal x and lambda, and one draw for each of them."""
    y_true = check_outputs(y_true, "y_true")
    columns = [np.zeros(len(y_true)), *_columns_of(X, len(y_true)), *_columns_of(lam, len(y_true))]
    codes = [np.unique(column, return_inverse=True)[1] for column in columns]
    groups = number_groups(np.column_stack(codes))
    drawn = np.asarray(draws)[0].reshape(len(y_true), -1)
    return squared_wasserstein(y_true, drawn, groups=groups)


def _columns_of(table, n_rows):
    """Return the columns of X or lambda that tell rows apart; one value of all rows does not."""
    if table is None:
        return []
    table = as_readable(table)
    if isinstance(table, Mapping) or hasattr(table, "columns"):
        columns = [
            np.atleast_1d(as_readable(table[name])) for name in getattr(table, "columns", table)
        ]
    else:
        table = np.asarray(table)
        columns = list(np.reshape(table, (len(table), -1)).T) if table.ndim else []
    return [column for column in columns if len(column) == n_rows]


def _energy_of_draws(y_true, draws, X, lam):
    return energy_score(y_true, draws)


def _crps_of_draws(y_true, draws, X, lam):
    return crps(y_true, draws)


neg_energy_score = SampleScorer(_energy_of_draws, "neg_energy_score")
neg_crps = SampleScorer(_crps_of_draws, "neg_crps")
neg_squared_wasserstein = SampleScorer(
    _draws_of_conditions, "neg_squared_wasserstein", n_samples=1
)
