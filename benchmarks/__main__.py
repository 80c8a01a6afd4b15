"""The zoo judged and its page written: python -m benchmarks [--seeds 1] [--anchors 3]

Default methods and rivals, peers where they are installed, on every family of the zoo. Records
are appended to --results as they come: interrupt at will, and run again to go on. Pictures of
every family along lambda come from `python -m benchmarks.figures`. Then the families of several
hyperparameters, with anchors on a grid and scattered (`python -m benchmarks.several`).
"""

import argparse
from pathlib import Path

from . import judge, several
from .methods import DEFAULT, FIELD, METHODS
from .zoo_report import write_zoo_page, zoo_tables

QUICK = (
    FIELD,
    DEFAULT,
    "coupling, straight lines",
    "displacement interpolation",
    "the same, linear in lambda",
    "nearest anchor",
    "flow matching, OT",
    "metric flow matching, RBF",
    "direct, MLP",
    "direct, boosting",
    "torchcfm, independent",
    "Treeffuser",
)


def main():
    """Judge, print the tables, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="fits that run at once")
    parser.add_argument("--anchors", type=int, choices=(2, 3, 5), default=3)
    parser.add_argument("--results", type=Path, default=Path("zoo.jsonl"))
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args()
    methods = [name for name in QUICK if name in METHODS]
    options = {
        "--zoo": args.anchors,
        "--seeds": args.seeds,
        "--jobs": args.jobs,
        "--results": args.results,
    }
    judge.main([*(str(part) for pair in options.items() for part in pair), "--methods", *methods])
    records = [
        r
        for r in judge.read(args.results)
        if r["task"].endswith(f"/{args.anchors}") and r["method"] in QUICK
    ]
    records.sort(key=lambda r: QUICK.index(r["method"]))
    print("\n".join(zoo_tables(records)))
    several_options = ["--seeds", str(args.seeds)]
    if args.write:
        write_zoo_page(records, args.write)
        several_options += ["--write", str(args.write)]
    print()
    several.main(several_options)


if __name__ == "__main__":
    main()
