"""Kinetic energies: what a velocity costs at a place (method.md section 2)."""

from sklearn.base import BaseEstimator


class EuclideanKinetic(BaseEstimator):
    """Kinetic energy K = |dq/dt|^2 / 2, the metric G = I."""

    def cost_matrix(self, y0, y1):
        """Return c(y0_i, y1_j) = |y1_j - y0_i|^2 / 2, shape (n0, n1).

        Parameters
        ----------
        y0 : ndarray of shape (n0, D)
            Start points, in scaled output units.
        y1 : ndarray of shape (n1, D)
            End points.

        Returns
        -------
        ndarray of shape (n0, n1)
            Squared distance over two.
        """
        from ot import dist

        return 0.5 * dist(y0, y1, metric="sqeuclidean")
