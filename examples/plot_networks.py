"""
Use the trained networks
========================

Three kernel regressions are trained at three strengths of their penalty. A surrogate that calls
them answers at any strength between. At the trained values, its answers are exactly theirs.
Between them, the particle field answers, which needs no training.
"""

# %%
# Models are trained at three values, and at others only for comparison.
import numpy as np
from sklearn.datasets import make_friedman1
from sklearn.kernel_ridge import KernelRidge

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep

X, y = make_friedman1(500, noise=1.0, random_state=0)
train, new = X[:300], X[300:]
trained, between = [0.01, 0.3, 10.0], [0.03, 0.1, 1.0, 3.0]
model = KernelRidge(kernel="rbf", gamma=0.5)
data = sweep(model, "alpha", trained, train, y[:300])
judge = sweep(model, "alpha", between, train, y[:300], new)

# %%
# `networks` is a dictionary. Its keys are values of lambda. Its values are networks, or functions
# from inputs to outputs.
surrogate = HyperparameterTrajectoryRegressor(networks=data.networks, random_state=0)
surrogate.fit(data.X, data.y, data.lam)
print(surrogate.lam_transform_)
print("at 0.3:", np.abs(surrogate.predict(new, lam=0.3) - data.networks[0.3](new)).max())

# %%
# The table has the mean squared difference to the model that was trained at a value, on inputs
# that are in no training. Baselines are the nearest trained model, and the straight line between
# both neighbours in log(alpha).
print("alpha   surrogate  straight line  nearest")
for alpha in between:
    true = judge.networks[alpha](new)
    k = np.searchsorted(trained, alpha)
    low, high = trained[k - 1], trained[k]
    below, above = data.networks[low](new), data.networks[high](new)
    fraction = np.log(alpha / low) / np.log(high / low)
    answers = (
        surrogate.predict(new, lam=alpha),
        (1 - fraction) * below + fraction * above,
        below if fraction < 0.5 else above,
    )
    errors = [np.mean((answer - true) ** 2) for answer in answers]
    print("{:5.2f} {:11.5f} {:14.5f} {:8.5f}".format(alpha, *errors))

# %%
# The plot shows four inputs along lambda. Lines are the surrogate, large dots are the trained
# models, and crosses are the models for comparison.
import matplotlib.pyplot as plt

grid = np.geomspace(0.01, 10, 100)
paths = surrogate.trajectory(new[:4], grid)
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for i in range(4):
    ax.plot(grid, paths[:, i], color=f"C{i}")
    ax.plot(trained, [data.networks[a](new[[i]])[0] for a in trained], "o", color=f"C{i}")
    ax.plot(between, [judge.networks[a](new[[i]])[0] for a in between], "x", color=f"C{i}")
ax.set(xscale="log", xlabel="alpha", ylabel="output")
plt.show()
