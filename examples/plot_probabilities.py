"""
Probabilities of a classifier
=============================

Logistic regressions of handwritten digits are trained at three strengths C of their penalty. A
surrogate gives the probabilities of the ten classes at any C between. It computes in log-ratios of
probabilities, so that its answers always sum to one.
"""

# %%
# Train at three values, and at others only to judge.
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
# `networks` holds ``predict_proba`` of each trained classifier. Nothing is trained by `fit`.
surrogate = HyperparameterTrajectoryClassifier(networks=data.networks, random_state=0)
surrogate.fit(data.X, data.y, data.lam)
print(surrogate.lam_transform_)
print("accuracy at C = 0.03:", surrogate.score(X[new], y[new], lam=0.03))

# %%
# On digits that no classifier has seen, the log loss that an answer adds to that of the classifier
# trained there, if labels are drawn from its probabilities (the Kullback-Leibler divergence): of
# the surrogate, of straight lines of probabilities in log(C), and of the nearest trained
# classifier.
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
# A digit that the strongest penalty takes for another one than the weakest does. Lines are the
# surrogate, large dots the trained classifiers, crosses those that judge.
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
# Calibration curves of scikit-learn take an estimator that finds lambda in a column of X
# (``lam_column``). Of one value of C, `predict_proba` is enough.
from sklearn.calibration import CalibrationDisplay

fig, ax = plt.subplots(figsize=(4, 4), layout="constrained")
for C in (0.003, 0.3):
    p = surrogate.predict_proba(X[new], lam=C)
    CalibrationDisplay.from_predictions(
        np.equal.outer(y[new], surrogate.classes_).ravel(), p.ravel(), name=f"C = {C}", ax=ax
    )
