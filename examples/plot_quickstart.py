"""
A network at hyperparameter values at which it was never trained
================================================================

Quantile networks are trained at three levels. The surrogate answers for levels between.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_quantile_networks

# %%
# Outputs of networks trained at three levels; `sklearn_hti.sweep` collects such data from
# any scikit-learn or skorch estimator. Rows with the same x are recognised and used.
networks = make_quantile_networks(levels=(0.05, 0.3, 0.95), random_state=0)
known = np.isin(networks.row, networks.train_rows)
surrogate = HyperparameterTrajectoryRegressor(
    lam_transform="probit",  # the clock that suits quantile levels
    base="neighbors",  # no generator of outputs is trained: `transport` needs none
    random_state=0,
)
surrogate.fit(networks.X[known], networks.y[known], networks.lam[known])

# %%
# For patients who were in no training, move what the deployed network (level 0.05) says to
# any level between.
new = np.isin(networks.row, networks.test_rows) & (networks.lam == 0.05)
X, said = networks.X[new], networks.y[new]
grid = np.linspace(0.05, 0.95, 50)
paths = surrogate.trajectory(X, grid, y=said, lam_from=0.05)
print(paths.shape)  # level, patient

# %%
# Networks trained at three levels between, only to judge: mean squared error to them, beside
# that of leaving the answer of level 0.05 as it is, and that of the nearest trained network.
between = (0.15, 0.5, 0.8)
truth = {level: networks.truth(X, level) for level in between}
print("level  surrogate  not moving  nearest network")
for level, true in truth.items():
    nearest = min((0.05, 0.3, 0.95), key=lambda trained, level=level: abs(trained - level))
    answers = (surrogate.transport(X, said, 0.05, level), said, networks.truth(X, nearest))
    errors = [np.mean((answer - true) ** 2) for answer in answers]
    print(f"{level:5.2f}  {errors[0]:9.4f}  {errors[1]:10.4f}  {errors[2]:15.4f}")

# %%
# Eight patients: lines are the surrogate's, dots the networks trained to judge.
shown = np.argsort(said)[:: len(said) // 8][:8]
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
for i, patient in enumerate(shown):
    ax.plot(grid, paths[:, patient], color=f"C{i}")
    ax.scatter(between, [truth[level][patient] for level in between], color=f"C{i}")
for level in (0.05, 0.3, 0.95):
    ax.axvline(level, color="0.85", zorder=0)
ax.set(
    xlabel="quantile level λ (grey: trained there)",
    ylabel="disease progression, standardised",
    title="lines: surrogate, dots: networks trained there",
)
plt.show()
