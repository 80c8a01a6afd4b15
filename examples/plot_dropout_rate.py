"""
The dropout rate of a stochastic network
========================================

If dropout stays on after training, a network gives a different answer at every call. The spread of
answers depends on the dropout rate in training. Networks are trained at three rates. The surrogate
gives the distribution of answers at rates between.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from skorch import NeuralNetRegressor
from skorch.callbacks import LRScheduler
from torch import nn

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.metrics import squared_wasserstein

# %%
# The network is a multilayer perceptron whose dropout is always on.


class AlwaysDropout(nn.Module):
    """Two hidden layers with dropout, in training and after."""

    def __init__(self, p=0.1, hidden=64):
        super().__init__()
        self.p = p
        self.first, self.second = nn.Linear(10, hidden), nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 1)

    def forward(self, x):
        """Return one random answer per row."""
        for layer in (self.first, self.second):
            x = nn.functional.dropout(torch.relu(layer(x)), self.p, training=True)
        return self.last(x)


EPOCHS = 200
network = NeuralNetRegressor(
    AlwaysDropout,
    optimizer=torch.optim.AdamW,
    optimizer__weight_decay=3.0,
    lr=0.02,
    max_epochs=EPOCHS,
    callbacks=[("decay", LRScheduler("CosineAnnealingLR", T_max=EPOCHS))],
    batch_size=-1,
    train_split=None,
    verbose=0,
)

# %%
# `sklearn_hti.sweep` trains it at three rates and draws 50 answers of each network for 40
# patients.
X, y = (scale(v).astype(np.float32) for v in load_diabetes(return_X_y=True))
asked, n_asked = X[300:340], 40
rates, between = (0.1, 0.5, 0.8), (0.3, 0.65)
train = X[:300], y[:300, None], asked
data = sweep(network, "module__p", rates, *train, n_draws=50, random_state=0)
known = data.y.reshape(n_asked, len(rates), 50).swapaxes(0, 1)

# %%
# The surrogate starts from the deployed network, which has rate 0.1. It moves the answers of this
# network to other rates.
deployed = data.estimators[0]
surrogate = HyperparameterTrajectoryRegressor(
    base=lambda x: deployed.predict(np.asarray(x, dtype=np.float32))[:, 0],
    max_iter=600,
    random_state=0,
)
surrogate.fit(data.X, data.y[:, 0], data.lam)
torch.manual_seed(0)  # the deployed network draws its dropout from torch's global state

# %%
# Two networks at rates between are trained only for comparison. The error is the squared
# Wasserstein distance per patient between 50 of their answers and 50 others. These are draws of
# the surrogate, its answers from those of the trained networks (`interpolate`), the answers of the
# two nearest networks, and further answers of the same network (the noise floor). The last 50
# answers of the network are the truth: `sweep` uses one seed for all networks, so the first ones
# share their noise.
judge = sweep(network, "module__p", between, *train, n_draws=100, random_state=0)
truth = judge.y.reshape(n_asked, len(between), 100).swapaxes(0, 1)
patients = np.repeat(np.arange(n_asked), 50)
print("rate   sample  interpolate  rate below  rate above   floor")
for k, rate in enumerate(between):
    drawn = surrogate.sample(asked, lam=rate, n_samples=50, random_state=1).T
    outputs = [answers.ravel() for answers in known]
    met = surrogate.interpolate(asked[patients], outputs, lams=rates, lam=rate)
    others = (drawn, met, known[k], known[k + 1], truth[k, :, :50])
    true = truth[k, :, 50:].ravel()
    errors = [squared_wasserstein(true, other.ravel(), groups=patients) for other in others]
    print("{:4.2f} {:8.4f} {:12.4f} {:11.4f} {:11.4f} {:7.4f}".format(rate, *errors))

# %%
# Rate 0.65 is far from the deployed network, and a copy of the network trained at 0.5 is more
# accurate there. If the networks are available, `interpolate` is more accurate than both.
#
# The left panel shows the standard deviation of the answers for a patient, averaged over patients.
# The other panels show the fraction of answers below a value, for two patients at rate 0.3. The
# surrogate starts from the deployed network (dashed). Its answers for patient 5 are accurate. For
# patient 0, it does not move, while the true answers move down.
grid = np.linspace(0.1, 0.8, 15)
spread = [surrogate.predict(asked, lam=rate, return_std=True)[1].mean() for rate in grid]
draws = surrogate.sample(asked, lam=0.3, n_samples=200, random_state=2)
fig, axes = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
axes[0].plot(grid, spread, label="surrogate")
axes[0].scatter(rates, known.std(axis=2).mean(axis=1), color="k", label="trained, in the fit")
axes[0].scatter(
    between, truth.std(axis=2).mean(axis=1), facecolor="w", edgecolor="k", label="not in the fit"
)
axes[0].set(xlabel="dropout rate λ", ylabel="mean standard deviation", ylim=(0, None))
axes[0].legend(frameon=False, loc="lower right")
for ax, patient in zip(axes[1:], (0, 5), strict=True):
    ax.ecdf(truth[0, patient], color="0.6", lw=4, label="network trained at 0.3")
    ax.ecdf(draws[:, patient], color="C0", label="surrogate at 0.3")
    ax.ecdf(known[0, patient], color="C1", ls="--", label="deployed network, 0.1")
    ax.set(xlabel="answer (standardised)", title=f"patient {patient}", ylabel="fraction below")
axes[1].legend(frameon=False, fontsize=8)
plt.show()

# %%
# A rate of 0
# -----------
#
# Without dropout, a network gives the same answer at every call, and no map can separate equal
# answers. If 0 is one of the trained rates, the surrogate therefore draws at the rate at which
# answers differ most, and moves these draws. A `BaseWarning` reports this, and `base_lam_` is the
# rate. Between 0 and 0.5, the spread of its answers is too small. Three rates do not determine how
# fast the spread grows from zero.
steady = sweep(network, "module__p", (0.0, 0.5, 0.8), *train, n_draws=50, random_state=0)
surrogate = HyperparameterTrajectoryRegressor(random_state=0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    surrogate.fit(steady.X, steady.y[:, 0], steady.lam)
print(*(warning.message for warning in caught))
print("draws begin at", surrogate.base_lam_)
first, last = (steady.y[steady.lam == rate] for rate in (0.0, 0.5))
rates, trained = (0.0, 0.3, 0.5), (first, truth[0], last)
for rate, answers in zip(rates, trained, strict=True):
    spread = surrogate.predict(asked, lam=rate, return_std=True)[1].mean()
    true = np.reshape(answers, (n_asked, -1)).std(axis=1).mean()
    print(f"rate {rate}: standard deviation {spread:.3f}, of the network {true:.3f}")
