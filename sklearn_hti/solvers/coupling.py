"""Couple samples of two anchors by discrete optimal transport (docs/method.md, equation 11)."""

from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.spatial.distance import cdist

from .._utils.parameters import check_choice, check_range
from .._utils.registry import storable
from ..paths.geodesic import StraightGeodesic
from ..stats.moments import scattered_moments
from .base import OTSolver
from .discrete import entropic_plan, exact_plan, sparse_plan
from .few_draws import near_blocks, shared_groups, standardised

_STRAIGHT = StraightGeodesic()
_OTHER_CATEGORY = 10.0  # makes another category dearer than most numbers
_NOTHING = 1e-6  # a spread of scaled outputs that is none
_N_CANDIDATES, _LEAST_PENALTY = 12, 0.3


@storable
class CouplingSolver(OTSolver):
    """Discrete optimal transport between the rows of two trained values.

    If inputs repeat across the trained values, one problem is solved for each group of equal x.
    If every input has one answer, the rows are paired.

    With few draws per input, matching is dominated by noise, and the learned transport loses
    spread. Groups with fewer than `min_draws` draws may therefore be coupled together with groups
    at near numbers. The coupled quantity is the residual of y at x: y minus its mean, over its
    spread. Groups are joined if this predicts left-out inputs better.

    If inputs do not repeat, residuals of all rows are coupled in mini-batches, at the cost
    ``c + condition_penalty * d(x, x') / 2``. The mean square of residuals is one. The distance d
    is the mean squared distance of standardised numbers, plus 20 for another category. In this
    case, for joined groups, and for more than `max_learned` rows, c is the cost of straight lines.

    Parameters
    ----------
    condition_penalty : "auto" or float, default="auto"
        Price of pairing rows of different x, if inputs do not repeat. In the limit of large
        values, the coupling is conditional (Kerrigan et al. 2024, Chemseddine et al. 2024). This
        limit needs more rows with more numbers in x. With few rows, a high price pairs noise, and
        spread is lost. "auto" is the price at which a row chooses among a dozen partners of near
        x, and at least 0.3.
    min_draws : int, default=64
        Number of draws from which an input has its own problem. Smaller groups join groups of two,
        four or eight times as many draws, if this predicts draws of left-out inputs better. 0
        joins no groups.
    max_batch : int, default=1024
        Rows of the largest problem. Larger groups are split at random.
    max_learned : int, default=256
        Rows of the largest problem that uses learned costs. Such a problem takes the time of
        max_learned^2 paths. Larger problems, and joined groups, use the cost of straight lines.
        All problems do if the plans between all trained values would take more than a million
        paths.
    regularization : {None, "entropic", "sparse"}, default=None
        None is the exact plan. "entropic" is Sinkhorn's plan: a row has many partners, and cheap
        ones have more weight. "sparse" gives a row at most `max_partners` partners; it takes
        seconds for a group of hundreds of rows.
    strength : float, default=0.05
        Strength of the regularization, relative to the median cost.
    max_partners : int, default=4
        Largest number of partners of a row in a "sparse" plan.
    affine : {"auto", True, False}, default="auto"
        Whether outputs follow an affine map instead of their partners. The map carries mean and
        covariance of a condition from one trained value to the next. Couplings of n samples in D
        dimensions have errors of about n^(-1/D), so in many dimensions the learned transport loses
        spread. "auto" takes the affine map if it predicts held-out rows better. True takes it
        without a coupling, in time linear in the number of rows.

    Warns
    -----
    ConvergenceWarning
        If a regularized plan misplaces more than 5 % of its mass.

    References
    ----------
    Cuturi, "Sinkhorn distances", NeurIPS 2013.

    Gelbrich, "On a formula for the L2 Wasserstein metric between measures on Euclidean and
    Hilbert spaces", Mathematische Nachrichten, 1990.

    Liu, Puigcerver and Blondel, "Sparsity-constrained optimal transport", ICLR 2023.

    Examples
    --------
    >>> from sklearn_hti.solvers import CouplingSolver
    >>> CouplingSolver(condition_penalty=3.0)
    CouplingSolver(condition_penalty=3.0)
    """

    def __init__(
        self,
        condition_penalty: str | float = "auto",
        min_draws: int = 64,
        max_batch: int = 1024,
        max_learned: int = 256,
        regularization: str | None = None,
        strength: float = 0.05,
        max_partners: int = 4,
        affine: Any = "auto",
    ) -> None:
        self.condition_penalty = condition_penalty
        self.min_draws = min_draws
        self.max_batch = max_batch
        self.max_learned = max_learned
        self.regularization = regularization
        self.strength = strength
        self.max_partners = max_partners
        self.affine = affine

    def _check(self):
        check_range(self, integer=["max_batch", "max_partners"], lowest=1)
        check_range(
            self,
            integer=["min_draws", "max_learned"],
            real=["condition_penalty"],
            lowest=0,
            words={"condition_penalty": ("auto",)},
        )
        check_range(self, real=["strength"], above=0)
        check_choice(self, "regularization", (None, "entropic", "sparse"))
        check_choice(self, "affine", ("auto", True, False))

    def plan(self, data: Any, edge: tuple[Any, ...], geodesic: Any, rng: Any) -> Any:
        """Return the transport plan along one edge.

        Parameters
        ----------
        data : TrainingData
            All encoded rows.
        edge : tuple of int
            The two trained values.
        geodesic : StraightGeodesic
            Gives the cost of a path between two outputs.
        rng : numpy.random.Generator
            Splits groups that are too large.

        Returns
        -------
        scipy.sparse.csr_array of shape (n0, n1)
            Mass between the rows of the two trained values. Every row with a partner has mass one.
        """
        rows0, rows1 = (data.anchors.rows(k) for k in edge)
        groups0, groups1 = data.groups[rows0], data.groups[rows1]
        repeated = data.facts.edges_shared[edge]
        few = []
        if repeated and self.affine is not True:
            few = near_blocks(data, edge, self.min_draws)
        by_group = repeated and not few
        entries = []
        blocks = few
        if by_group:
            singles, blocks = shared_groups(groups0, groups1)
            entries.append((*singles, np.ones(len(singles[0]))))
            y0, y1 = data.y[rows0], data.y[rows1]
        elif few:
            y0, y1 = standardised(data, edge)
        else:
            y0, y1 = _scattered(data, edge)
            blocks = [(np.arange(len(rows0)), np.arange(len(rows1)))]
            x0, x1 = (data.features.of(rows) for rows in (rows0, rows1))
            weights = _weights(data)
            price = np.sqrt(
                0.5 * self._penalty(x0, x1, weights, y0.shape[1], data.budget) * weights
            )

        if self.affine is True and repeated:
            entries += [_any_pairs(block[0], block[1], rng) for block in blocks]
            blocks = []
        parts = [
            part for block in blocks for part in _split(block[0], block[1], self.max_batch, rng)
        ]
        # with one output, plans of all these costs are the monotone one
        most = self.max_learned if by_group and data.facts.n_outputs > 1 else 0
        n_paths = sum(len(i) * len(j) for i, j in parts if max(len(i), len(j)) <= most)
        if n_paths * len(data.anchors.edges) > data.budget.priced_paths:
            most = 0
        small = [part for part in parts if max(map(len, part)) <= most]
        large = [part for part in parts if max(map(len, part)) > most]
        chords = geodesic if geodesic.is_straight else _STRAIGHT
        for paths, some in ((geodesic, small), (chords, large)):
            costs = self._costs(paths, y0, y1, some, rows0, rng)
            for (i, j), cost in zip(some, costs, strict=True):
                if not repeated:
                    cost += cdist(price * x0[i], price * x1[j], "sqeuclidean")
                plan = self._solve(cost)
                r, c = np.nonzero(plan)
                entries.append((i[r], j[c], plan[r, c] * len(i)))
        i, j, mass = (np.concatenate(part) for part in zip(*entries, strict=True))
        return coo_array((mass, (i, j)), shape=(len(rows0), len(rows1))).tocsr()

    def _penalty(self, x0, x1, weights, n_outputs, budget):
        """Return the price of x at which rows choose among about `_N_CANDIDATES` partners.

        Among k, the best is within ``k^(-2 / D)`` of the spread of y, squared, and the farthest
        as far in x as the k-th nearest: where both count alike, neither is given away.
        """
        if self.condition_penalty != "auto":
            return self.condition_penalty
        root = np.sqrt(weights)
        some, others = root * x0[: budget.penalty_rows], root * x1[: self.max_batch]
        k = min(_N_CANDIDATES, len(others))
        reach = np.partition(cdist(some, others, "sqeuclidean"), k - 1, axis=1)[:, k - 1].mean()
        return max(_LEAST_PENALTY, k ** (-2 / n_outputs) / max(reach, _NOTHING))

    def _costs(self, geodesic, y0, y1, parts, rows, rng):
        """Yield, part by part, what moving y0 to y1 costs, the price of x left out."""
        return geodesic.cost_matrices(y0, y1, parts, rows)

    def _solve(self, cost):
        """Return the plan of one cost matrix."""
        if self.regularization == "entropic":
            return entropic_plan(cost, self.strength)
        if self.regularization == "sparse":
            return sparse_plan(cost, self.strength, self.max_partners)
        return exact_plan(cost)


