"""Trajectory inference, lambda is time: python -m benchmarks.arena.snapshots [--report]

Every interior snapshot of a series is left out in turn. Methods are fitted on the others and move
the snapshot before it to its time. Distances are exact: W1, and W2, the root of the mean squared
one. Records are appended to --results as they come: interrupt at will, and run again to go on.
With --report it prints tables of the records alone. torchcfm is judged where it is installed
(extra `peers`).
"""

import argparse
import sys
import time
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import ot
import torch
from threadpoolctl import threadpool_limits

from sklearn_hti.metrics import squared_wasserstein

from ..methods import DEFAULT, FIELD, make_method
from ..peers import HOW as PEERS
from ..records import complete, mean_and_error, read, write_between
from .series import SERIES, available

KEY = ("series", "seed", "time", "method")
STILL, FLOOR, TORCHCFM = "snapshot before", "floor: fresh draws", "torchcfm, OT-CFM"
LABELS = {
    FLOOR: FLOOR,
    STILL: STILL,
    DEFAULT: "ours",
    FIELD: "ours, all snapshots asked",
    "the same, linear in lambda": "straight line (exact OT)",
    TORCHCFM: TORCHCFM,
    "flow matching, OT": "flow matching, OT",
    "metric flow matching, LAND": "metric flow matching, LAND",
    "metric flow matching, RBF": "metric flow matching, RBF",
}


class BetweenSnapshots:
    """OT-CFM of torchcfm from every snapshot to the next, one velocity field for all.

    The network, the matcher and its noise are those of the library's single-cell example; Adam
    at its defaults, and fewer and smaller batches than there.
    """

    def __init__(self, n_steps=2000, batch_size=128, sigma=0.1, seed=0):
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.sigma = sigma
        self.seed = seed

    def fit(self, X, y, lam):
        """Train on snapshots y at the times lam; there is no X."""
        from torchcfm.conditional_flow_matching import ExactOptimalTransportConditionalFlowMatcher
        from torchcfm.models.models import MLP

        torch.manual_seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002 - the library draws from it
        self.times_ = np.unique(lam)
        clouds = [torch.as_tensor(y[lam == t], dtype=torch.float32) for t in self.times_]
        matcher = ExactOptimalTransportConditionalFlowMatcher(sigma=self.sigma)
        self.net_ = MLP(y.shape[1], y.shape[1], w=64, time_varying=True)
        optimizer = torch.optim.Adam(self.net_.parameters())
        for _ in range(self.n_steps):
            loss = 0.0
            for k in range(len(clouds) - 1):
                ends = (c[torch.randint(len(c), (self.batch_size,))] for c in clouds[k : k + 2])
                t, place, velocity = matcher.sample_location_and_conditional_flow(*ends)
                found = self.net_(torch.cat([place, (k + t)[:, None]], dim=1))
                loss = loss + (found - velocity).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self

    @torch.no_grad()
    def transport(self, X, y, *, lam_from, lam_to):
        """Return outputs moved from one time to another."""
        from torchdiffeq import odeint

        def velocity(t, place):
            return self.net_(torch.cat([place, t.expand(len(place), 1)], dim=1))

        ends = np.interp([lam_from, lam_to], self.times_, np.arange(len(self.times_)))
        start = torch.as_tensor(y, dtype=torch.float32)
        times = torch.as_tensor(ends, dtype=torch.float32)
        return odeint(velocity, start, times, atol=1e-4, rtol=1e-4)[-1].numpy()


def answer(series, method, seed, left_out):
    """Return draws at a time that is left out."""
    before, y = series.before(left_out)
    if method == STILL:
        return y
    if method == FLOOR:
        return series.clouds[series.times.index(left_out)]
    known, lam = series.without(left_out)
    model = BetweenSnapshots(seed=seed) if method == TORCHCFM else make_method(method, seed)
    model.fit(None, known, lam)
    if method == FIELD:
        clouds = [known[lam == t] for t in np.unique(lam)]
        return model.interpolate(None, clouds, lams=np.unique(lam), lam=left_out)
    return model.transport(None, y, lam_from=before, lam_to=left_out)


def judge(makers, name, seed, left_out, method):
    """Return both distances, and the CPU seconds of fit and answer."""
    series = makers[name](seed)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        start = time.process_time()
        y = answer(series, method, seed, left_out)
        cpu = time.process_time() - start
    truth = series.at(left_out)
    w1 = ot.emd2([], [], ot.dist(truth, y, metric="euclidean"))
    return {"w1": float(w1), "w2": float(np.sqrt(squared_wasserstein(truth, y))), "cpu": cpu}


def jobs(makers, methods, n_seeds):
    """Return what is run, one seed after the other."""
    found = []
    for seed in range(n_seeds):
        for name, make in makers.items():
            series = make(seed)
            left = [m for m in methods if m != FLOOR or series.truth]
            found += [(name, seed, t, m) for t in series.times[1:-1] for m in left]
    return found


def report(records):
    """Return the lines of one table: W1 / W2, means over left-out times ± error over seeds."""
    names = list(dict.fromkeys(r["series"] for r in records))
    methods = [m for m in LABELS if any(r["method"] == m for r in records)]

    def cell(name, method):
        mine = [r for r in records if (r["series"], r["method"]) == (name, method)]
        if not mine:
            return "–", "–", "–"
        seeds = sorted({r["seed"] for r in mine})
        return [
            mean_and_error([np.mean([r[k] for r in mine if r["seed"] == s]) for s in seeds])
            for k in ("w1", "w2")
        ] + [f"{np.mean([r['cpu'] for r in mine]):.1f}"]

    head = [f"{name}, {of}" for name in names for of in ("W1", "W2", "CPU s")]
    lines = ["| | " + " | ".join(head) + " |", "| --- |" + " --- |" * len(head)]
    for method in methods:
        cells = [text for name in names for text in cell(name, method)]
        lines.append(f"| {LABELS[method]} | " + " | ".join(cells) + " |")
    return lines


def main(arguments=None):
    """Run what is not in the result file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", nargs="+", choices=SERIES, default=list(SERIES))
    parser.add_argument("--methods", nargs="+", choices=LABELS, default=list(LABELS))
    parser.add_argument("--embryo", help="file of the single cells")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=Path("snapshots.jsonl"))
    parser.add_argument("--report", action="store_true", help="print the table, run nothing")
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args(arguments)
    if args.report:
        records = [r for r in read(args.results) if r["series"] in args.series]
        if not records:
            sys.exit(f"{args.results} has no records of these series: run without --report.")
    else:
        makers, missing = available(args.embryo)
        methods = list(args.methods)
        if not find_spec("torchcfm"):
            missing.append(f"left out: torchcfm is missing ({PEERS['torchcfm']})")
            methods = [m for m in methods if m != TORCHCFM]
        for line in missing:
            print(line)
        makers = {name: make for name, make in makers.items() if name in args.series}
        todo = jobs(makers, methods, args.seeds)
        records = complete(args.results, KEY, todo, partial(judge, makers))
    lines = report(records)
    print("\n".join(lines))
    if args.write:
        write_between(args.write, "snapshots", lines)


if __name__ == "__main__":
    main()
