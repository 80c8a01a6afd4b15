"""How fast the conditional mean changes with lambda."""

from dataclasses import replace

import numpy as np

from .sampling import moments

_STEP = 1 / 400  # of the trained range, in time
_TINY = 1e-6  # of the trained range, to measure the speed of the time


def derivative(state, query):
    """Return the derivative of the mean, (n, D), or (n, k, D) by every number of several.

    It is zero for those that do not vary, or have no influence.
    """
    space = state.lam_space
    if space.n_columns == 1:
        return _along(state, query, query.lam, state.anchors, state.particle_field.scale.time, _at)
    found = []
    for j, level in enumerate(space.levels):
        if level is not None:
            continue
        if j not in space.kept:
            found.append(np.zeros((len(query), state.outputs.n_outputs)))
        elif query.lam.ndim == 1:
            time = state.particle_field.scale.time
            found.append(_along(state, query, query.lam, state.anchors, time, _at))
        else:
            found.append(_by_axis(state, query, space.kept.index(j)))
    return np.stack(found, axis=1)


def _by_axis(state, query, j):
    axis = state.particle_field.scale.axes[j]

    def at(query, values):
        lam = query.lam.copy()
        lam[:, j] = values
        return replace(query, lam=lam)

    def time(lam):
        return axis.place(lam)[:, 0]

    return _along(state, query, query.lam[:, j], state.anchors[:, j], time, at)


def _at(query, values):
    return replace(query, lam=values)


def _along(state, query, lam, trained, time, at):
    """Return the difference quotient (n, D) over a short time around lambdas (n,)."""
    low, high = trained.min(), trained.max()
    tiny = _TINY * (high - low)
    below, above = np.maximum(lam - tiny, low), np.minimum(lam + tiny, high)
    speed = np.maximum((time(above) - time(below)) / (above - below), _STEP / (high - low))
    reach = np.minimum(_STEP / speed, 10 * _STEP * (high - low))
    below, above = np.maximum(lam - reach, low), np.minimum(lam + reach, high)
    start, end = (moments(state, at(query, values))[0] for values in (below, above))
    return (end - start) / (above - below)[:, None]
