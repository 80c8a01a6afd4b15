"""Sensitivity indices as bars."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..answers.labels import require
from ..metrics._sensitivity import COLUMNS
from ._common import Display, plain
from ._sensitivity import sensitivity

_PARTS = ("advective", "diffusive", "shape")


class SensitivityDisplay(Display):
    """Sensitivity indices as bars with bounds: advective and diffusive parts, and the rest.

    The rest of an index is the part of changes in shape, which do not appear in means and
    covariances.

    Parameters
    ----------
    table : DataFrame
        The table that `sensitivity` or `sklearn_hti.metrics.ot_sensitivity` returns.

    Attributes
    ----------
    ax_ : Axes
        The axes.
    figure_ : Figure
        The figure of the axes.

    See Also
    --------
    sensitivity : The table of a surrogate.
    sklearn_hti.metrics.ot_sensitivity : The table of data.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hti.inspection import SensitivityDisplay
    >>> from sklearn_hti.metrics import ot_sensitivity
    >>> Z = np.random.default_rng(0).normal(size=(500, 2))
    >>> display = SensitivityDisplay(ot_sensitivity(Z, Z[:, 0] + Z[:, 1] ** 2)).plot()
    >>> len(display.ax_.get_yticks())
    2
    """

    def __init__(self, table: ArrayLike) -> None:
        self.table = table

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike | None = None,
        *,
        ax: Any = None,
        plot_kw: Mapping[Any, Any] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the indices of a fitted surrogate, and plot them.

        Parameters
        ----------
        estimator : surrogate or TrajectoryPipeline
            Any fitted surrogate of this package.
        X : array-like of shape (n, C), DataFrame or None, default=None
            Inputs.
        ax : Axes, default=None
            Axes of the plot. None makes a figure.
        plot_kw : dict, default=None
            Options of `plot`.
        **kwargs : dict
            Options of `sensitivity`, such as ``n_draws`` and ``random_state``.

        Returns
        -------
        SensitivityDisplay
            The display, with the plotted table.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        require("matplotlib", f"{cls.__name__}.from_estimator")
        return cls(sensitivity(estimator, X, **kwargs)).plot(ax, **(plot_kw or {}))

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Plot a bar for each row of the table, the first one on top.

        Parameters
        ----------
        ax : Axes, default=None
            Axes of the plot. None makes a figure.
        **kwargs : dict
            Options of `Axes.barh`, such as ``height``.

        Returns
        -------
        SensitivityDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the table lacks a column.
        """
        missing = [c for c in COLUMNS if c not in getattr(self.table, "columns", ())]
        if missing:
            raise ValueError(
                f"table lacks the columns {missing}; pass the table that `sensitivity` or "
                "`ot_sensitivity` returns."
            )
        self._take_axes(ax)
        table = self.table.fillna(0.0)
        places = np.arange(len(table))
        index, lower, upper = (table[c].to_numpy() for c in ("index", "lower", "upper"))
        left = np.zeros(len(table))
        for number, part in enumerate(_PARTS):
            width = index - left
            if part != "shape":  # noise may make the parts exceed the index
                width = np.minimum(table[part].to_numpy(), width)
            self.ax_.barh(places, width, left=left, color=f"C{number}", label=part, **kwargs)
            left = left + width
        bounds = np.maximum([index - lower, upper - index], 0)
        self.ax_.errorbar(index, places, xerr=bounds, fmt="none", ecolor="k", capsize=3)
        self.ax_.set_yticks(places, [plain(str(name)) for name in table.index])
        self.ax_.invert_yaxis()
        self.ax_.set(xlabel="sensitivity index", xlim=(0, min(1.0, 1.05 * max(upper.max(), 0.05))))
        self.ax_.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
        return self
