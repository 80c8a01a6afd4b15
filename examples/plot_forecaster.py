"""
A forecaster for every quantile, and whether quantiles cross
============================================================

A forecaster of the next value of a series is trained at three quantile levels with the pinball
loss. The surrogate gives all levels between, and so a band of any width. Networks that are trained
separately may contradict each other: the forecast of a higher level may be below that of a lower
one. The example counts how often this happens, for forecasters and for the surrogate.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.datasets import quantile_network

# %%
# The series has a daily period, and its noise is largest in the evening. A forecaster receives the
# last six values and the hour.
rng = np.random.default_rng(0)
hour = np.arange(1000) % 24
phase = 2 * np.pi * hour / 24
noise = rng.normal(size=1000) * (0.15 + 0.35 * (1 - np.cos(phase - 1.0)) / 2)
series = np.sin(phase) + 0.5 * np.sin(2 * phase) + noise
lags = np.stack([series[k : k - 6] for k in range(6)], axis=1)
X = np.column_stack([lags, np.sin(phase[6:]), np.cos(phase[6:])]).astype(np.float32)
y = series[6:].astype(np.float32)
train, asked = slice(0, 600), slice(600, None)


def forecasts(levels):
    """Train a forecaster per level on the first 600 hours; return rows and answers by level."""
    network = quantile_network(n_inputs=8, max_epochs=120)
    data = sweep(network, "criterion__level", levels, X[train], y[train, None], X, random_state=0)
    return data, data.y.reshape(len(X), len(levels)).T


# %%
# Three levels are trained for the surrogate, which is fitted to their forecasts of the first 600
# hours. On the probit scale, quantiles of a Gaussian move evenly.
levels = (0.05, 0.5, 0.95)
data, known = forecasts(levels)
seen = data.row < 600
surrogate = HyperparameterTrajectoryRegressor(
    lam_transform="probit", base="neighbors", max_iter=800, random_state=0
)
surrogate.fit(data.X[seen], data.y[seen, 0], data.lam[seen])

# %%
# Four forecasters at levels between are trained only for comparison, on the hours that are in no
# training. The table has the pinball loss of the forecaster trained at a level, of the surrogate,
# which moves the forecast of level 0.05, of the straight line between the forecasters on both
# sides, and of the nearest one. Coverage is the fraction of values below.
between = (0.15, 0.3, 0.7, 0.85)
_, judges = forecasts(between)


def pinball(forecast, level):
    """Return the mean pinball loss on the held-out hours."""
    gap = y[asked] - forecast
    return np.mean(np.maximum(level * gap, (level - 1) * gap))


print("level  trained there  surrogate  straight line  nearest   below: trained  surrogate")
for level, judge in zip(between, judges[:, asked], strict=True):
    moved = surrogate.transport(X[asked], known[0, asked], lam_from=0.05, lam_to=level)
    nearest = known[np.abs(np.array(levels) - level).argmin(), asked]
    k = np.searchsorted(levels, level)
    fraction = (level - levels[k - 1]) / (levels[k] - levels[k - 1])
    line = known[k - 1, asked] + fraction * (known[k, asked] - known[k - 1, asked])
    losses = (pinball(f, level) for f in (judge, moved, line, nearest))
    below = (np.mean(y[asked] < f) for f in (judge, moved))
    print(
        "{:5.2f} {:14.4f} {:10.4f} {:14.4f} {:8.4f} {:16.2f} {:10.2f}".format(
            level, *losses, *below
        )
    )

# %%
# Forecasts cross in an hour if one of them is above that of the next level. The table has the
# fraction of these hours. The surrogate answers at the same seven levels, and on a grid of 46.
all_levels = np.sort([*levels, *between])
trained = np.concatenate([known, judges])[np.argsort([*levels, *between])][:, asked]
grid = np.linspace(0.05, 0.95, 46)
paths = {
    "forecasters, 7 levels": trained,
    "surrogate, 7 levels": surrogate.trajectory(
        X[asked], all_levels, y=known[0, asked], lam_from=0.05
    ),
    "surrogate, 46 levels": surrogate.trajectory(X[asked], grid, y=known[0, asked], lam_from=0.05),
}
for name, path in paths.items():
    print(f"{name:22} {np.mean((np.diff(path, axis=0) < 0).any(axis=0)):6.1%} of hours cross")

# %%
# The plot shows three days: the median, and the bands of 50 % and 90 % of the surrogate.
band = paths["surrogate, 46 levels"][:, :72]
fig, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
for low, high, shade in ((0, 45, 0.2), (10, 35, 0.35)):
    label = f"levels {grid[low]:.2f} to {grid[high]:.2f}"
    ax.fill_between(range(72), band[low], band[high], color="C0", alpha=shade, lw=0, label=label)
ax.plot(0.5 * (band[22] + band[23]), color="C0", label="median")
ax.plot(y[asked][:72], "k.", ms=4, label="true value")
ax.set(xlabel="hour", ylabel="value")
ax.legend(frameon=False, ncols=4, loc="upper center", fontsize=8)
ax.set_ylim(top=band.max() + 0.6)
plt.show()
