"""Surrogates act in place of retrained policies: python -m benchmarks.arena.closed_loop [--report]

Control families of the zoo, 50 episodes at every held-out lambda, under the reward of that lambda.
The error of a policy is |its mean return - that of the policy retrained there|, as a share of the
range of returns over lambda. Methods see the networks of one seed; the retrained policies are of
another. Episodes start alike for all. Records are appended to --results as they come: interrupt at
will, and run again to go on. With --report it prints tables of the records alone. Pendulum and
Reacher need the extra `rl`; without it they are left out.
"""

import argparse
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ..records import complete, mean_and_error, read, write_between
from .environments import CONTROLS, OF_GYMNASIUM
from .policies import (
    CONDITIONED,
    NEEDS,
    OWN,
    control_of,
    networks_of,
    play,
    policies_of,
    retrained,
)

KEY = ("episodes", "family", "seed", "other", "method")


def judge(n_episodes, name, seed, other, method):
    """Return the record of one method on one pair of networks."""
    control = control_of(name)
    truth = retrained(name, other, n_episodes)
    networks_of(name, seed)  # their training is not the method's
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        policies, cpu_fit = policies_of(control, method, seed)
        start = time.process_time()
        returns = play(control, policies, control.held_out, n_episodes).mean(axis=1)
        cpu_acting = time.process_time() - start
    means = truth.mean(axis=1)
    return {
        "lams": control.held_out,
        "returns": returns.tolist(),
        "retrained": means[len(control.anchors) :].tolist(),
        "range": float(np.ptp(means)),
        "cpu_fit": cpu_fit,
        "cpu_acting": cpu_acting,
    }


def errors(record):
    """Return the errors of a record by held-out lambda, as shares of the range of returns."""
    gaps = np.subtract(record["returns"], record["retrained"])
    return np.abs(gaps) / record["range"]


def shares(errors, best):
    """Return whether errors by pair are within one standard error of the best ones."""
    behind = errors - best
    return len(behind) > 1 and behind.mean() <= behind.std(ddof=1) / np.sqrt(len(behind))


def report(records):
    """Return the lines of the table of errors and of that of seconds, means over pairs."""
    families = list(dict.fromkeys(r["family"] for r in records))
    methods = [m for m in NEEDS if any(r["method"] == m for r in records)]

    def of(method, family, value):
        return [value(r) for r in records if (r["method"], r["family"]) == (method, family)]

    def share(record):
        return 100 * errors(record).mean()

    def row(name, needs, values, text):
        cells = [text(v) if v else "–" for v in values]
        return f"| {name} | {needs} | " + " | ".join(cells) + " |"

    def table(value, text):
        lines = ["| | needs | " + " | ".join(families) + " |"]
        lines.append("| --- | --- |" + " --- |" * len(families))
        return lines + [
            row(m, NEEDS[m], [of(m, f, value) for f in families], text) for m in methods
        ]

    def first(family):
        found = {m: of(m, family, share) for m in methods if m != OWN}
        n = max(len(v) for v in found.values())
        found = {m: np.array(v) for m, v in found.items() if len(v) == n}
        best = min(found, key=lambda m: found[m].mean())
        return " and ".join(
            [best, *(m for m in found if m != best and shares(found[m], found[best]))]
        )

    pairs = [len({r["seed"] for r in records if r["family"] == f}) for f in families]
    lines = [
        "Mean error at held-out λ, % of the range of returns ± standard error over pairs:",
        "",
    ]
    lines += table(share, mean_and_error)
    lines.append(row("pairs of networks", "", [[n] for n in pairs], lambda v: str(v[0])))
    lines += ["", "First, and within one standard error of it:", ""]
    lines += [f"* {family}: {first(family)}" for family in families]
    lines += ["", "CPU seconds, fit and 50 episodes at every held-out λ:", ""]

    def seconds(record):
        return record["cpu_fit"], record["cpu_acting"]

    return lines + table(seconds, lambda v: " + ".join(f"{s:.1f}" for s in np.mean(v, axis=0)))


def main(arguments=None):
    """Run what is not in the result file yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=CONTROLS, default=list(CONTROLS))
    parser.add_argument("--methods", nargs="+", choices=NEEDS, default=list(NEEDS))
    parser.add_argument("--pairs", type=int, default=3, choices=(1, 2, 3))
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--results", type=Path, default=Path("closed_loop.jsonl"))
    parser.add_argument("--report", action="store_true", help="print tables, run nothing")
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args(arguments)
    families = args.families
    if not args.report and not find_spec("gymnasium"):
        families = [name for name in families if name not in OF_GYMNASIUM]
        for name in sorted(set(args.families) - set(families)):
            print(f"left out: {name} needs the extra `rl`: pip install sklearn-hti[rl]")
    jobs = [
        (args.episodes, name, *control_of(name).seeds_of(pair), method)
        for pair in range(args.pairs)
        for name in families
        if pair < len(control_of(name).seeds)
        for method in args.methods
        if method != CONDITIONED or control_of(name).deterministic
    ]
    if args.report:
        wanted = set(jobs)
        records = [r for r in read(args.results) if tuple(r[k] for k in KEY) in wanted]
        if not records:
            sys.exit(f"{args.results} has no records of these families: run without --report.")
    else:
        records = complete(args.results, KEY, jobs, judge)
    lines = report(records)
    print("\n".join(lines))
    if args.write:
        write_between(args.write, "closed_loop", lines)


if __name__ == "__main__":
    main()
