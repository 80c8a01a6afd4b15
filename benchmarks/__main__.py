"""The zoo judged and its page written: python -m benchmarks [--seeds 1] [--anchors 3]

Default methods and rivals, peers where they are installed, on every family of the zoo. Records
are appended to --results as they come: interrupt at will, and run again to go on. Families of
more than 32 outputs are judged with --large alone. Pictures of every family along lambda come from
`python -m benchmarks.figures`. Then the families of several hyperparameters, with anchors on a
grid and scattered (`python -m benchmarks.several`).
"""

import argparse
from pathlib import Path

from . import judge, several
from .methods import DEFAULT, FIELD, METHODS
from .zoo.registry import CARDS, load
from .zoo_report import write_zoo_page, zoo_tables

LARGE = 32  # outputs
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
    parser.add_argument("--large", action="store_true", help="families of many outputs, too")
    parser.add_argument("--results", type=Path, default=Path("zoo.jsonl"))
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args()
    methods = [name for name in QUICK if name in METHODS]
    tasks = [
        f"{name}/{args.anchors}"
        for name, card in CARDS.items()
        if args.anchors in card.protocols
        and card.file.exists()
        and (args.large or load(name).n_outputs <= LARGE)
    ]
    options = ["--seeds", str(args.seeds), "--jobs", str(args.jobs)]
    options += ["--results", str(args.results), "--methods", *methods, "--tasks", *tasks]
    judge.main(options)
    records = [r for r in judge.read(args.results) if r["task"] in tasks and r["method"] in QUICK]
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
