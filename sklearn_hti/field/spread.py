"""How far answers of the field may be off between trained values (docs/method.md, section 11)."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from .._utils.registry import storable
from .particle_field import LENGTHS, ROUGH_FRACTION, ParticleField

ROUGH_FRACTIONS = (0.0, ROUGH_FRACTION, 1.0)  # smooth, as in the field, rough
OF_PLANE = (2.0, 1.0, 0.5)  # of those of the axes, of several hyperparameters
PARTICLES = 30  # whose evidence counts: particles of many inputs move alike


@storable
@dataclass(frozen=True)
class FieldSpread:
    """The variance of the field, averaged over kernels by their evidence.

    Attributes
    ----------
    field : ParticleField
        The field, with one kernel.
    lams : ndarray of shape (M,)
        Trained values.
    lengths, rough_fractions : ndarray of shape (K,)
        The kernels.
    variances : ndarray of shape (K,)
        Scale of each kernel, times its probability.
    """

    field: ParticleField
    lams: np.ndarray
    lengths: np.ndarray
    rough_fractions: np.ndarray
    variances: np.ndarray

    def deviation(self, lam):
        """Return the standard deviation (n,) of one output at lambdas (n,) or (n, k)."""
        lam, back = np.unique(lam, axis=0, return_inverse=True)
        z = self.field._times(lam)
        variance = np.zeros(len(z))
        for kriging, scale in self._krigings():
            variance += scale * kriging.variance(z)
        known = np.reshape(lam[:, None] == self.lams[None], (len(lam), len(self.lams), -1))
        variance[known.all(axis=2).any(axis=1)] = 0.0  # without the rounding
        return np.sqrt(variance)[back.reshape(-1)]

    def covariances(self, lam):
        """Return the covariances (K, n, n) of the errors at lambdas, of each kernel."""
        z = self.field._times(lam)
        parts = [scale * kriging.covariance(z) for kriging, scale in self._krigings()]
        return np.reshape(parts, (-1, len(z), len(z)))

    def _krigings(self):
        """Yield the kriging of each kernel that counts, and its scale."""
        knots = self.field._times(self.lams)
        kernels = zip(self.lengths, self.rough_fractions, self.variances, strict=True)
        for length, rough_fraction, scale in kernels:
            if scale > 0:
                yield _with_kernel(self.field, length, rough_fraction)._kriging(knots), scale


def moments_of(values):
    """Return the mean products (M, M) of values (N, M, D), each less its mean over the M."""
    centered = values - values.mean(axis=1, keepdims=True)
    flat = centered.transpose(1, 0, 2).reshape(centered.shape[1], -1)
    return flat @ flat.T / flat.shape[1]


def fit_spread(field, moments, lams, probabilities=None):
    """Return the FieldSpread of values known at lams (M,), and the probabilities.

    Parameters
    ----------
    field : ParticleField
        The field, which gives the time.
    moments : ndarray of shape (M, M)
        Of means or particles at the trained values: see `moments_of`.
    lams : ndarray of shape (M,)
        Trained values.
    probabilities : ndarray of shape (K,), default=None
        Of the kernels; None: by their evidence.
    """
    rough = [1 - (1 - fraction) * (1 - field.noise) ** 2 for fraction in ROUGH_FRACTIONS]
    lengths = LENGTHS if np.ndim(lams) == 1 else OF_PLANE
    lengths, rough = np.array(list(product(lengths, rough))).T
    knots = field._times(lams)
    krigings = [
        _with_kernel(field, *kernel)._kriging(knots) for kernel in zip(lengths, rough, strict=True)
    ]
    # scales and evidences are compared on the same contrasts: of one hyperparameter, and where
    # linear functions leave none, those of a constant mean
    if np.ndim(lams) == 1 or not krigings[0].contrasts.shape[1]:
        krigings = [replace(kriging, mean="constant") for kriging in krigings]
    if probabilities is None:
        probabilities = _probabilities(krigings, moments)
    scales = np.array([kriging.spread(moments) for kriging in krigings])
    return FieldSpread(field, lams, lengths, rough, probabilities * scales), probabilities


def _probabilities(krigings, moments):
    """Return the probability of each kernel, by the evidence of some particles."""
    if len(moments) < 3 or not np.trace(moments) > 0:  # one increment fits all kernels alike
        return np.full(len(krigings), 1 / len(krigings))
    evidence = np.array([kriging.log_evidence(moments) for kriging in krigings])
    weights = np.exp(PARTICLES * (evidence - evidence.max()))
    return weights / weights.sum()


def _with_kernel(field, length, rough_fraction):
    kernel = {
        "smooth": replace(field.smooth, length=float(length)),
        "rough_fraction": float(rough_fraction),
    }
    return replace(field, simple="", **kernel)
