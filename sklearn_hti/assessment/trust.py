"""How far a fitted surrogate can be trusted: anchors left out, and the members of an ensemble."""

import warnings
from dataclasses import replace
from functools import partial
from numbers import Real

import numpy as np
from sklearn.base import clone

from ..clocks.movement import Movement
from ..clocks.selection import clock_of_rest, read_way
from ..exceptions import ConvergenceWarning, TrajectoryWarning
from ..nn.engine import is_complete
from ..paths import StraightGeodesic
from ..solvers.registry import resolve
from .leave_out import leave_anchors_out, shorter, warn_if_no_better
from .members import fit_members, half_widths


class TrustMixin:
    """Validates by refits, and bounds means by members; `_learn` is the estimator's."""

    def interval(self, X, lam=None, coverage=0.9):
        """Return bounds of the conditional mean of y: what the surrogate does not know of it.

        The spread of the members, which were learned from halves of the data by seeds and
        clocks of their own, widened between anchors by the errors of the mean where anchors
        were left out (``validate``); for with two anchors, or without that, nothing tells how
        far the truth leaves the way between anchors.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs.
        lam : float or array-like of shape (n,), default=None
            Hyperparameter value lambda, one or one per row.
        coverage : float, default=0.9
            Share of the conditional means that the bounds are to hold.

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, D)
            The bounds.

        Raises
        ------
        ValueError
            If there are no members (`n_estimators` is 1), or `coverage` is not between 0 and 1.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hti import HyperparameterTrajectoryRegressor
        >>> lam = np.repeat([0.0, 1.0, 2.0], 50)
        >>> y = np.random.default_rng(0).normal(loc=lam, scale=0.1)
        >>> surrogate = HyperparameterTrajectoryRegressor(
        ...     lam_transform=None, max_iter=50, n_estimators=3, random_state=0
        ... ).fit(None, y, lam)
        >>> lower, upper = surrogate.interval(None, lam=0.5)
        >>> bool(lower < surrogate.predict(None, lam=0.5) < upper)
        True
        """
        query = self._query(X, lam)
        if not self.estimators_:
            raise ValueError(
                "interval needs members: fit with n_estimators=10, for instance (there is 1)."
            )
        if not (isinstance(coverage, Real) and 0 < coverage < 1):
            raise ValueError(f"coverage={coverage!r} must lie between 0 and 1.")
        mean, _ = self._moments(query)
        means = np.stack([member.of(self)._moments(query)[0] for member in self.estimators_])
        errors = self._errors
        if errors is not None:
            errors = [(interval, of * self._scaler.scale_) for interval, of in errors]
        time = self.lam_transform_.time(query.lam)
        width = half_widths(means, mean, errors, time, coverage)
        return tuple(self._shape(self._clip(bound)) for bound in (mean - width, mean + width))

    def _examine(self, X, y, data, training):
        self.validation_, self._errors, self.estimators_ = None, None, []
        learned_from = vars(self).pop("_learned_from")
        if self.validate is not False and len(self.anchors_) > 2:
            refit = partial(self._refit, training)
            try:
                self.validation_, self._errors = leave_anchors_out(
                    refit, learned_from, self._base_time, training.seeds["validation"], self.n_jobs
                )
            except InterruptedError:
                warnings.warn(
                    "validation: interrupted; there is none.", ConvergenceWarning, stacklevel=3
                )
            else:
                warn_if_no_better(self.validation_)
        if self.n_estimators > 1:
            clock = self.lam_transform_
            clocks = [replace(clock, rule=rule) for rule in (clock.rule, *clock.alternatives)]
            given = X, y, data, learned_from, clocks, training.quiet()
            try:
                self.estimators_ = fit_members(self, *given)
            except InterruptedError:
                warnings.warn(
                    "members: interrupted; there are none.", ConvergenceWarning, stacklevel=3
                )

    def _learn_member(self, data, clock, training):
        """Return the flow map of a member."""
        parts = resolve("path", self.path), self.solver_, training
        flow_map, *nets = self._learn(data, clock, self._base_time, *parts)
        _raise_if_interrupted(nets[:2])
        return flow_map

    def _refit(self, training, rest, base_time):
        """Learn from a part of the data in a part of the steps; return the Movement."""
        path, solver = (
            clone(part).set_params(max_iter=shorter(part.max_iter))
            if hasattr(part, "max_iter")
            else part
            for part in (resolve("path", self.path), self.solver_)
        )
        training = training.quiet(max_iter=shorter(training.settings.max_iter))
        rng = np.random.default_rng(training.seeds["coupling"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrajectoryWarning)
            read = partial(read_way, rest, solver, StraightGeodesic(), rng)
            clock = clock_of_rest(self.lam_transform, rest, read)
            flow_map, *nets = self._learn(rest, clock, base_time, path, solver, training)
        _raise_if_interrupted(nets[:2])
        return Movement(clock, flow_map)


def _raise_if_interrupted(nets):
    """Raise where a training was cut off: what it has so far is no part of a comparison."""
    if not all(is_complete(net) for net in nets if net is not None):
        raise InterruptedError("interrupted")
