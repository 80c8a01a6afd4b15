"""What every optimal-transport solver offers."""

from abc import ABC, abstractmethod
from typing import Any

from sklearn.base import BaseEstimator


class OTSolver(BaseEstimator, ABC):
    """Base class of solvers, which match the outputs of two trained values."""

    @abstractmethod
    def plan(self, data: Any, edge: tuple[Any, ...], geodesic: Any, rng: Any) -> Any:
        """Return the transport plan along one edge of the graph of trained values.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        edge : tuple of int
            The two trained values.
        geodesic : StraightGeodesic
            Gives the cost of a path between two outputs.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        scipy.sparse.csr_array of shape (n0, n1)
            Mass between the rows of the first and of the second trained value, in the order of
            ``data.anchors.rows``. Rows and columns without a partner are empty.
        """