def _scattered(data, edge):
    """Return outputs of both ends beside the mean of their x, in units of their spread."""
    moments = [scattered_moments(data, k) for k in edge]
    unit = np.sqrt(np.mean([np.sum(known.typical**2) for known in moments]))
    return [
        known.standardise(data, data.anchors.rows(k)) / max(unit, _NOTHING)
        for known, k in zip(moments, edge, strict=True)
    ]


def _weights(data):
    """Return what the features of x weigh in the squared distance of two conditions."""
    n_numbers = data.facts.n_numbers
    is_number = np.arange(data.features.shape[1]) < n_numbers
    return np.where(is_number, 1 / max(1, n_numbers), _OTHER_CATEGORY)


def _any_pairs(i, j, rng):
    """Pair two row sets at random, every row equally often."""
    n_pairs = max(len(i), len(j))
    r, c = (np.arange(n_pairs) * n // n_pairs for n in (len(i), len(j)))
    return i[r], rng.permutation(j)[c], np.full(n_pairs, len(i) / n_pairs)


def _split(i, j, max_batch, rng):
    """Cut a block at random into parts of at most `max_batch` rows on the longer side."""
    n_parts = min(-(-max(len(i), len(j)) // max_batch), len(i), len(j))
    if n_parts == 1:
        return [(i, j)]
    i, j = rng.permutation(i), rng.permutation(j)
    return zip(np.array_split(i, n_parts), np.array_split(j, n_parts), strict=True)
