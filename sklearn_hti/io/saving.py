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

        Dots mark the trained values. The dark band is the interval of the mean, the light one
        holds 80 % of the draws, and the dashed line connects the answers at trained values. Of
        several hyperparameters one varies, and the others are held; a map over two of them is
        `sklearn_hti.inspection.LamMapDisplay`.

        Parameters
        ----------
        X : array-like of shape (C,) or (n, C), Series, DataFrame or None, default=None
            The input to show, or a few, one colour each; None for no condition.
        **options : dict
            Of `sklearn_hti.inspection.PredictionDisplay.from_estimator`, such as ``outputs``,
            ``coverage``, ``lam_grid``, ``lam_name``, ``output_names`` and ``ax``.

        Returns
        -------
        PredictionDisplay
            The picture, in ``figure_``, with the arrays that are shown.

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

        One file, to be opened in any browser, that loads nothing from elsewhere: plotly.js, of
        4.8 MB, and at most 1 MB besides. The same draws are followed, so that motion is
        continuous. One output is shown along lambda, with quantiles of the draws of one row and a
        histogram, more by the plane of two of them; trained values are ticks of the slider. All
        rows together are shown as one line or dot each: they tell how inputs differ, not how
        uncertain an answer is. The page is light or dark as the browser is, and fits phones.

        The page holds 300,000 numbers at most, each rounded to 1/65,536 of the range of its
        output: the first 100 outputs, at most 50 rows of X, evenly spaced from the first to the
        last, and so many draws of each as there is room for.

        Of several hyperparameters, every number has a slider and every category a list. One
        output is shown along the number that is chosen. Where trained values do not surround
        lambda, the page says so in place of an answer. Numbers that follow from others, as
        weights do that sum to one, move by themselves.

        Parameters
        ----------
        path : str or path-like
            The file to write.
        X : array-like of shape (n, C), DataFrame or None, default=None
            The conditions to choose from; None for no condition.
        lam_grid : array-like of shape (L,) or (L, k), default=None
            Lambdas of the draws, to which the anchors between them are added; between two, a
            draw moves straight. None: 61 from the first anchor to the last; of several
            hyperparameters, at most 125 of an even grid between the trained values, which are
            added.
        n_samples : int, default=200
            Draws per row of X, at most; where every input has one answer, it is taken once.
        output_names : list of str, default=None
            Names of the outputs.
        labels : list of str, default=None
            Names of the rows of X.
        lam_name : str or list of str, default=None
            Name of lambda, one for each hyperparameter; None is that of `fit`, or λ.
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
            If a lambda is outside the anchors, or names do not fit.
        ImportError
            If plotly is not installed.
        OSError
            If the file cannot be written; what was there before is unchanged.
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

        The file holds numbers and names (safetensors and JSON), nothing that could be executed.
        It is written beside `path` and takes its place once it is complete.

        Parameters
        ----------
        path : str or path-like
            The file, whatever its name ends in.

        Raises
        ------
        TypeError
            If an object of the user is part of the surrogate: a function, an estimator, a
            transformer or a class derived from ours. `skops.io.dump` and `joblib.dump` keep
            those.
        ValueError
            If the surrogate holds NaN.
        OSError
            If the file cannot be written; what was there before is unchanged.

        Warns
        -----
        TrajectoryWarning
            If the surrogate asks networks: they are not saved.
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
