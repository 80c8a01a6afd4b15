"""The lambda that explains outputs of an unknown network."""

from dataclasses import replace

import numpy as np
from scipy.optimize import lsq_linear
from sklearn.utils import Bunch

from ..answers.query import check_given
from ..assessment.uncertainty import inverse_times
from ._region import decode, number_places, place_numbers, unit_places, within_hull

# of places, of which the trained range is one
_LONGEST, _NEAREST, _DIFFERENCE = 0.25, 1e-5, 1e-3
_MOST_STEPS, _HALVINGS = 20, 6


def explain(path, target, coverage, near):
    """Return the Bunch of `find_lam` for outputs (n, D), by what surrogates answer on average."""
    state = path.state
    n_rows = path.draws.shape[2]
    wanted = state.outputs.encode(check_given(state, target, n_rows, "target")[0])
    answers = path.scaled(path.draws.mean(axis=1))
    seek = _along_line if path.lam.ndim == 1 else _in_plane
    lam, interval, solutions, rest = seek(path, answers, wanted, coverage, near)
    return Bunch(
        lam=decode(state, lam[None])[0],
        interval=decode(state, interval),
        achieved=float(np.sqrt(rest) * state.outputs.unit),
        solutions=decode(state, solutions),
    )


def _nearest_on_line(answers, wanted):
    """Return the step and mean squared distance of the nearest point of every segment."""
    along, off = np.diff(answers, axis=0), wanted - answers[:-1]
    square = np.sum(along**2, axis=(1, 2))
    shares = np.sum(along * off, axis=(1, 2))
    shares = np.clip(np.divide(shares, square, where=square > 0, out=np.zeros_like(square)), 0, 1)
    rest = np.mean((off - shares[:, None, None] * along) ** 2, axis=(1, 2))
    return np.arange(len(along)) + shares, rest


def _along_line(path, answers, wanted, coverage, near):
    """Return lambda, its interval, all solutions, and the mean square of what remains."""
    times, scale = path.times, path.state.particle_field.scale
    steps, rest = _nearest_on_line(answers, wanted)
    deviations = path.deviations()
    padded = np.concatenate([[np.inf], rest, [np.inf]])
    lowest = np.flatnonzero((rest <= padded[:-2]) & (rest < padded[2:]))
    # one that is as near as the answers can be wrong there explains the outputs, too
    allowed = np.sqrt(rest.min()) + deviations[np.round(steps[lowest]).astype(int)]
    lowest = lowest[np.sqrt(rest[lowest]) <= allowed]
    found = np.interp(steps[lowest], np.arange(len(times)), times)
    best = int(rest[lowest].argmin())
    if near is not None:
        best = int(np.abs(found - scale.time(near[None])).argmin())

    def off(draws, k):
        """Return how far along the way outputs lie from those of a trained value."""
        where, left = _nearest_on_line(answers, path.scaled(draws.mean(axis=0)))
        own = scale.time(path.state.anchors[k])
        apart = np.abs(np.interp(where, np.arange(len(times)), times) - own)
        # of a way that comes back, the branch of the trained value
        likely = left <= left.min() + np.mean(np.diff(answers, axis=0) ** 2)
        k = int(np.where(likely, apart, np.inf).argmin())
        return apart[k] * speed[k]

    speed = np.sqrt(np.mean(np.diff(answers, axis=0) ** 2, axis=(1, 2))) / np.diff(times)
    speed = np.maximum(speed, np.finfo(float).tiny)
    k = lowest[best]
    # steps lie along the way, and errors at a known time hardly do: values left out tell how far
    width = (
        path.factor(off, coverage, expected=False)
        * np.interp(found[best], times, deviations)
        / speed[k]
    )
    low, high = np.full(1, times[0]), np.full(1, times[-1])
    ends = np.clip(np.array([found[best] - width, found[best] + width]), low, high)

    def lam_of(times_wanted):
        sides = (np.full(len(times_wanted), end) for end in path.lam[[0, -1]])
        return inverse_times(scale.time, np.asarray(times_wanted), *sides)

    lam = lam_of(found[[best]])
    if path.state.uncertainty is not None:  # what is not known of the time
        bands = scale.time(np.ravel(path.state.uncertainty.lam_band(lam, coverage)))
        own = np.hypot(np.abs(ends - found[best]), np.abs(bands - found[best]))
        ends = np.clip(found[best] + np.array([-1, 1]) * own, low, high)
    return lam[0], lam_of(ends), lam_of(found), rest[k]


def _in_plane(path, answers, wanted, coverage, near):
    """Return the same of several hyperparameters, by Gauss-Newton steps from the nearest place."""
    places = unit_places(path.state, path.lam)
    rest = np.mean((answers - wanted) ** 2, axis=(1, 2))
    if near is None:
        start = int(rest.argmin())
    else:
        away = np.linalg.norm(places - unit_places(path.state, near[None]), axis=1)
        fits = np.sqrt(rest) <= np.sqrt(rest.min()) + path.deviations()
        start = int(np.where(fits, away, np.inf).argmin())
    lam, slopes, left = _descend(path, path.lam[start], wanted)

    def off(draws, k):
        """Return how far outputs lie, on the tangents, from those of a trained value."""
        miss = (path.scaled(draws.mean(axis=0)) - path.scaled(path.known[k].mean(axis=0))).ravel()
        return np.sqrt(np.mean((slopes @ np.linalg.lstsq(slopes, miss, rcond=None)[0]) ** 2))

    deviation = replace(path, lam=lam[None]).deviations().item()
    spread = np.sqrt(np.diag(np.linalg.pinv(slopes.T @ slopes / len(slopes))))
    width = path.factor(off, coverage) * deviation * spread
    here = number_places(path.state, lam)
    ends = (place_numbers(path.state, lam, np.clip(here + s * width, 0, 1)) for s in (-1, 1))
    return lam, np.stack([*ends]), lam[None], left


def _descend(path, lam, wanted):
    """Return the nearest lambda (k,), slopes (n * D, p) by places there, and the mean square left.

    Bounded least squares on the tangents, of steps that shrink until they lower what is left.
    """
    state = path.state

    def answers_at(points):
        lams = np.stack([place_numbers(state, lam, point) for point in points])
        answers = path.scaled(path.ask(lams).mean(axis=1)).reshape(len(points), -1)
        return answers, within_hull(state, lams)

    here, wanted = number_places(state, lam), wanted.ravel()
    every = np.eye(len(here))
    for _ in range(_MOST_STEPS):
        signs = np.where(here < 0.5, 1.0, -1.0)  # inwards
        answers, _ = answers_at([here, *(here + _DIFFERENCE * signs[:, None] * every)])
        slopes = (answers[1:] - answers[0]).T / (_DIFFERENCE * signs)
        miss = wanted - answers[0]
        low, high = np.maximum(-here, -_LONGEST), np.minimum(1 - here, _LONGEST)
        low, high = np.minimum(low, -_NEAREST), np.maximum(high, _NEAREST)
        step = lsq_linear(slopes, miss, (low, high)).x
        tried = np.clip(here + step * 0.5 ** np.arange(_HALVINGS)[:, None], 0, 1)
        answers, inside = answers_at(tried)
        left = np.where(inside, np.mean((answers - wanted) ** 2, axis=1), np.inf)
        best = int(left.argmin())
        if left[best] >= np.mean(miss**2):
            break
        moved, here = np.abs(tried[best] - here).max(), tried[best]
        if moved < _NEAREST:
            break
    return place_numbers(state, lam, here), slopes, float(min(np.mean(miss**2), left[best]))
