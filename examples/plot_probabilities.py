"""
Probabilities of a classifier
=============================

Logistic regressions of handwritten digits are trained at three strengths C of their penalty. A
surrogate gives the probabilities of the ten classes at any C between. It uses log-ratios of
probabilities, so its answers always sum to one.
"""

# %%
# Classifiers are trained at three values, and at others only for comparison.
import numpy as np
from scipy.special import rel_entr
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from sklearn_hti import HyperparameterTrajectoryClassifier, sweep

X, y = load_digits(return_X_y=True)
X = X / 16
order = np.random.default_rng(0).permutation(len(X))
train, new = order[:400], order[400:800]
trained, between = [0.001, 0.1, 10.0], [0.003, 0.01, 0.03, 0.3, 1.0, 3.0]
model = LogisticRegression(max_iter=2000)
options = {"method": "predict_proba"}
data = sweep(model, "C", trained, X[train], y[train], X[train], **options)
judge = sweep(model, "C", between, X[train], y[train], X[new], **options)

# %%
# `networks` holds ``predict_proba`` of each trained classifier. `fit` trains nothing.
surrogate = HyperparameterTrajectoryClassifier(networks=data.networks, random_state=0)
surrogate.fit(data.X, data.y, data.lam)
print(surrogate.lam_transform_)
print("accuracy at C = 0.03:", surrogate.score(X[new], y[new], lam=0.03))

# %%
# The table has the Kullback-Leibler divergence from the classifier that was trained at C, on
# digits that are in no training. It is the log loss that an answer adds if labels are drawn from
# the probabilities of this classifier. Baselines are straight lines of probabilities in log(C),
# and the nearest trained classifier.
print("C       surrogate  straight line  nearest")
for C in between:
    k = np.searchsorted(trained, C)
    low, high = (data.networks[c](X[new]) for c in trained[k - 1 : k + 1])
    fraction = np.log(C / trained[k - 1]) / np.log(trained[k] / trained[k - 1])
    answers = (
        surrogate.predict_proba(X[new], lam=C),
        (1 - fraction) * low + fraction * high,
        low if fraction < 0.5 else high,
    )
    true = judge.networks[C](X[new])
    added = [rel_entr(true, p).sum(axis=1).mean() for p in answers]
    print("{:6.3f} {:10.4f} {:14.4f} {:8.4f}".format(C, *added))

# %%
# The plot shows a digit whose class differs between the strongest and the weakest penalty. Lines
# are the surrogate, large dots are the trained classifiers, and crosses are those for comparison.
import matplotlib.pyplot as plt

strong, weak = (data.networks[C](X[new]) for C in (trained[0], trained[-1]))
differ = strong.argmax(axis=1) != weak.argmax(axis=1)
one = X[new][[np.argmax(differ * weak.max(axis=1))]]
grid = np.geomspace(trained[0], trained[-1], 100)
paths = surrogate.trajectory(one, grid)[:, 0]
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for k in np.argsort(-paths.max(axis=0))[:4]:
    (line,) = ax.plot(grid, paths[:, k], label=f"digit {surrogate.classes_[k]}")
    color = line.get_color()
    ax.plot(trained, [data.networks[c](one)[0, k] for c in trained], "o", color=color)
    ax.plot(between, [judge.networks[c](one)[0, k] for c in between], "x", color=color)
ax.set(xscale="log", xlabel="C", ylabel="probability")
ax.legend()

# %%
# Calibration curves of scikit-learn accept an estimator with lambda in a column of X
# (``lam_column``). For a single value of C, `predict_proba` is enough.
from sklearn.calibration import CalibrationDisplay

fig, ax = plt.subplots(figsize=(4, 4), layout="constrained")
for C in (0.003, 0.3):
    p = surrogate.predict_proba(X[new], lam=C)
    CalibrationDisplay.from_predictions(
        np.equal.outer(y[new], surrogate.classes_).ravel(), p.ravel(), name=f"C = {C}", ax=ax
    )
