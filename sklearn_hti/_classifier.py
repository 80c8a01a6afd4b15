"""The estimator of classifiers: learn from their probabilities, or labels, at a few lambdas."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score

from ._regressor import HyperparameterTrajectoryRegressor
from ._utils.annotations import Lam, RandomState
from ._utils.random import draw_seeds
from ._utils.registry import storable
from .answers.sampling import moments
from .data.anchors import find_anchors
from .data.classes import are_labels, classes_of, read_labels, read_probabilities, read_targets
from .data.encoding import ConditionEncoder
from .stats.class_probabilities import probabilities_of_labels

# of the regressor: what probabilities have already, and what they cannot have one by one
_OWN = {"y_bounds", "output_transform", "monotone", "geometry"}


@storable
class HyperparameterTrajectoryClassifier(ClassifierMixin, HyperparameterTrajectoryRegressor):
    """Surrogate of a family of classifiers, one per value of a training hyperparameter lambda.

    The surrogate learns from class probabilities of classifiers that were trained at a few values
    of lambda. It answers with probabilities at every lambda between. It is a
    `HyperparameterTrajectoryRegressor` whose outputs are rows of probabilities. Its coordinates
    are their log-ratios (``output_transform="simplex"``), so answers always sum to one. Softmax
    temperatures, and policies regularised towards another, move on straight lines in these
    coordinates. A zero is replaced by half of a small probability: the median, over all rows with
    zeros, of the smallest probability above zero. It never exceeds half of the smallest in its
    own row.

    `y` may also hold labels, which are draws of the class. If inputs repeat at a trained value,
    the frequencies of their labels are the probabilities. Otherwise, a classifier is trained at
    each trained value and predicts probabilities at all inputs. Held-out labels choose between a
    linear one and boosted trees. In both cases, one more label, spread evenly over the classes,
    keeps probabilities above zero.

    Parameters
    ----------
    classes : array-like of shape (n_classes,), default=None
        Names of the classes: those of the columns of probabilities in their order, or all
        possible labels. None: the column names of a DataFrame, 0 to n_classes - 1 for an array, or
        the distinct labels.
    kinetic : str or KineticEnergy, default="learned"
        Price of a velocity. `HyperparameterTrajectoryRegressor` describes this and all other
        parameters.
    potential : None, str, PotentialEnergy or callable, default="density"
        Where paths are cheap. A callable u(y, x) receives probabilities y.
    cost : str, default="jacobi"
        How kinetic and potential energy make the cost of a path.
    path : str, GeodesicPath or SmoothPath, default="geodesic"
        How paths are learned.
    solver : str or OTSolver, default="coupling"
        How outputs of neighbouring trained values are matched.
    conditioning : str or Conditioning, default="film"
        How x enters the networks.
    networks : dict, default=None
        The trained classifiers by their value of lambda, such as
        ``sweep(..., method="predict_proba").networks``. They answer with probabilities.
    base : str, None, estimator or callable, default="auto"
        Source of the probabilities at the base value.
    base_lam : float, array-like of shape (k,) or dict, default=None
        The trained value at which `base` draws.
    lam_transform : None, str, transformer, list or dict, default="auto"
        The lambda scale. Choose "reciprocal" for a temperature T: logits are linear in 1 / T.
    lam_column : int, str or list of these, default=None
        Position or name of the column of X that holds lambda, if `lam` is not passed.
    n_anchors : "auto" or int, default="auto"
        Number of trained values.
    output_scaling : str, default="common"
        Unit of distances between log-ratios.
    extrapolation : {"raise", "warn"}, default="raise"
        Whether a lambda outside the trained values raises an error, or a warning.
    categorical_features : "from_dtype", None or array-like, default="from_dtype"
        Categorical columns of X without the lambda column.
    max_iter : int, default=550
        Optimisation steps of each network.
    batch_size : int, default=256
        Rows per step.
    learning_rate : float, default=0.01
        Peak of the learning rate.
    early_stopping : bool, default=False
        Whether training stops if the error on held-out trajectories no longer improves.
    tol : float, default=1e-4
        Relative improvement that counts for `early_stopping`.
    validate : "auto" or bool, default="auto"
        Whether interior trained values are left out to measure the error between them.
    device : str, default="auto"
        Torch device of the networks.
    n_jobs : int, default=None
        Number of trees of the regression on x that are grown in parallel.
    callbacks : list, default=None
        Skorch callbacks for the training of the networks.
    verbose : "auto" or int, default="auto"
        Whether `fit` shows a progress bar over all stages on stderr. "auto" shows it on a terminal
        or in a notebook, if a fit takes more than two seconds. 0 never shows it, 1 always.
    random_state : int, RandomState instance or None, default=None
        Seed of all random steps of `fit`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, in the order of the columns of `predict_proba`.
    anchors_ : ndarray of shape (M,) or (M, k)
        The trained values between which transport was learned.
        `HyperparameterTrajectoryRegressor` describes this and all other attributes.
    lam_transform_ : Clock
        The lambda scale in use.
    base_ : object or None
        The source of draws at the base value.
    base_lam_ : float
        The trained value at which the base draws.
    lagrangian_ : Lagrangian
        The trained metric and potential.
    solver_ : OTSolver
        The solver that coupled the trained values.
    flow_map_ : TransportMap or None
        The trained network that moves scaled log-ratios between times of the lambda scale.
    history_ : DataFrame
        One row per epoch of each network.
    diagnostics_ : dict
        How near moved log-ratios are to those of every trained value.
    validation_ : DataFrame or None
        One row per interior trained value that was left out.
    n_iter_ : int
        Optimisation steps of the flow map.
    n_features_in_ : int
        Number of columns of X, including the lambda column.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of X, if it had names.

    See Also
    --------
    HyperparameterTrajectoryRegressor : The same for outputs of any kind, with all parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.special import softmax
    >>> from sklearn_hti import HyperparameterTrajectoryClassifier
    >>> logits = np.random.default_rng(0).normal(size=(30, 3))  # of three classes, at 30 inputs
    >>> temperatures = [0.5, 2.0]
    >>> P = np.vstack([softmax(logits / T, axis=1) for T in temperatures])
    >>> surrogate = HyperparameterTrajectoryClassifier(
    ...     base=None, lam_transform="reciprocal"
    ... ).fit(np.tile(np.arange(30.0), 2)[:, None], P, np.repeat(temperatures, 30))
    >>> said = surrogate.interpolate(
    ...     np.arange(30.0)[:, None], P.reshape(2, 30, 3), lams=temperatures, lam=1.0
    ... )
    >>> bool(np.abs(said - softmax(logits, axis=1)).max() < 1e-12)
    True
    """

    __metadata_request__predict_proba = {"lam": True}
    __metadata_request__predict_log_proba = {"lam": True}

    _parameter_constraints = {
        "classes": [None, "array-like"],
        **{
            name: wanted
            for name, wanted in HyperparameterTrajectoryRegressor._parameter_constraints.items()
            if name not in _OWN
        },
    }

    def __init__(
        self,
        *,
        classes: ArrayLike | None = None,
        kinetic: Any = "learned",
        potential: Any = "density",
        cost: str = "jacobi",
        path: Any = "geodesic",
        solver: Any = "coupling",
        conditioning: Any = "film",
        networks: Mapping[Any, Any] | None = None,
        base: Any = "auto",
        base_lam: Lam | None = None,
        lam_transform: Any = "auto",
        lam_column: int | str | Sequence[Any] | None = None,
        n_anchors: str | int = "auto",
        output_scaling: str = "common",
        extrapolation: str = "raise",
        categorical_features: ArrayLike | None = "from_dtype",
        max_iter: int = 550,
        batch_size: int = 256,
        learning_rate: float = 0.01,
        early_stopping: bool = False,
        tol: float = 1e-4,
        validate: str | bool = "auto",
        device: str = "auto",
        n_jobs: int | None = None,
        callbacks: Sequence[Any] | None = None,
        verbose: str | int = "auto",
        random_state: RandomState = None,
    ) -> None:
        super().__init__(
            kinetic=kinetic,
            potential=potential,
            cost=cost,
            path=path,
            solver=solver,
            conditioning=conditioning,
            networks=networks,
            base=base,
            base_lam=base_lam,
            lam_transform=lam_transform,
            lam_column=lam_column,
            n_anchors=n_anchors,
            output_transform="simplex",
            output_scaling=output_scaling,
            geometry="transport",
            extrapolation=extrapolation,
            categorical_features=categorical_features,
            max_iter=max_iter,
            batch_size=batch_size,
            learning_rate=learning_rate,
            early_stopping=early_stopping,
            tol=tol,
            validate=validate,
            device=device,
            n_jobs=n_jobs,
            callbacks=callbacks,
            verbose=verbose,
            random_state=random_state,
        )
        self.classes = classes

    def fit(
        self,
        X: ArrayLike | None,
        y: ArrayLike,
        lam: Lam | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn the surrogate from probabilities, or labels, at the trained values.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs of the classifiers. None: there is no condition.
        y : array-like of shape (n, n_classes) or (n,), or DataFrame
            Probabilities of the trained classifiers, in rows that sum to one. The columns of a
            DataFrame have the names of the classes. Or labels, which are draws of the class.
        lam : array-like of shape (n,) or (n, k), or DataFrame, default=None
            Hyperparameter value lambda of the classifier of each row. None: `lam_column` of X.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row, as in `HyperparameterTrajectoryRegressor.fit`.

        Returns
        -------
        HyperparameterTrajectoryClassifier
            The fitted estimator.
        """
        return super().fit(X, y, lam, sample_weight)

    def _check_rows(self, X, y, lam, sample_weight):
        if y is None:
            return super()._check_rows(X, y, lam, sample_weight)
        columns, y = read_targets(y)
        drawn = are_labels(y)
        if drawn and self.networks is not None:
            raise ValueError(
                "y holds labels, but networks= answer with probabilities; pass their "
                "probabilities at X as y, of shape (n, n_classes)."
            )
        if drawn:
            classes, p = read_labels(y, self.classes)
        else:
            classes, p = read_probabilities(y, columns, self.classes)
        rows = super()._check_rows(X, p, lam, sample_weight)
        self.classes_ = classes
        if not drawn:
            return rows
        if self.classes is None and rows.y.all(axis=0).any():
            raise ValueError(
                "`y` holds one class only in rows with weights above zero; name all classes with "
                "`classes`."
            )
        n_rows, anchors = len(rows.y), find_anchors(rows.lam, self._count_anchors(rows))
        encoder = ConditionEncoder().fit(rows.X, self.categorical_features, n_rows)
        conditions = encoder.transform(rows.X, n_rows)
        seed = draw_seeds(self.random_state, ["labels"])["labels"]
        return probabilities_of_labels(
            rows,
            anchors,
            conditions.one_hot(encoder.n_categories_),
            conditions.groups(),
            np.random.default_rng(seed),
        )

    def predict_proba(self, X: ArrayLike | None, lam: Lam | None = None) -> np.ndarray:
        """Return the probabilities of the classes: their mean given x and lambda.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Rows that sum to one, in the order of `classes_`.
        """
        query = self._query(X, lam)
        p = moments(self._state, query)[0]
        return p / p.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: ArrayLike | None, lam: Lam | None = None) -> np.ndarray:
        """Return the logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Logarithms, in the order of `classes_`.
        """
        p = self.predict_proba(X, lam)
        return np.log(np.maximum(p, np.finfo(float).tiny))

    def predict(  # type: ignore[override]  # classes have no standard deviation
        self, X: ArrayLike | None, lam: Lam | None = None
    ) -> np.ndarray:
        """Return the most probable class.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.

        Returns
        -------
        ndarray of shape (n,)
            One of `classes_` for each row.
        """
        best = self.predict_proba(X, lam).argmax(axis=1)
        return self.classes_[best]

    def score(
        self,
        X: ArrayLike | None,
        y: ArrayLike,
        lam: Lam | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Return the accuracy of the most probable class.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        y : array-like of shape (n,) or (n, n_classes), or DataFrame
            Labels. Or probabilities, whose most probable class counts. Columns of a DataFrame may
            be in any order if they have the names of `classes_`.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row.

        Returns
        -------
        float
            Fraction of rows with the correct class.
        """
        names, y = read_targets(y)
        if not are_labels(y):
            classes = classes_of(y, names, self.classes_)
            y = classes[np.asarray(y, dtype=float).argmax(axis=1)]
        return accuracy_score(y, self.predict(X, lam), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        """Return the estimator tags."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags = None
        tags.target_tags.multi_output = False
        return tags
