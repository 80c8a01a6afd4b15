"""Show what the package does on a small problem: `make demo`.

Classifiers of digits are trained with three values of label smoothing. The surrogate answers for
values in between, and classifiers trained there judge it. Prints a table and saves a picture.
"""

import os
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from skorch import NeuralNet
from skorch.callbacks import LRScheduler

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep

TRAINED = (0.0, 0.2, 0.9)
HELD_OUT = (0.02, 0.05, 0.1, 0.35, 0.5, 0.7)
N_STEPS = 200
PICTURE = Path(os.environ.get("SKLEARN_HTI_DEMO_PICTURE", "demo.png"))
STYLES = {
    "surrogate": {"color": "C0", "lw": 2},
    "straight line": {"color": "C3", "ls": "--"},
    "nearest": {"color": "0.6", "ls": ":"},
    "floor": {"color": "k", "lw": 0.8},
}


def say(text):
    """Print a line of the story, at once."""
    print(text, flush=True)


class Classifier(torch.nn.Module):
    """A perceptron from 16 inputs to centred logits of ten digits."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            *(torch.nn.Linear(16, 64), torch.nn.ReLU()),
            *(torch.nn.Linear(64, 64), torch.nn.ReLU()),
            torch.nn.Linear(64, 10),
        )

    def forward(self, X):
        """Return logits (n, 10) that sum to zero."""
        logits = self.layers(X)
        return logits - logits.mean(dim=1, keepdim=True)


def digits():
    """Return 400 images and labels to train on, and 200 other images with labels."""
    images, labels = load_digits(return_X_y=True)
    X = PCA(16, whiten=True, random_state=0).fit_transform(images).astype(np.float32)
    return X[:400], labels[:400], X[400:600], labels[400:600]


def untrained():
    """Return the classifier that a sweep trains: cross-entropy with smoothed labels."""
    decay = LRScheduler(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=N_STEPS)
    return NeuralNet(
        Classifier,
        criterion=torch.nn.CrossEntropyLoss,
        criterion__label_smoothing=0.1,
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=0.3,
        lr=0.02,
        max_epochs=N_STEPS,
        batch_size=400,
        predict_nonlinearity=None,  # logits, not probabilities
        train_split=None,
        callbacks=[("decay", decay)],
        verbose=0,
    )


def train(values, seed):
    """Train a classifier for each value of label smoothing; return what `sweep` returns."""
    X, labels, _, _ = digits()
    name = "criterion__label_smoothing"
    return sweep(untrained(), name, values, X, labels, random_state=seed)


def straight_line(networks, X, lam):
    """Return the answers on the line between the networks below and above, and the nearest."""
    k = np.searchsorted(TRAINED, lam).clip(1, len(TRAINED) - 1)
    low, high = TRAINED[k - 1], TRAINED[k]
    fraction = (lam - low) / (high - low)
    below, above = networks[low](X), networks[high](X)
    return (1 - fraction) * below + fraction * above, below if fraction < 0.5 else above


def judge(surrogates, networks, true, other, X):
    """Print and return the mean squared errors of all answers at held-out values."""
    errors = {name: [] for name in (*surrogates, "straight line", "nearest", "floor")}
    say("Mean squared error of logits to a classifier trained at that value, 200 new images:")
    say("smoothing" + "".join(name.rjust(20) for name in errors))
    for lam in HELD_OUT:
        line, nearest = straight_line(networks, X, lam)
        answers = {name: one.predict(X, lam=lam) for name, one in surrogates.items()}
        answers |= {"straight line": line, "nearest": nearest, "floor": other[lam](X)}
        for name, answer in answers.items():
            errors[name].append(float(np.mean((answer - true[lam](X)) ** 2)))
        say(f"{lam:9.2f}" + "".join(f"{errors[name][-1]:20.3f}" for name in errors))
    say("     mean" + "".join(f"{np.mean(values):20.3f}" for values in errors.values()))
    say("Floor: a second classifier trained at that value, from other initial weights.\n")
    return errors


def draw(surrogate, networks, true, errors):
    """Save a picture of logits along label smoothing, and of errors."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    _, _, X, labels = digits()
    rows = np.array([np.flatnonzero(labels == digit)[0] for digit in (0, 2, 4, 6, 8)])
    X, own = X[rows], (np.arange(len(rows)), labels[rows])
    grid = np.linspace(TRAINED[0], TRAINED[-1], 181)
    ours = np.array([path[own] for path in surrogate.trajectory(X, grid)])
    lines = np.array([straight_line(networks, X, lam)[0][own] for lam in grid])
    for i in range(len(rows)):
        left.plot(grid, ours[:, i], color=f"C{i}", lw=2)
        left.plot(grid, lines[:, i], color=f"C{i}", lw=1, ls="--")
        left.plot(TRAINED, [networks[lam](X)[own][i] for lam in TRAINED], "s", color=f"C{i}")
        left.plot(
            HELD_OUT, [true[lam](X)[own][i] for lam in HELD_OUT], "o", color=f"C{i}", mfc="w"
        )
    for label, style in (
        ("surrogate", {"color": "k", "lw": 2}),
        ("straight line", {"color": "k", "lw": 1, "ls": "--"}),
        ("trained (used)", {"color": "k", "marker": "s", "ls": ""}),
        ("retrained (to judge)", {"color": "k", "marker": "o", "mfc": "w", "ls": ""}),
    ):
        left.plot([], [], label=label, **style)
    left.legend(frameon=False)
    left.set(xlabel="label smoothing λ", ylabel="logit of the true digit")
    left.set_title("five images")
    for name, style in STYLES.items():
        right.plot(HELD_OUT, errors[name], marker="o", ms=4, label=name, **style)
    right.set(yscale="log", xlabel="label smoothing λ", ylabel="mean squared error of logits")
    right.set_title("error to a classifier trained at λ")
    right.legend(frameon=False)
    fig.savefig(PICTURE, dpi=130)
    say(f"The picture is {PICTURE.resolve()}")


def main():
    """Train, fit, judge and draw."""
    began = time.perf_counter()
    say(f"1. Train classifiers of digits with label smoothing {TRAINED} (sweep) ...")
    data = train(TRAINED, seed=0)
    say("2. Fit a surrogate that asks them, and one that has their outputs alone ...")
    surrogate = HyperparameterTrajectoryRegressor(networks=data.networks, random_state=0)
    surrogate.fit(data.X, data.y, data.lam)
    alone = HyperparameterTrajectoryRegressor(random_state=0).fit(data.X, data.y, data.lam)
    say(f"3. Train classifiers at {HELD_OUT}, twice, only to judge ...\n")
    true, other = (train(HELD_OUT, seed).networks for seed in (0, 1))
    surrogates = {"surrogate": surrogate, "without networks": alone}
    errors = judge(surrogates, data.networks, true, other, digits()[2])
    draw(surrogate, data.networks, true, errors)
    say(
        f"Done in {time.perf_counter() - began:.0f} s. Next: read README.md, then put outputs "
        "of your own networks into fit(X, y, lam)."
    )


if __name__ == "__main__":
    main()
