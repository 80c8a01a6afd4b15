"""What all surrogates share: parameters, fit, and the base."""

import warnings
from abc import ABC, abstractmethod
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, RegressorMixin

from ._utils.parameters import HasMethods, Interval, StrOptions
from ._utils.random import draw_seeds
from .answers.mixin import AnswersMixin
from .answers.query import count_outputs
from .callbacks import begin_checkpoints
from .clocks.movement import Movement
from .clocks.selection import choose_clock
from .data import validation as check
from .data.anchors import find_anchors
from .data.conditions import Features
from .data.encoding import ConditionEncoder, OutputScaler
from .data.quality import warn_if_discrete, warn_if_merged, warn_if_narrow, warn_if_unlike
from .data.training_data import TrainingData
from .data.validation import take
from .exceptions import BaseWarning
from .io.saving import SavingMixin
from .nn import Conditioning
from .nn.engine import count_steps
from .nn.inference import pick_device
from .nn.settings import Training, TrainingSettings
from .paths import StraightGeodesic
from .samplers.anchor import choose_anchor
from .samplers.selection import check_base, make_base
from .solvers.registry import ALIASES, resolve
from .stats.bins import to_anchors

# of `history_`, to which a stage may add more
_COLUMNS = ["stage", "epoch", "step", "train_loss", "valid_loss", "lr", "seconds"]

SEEDS = (
    "coupling",
    "module",
    "batches",
    "split",
    "base_module",
    "base_batches",
    "base_split",
    "noise",
    "lagrangian",
    "paths",
    "pairs",
    "validation",
    "members",
    "thinning",
)


