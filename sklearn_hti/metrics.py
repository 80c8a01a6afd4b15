"""Distances between the outputs of a network and those of its surrogate."""

import warnings

import numpy as np
from scipy.spatial.distance import cdist, pdist
from sklearn.utils import check_array
from sklearn.utils.metadata_routing import MetadataRequest

# The network simplex stops at this many pivots. 2,000 points a side need about 4e4, so
# the bound ends a solve that cycles, not one that is slow.
_MAX_PIVOTS = 1_000_000_000


def squared_wasserstein(y_true, y_pred, *, groups=None):
    r"""Exact squared 2-Wasserstein distance between two samples.

    With uniform weights on the n true and the m predicted outputs,

    .. math::
        W_2^2 = \min_{P \ge 0} \sum_{ij} P_{ij} \lVert y_i - \hat y_j \rVert^2
        \quad \text{s.t.} \quad P 1 = 1/n, \; P^\top 1 = 1/m .

    With ``groups`` it is solved inside each group and averaged, every group counting
    the same. Groups of one row a side give the mean squared error row by row, the
    measure for deterministic networks.

    Exact optimal transport between finite samples is biased upward: two samples of the
    same distribution are a positive distance apart. Compare numbers at equal sizes only.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, D)
        Outputs of the true network.
    y_pred : array-like of shape (m,) or (m, D)
        Outputs of the surrogate.
    groups : array-like of shape (n,) or tuple of two, default=None
        Labels of the groups, for instance the category of x or the ``row`` of
        :func:`~sklearn_hti.sweep`. One array serves both samples (then m = n); a pair
        ``(groups_true, groups_pred)`` has one for each. None: a single group.

    Returns
    -------
    float
        Mean over groups of the squared distance, in squared units of y.

    Raises
    ------
    ValueError
        If the outputs have different dimensions, contain NaN, or if a group occurs on
        one side only.
    RuntimeError
        If the solver of POT does not reach the optimum.

    References
    ----------
    Peyré & Cuturi, "Computational Optimal Transport", Foundations and Trends in
    Machine Learning 11, 2019.

    Examples
    --------
    >>> from sklearn_hti.metrics import squared_wasserstein
    >>> squared_wasserstein([0.0, 1.0], [3.0, 2.0])
    4.0
    >>> squared_wasserstein([0.0, 1.0], [3.0, 2.0], groups=[0, 1])
    5.0
    """
    y_true, y_pred = _check_outputs(y_true, "y_true"), _check_outputs(y_pred, "y_pred")
    if y_true.shape[1] != y_pred.shape[1]:
        raise ValueError(
            f"y_true has {y_true.shape[1]} output dimension(s) and y_pred has "
            f"{y_pred.shape[1]}; pass outputs of the same network family."
        )
    if groups is None:
        return _solve_transport(y_true, y_pred)
    of_true, of_pred = _encode_groups(groups, len(y_true), len(y_pred))
    return _mean_over_groups(y_true, y_pred, of_true, of_pred)


def energy_score(y_true, y_samples):
    r"""Energy score of samples against the outputs that came true, mean over rows.

    For a row with output y and draws :math:`Y_1, \dots, Y_S`

    .. math::
        \frac1S \sum_s \lVert Y_s - y \rVert
        - \frac{1}{2 S (S - 1)} \sum_{s \ne t} \lVert Y_s - Y_t \rVert ,

    an unbiased estimate of :math:`E\lVert Y-y\rVert - \frac12 E\lVert Y-Y'\rVert`: the
    second term averages over the distinct pairs. In expectation over y the score is
    least for the true distribution. For scalar outputs it is the continuous ranked
    probability score. A single row may score below zero.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, D)
        Outputs of the true network, one per row.
    y_samples : array-like of shape (S, n) or (S, n, D)
        S >= 2 draws of the surrogate for each row, draws first as
        ``sample(..., n_samples=S)`` returns them.

    Returns
    -------
    float
        Mean score, in units of y. Lower is better.

    Raises
    ------
    ValueError
        If the shapes do not match, there are fewer than two draws, or NaN.

    Notes
    -----
    Rows are scored one after another, so that memory grows with S squared but not with
    n times S squared.

    References
    ----------
    Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation",
    Journal of the American Statistical Association 102, 2007.

    Examples
    --------
    >>> from sklearn_hti.metrics import energy_score
    >>> energy_score([0.0], [[-1.0], [1.0]])
    0.0
    >>> energy_score([2.0], [[-1.0], [1.0]])
    1.0
    """
    y_samples = check_array(
        y_samples, dtype=float, ensure_2d=False, allow_nd=True, input_name="y_samples"
    )
    wanted = np.shape(y_true)
    if y_samples.shape[1:] != wanted:
        raise ValueError(
            f"y_samples has shape {y_samples.shape}, y_true {wanted}; y_samples needs "
            f"shape (S, *y_true.shape) = {('S', *wanted)}, draws first."
        )
    if len(y_samples) < 2:
        raise ValueError(
            "y_samples has one draw per row; the energy score needs at least 2: ask "
            "`sample` for more with n_samples."
        )
    y_true = _check_outputs(y_true, "y_true")
    draws_by_row = np.moveaxis(y_samples.reshape(len(y_samples), *y_true.shape), 1, 0)
    scores = [
        cdist(draws, y[np.newaxis]).mean() - pdist(draws).mean() / 2
        for y, draws in zip(y_true, draws_by_row, strict=True)
    ]
    return float(np.mean(scores))


