"""
A network at hyperparameter values at which it was never trained
================================================================

Networks that predict a quantile are trained at three levels. The surrogate asks them, and answers
for levels in between. Networks trained there judge it, beside the straight line.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.datasets import quantile_network

X, y = load_diabetes(return_X_y=True)
X, y = scale(X).astype(np.float32), scale(y).astype(np.float32)[:, None]
train, new = slice(0, 300), slice(300, None)

# %%
# `sweep` trains any scikit-learn or skorch estimator at several values, here at three levels. Its
# result has the rows (X, y, lam) that `fit` takes, and the trained networks. `fit` trains nothing.
levels = [0.01, 0.5, 0.99]
name, net = "criterion__level", quantile_network(n_inputs=X.shape[1])
data = sweep(net, name, levels, X[train], y[train], random_state=0)
surrogate = HyperparameterTrajectoryRegressor(networks=data.networks, random_state=0)
surrogate.fit(data.X, data.y, data.lam)
print(surrogate.lam_transform_)

# %%
# Any level, for patients whom no network has seen:
print(surrogate.predict(X[new][:3], lam=0.2).round(2))

# %%
# Networks trained at four levels between judge: mean squared errors of the surrogate, of the
# straight line between the two neighbouring networks, and of the nearest network. The floor is the
# error of networks that start from other weights.
between = [0.05, 0.2, 0.8, 0.95]
judges = [
    sweep(net, name, between, X[train], y[train], random_state=seed).networks for seed in (0, 1)
]
X_new = X[new]
trained = [network(X_new) for network in data.networks.values()]


def straight_line(level):
    """Return the answer on the line between the networks on both sides of a level."""
    k = np.searchsorted(levels[1:-1], level)
    fraction = (level - levels[k]) / (levels[k + 1] - levels[k])
    return (1 - fraction) * trained[k] + fraction * trained[k + 1]


print("level  surrogate  straight line  nearest  floor")
for level in between:
    true, other = (judge[level](X_new) for judge in judges)
    nearest = trained[np.argmin(np.abs(np.subtract(levels, level)))]
    answers = (surrogate.predict(X_new, lam=level), straight_line(level), nearest, other)
    errors = [np.mean((np.ravel(answer) - np.ravel(true)) ** 2) for answer in answers]
    print("{:5.2f} {:10.4f} {:14.4f} {:8.4f} {:6.4f}".format(level, *errors))

# %%
# Six patients: lines are the surrogate, dashed ones straight lines, squares the trained networks,
# and dots the networks that judge.
grid = np.linspace(0.01, 0.99, 99)
paths = surrogate.trajectory(X_new[:6], grid)
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for i in range(6):
    ax.plot(grid, paths[:, i], color=f"C{i}")
    ax.plot(
        grid, [np.ravel(straight_line(level))[i] for level in grid], color=f"C{i}", ls="--", lw=0.8
    )
    ax.plot(levels, [np.ravel(output)[i] for output in trained], "s", color=f"C{i}")
    ax.plot(
        between, [np.ravel(judges[0][b](X_new))[i] for b in between], "o", color=f"C{i}", mfc="w"
    )
ax.set(xlabel="quantile level λ", ylabel="disease progression, standardised")
plt.show()
