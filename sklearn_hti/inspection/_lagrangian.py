"""The fitted Lagrangian: metric as ellipses, potential as contours."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._utils.annotations import Seed
from ..answers.labels import enter, name_lambda, name_outputs
from ..data.arrays import as_float_array
from ..data.lambdas import check_within
from ..lagrangian.potential import LogDensity
from ._common import Display, find_output, plain
from ._line import make_line
from ._plane import LagrangianAt, cell_centers, window

_DEPTH = 8.0  # below the highest log-density: all is one colour from here on
_N_CORNERS = 40


class LagrangianDisplay(Display):
    """Kinetic and potential energy of a fitted surrogate in a plane of outputs.

    Use `from_estimator` to make one. The ellipse around a place contains the velocities with the
    same kinetic energy v' G v / 2. It is long in directions in which moving is cheap. Filled
    contours are the potential u, and lines are the paths of draws. With more than two outputs, the
    others are fixed at the median of the draws in the middle of the interval. Ellipses are then a
    block of G, and contours are a cut through u, not a marginal.

    Parameters
    ----------
    xx0, xx1 : ndarray of shape (R, R)
        Grid of the potential, in the units of the outputs.
    potential : ndarray of shape (R, R) or None
        The potential u on the grid (log-density with "density"). None if there is none.
    centers : ndarray of shape (M, 2)
        Places of the ellipses.
    metric : ndarray of shape (M, 2, 2)
        G at these places, in the units of the outputs.
    paths : ndarray of shape (L, n_paths, 2)
        Paths of draws.
    ends : tuple of (low, high)
        The lambdas at the ends of the paths.
    names : tuple of (str, str)
        The two outputs.
    held : dict of str to float
        Values at which the other outputs are fixed.
    potential_name : str, default="potential"
        Name of the contours.
    lam_name : str, default="λ"
        Name of lambda.
    equal_aspect : bool, default=True
        Whether both directions have the same unit.
    end_texts : tuple of str, default=None
        The ends as text. None: the name and the number.

    Attributes
    ----------
    contours_ : QuadContourSet or None
        The filled contours.
    ellipses_ : PolyCollection
        The ellipses.
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure of the axes.

    Examples
    --------
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.datasets import make_semicircles
    >>> from sklearn_hti.inspection import LagrangianDisplay
    >>> from sklearn_hti.paths import GeodesicPath
    >>> data = make_semicircles(n_samples=10, random_state=0)
    >>> surrogate = HyperparameterTrajectoryRegressor(
    ...     kinetic="rbf", path=GeodesicPath(max_iter=5), categorical_features=[0],
    ...     lam_transform=None, base="neighbors", max_iter=20, random_state=0,
    ... ).fit(data.X, data.y, data.lam)
    >>> display = LagrangianDisplay.from_estimator(surrogate, [[0]], random_state=0)
    >>> display.potential.shape, display.metric.shape
    ((80, 80), (121, 2, 2))
    """

    def __init__(
        self,
        *,
        xx0: np.ndarray,
        xx1: np.ndarray,
        potential: np.ndarray | None,
        centers: np.ndarray,
        metric: np.ndarray,
        paths: np.ndarray,
        ends: tuple[Any, ...],
        names: tuple[Any, ...],
        held: Mapping[Any, Any],
        potential_name: str = "potential",
        lam_name: str = "λ",
        equal_aspect: bool = True,
        end_texts: tuple[Any, ...] | None = None,
    ) -> None:
        self.xx0 = xx0
        self.xx1 = xx1
        self.potential = potential
        self.centers = centers
        self.metric = metric
        self.paths = paths
        self.ends = ends
        self.names = names
        self.held = held
        self.potential_name = potential_name
        self.lam_name = lam_name
        self.equal_aspect = equal_aspect
        self.end_texts = end_texts

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        *,
        interval: tuple[Any, ...] | None = None,
        outputs: Sequence[Any] | str | None = None,
        n_paths: int = 20,
        grid_resolution: int = 80,
        n_ellipses: int = 11,
        output_names: Sequence[str] | None = None,
        lam_name: str | Sequence[str] | None = None,
        random_state: Seed = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Evaluate the Lagrangian of a fitted surrogate on a grid, and plot it.

        Parameters
        ----------
        estimator : surrogate or TrajectoryPipeline
            A fitted surrogate with a ``lagrangian_``.
        X : array-like of shape (1, C), DataFrame or None, default=None
            The condition. None: there is no condition. A potential that is computed from the data
            is that of the nearest condition of the fit in the same categories.
        interval : tuple of (low, high), default=None
            Lambdas at the ends of the paths, which set the limits of the axes. None: the first
            and the last trained value. With several hyperparameters, these are two lambdas, such
            as the trained values at the ends of an edge. None is then the two that are farthest
            apart.
        outputs : pair of int or str, default=None
            The plane. None: the first two outputs.
        n_paths : int, default=20
            Number of draws that are followed.
        grid_resolution : int, default=80
            Places of the potential in each direction.
        n_ellipses : int, default=11
            Ellipses in each direction.
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
        LagrangianDisplay
            The display, with the plotted arrays.

        Raises
        ------
        TypeError
            If `estimator` has no Lagrangian.
        ValueError
            If there is only one output, a named output does not exist, X is not one row, or a
            lambda is outside the trained values.
        ImportError
            If matplotlib is not installed.
        """
        surrogate, caller = cls._surrogate_in(estimator), f"{cls.__name__}.from_estimator"
        if not hasattr(surrogate, "lagrangian_"):
            raise TypeError(
                f"{caller} needs a surrogate with a Lagrangian, such as "
                f"HyperparameterTrajectoryRegressor; {type(surrogate).__name__} has none."
            )
        if not surrogate._state.outputs.as_they_are:
            raise ValueError(
                f"{caller} shows the outputs of the Lagrangian, which are coordinates with "
                "output_transform; use TrajectoryDisplay."
            )
        names = name_outputs(output_names, surrogate._state.outputs.n_outputs)
        pair = _choose_pair(outputs, names)
        lam, texts = _lambdas(surrogate, interval, lam_name)
        ends = tuple(lam[[0, -1]].tolist())
        X_seen = enter(estimator, X)
        query = surrogate._query(X_seen, ends[0])
        if len(query) != 1:
            raise ValueError(f"X must be one row, the condition to show; got {len(query)} rows.")
        paths = surrogate.trajectory(X_seen, lam, n_samples=n_paths, random_state=random_state)
        paths = surrogate._state.outputs.flat(paths)[:, :, 0]
        held = np.median(paths[len(lam) // 2], axis=0)
        at = LagrangianAt(surrogate._state, query.conditions, pair, held)
        axes = [window(paths[..., d], grid_resolution) for d in pair]
        xx0, xx1 = np.meshgrid(*axes)
        coarse = np.meshgrid(*(cell_centers(axis, n_ellipses) for axis in axes))
        centers = np.column_stack([c.ravel() for c in coarse])
        potential = at.potential(np.column_stack([xx0.ravel(), xx1.ravel()]))
        display = cls(
            xx0=xx0,
            xx1=xx1,
            potential=None if potential is None else potential.reshape(xx0.shape),
            centers=centers,
            metric=at.metric(centers),
            paths=paths[..., list(pair)],
            ends=ends,
            names=tuple(names[d] for d in pair),
            held={names[d]: float(held[d]) for d in range(len(names)) if d not in pair},
            potential_name=(
                "log-density" if isinstance(at.lagrangian.field, LogDensity) else "potential"
            ),
            equal_aspect=surrogate.output_scaling == "common",
            end_texts=texts,
        )
        return display.plot(ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        ellipse_kw: Mapping[Any, Any] | None = None,
        path_kw: Mapping[Any, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Plot contours, ellipses and paths.

        Parameters
        ----------
        ax : Axes, default=None
            Axes of the plot. None makes a figure.
        ellipse_kw : dict, default=None
            Options of the `PolyCollection` of the ellipses.
        path_kw : dict, default=None
            Options of `Axes.plot` for the paths.
        **kwargs : dict
            Options of `Axes.contourf` for the potential, such as ``cmap``.

        Returns
        -------
        LagrangianDisplay
            The display itself.
        """
        self._take_axes(ax)
        from matplotlib.collections import PolyCollection

        self.contours_ = None
        if self.potential is not None:
            shown = np.maximum(self.potential, self.potential.max() - _DEPTH)
            style = {"levels": 12, "cmap": "Blues", **kwargs}
            self.contours_ = self.ax_.contourf(self.xx0, self.xx1, shown, **style)
            bar = self.ax_.inset_axes((1.03, 0, 0.04, 1))
            self.figure_.colorbar(self.contours_, cax=bar, label=plain(self.potential_name))
        style = {"facecolor": "none", "edgecolor": "C1", "lw": 1, **(ellipse_kw or {})}
        self.ellipses_ = PolyCollection(self._outlines(), **style)
        self.ax_.add_collection(self.ellipses_)
        style = {"color": "0.15", "lw": 0.8, "alpha": 0.7, **(path_kw or {})}
        self.ax_.plot(*np.moveaxis(self.paths, 2, 0), **style)
        for k, color in ((0, "w"), (-1, "k")):
            lam = self.end_texts[k] if self.end_texts else f"{self.lam_name} = {self.ends[k]:g}"
            self.ax_.scatter(
                *self.paths[k].T,
                s=16,
                color=color,
                edgecolor="k",
                lw=0.6,
                zorder=3,
                label=plain(lam),
            )
        others = ", ".join(f"{name} = {value:.3g}" for name, value in self.held.items())
        self.ax_.legend(
            title=plain(f"at {others}") if others else None,
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            ncols=2,
            frameon=False,
        )
        self.ax_.set(xlabel=plain(self.names[0]), ylabel=plain(self.names[1]))
        if self.equal_aspect:
            self.ax_.set_aspect("equal")
        return self

    def _outlines(self):
        """Return the outlines {v : v' G v = c} around the centres, the longest as a cell."""
        angle = np.linspace(0, 2 * np.pi, _N_CORNERS)
        circle = np.stack([np.cos(angle), np.sin(angle)])
        reach = np.swapaxes(np.linalg.solve(_roots(self.metric), circle), 1, 2)
        n = round(np.sqrt(len(self.centers)))
        cell = [np.ptp(self.xx0) / n, np.ptp(self.xx1) / n]
        unit = 0.45 / (np.abs(reach).max(axis=(0, 1)) / cell).max()
        return self.centers[:, None] + unit * reach


def _choose_pair(outputs, names):
    """Return the positions of the two outputs."""
    if len(names) < 2:
        raise ValueError(
            "LagrangianDisplay shows a plane of two outputs, and the surrogate has one. Between "
            "two values of one output, there is only one path."
        )
    pair = tuple(find_output(d, names) for d in ((0, 1) if outputs is None else outputs))
    if len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"`outputs` must be two different outputs; got {outputs!r}.")
    return pair


def _lambdas(surrogate, interval, lam_name):
    """Return lambdas from one end of the interval to the other, and the ends as text."""
    if surrogate._state.hull is None and surrogate._state.lam_space.n_columns == 1:
        ends = _check_interval(interval, surrogate.anchors_)
        name = name_lambda(surrogate, lam_name)
        return np.linspace(*ends, 31), [f"{name} = {end:g}" for end in ends]
    ends = (None, None) if interval is None else interval
    if len(ends) != 2:
        raise ValueError(f"`interval` must be two lambdas; got {len(ends)} of them.")
    line = make_line(surrogate, None, *ends, size=31, lam_name=lam_name)
    return line.lam, [line.texts[0], line.texts[-1]]


def _check_interval(interval, anchors):
    """Return the two lambdas."""
    if interval is None:
        return float(anchors[0]), float(anchors[-1])
    ends = as_float_array(interval, "interval", ensure_2d=False)
    if ends.shape != (2,) or not ends[0] < ends[1]:
        raise ValueError(f"`interval` must be two lambdas, (low, high); got {interval!r}.")
    check_within(ends, anchors, name="interval")
    return float(ends[0]), float(ends[1])


def _roots(metric):
    """Return the upper triangular R with R' R = G, so that R v has unit length."""
    return np.swapaxes(np.linalg.cholesky(metric), 1, 2)
