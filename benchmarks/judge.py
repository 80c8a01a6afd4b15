"""Judge all solvers and rivals: python -m benchmarks.judge [--seeds 3] [--jobs 2]

Fits every method on every family and seed, and appends one record per fit to --results as it
comes: interrupt at will, and run again to go on. Scores are exact W2^2 per condition, or mean
squared errors of deterministic networks, at held-out lambdas, of outputs at the first anchor
that are moved there. Then prints the table, and with --write makes the page of the docs.
"""

import argparse
import json
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from .methods import METHODS, make_method
from .peers import MISSING
from .records import read
from .report import print_table, write_page
from .tasks import OF_THE_STUDY, TASKS, ZOO, make_task
from .zoo.registry import CARDS

KEY = ("task", "method", "seed")
N_DRAWS = 10_000


def prepare(name, seed, folder):
    """Return a task and the scores that no fit changes."""
    task = make_task(name, seed, folder)
    fixed = {"floor": task.floor, **task.trivial}
    if name in ZOO:
        fixed["avoidable"], fixed["avoidable_se"] = task.avoidable
    return task, fixed


def draws_per_second(model, question):
    """Return how many outputs `sample` draws in a CPU second, for rows of a question's x."""
    X = question.X[np.arange(N_DRAWS) % len(question.X)]
    for rows in (X[:10], X):  # the first to warm up
        cpu = time.process_time()
        model.sample(rows, question.lam_to, random_state=0)
    return N_DRAWS / (time.process_time() - cpu)


def judge(task_name, method, seed, task, fixed):
    """Return the record of one fit."""
    model = make_method(method, seed, **task.params)
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        cpu, wall = time.process_time(), time.perf_counter()
        model.fit(task.X, task.y, task.lam)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        scores = task.score(model)
        trains = getattr(model, "base", "") is not None
        speed = draws_per_second(model, task.questions[0]) if trains else None
    return {
        "task": task_name,
        "method": method,
        "seed": seed,
        **scores,
        **fixed,
        "cpu": cpu,
        "wall": wall,
        "draws_per_second": speed,
        "warned": sorted({w.category.__name__ for w in caught}),
    }


def main(arguments=None):
    """Run what is not in the result file yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tasks", nargs="+", choices=TASKS, default=[t for t in TASKS if t not in ZOO]
    )
    parser.add_argument("--zoo", type=int, choices=(2, 3, 5), help="the zoo, so many anchors")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="fits that run at once")
    parser.add_argument("--data", help="folder of the study's data")
    parser.add_argument("--results", type=Path, default=Path("judge.jsonl"))
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args(arguments)
    if args.zoo:
        args.tasks = [t for t in ZOO if t.endswith(f"/{args.zoo}") and CARDS[t[:-2]].file.exists()]
    for line in MISSING:
        print(line)
    names = list(args.tasks)
    for name in OF_THE_STUDY:
        try:
            make_task(name, 0, args.data)
        except FileNotFoundError as error:
            print(f"left out: {error}")
            names = [n for n in names if n != name]
    done = {tuple(record[k] for k in KEY) for record in read(args.results)}
    todo = [
        (task, method, seed)
        for seed, task, method in product(range(args.seeds), names, args.methods)
        if (task, method, seed) not in done
    ]
    pairs = list(dict.fromkeys((task, seed) for task, _, seed in todo))
    prepared = Parallel(args.jobs)(delayed(prepare)(*pair, args.data) for pair in pairs)
    prepared = dict(zip(pairs, prepared, strict=True))
    jobs = (delayed(judge)(*one, *prepared[one[0], one[2]]) for one in todo)
    runs = Parallel(args.jobs, return_as="generator_unordered")(jobs)
    with args.results.open("a") as out:
        for record in tqdm(runs, total=len(todo), unit="fit", disable=not todo):
            out.write(json.dumps(record) + "\n")
            out.flush()
    records = [
        r for r in read(args.results) if r["task"] in args.tasks and r["method"] in args.methods
    ]
    order = {name: i for i, name in enumerate([*TASKS, *METHODS])}
    records.sort(key=lambda r: (order[r["task"]], order[r["method"]]))
    print_table(records)
    if args.write:
        write_page(records, args.write)


if __name__ == "__main__":
    main()
