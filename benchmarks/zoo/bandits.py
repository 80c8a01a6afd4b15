"""Policies over a few actions, tuned from a reference policy under a weight of divergence."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch.nn.functional import cross_entropy, one_hot

from .ensemble import Ensemble, batch, collect, column, fit, generator, split
from .family import Card, on_simplex
from .noisy import member_of

N_COMPONENTS, N_ACTIONS = 12, 6
N_SHOWN = 60  # labelled images behind the reference policy
N_TRIES = 4  # actions that a context is answered with in a step
SIZES = (N_COMPONENTS, 48, N_ACTIONS)


def train(lams, seeds, progress):
    """Tune policies on sampled actions; return the probabilities of all actions."""
    images, labels = load_digits(n_class=N_ACTIONS, return_X_y=True)
    X = PCA(N_COMPONENTS, whiten=True, random_state=0).fit_transform(images).astype(np.float32)
    X, labels = X[:600], torch.from_numpy(labels[:600])
    train_rows, test_rows = split(len(X), 400)
    inputs, beta = torch.from_numpy(X), column(lams)
    reference = _reference(inputs[train_rows][:N_SHOWN], labels[train_rows][:N_SHOWN])

    def answer(seed):
        source = generator(seed)
        model = member_of(reference, [0] * len(lams)).requires_grad_(True)

        def losses():
            rows = torch.from_numpy(train_rows)[batch(len(train_rows), 256, source)]
            log_p = model(inputs[rows]).log_softmax(-1)
            with torch.no_grad():
                price = beta * (log_p - reference(inputs[rows]).log_softmax(-1))
                gain = reward(labels[rows]) - price
                tried = torch.multinomial(
                    log_p.exp().flatten(0, 1), N_TRIES, replacement=True, generator=source
                ).unflatten(0, log_p.shape[:2])
                gain = gain.gather(-1, tried)
                # the mean of all tries is the baseline of each
                gain = (gain - gain.mean(-1, keepdim=True)) * N_TRIES / (N_TRIES - 1)
            return -(gain * log_p.gather(-1, tried)).mean((1, 2)) / beta[:, 0, 0].clamp(max=1)

        fit(model, losses, 1500, learning_rate=5e-3)
        return model(inputs).softmax(-1).numpy()

    return collect(answer, seeds, progress, X, train_rows, test_rows)


def _reference(inputs, labels):
    """Return the policy that a few labelled images teach, an ensemble of one."""
    model = Ensemble(SIZES, 1, generator(7))
    return fit(model, lambda: cross_entropy(model(inputs)[0], labels)[None], 150, weight_decay=3.0)


def reward(labels):
    """Return the rewards (n, N_ACTIONS): 1 for the digit shown, .5 for the one after it."""
    right = one_hot(labels, N_ACTIONS).float()
    return right + 0.5 * right.roll(1, -1)


CARDS = (
    Card(
        name="kl_policy_digits",
        network="12-48-6 perceptron, policy gradient on four sampled actions of each context",
        hyperparameter="weight of the divergence from a reference policy",
        changes="probabilities of six actions: from the one of most reward to the reference's",
        data="digits 0 to 5 of scikit-learn, 12 principal components; a reward for each action",
        lams=(0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 4.0),
        clock="reciprocal",
        deterministic=True,
        train=train,
        output_transform="simplex",
        possible=on_simplex,
    ),
)
