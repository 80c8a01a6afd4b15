"""What a fitted surrogate is shown in and written to: pictures, pages, files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from .._utils.annotations import FilePath, Lam, Seed
from ..answers.answering import Answering
from ..answers.page import write_page
from ..inspection import PredictionDisplay
from .persistence import get_state, save, set_state
from .summary import summary_as_html


class Saved(Answering):
    """An answering estimator that is shown, written to pages and files, copied and pickled."""

    def plot(self, X: ArrayLike | None = None, **options: Any) -> PredictionDisplay:
        """Plot outputs along lambda: the mean, its interval, draws and the straight line.

        Dots mark the trained values. The dark band is the interval of the mean. The light band
        holds 80 % of the draws. The dashed line connects the answers at trained values. Of
        several hyperparameters, one varies and the others are fixed.
        `sklearn_hti.inspection.LamMapDisplay` draws a map over two of them.

        Parameters
        ----------
        X : array-like of shape (C,) or (n, C), Series, DataFrame or None, default=None
            One input to show, or a few, in one colour each. None: there is no condition.
        **options : dict
            Options of `sklearn_hti.inspection.PredictionDisplay.from_estimator`, such as
            ``outputs``, ``coverage``, ``lam_grid``, ``lam_name``, ``output_names`` and ``ax``.

        Returns
        -------
        PredictionDisplay
            The picture, in ``figure_``, and the plotted arrays.

        Raises
        ------
        ValueError
            If an output does not exist, or a lambda is outside the trained values.
        ImportError
            If matplotlib is not installed.
        """
        return PredictionDisplay.from_estimator(self, X, **options)

    def to_html(
        self,
        path: FilePath,
        X: ArrayLike | None = None,
        *,
        lam_grid: Lam | None = None,
        n_samples: int = 200,
        output_names: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
        lam_name: str | Sequence[str] | None = None,
        title: str | None = None,
        random_state: Seed = None,
    ) -> Path:
        """Write a page with sliders for lambda that move the distribution of the outputs.

        The page is a single file, which opens in any browser and loads nothing else. It contains
        plotly.js (4.8 MB) and at most 1 MB of data. The sliders follow the same draws, so that
        motion is continuous. Trained values are ticks of the sliders. A single output is plotted
        along lambda, with quantiles of the draws of one row and a histogram. Several outputs are
        plotted in the plane of two of them. A view of all rows has one line or dot per row. It
        shows how inputs differ, not how uncertain an answer is. The page follows the light or dark
        mode of the browser and fits phones.

        The page holds at most 300,000 numbers, each rounded to 1/65,536 of the range of its
        output. It has the first 100 outputs, and at most 50 rows of X, evenly spaced from the
        first to the last. If necessary, it has fewer draws per row.

        With several hyperparameters, every number has a slider and every category a list. One
        output is plotted along the chosen number. If trained values do not surround lambda, a
        message replaces the answer. Numbers that depend on others move with them, such as weights
        that sum to one.

        Parameters
        ----------
        path : str or path-like
            The file to write.
        X : array-like of shape (n, C), DataFrame or None, default=None
            The conditions that the page offers. None: there is no condition.
        lam_grid : array-like of shape (L,) or (L, k), default=None
            Lambdas of the draws. The trained values between them are added, and draws move
            straight from one to the next. None: 61 from the first trained value to the last. With
            several hyperparameters, None is the trained values and at most 125 points of an even
            grid between them.
        n_samples : int, default=200
            Largest number of draws per row of X. If every input has one answer, there is one draw.
        output_names : list of str, default=None
            Names of the outputs.
        labels : list of str, default=None
            Names of the rows of X.
        lam_name : str or list of str, default=None
            Name of lambda, or one name for each hyperparameter. None is the name in `fit`, or λ.
        title : str, default=None
            Title of the page.
        random_state : int, RandomState, Generator or None, default=None
            Seed of the draws.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        ValueError
            If a lambda is outside the trained values, or the number of names is wrong.
        ImportError
            If plotly is not installed.
        OSError
            If the file cannot be written. An existing file is unchanged.
        """
        return write_page(
            self,
            path,
            X,
            lam_grid=lam_grid,
            n_samples=n_samples,
            output_names=output_names,
            labels=labels,
            lam_name=lam_name,
            title=title,
            random_state=random_state,
        )

    def save(self, path: FilePath) -> None:
        """Write the fitted surrogate to a plain data file, for `sklearn_hti.load`.

        The file holds numbers and names (safetensors and JSON), and no code. It is first written
        to a temporary file, which replaces `path` once it is complete.

        Parameters
        ----------
        path : str or path-like
            The file, with any suffix.

        Raises
        ------
        TypeError
            If the surrogate contains an object of the user: a function, an estimator, a
            transformer or a class derived from one of this package. `skops.io.dump` and
            `joblib.dump` keep these.
        ValueError
            If the surrogate holds NaN.
        OSError
            If the file cannot be written. An existing file is unchanged.

        Warns
        -----
        TrajectoryWarning
            If the surrogate has `networks`, which are not saved.
        """
        check_is_fitted(self)
        save(self, path)

    def _repr_html_inner(self):
        """Return the diagram of scikit-learn, and what was fitted below it."""
        return super()._repr_html_inner() + summary_as_html(self)

    def _repr_mimebundle_(self, **kwargs):
        output = super()._repr_mimebundle_(**kwargs)
        if "text/html" in output:
            output["text/html"] = self._repr_html_inner()
        return output

    def __copy__(self):
        """Return another surrogate with the same parts."""
        same = object.__new__(type(self))
        vars(same).update(vars(self))
        return same

    def __getstate__(self):
        """Return plain data, which skops takes and which go from device to device."""
        return get_state(self)

    def __setstate__(self, state):
        set_state(self, state)