def crps(y_true, y_samples):
    r"""Return the continuous ranked probability score of samples, mean over rows and outputs.

    The energy score of every output by itself: unbiased for S >= 2 draws, and blind to how
    outputs depend on each other.

    Parameters
    ----------
    y_true : array-like of shape (n,) or (n, D)
        Outputs of the true network, one per row.
    y_samples : array-like of shape (S, n) or (S, n, D)
        S >= 2 draws of the surrogate for each row, draws first.

    Returns
    -------
    float
        Mean score, in units of y. Lower is better.

    Raises
    ------
    ValueError
        If the shapes do not match, there are fewer than two draws, or NaN.

    References
    ----------
    Gneiting & Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation",
    Journal of the American Statistical Association 102, 2007.

    Examples
    --------
    >>> from sklearn_hti.metrics import crps
    >>> crps([[0.0, 2.0]], [[[-1.0, -1.0]], [[1.0, 1.0]]])
    0.5
    """
    shape = np.shape(y_true)
    columns = np.reshape(y_true, (shape[0], -1)).T if shape else [y_true]
    samples = np.asarray(y_samples)
    if samples.shape[1:] != shape or not shape:
        return energy_score(y_true, y_samples)  # says what is wrong
    draws = np.moveaxis(samples.reshape(len(samples), shape[0], -1), 2, 0)
    return float(np.mean([energy_score(y, d) for y, d in zip(columns, draws, strict=True)]))


class _LamScorer:
    """Asks for `lam` itself, and is named in searches and tables."""

    name = "scorer"

    def get_metadata_routing(self):
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

    Asks for `lam` itself: with metadata routing on, searches and cross-validation hand it over
    without a request; without, lambda has to be a column of X. ``make_scorer`` cannot do it.

    Parameters
    ----------
    score : callable
        ``score(y_true, draws, X, lam)``, lower is better.
    name : str
        Its name.
    n_samples : int, default=100
        Draws per row.
    random_state : int, default=0
        Seed of the draws, the same for all candidates of a search.
    """

    def __init__(self, score, name, *, n_samples=100, random_state=0):
        self._score = score
        self.name = name
        self.n_samples = n_samples
        self.random_state = random_state

    def __call__(self, estimator, X, y_true, *, lam=None):
        """Return the negative score of draws of a fitted surrogate.

        Parameters
        ----------
        estimator : estimator
            With ``sample(X, lam, n_samples=..., random_state=...)``.
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        y_true : array-like of shape (n,) or (n, D)
            Outputs of the true network.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda; None: the estimator's column of X.

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
                f"{self.name} scores draws, and {type(estimator).__name__} has no `sample`; "
                "put transformers before a surrogate by make_trajectory_pipeline, or score its "
                "mean by make_lam_scorer."
            )
        draws = estimator.sample(X, lam, n_samples=self.n_samples, random_state=self.random_state)
        return -self._score(y_true, draws, X, lam)


class MeanScorer(_LamScorer):
    """Score of the conditional mean; made by `make_lam_scorer`.

    Parameters
    ----------
    score_func : callable
        ``score_func(y_true, y_pred, **options)``.
    sign : {1, -1}
        -1 where lower is better.
    options : dict
        Further arguments of `score_func`.
    """

    def __init__(self, score_func, sign, options):
        self._score_func = score_func
        self._sign = sign
        self._options = options
        self.name = ("" if sign == 1 else "neg_") + getattr(score_func, "__name__", "score")

    def __call__(self, estimator, X, y_true, *, lam=None):
        """Return the signed score of what a fitted surrogate predicts.

        Parameters
        ----------
        estimator : estimator
            With ``predict(X, lam=...)``.
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        y_true : array-like of shape (n,) or (n, D)
            Outputs of the true network.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda; None: the estimator's column of X.

        Returns
        -------
        float
            The score; higher is better.
        """
        given = {} if lam is None else {"lam": lam}
        predicted = estimator.predict(X, **given)
        return self._sign * self._score_func(y_true, predicted, **self._options)


def make_lam_scorer(score_func, *, greater_is_better=True, **options):
    """Make a scorer of the conditional mean that hands `lam` to ``predict``.

    What `sklearn.metrics.make_scorer` is elsewhere. That one, and the names of scikit-learn's
    scorers such as "r2", predict without `lam`, which surrogates refuse unless lambda is a
    column of X. To be used beside others, as in ``scoring={"r2": ..., "energy": ...}``; the
    R^2 alone is what surrogates are scored by without ``scoring``.

    Parameters
    ----------
    score_func : callable
        ``score_func(y_true, y_pred, **options)``, such as `sklearn.metrics.r2_score`.
    greater_is_better : bool, default=True
        Whether high scores are good; else the sign is turned.
    **options : dict
        Further arguments of `score_func`.

    Returns
    -------
    callable
        ``scorer(estimator, X, y_true, lam=None)``, to be passed as ``scoring=``.

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
    >>> rival = DirectSurrogateRegressor(LinearRegression()).fit(None, 4 * lam, lam)
    >>> round(scorer(rival, None, 4 * lam + 0.5, lam=lam), 6)
    -0.25
    """
    return MeanScorer(score_func, 1 if greater_is_better else -1, options)


