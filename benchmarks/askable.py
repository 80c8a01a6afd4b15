"""Families of networks that can be asked at inputs that were not in fit."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.spatial import KDTree
from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVR
from sklearn.utils import check_random_state

from sklearn_hti import sweep
from sklearn_hti.clocks.selection import suggested_rule

from .tasks import straight_line
from .zoo.registry import CARDS, load

N_INPUTS = 300  # of scikit-learn models: rows of training and of fit, and as many new ones
ONLY_CATEGORIES = ("dropout_diffusion", "beta_vae_digits")  # all inputs are in fit


@dataclass(frozen=True)
class Problem:
    """Rows of fit, new inputs, and the answers of all networks there.

    Attributes
    ----------
    X, y, lam : ndarray
        What `fit` takes: outputs at three trained values.
    inputs : ndarray of shape (n, C)
        New inputs.
    outputs : dict
        By value of lambda, answers (n, m, D) at the new inputs: m draws, or one.
    networks : dict
        The networks of the trained values.
    params : dict
        Parameters of surrogates that any user would set.
    """

    X: np.ndarray
    y: np.ndarray
    lam: np.ndarray
    inputs: np.ndarray
    outputs: dict
    networks: dict
    params: dict

    @property
    def shape(self):
        """Number of new inputs n, of draws m and of outputs D."""
        return next(iter(self.outputs.values())).shape

    @property
    def held_out(self):
        """The values to measure at."""
        return [lam for lam in self.outputs if lam not in self.networks]

    def time(self, lam):
        """Return how far lambda is along the trained range, on the scale that it suggests."""
        anchors = sorted(self.networks)
        lam = np.asarray(lam, dtype=float)
        return suggested_rule(anchors).fraction(lam, anchors[0], anchors[-1])

    def neighbours(self, lam):
        """Return the trained values below and above lambda."""
        anchors = sorted(self.networks)
        end = np.searchsorted(anchors, lam)
        return anchors[end - 1], anchors[end]

    def share(self, lam):
        """Return how far lambda is between its neighbours on the suggested scale."""
        low, high = self.time(self.neighbours(lam))
        return (self.time(lam) - low) / (high - low)

    def nearest(self, lam):
        """Return the trained value nearest to lambda on the suggested scale."""
        return self.neighbours(lam)[int(self.share(lam) > 0.5)]

    def line(self, low, high, share):
        """Return what lies between outputs (n, m, D) of two networks, coupled at each input."""
        X = np.repeat(self.inputs, low.shape[1], axis=0)
        flat = (y.reshape(len(X), -1) for y in (low, high))
        return straight_line(X, *flat, share).reshape(low.shape)


def of_the_zoo(name, seed):
    """Return a family of the zoo, one seed of its networks, which look up stored outputs."""
    family = load(name)
    own, anchors = seed % len(family.y), family.anchors(3)
    rows = family.test_rows[np.argsort(family.groups[family.test_rows], kind="stable")]
    first = np.unique(family.groups[rows], return_index=True)[1]
    outputs = {
        lam: family.at(lam, seed=own, rows=rows).reshape(len(first), -1, family.n_outputs)
        for lam in (*anchors, *family.held_out)
    }
    networks = {lam: lookup(family.X, family.at(lam, seed=own)) for lam in anchors}
    params = {"y_bounds": family.y_bounds, "categorical_features": list(family.categorical)}
    fitted = family.training_set(3, seed=own)
    return Problem(*fitted, family.X[rows[first]], outputs, networks, params)


def lookup(X, y):
    """Return the function that answers an input with its stored outputs: one, or draws."""
    inputs, group = np.unique(X, axis=0, return_inverse=True)
    order = np.argsort(group.ravel(), kind="stable")
    stored, tree = y[order].reshape(len(inputs), -1, y.shape[1]), KDTree(inputs)
    n_stored = stored.shape[1]

    def answer(X):
        return stored[tree.query(X)[1], 0]

    def draw(X, n_samples):
        ranks = check_random_state(None).random_sample((len(X), n_stored)).argsort(axis=1)
        picked = ranks[:, np.arange(n_samples) % n_stored, None]
        draws = np.take_along_axis(stored[tree.query(X)[1]], picked, axis=1)
        return np.moveaxis(draws, 1, 0)

    return answer if n_stored == 1 else draw


def swept(model, parameter, anchors, held_out, seed):
    """Return a scikit-learn model, trained on the inputs of fit at values of one parameter."""
    X, y = make_friedman1(2 * N_INPUTS, noise=1.0, random_state=seed)
    given, new, target = X[:N_INPUTS], X[N_INPUTS:], ((y - y.mean()) / y.std())[:N_INPUTS]
    data = sweep(model, parameter, [*anchors, *held_out], given, target, random_state=seed)
    outputs = {lam: ask(new).reshape(N_INPUTS, 1, 1) for lam, ask in data.networks.items()}
    networks = {float(lam): data.networks[float(lam)] for lam in anchors}
    seen = np.isin(data.lam, anchors)
    return Problem(data.X[seen], data.y[seen], data.lam[seen], new, outputs, networks, {})


QUANTILE, TREES = GradientBoostingRegressor(loss="quantile"), GradientBoostingRegressor()
KERNEL = KernelRidge(kernel="rbf", gamma=0.5)
MODELS = {
    "boosted quantiles": (QUANTILE, "alpha", (0.05, 0.5, 0.95), (0.1, 0.25, 0.75, 0.9)),
    "kernel ridge": (KERNEL, "alpha", (0.01, 0.3, 10.0), (0.03, 0.1, 1.0, 3.0)),
    "boosted trees": (TREES, "n_estimators", (10, 100, 400), (20, 50, 150, 250)),
    "support vectors": (SVR(), "C", (0.1, 1.0, 10.0), (0.2, 0.5, 2.0, 5.0)),
}
FAMILIES = {name: partial(swept, *given) for name, given in MODELS.items()} | {
    name: partial(of_the_zoo, name) for name in CARDS if name not in ONLY_CATEGORIES
}
