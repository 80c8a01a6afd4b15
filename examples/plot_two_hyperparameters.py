"""
Two hyperparameters at once
===========================

A support vector regression has two hyperparameters. C is the price of errors, and the kernel is
more local with a larger gamma. Twelve models are trained at scattered pairs. Their surrogate
answers at any pair between. A map of its error on held-out data shows where the best pair is,
without further training.
"""

# %%
# Twelve models are trained on a part of the diabetes data. Four are at the corners of the region,
# so that it is covered. Eight are inside, evenly scattered in logarithms. The largest gamma is the
# default of scikit-learn, one over the number of inputs.
import numpy as np
from scipy.stats import qmc
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from sklearn.svm import SVR

from sklearn_hti import HyperparameterTrajectoryRegressor

X, y = map(scale, load_diabetes(return_X_y=True))
X, X_held, y, y_held = train_test_split(X, y, random_state=0)
low, high = np.log10([0.1, 0.001]), np.log10([10, 0.1])
inside = qmc.scale(qmc.Sobol(2, rng=0).random(8), low, high)
corners = [[a, b] for a in (low[0], high[0]) for b in (low[1], high[1])]
trained = 10 ** np.vstack([corners, inside])


def train(pairs):
    """Return the networks, by their pair."""
    return {(C, gamma): SVR(C=C, gamma=gamma).fit(X, y) for C, gamma in pairs.tolist()}


networks = train(trained)
lam = np.repeat(trained, len(X), axis=0)
outputs = np.concatenate([model.predict(X) for model in networks.values()])
surrogate = HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
surrogate.fit(np.tile(X, (len(trained), 1)), outputs, lam)

# %%
# How near are the answers to models that were trained at other pairs? Two baselines need no
# surrogate: the nearest trained model, and linear interpolation on the triangles between trained
# pairs, both in logarithms.
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

between = 10 ** qmc.scale(qmc.Sobol(2, rng=1).random(32), low, high)
truth = np.stack([model.predict(X_held) for model in train(between).values()])
known = np.stack([model.predict(X_held) for model in networks.values()])
places = (np.log10(between) - low) / (high - low)
knots = (np.log10(trained) - low) / (high - low)
answers = {
    "surrogate": surrogate.trajectory(X_held, between),
    "triangles": LinearNDInterpolator(knots, known)(places),
    "nearest": NearestNDInterpolator(knots, known)(places),
}
errors = {name: np.mean((answer - truth) ** 2, axis=1) for name, answer in answers.items()}
for name, error in errors.items():
    print(f"{name:10s} mean squared error to the trained models {error.mean():.4f}")

# %%
# The surrogate is better because outputs change smoothly. With C up to 100 and gamma up to 0.3,
# models overfit in a corner that twelve pairs hardly cover. In that case, triangles are as good,
# and more trained pairs are needed.
#
# The plot shows the error on held-out data over both hyperparameters. The true error beside it
# needed 400 models.
import matplotlib.pyplot as plt

from sklearn_hti.inspection import LamMapDisplay


def held_out_error(draws):
    """Return the mean squared error of the draws."""
    return np.mean((draws[..., 0] - y_held) ** 2)


grid = np.stack(np.meshgrid(*np.linspace(low, high, 20).T, indexing="ij"), axis=-1)
pairs = 10 ** grid.reshape(-1, 2)
true = [np.mean((model.predict(X_held) - y_held) ** 2) for model in train(pairs).values()]
simplices = LinearNDInterpolator(knots, known)((np.log10(pairs) - low) / (high - low))
simplices = np.nanmean((simplices - y_held) ** 2, axis=1)
levels = np.linspace(0.45, 0.8, 15)

fig, axes = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained", sharey=True)
LamMapDisplay.from_estimator(
    surrogate,
    X_held,
    statistic=held_out_error,
    lam_name=["C", "gamma"],
    ax=axes[2],
    levels=levels,
    extend="both",
)
for ax, values, title in [(axes[0], true, "trained models"), (axes[1], simplices, "triangles")]:
    C, gamma = pairs.T.reshape(2, 20, 20)
    ax.contourf(C, gamma, np.reshape(values, C.shape), levels=levels, extend="both")
    ax.plot(*trained.T, "o", color="w", mec="k", ms=5)
    ax.use_sticky_edges = False
    ax.margins(0.04)
    ax.set(xscale="log", yscale="log", xlabel="C", title=title)
axes[0].set_ylabel("gamma")
axes[2].set(title="surrogate", ylabel="")
plt.show()
