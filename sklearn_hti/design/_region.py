"""Lambdas of the trained range, and lambda as users pass it."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..answers.query import check_lam_within
from ..assessment.uncertainty import inverse_times
from ..data.lam_space import combinations

N_PLACES = 201  # of the trained range, even in the clock
N_FEW = 101  # of them, where all outputs are asked for
N_DRAWN = 1024  # places between trained values of several hyperparameters


def state_of(surrogate):
    """Return the state of a fitted surrogate whose outputs are followed along lambda."""
    check_is_fitted(surrogate)
    state = surrogate._state
    if state.particle_field is None:
        raise ValueError(
            f"{type(surrogate).__name__} has no particle field, which tells what is expected "
            "between trained values; use HyperparameterTrajectoryRegressor."
        )
    return state


def places_of(state, *, few=False):
    """Return encoded lambdas (Q,) or (Q, k) that stand for the trained range."""
    lams, scale = state.anchors, state.particle_field.scale
    if lams.ndim == 1:
        times = np.linspace(*scale.time(lams[[0, -1]]), N_FEW if few else N_PLACES)[1:-1]
        ends = (np.full(len(times), end) for end in lams[[0, -1]])
        return np.union1d(inverse_times(scale.time, times, *ends), lams)
    rng = np.random.default_rng(0)
    of, _ = combinations(state.lam_space.kept_levels, lams)
    numbers = [j for j, level in enumerate(state.lam_space.kept_levels) if level is None]
    first = rng.integers(len(lams), size=N_DRAWN)
    drawn = lams[first].copy()
    corners = [rng.choice(np.flatnonzero(of == of[k]), size=len(numbers) + 1) for k in first]
    shares = rng.dirichlet(np.ones(len(numbers) + 1), size=N_DRAWN)
    for j in numbers:
        axis = scale.axes[j]
        place = np.einsum("qc,qc->q", axis.place(lams[:, j])[np.array(corners), 0], shares)
        ends = (np.full(N_DRAWN, end) for end in (lams[:, j].min(), lams[:, j].max()))
        drawn[:, j] = inverse_times(lambda lam, of=axis: of.place(lam)[:, 0], place, *ends)
    return np.vstack([lams, drawn])


def unit_places(state, lam):
    """Return places (n, k') of encoded lambdas, the trained range being one."""
    scale = state.particle_field.scale
    if state.anchors.ndim == 1:
        return scale.time(lam)[:, None]
    return scale.place(lam)


def line_through(state, lam, direction):
    """Return encoded lambdas (Q, k) on a line of places through one, within the trained values."""
    scale = state.particle_field.scale
    steps = np.linspace(-1.5, 1.5, 2 * N_FEW + 1)
    at = 0
    line = np.repeat(lam[None], len(steps), axis=0)
    for j, axis in enumerate(scale.axes):
        if state.lam_space.kept_levels[j] is None:
            lams = state.anchors[:, j]
            wanted = axis.place(lam[[j]]).item() / 1.0 + steps * direction[at]
            ends = (np.full(len(steps), end) for end in (lams.min(), lams.max()))
            inside = (wanted >= 0) & (wanted <= 1)
            line[:, j] = inverse_times(lambda v, of=axis: of.place(v)[:, 0], wanted, *ends)
            line[~inside, j] = np.nan
            at += 1
        else:
            at += axis.n_levels
    line = line[np.isfinite(line).all(axis=1)]
    return line[within_hull(state, line)]


def within_hull(state, lam):
    """Tell which encoded lambdas (Q, k) lie within the trained values."""
    full = np.repeat(state.hull.lams[:1], len(lam), axis=0)
    full[:, state.counting] = lam
    return state.hull.distance(full) <= 1e-6


def number_places(state, lam):
    """Return the places (p,) of the numbers of one encoded lambda (k,)."""
    return state.particle_field.scale.unit().numbers(lam[None])[0]


def place_numbers(state, lam, places):
    """Return an encoded lambda (k,) with its numbers at other places (p,)."""
    out = np.array(lam)
    numbers = [j for j, level in enumerate(state.lam_space.kept_levels) if level is None]
    axes = state.particle_field.scale.unit().axes
    for j, place in zip(numbers, places, strict=True):
        ends = (np.array([end]) for end in (state.anchors[:, j].min(), state.anchors[:, j].max()))
        out[j] = inverse_times(lambda v, of=axes[j]: of.place(v)[:, 0], np.array([place]), *ends)[
            0
        ]
    return out


def encode(surrogate, lam, name):
    """Return lambdas of users, encoded, within the trained values."""
    state = surrogate._state
    if not hasattr(lam, "columns") and state.lam_space.n_columns == 1:
        lam = np.atleast_1d(np.asarray(lam, dtype=float))
        return check_lam_within(surrogate, lam, len(lam), name, beyond=False)
    return check_lam_within(surrogate, lam, state.count_rows(lam), name, beyond=False)


def decode(state, lam):
    """Return encoded lambdas as users pass them; axes without influence as some trained value."""
    if state.hull is None:
        return state.lam_space.decode(lam)
    full = np.repeat(state.hull.lams[:1], len(lam), axis=0)
    full[:, state.counting] = np.reshape(lam, (len(lam), -1))
    return state.hull.space.decode(full)


def trained(state, lam):
    """Tell which encoded lambdas (Q,) are trained values."""
    known = np.reshape(lam, (len(lam), 1, -1)) == np.reshape(
        state.anchors, (1, len(state.anchors), -1)
    )
    return known.all(axis=2).any(axis=1)
