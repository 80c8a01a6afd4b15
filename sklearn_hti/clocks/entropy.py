"""A clock by the entropy of outputs, and estimates of it (docs/method.md, equation 39)."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma, gammaln

from .._utils.groupby import split_by_group
from .._utils.registry import storable
from ..data.facts import DrawCounts
from ..stats.ridge import LinearMean
from .warps import bend_time

_N_NEIGHBORS = 3  # whose distance tells an entropy
_FLAT = 1e-8  # of entropy: none


@storable
@dataclass(frozen=True)
class EntropyClock:
    """Time in which exp(-gamma h) is linear in lambda if entropy h is linear along the path.

    s(t) = -log(1 - t (1 - exp(-kappa))) / kappa with kappa = gamma (h(hi) - h(lo)).
    """

    anchors: np.ndarray
    entropies: np.ndarray
    gamma: float = 1.0
    name: str = "entropy"

    def fraction(self, lam, lo, hi):
        """Return how far lam is on the way from lo to hi."""
        gain = np.interp(hi, self.anchors, self.entropies)
        gain = gain - np.interp(lo, self.anchors, self.entropies)
        t = (np.asarray(lam, dtype=float) - lo) / (np.asarray(hi) - lo)
        kappa = np.clip(self.gamma * gain, -30.0, 30.0)
        inside = np.clip(t, 0.0, 1.0)
        s = bend_time(inside, kappa)
        if np.all(inside == t):
            return s
        # beyond the ends, the speed there goes on
        flat = np.abs(kappa) < _FLAT
        speed = np.expm1(np.where(t > 1, kappa, -kappa)) / np.where(flat, 1.0, kappa)
        speed = np.where(flat, 1.0, np.abs(speed))
        return np.where(inside == t, s, s + speed * (t - inside))


def conditional_entropies(y, features, groups, anchors):
    """Return the entropy of y given x at every anchor, joint over the outputs, in nats.

    Where conditions repeat often enough, the Kozachenko-Leonenko estimate per condition;
    else half the log-determinant of the residual covariance of a ridge regression of y on
    x. Only differences between anchors carry meaning, so constants are left out of the
    second form.
    """
    counts = [DrawCounts.of(groups[anchors.rows(k)]) for k in _nodes(anchors)]
    repeated = all(c.have_entropies for c in counts)
    entropies = []
    for k in _nodes(anchors):
        rows = anchors.rows(k)
        if repeated:
            parts = [y[rows[on]] for on in split_by_group(groups[rows])]
            weights = [len(part) for part in parts]
            entropies.append(np.average([nearest_entropy(p) for p in parts], weights=weights))
        else:
            entropies.append(_residual_entropy(y[rows], features[rows]))
    return np.array(entropies)


def _nodes(anchors):
    return range(len(anchors.lam))


def nearest_entropy(y):
    """Return the Kozachenko-Leonenko estimate of the entropy of rows y (n, D), in nats."""
    n, dim = y.shape
    n_neighbors = min(_N_NEIGHBORS, n - 1)
    distance = cKDTree(y).query(y, k=n_neighbors + 1)[0][:, -1]
    distance = np.maximum(distance, 1e-10 * (1 + np.abs(y).max()))
    log_ball = 0.5 * dim * np.log(np.pi) - gammaln(0.5 * dim + 1)
    return digamma(n) - digamma(n_neighbors) + log_ball + dim * np.log(distance).mean()


def _residual_entropy(y, features):
    """Return half the log-determinant of the residual covariance of y on x."""
    residual = y - LinearMean().fit(features, y).predict(features)
    covariance = np.cov(residual, rowvar=False, bias=True).reshape(y.shape[1], -1)
    ridge = 1e-8 * max(np.trace(covariance) / len(covariance), 1e-8)
    return 0.5 * np.linalg.slogdet(covariance + ridge * np.eye(len(covariance)))[1]
