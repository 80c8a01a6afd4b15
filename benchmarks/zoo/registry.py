"""The one table of all families."""

from . import (
    classifiers,
    control,
    decisions,
    diffusion,
    dynamics,
    quantiles,
    regressions,
    vae,
)
from .family import read

MODULES = (quantiles, regressions, classifiers, diffusion, vae, decisions, dynamics, control)
CARDS = {card.name: card for module in MODULES for card in module.CARDS}


def find(name):
    """Return the card of a family.

    Raises
    ------
    KeyError
        If there is none of that name.
    """
    try:
        return CARDS[name]
    except KeyError:
        raise KeyError(f"{name!r} is not in the zoo; it has {', '.join(CARDS)}.") from None


def load(name):
    """Return a family with the stored outputs of its networks.

    Parameters
    ----------
    name : str
        A family, one of the keys of CARDS.

    Returns
    -------
    Family
        The card, X, y[seed, lambda, row, output], train_rows and test_rows.

    Raises
    ------
    KeyError
        If there is none of that name.
    FileNotFoundError
        If it was not trained.
    """
    card = find(name)
    if not card.file.exists():
        raise FileNotFoundError(
            f"{name} has no outputs yet: python -m benchmarks.zoo --train {name}"
        )
    return read(card)