class BaseSurrogate(AnswersMixin, SavingMixin, RegressorMixin, BaseEstimator, ABC):
    """Draws y at a base anchor and moves it; subclasses learn how outputs move.

    Subclasses implement `_fit_transport` and `_displace`. Those that train networks have the
    parameters of `TrainingSettings`, `conditioning` and `callbacks`, too.
    """

    __metadata_request__fit = {"lam": True}
    __metadata_request__predict = {"lam": True}
    __metadata_request__score = {"lam": True}

    _parameter_constraints = {
        "base": [
            StrOptions({"neighbors"}),
            HasMethods(["fit", "predict"]),
            HasMethods(["fit", "sample"]),
            callable,
        ],
        "base_lam": [None, Real],
        "lam_column": [None, Integral, str],
        "n_anchors": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "y_bounds": [None, tuple, list],
        "output_scaling": [StrOptions({"common", "per_output"})],
        "categorical_features": [StrOptions({"from_dtype"}), None, "array-like"],
        "random_state": ["random_state"],
    }
    _network_constraints = {
        "base": [StrOptions({"auto", "flow"}), *_parameter_constraints["base"]],
        "conditioning": [StrOptions(set(ALIASES["conditioning"][0])), Conditioning],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "early_stopping": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "device": [str],
        "callbacks": [None, list],
        "verbose": ["verbose"],
    }
    _clock_constraints = {
        "lam_transform": [
            None,
            StrOptions({"auto", "log", "logit", "probit", "odds", "entropy"}),
            HasMethods(["fit", "transform"]),
        ],
    }

    _moves_bins = True  # outputs of a bin are moved to its anchor

    def fit(self, X, y, lam=None):
        """Learn the surrogate from outputs at the anchors.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs of the networks; None for no condition. Where the same inputs were put to
            every network, repeat them: rows of equal x are recognised and used.
        y : array-like of shape (n,) or (n, D)
            Outputs of the networks, one draw per row.
        lam : array-like of shape (n,), default=None
            Hyperparameter value lambda of the network of each row. None: `lam_column` of X.

        Returns
        -------
        BaseSurrogate
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is not what it should be; before any training.
        DivergenceError
            If training diverges.

        Warns
        -----
        BaseWarning
            If most x have equal outputs at the first anchor, or one, while others have several
            that differ: it cannot be the base then.
        CouplingWarning
            If rows share their x with no row of a neighbouring anchor while others do, or
            outputs differ a thousandfold in spread and have one unit of distances; if lambdas
            that rows share are merged into bins.
        ClockWarning
            If the anchors cannot tell how far along the path a lambda is.
        ConvergenceWarning
            If training was interrupted, a map stops short of an anchor, or the cost rewards
            worse paths.
        """
        vars(self).pop("_noise", None)  # from here on it is fitted no more
        self._validate_params()
        self._check_components()
        if "conditioning" in self._parameter_constraints:
            resolve("conditioning", self.conditioning)
        X, lam, n_rows = self._split_lam(X, lam, reset=True, n_rows=count_outputs(y))
        y, self._single_output = check.check_outputs(y, n_rows)
        lam = check.check_lam(lam, n_rows)
        self._bounds = check.check_bounds(self.y_bounds, y)
        anchors = find_anchors(lam, self.n_anchors)
        self.anchors_ = anchors.lam
        self._check_base_lam()
        self._check_anchors()
        if self.n_anchors == "auto" and self._moves_bins:
            warn_if_merged(lam, anchors)
        warn_if_narrow(anchors)

        self._encoder = ConditionEncoder().fit(X, self.categorical_features, n_rows)
        self._scaler = OutputScaler().fit(y, self.output_scaling)
        if self.output_scaling == "common":
            warn_if_unlike(y)
        conditions = self._encoder.transform(X, n_rows)
        data = TrainingData(
            self._scaler.encode(y),
            conditions,
            Features(conditions, self._encoder.n_categories_),
            conditions.groups(),
            lam if anchors.binned else anchors.lam[anchors.index],
            anchors,
        )
        warn_if_discrete(y, data.groups, anchors.index)
        if anchors.binned and self._moves_bins:
            data = to_anchors(data)
            y = self._scaler.decode(data.y)
        self.base_lam_ = self._find_base_lam(data)
        check_base(self.base, take(X, anchors.rows(self._base_time)), self._scaler, y.shape[1])
        training = self._training()
        begin_checkpoints(self, data, training.seeds)
        self.history_ = []
        self._fit_transport(data, training)
        self._fit_base(X, y, data, training)
        self._examine(X, y, data, training)
        self.history_ = _as_frame(self.history_)
        return self

    def _check_components(self):
        """Raise where a component cannot be built, before data are looked at."""

    def _check_anchors(self):
        """Raise where there are too few anchors for what is asked for."""

    @abstractmethod
    def _fit_transport(self, data, training):
        """Learn how outputs move from lambda to lambda."""

    @abstractmethod
    def _displace(self, y, conditions, lam_from, lam_to, dtype=torch.float32):
        """Return how far scaled outputs (n, D) move between lambdas (n,)."""

    def _examine(self, X, y, data, training):
        """Learn how far the fitted surrogate can be trusted."""

    def _training(self):
        """Return how networks are trained, and the seeds."""
        training = Training(self._encoder, draw_seeds(self.random_state, SEEDS))
        if not hasattr(self, "max_iter"):
            return training
        settings = TrainingSettings(
            self.max_iter,
            self.batch_size,
            self.learning_rate,
            self.early_stopping,
            self.tol,
            pick_device(self.device),
            self.verbose,
        )
        conditioning = resolve("conditioning", self.conditioning)
        callbacks = tuple(self.callbacks or ())
        return replace(training, settings=settings, conditioning=conditioning, callbacks=callbacks)

    def _check_base_lam(self):
        if self.base_lam is not None and self.base_lam not in self.anchors_:
            raise ValueError(
                f"base_lam={self.base_lam!r} is not an anchor; the anchors are "
                f"{self.anchors_.tolist()}."
            )

    def _find_base_lam(self, data):
        """Return the base anchor: the one asked for, that of the user's network, or the best."""
        if self.base_lam is not None:
            return float(self.base_lam)
        if not isinstance(self.base, str):
            return float(self.anchors_[0])
        anchor, _, fault = choose_anchor(data)
        first, base_lam = self.anchors_[[0, anchor]]
        if fault:
            warnings.warn(
                f"{fault} at lambda = {first:g}, so draws are taken at base_lam={base_lam:g}, "
                f"where they differ. `transport` from {first:g} moves one output to one place at "
                "every lambda; ask `sample` for draws.",
                BaseWarning,
                stacklevel=3,
            )
        return float(base_lam)

    def _fit_base(self, X, y, data, training):
        """Build the source of draws at the base anchor."""
        rows = own = data.anchors.rows(self._base_time)
        if not data.facts.inputs_shared[self._base_time]:
            # other anchors know other x: all rows inform the base, moved to its lambda
            rows = np.arange(len(data.y))
        conditions = data.conditions[rows]
        end = np.full(len(rows), self.base_lam_)
        moved = self._displace(data.y[rows], conditions, data.lam[rows], end)
        self.base_ = make_base(
            self.base,
            scaled_y=data.y[rows] + moved,
            conditions=conditions,
            groups=data.groups[rows],
            X=take(X, own),
            y=y[own, 0] if self._single_output else y[own],
            scaler=self._scaler,
            training=training,
        )
        self._record("base", getattr(self.base_, "history_", []))
        rng = np.random.default_rng(training.seeds["noise"])
        self._noise = self.base_.fixed_noise(rng)

    def _record(self, stage, history):
        """Append one record per epoch: losses, duration, and what else the stage recorded."""
        step = 0
        for epoch in history:
            step += count_steps([epoch])
            figures = {
                "seconds" if k == "dur" else k: v
                for k, v in epoch.items()
                if isinstance(v, Real) and not k.endswith(("_best", "_count"))
            }
            self.history_.append({"stage": stage, "step": step} | figures)

    def __sklearn_is_fitted__(self):
        """Tell whether a fit came as far as the base, which is all that answers need."""
        return hasattr(self, "_noise")

    def __sklearn_tags__(self):
        """Return the estimator tags."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.categorical = True
        return tags


class ClockedSurrogate(BaseSurrogate):
    """Moves outputs in the time of a clock; subclasses learn the movement by that time.

    Subclasses implement `_fit_movement`, and set `solver_` before it.
    """

    def _fit_transport(self, data, training):
        rng = np.random.default_rng(training.seeds["coupling"])
        self.lam_transform_ = choose_clock(
            self.lam_transform, data, self.solver_, StraightGeodesic(), rng
        )
        self.flow_map_ = self._fit_movement(data, training, rng)

    @abstractmethod
    def _fit_movement(self, data, training, rng):
        """Return an object with ``displacement(y, conditions, start, end, *, dtype)``."""

    @property
    def _movement(self):
        return Movement(self.lam_transform_, self.flow_map_)

    def _share_of_way(self, lam, lam_from, lam_to):
        return self._movement.share(lam, lam_from, lam_to)

    def _displace(self, y, conditions, lam_from, lam_to, dtype=torch.float32):
        return self._movement.displace(y, conditions, lam_from, lam_to, dtype)


def _as_frame(records):
    """Return the records of all epochs as a DataFrame, one row each."""
    more = dict.fromkeys(name for record in records for name in record if name not in _COLUMNS)
    return pd.DataFrame(records, columns=[*_COLUMNS, *more])
