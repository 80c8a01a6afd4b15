"""Labels and training code of families whose loss at lambda is known: one class per family.

A network is called as ``net(x, lam)``. One that stands for several trained values ignores lam and
has a leading axis of members; one that is conditioned on lambda reads it, row by row. Both learn
by the same code, so that a conditioned network is trained on exactly what the others were.
"""

import numpy as np
import torch
from scipy.special import log_softmax
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import scale
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from ..zoo import classifiers, quantiles, regressions
from ..zoo.ensemble import batch, generator, split
from ..zoo.forecasters import stored_series


class Training:
    """What one training is made of.

    Parameters
    ----------
    seed : int
        Seed of the trainings, as in the zoo.

    Attributes
    ----------
    n_steps, learning_rate, weight_decay : int, float, float
        Of the training of one network.
    pool : Tensor of int
        Numbers of the labelled rows that training may use.
    conditionings : tuple of str
        How lambda may enter a conditioned network.
    """

    n_steps, learning_rate, weight_decay = 800, 0.02, 0.0
    conditionings = ("concat", "film", "weights")

    def __init__(self, seed):
        self.source = generator(seed)

    def build(self, net):
        """Return the networks, a ModuleList; `net(sizes)` makes one."""
        return torch.nn.ModuleList([net(self.sizes)])

    def loss(self, nets, lam, pool, progress):
        """Return the loss of each member (M,); `lam(n)` gives lambda for n rows."""
        raise NotImplementedError

    def answer(self, nets, lam, rows):
        """Return outputs (M, n, D) at rows of the family; lam is a tensor (M, 1, 1)."""
        return nets[0](self.inputs[rows], lam)

    def measure(self, y, lam, rows):
        """Return the loss on labels that outputs (n, D) have at lambda; None: unknown."""
        return None


class Forecasts(Training):
    """Levels of a loss of residuals."""

    weight_decay = 3.0

    def loss(self, nets, lam, pool, progress):
        level = lam(len(pool))
        excess = self.targets[pool] - nets[0](self.inputs[pool], level)
        return self.of_excess(excess, level).mean((1, 2))

    def of_excess(self, excess, level):
        return quantiles.pinball(excess, level)

    def measure(self, y, lam, rows):
        excess = self.targets[rows] - torch.as_tensor(y, dtype=torch.float32)
        return float(self.of_excess(excess, torch.tensor(lam)).mean())


class Diabetes(Forecasts):
    """Quantiles of the progression of diabetes."""

    n_steps, sizes = 150, (10, 32, 32, 1)

    def __init__(self, seed):
        super().__init__(seed)
        X, target = load_diabetes(return_X_y=True)
        self.inputs = torch.from_numpy(scale(X)).float()
        self.targets = torch.from_numpy(scale(target)[:, np.newaxis]).float()
        order = np.random.RandomState(0).permutation(len(X))
        self.pool = torch.from_numpy(np.sort(order[:300]))


class Sunspots(Forecasts):
    """Quantiles of the sunspots of the next years."""

    sizes, series, n_train = (12, 32, 32, 3), "quantile_sunspots", 190

    def __init__(self, seed):
        super().__init__(seed)
        n_next = self.sizes[-1]
        past = stored_series(self.series)
        parts = np.lib.stride_tricks.sliding_window_view(past, self.sizes[0] + n_next)
        parts = torch.from_numpy(parts.copy()).float()
        # the last windows have inputs, but not all of what follows
        last = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(past, 12).copy()).float()
        self.inputs = last
        self.targets = torch.full((len(last), n_next), torch.nan)
        self.targets[: len(parts)] = parts[:, self.sizes[0] :]
        self.pool = torch.arange(self.n_train)

    def measure(self, y, lam, rows):
        known = ~torch.isnan(self.targets[rows]).any(1).numpy()
        return super().measure(np.asarray(y)[known], lam, np.asarray(rows)[known])


class ElNino(Sunspots):
    """Expectiles of the temperature of the sea."""

    sizes, series, n_train = (12, 32, 32, 6), "expectile_elnino", 480

    def of_excess(self, excess, level):
        return quantiles._expectile(excess, level)


