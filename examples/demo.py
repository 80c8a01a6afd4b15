"""Show on two small problems what the package does: `make demo`.

Networks are trained at a few hyperparameter values, the surrogate answers for values between,
and networks trained there judge it. Prints two tables and saves a picture.
"""

import os
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from sklearn_hti import HyperparameterTrajectoryRegressor, sweep
from sklearn_hti.datasets import make_semicircles, quantile_network
from sklearn_hti.metrics import squared_wasserstein

LEVELS = (0.01, 0.5, 0.99)
HELD_OUT = (0.05, 0.2, 0.8, 0.95)
PICTURE = Path(os.environ.get("SKLEARN_HTI_DEMO_PICTURE", "demo.png"))


def say(text):
    """Print a line of the story, at once."""
    print(text, flush=True)


def standardised_diabetes():
    """Return inputs and target of the diabetes data with unit variance, float32."""
    X, y = load_diabetes(return_X_y=True, scaled=True)
    scaled = [(v - v.mean(axis=0)) / v.std(axis=0) for v in (X, y)]
    return [v.astype(np.float32) for v in scaled]


def train_networks(levels, X, y, train, seed):
    """Train a network per level on some patients; return outputs (levels, patients)."""
    outputs = sweep(
        quantile_network(n_inputs=X.shape[1]),
        "criterion__level",
        levels,
        X[train],
        y[train, None],
        X,
        random_state=seed,
        verbose=0,
    )
    return outputs, np.asarray(outputs.y).reshape(len(X), len(levels)).T


def print_row(cells, widths=(8, 10, 12, 11, 9, 14, 7, 14)):
    """Print one line of a table."""
    say("".join(str(c).rjust(w) for c, w in zip(cells, widths, strict=False)))


def share_removed(ours, rivals, floor):
    """Return the share of the avoidable error that is removed, in per cent."""
    return f"{100 * (1 - (ours - floor) / (min(rivals) - floor)):.0f} %"


def quantile_story():
    """Train, fit, ask and judge; return what the picture needs."""
    X, y = standardised_diabetes()
    order = np.random.RandomState(0).permutation(len(X))
    train, new = order[:300], order[300:]

    say(f"1. Train networks that predict a quantile, at the levels {LEVELS} (sweep) ...")
    data, anchors = train_networks(LEVELS, X, y, train, seed=0)

    say("2. Fit the surrogate to their outputs for 300 patients ...")
    known = np.isin(data.row, train)
    start = time.perf_counter()
    clock = "probit"  # what suits quantile levels
    surrogate = HyperparameterTrajectoryRegressor(lam_transform=clock, random_state=0, verbose=1)
    surrogate.fit(data.X[known], np.ravel(data.y)[known], data.lam[known])
    say(f"   {time.perf_counter() - start:.0f} s")

    say(f"3. Train networks at {HELD_OUT} too, with two seeds, only to judge ...\n")
    _, truth = train_networks(HELD_OUT, X, y, train, seed=0)
    _, reseeded = train_networks(HELD_OUT, X, y, train, seed=1)

    say("Mean squared error to the network trained at that level, 142 unseen patients:")
    print_row(
        (
            *("level", "transport", "interpolate", "not moving", "nearest"),
            *("straight line", "floor", "share removed"),
        )
    )
    for level, true, other in zip(HELD_OUT, truth[:, new], reseeded[:, new], strict=True):
        k = np.searchsorted(LEVELS, level)
        low, high = LEVELS[k - 1], LEVELS[k]
        below, above = anchors[k - 1, new], anchors[k, new]
        fraction = (level - low) / (high - low)
        answers = {
            "moved": surrogate.transport(
                X[new], anchors[0, new], lam_from=LEVELS[0], lam_to=level
            ),
            "ours": surrogate.interpolate(X[new], anchors[:, new], lams=LEVELS, lam=level),
            "still": anchors[0, new],
            "nearest": below if fraction < 0.5 else above,
            "line": (1 - fraction) * below + fraction * above,
            "floor": other,
        }
        error = {name: float(np.mean((a - true) ** 2)) for name, a in answers.items()}
        rivals = [error["still"], error["nearest"], error["line"]]
        share = share_removed(error["ours"], rivals, error["floor"])
        print_row([level, *(f"{e:.4f}" for e in error.values()), share])
    say(
        "`transport` moves what the network of level 0.01 says; `interpolate` asks all trained\n"
        "networks, the straight line those below and above. Floor: networks of two seeds. Share\n"
        "removed by `interpolate`: of the error that the best simple answer leaves above it.\n"
    )
    return surrogate, X[new], anchors[0, new], truth[:, new]


