"""How networks are trained, and what all those of one fit share."""

from dataclasses import dataclass

from .conditioning import Conditioning
from .modules import ConditionEmbedding


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how to train; the estimator's parameters of the same names."""

    max_iter: int
    batch_size: int
    learning_rate: float
    early_stopping: bool
    tol: float
    device: str


@dataclass(frozen=True)
class Training:
    """What the networks of a fit share; surrogates without networks have seeds alone."""

    encoder: object  # ConditionEncoder: what the columns of x are
    seeds: dict
    settings: TrainingSettings | None = None
    conditioning: Conditioning | None = None
    callbacks: tuple = ()  # of skorch, each as callback or (name, callback)

    def embedding(self):
        """Return a new embedding of x, to be part of a network."""
        return ConditionEmbedding(self.encoder.n_numeric_, self.encoder.n_categories_)