class Ridge(Training):
    """Forecasts of carbon dioxide: random features, and an output layer under a penalty."""

    conditionings = ("weights",)  # a scale of outputs is no ridge path
    sizes = (regressions.N_FEATURES, regressions.N_NEXT)

    def __init__(self, seed):
        super().__init__(seed)
        X, targets = regressions.co2_windows()
        hidden = regressions.random_features(X, seed)
        self.inputs = torch.from_numpy(hidden).float()
        self.targets = torch.from_numpy(targets).float()
        self.pool = torch.arange(360)

    def loss(self, nets, lam, pool, progress):
        penalty = lam(len(pool))
        error = (self.targets[pool] - nets[0](self.inputs[pool], penalty)).square().sum(-1)
        size = nets[0].squared_weights(penalty)
        # the sum over rows plus the penalty, in units that all lambdas share
        each = (len(pool) * error + penalty[..., 0] * size) / (len(pool) + penalty[..., 0])
        return each.mean(1)

    def measure(self, y, lam, rows):
        return float(np.mean((self.targets[rows].numpy() - y) ** 2))


class Digits(Training):
    """Classifiers under label smoothing; outputs are centred logits."""

    n_steps, learning_rate, weight_decay, sizes = 600, 0.01, 0.3, (16, 64, 64, 10)

    def __init__(self, seed):
        super().__init__(seed)
        images, labels = load_digits(return_X_y=True)
        X = PCA(16, whiten=True, random_state=0).fit_transform(images).astype(np.float32)[:600]
        self.inputs, self.labels = torch.from_numpy(X), torch.from_numpy(labels[:600])
        self.pool = torch.from_numpy(split(600, 400)[0])

    def smoothed(self, rows, lam):
        return (1 - lam) * one_hot(self.labels[rows], 10).float() + lam / 10

    def loss(self, nets, lam, pool, progress):
        rows = pool[batch(len(pool), 128, self.source)]
        smoothing = lam(len(rows))
        logits = nets[0](self.inputs[rows], smoothing)
        return classifiers._cross_entropy(logits, self.smoothed(rows, smoothing))

    def answer(self, nets, lam, rows):
        return classifiers._centred(nets[0](self.inputs[rows], lam))

    def measure(self, y, lam, rows):
        target = self.smoothed(torch.as_tensor(rows), lam).numpy()
        return float(-np.mean(np.sum(target * log_softmax(y, axis=1), axis=1)))


class Wine(Training):
    """Classifiers of wines that an adversary attacks; outputs are centred logits."""

    n_steps, learning_rate, weight_decay, sizes = 300, 0.01, 3.0, (13, 32, 32, 3)

    def __init__(self, seed):
        super().__init__(seed)
        X, labels = load_wine(return_X_y=True)
        self.inputs = torch.from_numpy(scale(X).astype(np.float32))
        self.hot = one_hot(torch.from_numpy(labels)).float()
        self.pool = torch.from_numpy(split(len(X), 118)[0])

    def loss(self, nets, lam, pool, progress):
        radius = lam(len(pool))
        target = self.hot[pool].expand(len(radius), -1, -1)

        def model(x):
            return nets[0](x, radius)

        moved = classifiers._attack(model, self.inputs[pool], target, radius)
        return classifiers._cross_entropy(model(moved), target)

    answer = Digits.answer


class Cancer(Training):
    """Classifiers of tumours under weight decay; outputs are probabilities."""

    # the steps of the 60 epochs of MLPClassifier; its rate falls here, so it starts higher
    n_steps, learning_rate, sizes = 120, 5e-3, (30, 16, 1)

    def __init__(self, seed):
        super().__init__(seed)
        X, labels = load_breast_cancer(return_X_y=True)
        self.inputs = torch.from_numpy(scale(X)).float()
        self.labels = torch.from_numpy(labels)
        self.pool = torch.from_numpy(split(len(X), 400)[0])

    def loss(self, nets, lam, pool, progress):
        rows = pool[batch(len(pool), 200, self.source)]
        decay = lam(len(rows))
        logits = nets[0](self.inputs[rows], decay)[..., 0]
        labels = self.labels[rows].float().expand_as(logits)
        error = binary_cross_entropy_with_logits(logits, labels, reduction="none")
        size = nets[0].squared_weights(decay)
        return (error + decay[..., 0] * size / (2 * len(rows))).mean(1)

    def answer(self, nets, lam, rows):
        return super().answer(nets, lam, rows).sigmoid()

    def measure(self, y, lam, rows):
        p = np.clip(y[:, 0], 1e-6, 1 - 1e-6)
        return float(-np.mean(np.log(np.where(self.labels[rows].numpy() == 1, p, 1 - p))))
