"""The zoo: families of small networks, each trained at many values of one hyperparameter."""

from .family import Card, Family
from .policies import load_policy, make_env
from .registry import CARDS, load

__all__ = ["CARDS", "Card", "Family", "load", "load_policy", "make_env"]
