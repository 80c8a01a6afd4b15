"""Probabilities of classifiers at values left out: python -m benchmarks.probabilities [--seeds 1]

Classifiers of scikit-learn are trained at three values of a hyperparameter; at values between they
are trained to judge alone. Answers at new inputs: added log loss (the divergence of Kullback and
Leibler from the classifier trained there) and Brier score (squared distance), in thousandths.
"""

import argparse
import warnings

import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hti import HyperparameterTrajectoryClassifier, sweep

from .tasks import LEAST, line_of_logits

_LOGISTIC = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
_MLP = make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=150))
# name -> (classifier, parameter, trained values, values between, data)
FAMILIES = {
    "digits, logistic C": (
        *(_LOGISTIC, "logisticregression__C"),
        *([1e-4, 1e-2, 1.0], [3e-4, 1e-3, 3e-2, 1e-1], load_digits),
    ),
    "wine, logistic C": (
        *(_LOGISTIC, "logisticregression__C"),
        *([1e-3, 1e-1, 10.0], [5e-3, 3e-2, 5e-1, 3.0], load_wine),
    ),
    "digits, MLP alpha": (
        *(_MLP, "mlpclassifier__alpha"),
        *([0.1, 1.0, 10.0], [0.2, 0.5, 2.0, 5.0], load_digits),
    ),
    "digits, forest leaf": (
        *(RandomForestClassifier(100), "min_samples_leaf"),
        *([1, 8, 64], [2, 4, 16, 32], load_digits),
    ),
}


def judge(name, seed):
    """Return scores (KL, Brier) of every answer, means over values between and new inputs."""
    model, parameter, trained, between, load = FAMILIES[name]
    X, y = load(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(X))[:800]
    n = len(order) // 3
    fit, seen, new = order[:n], order[n : 2 * n], order[2 * n :]
    rest = {"method": "predict_proba", "random_state": seed}
    data = sweep(model, parameter, trained, X[fit], y[fit], X[seen], **rest)
    truth = sweep(model, parameter, between, X[fit], y[fit], X[new], **rest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make = HyperparameterTrajectoryClassifier
        asked = make(networks=data.networks, random_state=seed).fit(data.X, data.y, data.lam)
        alone = make(random_state=seed).fit(data.X, data.y, data.lam)
    at = np.array([data.networks[float(lam)](X[new]) for lam in trained])
    scores = {}
    for lam in between:
        p = truth.networks[float(lam)](X[new])
        k = np.searchsorted(trained, lam) - 1
        t = np.log(lam / trained[k]) / np.log(trained[k + 1] / trained[k])
        below, above = at[k], at[k + 1]
        answers = {
            "nearest": below if t < 0.5 else above,
            "line of probabilities": (1 - t) * below + t * above,
            "line of logits": line_of_logits(below, above, t),
            "surrogate, networks": asked.predict_proba(X[new], lam),
            "surrogate, fit alone": alone.predict_proba(X[new], lam),
        }
        for who, q in answers.items():
            off = np.abs(q.sum(axis=1) - 1).max()
            if not (off < 1e-9 and (q >= 0).all()):
                raise AssertionError(f"{who} leaves the simplex by {off:g}")
            scores.setdefault(who, []).append(_scores(p, q))
    return {who: np.mean(found, axis=0) for who, found in scores.items()}


def _scores(p, q):
    """Return Kullback-Leibler divergence and squared distance, means over rows."""
    gain = np.log(np.where(p > 0, p, 1.0)) - np.log(np.maximum(q, LEAST))
    return np.mean(np.sum(p * gain, axis=1)), np.mean(np.sum((p - q) ** 2, axis=1))


def main(argv=None):
    """Judge all families and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--families", nargs="*", default=[*FAMILIES])
    args = parser.parse_args(argv)
    for name in args.families:
        of_seeds = [judge(name, seed) for seed in range(args.seeds)]
        for who in of_seeds[0]:
            kl, brier = 1e3 * np.mean([scores[who] for scores in of_seeds], axis=0)
            print(f"| {name:20} | {who:22} | {kl:8.2f} | {brier:8.2f} |", flush=True)


if __name__ == "__main__":
    main()
