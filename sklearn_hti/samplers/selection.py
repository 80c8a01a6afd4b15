"""Which draws at the base anchor the parameter `base` names, or the data suggest."""

from dataclasses import dataclass, replace

import numpy as np

from .._utils.findings import warn
from .._utils.groupby import first_of_each
from ..data.arrays import take
from ..data.facts import DrawCounts, is_continuous, outputs_differ
from ..data.lam_space import repeat_lam
from ..exceptions import BaseWarning
from .anchor import choose_anchor
from .flow import FlowBase
from .neighbours import NeighborsBase
from .regression import ParticleRegression
from .whole import WholeParticles
from .wrapped import CallableBase, EstimatorBase

_FEWEST = 20  # rows of every anchor that tell whether draws differ
_STEPS = 3  # of a network that regresses particles, for one of the flow map
_NOTHING = 1e-4  # of scaled outputs: draws that are nearer than this count as equal


@dataclass(frozen=True)
class FittedBase:
    """The source of draws at the base anchor, and the noise behind conditional means."""

    source: object | None = None
    noise: object | None = None

    @property
    def history(self):
        """One record per epoch of the training, if the source is trained."""
        return getattr(self.source, "history_", [])


def base_is_chosen(base_lam, base):
    """Return whether the data choose the base anchor; a network of the user sits at the first."""
    return base_lam is None and isinstance(base, str)


def place_base(problem, trajectories):
    """Return the problem, with its base at the anchor that tells most of all others.

    Warns
    -----
    BaseWarning
        If draws of the first anchor are mostly equal, or single, while those of another differ.
    """
    data = problem.data
    chosen = choose_anchor(data, trajectories)
    if chosen == problem.base_time:
        return problem
    base_lam = data.anchors.lam[chosen]
    base_lam = float(base_lam) if np.ndim(base_lam) == 0 else base_lam
    here, there = map(problem.space.text, (problem.base_lam, base_lam))
    rows, own = problem.base_rows, data.anchors.rows(chosen)
    fault = None
    if not data.facts.draws[0].mostly_repeated:
        fault = "most x have one output each"
    elif not outputs_differ(data.groups[rows], data.y[rows]):
        fault = "outputs of one x are equal"
    enough = np.bincount(data.anchors.index).min() >= _FEWEST
    enough = enough and data.facts.draws[chosen].mostly_repeated
    if fault and enough and _mostly_differ(data.groups[own], data.y[own]):
        warn(
            f"{fault} at lambda = {here}, so draws are taken at lambda = {there}, where they "
            f"differ. `transport` from {here} moves an output to a single place at every lambda; "
            f"use `sample` for draws. Set base_lam={there} to accept this without a warning.",
            BaseWarning,
        )
    return replace(problem, base_lam=base_lam)


def _mostly_differ(groups, y):
    """Return whether most draws differ from another one of their input."""
    order = np.argsort(groups, kind="stable")
    same = np.diff(groups[order]) == 0
    apart = np.abs(np.diff(y[order], axis=0)).max(axis=1) > _NOTHING
    return bool(same.any() and np.mean(apart[same]) > 0.5)


def fit_base(problem, base, movement, training, *, has_field=False, n_jobs=None):
    """Return the FittedBase that the parameter `base` names, at the base anchor of a problem.

    Where other anchors have other inputs, the rows of all anchors are moved to the base anchor.
    With a particle field (`has_field`), "auto" regresses whole particles where every input has one
    answer.
    """
    data, own = problem.data, problem.base_rows
    if has_field and isinstance(base, str) and base == "auto" and data.facts.one_answer:
        source = _fit_regression(problem, training, n_jobs)
        return FittedBase(source, training.seeds["noise"])
    rows = own if data.facts.inputs_shared[problem.base_time] else np.arange(len(data.y))
    conditions = data.conditions[rows]
    end = repeat_lam(problem.base_lam, len(rows))
    moved = movement.displace(data.y[rows], conditions, data.lam[rows], end)
    source = make_base(
        base,
        scaled_y=data.y[rows] + moved,
        rest=problem.outputs.rest(problem.y[rows]),
        conditions=conditions,
        groups=data.groups[rows],
        X=take(problem.X, own),
        y=problem.y[own],
        outputs=problem.outputs,
        training=training,
    )
    noise = source.fixed_noise(np.random.default_rng(training.seeds["noise"]))
    return FittedBase(source, noise)


def fit_whole(learned, training):
    """Return the FittedBase of particles that jump, which are drawn as a whole."""
    whole, data = learned.whole, learned.data
    source = WholeParticles().fit(
        whole.points,
        data.conditions[whole.origin],
        data.groups[whole.origin],
        n_categories=training.encoder.n_categories_,
        mix=learned.reweighting,
        one_answer=data.facts.one_answer,
        seed=training.seeds["base_split"],
    )
    source.name = "particles"
    source.reason = f"{len(whole.points)} particles of {data.facts.all_draws.n_inputs} input(s)"
    return FittedBase(source, source.fixed_noise(np.random.default_rng(training.seeds["noise"])))


def check_base(base, X, outputs):
    """Raise, before any training, where the user's own network cannot be the base."""
    if isinstance(base, type):
        raise ValueError(f"base={base.__name__} is a class; pass an instance.")
    if callable(base) and not hasattr(base, "fit"):
        CallableBase(outputs).fit(base, X)


def make_base(base, *, scaled_y, rest, conditions, groups, X, y, outputs, training):
    """Build and fit the base that the parameter asks for; record its name and the reason."""
    reason = "asked for"
    if isinstance(base, str) and base == "auto":
        base, reason = _choose(groups, conditions)
    if isinstance(base, str) and base == "neighbors":
        whole = scaled_y if rest is None else np.hstack([scaled_y, rest])
        fitted = NeighborsBase().fit(whole, conditions, groups)
        name = base
    elif isinstance(base, str):
        fitted = FlowBase().fit(scaled_y, conditions, groups, training)
        name = base
    elif hasattr(base, "fit"):
        fitted = EstimatorBase(outputs).fit(base, X, y)
        name = type(base).__name__
    else:
        fitted = CallableBase(outputs).fit(base, X)
        name = getattr(base, "__name__", type(base).__name__)
    fitted.name, fitted.reason = name, reason
    return fitted


def _fit_regression(problem, training, n_jobs):
    """Return the regression of particles, with its name and the reason."""
    data, seed = problem.data, training.seeds["base_split"]
    n_steps = _STEPS * training.settings.max_iter
    fitted = ParticleRegression().fit(
        data, training.encoder.n_categories_, seed, n_steps=n_steps, n_jobs=n_jobs
    )
    rest = problem.outputs.rest(problem.y)
    if rest is not None:
        fitted.keep_rest(rest, data)
    n_inputs = data.facts.all_draws.n_inputs
    fitted.name = "regression"
    fitted.reason = f"one answer for each of {n_inputs} distinct condition(s)"
    return fitted


def _choose(groups, conditions):
    """Return "neighbors" where the rows of the base anchor repeat few conditions often."""
    counts = DrawCounts.of(groups)
    described = f"{counts.n_inputs} distinct condition(s), at least {counts.fewest} row(s) each"
    if not counts.can_be_listed:
        return "flow", described
    # between values of a continuous number the generator is better
    if any(map(is_continuous, conditions.numbers[first_of_each(groups)].T)):
        return "flow", f"{described}, of continuous numbers"
    return "neighbors", described
