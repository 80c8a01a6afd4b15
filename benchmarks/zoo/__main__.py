"""The zoo: python -m benchmarks.zoo prints the cards, with --train trains what is missing.

Distances are mean squared errors (deterministic networks) or squared Wasserstein distances
within equal inputs (stochastic ones), on test rows, means over the held-out lambdas. Those of
families of several hyperparameters: python -m benchmarks.several.
"""

import argparse
import time
from functools import partial

import numpy as np
from tqdm.auto import tqdm

from .family import save
from .policies import policy_file
from .registry import CARDS, SEVERAL, find, load


def train(names, force):
    """Train the families that have no file yet; by force those that have one, too."""
    for card in map(find, names):
        if card.file.exists() and not force:
            print(f"{card.name}: trained already")
            continue
        if force:
            policy_file(card.name).unlink(missing_ok=True)
        cpu = time.process_time()
        save(card, card.run(partial(tqdm, desc=card.name)))
        print(f"{card.name}: {time.process_time() - cpu:.0f} s CPU", flush=True)


def report(names):
    """Print the cards and what the networks of each family do."""
    total = 0
    for card in map(find, names):
        print(f"\n{card.name}" + "".join(f" [{trait}]" for trait in card.traits))
        print(f"  network         {card.network}")
        print(f"  data            {card.data}")
        several = card.name in SEVERAL
        values = ", ".join(card.space.names if several else (f"{v:g}" for v in card.lams))
        print(f"  hyperparameter  {card.hyperparameter}: {values}")
        print(f"  changes         {card.changes}")
        if not card.file.exists():
            print("  not trained")
            continue
        family = load(card.name)
        stored = (file for file in (card.file, policy_file(card.name)) if file.exists())
        size = sum(file.stat().st_size for file in stored)
        total += size
        kind = "deterministic" if family.deterministic else "stochastic"
        categorical = f" ({len(family.categorical)} categorical)" if family.categorical else ""
        print(
            f"  outputs         {kind}, D = {family.n_outputs}, C = {family.X.shape[1]}"
            f"{categorical}, {len(family.train_rows)} + {len(family.test_rows)} rows, "
            f"{len(family.y)} seeds, {size / 1e3:.0f} kB"
        )
        if several:
            print(
                f"  trained values  {len(family.lams)}: {len(family.fine)} on a grid, "
                f"{len(family.grid)} of them anchors, {len(family.scattered)} scattered anchors, "
                f"{len(family.held_out)} held out"
            )
        else:
            print(f"  distances       {distances(family)}")
    print(f"\n{len(names)} families, {total / 1e6:.1f} MB")


def distances(family):
    """Return the floor and what not moving costs, in words."""
    floor = np.mean([family.floor(lam) for lam in family.held_out])
    middle = family.anchors(3)[1]
    still, copied = (
        np.mean([family.movement(lam, start) for lam in family.held_out])
        for start in (family.lams[0], middle)
    )
    return (
        f"floor {floor:.3g}, first anchor kept {still:.3g}, middle anchor "
        f"kept {copied:.3g}, end to end {family.movement(family.lams[-1]):.3g}"
    )


def main():
    """Train, or print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="families; all of them by default")
    parser.add_argument("--train", action="store_true", help="train those without a file")
    parser.add_argument("--force", action="store_true", help="train again in any case")
    args = parser.parse_args()
    names = args.names or [*CARDS, *SEVERAL]
    if args.train or args.force:
        train(names, args.force)
    report(names)


if __name__ == "__main__":
    main()
