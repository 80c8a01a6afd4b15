"""The original study's tasks: python -m benchmarks.arena.study [--seeds 20] [--report]

Outputs at the first trained value are moved to the held-out values of the reference data, as its
README says. The networks were not published, so no method can ask them. The default runs with
`random_state` 0, 1, ...; rivals with the first three of these. Records are appended to --results
as they come: interrupt at will, and run again to go on. With --report it prints tables of the
records alone.
"""

import argparse
import os
import sys
import time
import warnings
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ..methods import DEFAULT, make_method
from ..records import complete, mean_and_error, read, write_between
from .published import GIVEN, TASKS

STRAIGHT = "the same, linear in lambda"
LABELS = {
    DEFAULT: "default",
    STRAIGHT: "straight line",
    "displacement interpolation": "straight line in the λ scale",
}
N_RIVAL_SEEDS = 3
KEY = ("task", "method", "seed")
STILL, FLOOR = "no transport", "floor"


def jobs(names, n_seeds):
    """Return what is run: no transport, the floor, the default, and the rivals."""
    found = [(name, fixed, 0) for name, fixed in product(names, (STILL, FLOOR))]
    rivals = product(range(min(n_seeds, N_RIVAL_SEEDS)), names, list(LABELS)[1:])
    found += [(name, method, seed) for seed, name, method in rivals]
    return found + [(name, DEFAULT, seed) for seed, name in product(range(n_seeds), names)]


def judge(folder, name, method, seed):
    """Return the numbers of one method by held-out value, and CPU seconds."""
    moves = moves_of(folder, name)
    cpu_fit = cpu = 0.0
    if method == FLOOR:
        rows = [moves.floor(lam) for lam in moves.lams]
    elif method == STILL:
        rows = [moves.measure(lam, moves.y) for lam in moves.lams]
    else:
        model = make_method(method, seed, **moves.params)
        train = moves.train
        start = time.process_time()
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            model.fit(train["X"], train["y"], train["lam"])
            cpu_fit = time.process_time() - start
            moved = [
                model.transport(moves.X, moves.y, lam_from=moves.lam_from, lam_to=lam)
                for lam in moves.lams
            ]
        cpu = time.process_time() - start
        rows = [moves.measure(lam, y) for lam, y in zip(moves.lams, moved, strict=True)]
    figures = [None if row is None else [float(v) for v in row] for row in rows]
    return {"names": moves.names, "lams": moves.lams, "figures": figures} | {
        "cpu_fit": cpu_fit,
        "cpu": cpu,
    }


@cache
def moves_of(folder, name):
    """Return a task, read once."""
    return TASKS[name](folder)


def report(records):
    """Return the lines of one table per task: mean ± standard error over seeds."""
    lines = []
    for name in dict.fromkeys(r["task"] for r in records):
        mine = [r for r in records if r["task"] == name and None not in r["figures"]]
        first = mine[0]
        heads = [f"{first['names'][0]} at {lam:g}" for lam in first["lams"]]
        heads += [f"{of}, mean" for of in first["names"]] + ["seeds", "CPU s, fit"]
        lines += [f"**{name}**", "", "| | " + " | ".join(heads) + " |"]
        lines.append("| --- |" + " --- |" * len(heads))
        for method in dict.fromkeys(r["method"] for r in mine):
            of = [r for r in mine if r["method"] == method]
            figures = np.array([r["figures"] for r in of])  # (seeds, lambdas, names)
            cells = [mean_and_error(column) for column in figures[:, :, 0].T]
            cells += [mean_and_error(column) for column in figures.mean(axis=1).T]
            cpu = np.mean([r["cpu_fit"] for r in of])
            cells += [str(len(of)), f"{cpu:.1f}"] if method in LABELS else ["–", "–"]
            lines.append(f"| {LABELS.get(method, method)} | " + " | ".join(cells) + " |")
        still, straight, floor = GIVEN[name]
        lines += [
            "",
            "The README of the data gives, over all held-out values:",
            f"no transport {still}, straight line {straight}, floor {floor}.",
            "",
        ]
    return lines


def main(arguments=None):
    """Run what is not in the result file yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("SKLEARN_HTI_DATA"))
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--results", type=Path, default=Path("study.jsonl"))
    parser.add_argument("--report", action="store_true", help="print tables, run nothing")
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args(arguments)
    if args.report:
        records = [r for r in read(args.results) if r["task"] in args.tasks]
        if not records:
            sys.exit(
                f"{args.results} has no records of {', '.join(args.tasks)}: run without --report."
            )
    else:
        missing = [
            n for n in args.tasks if not (args.data and Path(args.data, f"{n}.npz").exists())
        ]
        if missing:
            sys.exit(
                f"{', '.join(missing)}: no such file in {args.data!r}; name the folder of the "
                "study's data by --data or SKLEARN_HTI_DATA."
            )
        records = complete(
            args.results, KEY, jobs(args.tasks, args.seeds), partial(judge, Path(args.data))
        )
    lines = report(records)
    print("\n".join(lines))
    if args.write:
        write_between(args.write, "study", lines)


if __name__ == "__main__":
    main()
