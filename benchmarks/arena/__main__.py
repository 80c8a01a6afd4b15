"""The arena: every rival on its own terms. python -m benchmarks.arena [--curve | --report]

Every method that applies answers for every family with one hyperparameter, three pairs of
networks each: those of one seed are seen, those of the next are the truth. Records are appended to
--results as they come: interrupt at will, and run again to go on. --curve does the same over the
number of trained values, even ones and suggested ones. --report writes the page from the records.
"""

import argparse
import json
import traceback
from functools import lru_cache
from pathlib import Path

from tqdm.auto import tqdm

from ..records import read
from ..zoo.registry import CARDS
from . import curve, page
from .cases import N_PAIRS, case_of, networks_of
from .extra_families import MAKERS
from .judge import judge
from .registry import METHODS, MISSING

FAMILIES = (*CARDS, *MAKERS)
PAGE = Path("docs/benchmarks/arena.md")
KEY = ("family", "method", "seed", "n_trained", "design")


def entries(args):
    """Yield (key, maker of the case) of all records, cheap methods first."""
    cases = lru_cache(maxsize=None)(case_of)
    for method in args.methods:
        for family in args.families:
            if family in CARDS and args.trained not in CARDS[family].protocols:
                continue
            for seed in range(args.pairs):
                key = family, method, seed, args.trained, "protocol"
                yield key, lambda key=key: cases(key[0], args.networks, key[2], key[3])


def run(todo, results, methods=METHODS):
    """Judge what is not in the result file yet; append each record."""
    done = {tuple(record[k] for k in KEY) for record in read(results)}
    todo = [(key, make) for key, make in todo if key not in done]
    results.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    with results.open("a") as out:
        for key, make in (bar := tqdm(todo, unit="fit")):
            bar.set_postfix_str(f"{key[0]}, {key[1]}")
            case = make()
            record = dict(zip(KEY, key, strict=True)) | {"trained": list(case.trained)}
            try:
                record |= judge(methods[key[1]], case, key[2])
            except Exception:  # a run of hours goes on; the next one tries again
                failed += 1
                tqdm.write(f"{key}\n{traceback.format_exc()}")
                continue
            out.write(json.dumps(record) + "\n")
            out.flush()
    if failed:
        raise SystemExit(f"{failed} fits failed; their errors are above.")


def main(arguments=None):
    """Judge, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--pairs", type=int, default=N_PAIRS, help="pairs of networks")
    parser.add_argument("--trained", type=int, choices=(2, 3, 5), default=3)
    parser.add_argument("--results", type=Path, default=Path("arena.jsonl"))
    parser.add_argument(
        "--networks", type=Path, default=Path("arena_networks"), help="folder of trained networks"
    )
    parser.add_argument("--curve", action="store_true", help="over the number of trained values")
    parser.add_argument("--report", action="store_true", help="write the page from the records")
    parser.add_argument("--page", type=Path, default=PAGE)
    args = parser.parse_args(arguments)
    if args.report:
        page.write(read(args.results), args.page)
        return
    for name, how in MISSING.items():
        print(f"left out: {name} is missing ({how})")
    if args.curve:
        run(curve.entries(args.pairs, args.networks, networks_of), args.results)
    else:
        run(entries(args), args.results)


if __name__ == "__main__":
    main()
