"""Train an estimator at several values of hyperparameters and collect its outputs."""

import os
from collections.abc import Callable
from copy import deepcopy
from difflib import get_close_matches
from functools import wraps
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_memory

from ._utils.annotations import RandomState
from ._utils.global_state import draw_seed, global_seed
from ._utils.readable import as_readable
from .data.trainings import find_trainings, is_design


def _values_may_be_named(function: Callable[..., Bunch]) -> Callable[..., Bunch]:
    """Let a grid or a design take the place of a name and its values."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Bunch:
        if "param_values" not in kwargs and is_design(
            args[1] if len(args) > 1 else kwargs.get("param_name")
        ):
            if len(args) < 3:
                kwargs["param_values"] = None
            elif args[2] is not None:
                args = (*args[:2], None, *args[2:])
        return function(*args, **kwargs)

    return called


@_values_may_be_named
def sweep(
    estimator: Any,
    param_name: Any,
    param_values: Any,
    X: ArrayLike,
    y: ArrayLike,
    X_query: ArrayLike | None = None,
    *,
    method: str | Callable[..., Any] = "predict",
    n_draws: int = 1,
    n_jobs: int | None = None,
    random_state: RandomState = None,
    memory: Any = None,
    verbose: int = 0,
) -> Bunch:
    """Train an estimator at several hyperparameter values and collect its outputs.

    One clone of `estimator` is trained on (X, y) for each value. All have the same seed, so that
    only the hyperparameter differs. Each is then called at the same inputs, with its own copy of
    them. :class:`~sklearn_hti.HyperparameterTrajectoryRegressor` learns from the result:
    ``fit(data.X, data.y, lam=data.lam)``.

    For several hyperparameters, pass a grid ``sweep(estimator, {"C": [0.1, 1, 10], "gamma":
    [0.01, 0.1]}, X, y)``. Or pass a design, a list with a dict for each training.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn or skorch estimator. It is cloned and stays unfitted.
    param_name : str, dict, DataFrame or iterable of dict
        Name of the hyperparameter lambda in ``estimator.set_params``, such as ``"alpha"``,
        ``"ridge__alpha"``, or ``"module__p"`` and ``"criterion__level"`` of a skorch net. A dict
        of lists is a grid: all its combinations are trained. A list of dicts with the same keys, a
        DataFrame, or a `sklearn.model_selection.ParameterSampler` lists the trainings. Values are
        then numbers or categories, such as the names of kernels. At least one number has to vary.
    param_values : sequence of float
        At least two distinct values, the trained values. The estimator receives them as they are:
        an int stays an int. Leave them out if `param_name` has the values.
    X : array-like or DataFrame of shape (n_train, C)
        Training inputs.
    y : array-like of shape (n_train,) or (n_train, D), or None
        Training targets, passed to ``fit``.
    X_query : array-like or DataFrame of shape (n_query, C), default=None
        Inputs at which every trained estimator is called. None: `X`.
    method : str, default="predict"
        Method of the estimator that returns the outputs, called as ``method(X_query)``.
    n_draws : int, default=1
        Number of calls of `method`. Raise it for random outputs.
    n_jobs : int, default=None
        Number of trainings that run in parallel with joblib.
    random_state : int, RandomState instance or None, default=None
        Source of the one seed of all trainings. Every parameter of the estimator called
        ``random_state`` is set to this seed, including nested ones. None: a new seed, and these
        parameters are unchanged.
    memory : str, path or joblib.Memory, default=None
        Cache of the trained estimators and their outputs. A second call with equal arguments then
        trains nothing. Needs a `random_state`.
    verbose : int, default=0
        Verbosity of joblib.

    Returns
    -------
    Bunch
        With the attributes

        X : array or DataFrame of shape (n, C)
            The query inputs, repeated for every value and draw,
            n = n_query * n_values * n_draws. All rows of one input are adjacent, and so are its
            draws at one value. Folds of consecutive rows therefore remove no value.
        y : ndarray of shape (n,) or (n, D, ...)
            The outputs.
        lam : ndarray of shape (n,) or DataFrame of shape (n, k)
            The hyperparameter value lambda of each row. A grid or a design gives a DataFrame, with
            a column for each hyperparameter.
        row : ndarray of shape (n,)
            The row of `X_query` that each row repeats.
        estimators : list
            The trained estimators, in the order of `param_values` or of the design. The last
            hyperparameter of a grid varies fastest.
        networks : dict
            `method` of each trained estimator by its value, for the parameter `networks` of
            :class:`~sklearn_hti.HyperparameterTrajectoryRegressor`. With several hyperparameters,
            keys are tuples in the order of the columns of ``lam``.
        param_name : str or list of str
            The given name, or the names in a grid or a design.

    Raises
    ------
    ValueError
        If the estimator has no such parameter or method, if the values are not distinct
        finite numbers, or if outputs are not finite numbers of shape (n_query,) or
        (n_query, D, ...).

    Notes
    -----
    While an estimator trains and answers, the global random state of numpy holds the common seed,
    and so does that of torch if it is imported. Both are restored afterwards. Draws at different
    values therefore use the same random numbers in the same order. Threads share the global
    states, so seeds are not isolated with joblib's threading backend. Use it only for estimators
    that draw from their ``random_state`` alone.

    The cache identifies classes by their name. After a change of the code of a network, clear it
    with ``joblib.Memory(path).clear()``. It never recognises a torch module that is already built,
    so pass the class to skorch: ``module=MLP``, not ``module=MLP()``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn_hti import sweep
    >>> X, y = load_diabetes(return_X_y=True)
    >>> data = sweep(Ridge(), "alpha", [0.1, 1.0, 10.0], X, y, X[:50])
    >>> data.X.shape, data.y.shape, data.lam[:4]
    ((150, 10), (150,), array([ 0.1,  1. , 10. ,  0.1]))

    Two hyperparameters on a grid:

    >>> from sklearn.svm import SVR
    >>> data = sweep(SVR(), {"C": [1.0, 10.0], "gamma": [0.1, 1.0]}, X, y, X[:50])
    >>> data.lam[:3]
         C  gamma
    0  1.0    0.1
    1  1.0    1.0
    2 10.0    0.1
    >>> list(data.networks)
    [(1.0, 0.1), (1.0, 1.0), (10.0, 0.1), (10.0, 1.0)]
    """
    trainings = find_trainings(param_name, param_values)
    n_draws = _check_n_draws(n_draws)
    for name in trainings.names:
        _check_param_name(estimator, name)
    n_values = len(trainings.values)
    variants = [clone(estimator).set_params(**trainings.params(k)) for k in range(n_values)]
    _check_method(variants[0], method)
    seed = draw_seed(random_state)
    if random_state is not None:
        variants = [_set_seed(variant, seed, keep=trainings.names) for variant in variants]
    X_query = X if X_query is None else X_query
    train = _open_memory(memory, random_state).cache(_train_and_query)
    results = Parallel(n_jobs=n_jobs, verbose=verbose)(
        delayed(train)(variant, X, y, X_query, method, n_draws, seed) for variant in variants
    )
    n_query = _n_rows(X_query)
    outputs = [
        _check_outputs(draws, n_query, f"{method} at {trainings.text(k)}")
        for k, (_, draws) in enumerate(results)
    ]
    estimators = [fitted for fitted, _ in results]
    row = np.repeat(np.arange(n_query), n_values * n_draws)
    y = np.stack(outputs, axis=1)  # (n_query, n_values, n_draws[, D])
    return Bunch(
        X=_take_rows(X_query, row),
        y=y.reshape(-1, *y.shape[3:]),
        lam=trainings.lam(np.tile(np.repeat(np.arange(n_values), n_draws), n_query)),
        row=row,
        estimators=estimators,
        networks={
            trainings.key(k): getattr(fitted, method) for k, fitted in enumerate(estimators)
        },
        param_name=list(trainings.names) if trainings.design else param_name,
    )


def _train_and_query(estimator, X, y, X_query, method, n_draws, seed):
    """Fit the estimator and query it `n_draws` times: the unit that is cached.

    Whatever it writes into what it is given, or gives away and writes into later, is its own.
    """
    with global_seed(seed, estimator):
        estimator.fit(_own(X), _own(y))
        query = getattr(estimator, method)
        return estimator, [
            np.asarray(as_readable(query(_own(X_query)))).copy() for _ in range(n_draws)
        ]


def _own(data):
    """Return a copy of data that may be written into; what has no copy is shared."""
    if hasattr(data, "detach"):  # a tensor, which may belong to a graph
        return data.detach().clone()
    try:
        return deepcopy(data)
    except TypeError:  # an open file, such as that of a Dataset
        return data


def _check_n_draws(n_draws):
    if not isinstance(n_draws, Integral) or n_draws < 1:
        raise ValueError(f"n_draws={n_draws!r} must be an integer of at least 1.")
    return int(n_draws)


def _check_param_name(estimator, param_name):
    params = estimator.get_params(deep=True)
    if param_name in params or _belongs_to_net(param_name, estimator, params):
        return
    near = get_close_matches(param_name, params)
    hint = f"did you mean {' or '.join(near)}?" if near else "see its get_params()."
    raise ValueError(
        f"param_name={param_name!r} is not a parameter of {type(estimator).__name__}; {hint}"
    )


def _belongs_to_net(param_name, estimator, params):
    """Whether the name addresses a part of a skorch net, as in ``criterion__level``.

    ``get_params`` of a net lists only those of them that were given to it.
    """
    owners = {"": estimator} | {f"{name}__": value for name, value in params.items()}
    for path, owner in owners.items():
        if hasattr(owner, "prefixes_") and param_name.startswith(path):
            part, found, _ = param_name.removeprefix(path).partition("__")
            if found and (path + part in params or part in owner.prefixes_):
                return True
    return False


def _check_method(estimator, method):
    if not callable(getattr(estimator, method, None)):
        raise ValueError(
            f"method={method!r} is not a method of {type(estimator).__name__}; pass the name of "
            "the method that returns the outputs at X_query."
        )


def _set_seed(estimator, seed, keep):
    """Set every parameter called random_state, except those that are swept."""
    names = [
        name
        for name in estimator.get_params(deep=True)
        if name.split("__")[-1] == "random_state" and name not in keep
    ]
    return estimator.set_params(**dict.fromkeys(names, seed))


def _open_memory(memory, random_state):
    if memory is not None and random_state is None:
        raise ValueError(
            "memory needs a seed: with random_state=None, every call trains with a new one and "
            "reuses nothing. Pass an int as random_state."
        )
    return check_memory(os.fsdecode(memory) if isinstance(memory, bytes | os.PathLike) else memory)


def _check_outputs(draws, n_query, source):
    """The draws as one float array of shape (n_query, n_draws) or (n_query, n_draws, D)."""
    shape = draws[0].shape
    if not shape or shape[0] != n_query:
        raise ValueError(
            f"{source} returned an output of shape {shape} for {n_query} inputs; it must be "
            "(n_query,) or (n_query, D, ...)."
        )
    y = np.stack(draws, axis=1)
    if y.dtype.kind not in "biuf":
        raise ValueError(
            f"{source} returned outputs of dtype {y.dtype}; they must be numbers. Encode "
            "the targets, or choose a method such as predict_proba."
        )
    if not np.isfinite(y).all():
        raise ValueError(
            f"{source} returned {np.sum(~np.isfinite(y))} outputs that are NaN or infinite: "
            "the training diverged. Leave out this value, or make the training more stable."
        )
    return y.astype(float)


def _n_rows(X):
    return X.shape[0] if hasattr(X, "shape") else len(X)


def _take_rows(X, row):
    """Rows of an array or DataFrame; its labels would repeat, so they are renewed."""
    if hasattr(X, "iloc"):
        return X.iloc[row].reset_index(drop=True)
    return (X if hasattr(X, "shape") else np.asarray(as_readable(X)))[row]