def _draws_of_conditions(y_true, draws, X, lam):
    """Return W2^2 between the rows of equal x and lambda, and one draw for each of them."""
    y_true = _check_outputs(y_true, "y_true")
    key = [np.zeros((len(y_true), 1))]
    if X is not None:
        columns = [X[c] for c in X] if hasattr(X, "columns") else list(np.asarray(X).T)
        key += [np.unique(c, return_inverse=True)[1][:, None] for c in columns]
    if lam is not None:
        key.append(np.broadcast_to(np.reshape(lam, (-1, 1)), (len(y_true), 1)))
    groups = np.unique(np.hstack(key), axis=0, return_inverse=True)[1].reshape(-1)
    drawn = np.asarray(draws)[0].reshape(len(y_true), -1)
    return squared_wasserstein(y_true, drawn, groups=groups)


def _energy_of_draws(y_true, draws, X, lam):
    return energy_score(y_true, draws)


def _crps_of_draws(y_true, draws, X, lam):
    return crps(y_true, draws)


neg_energy_score = SampleScorer(_energy_of_draws, "neg_energy_score")
neg_crps = SampleScorer(_crps_of_draws, "neg_crps")
neg_squared_wasserstein = SampleScorer(
    _draws_of_conditions, "neg_squared_wasserstein", n_samples=1
)


def _check_outputs(y, name):
    """Outputs as a float array of shape (n, D)."""
    y = check_array(y, dtype=float, ensure_2d=False, allow_nd=True, input_name=name)
    if y.ndim > 2:
        raise ValueError(
            f"{name} has shape {y.shape}; pass (n,) or (n, D), and flatten further axes into D."
        )
    return y.reshape(len(y), -1)


def _encode_groups(groups, n_true, n_pred):
    """Group of each row as integers 0, 1, ... shared by both sides."""
    is_pair = isinstance(groups, tuple) and len(groups) == 2 and np.ndim(groups[0]) > 0
    sides = groups if is_pair else (groups, groups)
    of_true = _check_labels(sides[0], n_true, "y_true")
    of_pred = _check_labels(sides[1], n_pred, "y_pred")
    one_sided = np.setxor1d(of_true, of_pred)
    if len(one_sided):
        raise ValueError(
            f"groups: {len(one_sided)} group(s) occur on one side only, such as "
            f"{one_sided[:3].tolist()}; drop their rows, or draw the missing outputs."
        )
    labels = np.unique(of_true)
    return np.searchsorted(labels, of_true), np.searchsorted(labels, of_pred)


def _check_labels(labels, n_rows, name):
    labels = np.asarray(labels)
    if labels.shape != (n_rows,):
        raise ValueError(
            f"groups has shape {labels.shape} for the {n_rows} rows of {name}; pass one "
            "label per row, or a pair (groups_true, groups_pred)."
        )
    return labels


def _mean_over_groups(y_true, y_pred, of_true, of_pred):
    """Average of the squared distance over groups; single rows need no solver."""
    y_true, start_true, size_true = _sort_by_group(y_true, of_true)
    y_pred, start_pred, size_pred = _sort_by_group(y_pred, of_pred)
    single = (size_true == 1) & (size_pred == 1)
    gaps = y_true[start_true[single]] - y_pred[start_pred[single]]
    total = np.sum(gaps**2)
    for i, j, n, m in zip(
        *(a[~single] for a in (start_true, start_pred, size_true, size_pred)),
        strict=True,
    ):
        total += _solve_transport(y_true[i : i + n], y_pred[j : j + m])
    return float(total / len(single))


def _sort_by_group(y, group):
    """Rows ordered by group, with the first row and the size of each group."""
    sizes = np.bincount(group)
    return y[np.argsort(group, kind="stable")], np.cumsum(sizes) - sizes, sizes


def _solve_transport(y_true, y_pred):
    """Squared Wasserstein distance of two samples, shapes (n, D) and (m, D)."""
    import ot  # looks for every array backend, which takes a second

    if y_true.shape[1] == 1:
        return float(ot.emd2_1d(y_true, y_pred, metric="sqeuclidean"))
    cost = cdist(y_true, y_pred, "sqeuclidean")
    scale = cost.max()  # the solver's tolerance is absolute: costs of 1e-16 go wrong
    if scale == 0:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the log has the same message
        value, log = ot.emd2([], [], cost / scale, numItermax=_MAX_PIVOTS, log=True)
    if log["warning"] is not None:
        raise RuntimeError(
            f"ot.emd2 found no optimal plan for {len(y_true)} x {len(y_pred)} rows: "
            f"{log['warning']} Split the rows into groups, or compare fewer of them."
        )
    return float(value * scale)
