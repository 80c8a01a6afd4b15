"""Wasserstein distances between the outputs of slices of an input and all outputs.

Let S be the covariance of all outputs, which are centred, m_z and S_z mean and covariance of a
slice, and C the covariance of both under their optimal coupling. Then

    W2^2 = |m_z|^2 + tr S + tr S_z - 2 C ,

and the mean of |m_z|^2 + tr S_z over slices is tr S, so that C alone has to be estimated. If the
slice is an affine image of the whole, C is B = tr (S^1/2 S_z S^1/2)^1/2. Else C = B - excess.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

_MAX_ROWS = 128  # of a slice, in transports of several outputs
_MAX_WHOLE = 256  # rows that stand for the whole there
_MAX_SLICES = 32  # that are transported there
LEAST_ROWS = 5  # of a slice
_PART_ROWS = 30
_N_PARTS = 5
_N_SPLITS = 2  # into parts
_NO_VARIANCE = 1e-12  # of the largest


def bounded(column, Ys, n_slices, coverage, rng):
    """Return index, its parts, and the bounds of the index, all from 0 to 1.

    Parameters
    ----------
    column : ndarray of shape (N,)
        Numbers as floats, or codes of categories as integers.
    Ys : sequence of ndarray of shape (N, D)
        Outputs: several draws, over which the index is averaged.
    n_slices : int or None
        Number of slices of a number; None: the root of the number of rows.
    coverage : float
        That of the bounds.
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray of shape (5,)
        The columns of the table.
    """

    def mean_of(rows):
        number = round(np.sqrt(len(rows))) if n_slices is None else n_slices
        number = max(min(number, len(rows) // LEAST_ROWS), 1)
        return np.mean([estimate(column[rows], Y[rows], number, rng) for Y in Ys], axis=0)

    n_rows = len(column)
    found = mean_of(np.arange(n_rows))
    errors = [_squared_error(mean_of, n_rows, rng) for _ in range(_N_SPLITS)]
    n_parts = _count_parts(n_rows)
    quantile = stats.t.ppf((1 + coverage) / 2, _N_SPLITS * (n_parts - 1))
    margin = quantile * np.sqrt(np.nan_to_num(np.mean(errors), nan=1.0))
    bounds = found[0] - margin, found[0] + margin
    return np.clip([*found, *bounds], 0, 1)


def _count_parts(n_rows):
    return int(np.clip(n_rows // _PART_ROWS, 2, _N_PARTS))


def _squared_error(mean_of, n_rows, rng):
    """Return the squared standard error of an index, from disjoint parts of the rows."""
    n_parts = _count_parts(n_rows)
    found = [mean_of(rows)[0] for rows in np.array_split(rng.permutation(n_rows), n_parts)]
    return np.var(found, ddof=1) / n_parts


def principal(Y):
    """Return outputs in coordinates of their own, without those that do not vary.

    Distances stay what they are.
    """
    Y = Y - Y.mean(axis=0)
    _, size, axes = np.linalg.svd(Y, full_matrices=False)
    return Y @ axes[size**2 > _NO_VARIANCE * size[0] ** 2].T


def _slice_rows(column, n_slices, rng):
    """Return the rows of every slice, and whether values vary inside slices.

    A category is a slice by itself, and so are numbers of few values, each in some rows. Else,
    slices have equally many rows.
    """
    labels, sizes = np.unique(column, return_inverse=True, return_counts=True)[1:]
    by_value = column.dtype.kind != "f" or (len(sizes) <= n_slices and sizes.min() >= LEAST_ROWS)
    order = np.lexsort((rng.random(len(column)), labels))
    if by_value:
        return np.split(order, np.cumsum(sizes)[:-1]), False
    return np.array_split(order, n_slices), True


@dataclass(frozen=True)
class Whole:
    """All outputs, in principal coordinates.

    Attributes
    ----------
    y : ndarray of shape (N, D)
        Centred outputs.
    deviation : ndarray of shape (D,)
        Their standard deviations; coordinates are not correlated.
    few : ndarray of shape (M, D)
        Rows that stand for all, in transports of several outputs.
    root : ndarray of shape (D, D)
        Root of their covariance.
    """

    y: np.ndarray
    deviation: np.ndarray
    few: np.ndarray
    root: np.ndarray

    @classmethod
    def of(cls, Y, rng):
        """Return the Whole of outputs (N, D)."""
        y = Y - Y.mean(axis=0)
        if y.shape[1] == 1:
            few = np.sort(y, axis=0)
        else:
            few = y[rng.permutation(len(y))[:_MAX_WHOLE]]
        few = few - few.mean(axis=0)
        return cls(y, y.std(axis=0), few, _root(few.T @ few / len(few)))

    def excess(self, y):
        """Return B - C of a sample (n, D) and the whole."""
        y = y - y.mean(axis=0)
        if y.shape[1] == 1:
            total = np.append(0.0, self.few[:, 0].cumsum())
            edges = np.linspace(0, len(self.few), len(y) + 1)
            means = np.diff(np.interp(edges, np.arange(len(total)), total)) / len(self.few)
            return self.deviation[0] * y.std() - np.sort(y[:, 0]) @ means
        import ot

        products = y @ self.few.T
        plan = ot.emd([], [], products.max() - products)
        return np.linalg.norm(y @ self.root, "nuc") / np.sqrt(len(y)) - np.sum(plan * products)

    def affine_image(self, covariance, n_rows, rng):
        """Return draws of the whole, moved so that their covariance is a given one."""
        drawn = self.y[rng.permutation(len(self.y))[:n_rows]] / self.deviation
        middle = _root(self.deviation[:, None] * covariance * self.deviation)
        return drawn @ middle / self.deviation


def _root(matrix):
    """Return the root of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _covariance(y, column, rows):
    """Return the covariance of a slice's outputs, less their linear trend in its column."""
    n_fitted, y = 1, y[rows] - y[rows].mean(axis=0)
    if column is not None and np.ptp(column[rows]) > 0:
        z = column[rows] - column[rows].mean()
        z /= np.linalg.norm(z)
        n_fitted, y = 2, y - np.outer(z, z @ y)
    return y.T @ y / (len(y) - n_fitted)


