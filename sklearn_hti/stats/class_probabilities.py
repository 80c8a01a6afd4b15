"""Probabilities of classes from labels, which are draws of them."""

import warnings
from dataclasses import replace

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from .._utils.groupby import first_of_each, mean_of_groups, number_groups
from ..data.arrays import take
from ..data.facts import FEW
from .selection import select


def probabilities_of_labels(rows, anchors, features, groups, rng):
    """Return Rows whose outputs are probabilities instead of single labels.

    Where inputs repeat at a trained value, they are frequencies. Elsewhere a classifier is trained
    at each trained value, and all are asked at the same inputs.

    Parameters
    ----------
    rows : Rows
        Outputs y are labels, one-hot.
    anchors : Anchors
        Trained values, or bins, of the rows.
    features : ndarray of shape (n, F)
        Numbers and one-hot categories of the inputs.
    groups : ndarray of shape (n,)
        Number of the input of every row.
    rng : numpy.random.Generator
        Chooses held-out rows.
    """
    cells = number_groups(np.column_stack([groups, anchors.index]))
    size = np.bincount(cells)
    if not features.shape[1] or np.median(size[cells]) >= FEW:
        y = smoothed(mean_of_groups(cells, rows.y), size[:, None])[cells]
        return replace(rows, y=y, lam=anchors.lam[anchors.index])
    of = [anchors.rows(k) for k in range(len(anchors.lam))]
    candidates = (_linear, _trees)
    losses = [[] for _ in candidates]
    for own in of:
        held, seen = np.split(rng.permutation(own), [len(own) // 3])
        for found, make in zip(losses, candidates, strict=True):
            p = _ask(make, features[seen], rows.y[seen], features[held])
            found.append(-np.log(p[rows.y[held] > 0]))
    losses = [np.concatenate(part) for part in losses]
    make = candidates[select(losses).index] if len(losses[0]) else _linear
    inputs = first_of_each(groups)
    y = [_ask(make, features[own], rows.y[own], features[inputs]) for own in of]
    return replace(
        rows,
        X=take(rows.X, np.tile(inputs, len(of))),
        y=np.concatenate(y),
        lam=np.repeat(anchors.lam, len(inputs), axis=0),
        numbers=None,
    )


def smoothed(p, size):
    """Return probabilities of n labels after one more, which is spread evenly over the classes."""
    return (size * p + 1 / p.shape[1]) / (size + 1)


def _linear():
    return LogisticRegression(max_iter=1000)


def _trees():
    return HistGradientBoostingClassifier(random_state=0)


def _ask(make, features, y, asked):
    """Return probabilities (m, K) at features that are asked, of labels (n, K) at others."""
    code = y.argmax(axis=1)
    present = np.unique(code)
    p = np.zeros((len(asked), y.shape[1]))
    if len(present) == 1:
        p[:, present] = 1.0
    elif len(present) and len(asked):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            p[:, present] = make().fit(features, code).predict_proba(asked)
    return smoothed(p, len(y))
