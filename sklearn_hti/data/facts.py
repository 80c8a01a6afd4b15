"""Facts about the design of the data: how many inputs, how many draws of each, which are shared.

Every "few or many?" of the package is a question of this file, and its cut-off stands here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._utils.groupby import number_groups, squares_of_groups

# Draws of an input, or rows of a value of lambda. So many show how far apart draws are and are
# enough to draw among; a value with fewer rows is no anchor.
FEW = 5
# Draws or inputs. So many draws determine a distribution, its variance and its entropy; so many
# inputs determine a smooth function of x, show which are near, and may be held out whole.
MANY = 20
BLOCK_DRAWS = 16  # draws that show a distribution, in a block of a solver that learns maps
LISTED_INPUTS = 50  # at most: draws are taken from a list of the outputs of each
ENTROPY_INPUTS = 100  # at most: each has an entropy of its own

# How large a part is most of it, and how small a difference is none?
MOST = 0.5  # of rows
SOME = 0.1  # of inputs that have a second draw
SAME_DRAWS = 1e-10  # variance of scaled outputs at one input: draws are equal below
LEVELS = 10  # values of a number at most, or only whole ones: a level, not continuous


@dataclass(frozen=True, eq=False)
class DrawCounts:
    """How many draws inputs have, among some rows.

    Parameters
    ----------
    inputs : ndarray of shape (G,)
        Numbers of the distinct inputs, ascending.
    per_input : ndarray of shape (G,)
        Rows of each, at least one.
    """

    inputs: np.ndarray
    per_input: np.ndarray

    @classmethod
    def of(cls, groups):
        """Count the draws of rows whose inputs are numbered."""
        return cls(*np.unique(groups, return_counts=True))

    @cached_property
    def n_rows(self):
        """The number of rows."""
        return int(self.per_input.sum())

    @property
    def n_inputs(self):
        """The number of distinct inputs."""
        return len(self.per_input)

    @property
    def n_spare(self):
        """The number of draws beyond the first of each input."""
        return self.n_rows - self.n_inputs

    @property
    def median(self):
        """The median draws of an input."""
        return np.median(self.per_input)

    @property
    def fewest(self):
        """The fewest draws of an input."""
        return self.per_input.min()

    # ------------------------------------------------------------ few or many draws?

    @property
    def one_each(self):
        """Whether every input has one draw."""
        return self.n_inputs == self.n_rows

    @property
    def mostly_single(self):
        """Whether there are more inputs than half of the rows."""
        return self.n_inputs > MOST * self.n_rows

    @property
    def mostly_repeated(self):
        """Whether most rows have a second draw of their input."""
        return self._rows_of_inputs_with(2) >= MOST * self.n_rows

    @property
    def some_repeat(self):
        """Whether more than a few inputs have a second draw."""
        return np.mean(self.per_input > 1) > SOME

    @property
    def show_spread(self):
        """Whether most rows have enough draws of their input to show how far apart they are."""
        return self._rows_of_inputs_with(FEW) >= MOST * self.n_rows

    @property
    def tell_variance(self):
        """Whether there are enough spare draws, of enough inputs, for a variance at each."""
        return self.n_spare >= MANY and self.n_inputs >= MANY

    @property
    def match_by_input(self):
        """Whether inputs have enough draws to look for the nearest input first."""
        return self.n_rows >= FEW * self.n_inputs

    @property
    def know_distributions(self):
        """Whether inputs have so many draws that all are needed to know their distribution."""
        return self.n_rows >= MANY * self.n_inputs

    @property
    def have_entropies(self):
        """Whether every input has an entropy of its own: few inputs of many draws."""
        return self.n_inputs <= ENTROPY_INPUTS and self.fewest >= MANY

    @property
    def can_be_listed(self):
        """Whether draws can be taken from a list: few inputs, enough draws of each."""
        return self.n_inputs <= LISTED_INPUTS and self.fewest >= FEW

    # ------------------------------------------------------------ few or many inputs?

    @property
    def show_neighbours(self):
        """Whether there are enough inputs to tell which are near."""
        return self.n_inputs >= MANY

    @property
    def hold_inputs(self):
        """Whether whole inputs are held out of a training; else rows are."""
        return self.n_inputs >= MANY

    def _rows_of_inputs_with(self, n_draws):
        return self.per_input[self.per_input >= n_draws].sum()


@dataclass(frozen=True, eq=False)
class DesignFacts:
    """What the design of training data is, computed once and read by every stage of a fit.

    Parameters
    ----------
    draws : tuple of DrawCounts
        Draws per input, at every anchor.
    all_draws : DrawCounts
        Draws per input, of all anchors together.
    inputs_shared : tuple of bool
        For every anchor, whether other anchors know its inputs, and it theirs
        (see `inputs_shared`).
    edges_shared : dict of bool
        The same for the two anchors of every edge.
    draws_differ : tuple of bool
        For every anchor, whether draws of one input differ: the variance within inputs is not
        zero. False where too few draws tell it.
    one_answer : bool
        Whether anchors share their inputs, and no two outputs of one input differ at an anchor:
        rows of one input are one particle, without coupling.
    n_outputs, n_numbers, n_categorical : int
        Columns of y, and of X by kind.
    """

    draws: tuple
    all_draws: DrawCounts
    inputs_shared: tuple
    edges_shared: dict
    draws_differ: tuple
    one_answer: bool
    n_outputs: int
    n_numbers: int
    n_categorical: int

    @classmethod
    def of(cls, data):
        """Read the facts off TrainingData."""
        anchors = data.anchors
        rows = [anchors.rows(k) for k in range(len(anchors.lam))]
        groups = [data.groups[on] for on in rows]
        draws = tuple(map(DrawCounts.of, groups))
        others = [data.groups[anchors.index != k] for k in range(len(rows))]
        shared = tuple(map(inputs_shared, groups, others))
        outputs = [data.y[on] for on in rows]
        return cls(
            draws=draws,
            all_draws=DrawCounts.of(data.groups),
            inputs_shared=shared,
            edges_shared={(a, b): inputs_shared(groups[a], groups[b]) for a, b in anchors.edges},
            draws_differ=tuple(
                _differ(counts, here, y)
                for counts, here, y in zip(draws, groups, outputs, strict=True)
            ),
            one_answer=all(shared) and not any(map(outputs_differ, groups, outputs)),
            n_outputs=data.y.shape[1],
            n_numbers=data.conditions.scaled.shape[1],
            n_categorical=data.conditions.codes.shape[1],
        )

    def few_draws(self, edge, min_draws):
        """Return whether draws at both ends are few, differ, and may be pooled by near numbers.

        Parameters
        ----------
        edge : tuple of int
            The two anchors.
        min_draws : int
            So many draws of an input are not few.

        Returns
        -------
        bool
            False where inputs are too few, or have no numbers, to tell which are near.
        """
        ends = [self.draws[k] for k in edge]
        few = 1 < min(counts.median for counts in ends) < min_draws
        near = self.n_numbers > 0 and all(counts.show_neighbours for counts in ends)
        return bool(few and near and all(self.draws_differ[k] for k in edge))


def inputs_shared(groups, other_groups):
    """Return whether at least half of the rows of either side find their input on the other.

    Parameters
    ----------
    groups, other_groups : ndarray of shape (n,) and (m,)
        Numbers of the inputs of the rows of both sides.

    Returns
    -------
    bool
        False where a side has no rows.

    Examples
    --------
    >>> from sklearn_hti.data.facts import inputs_shared
    >>> inputs_shared([0, 1, 2, 3], [2, 3]), inputs_shared([0, 1, 2, 3], [3, 4])
    (True, False)
    """
    if not len(groups) or not len(other_groups):
        return False
    found = np.isin(groups, other_groups).mean(), np.isin(other_groups, groups).mean()
    return bool(min(found) >= MOST)


def outputs_differ(groups, y):
    """Return whether outputs y (n, D) of one input differ, in rows whose inputs are numbered."""
    return bool(squares_of_groups(number_groups(groups), y)[1].max(initial=0) > SAME_DRAWS)


def is_continuous(values):
    """Return whether a number of X is continuous: many values, not all of them whole."""
    return bool(len(np.unique(values)) > LEVELS and (values != np.trunc(values)).any())


def _differ(counts, groups, y):
    """Return whether draws of one input differ, of those that have several."""
    if not counts.tell_variance:
        return False
    _, squares = squares_of_groups(number_groups(groups), y)
    return bool((squares.sum(axis=0) / counts.n_spare).max() > SAME_DRAWS)