def _coupled(whole, covariance):
    """Return B of a slice's covariance and the whole."""
    product = whole.deviation[:, None] * covariance * whole.deviation
    return np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum()


def _without_noise(whole, covariance, column, rows):
    """Return B of a slice, less what the root of a noisy covariance adds, as halves show it."""
    found = _coupled(whole, covariance)
    if len(rows) < 2 * LEAST_ROWS:
        return found
    halves = [
        _coupled(whole, _covariance(whole.y, column, half)) for half in (rows[::2], rows[1::2])
    ]
    return 2 * found - np.mean(halves)


def estimate(column, Y, n_slices, rng):
    """Return index, advective and diffusive part of one column, not clipped; NaN without slices.

    Parameters
    ----------
    column : ndarray of shape (N,)
        Numbers as floats, or codes of categories as integers.
    Y : ndarray of shape (N, D)
        Outputs.
    n_slices : int
        Number of slices of a number.
    rng : Generator
        Splits slices, and draws the affine images.
    """
    whole = Whole.of(Y, rng)
    slices, varies = _slice_rows(column, n_slices, rng)
    slices = [rng.permutation(rows) for rows in slices if len(rows) >= LEAST_ROWS - 1]
    if not slices or not np.all(whole.deviation > 0):
        return np.full(3, np.nan)
    sizes = np.array([len(rows) for rows in slices])
    inside = column if varies else None
    covariances = [_covariance(whole.y, inside, rows) for rows in slices]
    within = [np.trace(covariance) for covariance in covariances]
    bures = [
        _without_noise(whole, covariance, inside, rows)
        for covariance, rows in zip(covariances, slices, strict=True)
    ]
    total = np.sum(whole.deviation**2)
    unbiased = total * len(Y) / (len(Y) - 1)
    advective = (1 - np.average(within, weights=sizes) / unbiased) / 2
    both = 1 - np.average(bures, weights=sizes) / total
    excess = _mean_excess(whole, slices, sizes, covariances, rng) / total
    return np.array([both + excess, advective, both - advective])


def _mean_excess(whole, slices, sizes, covariances, rng):
    """Return the mean of B - C over slices, without the part that is sampling noise.

    Affine images of the whole have none: theirs is noise. How much of it the slices have is seen
    by how much more their halves have.
    """
    chosen = np.arange(len(slices))
    if whole.y.shape[1] > 1:
        chosen = np.unique(np.linspace(0, len(slices) - 1, _MAX_SLICES).round().astype(int))
    found, noise = np.zeros(2), np.zeros(2)
    for k in chosen:
        rows = slices[k] if whole.y.shape[1] == 1 else slices[k][:_MAX_ROWS]
        found += sizes[k] * _whole_and_halves(whole, whole.y[rows])
        image = whole.affine_image(covariances[k], len(rows), rng)
        noise += sizes[k] * _whole_and_halves(whole, image)
    growth = noise[1] - noise[0]
    of_noise = np.clip((found[1] - found[0]) / growth, 0, 2) if growth > 0 else 1.0
    return (found[0] - of_noise * noise[0]) / sizes[chosen].sum()


def _whole_and_halves(whole, y):
    halves = [whole.excess(half) for half in (y[::2], y[1::2])]
    return np.array([whole.excess(y), np.mean(halves)])
