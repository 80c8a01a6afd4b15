"""Several hyperparameters in the coordinates in which page and pictures show them."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from ..clocks.axes import AxesScale
from ..data.lam_space import LamSpace, combinations

_ROUNDING = 1e-6  # of the trained range
_HALVINGS = 100


@dataclass(frozen=True)
class Chart:
    """Trained values of several hyperparameters, and places between them.

    A place has one coordinate per number: 0 at its least trained value and 1 at its largest, on
    its scale.

    Attributes
    ----------
    space : LamSpace
        The hyperparameters, by the names that are shown.
    scale : AxesScale
        One axis per hyperparameter that varies.
    lams : ndarray of shape (M, k)
        Trained values, encoded.
    """

    space: LamSpace
    scale: AxesScale
    lams: np.ndarray

    @property
    def numbers(self):
        """Which of the varying hyperparameters are numbers."""
        return [j for j, level in enumerate(self.space.kept_levels) if level is None]

    @property
    def categories(self):
        """Which of the varying hyperparameters are categories."""
        return [j for j, level in enumerate(self.space.kept_levels) if level is not None]

    @property
    def names(self):
        """Names of the varying hyperparameters."""
        space = self.space
        return [space.names[j] if space.names else f"λ[{j}]" for j in space.kept]

    @property
    def logarithmic(self):
        """Whether each of the varying hyperparameters has a logarithmic scale."""
        return [getattr(getattr(a, "rule", None), "name", None) == "log" for a in self.scale.axes]

    @property
    def groups(self):
        """The Groups of trained values, one for every combination of categories."""
        of, codes = combinations(self.space.kept_levels, self.lams)
        return [Group(self, code, self.lams[of == k]) for k, code in enumerate(codes)]

    def find(self, which, name):
        """Return the position of a varying hyperparameter given by name or by its column."""
        columns = list(self.space.kept)
        if isinstance(which, str) and which in self.names:
            return self.names.index(which)
        if not isinstance(which, str | bool) and which in columns:
            return columns.index(which)
        raise ValueError(
            f"`{name}`: {which!r} is not a hyperparameter that varies; choose from {self.names}."
        )

    def parts(self, lam):
        """Return what one lambda has of every varying hyperparameter, as text."""
        levels = zip(self.names, self.space.kept_levels, lam, strict=True)
        return [f"{n} = {f'{v:.3g}' if of is None else of[int(v)]}" for n, of, v in levels]

    def place(self, lam):
        """Return the places (n, q) of lambdas (n, k)."""
        return self.scale.numbers(lam)

    def lam_at(self, places, codes):
        """Return the lambdas (n, k) at places (n, q), with codes of categories."""
        lam = np.empty((len(places), len(self.scale.axes)))
        lam[:, self.categories] = codes
        for j, place in zip(self.numbers, np.transpose(places), strict=True):
            lam[:, j] = _invert(self.scale.axes[j], place)
        return lam

    def line(self, lam_from, lam_to, size):
        """Return lambdas (L, k) on a straight line, with the trained values on it.

        Raises
        ------
        ValueError
            If the ends are the same, or have other categories.
        """
        ends = np.stack([lam_from, lam_to])
        codes = ends[:, self.categories]
        if (codes[0] != codes[1]).any():
            raise ValueError(
                f"Nothing lies between the categories of {self.space.text(lam_from)} and "
                f"{self.space.text(lam_to)}; pass ends with the same categories."
            )
        if (lam_from == lam_to).all():
            raise ValueError(
                f"Both ends of the line are {self.space.text(lam_from)}; pass two lambdas."
            )
        way = self.locate(ends, self.lams)
        known = np.flatnonzero(~np.isnan(way))
        even = np.linspace(0, 1, size)[:, None]
        start, end = self.place(ends)
        lam = self.lam_at((1 - even) * start + even * end, codes[0])
        lam[[0, -1]] = ends
        same = ends[0] == ends[1]
        lam[:, same] = ends[0, same]
        lam, way = np.vstack([lam, self.lams[known]]), np.r_[even[:, 0], way[known]]
        order = np.argsort(way, kind="stable")
        apart = np.diff(way[order], prepend=-1) > _ROUNDING
        return lam[order[apart]]

    def longest(self):
        """Return the two trained values with the same categories that are farthest apart."""
        found = []
        for group in self.groups:
            apart = cdist(group.places, group.places)
            i, j = np.unravel_index(apart.argmax(), apart.shape)
            found.append((apart[i, j], group.lams[i], group.lams[j]))
        return max(found, key=lambda one: one[0])[1:]

    def fullest(self):
        """Return the ends of the line along one number that passes most trained values.

        Where none passes three, these are the ends of `longest`.
        """
        best, ends = 2, self.longest()
        for group in self.groups:
            places = np.round(group.places / _ROUNDING)
            for j in range(places.shape[1]):
                _, line = np.unique(np.delete(places, j, axis=1), axis=0, return_inverse=True)
                counts = np.bincount(line.reshape(-1))
                if counts.max() > best:
                    on = np.flatnonzero(line.reshape(-1) == counts.argmax())
                    on = on[np.argsort(places[on, j])]
                    best, ends = counts.max(), (group.lams[on[0]], group.lams[on[-1]])
        return ends

    def way(self, lam):
        """Return how far along the path through lambdas (L, k) each of them is, from 0 to 1."""
        places = self.place(lam)
        way = np.r_[0, np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))]
        return way / (way[-1] or 1)

    def locate(self, path, lam):
        """Return how far along a path (L, k) lambdas (m, k) are; NaN where they are off it."""
        way, corners, z = self.way(path), self.place(path), self.place(lam)
        other = (lam[:, self.categories] != path[0, self.categories]).any(axis=1)
        found, best = np.full(len(lam), np.nan), np.full(len(lam), _ROUNDING)
        for k in range(len(path) - 1):
            step = corners[k + 1] - corners[k]
            part = np.clip((z - corners[k]) @ step / max(step @ step, 1e-300), 0, 1)
            off = np.linalg.norm(z - corners[k] - part[:, None] * step, axis=1)
            near = (off < best) & ~other
            best[near] = off[near]
            found[near] = way[k] + part[near] * (way[k + 1] - way[k])
        return found


class Group:
    """Trained values of one combination of categories.

    Parameters
    ----------
    chart : Chart
        The hyperparameters.
    codes : ndarray
        The combination.
    lams : ndarray of shape (m, k)
        The trained values.
    """

    def __init__(self, chart, codes, lams):
        self.chart = chart
        self.codes = codes
        self.lams = lams
        self.places = chart.place(lams)

    def free(self, order=None):
        """Return numbers that vary freely; all others, of weights that sum to one, follow."""
        chosen = []
        for j in range(self.places.shape[1]) if order is None else order:
            part = self.places[:, [*chosen, j]]
            if np.linalg.matrix_rank(part - part.mean(axis=0), tol=_ROUNDING) > len(chosen):
                chosen.append(j)
        return chosen

    def follow(self, free, values):
        """Return the places (n, q) at which the free numbers have values (n, r)."""
        center = self.places.mean(axis=0)
        slopes = np.linalg.lstsq(self.places[:, free] - center[free], self.places - center)[0]
        places = center + (values - center[free]) @ slopes
        places[:, free] = values
        return places


def make_chart(surrogate, names=None):
    """Return the Chart of a surrogate; None where one hyperparameter varies."""
    state = surrogate._state
    if state.hull is None:
        return None
    space = state.hull.space
    if names is not None:
        names = [names] if isinstance(names, str) else [str(name) for name in names]
        if len(names) != space.n_columns:
            raise ValueError(
                f"`lam_name` has {len(names)} name(s) for {space.n_columns} hyperparameters; "
                "pass a list with one for each."
            )
        space = replace(space, names=tuple(names))
    return Chart(space, state.hull.scales[0].unit(), state.hull.lams)


def _invert(axis, place):
    """Return the numbers at places along an axis."""
    low, high = (np.full(len(place), float(end)) for end in (axis.low, axis.high))
    for _ in range(_HALVINGS):
        middle = low + 0.5 * (high - low)
        below = axis.place(middle)[:, 0] < place
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(place <= 0, axis.low, high)