def semicircle_story():
    """Fit on three times of points that run over semicircles; print exact W2."""
    say("4. Points that run over four semicircles, seen at times 0, 1/2 and 1 ...")
    data = make_semicircles(n_samples=200, random_state=0)
    start = time.perf_counter()
    # without the middle one of three times nothing tells the way round: no use to leave it out
    surrogate = HyperparameterTrajectoryRegressor(
        lam_transform=None, validate=False, random_state=0, verbose=1
    )
    surrogate.fit(data.X, data.y, data.lam)
    say(f"   {time.perf_counter() - start:.0f} s\n")
    at_start = data.lam == 0
    X, y = data.X[at_start], data.y[at_start]
    say("Squared Wasserstein distance to fresh draws of the truth, per category:")
    print_row(("time", "transport", "", "not moving", "nearest", "", "floor", "share removed"))
    for t in (0.125, 0.25, 0.75, 0.875):
        true, fresh = (data.truth(X, t, random_state=seed) for seed in (1, 2))
        nearest = data.y[data.lam == min((0.0, 0.5, 1.0), key=lambda a, t=t: abs(a - t))]
        answers = {
            "ours": surrogate.transport(X, y, lam_from=0.0, lam_to=t),
            "still": y,
            "nearest": nearest,
        }
        answers["floor"] = fresh
        w2 = {k: squared_wasserstein(true, a, groups=X[:, 0]) for k, a in answers.items()}
        share = share_removed(w2["ours"], [w2["still"], w2["nearest"]], w2["floor"])
        ours, *simple, floor = (f"{w2[k]:.3f}" for k in ("ours", "still", "nearest", "floor"))
        print_row([t, ours, "", *simple, "", floor, share])
    say("")
    return surrogate, X, y


def draw(quantiles, semicircles):
    """Save a picture of trajectories of both problems."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    surrogate, X, y, truth = quantiles
    grid = np.linspace(LEVELS[0], LEVELS[-1], 60)
    shown = np.argsort(y)[:: len(y) // 8][:8]
    colors = [f"C{i}" for i in range(len(shown))]
    paths = surrogate.trajectory(X[shown], grid, y=y[shown], lam_from=LEVELS[0])
    for i, color in enumerate(colors):
        left.plot(grid, paths[:, i], color=color)
        left.scatter(HELD_OUT, truth[:, shown[i]], color=color, s=18)
    for level in LEVELS:
        left.axvline(level, color="0.8", zorder=0)
    left.set_xlabel("quantile level λ (grey: trained there)")
    left.set_ylabel("predicted disease progression, standardised")
    left.set_title("lines: surrogate; dots: networks trained there to judge")

    surrogate, X, y = semicircles
    picked = np.concatenate([np.flatnonzero(X[:, 0] == c)[:12] for c in range(4)])
    times = np.linspace(0, 1, 41)
    paths = surrogate.trajectory(X[picked], times, y=y[picked], lam_from=0.0)
    for i, row in enumerate(picked):
        right.plot(*paths[:, i].T, color=f"C{int(X[row, 0])}", lw=0.8)
    right.scatter(*y[picked].T, color="k", s=8, zorder=3, label="outputs at λ = 0")
    right.scatter(
        *paths[-1].T, facecolor="w", edgecolor="k", s=14, zorder=3, label="moved to λ = 1"
    )
    right.set(xlabel="first output", ylabel="second output", aspect="equal")
    right.set_title("points on semicircles, by category")
    right.legend(loc="upper center", ncols=2, frameon=False, fontsize=8)
    right.set_ylim(-1.5, 1.75)
    fig.savefig(PICTURE, dpi=130)
    say(f"Trajectories are drawn in {PICTURE.resolve()}")


if __name__ == "__main__":
    began = time.perf_counter()
    draw(quantile_story(), semicircle_story())
    say(
        f"Done in {time.perf_counter() - began:.0f} s. Next: read README.md, then put outputs "
        "of your own networks into fit(X, y, lam)."
    )
