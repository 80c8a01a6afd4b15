"""What a fit of many rows takes: python -m benchmarks.scaling [--cases draws single] [--rows 1e4]

Fits the defaults to families of known truth at growing numbers of rows, each fit in a process
of its own and on one thread. Prints CPU and wall seconds, the peak of memory above what the
process held after its imports, and W2^2 to the truth between the anchors; then the exponents of
lines through logarithms of the rows. Records are appended to --results: interrupt at will, and
run again to go on.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from .records import read

LAMS = (0.0, 0.5, 1.0)
HELD_OUT = (0.25, 0.75)
N_CONDITIONS, N_DRAWS = 20, 500  # of the judgement
GIB = 2**30
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def rotations(n_rows, seed, *, n_features=2, draws=None, n_conditions=None):
    """Return turning discs, a given number of draws per condition, or of conditions."""
    from sklearn_hti.datasets import make_rotations

    draws = draws or max(1, n_rows // (len(LAMS) * n_conditions))
    n_conditions = n_conditions or max(1, n_rows // (len(LAMS) * draws))
    return make_rotations(
        draws, n_conditions=n_conditions, n_features=n_features, random_state=seed
    )


def scattered(n_rows, seed):
    """Return turning discs that no two networks were asked about at the same x."""
    data = rotations(n_rows, seed, draws=1)
    data.X = data.truth.conditions(len(data.lam), seed + 1)
    data.y = data.truth(data.X, data.lam, seed + 2)
    return data


def deterministic(n_rows, seed, *, n_features=2):
    """Return networks of one answer, which turns with the disc that it is on."""
    data = rotations(n_rows, seed, n_features=n_features, draws=1)
    data.y = answers(data.truth, data.X, data.lam)
    return data


def answers(truth, X, lam):
    """Return what the networks of one answer say."""
    return truth.transport(X, 0.25 * X[:, :2] + [2.0, 0.0], 0.0, lam)


def gaussians(n_rows, seed, *, n_outputs=2, n_anchors=3):
    """Return Gaussians that travel along geodesics, three of them."""
    from sklearn_hti.datasets import make_gaussians

    return make_gaussians(
        max(1, n_rows // (3 * n_anchors)),
        n_outputs=n_outputs,
        lams=np.linspace(0, 1, n_anchors),
        random_state=seed,
    )


# name -> (what it is, data of so many rows, most rows by default)
CASES = {
    "draws": (
        "D = 2, C = 2, 60 conditions, many draws",
        partial(rotations, n_conditions=60),
        1e6,
    ),
    "single": ("D = 2, C = 2, one answer per x, the same x at all anchors", deterministic, 1e6),
    "groups": ("D = 2, C = 2, 20 draws per x", partial(rotations, draws=20), 1e6),
    "scattered": ("D = 2, C = 2, one draw per x, no x twice", scattered, 1e6),
    "anchors": ("D = 2, 20 anchors, 3 conditions", partial(gaussians, n_anchors=20), 1e5),
    "outputs": ("D = 64, 3 conditions", partial(gaussians, n_outputs=64), 1e5),
    "inputs": (
        "D = 2, C = 200, one answer per x",
        partial(deterministic, n_features=200),
        1e5,
    ),
}


def score(model, name, truth):
    """Return mean W2^2 to the truth at held-out lambdas, per condition, and its floor."""
    from sklearn_hti.metrics import squared_wasserstein

    if name in ("single", "inputs"):
        X = truth.conditions(2000, 17)
        gaps = [model.predict(X, lam) - answers(truth, X, lam) for lam in HELD_OUT]
        return float(np.mean([np.mean((gap**2).sum(axis=1)) for gap in gaps])), 0.0
    if hasattr(truth, "conditions"):
        X = truth.conditions(N_CONDITIONS, 17)
        if name == "draws":  # of which 60 do not tell others
            X = rotations(1, 0, n_conditions=60).X[:N_CONDITIONS]
    else:
        X = np.arange(3.0)[:, None]
    X = np.repeat(X, N_DRAWS, axis=0)
    groups = np.repeat(np.arange(len(X) // N_DRAWS), N_DRAWS)
    pairs = [
        (fresh(truth, X, lam, 18), fresh(truth, X, lam, 19), model.sample(X, lam, random_state=20))
        for lam in HELD_OUT
    ]
    ours, floor = (
        np.mean([squared_wasserstein(pair[0], pair[i], groups=groups) for pair in pairs])
        for i in (2, 1)
    )
    return float(ours), float(floor)


def fresh(truth, X, lam, seed):
    """Return one of two true draws per row, at random: discs take turns from row to row."""
    y = truth(np.repeat(X, 2, axis=0), lam, seed)
    return y[2 * np.arange(len(X)) + np.random.default_rng(seed).integers(2, size=len(X))]


def write_data(name, n_rows, path):
    """Write the training data of a point."""
    data = CASES[name][1](n_rows, 0)
    np.savez(path, X=data.X, y=data.y, lam=data.lam)


def measure(name, path):
    """Return the record of one fit."""
    import ot  # noqa: F401  loaded late by a fit, and no part of its memory
    import torch

    from sklearn_hti import HyperparameterTrajectoryRegressor

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    HyperparameterTrajectoryRegressor(max_iter=2, lam_transform=None).fit(
        None, np.tile(np.eye(2), (10, 1)), np.repeat([0.0, 1.0], 10)
    )
    baseline = peak_memory()
    stored = np.load(path)
    X, y, lam = (stored[key] for key in ("X", "y", "lam"))
    cpu, wall = time.process_time(), time.perf_counter()
    model = HyperparameterTrajectoryRegressor(random_state=0).fit(X, y, lam)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    n_bytes = X.nbytes + y.nbytes + lam.nbytes
    record = {"rows": len(X), "cpu": cpu, "wall": wall}
    record |= {"memory": peak_memory() - baseline, "data": n_bytes}
    truth = CASES[name][1](180, 0).truth
    record["score"], record["floor"] = score(model, name, truth)
    return record


def peak_memory():
    """Return the most memory that this process has held, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(name, n_rows):
    """Return the record of one point, whose data and fit have processes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "data.npz"))
        for task in ("data", "fit"):
            command = [sys.executable, "-m", "benchmarks.scaling", "--point", task, name]
            done = subprocess.run(
                [*command, str(n_rows), path],
                env=os.environ | dict.fromkeys(THREADS, "1"),
                check=True,
                text=True,
                stdout=subprocess.PIPE,
            )
    return {"case": name} | json.loads(done.stdout) | {"asked": n_rows}


def exponent(records, key):
    """Return the slope of the line through the logarithms of rows and of a figure."""
    rows, values = np.log([[r["rows"], max(r[key], 1e-9)] for r in records]).T
    return float(np.polyfit(rows, values, 1)[0])


def bound(record):
    """Return the memory that a fit may take: twice the data, and one GiB."""
    return 2 * record["data"] + GIB


def table(records):
    """Return the lines of a Markdown table of the points, and of one of the exponents."""
    lines = [
        "| | rows | CPU s | wall s | peak, MiB | allowed, MiB | W² | floor |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    last = None
    for r in records:
        named = CASES[r["case"]][0] if r["case"] != last else ""
        memory, allowed = (f"{m / 2**20:,.0f}" for m in (r["memory"], bound(r)))
        lines.append(
            f"| {named} | {r['rows']:,} | {r['cpu']:.1f} | {r['wall']:.1f} | {memory} | {allowed} "
            f"| {r['score']:.4f} | {r['floor']:.4f} |"
        )
        last = r["case"]
    lines += [
        "",
        "| exponent of rows | CPU | CPU, last two | memory |",
        "| --- | --- | --- | --- |",
    ]
    for case in dict.fromkeys(r["case"] for r in records):
        of = [r for r in records if r["case"] == case]
        if len(of) > 1:
            slopes = exponent(of, "cpu"), exponent(of[-2:], "cpu"), exponent(of, "memory")
            figures = " | ".join(f"{slope:.2f}" for slope in slopes)
            lines.append(f"| {CASES[case][0]} | {figures} |")
    return lines


def main(arguments=None):
    """Measure what is not in the result file yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rows", nargs="+", type=float, default=[1e4, 3e4, 1e5, 3e5, 1e6])
    parser.add_argument("--results", type=Path, default=Path("scaling.jsonl"))
    parser.add_argument("--point", nargs=4, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.point:
        task, name, n_rows, path = args.point
        if task == "data":
            write_data(name, int(n_rows), path)
        else:
            print(json.dumps(measure(name, path)))
        return
    points = [
        (name, int(n)) for name in args.cases for n in sorted(args.rows) if n <= CASES[name][2]
    ]
    done = {(r["case"], r["asked"]) for r in read(args.results)}
    with args.results.open("a") as out:
        out.write("\n" if out.tell() else "")  # the last line may have been cut off
        for point in points:
            if point not in done:
                record = run(*point)
                print(json.dumps(record), flush=True)
                out.write(json.dumps(record) + "\n")
                out.flush()
    records = {(r["case"], r["asked"]): r for r in read(args.results)}
    print("\n".join(table([records[point] for point in points])))


if __name__ == "__main__":
    main()
