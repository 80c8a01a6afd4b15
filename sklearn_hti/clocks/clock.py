"""The clock of a fit: a rule tied to its anchors (docs/method.md, equation 31)."""

from dataclasses import dataclass

import numpy as np

from .._utils.registry import storable


@storable
@dataclass
class Clock:
    """A rule for fractions, tied to the anchors of a fit; records how it was chosen.

    Attributes
    ----------
    name : str
        Name of the rule: "identity", "log", ..., "entropy" or "transformer".
    reason : str
        Why this rule is used.
    """

    rule: object
    anchors: np.ndarray
    reason: str

    @property
    def name(self):
        """Name of the rule."""
        return self.rule.name

    def time(self, lam):
        """Return the time of each lambda: k at anchor k, k + s between k and k + 1.

        Beyond the ends, the rule of the last interval goes on.
        """
        lam = np.asarray(lam, dtype=float)
        k = np.clip(np.searchsorted(self.anchors, lam, "right") - 1, 0, self.n_intervals - 1)
        s = self.rule.fraction(lam, self.anchors[k], self.anchors[k + 1])
        outside = (lam < self.anchors[0]) | (lam > self.anchors[-1])
        return k + np.where(outside, s, np.clip(s, 0.0, 1.0))

    @property
    def at_anchors(self):
        """The times of the anchors: their numbers."""
        return np.arange(len(self.anchors))

    @property
    def n_intervals(self):
        """Number of intervals between neighbouring anchors."""
        return len(self.anchors) - 1

    def __repr__(self):
        return f"Clock({self.name!r}: {self.reason})"
