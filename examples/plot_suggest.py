"""
Which value to train next
=========================

A support vector regression is trained at both ends of the range of its strength C. `suggest_lam`
then suggests one value after the other. With half of the trainings, the surrogate is nearer to the
truth than that of an even grid.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.svm import SVR

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.design import find_lam, suggest_lam

warnings.simplefilter("ignore")  # two trained values do not determine the λ scale
X, y = load_diabetes(return_X_y=True)
grid = np.linspace(0.1, 100.0, 200)
truth = sweep(SVR(), "C", grid, X, y).y.reshape(-1, len(grid)).T


def learn(lams):
    """Train networks and return their surrogate."""
    data = sweep(SVR(), "C", sorted(lams), X, y)
    return HyperparameterTrajectoryRegressor(networks=data.networks).fit(data.X, data.y, data.lam)


def error(surrogate):
    """Return the root mean square error over the whole range."""
    return np.sqrt(np.mean((surrogate.trajectory(X, grid) - truth) ** 2))


# %%
# The loop is: sweep, fit, suggest. The error is averaged over an even grid of C.
lams, errors = [0.1, 100.0], {}
while len(lams) <= 8:
    surrogate = learn(lams)
    errors[len(lams)] = error(surrogate)
    lams.extend(suggest_lam(surrogate, candidates=grid).lam)
even = {k: error(learn(np.linspace(0.1, 100.0, k))) for k in range(2, 17, 2)}

# %%
# The suggested values are dense where predictions change fast.
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(grid, truth[:, ::60], color="0.6", lw=1)
for k, lam in enumerate(lams[:8]):
    left.axvline(lam, color="C0", lw=0.8)
    left.text(lam, 1.01 + 0.05 * (k % 2), k + 1, transform=left.get_xaxis_transform(), ha="center")
left.set(xlabel="C", ylabel="predictions of some patients")
right.semilogy(list(errors), list(errors.values()), "o-", label="suggested")
right.semilogy(list(even), list(even.values()), "s--", label="even grid")
right.set(xlabel="trained values", ylabel="root mean square error")
right.legend()
plt.show()

# %%
# `find_lam` solves the inverse problem: for which strength is the mean prediction 145?
found = find_lam(surrogate, X, "mean", 145.0)
print(f"C = {found.lam:.3g}, from {found.interval[0]:.3g} to {found.interval[1]:.3g}")
