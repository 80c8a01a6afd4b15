"""
Looking at a fitted surrogate
=============================

Points move along four semicircles while lambda goes from 0 to 1. The trained values are 0, 0.5
and 1. Five displays show the fitted surrogate. As in scikit-learn, ``from_estimator`` computes and
plots. The display keeps the computed arrays, and ``plot`` draws them again.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.inspection import (
    HistoryDisplay,
    LagrangianDisplay,
    MarginalDisplay,
    TrajectoryDisplay,
)

data = make_semicircles(n_samples=60, random_state=0)
surrogate = HyperparameterTrajectoryRegressor(
    lam_transform=None, categorical_features=[0], max_iter=400, random_state=0
)
surrogate.fit(data.X, data.y, data.lam)

# %%
# What are the answers, and how uncertain are they? `plot` shows the outputs of one input along
# lambda: their mean with its interval, and 80 % of the draws. The straight line between the
# trained values is plotted for comparison.
surrogate.plot([0], output_names=["across", "up"], random_state=0)
plt.show()

# %%
# `TrajectoryDisplay` shows paths of draws, in one colour per category. Dots from light to dark
# are at the trained values. Crosses are true outputs at 0.25, which is not a trained value.
categories = np.arange(4)[:, None]
X_true = np.repeat(categories, 15, axis=0)
y_true = data.truth(X_true, 0.25, random_state=1)
TrajectoryDisplay.from_estimator(
    surrogate, categories, truth=(X_true, y_true, 0.25), random_state=0
)
plt.show()

# %%
# Single outputs are plotted against lambda. `outputs` accepts positions, names, and pairs of them.
TrajectoryDisplay.from_estimator(
    surrogate,
    categories[:2],
    outputs=["across", "up", ("across", "up")],
    output_names=["across", "up"],
    random_state=0,
)
plt.show()

# %%
# Why are the paths curved? Contours are the log-density, which is the potential. Every ellipse
# contains the velocities with the same kinetic energy: moving is cheap along its long axis.
LagrangianDisplay.from_estimator(surrogate, [[0]], random_state=0)
plt.show()

# %%
# How is one output distributed along lambda? Dashed lines are the truth.
lam = np.array([0, 0.125, 0.25, 0.5, 0.75, 0.875, 1])
X_true = np.zeros((300 * len(lam), 1))
lam_true = np.repeat(lam, 300)
truth = (X_true, data.truth(X_true, lam_true, random_state=1), lam_true)
display = MarginalDisplay.from_estimator(surrogate, [[0]], lam, truth=truth, random_state=0)
plt.show()

# %%
# `plot` draws the same draws as histograms.
display.plot(kind="histogram")
plt.show()

# %%
# Did the training converge? There is one panel per network.
HistoryDisplay.from_estimator(surrogate)
plt.show()
