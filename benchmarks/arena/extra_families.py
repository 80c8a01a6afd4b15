"""Families where mixed log-probabilities are exact: temperature, and the weight of a KL term.

Classifiers of digits, one per seed, give log-probabilities. At a temperature, or tilted by a
reward r(x, class) under a Kullback-Leibler penalty of weight lambda, their answer is proportional
to p^(1 / lambda), or to p exp(r / lambda): log-probabilities are linear in 1 / lambda.
"""

import warnings
from functools import cache

import numpy as np
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from ..zoo.ensemble import split
from ..zoo.family import Family

TEMPERATURES = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
N_COMPONENTS, N_ROWS, N_FIT = 16, 900, 300  # rows of training, then of fit, then of test


@cache
def log_probabilities(seed):
    """Return inputs (n, C) and log-probabilities (n, 10) of one classifier."""
    images, labels = load_digits(return_X_y=True)
    X = PCA(N_COMPONENTS, whiten=True, random_state=0).fit_transform(images)[:N_ROWS]
    network = MLPClassifier(32, alpha=3.0, max_iter=400, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(X[:N_FIT], labels[:N_FIT])
    return X[N_FIT:], np.log(network.predict_proba(X[N_FIT:]))


def temperature(n_seeds):
    """Return classifiers sampled at a temperature."""
    of_seeds = [log_probabilities(seed) for seed in range(n_seeds)]
    y = [[softmax(p / lam, axis=1) for lam in TEMPERATURES] for _, p in of_seeds]
    return _family(
        "temperature_digits", of_seeds[0][0], y, TEMPERATURES, "temperature of sampling"
    )


def penalty(n_seeds):
    """Return classifiers that a reward tilts, under a penalty of leaving them."""
    of_seeds = [log_probabilities(seed) for seed in range(n_seeds)]
    X = of_seeds[0][0]
    weights = np.random.default_rng(0).normal(size=(X.shape[1], 10)) / X.shape[1] ** 0.5
    reward = 2 * np.tanh(X @ weights)
    y = [[softmax(p + reward / lam, axis=1) for lam in TEMPERATURES] for _, p in of_seeds]
    return _family("kl_digits", X, y, TEMPERATURES, "weight of the KL penalty")


def _family(name, X, y, lams, hyperparameter):
    train_rows, test_rows = split(len(X), 400)
    return Family(
        name=name,
        network="MLPClassifier of scikit-learn, 32 hidden units",
        hyperparameter=hyperparameter,
        changes="probabilities of ten classes: from sharp to flat",
        data="digits of scikit-learn",
        lams=lams,
        clock="reciprocal",
        deterministic=True,
        train=None,
        y_bounds=(0.0, 1.0),
        n_seeds=len(y),
        X=X,
        y=np.array(y),
        train_rows=train_rows,
        test_rows=test_rows,
    )


MAKERS = {"temperature_digits": temperature, "kl_digits": penalty}
