"""The zoo: families of small networks, trained at many values of their hyperparameters."""

from .family import Card, Family
from .policies import load_policy, make_env
from .registry import CARDS, SEVERAL, load

__all__ = ["CARDS", "SEVERAL", "Card", "Family", "load", "load_policy", "make_env"]
