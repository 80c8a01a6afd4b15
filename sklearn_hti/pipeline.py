"""A pipeline that ends in a surrogate, keeps its methods and passes lambda to it."""

from sklearn import get_config
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.metaestimators import available_if

from .answers.page import write_page
from .answers.query import before_last
from .inspection import PredictionDisplay


def _final_has(name):
    def check(pipeline):
        getattr(pipeline.steps[-1][1], name)
        return True

    return check


class TrajectoryPipeline(Pipeline):
    """Pipeline of transformers of X and a surrogate at its end.

    A `sklearn.pipeline.Pipeline` has no `sample`, `transport` and `trajectory`, and does not pass
    `lam` to `score`. This pipeline does, with metadata routing on or off. Its parameters and all
    other behaviour are those of `sklearn.pipeline.Pipeline`.

    See Also
    --------
    make_trajectory_pipeline : Makes a pipeline without names of steps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
    >>> from sklearn_hti.pipeline import make_trajectory_pipeline
    >>> rng = np.random.default_rng(0)
    >>> X = np.tile(rng.normal(size=(20, 6)), (2, 1))
    >>> lam = np.repeat([0.0, 1.0], 20)
    >>> pipe = make_trajectory_pipeline(
    ...     PCA(2), DisplacementInterpolationRegressor(lam_transform=None)
    ... ).fit(X, X[:, 0] + lam, lam)
    >>> pipe.transport(X[:3], X[:3, 0], lam_from=0.0, lam_to=0.5) - X[:3, 0]
    array([0.5, 0.5, 0.5])
    """

    def fit(self, X, y=None, lam=None, **params):
        """Fit the transformers and the surrogate.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs of the first step.
        y : array-like of shape (n,) or (n, D)
            Outputs of the networks.
        lam : array-like of shape (n,) or (n, k) or DataFrame, default=None
            Hyperparameter value lambda of every row.
        **params : dict
            Parameters of `sklearn.pipeline.Pipeline.fit`.

        Returns
        -------
        TrajectoryPipeline
            The fitted pipeline.
        """
        if lam is not None:
            routed = get_config()["enable_metadata_routing"]
            params["lam" if routed else f"{self.steps[-1][0]}__lam"] = lam
        return super().fit(X, y, **params)

    def predict(self, X, lam=None, **params):
        """Return the conditional mean.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs.
        lam : float, array-like, DataFrame or dict, default=None
            Hyperparameter value lambda, one or one per row.
        **params : dict
            Parameters of `predict` of the surrogate, such as ``return_std``.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            Conditional mean.
        """
        return self.steps[-1][1].predict(before_last(self, X), lam, **params)

    def score(self, X, y=None, lam=None, sample_weight=None):
        """Return R^2 of the conditional mean.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs.
        y : array-like of shape (n,) or (n, D)
            True outputs.
        lam : float, array-like, DataFrame or dict, default=None
            Hyperparameter value lambda, one or one per row.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row.

        Returns
        -------
        float
            R^2, averaged over outputs.
        """
        X = before_last(self, X)
        return self.steps[-1][1].score(X, y, lam, sample_weight=sample_weight)

    @available_if(_final_has("sample"))
    def sample(self, X, lam=None, **options):
        """Draw outputs; see `HyperparameterTrajectoryRegressor.sample`.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs.
        lam : float, array-like, DataFrame or dict, default=None
            Hyperparameter value lambda, one or one per row.
        **options : dict
            ``n_samples`` and ``random_state``.

        Returns
        -------
        ndarray
            The draws.
        """
        return self.steps[-1][1].sample(before_last(self, X), lam, **options)

    @available_if(_final_has("transport"))
    def transport(self, X, y, *, lam_from, lam_to):
        """Move given outputs; see `HyperparameterTrajectoryRegressor.transport`.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs.
        y : array-like of shape (n,) or (n, D)
            Outputs at `lam_from`.
        lam_from, lam_to : float, array-like, DataFrame or dict
            Lambda of the given outputs, and lambda to which they are moved.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            The outputs at `lam_to`.
        """
        return self.steps[-1][1].transport(
            before_last(self, X), y, lam_from=lam_from, lam_to=lam_to
        )

    @available_if(_final_has("interpolate"))
    def interpolate(self, X, outputs, *, lams, lam):
        """Interpolate outputs; see `HyperparameterTrajectoryRegressor.interpolate`.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs.
        outputs : array-like of shape (A, n) or (A, n, D)
            Outputs of A networks for these inputs.
        lams : array-like of shape (A,) or (A, k), or DataFrame
            Lambda of each network.
        lam : float, array-like, DataFrame or dict
            Lambda of the answer.

        Returns
        -------
        ndarray of shape (n,) or (n, D)
            The outputs at `lam`.
        """
        X = before_last(self, X)
        return self.steps[-1][1].interpolate(X, outputs, lams=lams, lam=lam)

    @available_if(_final_has("interval"))
    def interval(self, X, lam=None, coverage=0.9, statistic="mean"):
        """Bound a statistic of y given x; see `HyperparameterTrajectoryRegressor.interval`.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs.
        lam : float, array-like, DataFrame or dict, default=None
            Hyperparameter value lambda, one or one per row.
        coverage : float, default=0.9
            Intended fraction of true values of the statistic inside the bounds.
        statistic : "mean", float or callable, default="mean"
            The mean, a quantile level, or a function of draws (n_draws, n, D).

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, D)
            The bounds.
        """
        return self.steps[-1][1].interval(before_last(self, X), lam, coverage, statistic)

    @available_if(_final_has("trajectory"))
    def trajectory(self, X, lam_grid, **options):
        """Follow draws along a grid; see `HyperparameterTrajectoryRegressor.trajectory`.

        Parameters
        ----------
        X : array-like of shape (n, C) or DataFrame
            Inputs.
        lam_grid : array-like of shape (L,) or (L, k), or DataFrame
            Hyperparameter values lambda.
        **options : dict
            ``y``, ``lam_from``, ``n_samples`` and ``random_state``.

        Returns
        -------
        ndarray
            Outputs at every lambda of the grid.
        """
        return self.steps[-1][1].trajectory(before_last(self, X), lam_grid, **options)

    @available_if(_final_has("plot"))
    def plot(self, X, **options):
        """Plot outputs along lambda; see `HyperparameterTrajectoryRegressor.plot`.

        Parameters
        ----------
        X : array-like of shape (C,) or (n, C), Series or DataFrame
            One input to show, or a few.
        **options : dict
            Options of `sklearn_hti.inspection.PredictionDisplay.from_estimator`.

        Returns
        -------
        PredictionDisplay
            The picture.
        """
        return PredictionDisplay.from_estimator(self, X, **options)

    @available_if(_final_has("to_html"))
    def to_html(self, path, X, **options):
        """Write a page with a slider; see `HyperparameterTrajectoryRegressor.to_html`.

        Parameters
        ----------
        path : str or path-like
            The file to write.
        X : array-like of shape (n, C) or DataFrame
            The conditions that the page offers.
        **options : dict
            Options of `HyperparameterTrajectoryRegressor.to_html`.

        Returns
        -------
        pathlib.Path
            The file.
        """
        return write_page(self, path, X, **options)


def make_trajectory_pipeline(*steps, **options):
    """Return a `TrajectoryPipeline` whose steps are named after their classes.

    Parameters
    ----------
    *steps : estimators
        Transformers of X, and a surrogate.
    **options : dict
        Options of `sklearn.pipeline.make_pipeline`: ``memory``, ``transform_input``,
        ``verbose``.

    Returns
    -------
    TrajectoryPipeline
        The pipeline.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.pipeline import make_trajectory_pipeline
    >>> pipe = make_trajectory_pipeline(StandardScaler(), HyperparameterTrajectoryRegressor())
    >>> [name for name, _ in pipe.steps]
    ['standardscaler', 'hyperparametertrajectoryregressor']
    """
    return TrajectoryPipeline(make_pipeline(*steps).steps, **options)
