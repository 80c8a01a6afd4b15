"""The distribution of one output at a row of lambdas."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._utils.annotations import Lam, Seed
from .._utils.readable import as_readable
from ..answers.labels import enter, name_outputs
from ._common import Display, find_output, match_truth, plain
from ._line import make_line

_N_PLACES = 300
_HEIGHT = 0.9  # of a ridge, in distances between ridges
KINDS = ("density", "histogram")


class MarginalDisplay(Display):
    """Distributions of one output at several lambdas, one ridge each.

    Use `from_estimator` to make one. With one row of X, a ridge is the conditional distribution.
    With several rows, it is their mixture. All ridges have the same height, and a short line marks
    the median.

    Parameters
    ----------
    draws : ndarray of shape (L, N)
        Draws at every lambda.
    lam : ndarray of shape (L,) or (L, k)
        The lambdas.
    anchors : ndarray of shape (K + 1,) or (K + 1, k)
        The trained values of the surrogate.
    truth : list of ndarray or None
        Outputs of the true networks at every lambda, empty if there are none.
    output_name : str, default="output"
        Name of the output.
    lam_name : str, default="λ"
        Name of lambda.
    lam_texts : list of str, default=None
        The L lambdas as text. None: the numbers.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure of the axes.

    See Also
    --------
    TrajectoryDisplay : Draws followed along lambda.

    Examples
    --------
    >>> from sklearn_hti.baselines import DisplacementInterpolationRegressor
    >>> from sklearn_hti.datasets import make_semicircles
    >>> from sklearn_hti.inspection import MarginalDisplay
    >>> data = make_semicircles(n_samples=20, random_state=0)
    >>> surrogate = DisplacementInterpolationRegressor(
    ...     categorical_features=[0], random_state=0
    ... ).fit(data.X, data.y, data.lam)
    >>> display = MarginalDisplay.from_estimator(
    ...     surrogate, [[0]], [0.0, 0.25, 0.5], output=1, n_samples=50, random_state=0
    ... )
    >>> display.draws.shape
    (3, 50)
    """

    def __init__(
        self,
        *,
        draws: np.ndarray,
        lam: Lam,
        anchors: np.ndarray,
        truth: Sequence[Any] | None = None,
        output_name: str = "output",
        lam_name: str = "λ",
        lam_texts: Sequence[str] | None = None,
    ) -> None:
        self.draws = draws
        self.lam = lam
        self.anchors = anchors
        self.truth = truth
        self.output_name = output_name
        self.lam_name = lam_name
        self.lam_texts = lam_texts

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        lam_grid: Lam | None = None,
        *,
        output: int | str = 0,
        n_samples: int = 500,
        truth: tuple[Any, ...] | None = None,
        output_names: Sequence[str] | None = None,
        lam_name: str | Sequence[str] | None = None,
        random_state: Seed = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw from a fitted surrogate at several lambdas, and plot the distributions.

        Parameters
        ----------
        estimator : surrogate or TrajectoryPipeline
            Any fitted surrogate of this package.
        X : array-like of shape (n, C), DataFrame or None, default=None
            The conditions. None: there is no condition.
        lam_grid : array-like of shape (L,) or (L, k), default=None
            The lambdas. None: 7 from the first trained value to the last, and all trained values.
            With several hyperparameters, None is 7 on the line between the two trained values that
            are farthest apart.
        output : int or str, default=0
            The output, by position or name.
        n_samples : int, default=500
            Draws per row of X, the same ones at every lambda.
        truth : tuple of (X, y, lam), default=None
            Outputs of true networks as in `fit`. Outlines show those of the plotted rows of X and
            lambdas.
        output_names : list of str, default=None
            Names of the outputs.
        lam_name : str or list of str, default=None
            Name of lambda, or one name for each hyperparameter. None is the name in `fit`, or λ.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.
        ax : Axes, default=None
            Axes of the plot. None makes a figure.
        **kwargs : dict
            Options of `plot`.

        Returns
        -------
        MarginalDisplay
            The display, with the plotted arrays.

        Raises
        ------
        TypeError
            If `estimator` is not a surrogate.
        ValueError
            If the output does not exist, a lambda is outside the trained values, or the truth has
            no plotted row and lambda.
        ImportError
            If matplotlib is not installed.
        """
        surrogate = cls._surrogate_in(estimator)
        line = make_line(surrogate, lam_grid, size=7, lam_name=lam_name)
        if lam_grid is not None and line.chart is None:  # without the anchors between them
            asked = line.space.encode(as_readable(lam_grid), line.space.count_rows(lam_grid))
            line = replace(line, encoded=np.unique(asked))
        X_seen = enter(estimator, X)
        draws = np.asarray(
            surrogate.trajectory(X_seen, line.lam, n_samples=n_samples, random_state=random_state)
        )
        draws = surrogate._state.outputs.flat(draws)
        names = name_outputs(output_names, draws.shape[-1])
        position = find_output(output, names)
        conditions = surrogate._query(X_seen, line.lam[0], n_rows=draws.shape[2]).conditions
        known = match_truth(estimator, surrogate, truth, conditions, line)
        if known is not None:
            near = [_same(known.lam, value) for value in line.encoded]
            known = [known.y[rows, position] for rows in near]
            if not any(len(y) for y in known):
                raise ValueError("`truth` has no row at a lambda that is shown.")
        display = cls(
            draws=draws[..., position].reshape(len(line.encoded), -1),
            lam=line.lam,
            anchors=surrogate.anchors_,
            truth=known,
            output_name=names[position],
            lam_name=line.called,
            lam_texts=_values(line),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "density",
        truth_kw: Mapping[Any, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the ridges.

        Parameters
        ----------
        ax : Axes, default=None
            Axes of the plot. None makes a figure.
        kind : {"density", "histogram"}, default="density"
            Kernel densities or histograms.
        truth_kw : dict, default=None
            Options of `Axes.plot` for the outlines of the truth.
        **kwargs : dict
            Options of `Axes.fill_between` for the ridges, such as ``color``.

        Returns
        -------
        MarginalDisplay
            The display itself.

        Raises
        ------
        ValueError
            If `kind` is unknown.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} is not available; accepted: {KINDS}.")
        self._take_axes(ax)
        truth = self.truth or [np.empty(0)] * len(self.lam)
        places = _spread(np.concatenate([self.draws.ravel(), *truth]))
        heights = _densities if kind == "density" else _histograms
        step = None if kind == "density" else "mid"
        outline = {"color": "k", "ls": "--", "lw": 1, **(truth_kw or {})}
        outline["drawstyle"] = "default" if step is None else "steps-mid"
        style = {"color": "C0", "alpha": 0.45, "lw": 0, **kwargs}
        for k, (draws, true) in enumerate(zip(self.draws, truth, strict=True)):
            ridges = heights([y for y in (draws, true) if len(y)], places)
            unit = _HEIGHT / max(ridge.max() for ridge in ridges)
            up, *true_up = (k + unit * ridge for ridge in ridges)
            depth = len(self.lam) - k  # the lower ridge stands in front
            filled = self.ax_.fill_between(places, k, up, step=step, zorder=depth, **style)
            median = np.median(draws)
            top = np.interp(median, places, up)
            self.ax_.plot([median, median], [k, top], color="0.2", lw=1, zorder=depth)
            for ridge in true_up:
                (line,) = self.ax_.plot(places, ridge, zorder=depth, **outline)
                line.set_label("truth" if not self.ax_.get_legend_handles_labels()[0] else None)
            self.ax_.axhline(k, color="0.85", lw=0.8, zorder=0)
        if self.truth is not None:
            filled.set_label("surrogate")
            self.ax_.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
        texts = self.lam_texts or [f"{float(v):.4g}" for v in self.lam]
        known = [np.any([np.array_equal(v, a) for a in self.anchors]) for v in self.lam]
        ticks = [
            f"{plain(text)}{' (trained)' if trained else ''}"
            for text, trained in zip(texts, known, strict=True)
        ]
        self.ax_.set_yticks(range(len(self.lam)), ticks)
        self.ax_.set(xlabel=plain(self.output_name), ylabel=plain(self.lam_name))
        return self


def _values(line):
    """Return the lambdas as text without names."""
    if line.chart is None:
        return [f"{value:.4g}" for value in line.encoded]
    parts = map(line.chart.parts, line.encoded)
    return [", ".join(part.rpartition(" = ")[2] for part in row) for row in parts]


def _same(lam, value):
    """Tell which lambdas are a given one, but for rounding."""
    near = np.isclose(lam, value)
    return near if near.ndim == 1 else near.all(axis=1)


def _spread(values):
    """Return even places that reach a little beyond all values."""
    low, high = values.min(), values.max()
    margin = 0.08 * (high - low) or max(1.0, abs(low)) * 0.1
    return np.linspace(low - margin, high + margin, _N_PLACES)


def _densities(samples, places):
    """Return Gaussian kernel densities, as smooth as the smallest sample allows.

    One width for all, so that a small sample does not look wider than a large one; two places,
    at least, where draws are alike.
    """
    widths = [y.std() * len(y) ** -0.2 for y in samples]
    width = max(*widths, 2 * (places[1] - places[0]))
    unit = width * np.sqrt(2 * np.pi)
    return [
        np.exp(-0.5 * ((places[:, None] - y) / width) ** 2).mean(axis=1) / unit for y in samples
    ]


def _histograms(samples, places):
    """Return the heights of histograms at every place."""
    edges = np.linspace(places[0], places[-1], 51)
    bins = np.clip(np.searchsorted(edges, places, "right") - 1, 0, len(edges) - 2)
    return [np.histogram(y, edges, density=True)[0][bins] for y in samples]
