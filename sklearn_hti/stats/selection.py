"""The one rule by which a candidate is better than a simpler one: `select`."""

from dataclasses import dataclass

import numpy as np

from .._utils.registry import storable


@storable
@dataclass(frozen=True)
class Selection:
    """The choice of `select`, and the figures behind it.

    Attributes
    ----------
    index : int
        The chosen candidate.
    name : object
        Its name; its index where no names were given.
    losses : tuple of float
        The mean loss of every candidate.
    gains : tuple of float
        The mean gain of every candidate over the one it was compared with; 0 for the first.
    errors : tuple of float
        The standard errors of the gains.
    """

    index: int
    name: object
    losses: tuple
    gains: tuple
    errors: tuple


def select(losses, names=None, *, n_errors=2.0, margin=0.0, relative=0.0, compare="each"):
    r"""Choose among candidates in order of simplicity, by paired held-out losses.

    A candidate j replaces a simpler candidate i if its mean gain is large beside the standard
    error of the gains. With the losses :math:`\ell_{iu}` of candidate i on the held-out units
    u = 1, ..., n, and the gains :math:`g_u = \ell_{iu} - \ell_{ju}`,

    .. math::

        \bar g > k \, \mathrm{sd}(g) / \sqrt n + m + r \, \bar \ell_j .

    Otherwise the simpler candidate stays. Losses are paired: every unit judges all candidates,
    so that differences between units cancel.

    Parameters
    ----------
    losses : array-like of shape (n_candidates, n_units)
        Losses on held-out units, such as rows, inputs or splits; the simplest candidate first.
        A candidate whose mean loss is nan never replaces another.
    names : sequence, default=None
        Names of the candidates.
    n_errors : float, default=2.0
        k, the standard errors that the gain has to exceed. 0: any gain is enough.
    margin : float, default=0.0
        m, a gain that is too small to matter.
    relative : float, default=0.0
        r, the same as a fraction of the mean loss of the candidate.
    compare : {"each", "best"}, default="each"
        "each": every candidate in turn is compared with the one chosen so far. "best": the
        candidate of the least mean loss is compared with the first, and no other is.

    Returns
    -------
    Selection
        The choice.

    Examples
    --------
    >>> from sklearn_hti.stats.selection import select
    >>> line = [1.0, 1.2, 0.9, 1.1]  # squared errors of four held-out rows
    >>> curve = [0.5, 0.6, 0.5, 0.5]
    >>> select([line, curve], ["line", "curve"]).name
    'curve'
    >>> select([line, [0.1, 1.3, 0.8, 1.3]], ["line", "curve"]).name  # better by chance
    'line'
    """
    losses = np.asarray(losses, dtype=float)
    if losses.ndim != 2 or 0 in losses.shape:
        raise ValueError(
            f"losses: shape (n_candidates, n_units) was expected; got {losses.shape}."
        )
    if compare not in ("each", "best"):
        raise ValueError(f"compare={compare!r} is not available; accepted: 'each', 'best'.")
    means = losses.mean(axis=1)
    rivals = range(1, len(losses))
    if compare == "best" and len(losses) > 1:
        rivals = [1 + int(np.where(np.isnan(means[1:]), np.inf, means[1:]).argmin())]
    chosen, gains, errors = 0, np.zeros(len(losses)), np.zeros(len(losses))
    for j in range(1, len(losses)):
        gain = losses[chosen if compare == "each" else 0] - losses[j]
        gains[j], errors[j] = gain.mean(), gain.std() / np.sqrt(len(gain))
        if j in rivals and gains[j] > n_errors * errors[j] + margin + relative * means[j]:
            chosen = j
    return Selection(
        index=chosen,
        name=chosen if names is None else names[chosen],
        losses=tuple(means.tolist()),
        gains=tuple(gains.tolist()),
        errors=tuple(errors.tolist()),
    )
