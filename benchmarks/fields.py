"""Known truth at several hyperparameters: python -m benchmarks.fields [--seeds 1]

Gaussian fields of 2, 3 and 5 hyperparameters and the lognormal field, 500 draws at each anchor. A
surrogate answers at lambdas drawn from the box; distances are exact W2^2 between its 500 draws and
500 of the truth. The floor is the distance between two such samples of the truth. Baselines and
the method "without networks" draw from what they learned; the others interpolate the draws at the
anchors.
"""

import argparse
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from sklearn_hti.datasets import make_gaussian_field, make_lognormal_field
from sklearn_hti.metrics import squared_wasserstein

from .peers import PEERS
from .several import METHODS as ON_ZOO
from .several import QUICK, Judged, judge_all, of_one
from .several_report import ratio_table, refusals

N_DRAWS, N_TARGETS = 500, 16
FAMILIES = {
    **{f"gaussians, k = {k}": partial(make_gaussian_field, k) for k in (2, 3, 5)},
    "lognormal": make_lognormal_field,
}
BASELINES = (
    "nearest anchor",
    "displacement interpolation",
    "flow matching, OT",
    "flow matching, independent",
    "direct, MLP",
    "direct, boosting",
    *PEERS,
)
METHODS = ON_ZOO | {name: (partial(of_one, name), False) for name in BASELINES}


@dataclass(frozen=True)
class KnownTruth(Judged):
    """A family whose truth is known, without inputs x."""

    name: str
    seed: int = 0
    design: str = "scattered"

    deterministic = False
    inputs = None

    @property
    def params(self):
        """No settings."""
        return {}

    @cached_property
    def family(self):
        """The draws at the anchors, and the truth."""
        return FAMILIES[self.name](n_samples=N_DRAWS, design=self.design, random_state=self.seed)

    @property
    def lams(self):
        """The anchors (M, k)."""
        return self.family.anchors

    @property
    def outputs(self):
        """The draws (M, 500, D)."""
        return self.family.y.reshape(len(self.lams), N_DRAWS, -1)

    @property
    def data(self):
        """X, y, lam for `fit`."""
        return None, self.family.y.reshape(len(self.family.lam), -1), self.family.lam

    @cached_property
    def targets(self):
        """Lambdas (H, k) in the box of the anchors."""
        low, high = self.lams.min(axis=0), self.lams.max(axis=0)
        share = np.random.default_rng(self.seed).random((N_TARGETS, len(low)))
        return low + share * (high - low)

    def draw(self, lam, seed):
        """Return draws (500, D) of the truth."""
        y = self.family.truth(None, np.tile(lam, (N_DRAWS, 1)), random_state=seed)
        return y.reshape(N_DRAWS, -1)

    @cached_property
    def floors(self):
        """Distances between two samples of the truth."""
        return self.distances(self.draw(lam, 20_000 + i) for i, lam in enumerate(self.targets))

    def distances(self, answers):
        """Return the distances (H,) of answers, in the order of `targets`, from the truth."""
        pairs = zip(answers, self.targets, strict=True)
        return np.array(
            [
                squared_wasserstein(y, self.draw(lam, 10_000 + i))
                for i, (y, lam) in enumerate(pairs)
            ]
        )


def main(arguments=None):
    """Judge and print W2^2 as a multiple of the floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(QUICK))
    parser.add_argument("--design", choices=("scattered", "grid"), default="scattered")
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args(arguments)
    problems = (
        KnownTruth(name, seed, args.design) for name in args.families for seed in range(args.seeds)
    )
    records = judge_all(problems, args.methods, METHODS)
    print("W² to the truth, as a multiple of the floor:\n")
    print("\n".join(ratio_table(records, args.methods)))
    for reason in refusals(records):
        print(f"\n{reason}")


if __name__ == "__main__":
    main()
