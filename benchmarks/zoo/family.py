"""What the zoo has of a family: its card, and with outputs of its networks a Family."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from sklearn_hti.metrics import squared_wasserstein

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a training hands over; stored as one file.

    Attributes
    ----------
    X : ndarray of shape (n, C)
        Inputs, the same for every network. Equal rows are several draws at one input.
    y : ndarray of shape (S, L, n, D)
        Outputs by seed of the network, lambda and row.
    train_rows, test_rows : ndarray of int
        Rows to fit on and rows to measure on; disjoint. Where X is continuous no input
        is in both.
    """

    X: np.ndarray
    y: np.ndarray
    train_rows: np.ndarray
    test_rows: np.ndarray


@dataclass(frozen=True, kw_only=True)
class BaseCard:
    """What is fixed before any training, however many hyperparameters there are.

    Attributes
    ----------
    name : str
        Name of the family and of its file.
    network, hyperparameter, changes, data : str
        The card in words: what is trained, what lambda is, what it changes in the
        outputs, and where the training data come from.
    deterministic : bool
        Whether a network gives one output per input.
    train : callable
        ``train(lams, seeds, progress)`` returns Outputs; progress wraps the loop over
        networks, as tqdm does.
    categorical : tuple of int
        Columns of X that hold categories.
    y_bounds : tuple of two float or None
        Where outputs can lie.
    output_transform : str or None
        The coordinates of outputs, "simplex" of probabilities.
    possible : callable or None
        ``possible(X, y)`` tells which outputs a network could give, row by row; networks leave out
        a few at most. None: all.
    n_seeds : int
        Number of trainings with other random numbers at every lambda.
    traits : tuple of str
        "still" (lambda hardly matters), "chaotic" (seeds matter as much as lambda),
        "breaks" (networks nearly fail at one end), "control" (a policy).
    """

    name: str
    network: str
    hyperparameter: str
    changes: str
    data: str
    deterministic: bool
    train: Callable = field(repr=False)
    categorical: tuple[int, ...] = ()
    y_bounds: tuple[float, float] | None = None
    output_transform: str | None = None
    possible: Callable | None = field(default=None, repr=False)
    n_seeds: int = 2
    traits: tuple[str, ...] = ()

    @property
    def file(self):
        """Where the outputs are stored."""
        return DATA / f"{self.name}.npz"

    def run(self, progress):
        """Train all networks; return what is stored."""
        return self.train(self.lams, range(self.n_seeds), progress)


@dataclass(frozen=True, kw_only=True)
class Card(BaseCard):
    """A card of one hyperparameter.

    Attributes
    ----------
    lams : tuple of float
        The values of lambda, increasing.
    clock : str
        A `lam_transform` that fits the family by what is known of it. Documentation
        only: no method may be told.
    """

    lams: tuple[float, ...]
    clock: str

    @property
    def protocols(self):
        """The numbers of anchors that the family is judged with."""
        intervals = len(self.lams) - 1
        return tuple(k for k in (2, 3, 5) if intervals % (k - 1) == 0 and intervals > k - 1)

    def anchors(self, n_anchors):
        """Return the anchors of a protocol, evenly spaced in the list of values."""
        if n_anchors not in self.protocols:
            raise ValueError(
                f"{self.name} has no protocol with {n_anchors} anchors, only {self.protocols}."
            )
        return self.lams[:: (len(self.lams) - 1) // (n_anchors - 1)]

    @property
    def held_out(self):
        """The values that are an anchor in no protocol: for measuring only."""
        used = set().union(*map(self.anchors, self.protocols))
        return tuple(lam for lam in self.lams if lam not in used)


def on_simplex(X, y):
    """Tell which rows are probabilities, to single precision."""
    return (y >= -1e-6).all(axis=1) & (np.abs(y.sum(axis=1) - 1) < 1e-5)


class Measures:
    """Distances between the outputs of a family's networks; `at(lam, seed, rows)` gives them."""

    @property
    def n_outputs(self):
        """D."""
        return self.y.shape[-1]

    @property
    def groups(self):
        """Label of the input of each row: rows with equal X share it."""
        return np.unique(self.X, axis=0, return_inverse=True)[1].ravel()

    def distance(self, y, y_other, rows=None):
        """Return the distance of two sets of outputs at the same rows, shapes (n, D).

        Deterministic networks: mean squared error. Stochastic ones: squared Wasserstein
        distance among the draws at each input, mean over inputs.
        """
        if self.deterministic:
            return float(np.mean((np.asarray(y) - y_other) ** 2))
        groups = self.groups if rows is None else self.groups[rows]
        return squared_wasserstein(y, y_other, groups=groups)

    def floor(self, lam):
        """Return the mean distance between networks of different seeds, on test rows."""
        y = [self.at(lam, seed=s, rows=self.test_rows) for s in range(len(self.y))]
        pairs = [(a, b) for b in range(len(y)) for a in range(b)]
        return float(np.mean([self.distance(y[a], y[b], self.test_rows) for a, b in pairs]))


@dataclass(frozen=True, kw_only=True)
class Family(Measures, Card, Outputs):
    """A card with the outputs of its networks."""

    def at(self, lam, *, seed=0, rows=None):
        """Return the outputs (n, D) of one network at the rows, all by default."""
        y = self.y[seed, self.lams.index(lam)].astype(float)
        return y if rows is None else y[rows]

    def training_set(self, n_anchors, *, seed=0):
        """Return X, y, lam of a protocol, as `fit` takes them."""
        anchors, rows = self.anchors(n_anchors), self.train_rows
        y = np.concatenate([self.at(lam, seed=seed, rows=rows) for lam in anchors])
        return np.tile(self.X[rows], (len(anchors), 1)), y, np.repeat(anchors, len(rows))

    def movement(self, lam, lam_from=None):
        """Return the error of not moving from lam_from (the first value) on test rows."""
        lam_from = self.lams[0] if lam_from is None else lam_from
        y = (self.at(value, rows=self.test_rows) for value in (lam, lam_from))
        return self.distance(*y, self.test_rows)


def save(card, outputs):
    """Store the outputs of a family; the file appears only when it is whole."""
    DATA.mkdir(exist_ok=True)
    part = card.file.with_suffix(".part.npz")
    np.savez_compressed(part, **vars(outputs))
    part.replace(card.file)


def read(card, kind=Family, stored=Outputs):
    """Return the family whose outputs were stored."""
    with np.load(card.file) as arrays:
        outputs = {f.name: arrays[f.name] for f in fields(stored)}
    return kind(**{f.name: getattr(card, f.name) for f in fields(card)}, **outputs)
