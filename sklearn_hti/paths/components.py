"""What `path` accepts: how the path from anchor to anchor is drawn."""

from dataclasses import replace
from typing import Any

from sklearn.base import BaseEstimator

from .._utils.parameters import check_choice, check_range
from .._utils.registry import storable


@storable
class GeodesicPath(BaseEstimator):
    """Geodesics of the Lagrangian, interval by interval.

    If the Lagrangian has neither metric nor potential, nothing is trained. Otherwise a network
    proposes a natural cubic spline for every coupled pair. It is trained together with the
    metric. Three points of every path, at a quarter, half and three quarters, become knots of
    the particles between two trained values. They are used if paths through them have smaller
    kinks at the trained values than chords have. With two trained values, or with a potential
    that is a function of the user, they are always used. The particle field moves particles
    between all knots.

    Parameters
    ----------
    n_nodes : int, default=7
        Interior nodes of a spline.
    n_segments : int, default=12
        Segments into which a path is cut to compute its cost.
    n_couplings : int, default=1
        How often the transport problems are solved during training, with the present cost. The
        metric is learned after the first solution.
    max_iter : int, default=250
        Training steps.
    batch_size : int, default=128
        Pairs per step.
    learning_rate : float, default=0.01
        Peak of the one-cycle learning rate.
    refine_steps : int, default=0
        Gradient steps that refine each path of the network.
    constant_speed : {"euclidean", "metric"}, default="euclidean"
        Length along which the points of a path are evenly spaced. "euclidean" is the length of the
        scaled outputs, "metric" that of the metric. A learned metric is cheap along paths, but
        this does not measure how fast networks change.
    """

    def __init__(
        self,
        n_nodes: int = 7,
        n_segments: int = 12,
        n_couplings: int = 1,
        max_iter: int = 250,
        batch_size: int = 128,
        learning_rate: float = 0.01,
        refine_steps: int = 0,
        constant_speed: str = "euclidean",
    ) -> None:
        self.n_nodes = n_nodes
        self.n_segments = n_segments
        self.n_couplings = n_couplings
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.refine_steps = refine_steps
        self.constant_speed = constant_speed

    def _check(self):
        counts = ["n_nodes", "n_couplings", "max_iter", "batch_size"]
        check_range(self, integer=counts, lowest=1)
        check_range(self, integer=["n_segments"], lowest=2)
        check_range(self, integer=["refine_steps"], lowest=0)
        check_range(self, real=["learning_rate"], above=0)
        check_choice(self, "constant_speed", ("euclidean", "metric"))

    def training(self, settings: Any) -> Any:
        """Return the estimator's training settings with those of the path network.

        Parameters
        ----------
        settings : TrainingSettings
            Of the estimator.

        Returns
        -------
        TrainingSettings
            Of the path network.
        """
        return replace(
            settings,
            max_iter=self.max_iter,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            early_stopping=False,
        )


@storable
class SmoothPath(BaseEstimator):
    """One curve through the coupled outputs of all trained values.

    The curve is a cubic spline over the distance between trained values, not over the lambda
    scale. Three of its points between two trained values become knots of the particles. Metric and
    potential only determine how outputs are coupled.
    """
