"""What all surrogates have in common: parameters, and the stages of `fit`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from ._utils import progress
from ._utils.annotations import Lam
from ._utils.findings import one_warning
from ._utils.parameters import HasMethods, Interval, StrOptions
from ._utils.random import draw_seeds
from ._utils.torch_state import own_torch_state
from .answers.query import count_outputs, split_lam
from .answers.state import FittedAttribute, FittedState
from .assessment.stage import Assessment
from .callbacks import begin_checkpoints
from .clocks.axes import choice_of_one, make_axes
from .clocks.hull import Hull
from .clocks.time_scale import clock_of, make_time_scale
from .clocks.warps import CLOCK_NAMES
from .clocks.way import way_reader
from .data.anchors import asked_base, find_anchors
from .data.arrays import precision, take
from .data.budget import BUDGET
from .data.encoding import ConditionEncoder
from .data.lam_space import learn_space
from .data.levels import Levels
from .data.outputs import make_space
from .data.problem import Problem, Rows, encode
from .data.quality import (
    refuse_strangers,
    warn_if_discrete,
    warn_if_far_out,
    warn_if_merged,
    warn_if_narrow,
    warn_if_some_disagree,
    warn_if_unlike,
)
from .data.targets import check_bounds, check_outputs, check_weight
from .data.weights import rows_by_weight
from .field.fit import whole_particles
from .field.plane import influential_axes
from .io.saving import Saved
from .metrics._arrival import check_arrival
from .nn import Conditioning
from .nn.history import as_frame
from .nn.inference import pick_device
from .nn.settings import Training, TrainingSettings
from .samplers.selection import base_is_chosen, check_base, fit_base, place_base
from .solvers import CouplingSolver
from .solvers.registry import ALIASES, Components, resolve
from .stats.bins import to_anchors
from .stats.smoothness import follow_every_value

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
    "thinning",
    "networks",
    "geometry",
)


class BaseSurrogate(Saved, ABC):
    """Draws y at the base value and moves it; subclasses learn how outputs move.

    Subclasses implement `_fit_movement`. Those that train networks have the parameters of
    `TrainingSettings`, `conditioning` and `callbacks`, too.
    """

    __metadata_request__fit = {"lam": True}

    _parameter_constraints = {
        "base": [
            StrOptions({"neighbors"}),
            HasMethods(["fit", "predict"]),
            HasMethods(["fit", "sample"]),
            callable,
        ],
        "base_lam": [None, Real, Mapping, "array-like"],
        "lam_column": [None, Integral, str, list],
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
        "verbose": [StrOptions({"auto"}), "verbose"],
    }
    _clock_constraints = {
        "lam_transform": [
            None,
            StrOptions({*CLOCK_NAMES} - {None}),
            HasMethods(["fit", "transform"]),
            dict,
            list,
        ],
    }

    _moves_bins = True  # outputs of a bin are moved to its anchor
    _trains = True  # a movement, and a source of draws at the base
    _stages = ("couplings", "flow map", "base")  # that the progress bar shows
    _takes_several = False  # hyperparameters
    _leaves_axes_out = True  # those of several hyperparameters without influence

    def fit(
        self,
        X: ArrayLike | None,
        y: ArrayLike,
        lam: Lam | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn the surrogate from outputs at the trained values.

        Parameters
        ----------
        X : array-like of shape (n, C), DataFrame or None
            Inputs of the networks. None: there is no condition. If every network answered the
            same inputs, repeat them for each network. Rows of equal x are recognised and used.
        y : array-like of shape (n,) or (n, D, ...)
            Outputs of the networks, one draw per row. The outputs of a row may have any shape, and
            answers have the same shape.
        lam : array-like of shape (n,) or (n, k), or DataFrame, default=None
            Hyperparameter value lambda of the network of each row. Several hyperparameters have
            one column each, numbers or categories; a DataFrame names them. None: lambda is in
            `lam_column` of X.
        sample_weight : array-like of shape (n,), default=None
            Weight of each row. A weight of zero drops the row, and whole weights repeat rows.
            Other weights count by their ratios: rows are repeated or left out in proportion, and
            the number of rows stays about the same. An input that trained values share keeps a row
            at each of them. None: all rows count once.

        Returns
        -------
        BaseSurrogate
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is invalid. This is checked before any training.
        DivergenceError
            If training diverges.

        Warns
        -----
        TrajectoryWarning
            If outputs of `networks` differ from y. This is also the base class of all warnings
            below. `fit` joins all findings in one warning. The most serious comes first and gives
            the warning its category.
        ConvergenceWarning
            If training was interrupted, a map stops short of a trained value, or the cost rewards
            worse paths.
        CouplingWarning
            If some rows share their x with no row of a neighbouring trained value, while others
            do. If outputs with one unit of distances differ a thousandfold in spread. If bins
            merge lambdas that rows share. If a trained value has far fewer rows than others, or a
            number is far from all others.
        BreakWarning
            If outputs change faster between two trained values than all others suggest.
        ValidationWarning
            If answers that need no surrogate are nearer to outputs that were left out, or if x
            does not help to predict the outputs of held-out inputs.
        BaseWarning
            If most x have equal outputs at the first trained value, or one output, while other
            trained values have several different ones. The base is then at another trained value.
        ClockWarning
            If the trained values do not determine the lambda scale.
        """
        self._state = None  # not fitted before all stages are done
        seen = progress.progress_bar(getattr(self, "verbose", 0), self._stages)
        with own_torch_state(), one_warning(self) as found, seen:
            state = self._learn(X, y, lam, sample_weight)
        self._state = replace(state, warnings=tuple(message for message, _ in found))
        return self

    def _learn(self, X, y, lam, sample_weight):
        """Return the FittedState: all stages of a fit."""
        self._validate_params()
        components = self._build_components()
        progress.begin("couplings")
        rows = self._check_rows(X, y, lam, sample_weight)
        anchors = self._find_anchors(rows)
        problem = self._encode(rows, anchors)
        training = self._training(problem.encoder)
        begin_checkpoints(self, problem, training.seeds)
        rng = np.random.default_rng(training.seeds["coupling"])
        read = way_reader(problem.data, components.solver or CouplingSolver(), rng)
        hull = None
        if anchors.several:
            hull = Hull(rows.space, (anchors.scale, anchors.scale.plain()), anchors.lam)
            kept = list(range(anchors.lam.shape[1]))
            if self._leaves_axes_out:
                refuse_strangers(problem.data)
                kept = influential_axes(anchors.scale, whole_particles(read), anchors.lam)
            if len(kept) < anchors.lam.shape[1] and not self._merges_networks(rows, anchors, kept):
                rows = rows.only(kept)
                anchors = self._find_anchors(rows)
                problem = self._encode(rows, anchors)
                read = way_reader(problem.data, components.solver or CouplingSolver(), rng)
            problem = replace(problem, hull=hull)
        if self._draws_at_base(problem) and base_is_chosen(self.base_lam, self.base):
            problem = place_base(problem, read().trajectories)
        learned = self._fit_movement(problem, components, read, training)
        progress.begin("base")
        base = self._fit_base(problem, learned, training)
        state = FittedState(
            encoder=problem.encoder,
            outputs=problem.outputs,
            anchors=anchors.lam,
            lam_space=rows.space,
            hull=hull,
            base_lam=problem.base_lam,
            deployed_lam=asked_base(self.base_lam, anchors, rows.space),
            movement=learned.movement,
            generator=learned.generator,
            particle_field=learned.particle_field,
            networks=learned.networks,
            base=base.source,
            noise=base.noise,
            lam_column=self.lam_column,
            history=as_frame({**learned.history, "base": base.history}),
            n_iter=learned.n_iter,
            solver=components.solver,
            lagrangian=learned.lagrangian,
            conditions=learned.conditions,
            diagnostics=learned.diagnostics,
            moments=learned.moments,
            reweighting=learned.reweighting,
            n_rows=len(rows.y),
        )
        progress.begin("assessment")
        assessment = self._assess(problem, learned, state, training)
        return replace(state, **vars(assessment))

    def _build_components(self):
        """Return the Components; raise where one cannot be built, before data are read."""
        return Components()

    def _check_rows(self, X, y, lam, sample_weight):
        """Return what `fit` is given as Rows, checked; they are repeated by their weights."""
        if "conditioning" in self._parameter_constraints:
            resolve("conditioning", self.conditioning)
        if lam is not None and self.lam_column is None:
            check_arrival(self)
        inputs = split_lam(self, X, lam, reset=True, n_rows=count_outputs(y))
        y, trailing = check_outputs(y, inputs.n_rows)
        space, lam = learn_space(inputs.lam, inputs.n_rows)
        if lam.ndim == 2 and not self._takes_several:
            raise ValueError(
                f"{type(self).__name__} moves outputs along one hyperparameter, and `lam` has "
                f"{lam.shape[1]} that vary; use HyperparameterTrajectoryRegressor."
            )
        weight = check_weight(sample_weight, inputs.n_rows)
        rows = Rows(inputs.X, y, lam, trailing, precision(X), space)
        if weight is None:
            return rows
        return rows.take(rows_by_weight(weight, lam, self._number_inputs(rows), y))

    def _number_inputs(self, rows):
        """Return the number of the input of every row."""
        n_rows = len(rows.y)
        encoder = ConditionEncoder().fit(rows.X, self.categorical_features, n_rows)
        return encoder.transform(rows.X, n_rows).groups()

    def _find_anchors(self, rows):
        """Return the Anchors of the rows; raise where they are not what parameters need."""
        anchors = find_anchors(rows.lam, self._count_anchors(rows))
        if anchors.several:
            scale = make_axes(getattr(self, "lam_transform", "auto"), rows.space, anchors.lam)
            anchors = replace(anchors, scale=scale)
        if anchors.number(asked_base(self.base_lam, anchors, rows.space)) is None:
            raise ValueError(
                f"base_lam={self.base_lam!r} is not a trained value; choose one of "
                f"{rows.space.decode(anchors.lam).tolist()}."
            )
        self._check_anchors(anchors, rows.space)
        if self.n_anchors == "auto" and self._moves_bins:
            warn_if_merged(rows.lam, anchors)
        if self._trains:  # networks that are asked have more than their rows
            warn_if_narrow(anchors)
        return anchors

    def _merges_networks(self, rows, anchors, kept):
        """Return whether networks that are asked would lose their own trained values."""
        if getattr(self, "networks", None) is None:
            return False
        left = find_anchors(rows.only(kept).lam, len(rows.y)).lam
        return len(left) < len(anchors.lam)

    def _count_anchors(self, rows):
        """Return the number of anchors that is asked for, or "auto".

        Where outputs follow lambda without noise, that is every value in place of bins.
        """
        if self.n_anchors != "auto" or not self._moves_bins or not find_anchors(rows.lam).binned:
            return self.n_anchors
        follow = follow_every_value(rows.lam, self._number_inputs(rows), rows.y)
        return len(rows.lam) if follow else self.n_anchors

    def _check_anchors(self, anchors, space):
        """Raise where anchors are not what parameters need."""

    def _encode(self, rows, anchors):
        """Return the Problem: encoded rows, those of bins moved to their anchors, and the base."""
        y, n_rows = rows.y, len(rows.y)
        encoder = ConditionEncoder().fit(rows.X, self.categorical_features, n_rows)
        if self._trains:
            encoder.refuse_many(rows.X, BUDGET.categories)
        levels = self._read_levels(rows, anchors, encoder)
        outputs = self._map_outputs(rows, levels is None)
        z = y if outputs.coordinates is None else outputs.coordinates.encode(y)
        far_out = warn_if_far_out(rows.X, z, encoder.categorical_, rows.numbers)
        if self.output_scaling == "common" and not far_out:
            warn_if_unlike(z)
        data = encode(rows, anchors, encoder, outputs)
        levels = None if levels is None else Levels.of(levels, outputs)
        if levels is None:
            warn_if_discrete(y, data.groups, anchors.index, self._remedy_of_few)
        if anchors.binned and self._moves_bins and levels is None:
            before, data = data, to_anchors(data)
            y = outputs.unclipped(data.y)
            if outputs.codec is not None:
                y = outputs.move(rows.y, data.y - before.y)
        elif self._trains:
            warn_if_some_disagree(data, rows.numbers)
        base_lam = asked_base(self.base_lam, anchors, rows.space)
        parts = (rows.X, y, data, encoder, outputs, base_lam, rows.dtype, rows.space)
        problem = Problem(*parts, levels=levels)
        check_base(self.base, take(rows.X, problem.base_rows), outputs)
        return problem

    _remedy_of_few = ""  # of outputs that take few values: see `warn_if_discrete`

    def _read_levels(self, rows, anchors, encoder):
        """Return the values of each output if they are few and answers keep to them; else None."""
        return None

    def _draws_at_base(self, problem):
        """Return whether outputs are drawn at one anchor, and moved from there."""
        return self._trains

    def _map_outputs(self, rows, reduces=True):
        """Return the OutputSpace of the outputs of rows; raise where a map is not defined.

        `reduces`: whether many outputs may be learned in few coordinates.
        """
        y = rows.y
        bounds = check_bounds(self.y_bounds, y, rows.numbers, rows.trailing)
        transform = getattr(self, "output_transform", None)
        given = (self.output_scaling, y, rows.trailing, bounds, rows.numbers)
        return make_space(transform, *given, reduces=reduces)

    def _training(self, encoder):
        """Return how networks are trained, and the seeds."""
        training = Training(encoder, draw_seeds(self.random_state, SEEDS))
        if not hasattr(self, "max_iter"):
            return training
        settings = TrainingSettings(
            self.max_iter,
            self.batch_size,
            self.learning_rate,
            self.early_stopping,
            self.tol,
            pick_device(self.device),
        )
        conditioning = resolve("conditioning", self.conditioning)
        callbacks = tuple(self.callbacks or ())
        return replace(training, settings=settings, conditioning=conditioning, callbacks=callbacks)

    @abstractmethod
    def _fit_movement(self, problem, components, read, training):
        """Return what is Learned of the movement of outputs from lambda to lambda."""

    def _fit_base(self, problem, learned, training):
        """Return the FittedBase: the source of draws at the base anchor."""
        return fit_base(problem, self.base, learned.movement, training)

    def _assess(self, problem, learned, state, training):
        """Return the Assessment: how far the fitted surrogate can be trusted."""
        return Assessment()

    def __sklearn_tags__(self):
        """Return the estimator tags."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.categorical = True
        return tags


class ClockedSurrogate(BaseSurrogate):
    """Moves outputs in the time of a lambda scale; subclasses learn this movement.

    Subclasses implement `_fit_flow_map`, and their components have a solver.
    """

    lam_transform_ = FittedAttribute("movement.clock")
    flow_map_ = FittedAttribute("movement.flow_map")
    solver_ = FittedAttribute("solver")

    def _scale_asked(self, problem):
        """Return `lam_transform`; of a list or a dict the choice of the one number that varies."""
        return choice_of_one(self.lam_transform, problem.space)

    def _fit_movement(self, problem, components, read, training):
        scale = make_time_scale(self._scale_asked(problem), problem.data, read)
        clock = clock_of(scale, problem.data.anchors.lam)
        return self._fit_flow_map(problem, components, clock, training)

    @abstractmethod
    def _fit_flow_map(self, problem, components, clock, training):
        """Return what is Learned in the time of a clock."""
