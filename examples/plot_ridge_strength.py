"""
Ridge strength, and which λ scale it needs
==========================================

A regression on the diabetes data is trained at three strengths of its penalty. The answers of a
surrogate between them depend on the λ scale. It gives the position of a strength on the way from
one trained strength to the next.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep

# %%
# `sklearn_hti.sweep` trains one ridge regression per strength. All of them answer for the same
# patients. Training is fast here, so the truth is computed at 13 strengths.
X, y = load_diabetes(return_X_y=True)
grid = np.geomspace(0.01, 10.0, 13)
truth = sweep(Ridge(), "alpha", grid, X[:300], y[:300], X).y.reshape(-1, 13).T


def fit(strengths, clock):
    """Fit a surrogate to the answers for the first 300 patients, and print its warnings."""
    data = sweep(Ridge(), "alpha", strengths, X[:300], y[:300], X[:300])
    surrogate = HyperparameterTrajectoryRegressor(
        lam_transform=clock, base="neighbors", max_iter=500, random_state=0
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        surrogate.fit(data.X, data.y, data.lam)
    for warning in told:
        print(f"{len(strengths)} strengths, {clock!r}: {warning.message}\n")
    return surrogate


# %%
# Three surrogates have three strengths, and three different scales. Another one has a fourth
# strength, 1.7, and the scale that ``"auto"`` chooses.
three, four = [0.01, 0.3, 10.0], [0.01, 0.3, 1.7, 10.0]
surrogates = {
    "None (linear)": fit(three, None),
    '"log"': fit(three, "log"),
    '"auto"': fit(three, "auto"),
    '"auto", 4 strengths': fit(four, "auto"),
}

# %%
# The range of the strengths suggests the logarithm. With three strengths, the straight line in
# the logarithm predicts the answers at 0.3 worse than the line in the strength itself.
# ``"auto"`` then starts from the strength itself. With four, it starts from the logarithm. In both
# cases, it adjusts the speed of the scale until the trained strengths fall about where the
# distances between answers place them.
for name in ('"auto"', '"auto", 4 strengths'):
    surrogate = surrogates[name]
    print(name, surrogate.lam_transform_)
    times = surrogate.lam_transform_.rule.time(surrogate.anchors_)
    places = np.log(surrogate.anchors_ / 0.01) / np.log(1000)
    for strength, time, place in zip(surrogate.anchors_, times, places, strict=True):
        print(f"  {strength:5} is at {time:.2f} of the way; by the logarithm alone at {place:.2f}")

# %%
# For the other 142 patients, the answers at strength 0.01 are moved along the grid. They are
# compared with those of the regressions that are trained at these strengths.
new = np.arange(300, 442)
said = Ridge(alpha=0.01).fit(X[:300], y[:300]).predict(X[new])
paths = {
    name: surrogate.trajectory(X[new], grid, y=said, lam_from=0.01)
    for name, surrogate in surrogates.items()
}
is_open = ~np.isclose(grid[:, None], three).any(axis=1)


def error(answers):
    """Return the root mean squared error at the strengths that are in no fit."""
    return np.sqrt(np.mean((answers - truth[:, new])[is_open] ** 2))


print("root mean squared error at strengths not trained, in units of the target")
for name, path in paths.items():
    print(f"  {name:20} {error(path):5.2f}")
nearest = np.abs(np.log(grid)[:, None] - np.log(three)).argmin(axis=1)
known = sweep(Ridge(), "alpha", three, X[:300], y[:300], X[new]).y.reshape(-1, 3).T
print(f"  {'nearest regression':20} {error(known[nearest]):5.2f}")

# %%
# All scales agree at the trained strengths and differ between them. The linear scale has a much
# larger error, and ``"auto"`` has a smaller one than the logarithm. Another network where answers
# move fast helps, too: with a fourth strength, ``"auto"`` is better than every scale with three.
#
# The plot shows five patients, with one panel per surrogate. Grey lines mark the trained
# strengths.
shown = np.argsort(said)[:: len(said) // 5][:5]
fig, axes = plt.subplots(2, 2, figsize=(8.5, 6.4), layout="constrained", sharex=True, sharey=True)
for ax, (name, path) in zip(axes.flat, paths.items(), strict=True):
    for i, patient in enumerate(shown):
        ax.semilogx(grid, path[:, patient], color=f"C{i}")
        ax.scatter(grid, truth[:, new[patient]], color=f"C{i}", s=10)
    for strength in surrogates[name].anchors_:
        ax.axvline(strength, color="0.85", zorder=0)
    ax.set_title(f"lam_transform={name}, error {error(path):.1f}", fontsize=10)
for ax in axes[1]:
    ax.set_xlabel("alpha")
for ax in axes[:, 0]:
    ax.set_ylabel("predicted disease progression")
fig.suptitle("lines: surrogate, dots: regressions trained there")
plt.show()
