"""Kernels over clock times: how outputs at two values of lambda go together.

Times z have shape (M, k), one row per value of lambda and one column per hyperparameter. Every
kernel is a function of the distance of two times.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from .._utils.registry import storable


@storable
@dataclass(frozen=True)
class Matern:
    """Matern kernel of variance one (docs/method.md, equation 22).

    Parameters
    ----------
    length : float or tuple of float
        Length scale, one or one per axis.
    nu : {1.5, 2.5, inf}
        Smoothness; paths have one, two or all derivatives.

    References
    ----------
    Rasmussen and Williams, "Gaussian Processes for Machine Learning", MIT Press 2006, section
    4.2.
    """

    length: float | tuple = 1.0
    nu: float = 1.5

    def __call__(self, z, z_other):
        """Return the kernel between the rows of two arrays of times, (M, M')."""
        length = np.asarray(self.length, dtype=float)
        r = cdist(z / length, z_other / length)
        if self.nu == np.inf:
            return np.exp(-0.5 * r**2)
        r *= np.sqrt(2 * self.nu)
        polynomial = 1 + r if self.nu == 1.5 else 1 + r + r**2 / 3
        return polynomial * np.exp(-r)


@storable
@dataclass(frozen=True)
class Brownian:
    """Minus the distance: increments are independent (docs/method.md, equation 23).

    It is positive definite beside a constant mean only.

    With one axis and a constant mean, kriging draws straight lines between the knots.
    """

    def __call__(self, z, z_other):
        """Return the kernel between the rows of two arrays of times, (M, M')."""
        return -cdist(z, z_other)


@dataclass(frozen=True)
class Blend:
    """A smooth and a rough kernel, each in units of its own increments (equation 25).

    `rough_fraction` is the fraction of the squared increments between neighbouring knots that
    is rough.
    """

    smooth: object
    rough: object
    rough_fraction: float
    smooth_unit: float
    rough_unit: float

    def __call__(self, z, z_other):
        """Return the kernel between the rows of two arrays of times, (M, M')."""
        smooth, rough = self.smooth(z, z_other), self.rough(z, z_other)
        r = self.rough_fraction
        return (1 - r) / self.smooth_unit * smooth + r / self.rough_unit * rough


def blend(smooth, rough, rough_fraction, knots, edges):
    """Return the Blend of two kernels over the increments along some edges.

    Parameters
    ----------
    smooth, rough : callable
        Kernels.
    rough_fraction : float
        Fraction of the squared increments that is rough, 0 to 1.
    knots : ndarray of shape (M, k)
        Times of the trained values.
    edges : sequence of (int, int)
        Pairs of neighbouring knots.
    """
    units = [mean_increment(kernel, knots, edges) for kernel in (smooth, rough)]
    return Blend(smooth, rough, rough_fraction, *units)


def mean_increment(kernel, knots, edges):
    """Return the mean squared increment that a kernel expects along the edges."""
    a, b = np.asarray(edges).T
    k = kernel(knots, knots)
    return float(np.mean(k[a, a] + k[b, b] - 2 * k[a, b]))
