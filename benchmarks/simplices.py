"""Linear answers from networks at several hyperparameters, by weights of their outputs."""

import warnings

import numpy as np
from scipy.interpolate import LinearNDInterpolator, RBFInterpolator
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from sklearn_hti.clocks.selection import suggested_rule

TRIVIAL = ("not moving", "nearest network", "simplices")
_MAX_VALUES = 200  # outputs that a kernel is fitted to


class Scales:
    """Coordinates of lambda, in the span of the anchors and on the scales they suggest."""

    def __init__(self, anchors):
        self.ends = [np.unique(axis)[[0, -1]] for axis in anchors.T]
        self.rules = [suggested_rule(ends) for ends in self.ends]
        self.centre = np.zeros(anchors.shape[1])
        self.axes = np.eye(anchors.shape[1])
        z = self(anchors)
        self.centre = z.mean(axis=0)
        _, sizes, axes = np.linalg.svd(z - self.centre, full_matrices=False)
        flat = sizes < 1e-9 * sizes[0]  # weights that sum to one lie in a plane
        self.axes = axes[~flat].T if flat.any() else self.axes

    def __call__(self, lams):
        """Return coordinates (n, d) of lambdas (n, k)."""
        z = [
            rule.fraction(axis, *ends)
            for rule, axis, ends in zip(self.rules, lams.T, self.ends, strict=True)
        ]
        return (np.column_stack(z) - self.centre) @ self.axes


def central(anchors):
    """Return the row of the most central point."""
    return cdist(anchors, anchors).mean(axis=1).argmin()


def weights_of(name, anchors, z):
    """Return how much the network of each anchor counts, (n, M), in coordinates of Scales."""
    each = np.eye(len(anchors))
    if name == "not moving":
        return np.tile(each[central(anchors)], (len(z), 1))
    if name == "nearest network":
        return each[cdist(z, anchors).argmin(axis=1)]
    if name == "simplices":
        weights = LinearNDInterpolator(anchors, each)(z)
        if np.isnan(weights).any():
            raise ValueError("lam is outside the convex hull of the anchors.")
        return weights
    return RBFInterpolator(anchors, each, kernel="thin_plate_spline", degree=1)(z)


class Coupled:
    """Outputs (M, n, D) of networks at the same rows; draws are coupled inside each input."""

    def __init__(self, X, outputs):
        self.outputs = outputs
        X = np.zeros((outputs.shape[1], 1)) if X is None else X
        label = np.unique(X, axis=0, return_inverse=True)[1].ravel()
        order = np.argsort(label, kind="stable")
        self.inputs = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
        self._matched = {}

    def matched(self, reference, other):
        """Return the outputs of one network in the order of their partners in another."""
        if reference == other or len(self.inputs) == self.outputs.shape[1]:
            return self.outputs[other]
        if (reference, other) not in self._matched:
            matched = np.empty_like(self.outputs[other])
            for rows in self.inputs:
                here, there = self.outputs[[reference, other]][:, rows]
                partner = linear_sum_assignment(cdist(here, there, "sqeuclidean"))[1]
                matched[rows] = there[partner]
            self._matched[reference, other] = matched
        return self._matched[reference, other]

    def mean(self, weights, reference):
        """Return the weighted mean of coupled outputs, (n, D)."""
        used = np.flatnonzero(weights)
        return sum(weights[m] * self.matched(reference, m) for m in used)


class ThinPlates:
    """Thin plates with linear mean in the coordinates of Scales, through the anchors' outputs."""

    def fit(self, X, y, lam):
        """Note the anchors; outputs come with the question."""
        return self

    def interpolate(self, X, outputs, *, lams, lam):
        """Return what lies at one lambda (k,), given outputs (M, n, D) of the networks at lams."""
        scales = Scales(lams)
        z = scales(lams)
        [weights] = weights_of("thin plates", z, scales(np.atleast_2d(lam)))
        return Coupled(X, outputs).mean(weights, central(z))


class GaussianProcess(ThinPlates):
    """A Gaussian process over lambda, with a length for each coordinate of Scales.

    All outputs share the kernel, whose settings are the most probable ones, as scikit-learn finds
    them.
    """

    def interpolate(self, X, outputs, *, lams, lam):
        """Return what lies at one lambda (k,), given outputs (M, n, D) of the networks at lams."""
        scales, coupled = Scales(lams), Coupled(X, outputs)
        z = scales(lams)
        root = central(z)
        values = np.hstack([coupled.matched(root, m).reshape(-1, 1) for m in range(len(z))]).T
        kernel = self._kernel(z, values[:, :: -(-values.shape[1] // _MAX_VALUES)])
        # answers to the unit vectors are the weights of all
        process = GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True)
        [weights] = process.fit(z, np.eye(len(z))).predict(scales(np.atleast_2d(lam)))
        return coupled.mean(weights, root)

    def _kernel(self, z, values):
        """Return the kernel of values (M, V) with the most probable settings."""
        smooth = Matern(np.ones(z.shape[1]), (0.05, 50.0))
        kernel = ConstantKernel() * smooth + WhiteKernel(1e-4, (1e-8, 1.0))
        process = GaussianProcessRegressor(
            kernel, n_restarts_optimizer=3, normalize_y=True, random_state=0
        )
        with warnings.catch_warnings():  # of settings at their bounds
            warnings.simplefilter("ignore", ConvergenceWarning)
            return process.fit(z, values).kernel_
