"""From answers to decisions: which lambda to train next, and which gives what is wanted."""

from ._find import find_lam
from ._mbtl import mbtl
from ._suggest import suggest_lam

__all__ = ["find_lam", "mbtl", "suggest_lam"]
