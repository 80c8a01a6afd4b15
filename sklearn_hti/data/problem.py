"""The rows of a fit: as checked, and encoded for the stages that learn from them."""

from dataclasses import dataclass, replace

import numpy as np

from .arrays import take
from .conditions import Features
from .encoding import ConditionEncoder
from .lam_space import ONE, LamSpace, learn_again
from .levels import Levels
from .outputs import OutputSpace
from .training_data import TrainingData


@dataclass(frozen=True)
class Rows:
    """What users pass to `fit`, checked."""

    X: object  # (n, C), without the lambda column
    y: np.ndarray  # (n, D)
    lam: np.ndarray  # (n,), or (n, k) of several hyperparameters
    trailing: tuple  # y came as (n, *trailing)
    dtype: str = "float64"  # X came in this precision
    space: LamSpace = ONE
    numbers: np.ndarray | None = None  # of the rows that users passed; None: these

    def only(self, kept):
        """Return the rows in which some columns of lambda count alone."""
        space = self.space.only(kept)
        lam = self.lam[:, kept]
        return replace(self, lam=lam[:, 0] if space.scalar else lam, space=space)

    def take(self, rows):
        """Return some rows, which may repeat; what varies among them may be less."""
        X, y = take(self.X, rows), self.y[rows]
        space, lam = learn_again(self.space, self.lam[rows])
        return replace(self, X=X, y=y, lam=lam, space=space, numbers=rows)


@dataclass(frozen=True)
class Problem:
    """What all stages of a fit learn from."""

    X: object  # (n, C), in the user's terms
    y: np.ndarray  # (n, D), in the user's units, at the anchors
    data: TrainingData  # both, encoded
    encoder: ConditionEncoder
    outputs: OutputSpace
    base_lam: float | np.ndarray  # the anchor at which outputs are drawn
    dtype: str = "float64"  # X came in this precision
    space: LamSpace = ONE
    hull: object | None = None  # Hull of several hyperparameters, those without influence, too
    levels: Levels | None = None  # values of each output, where they are few and kept to
    monotone: tuple | None = None  # direction of each output along lambda; None: any

    @property
    def base_time(self):
        """Number of the base anchor."""
        return self.data.anchors.number(self.base_lam)

    @property
    def base_rows(self):
        """Rows of the base anchor."""
        return self.data.anchors.rows(self.base_time)

    def take(self, rows):
        """Return the problem of some rows; anchors, encoder and scales stay."""
        return replace(self, X=take(self.X, rows), y=self.y[rows], data=self.data.take(rows))


def encode(rows, anchors, encoder, outputs):
    """Return the TrainingData of rows; those of bins keep their own lambdas."""
    conditions = encoder.transform(rows.X, len(rows.y))
    return TrainingData(
        y=outputs.encode(rows.y),
        conditions=conditions,
        features=Features(conditions, encoder.n_categories_),
        groups=conditions.groups(),
        lam=rows.lam if anchors.binned else anchors.lam[anchors.index],
        anchors=anchors,
    )
