"""The one interface of all methods, and what each may see."""

from dataclasses import dataclass

import numpy as np

from .cases import Case

# what a method may need, from least to most; the words of the page
OUTPUTS, NETWORKS = "outputs", "networks asked"
PROBABILITIES, CHECKPOINTS, TRAINING = "log-probabilities", "checkpoints", "labels and training"
KINDS = (OUTPUTS, NETWORKS, PROBABILITIES, CHECKPOINTS, TRAINING)


class NotApplicableError(Exception):
    """Says why a method has no answer for a family."""


@dataclass(frozen=True)
class Question:
    """One held-out value, and the rows that are asked.

    Attributes
    ----------
    X : ndarray of shape (n, C)
        Inputs; equal rows ask for several draws.
    lam : float
        The held-out value.
    rows : ndarray of int
        Their numbers in the family.
    outputs : ndarray of shape (M, n, D) or None
        What the trained networks say there; None for methods that may not ask them.
    """

    X: np.ndarray
    lam: float
    rows: np.ndarray
    outputs: np.ndarray | None


class Method:
    """A way to answer between trained values.

    Parameters
    ----------
    case : Case
        The family. A method reads what its `needs` names: the rows of fit, and as the case may
        be the training code or checkpoints. The truth at held-out values is for judging alone.
    seed : int
        Seed of everything random.

    Attributes
    ----------
    needs : str
        One of KINDS.
    n_steps : int or None
        Gradient steps on labels that `fit` took.
    """

    needs = OUTPUTS
    n_steps = None

    def __init__(self, case: Case, seed: int = 0):
        self.case, self.seed = case, seed

    def fit(self):
        """Learn; raise NotApplicableError where the method has no answer for the family."""
        return self

    def answer(self, question):
        """Return predictions, or one draw per row, of shape (n, D)."""
        raise NotImplementedError

    def question(self, lam):
        """Return what this method may see of a question."""
        case = self.case
        outputs = None if self.needs in (OUTPUTS, TRAINING) else case.outputs
        return Question(case.inputs, lam, case.rows, outputs)
