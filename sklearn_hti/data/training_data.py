"""Encoded training rows, as every stage of a fit reads them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._utils.groupby import first_of_each
from .anchors import Anchors
from .conditions import Conditions, Features


@dataclass(frozen=True)
class TrainingData:
    """Encoded training rows, as every later stage reads them."""

    y: np.ndarray  # (n, D), scaled
    conditions: Conditions
    features: Features  # (n, F): numbers and one-hot categories
    groups: np.ndarray  # (n,): equal where x is equal
    lam: np.ndarray  # (n,)
    anchors: Anchors

    def without(self, anchor, groups=()):
        """Return the data without an anchor and some conditions, which keep their numbers."""
        of = self.anchors.index
        rest = self.take(np.flatnonzero((of != anchor) & ~np.isin(self.groups, groups)))
        of = rest.anchors.index
        lam = np.delete(self.anchors.lam, anchor)
        return replace(rest, anchors=replace(rest.anchors, lam=lam, index=of - (of > anchor)))

    def take(self, rows):
        """Return some rows; anchors and the numbers of conditions stay."""
        anchors = replace(self.anchors, index=self.anchors.index[rows])
        parts = {name: getattr(self, name)[rows] for name in ("y", "conditions", "groups", "lam")}
        return replace(self, anchors=anchors, features=self.features.of(rows), **parts)

    @cached_property
    def memo(self):
        """What functions have learned from these rows and would learn again."""
        return {}

    def distinct_conditions(self):
        """Return the Conditions of each group."""
        return self.conditions[first_of_each(self.groups)]

    def conditions_repeat(self, rows):
        """Tell whether at least half of the given rows find their x at another anchor."""
        others = np.ones(len(self.y), dtype=bool)
        others[rows] = False
        return share(self.groups[rows], self.groups[others])


def share(groups, other_groups):
    """Tell whether at least half of the rows of either side find their x on the other."""
    found = np.isin(groups, other_groups).mean(), np.isin(other_groups, groups).mean()
    return min(found) >= 0.5
