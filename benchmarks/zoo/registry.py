"""The one table of all families."""

from . import (
    bandits,
    classifiers,
    control,
    counts,
    decisions,
    denoisers,
    diffusion,
    dynamics,
    forecasters,
    models,
    noisy,
    preferences,
    quantiles,
    reconstructions,
    regressions,
    strategies,
    vae,
)
from .family import read
from .several import load_several

MODULES = (
    *(quantiles, regressions, classifiers, diffusion, vae, decisions, dynamics, control),
    *(bandits, counts, reconstructions, strategies, denoisers),
)
CARDS = {card.name: card for module in MODULES for card in module.CARDS}
# families of several hyperparameters
SEVERAL_MODULES = (models, forecasters, preferences, noisy)
SEVERAL = {card.name: card for module in SEVERAL_MODULES for card in module.CARDS}


def find(name):
    """Return the card of a family.

    Raises
    ------
    KeyError
        If there is none of that name.
    """
    try:
        return (CARDS | SEVERAL)[name]
    except KeyError:
        known = ", ".join([*CARDS, *SEVERAL])
        raise KeyError(f"{name!r} is not in the zoo; it has {known}.") from None


def load(name):
    """Return a family with the stored outputs of its networks.

    Parameters
    ----------
    name : str
        A family, one of the keys of CARDS or SEVERAL.

    Returns
    -------
    Family or SeveralFamily
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
    return load_several(card) if name in SEVERAL else read(card)
