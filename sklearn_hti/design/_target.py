"""The lambda that explains outputs of an unknown network."""

import numpy as np
from scipy.spatial import KDTree
from sklearn.utils import Bunch

from ..answers.query import check_given
from ..assessment.uncertainty import inverse_times
from ._region import decode, unit_places


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
    width = path.factor(off, coverage) * np.interp(found[best], times, deviations) / speed[k]
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
    """Return the same of several hyperparameters: one Gauss-Newton step from the nearest place."""
    places = unit_places(path.state, path.lam)
    rest = np.mean((answers - wanted) ** 2, axis=(1, 2))
    deviations = path.deviations()
    if near is None:
        start = int(rest.argmin())
    else:
        away = np.linalg.norm(places - unit_places(path.state, near[None]), axis=1)
        fits = np.sqrt(rest) <= np.sqrt(rest.min()) + deviations
        start = int(np.where(fits, away, np.inf).argmin())
    rows = KDTree(places).query(places[start], min(12 * places.shape[1], len(places)))[1]
    design = np.column_stack([np.ones(len(rows)), path.lam[rows] - path.lam[start]])
    slopes = np.linalg.lstsq(design, answers[rows].reshape(len(rows), -1), rcond=None)[0][1:]
    miss = (wanted - answers[start]).ravel()
    step = np.linalg.lstsq(slopes.T, miss, rcond=None)[0]
    low, high = path.lam[rows].min(axis=0), path.lam[rows].max(axis=0)
    lam = np.clip(path.lam[start] + step, low, high)

    def off(draws, k):
        """Return how far outputs lie, on the tangents, from those of a trained value."""
        miss = (path.scaled(draws.mean(axis=0)) - path.scaled(path.known[k].mean(axis=0))).ravel()
        return np.sqrt(np.mean((np.linalg.lstsq(slopes.T, miss, rcond=None)[0] @ slopes) ** 2))

    factor = path.factor(off, coverage)
    spread = np.sqrt(np.diag(np.linalg.pinv(slopes @ slopes.T / slopes.shape[1])))
    width = factor * deviations[start] * spread
    ends = np.clip([lam - width, lam + width], path.lam.min(axis=0), path.lam.max(axis=0))
    left = np.mean((miss - (lam - path.lam[start]) @ slopes) ** 2)
    return lam, ends, lam[None], min(left, rest[start])
