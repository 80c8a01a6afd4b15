"""What a surrogate answers along lambda, and how far it can be trusted, in one picture."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._utils.annotations import Lam, Seed
from .._utils.readable import as_readable
from ..answers.chart import make_chart
from ..answers.labels import enter, name_outputs, name_rows
from ..data.arrays import is_frame, take
from ._common import Display, explain_beside, find_output, match_truth, plain, show_lambda
from ._line import check_connected, make_line, on_line

_SIZE = 61  # lambdas
_PANELS = 3
_DRAWS = 0.1, 0.9  # quantiles


class PredictionDisplay(Display):
    """Outputs along lambda: their mean, its interval, draws, and the straight line.

    Use `from_estimator`, or `plot` of a surrogate, to make one. A panel shows one output. The line
    is its conditional mean, and dots mark the trained values. The dark band is the confidence
    interval of the mean: the error of the surrogate. The light band holds 80 % of the draws: the
    spread of outputs of one input. The dashed line connects the answers at trained values,
    straight on the axis of lambda. A surrogate is useful if its answer leaves this line.

    Parameters
    ----------
    mean : ndarray of shape (L, n, D)
        Conditional mean of the outputs at every lambda.
    interval : tuple of ndarray of shape (L, n, D) or None
        Bounds of the mean. None for surrogates without `interval`.
    draws : tuple of ndarray of shape (L, n, D) or None
        Quantiles of the draws at 0.1 and 0.9. None if every input has one answer.
    straight : ndarray of shape (L, n, D) or None
        Straight lines between the trained values. None if fewer than two are plotted.
    lam : ndarray of shape (L,)
        The lambdas on the axes. With several hyperparameters, this is the number that varies along
        the line, or the fraction of the line.
    trained : ndarray of bool of shape (L,)
        Which of the lambdas are trained values.
    outputs : list of int
        The plotted outputs, one per panel.
    output_names : list of str
        Names of the D outputs.
    labels : list of str
        Names of the n rows.
    coverage : float, default=0.9
        Coverage of the interval.
    truth : Bunch or None, default=None
        ``y`` (m, D), ``lam`` (m,) and the ``row`` (m,) of X that each belongs to.
    lam_name : str, default="λ"
        Name of lambda on axes.
    lam_scale : {"linear", "log"}, default="linear"
        Scale of axes of lambda.
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
    TrajectoryDisplay : Single draws followed along lambda.
    LamMapDisplay : A statistic over two hyperparameters.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti import HyperparameterTrajectoryRegressor
    >>> networks = {v: lambda X, v=v: v**2 * X[:, 0] for v in (0.0, 1.0, 2.0, 3.0)}
    >>> X = np.linspace(1, 2, 20)[:, None]
    >>> y = np.concatenate([network(X) for network in networks.values()])
    >>> surrogate = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
    >>> surrogate = surrogate.fit(np.tile(X, (4, 1)), y, np.repeat(list(networks), 20))
    >>> display = surrogate.plot(X[0], lam_name="strength")
    >>> display.mean.shape
    (61, 1, 1)
    >>> display.ax_.get_xlabel()
    'strength'
    """

    def __init__(
        self,
        *,
        mean: np.ndarray,
        interval: tuple[Any, ...] | None,
        draws: tuple[Any, ...] | None,
        straight: np.ndarray | None,
        lam: Lam,
        trained: np.ndarray,
        outputs: Sequence[Any],
        output_names: Sequence[str],
        labels: Sequence[str],
        coverage: float = 0.9,
        truth: Any = None,
        lam_name: str = "λ",
        lam_scale: str = "linear",
        lam_ticks: tuple[Any, ...] | None = None,
    ) -> None:
        self.mean = mean
        self.interval = interval
        self.draws = draws
        self.straight = straight
        self.lam = lam
        self.trained = trained
        self.outputs = outputs
        self.output_names = output_names
        self.labels = labels
        self.coverage = coverage
        self.truth = truth
        self.lam_name = lam_name
        self.lam_scale = lam_scale
        self.lam_ticks = lam_ticks

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        *,
        lam_grid: Lam | None = None,
        lam_from: Lam | None = None,
        lam_to: Lam | None = None,
        coverage: float = 0.9,
        n_samples: int = 200,
        outputs: Sequence[Any] | None = None,
        truth: tuple[Any, ...] | None = None,
        output_names: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
        lam_name: str | Sequence[str] | None = None,
        random_state: Seed = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the answers of a fitted surrogate along lambda, and plot them.

        Parameters
        ----------
        estimator : surrogate or TrajectoryPipeline
            Any fitted surrogate of this package.
        X : array-like of shape (C,) or (n, C), Series, DataFrame or None, default=None
            One input to show, or a few, in one colour each. None: there is no condition.
        lam_grid : array-like of shape (L,) or (L, k), default=None
            Lambdas of the plot. With one hyperparameter, the trained values between them are
            added. None: 61 from the first trained value to the last. With several, None varies one
            hyperparameter and fixes the others, on the line that passes most trained values. If no
            such line exists, it is the line between the two trained values that are farthest
            apart.
        lam_from, lam_to : float, array-like of shape (k,) or dict, default=None
            Ends of a straight line of 61 lambdas, which replaces `lam_grid`.
        coverage : float, default=0.9
            Coverage of the interval of the mean.
        n_samples : int, default=200
            Draws per row of X behind the band of draws.
        outputs : list of int or str, default=None
            The outputs to show, one panel each. None: the first three.
        truth : tuple of (X, y, lam), default=None
            Outputs of true networks as in `fit`. Crosses show those whose x is plotted.
        output_names : list of str, default=None
            Names of the outputs. For a classifier, None is the names of the classes.
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
        PredictionDisplay
            The display, with the plotted arrays.

        Raises
        ------
        TypeError
            If `estimator` is not a surrogate.
        ValueError
            If an output does not exist, a lambda is outside the trained values, no x of the truth
            is plotted, categories differ along the line, or nothing was trained (``base=None``).
        ImportError
            If matplotlib is not installed.
        """
        surrogate = cls._surrogate_in(estimator)
        X = as_rows(X)
        X_seen = enter(estimator, X)
        if lam_grid is None and lam_from is None and lam_to is None:
            chart = make_chart(surrogate)
            if chart is not None:
                lam_from, lam_to = chart.space.decode(np.stack(chart.fullest()))
        line = make_line(surrogate, lam_grid, lam_from, lam_to, size=_SIZE, lam_name=lam_name)
        check_connected(line)
        n_rows = 1 if X_seen is None else len(X_seen)
        space, n_lams = surrogate._state.outputs, len(line.encoded)
        names = _names_of_outputs(surrogate, output_names, space.n_outputs)
        shown = list(range(min(_PANELS, len(names)))) if outputs is None else outputs
        shown = [find_output(output, names) for output in shown]
        if not shown:
            raise ValueError("`outputs` is empty; name the outputs to show.")
        conditions = surrogate._query(X_seen, line.lam[0], n_rows=n_rows).conditions
        truth = match_truth(estimator, surrogate, truth, conditions, line)
        rows = np.tile(np.arange(n_rows), n_lams)
        X_asked = None if X_seen is None else take(X_seen, rows)
        lam_asked = np.repeat(line.lam, n_rows, axis=0)

        def along(answers):
            return space.flat(np.asarray(answers)).reshape(n_lams, n_rows, -1)

        predict = getattr(surrogate, "predict_proba", surrogate.predict)
        mean, interval = along(predict(X_asked, lam_asked)), None
        if hasattr(surrogate, "interval"):
            bounds = surrogate.interval(X_asked, lam_asked, coverage=coverage)
            interval = tuple(map(along, bounds))
        draws = None
        if surrogate._state.has_draws:
            options = {"n_samples": n_samples, "random_state": random_state}
            drawn = space.flat(np.asarray(surrogate.trajectory(X_seen, line.lam, **options)))
            draws = tuple(np.quantile(drawn, _DRAWS, axis=1))
        trained = np.isin(line.way, line.known)
        display = cls(
            mean=mean,
            interval=interval,
            draws=draws,
            straight=_straight(line.way, mean, trained, line.axis_scale(surrogate)),
            lam=line.way,
            trained=trained,
            outputs=shown,
            output_names=names,
            labels=name_rows(surrogate, X, n_rows, labels),
            coverage=coverage,
            truth=None if truth is None else on_line(truth, line),
            lam_name=line.name,
            lam_scale=line.axis_scale(surrogate),
            lam_ticks=line.ticks,
        )
        return display.plot(ax, **kwargs)

    def plot(
        self, ax: Any = None, *, truth_kw: Mapping[Any, Any] | None = None, **kwargs: Any
    ) -> Self:
        """Plot the answers.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Axes, one per panel. None makes a figure.
        truth_kw : dict, default=None
            Options of `Axes.scatter` for the truth.
        **kwargs : dict
            Options of `Axes.plot` for the means, such as ``lw``.

        Returns
        -------
        PredictionDisplay
            The display itself.
        """
        self.axes_ = self._take_axes(ax, len(self.outputs))
        for axis, output in zip(self.axes_, self.outputs, strict=True):
            for row in range(len(self.labels)):
                self._draw_row(axis, row, output, {"lw": 1.8, **kwargs})
            if self.truth is not None:
                self._draw_truth(axis, output, truth_kw or {})
            axis.set_ylabel(plain(self.output_names[output]))
            show_lambda(axis, self.lam_name, self.lam_scale, self.lam_ticks)
        explain_beside(self.axes_[-1])
        return self

    def _draw_row(self, ax, row, output, style):
        color = f"C{row % 10}"
        first = row == 0  # which explains all marks

        def name(text):
            return {"label": text} if first else {}

        for bounds, alpha, text in (
            (self.draws, 0.15, "80 % of draws"),
            (self.interval, 0.35, f"{100 * self.coverage:g} % interval of the mean"),
        ):
            if bounds is not None:
                band = (bound[:, row, output] for bound in bounds)
                paint = {"color": style.get("color", color), "alpha": alpha, "lw": 0}
                ax.fill_between(self.lam, *band, **paint, **name(text))
        mean = self.mean[:, row, output]
        label = plain(self.labels[row]) if len(self.labels) > 1 else "mean"
        ax.plot(self.lam, mean, **{"color": color, "label": label, **style})
        if self.straight is not None:
            line = self.straight[:, row, output]
            ax.plot(self.lam, line, color="0.35", lw=1, ls="--", **name("straight line"))
        known = self.trained
        dots = {"s": 26, "color": style.get("color", color), "edgecolor": "k", "lw": 0.8}
        ax.scatter(self.lam[known], mean[known], zorder=3, **dots, **name("trained value"))

    def _draw_truth(self, ax, output, style):
        truth = self.truth
        colors = [f"C{row % 10}" for row in truth.row]
        style = {"s": 22, "marker": "x", "lw": 1, "zorder": 2.5, "c": colors, **style}
        ax.scatter(truth.lam, truth.y[:, output], label="truth", **style)


def as_rows(X):
    """Return X with two axes: one input is a row."""
    if X is None or is_frame(X):
        return X
    if hasattr(X, "iloc") and hasattr(X, "to_frame"):  # a row of a DataFrame
        return X.to_frame().T.infer_objects()
    X = as_readable(X)
    if not isinstance(X, np.ndarray | list | tuple):
        return X
    X = np.asarray(X)
    return X[None] if X.ndim == 1 else X


def _names_of_outputs(surrogate, names, n_outputs):
    """Return the names of the outputs: of a classifier, the probabilities of its classes."""
    if names is None and hasattr(surrogate, "classes_"):
        names = [f"P({name})" for name in surrogate.classes_]
    return name_outputs(names, n_outputs)


def _straight(way, mean, trained, scale):
    """Return straight lines (L, n, D) between the means at trained values; None of one alone."""
    known = np.flatnonzero(trained)
    if len(known) < 2:
        return None
    place = np.log(way) if scale == "log" else way
    order = np.argsort(place, kind="stable")
    known = order[np.isin(order, known)]
    flat = mean.reshape(len(way), -1)
    lines = [np.interp(place, place[known], answers[known]) for answers in flat.T]
    return np.stack(lines, axis=1).reshape(mean.shape)
