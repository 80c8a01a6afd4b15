"""Paths of outputs along lambda."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._utils.annotations import Lam, Seed
from ..answers.labels import enter, name_outputs, name_rows
from ._common import Display, explain_beside, find_output, match_truth, plain, show_lambda
from ._line import check_connected, make_line, on_line

_MAX_LEGEND = 10


class TrajectoryDisplay(Display):
    """Paths of draws along lambda, with the outputs of true networks over them.

    Use `from_estimator` to make one. A panel shows one output against lambda, or the plane of two
    outputs. In a plane, dots from light to dark mark the trained values in their order.

    Parameters
    ----------
    paths : ndarray of shape (L, n_samples, n, D)
        The same draws at every lambda, for every row of X.
    lam : ndarray of shape (L,)
        The lambdas on the axes. With several hyperparameters, this is the number that varies along
        the line, or the fraction of the line.
    anchors : ndarray of shape (K + 1,)
        The trained values on the axes. With several hyperparameters, these are the ones on the
        line.
    panels : list of tuple of int
        One output or two per panel.
    output_names : list of str
        Names of the D outputs.
    labels : list of str
        Names of the n rows.
    truth : Bunch or None
        ``y`` (m, D), ``lam`` (m,) and the ``row`` (m,) of X that each belongs to.
    lam_name : str, default="λ"
        Name of lambda on axes.
    lam_scale : {"linear", "log"}, default="linear"
        Scale of axes of lambda.
    equal_aspect : bool, default=True
        Whether planes have the same unit in both directions.
    lam_texts : list of str, default=None
        The L lambdas as text. None: the name and the number.
    lam_ticks : tuple of (places, texts), default=None
        Ticks of lambda on axes. None: numbers.

    Attributes
    ----------
    axes_ : ndarray of Axes
        One per panel.
    ax_ : Axes
        The first of them.
    figure_ : Figure
        The figure of the axes.

    See Also
    --------
    MarginalDisplay : The distribution of one output at several lambdas.

    Examples
    --------
    >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
    >>> from sklearn_hti.datasets import make_semicircles
    >>> from sklearn_hti.inspection import TrajectoryDisplay
    >>> data = make_semicircles(n_samples=20, random_state=0)
    >>> surrogate = DisplacementInterpolationRegressor(
    ...     categorical_features=[0], random_state=0
    ... ).fit(data.X, data.y, data.lam)
    >>> display = TrajectoryDisplay.from_estimator(surrogate, [[0], [3]], random_state=0)
    >>> display.paths.shape
    (61, 10, 2, 2)
    >>> display.ax_.get_xlabel()
    'output 0'
    """

    def __init__(
        self,
        *,
        paths: np.ndarray,
        lam: Lam,
        anchors: np.ndarray,
        panels: Sequence[Any],
        output_names: Sequence[str],
        labels: Sequence[str],
        truth: Any = None,
        lam_name: str = "λ",
        lam_scale: str = "linear",
        equal_aspect: bool = True,
        lam_texts: Sequence[str] | None = None,
        lam_ticks: tuple[Any, ...] | None = None,
    ) -> None:
        self.paths = paths
        self.lam = lam
        self.anchors = anchors
        self.panels = panels
        self.output_names = output_names
        self.labels = labels
        self.truth = truth
        self.lam_name = lam_name
        self.lam_scale = lam_scale
        self.equal_aspect = equal_aspect
        self.lam_texts = lam_texts
        self.lam_ticks = lam_ticks

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        *,
        lam_grid: Lam | None = None,
        y: ArrayLike | None = None,
        lam_from: Lam | None = None,
        lam_to: Lam | None = None,
        n_samples: int = 10,
        outputs: Sequence[Any] | None = None,
        truth: tuple[Any, ...] | None = None,
        output_names: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
        lam_name: str | Sequence[str] | None = None,
        random_state: Seed = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Follow draws of a fitted surrogate along lambda, and plot them.

        Parameters
        ----------
        estimator : surrogate or TrajectoryPipeline
            Any fitted surrogate of this package.
        X : array-like of shape (n, C), DataFrame or None, default=None
            The conditions to show, in one colour each. None: there is no condition.
        lam_grid : array-like of shape (L,) or (L, k), default=None
            Lambdas of the plot. With one hyperparameter, the trained values between them are
            added. None: 61 evenly spaced from the first trained value to the last (in log lambda
            if the lambda scale is "log"). With several, None is the line between the two trained
            values that are farthest apart, straight on their scales.
        y : array-like of shape (n,) or (n, D), default=None
            Outputs at `lam_from` to follow, one per row of X. None draws them.
        lam_from : float or array-like of shape (n,), (k,) or (n, k), or dict, default=None
            Lambda of `y`. With `lam_to`, it is also the start of the line.
        lam_to : float, array-like of shape (k,) or dict, default=None
            End of a straight line of 61 lambdas from `lam_from`, and the trained values on it. It
            replaces `lam_grid`.
        n_samples : int, default=10
            Draws per row, if `y` is None.
        outputs : list of int, str or pair of these, default=None
            Contents of the panels: an output against lambda, or the plane of a pair. None: the
            only output, the plane of two, or neighbouring pairs of the first four.
        truth : tuple of (X, y, lam), default=None
            Outputs of true networks as in `fit`. Crosses show those whose x is plotted.
        output_names : list of str, default=None
            Names of the outputs.
        labels : list of str, default=None
            Names of the rows of X.
        lam_name : str or list of str, default=None
            Name of lambda, or one name for each hyperparameter. None is the name in `fit`, or λ.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.
        ax : Axes or array of Axes, default=None
            Axes, one per panel. None makes a figure.
        **kwargs : dict
            Options of `plot`.

        Returns
        -------
        TrajectoryDisplay
            The display, with the plotted arrays.

        Raises
        ------
        TypeError
            If `estimator` is not a surrogate.
        ValueError
            If an output does not exist, a lambda is outside the trained values, no x of the truth
            is plotted, or categories differ along the line.
        ImportError
            If matplotlib is not installed.
        """
        surrogate = cls._surrogate_in(estimator)
        X_seen = enter(estimator, X)
        line = make_line(surrogate, lam_grid, lam_from, lam_to, size=61, lam_name=lam_name)
        check_connected(line)
        options: dict[str, Any] = {"n_samples": n_samples, "random_state": random_state}
        if y is not None or (lam_from is not None and lam_to is None):
            options = {"y": y, "lam_from": lam_from}
        paths = np.asarray(surrogate.trajectory(X_seen, line.lam, **options))
        paths = surrogate._state.outputs.flat(paths)
        if paths.ndim == 3:
            paths = paths[:, None]
        n_rows, n_outputs = paths.shape[2:]
        conditions = surrogate._query(X_seen, line.lam[0], n_rows=n_rows).conditions
        truth = match_truth(estimator, surrogate, truth, conditions, line)
        if truth is not None:
            truth = on_line(truth, line)
        names = name_outputs(output_names, n_outputs)
        display = cls(
            paths=paths,
            lam=line.way,
            anchors=line.known,
            panels=_choose_panels(outputs, names),
            output_names=names,
            labels=name_rows(surrogate, X, n_rows, labels),
            truth=truth,
            lam_name=line.name,
            lam_scale=line.axis_scale(surrogate),
            equal_aspect=surrogate.output_scaling == "common",
            lam_texts=line.texts,
            lam_ticks=line.ticks,
        )
        return display.plot(ax, **kwargs)

    def plot(
        self, ax: Any = None, *, truth_kw: Mapping[Any, Any] | None = None, **kwargs: Any
    ) -> Self:
        """Plot the paths.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Axes, one per panel. None makes a figure.
        truth_kw : dict, default=None
            Options of `Axes.scatter` for the truth.
        **kwargs : dict
            Options of `Axes.plot` for the paths, such as ``alpha``.

        Returns
        -------
        TrajectoryDisplay
            The display itself.
        """
        self.axes_ = self._take_axes(ax, len(self.panels))
        kwargs = {"lw": 1, "alpha": 0.8 if self.paths.shape[1] <= 3 else 0.45, **kwargs}
        truth_kw = {"s": 22, "marker": "x", "lw": 1, "zorder": 2.5, **(truth_kw or {})}
        rows = []
        for axis, panel in zip(self.axes_, self.panels, strict=True):
            draw = self._against_lambda if len(panel) == 1 else self._in_plane
            for row, label in enumerate(self.labels):
                style = {"color": f"C{row % 10}", **kwargs}
                rows.append(draw(axis, panel, row, style))
                rows[-1].set_label(plain(label))
            if self.truth is not None:
                self._draw_truth(axis, panel, truth_kw)
        self._legend(rows)
        return self

    def _against_lambda(self, ax, panel, row, style):
        lines = ax.plot(self.lam, self.paths[:, :, row, panel[0]], **style)
        if row == 0:
            for anchor in self.anchors:
                ax.axvline(anchor, color="0.85", lw=1, zorder=0)
            ax.set_ylabel(plain(self.output_names[panel[0]]))
            show_lambda(ax, self.lam_name, self.lam_scale, self.lam_ticks)
        return lines[0]

    def _in_plane(self, ax, panel, row, style):
        across, up = (self.paths[:, :, row, d] for d in panel)
        lines = ax.plot(across, up, **style)
        shown = np.flatnonzero(np.isin(self.lam, self.anchors))
        if not len(self.anchors):  # no trained value on the line: its ends
            shown = np.unique([0, len(self.lam) - 1])
        for k, grey in zip(shown, np.linspace(0.95, 0, len(shown)), strict=True):
            where = {"label": plain(self._lam_text(k))} if row == 0 else {}
            ax.scatter(
                across[k], up[k], s=14, color=str(grey), edgecolor="0.3", lw=0.5, zorder=3, **where
            )
        if row == 0:
            xlabel, ylabel = (plain(self.output_names[d]) for d in panel)
            ax.set(xlabel=xlabel, ylabel=ylabel)
            if self.equal_aspect:
                ax.set_aspect("equal")
        return lines[0]

    def _lam_text(self, k):
        if self.lam_texts is None:
            return f"{self.lam_name} = {self.lam[k]:g}"
        return self.lam_texts[k]

    def _draw_truth(self, ax, panel, style):
        truth = self.truth
        across = truth.lam if len(panel) == 1 else truth.y[:, panel[0]]
        colors = [f"C{row % 10}" for row in truth.row]
        marks = ax.scatter(across, truth.y[:, panel[-1]], **{"c": colors, **style})
        marks.set_label("truth")

    def _legend(self, rows):
        """Explain colours, unless there is one or too many, then the dots and crosses."""
        found = [zip(*axis.get_legend_handles_labels(), strict=True) for axis in self.axes_]
        marks = {label: mark for pairs in found for mark, label in pairs if mark not in rows}
        rows = rows[: len(self.labels)] if 1 < len(self.labels) <= _MAX_LEGEND else []
        handles = [*rows, *marks.values()]
        if handles:
            explain_beside(self.axes_[-1], handles=handles)


def _choose_panels(outputs, names):
    """Return the outputs of every panel by position."""
    if outputs is None:
        if len(names) == 1:
            return [(0,)]
        return [(d, d + 1) for d in range(min(len(names), 4) - 1)]
    panels = []
    for output in outputs:
        chosen = output if isinstance(output, tuple | list) else (output,)
        if len(chosen) not in (1, 2):
            raise ValueError(f"`outputs`: a panel shows one output or two, not {output!r}.")
        panels.append(tuple(find_output(d, names) for d in chosen))
    return panels
