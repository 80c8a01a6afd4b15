"""Encoded training rows, as every stage of a fit reads them."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .._utils.groupby import first_of_each
from .anchors import Anchors
from .budget import BUDGET, Budget
from .conditions import Conditions, Features
from .facts import DesignFacts


@dataclass(frozen=True)
class TrainingData:
    """Encoded training rows, as every later stage reads them."""

    y: np.ndarray  # (n, D), scaled
    conditions: Conditions
    features: Features  # (n, F): numbers and one-hot categories
    groups: np.ndarray  # (n,): equal where x is equal
    lam: np.ndarray  # (n,)
    anchors: Anchors
    budget: Budget = BUDGET

    def without(self, anchor):
        """Return the data without an anchor; conditions keep their numbers."""
        rest = self.take(np.flatnonzero(self.anchors.index != anchor))
        of = rest.anchors.index
        lam = np.delete(self.anchors.lam, anchor, axis=0)
        return replace(rest, anchors=replace(rest.anchors, lam=lam, index=of - (of > anchor)))

    def take(self, rows):
        """Return some rows; anchors and the numbers of conditions stay."""
        anchors = replace(self.anchors, index=self.anchors.index[rows])
        parts = {name: getattr(self, name)[rows] for name in ("y", "conditions", "groups", "lam")}
        return replace(self, anchors=anchors, features=self.features.of(rows), **parts)

    @cached_property
    def facts(self):
        """The DesignFacts of these rows."""
        return DesignFacts.of(self)

    @cached_property
    def memo(self):
        """What functions have learned from these rows and would learn again."""
        return {}

    def distinct_conditions(self):
        """Return the Conditions of each group."""
        return self.conditions[first_of_each(self.groups)]
