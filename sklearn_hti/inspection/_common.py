"""Common to all pictures: the surrogate in question, lambdas, names, and the truth."""

from numbers import Integral

import numpy as np
from sklearn.utils import Bunch

from .._utils.text import printable
from ..answers.labels import enter, final_step, require
from ..answers.query import check_given

_SAME = 1e-6  # standard deviations of x


class Display:
    """Common to all displays: the surrogate that they show, and the axes that they take."""

    @classmethod
    def _surrogate_in(cls, estimator):
        """Return the fitted surrogate, which may end a pipeline."""
        caller = f"{cls.__name__}.from_estimator"
        require("matplotlib", caller)
        return final_step(estimator, caller)

    def _take_axes(self, ax, n_panels=1):
        """Return one axes per panel, of which the first is kept, and the figure."""
        require("matplotlib", f"{type(self).__name__}.plot")
        axes = make_axes(ax, n_panels)
        self.ax_ = axes[0]
        self.figure_ = self.ax_.figure
        return axes


def find_output(output, names):
    """Return the position of an output given by position or name."""
    if isinstance(output, str) and output in names:
        return names.index(output)
    if isinstance(output, Integral) and 0 <= output < len(names):
        return int(output)
    raise ValueError(f"{output!r} is not an output; there are {len(names)}: {names}.")


def match_truth(estimator, surrogate, truth, conditions, line):
    """Return the rows of the truth whose x is among the conditions, and which of them.

    A Bunch of y (m, D), lam (m,) or (m, k), encoded, and row (m,), the first condition of equal x.
    """
    if truth is None:
        return None
    if not isinstance(truth, tuple | list) or len(truth) != 3:
        raise ValueError("`truth` must be rows as in fit: a tuple (X, y, lam).")
    X, y, lam = truth
    X = enter(estimator, X)
    query = surrogate._query(X, lam, name="lam of truth", n_rows=len(y))
    lam = line.encode(surrogate, X, lam, len(query))
    y, _ = check_given(surrogate._state, y, len(query))
    row = np.full(len(query), -1)
    for i in reversed(range(len(conditions))):
        row[_is_condition(query.conditions, conditions[[i]])] = i
    if (row < 0).all():
        raise ValueError("`truth` has no row with a plotted x; pass it at the rows of X.")
    known = row >= 0
    return Bunch(y=y[known], lam=lam[known], row=row[known])


def _is_condition(conditions, one):
    """Tell which conditions are a given one, but for the rounding of transformers of X."""
    near = np.abs(conditions.scaled - one.scaled) <= _SAME
    return near.all(axis=1) & (conditions.codes == one.codes).all(axis=1)


def plain(name):
    """Return a name as matplotlib shows it: no formula, no control characters, never left out."""
    text = printable(name).replace("$", r"\$")
    return f" {text}" if text[:1] in ("", "_") else text  # legends leave these out


def make_axes(ax, n_panels):
    """Return `n_panels` axes: those given, or those of a new figure side by side."""
    import matplotlib.pyplot as plt

    if ax is None:
        size = plt.rcParams["figure.figsize"]
        _, ax = plt.subplots(
            1,
            n_panels,
            figsize=(size[0] * (0.2 + 0.8 * n_panels), size[1]),
            layout="constrained",
        )
    axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if len(axes) != n_panels:
        raise ValueError(f"`ax` holds {len(axes)} axes for {n_panels} panel(s).")
    return axes


def show_lambda(ax, name, scale, ticks):
    """Put lambda on the horizontal axis; `ticks` are places and texts, or None."""
    ax.set_xlabel(plain(name))
    ax.set_xscale(scale)
    if ticks is not None:
        ax.set_xticks(ticks[0], list(map(plain, ticks[1])))


def explain_beside(ax, **options):
    """Put the legend to the right of the axes."""
    where = {"loc": "upper left", "bbox_to_anchor": (1, 1), "frameon": False}
    ax.legend(fontsize="small", **where, **options)
