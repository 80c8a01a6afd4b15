"""Classifiers: label smoothing, adversarial training, and a weight decay that hardly matters."""

import warnings

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from torch.nn.functional import cross_entropy, one_hot

from .ensemble import Ensemble, batch, collect, column, fit, generator, split
from .family import Card, on_simplex

N_ATTACK = 5  # steps of projected gradient ascent


def train_digits(lams, seeds, progress):
    """Train classifiers of digits with smoothed labels; return centred logits."""
    images, labels = load_digits(return_X_y=True)
    X = PCA(16, whiten=True, random_state=0).fit_transform(images).astype(np.float32)[:600]
    train_rows, test_rows = split(len(X), 400)
    smoothing = column(lams)
    inputs = torch.from_numpy(X[train_rows])
    hot = one_hot(torch.from_numpy(labels[train_rows])).float()
    target = (1 - smoothing) * hot + smoothing / 10

    def answer(seed):
        source = generator(seed)
        model = Ensemble((16, 64, 64, 10), len(lams), source)

        def losses():
            rows = batch(len(inputs), 128, source)
            return _cross_entropy(model(inputs[rows]), target[:, rows])

        fit(model, losses, 600, learning_rate=0.01, weight_decay=0.3)
        return _centred(model(torch.from_numpy(X))).numpy()

    return collect(answer, seeds, progress, X, train_rows, test_rows)


def train_wine(lams, seeds, progress):
    """Train classifiers of wines on inputs moved against them; return centred logits."""
    X, labels = load_wine(return_X_y=True)
    X = scale(X).astype(np.float32)
    train_rows, test_rows = split(len(X), 118)
    radius = column(lams)
    inputs = torch.from_numpy(X[train_rows])
    target = one_hot(torch.from_numpy(labels[train_rows])).float().expand(len(lams), -1, -1)

    def answer(seed):
        model = Ensemble((13, 32, 32, 3), len(lams), generator(seed))

        def losses():
            moved = _attack(model, inputs, target, radius)
            return _cross_entropy(model(moved), target)

        fit(model, losses, 300, learning_rate=0.01, weight_decay=3.0)
        return _centred(model(torch.from_numpy(X))).numpy()

    return collect(answer, seeds, progress, X, train_rows, test_rows)


def _attack(model, inputs, target, radius):
    """Move the inputs of each member where its loss is large, within its radius."""
    step = torch.zeros(len(radius), *inputs.shape)
    for _ in range(N_ATTACK):
        step.requires_grad_()
        loss = _cross_entropy(model(inputs + step), target).sum()
        (slope,) = torch.autograd.grad(loss, step)
        step = step.detach() + 2.5 / N_ATTACK * radius * slope.sign()
        step = torch.maximum(torch.minimum(step, radius), -radius)
    return inputs + step


def _cross_entropy(logits, target):
    """Mean over rows, one number per member."""
    each = cross_entropy(logits.flatten(0, 1), target.flatten(0, 1), reduction="none")
    return each.view(len(logits), -1).mean(1)


def _centred(logits):
    """Logits up to the constant that no probability depends on."""
    return logits - logits.mean(-1, keepdim=True)


def train_penalty(lams, seeds, progress):
    """Train classifiers of digits under a penalty on weights; return probabilities."""
    images, labels = load_digits(return_X_y=True)
    X = PCA(16, whiten=True, random_state=0).fit_transform(images).astype(np.float32)[:600]
    train_rows, test_rows = split(len(X), 400)
    inputs, labels = torch.from_numpy(X[train_rows]), torch.from_numpy(labels[train_rows])
    strength = 1 / (2 * len(inputs) * column(lams)[:, 0, 0])

    def answer(seed):
        source = generator(seed)
        model = Ensemble((16, 48, 10), len(lams), source)

        def losses():
            rows = batch(len(inputs), 128, source)
            target = one_hot(labels[rows], 10).float().expand(len(lams), -1, -1)
            size = sum(weight.square().sum((1, 2)) for weight in model.weights)
            return _cross_entropy(model(inputs[rows]), target) + strength * size

        fit(model, losses, 1000)
        return model(torch.from_numpy(X)).softmax(-1).numpy()

    return collect(answer, seeds, progress, X, train_rows, test_rows)


def train_cancer(lams, seeds, progress):
    """Train scikit-learn's classifier of tumours; return probabilities."""
    X, labels = load_breast_cancer(return_X_y=True)
    X = scale(X)
    train_rows, test_rows = split(len(X), 400)

    def answer(seed):
        network = MLPClassifier(16, max_iter=60, n_iter_no_change=60, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return np.stack(
                [
                    network.set_params(alpha=lam)
                    .fit(X[train_rows], labels[train_rows])
                    .predict_proba(X)[:, 1:]
                    for lam in lams
                ]
            )

    return collect(answer, seeds, progress, X, train_rows, test_rows)


CARDS = (
    Card(
        name="label_smoothing_digits",
        network="16-64-64-10 perceptron, cross-entropy",
        hyperparameter="share of the label that is spread over all classes",
        changes="centred logits shrink, fast near 0, to nothing near 1",
        data="digits of scikit-learn, 16 principal components",
        lams=(0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9),
        clock="log of 0.01 + lambda",
        deterministic=True,
        train=train_digits,
    ),
    Card(
        name="adversarial_wine",
        network="13-32-32-3 perceptron, trained on 5-step attacks",
        hyperparameter="radius of the attack in the maximum norm, features scaled",
        changes="centred logits grow, then shrink and smooth out",
        data="wine of scikit-learn",
        lams=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9),
        clock="identity",
        deterministic=True,
        train=train_wine,
        n_seeds=3,
    ),
    Card(
        name="penalty_digits",
        network="16-48-10 perceptron, cross-entropy plus a penalty on squared weights",
        hyperparameter="inverse strength of the penalty (C of scikit-learn)",
        changes="probabilities of ten classes: from even ones to near certainty",
        data="digits of scikit-learn, 16 principal components",
        lams=(0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
        clock="log",
        deterministic=True,
        train=train_penalty,
        output_transform="simplex",
        possible=on_simplex,
    ),
    Card(
        name="weight_decay_cancer",
        network="MLPClassifier of scikit-learn, 16 hidden units, 60 epochs of Adam",
        hyperparameter="weight decay (alpha), in a range where it hardly matters",
        changes="hardly anything: probability of a benign tumour",
        data="breast cancer of scikit-learn",
        lams=(1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
        clock="log",
        deterministic=True,
        train=train_cancer,
        y_bounds=(0.0, 1.0),
        n_seeds=3,
        traits=("still",),
    ),
)
