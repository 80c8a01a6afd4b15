"""
Ridge strength, and which clock it needs
========================================

A regression on the diabetes data is trained at three strengths of its penalty. How it answers at
strengths between depends on the clock: how far along the way from one trained strength to the
next a strength is.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep

# %%
# `sklearn_hti.sweep` trains one ridge regression per strength, and asks all of them about the
# same patients. It is quick here, so the truth between is cheap as well: 13 strengths.
X, y = load_diabetes(return_X_y=True)
strengths = [0.01, 0.3, 10.0]
data = sweep(Ridge(), "alpha", strengths, X[:300], y[:300], X)
grid = np.geomspace(0.01, 10.0, 13)
truth = sweep(Ridge(), "alpha", grid, X[:300], y[:300], X).y.reshape(13, -1)

# %%
# One surrogate per clock, fitted to the answers for the first 300 patients.
clocks = {"None (linear)": None, '"log"': "log", '"auto"': "auto"}
surrogates = {
    name: HyperparameterTrajectoryRegressor(
        lam_transform=clock, base="neighbors", max_iter=500, random_state=0
    ).fit(data.X[data.row < 300], data.y[data.row < 300], data.lam[data.row < 300])
    for name, clock in clocks.items()
}
auto = surrogates['"auto"'].lam_transform_
print(auto)
for name, score in auto.scores.items():
    print(f"  {name:9} puts strength 0.3 at {score['positions'][1]:.2f} of the way")

# %%
# The other 142 patients: their answers at strength 0.01 are moved along the grid, and compared
# with those of the regressions trained there.
new = np.arange(300, 442)
said = data.y[:442][new]
paths = {
    name: surrogate.trajectory(X[new], grid, y=said, lam_from=0.01)
    for name, surrogate in surrogates.items()
}
open_strengths = ~np.isclose(grid[:, None], strengths).any(axis=1)
print("root mean squared error at strengths not trained, in units of the target")
for name, path in paths.items():
    error = np.sqrt(np.mean((path - truth[:, new])[open_strengths] ** 2))
    print(f"  {name:14} {error:6.2f}")
nearest = np.abs(np.log(grid)[:, None] - np.log(strengths)).argmin(axis=1)
copied = data.y.reshape(3, -1)[nearest][:, new]
error = np.sqrt(np.mean((copied - truth[:, new])[open_strengths] ** 2))
print(f"  nearest network {error:5.2f}")

# %%
# Five patients, one panel per clock; grey lines mark the strengths that were trained.
shown = np.argsort(said)[:: len(said) // 5][:5]
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.6), layout="constrained", sharey=True)
for ax, (name, path) in zip(axes, paths.items(), strict=True):
    for i, patient in enumerate(shown):
        ax.semilogx(grid, path[:, patient], color=f"C{i}")
        ax.scatter(grid, truth[:, new[patient]], color=f"C{i}", s=10)
    for strength in strengths:
        ax.axvline(strength, color="0.85", zorder=0)
    ax.set(xlabel="alpha", title=f"lam_transform={name.split()[0]}")
axes[0].set_ylabel("predicted disease progression")
fig.suptitle("lines: surrogate, dots: regressions trained there")
plt.show()
