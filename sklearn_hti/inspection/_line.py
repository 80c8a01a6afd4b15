"""The line through lambda along which pictures show outputs."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import Bunch

from ..answers.chart import make_chart
from ..answers.labels import lam_scale, name_lambda, spaced_lambdas
from ..answers.query import check_grid, check_lam_within, split_lam
from ..data.lam_space import shown

_ROUNDING = 1e-6  # of the trained range


@dataclass(frozen=True)
class Line:
    """Lambdas along a line, and where they are on axes of lambda.

    Attributes
    ----------
    chart : Chart or None
        Of several hyperparameters.
    space : LamSpace
        The hyperparameters.
    encoded : ndarray of shape (L,) or (L, k)
        The lambdas, encoded.
    anchors : ndarray of shape (M,) or (M, k)
        Trained values, encoded.
    called : str
        Name of lambda, of one hyperparameter.
    """

    chart: object
    space: object
    encoded: np.ndarray
    anchors: np.ndarray
    called: str

    @property
    def lam(self):
        """The lambdas as users pass them, (L,) or (L, k)."""
        return self.space.decode(self.encoded)

    @property
    def way(self):
        """Where the lambdas are on axes: lambda where one number varies, else the fraction."""
        if self.chart is None:
            return self.encoded
        varying = self._varying
        return self.chart.way(self.encoded) if varying is None else self.encoded[:, varying]

    @property
    def known(self):
        """Where trained values on the line are on axes."""
        way = self.locate(self.anchors)
        return np.unique(way[~np.isnan(way)])

    @property
    def texts(self):
        """The lambdas as text."""
        if self.chart is None:
            return [f"{self.called} = {shown(value)}" for value in self.encoded]
        return [", ".join(self.chart.parts(value)) for value in self.encoded]

    @property
    def name(self):
        """Name of axes of lambda."""
        if self.chart is None:
            return self.called
        if self._varying is None:
            return "way along the line"
        parts = self.chart.parts(self.encoded[0])
        del parts[self._varying]
        return f"{self.chart.names[self._varying]}, at {', '.join(parts)}"

    @property
    def ticks(self):
        """Places on axes that have names, and these; None where a number is shown."""
        if self.chart is None or self._varying is not None:
            return None
        marked = np.unique([0, len(self.encoded) // 2, len(self.encoded) - 1])
        texts = ["\n".join(self.chart.parts(self.encoded[k])) for k in marked]
        return self.way[marked], texts

    def axis_scale(self, surrogate):
        """Return the scale of axes of lambda."""
        if self.chart is None:
            return lam_scale(surrogate)
        log = self._varying is not None and self.chart.logarithmic[self._varying]
        return "log" if log else "linear"

    def encode(self, surrogate, X, lam, n_rows):
        """Return the lambdas of rows of X, encoded."""
        lam = split_lam(surrogate, X, lam, reset=False, n_rows=n_rows).lam
        return self.space.encode(lam, n_rows)

    def locate(self, lam):
        """Return where lambdas, encoded, are on axes; NaN where they are off the line."""
        if self.chart is None:
            return lam
        way, varying = self.chart.locate(self.encoded, lam), self._varying
        if varying is not None:
            way = np.where(np.isnan(way), np.nan, lam[:, varying])
        near = np.abs(way[:, None] - self.way).argmin(axis=1)  # the same number as on the line
        return np.where(np.isclose(way, self.way[near], rtol=1e-6, atol=0), self.way[near], way)

    @property
    def _varying(self):
        """The only number that varies, in one direction; None if there is none."""
        steps = np.diff(self.chart.place(self.encoded), axis=0)
        moving = np.flatnonzero((np.abs(steps) > _ROUNDING).any(axis=0))
        if len(moving) != 1 or self.has_several_categories:
            return None
        step = steps[:, moving[0]]
        one_way = (step >= 0).all() or (step <= 0).all()
        return self.chart.numbers[moving[0]] if one_way else None

    @property
    def has_several_categories(self):
        """Whether categories differ along the line."""
        if self.chart is None:
            return False
        codes = self.encoded[:, self.chart.categories]
        return bool((codes != codes[0]).any())


def make_line(surrogate, lam_grid, lam_from=None, lam_to=None, *, size, lam_name=None):
    """Return the Line through given lambdas, or straight from one to another.

    None of them: from the first trained value to the last, or of several hyperparameters between
    the two that are farthest apart. Trained values on a straight line are added to it.

    Raises
    ------
    ValueError
        If both are given, or an end is not one lambda within the trained values.
    """
    if lam_grid is not None and lam_to is not None:
        raise ValueError("`lam_grid` and `lam_to` both define the line; pass one of them.")
    state, chart = surrogate._state, make_chart(surrogate, lam_name)
    space = state.lam_space if chart is None else chart.space
    ends = None
    if lam_to is not None:
        if lam_from is None:
            raise ValueError("`lam_to` is the end of a line; pass its start, `lam_from`, too.")
        for name, lam in (("lam_from", lam_from), ("lam_to", lam_to)):
            check_lam_within(surrogate, lam, 1, name)
        ends = [space.encode(lam, 1)[0] for lam in (lam_from, lam_to)]
    if chart is None:
        called = name_lambda(surrogate, lam_name)
        lam = spaced_lambdas(surrogate, lam_grid, size, ends)
        return Line(None, space, lam, state.anchors, called)
    if lam_grid is None:
        lam = chart.line(*(chart.longest() if ends is None else ends), size)
    else:
        check_grid(surrogate, lam_grid)
        lam = space.encode(lam_grid, space.count_rows(lam_grid))
    return Line(chart, space, lam, chart.lams, ", ".join(chart.names))


def check_connected(line):
    """Raise where the lambdas of a line have several categories."""
    if line.has_several_categories:
        raise ValueError(
            f"`lam_grid` goes from {line.texts[0]} to {line.texts[-1]}, and nothing lies between "
            "categories; make one plot for each."
        )


def on_line(truth, line):
    """Return the rows of the truth on the line, with lambda as axes show it."""
    way = line.locate(truth.lam)
    near = ~np.isnan(way)
    if not near.any():
        raise ValueError("`truth` has no row at a lambda on the line that is shown.")
    return Bunch(y=truth.y[near], lam=way[near], row=truth.row[near])
