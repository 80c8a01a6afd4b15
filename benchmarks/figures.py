"""Truth and surrogate along lambda, a panel per family: python -m benchmarks.figures PATH

The particle field with three anchors, from the outputs of all three networks at inputs that it
has not seen. Lines and bands are the surrogate, dots and bars are true networks
of another seed: of deterministic networks one output of three inputs, of others the median and
the 10 to 90 % range of one output of one input.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from .methods import FIELD, make_method
from .tasks import make_task
from .zoo.registry import CARDS, load

N_INPUTS, N_POINTS = 3, 41
LEVELS = (10, 50, 90)


def curves(name, n_anchors=3):
    """Return lambdas and outputs (L, rows) of the surrogate and of true networks."""
    family, task = load(name), make_task(f"{name}/{n_anchors}", 0)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        model = make_method(FIELD, 0, **task.params).fit(task.X, task.y, task.lam)
        anchors = family.anchors(n_anchors)
        X, rows = family.X[family.test_rows], family.test_rows
        inputs = np.unique(X, axis=0)
        inputs = inputs[np.linspace(0, len(inputs) - 1, N_INPUTS).astype(int)]
        if not family.deterministic:
            inputs = inputs[1:2]
        rows = rows[(X[:, None] == inputs).all(axis=2).any(axis=1)]
        known = [family.at(a, seed=0, rows=rows) for a in anchors]
        output = np.ptp(np.mean(known, axis=1), axis=0).argmax()  # the one that moves most
        # even steps of the clock, which lambda itself need not take
        times = np.linspace(0, len(anchors) - 1, N_POINTS)
        grid = np.linspace(anchors[0], anchors[-1], 2001)
        lams = np.interp(times, model.lam_transform_.time(grid), grid)
        lams = np.union1d(lams, anchors)
        answers = []
        for lam in lams:
            found = model.interpolate(family.X[rows], known, lams=anchors, lam=lam)
            answers.append(found[:, output])
    truth = [family.at(lam, seed=1, rows=rows)[:, output] for lam in family.lams]
    return lams, np.array(answers), np.array(family.lams), np.array(truth)


def draw(panel, name, lams, answers, true_lams, truth, n_anchors=3):
    """Draw one family."""
    family = load(name)
    anchors = family.anchors(n_anchors)
    if anchors[0] > 0 and anchors[-1] / anchors[0] >= 100:
        panel.set_xscale("log")
    if family.deterministic:
        for i in range(answers.shape[1]):
            (line,) = panel.plot(lams, answers[:, i])
            panel.plot(true_lams, truth[:, i], "o", ms=3, color=line.get_color())
    else:
        low, middle, high = np.percentile(answers, LEVELS, axis=1)
        panel.fill_between(lams, low, high, alpha=0.3, lw=0)
        panel.plot(lams, middle)
        low, middle, high = np.percentile(truth, LEVELS, axis=1)
        panel.errorbar(true_lams, middle, [middle - low, high - middle], fmt="ko", ms=3, lw=1)
    for anchor in anchors:
        panel.axvline(anchor, color="0.7", lw=0.8, ls=":", zorder=0)
    panel.set_title(name.replace("_", " "), fontsize=9)
    panel.tick_params(labelsize=7)


def main():
    """Fit the surrogate to every family and save the picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    names = [name for name, card in CARDS.items() if card.file.exists()]
    runs = Parallel(args.jobs, return_as="generator")(delayed(curves)(name) for name in names)
    n_rows = -(-len(names) // 3)
    figure, panels = plt.subplots(n_rows, 3, figsize=(9, 2.1 * n_rows), layout="constrained")
    for panel, name, parts in zip(panels.flat, names, tqdm(runs, total=len(names)), strict=False):
        draw(panel, name, *parts)
    for panel in panels.flat[len(names) :]:
        panel.set_axis_off()
    figure.savefig(args.path, dpi=110)


if __name__ == "__main__":
    main()
