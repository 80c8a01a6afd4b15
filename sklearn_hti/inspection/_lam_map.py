"""A statistic of the outputs over two hyperparameters."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from .._utils.annotations import Seed
from .._utils.random import sampling_generator
from ..answers.chart import make_chart
from ..answers.labels import enter, name_outputs
from ._common import Display, find_output, plain
from ._cut import cut

_MAX_NUMBERS = 10_000_000  # of draws at once


class LamMapDisplay(Display):
    """Map of a statistic of the outputs over two hyperparameters.

    Use `from_estimator` to make one. Filled contours cover the region in which the surrogate
    answers. Dots mark the trained values. Faint dots are beside the map, at other values of
    further hyperparameters. Every combination of categories has a panel.

    Parameters
    ----------
    panels : list of Bunch
        ``lam`` (P, 2), ``statistic`` (P,), ``triangles`` (T, 3) of these points,
        ``trained`` (m, 2) and ``beside`` (m', 2) trained values, and a ``title``.
    names : tuple of (str, str)
        The two hyperparameters.
    scales : tuple of {"linear", "log"}
        Scales of their axes.
    statistic_name : str
        Name of the statistic.

    Attributes
    ----------
    contours_ : list of TriContourSet or None
        The filled contours of every panel.
    axes_ : ndarray of Axes
        One per panel.
    ax_ : Axes
        The first of them.
    figure_ : Figure
        The figure of the axes.

    See Also
    --------
    TrajectoryDisplay : Outputs along any line through lambda.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> from sklearn_hti.inspection import LamMapDisplay
    >>> C, gamma = np.meshgrid([0.1, 1.0, 10.0], [0.01, 0.1, 1.0])
    >>> lam = np.column_stack([C.ravel(), gamma.ravel()])
    >>> y = np.log(lam[:, 0]) * np.log(lam[:, 1])
    >>> networks = {tuple(key): lambda X, v=v: np.full(len(X), v) for key, v in zip(lam, y)}
    >>> surrogate = HyperparameterTrajectoryRegressor(networks=networks)
    >>> surrogate = surrogate.fit(np.zeros((9, 1)), y, lam)
    >>> display = LamMapDisplay.from_estimator(surrogate, [[0.0]], lam_name=["C", "gamma"])
    >>> display.panels[0].trained.shape
    (9, 2)
    >>> display.ax_.get_xlabel()
    'C'
    """

    def __init__(
        self,
        *,
        panels: Sequence[Any],
        names: tuple[Any, ...],
        scales: tuple[Any, ...],
        statistic_name: str,
    ) -> None:
        self.panels = panels
        self.names = names
        self.scales = scales
        self.statistic_name = statistic_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        *,
        statistic: str | float | Callable[..., Any] = "mean",
        output: int | str = 0,
        hyperparameters: Sequence[Any] | str | None = None,
        fixed: Mapping[Any, Any] | None = None,
        n_samples: int = 100,
        grid_resolution: int = 25,
        statistic_name: str | None = None,
        output_names: Sequence[str] | None = None,
        lam_name: Sequence[str] | None = None,
        random_state: Seed = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute a statistic of a fitted surrogate over two hyperparameters, and plot it.

        Parameters
        ----------
        estimator : surrogate or TrajectoryPipeline
            Any fitted surrogate of this package with at least two numbers in lambda.
        X : array-like of shape (n, C), DataFrame or None, default=None
            The conditions. None: there is no condition.
        statistic : "mean", float or callable, default="mean"
            The plotted statistic. "mean" is the mean of an output given x, and a number from 0 to
            1 is a quantile level. Both are averaged over the rows of X. A function of draws
            (n_samples, n, D) returns one number, such as an error.
        output : int or str, default=0
            The output, by position or name. A function receives all outputs.
        hyperparameters : pair of int or str, default=None
            Hyperparameters on the axes, by column of lambda or name. None: the first two numbers.
        fixed : dict, default=None
            Values of other hyperparameters, by column or name. Other numbers are fixed at the
            median of the trained values, unless they depend on the rest, such as weights that sum
            to one. Other categories have one panel each.
        n_samples : int, default=100
            Draws per row of X, the same ones everywhere. If every input has one answer, there is
            one draw.
        grid_resolution : int, default=25
            Places in each direction.
        statistic_name : str, default=None
            Name of the statistic.
        output_names : list of str, default=None
            Names of the outputs.
        lam_name : list of str, default=None
            Names of all hyperparameters. None: the names in `fit`, or λ.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.
        ax : Axes or array of Axes, default=None
            Axes, one per panel. None makes a figure.
        **kwargs : dict
            Options of `plot`.

        Returns
        -------
        LamMapDisplay
            The display, with the plotted arrays.

        Raises
        ------
        TypeError
            If `estimator` is not a surrogate.
        ValueError
            If fewer than two numbers vary, or a named output or hyperparameter does not exist.
        ImportError
            If matplotlib is not installed.
        """
        surrogate = cls._surrogate_in(estimator)
        chart = make_chart(surrogate, lam_name)
        if chart is None or len(chart.numbers) < 2:
            raise ValueError(
                f"{cls.__name__} is a map over two numbers, but only one varies in `lam`; "
                "use TrajectoryDisplay."
            )
        _check_statistic(statistic)
        names = name_outputs(output_names, surrogate._state.outputs.n_outputs)
        position = find_output(output, names)
        pair = _choose_pair(chart, hyperparameters)
        numbers, codes = _choose_fixed(chart, pair, fixed)
        ask = _Asked(surrogate, enter(estimator, X), n_samples, random_state)
        panels = []
        for group in chart.groups:
            if all(group.codes[chart.categories.index(j)] == code for j, code in codes.items()):
                axes = [chart.numbers.index(j) for j in pair]
                part = cut(surrogate._state.hull, group, axes, numbers, grid_resolution)
                panels.append(_make_panel(chart, group, pair, part))
                if part is not None and len(part.triangles):
                    draws = ask.draws(chart.space.decode(part.lam))
                    panels[-1].statistic = _reduce(draws, statistic, position)
        if not panels:
            raise ValueError(f"`fixed`: no trained value has the categories of {fixed!r}.")
        if all(panel.statistic is None for panel in panels):
            raise ValueError(
                f"No trained values surround a map over {_listed(chart, pair)} at these values; "
                "choose other values of `fixed`, or two hyperparameters that vary freely."
            )
        display = cls(
            panels=panels,
            names=tuple(chart.names[j] for j in pair),
            scales=tuple("log" if chart.logarithmic[j] else "linear" for j in pair),
            statistic_name=statistic_name or _name(statistic, names[position]),
        )
        return display.plot(ax, **kwargs)

    def plot(
        self, ax: Any = None, *, trained_kw: Mapping[Any, Any] | None = None, **kwargs: Any
    ) -> Self:
        """Plot contours and trained values.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Axes, one per panel. None makes a figure.
        trained_kw : dict, default=None
            Options of `Axes.scatter` for the trained values.
        **kwargs : dict
            Options of `Axes.tricontourf`, such as ``levels`` and ``cmap``.

        Returns
        -------
        LamMapDisplay
            The display itself.
        """
        self.axes_ = self._take_axes(ax, len(self.panels))
        from matplotlib.ticker import MaxNLocator

        known = np.concatenate([p.statistic for p in self.panels if p.statistic is not None])
        low, high = known.min(), known.max()
        margin = 1e-9 * max(abs(low), abs(high)) or 1e-9
        levels = MaxNLocator(12).tick_values(low - margin, high + margin)
        style = {"levels": levels, "cmap": "viridis", **kwargs}
        dots = {"s": 28, "color": "w", "edgecolor": "k", "lw": 0.8, "zorder": 3}
        self.contours_: list[Any] = []
        for axis, panel in zip(self.axes_, self.panels, strict=True):
            axis.set(xscale=self.scales[0], yscale=self.scales[1], title=plain(panel.title))
            axis.use_sticky_edges = False  # room for dots at the edge
            axis.margins(0.04)
            self.contours_.append(None)
            if panel.statistic is not None:
                given = *panel.lam.T, panel.triangles, panel.statistic
                self.contours_[-1] = axis.tricontourf(*given, **style)
            beside = {"s": 14, "color": "none", "edgecolor": "0.45", "lw": 0.8, "zorder": 2.5}
            axis.scatter(*panel.beside.T, **beside)
            axis.scatter(*panel.trained.T, **{**dots, **(trained_kw or {})})
            axis.set_xlabel(plain(self.names[0]))
        self.ax_.set_ylabel(plain(self.names[1]))
        drawn = next(contours for contours in self.contours_ if contours is not None)
        bar = self.axes_[-1].inset_axes((1.03, 0, 0.04, 1))
        self.figure_.colorbar(drawn, cax=bar, label=plain(self.statistic_name))
        return self


class _Asked:
    """A surrogate that is asked for the same draws at many lambdas."""

    def __init__(self, surrogate, X, n_samples, random_state):
        self.surrogate, self.X = surrogate, X
        self.n_samples = n_samples if surrogate._state.has_draws else 1
        if not isinstance(random_state, Integral):
            random_state = int(sampling_generator(random_state).integers(2**31 - 1))
        self.seed = random_state

    def draws(self, lam):
        """Yield the draws (n_samples, n, D) at every lambda (L, k)."""
        n_rows = 1 if self.X is None else len(self.X)
        n_outputs = self.surrogate._state.outputs.n_outputs
        size = max(1, _MAX_NUMBERS // (self.n_samples * n_rows * n_outputs))
        for begin in range(0, len(lam), size):
            options = {"n_samples": self.n_samples, "random_state": self.seed}
            some = lam[begin : begin + size]
            for draws in self.surrogate.trajectory(self.X, some, **options):
                yield draws.reshape(self.n_samples, -1, n_outputs)


def _reduce(draws, statistic, position):
    """Return the statistic of the draws at every lambda."""
    if callable(statistic):
        values = [statistic(y) for y in draws]
        if any(np.ndim(value) for value in values):
            raise ValueError("`statistic` must return one number; it returned an array.")
    elif isinstance(statistic, str):
        values = [y[..., position].mean() for y in draws]
    else:
        values = [np.quantile(y[..., position], statistic, axis=0).mean() for y in draws]
    values = np.array(values, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("`statistic` returned NaN or infinity; return a finite number.")
    return values


def _check_statistic(statistic):
    level = isinstance(statistic, Real) and not isinstance(statistic, bool) and 0 < statistic < 1
    if not (level or callable(statistic) or (isinstance(statistic, str) and statistic == "mean")):
        raise ValueError(
            f"statistic={statistic!r} must be 'mean', a level between 0 and 1, or a function of "
            "draws (n_samples, n, D) that returns a number."
        )


def _name(statistic, output):
    if callable(statistic):
        name = getattr(statistic, "__name__", "statistic")
        return "statistic" if name == "<lambda>" else name.replace("_", " ")
    if isinstance(statistic, str):
        return f"mean of {output}"
    return f"{statistic:g} quantile of {output}"


def _choose_pair(chart, chosen):
    """Return the positions of the two hyperparameters of the axes."""
    if chosen is None:
        return chart.numbers[:2]
    if isinstance(chosen, str) or len(chosen) != 2:
        raise ValueError(f"`hyperparameters` must be two of {chart.names}; got {chosen!r}.")
    pair = [chart.find(one, "hyperparameters") for one in chosen]
    if pair[0] == pair[1] or not set(pair) <= set(chart.numbers):
        raise ValueError(f"`hyperparameters` must be two different numbers; got {chosen!r}.")
    return pair


def _choose_fixed(chart, pair, fixed):
    """Return the places of fixed numbers, by number, and the codes of fixed categories."""
    if fixed is not None and not isinstance(fixed, Mapping):
        raise ValueError(f"`fixed` must be a dict of values by name or column; got {fixed!r}.")
    places, codes = {}, {}
    for key, value in (fixed or {}).items():
        j = chart.find(key, "fixed")
        level = chart.space.kept_levels[j]
        if j in pair:
            raise ValueError(f"`fixed`: {chart.names[j]} is on an axis of the map; leave it out.")
        if level is not None:
            if value not in level:
                raise ValueError(
                    f"`fixed`: {chart.names[j]} has the categories {list(level)}; got {value!r}."
                )
            codes[j] = level.index(value)
        else:
            axis = chart.scale.axes[j]
            if not isinstance(value, Real) or not axis.low <= value <= axis.high:
                raise ValueError(
                    f"`fixed`: {chart.names[j]} was trained from {axis.low:g} to {axis.high:g}; "
                    f"got {value!r}."
                )
            places[chart.numbers.index(j)] = float(axis.place([value])[0, 0])
    return places, codes


def _make_panel(chart, group, pair, part):
    """Return a panel without values."""
    levels = chart.space.kept_levels
    titles = [
        f"{chart.names[j]} = {levels[j][int(code)]}"
        for j, code in zip(chart.categories, group.codes, strict=True)
    ]
    on = np.zeros(len(group.lams), dtype=bool) if part is None else part.on
    panel = Bunch(
        lam=np.empty((0, 2)),
        statistic=None,
        triangles=np.empty((0, 3), dtype=int),
        trained=group.lams[on][:, pair],
        beside=group.lams[~on][:, pair],
    )
    if part is not None:
        for j in (chart.numbers[number] for number in part.held):
            titles.append(f"{chart.names[j]} = {part.lam[0, j]:.3g}")
        panel.lam, panel.triangles = part.lam[:, pair], part.triangles
    panel.title = ", ".join(titles)
    return panel


def _listed(chart, pair):
    return " and ".join(chart.names[j] for j in pair)
