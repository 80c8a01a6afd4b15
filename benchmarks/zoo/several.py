"""Families of several hyperparameters: where networks are trained, cards, stored outputs."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from sklearn_hti.datasets._designs import draw_anchors

from .family import BaseCard, Measures, Outputs, read

DESIGNS = ("grid", "scattered")
N_HELD_OUT = 32
MARGIN = 0.03  # of held-out values from the sides, as a share of an axis
SCALES = {
    "identity": (lambda v: v, lambda v: v),
    "log": (np.log, np.exp),
    "probit": (ndtri, ndtr),
}


@dataclass(frozen=True)
class Axis:
    """One hyperparameter: its trained range, and the scale on which its grid is even."""

    name: str
    low: float
    high: float
    scale: str = "identity"

    def at(self, share):
        """Return values, four digits each, by their share of the range on the scale."""
        to, back = SCALES[self.scale]
        ends = to(np.array([self.low, self.high]))
        values = back(ends[0] + np.asarray(share) * (ends[1] - ends[0]))
        return np.array([float(f"{v:.4g}") for v in values])


@dataclass(frozen=True)
class Box:
    """Values of independent hyperparameters.

    Scattered trained values are all corners, so that their convex hull on the scales is the
    box, and points of a scrambled Halton sequence.
    """

    axes: tuple[Axis, ...]
    n_grid: int = 4  # per axis
    n_scattered: int = 12

    @property
    def names(self):
        """The hyperparameters."""
        return tuple(axis.name for axis in self.axes)

    def parts(self):
        """Return the values (m, k) of the fine grid, scattered ones and those held out."""
        k = len(self.axes)
        fine = draw_anchors("grid", (2 * self.n_grid - 1) ** k, k, None)
        scattered = draw_anchors("scattered", self.n_scattered, k, 1)
        held_out = qmc.Halton(k, rng=np.random.default_rng(2)).random(N_HELD_OUT)
        shares = fine, scattered, MARGIN + (1 - 2 * MARGIN) * held_out
        return [
            np.column_stack([axis.at(s) for axis, s in zip(self.axes, share.T, strict=True)])
            for share in shares
        ]

    def coarse(self, fine):
        """Return which values of the fine grid are anchors: every other on each axis."""
        numbers = [np.unique(axis, return_inverse=True)[1] for axis in fine.T]
        return np.flatnonzero((np.array(numbers) % 2 == 0).all(axis=0))


@dataclass(frozen=True)
class Simplex:
    """Weights that sum to one, each of them at least `least`.

    The grid is a lattice with `n_grid` values on each side. Scattered trained values are the
    corners, so that their convex hull is the simplex, and points of a scrambled Halton sequence.
    """

    names: tuple[str, ...]
    least: float
    n_grid: int = 4
    n_scattered: int = 12

    def parts(self):
        """Return the values (m, k) of the fine grid, scattered ones and those held out."""
        k, steps = len(self.names), 2 * (self.n_grid - 1)
        lattice = [point for point in product(range(steps + 1), repeat=k) if sum(point) == steps]
        scattered = [np.eye(k), even_weights(self.n_scattered - k, k, 1)]
        held_out = MARGIN + (1 - k * MARGIN) * even_weights(N_HELD_OUT, k, 2)
        weights = np.array(lattice) / steps, np.concatenate(scattered), held_out
        return [self.least + (1 - k * self.least) * part for part in weights]

    def coarse(self, fine):
        """Return which values of the fine grid are anchors: every other along each side."""
        steps = 2 * (self.n_grid - 1)
        numbers = (fine - self.least) / (1 - len(self.names) * self.least) * steps
        return np.flatnonzero((np.round(numbers) % 2 == 0).all(axis=1))


def even_weights(n, k, seed):
    """Return weights (n, k) that sum to one: pieces that points of a sequence break off."""
    points = qmc.Halton(k - 1, rng=np.random.default_rng(seed)).random(n)
    # what is left after each piece, so that weights are uniform
    left = np.cumprod(points ** (1 / np.arange(k - 1, 0, -1)), axis=1)
    return -np.diff(left, axis=1, prepend=1.0, append=0.0)


@dataclass(frozen=True, kw_only=True)
class SeveralOutputs(Outputs):
    """What is stored; y[s, l] comes from the network at `lams[l]`.

    Attributes
    ----------
    lams : ndarray of shape (L, k)
        All trained values.
    fine, grid, scattered, held_out : ndarray of int
        Rows of `lams`: an even grid, every other value of which makes the grid of anchors; the
        scattered anchors; and values to measure at, inside the hull of both.
    """

    lams: np.ndarray
    fine: np.ndarray
    grid: np.ndarray
    scattered: np.ndarray
    held_out: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SeveralCard(BaseCard):
    """A card of several hyperparameters; `train` takes lams (L, k).

    Attributes
    ----------
    space : Box or Simplex
        Where the values lie.
    """

    space: Box | Simplex

    def trained(self):
        """Return all values (L, k), each once, and the rows of every part of them."""
        fine, scattered, held_out = self.space.parts()
        together = np.concatenate([fine, scattered, held_out])
        lams, rows = np.unique(together, axis=0, return_inverse=True)
        fine, scattered, held_out = np.split(rows.ravel(), np.cumsum([len(fine), len(scattered)]))
        grid = fine[self.space.coarse(lams[fine])]
        rows = {"fine": fine, "grid": grid, "scattered": scattered, "held_out": held_out}
        return lams, rows

    def run(self, progress):
        """Train all networks; return what is stored."""
        lams, rows = self.trained()
        outputs = self.train(lams, range(self.n_seeds), progress)
        return SeveralOutputs(**vars(outputs), lams=lams, **rows)


@dataclass(frozen=True, kw_only=True)
class SeveralFamily(Measures, SeveralCard, SeveralOutputs):
    """A card with the outputs of its networks. A network goes by its row of `lams`."""

    def at(self, lam, *, seed=0, rows=None):
        """Return the outputs (n, D) of one network at the rows, all by default."""
        y = self.y[seed, lam].astype(float)
        return y if rows is None else y[rows]

    def anchors(self, design):
        """Return the rows of `lams` that a design trains."""
        if design not in DESIGNS:
            raise ValueError(f"design is {design!r}; pass one of {', '.join(DESIGNS)}.")
        return getattr(self, design)

    def training_set(self, design, *, seed=0):
        """Return X, y (n, D), lam (n, k) of a design, as `fit` takes them."""
        anchors, rows = self.anchors(design), self.train_rows
        y = np.concatenate([self.at(lam, seed=seed, rows=rows) for lam in anchors])
        lam = np.repeat(self.lams[anchors], len(rows), axis=0)
        return np.tile(self.X[rows], (len(anchors), 1)), y, lam

    def floor(self, lam):
        """Return the mean distance between networks of different seeds; exact training: 0."""
        return super().floor(lam) if len(self.y) > 1 else 0.0


def load_several(card):
    """Return the family of a card, with its stored outputs."""
    return read(card, SeveralFamily, SeveralOutputs)
