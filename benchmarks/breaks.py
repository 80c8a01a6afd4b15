"""Whether breaks are found, and only they: python -m benchmarks.breaks

Outputs of all families of the zoo at all their trained values, and at those of the protocols. As
they are, a break is a false alarm, unless the family has one. Then one network is replaced, or all
from the middle on, and it is counted in how many families the step, or both steps, are found:
the last network by noise with the mean and spread of its outputs ("noise"), or by their mean
("constant"); one in the middle by noise ("middle"); all outputs from the middle on by themselves
and three standard deviations ("jump").
"""

import argparse
import warnings

import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor

from .zoo.registry import CARDS, load

KINDS = ("as they are", "jump", "middle", "noise", "constant")


def breaks_of(family, lams, outputs):
    """Return the breaks of a fit of outputs (M, n, D), which trains nothing."""
    model = HyperparameterTrajectoryRegressor(
        base=None, validate=False, categorical_features=list(family.categorical), random_state=0
    )
    X = np.tile(family.X[family.train_rows], (len(lams), 1))
    y = outputs.reshape(-1, outputs.shape[-1])
    return model.fit(X, y, np.repeat(lams, outputs.shape[1])).diagnostics_["breaks"]


def broken(outputs, kind, rng):
    """Return outputs (M, n, D) with a break, and the numbers of the steps that show it."""
    outputs, n_values = outputs.copy(), len(outputs)
    middle = n_values // 2
    if kind == "as they are":
        return outputs, []
    if kind == "jump":
        outputs[middle:] += 3 * outputs.std(axis=(0, 1))
        return outputs, [middle - 1]
    k = middle if kind == "middle" else n_values - 1
    noise = 0 if kind == "constant" else rng.normal(size=outputs[k].shape)
    outputs[k] = outputs[k].mean(axis=0) + outputs[k].std(axis=0) * noise
    return outputs, [k - 1, k] if kind == "middle" else [k - 1]


def main():
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    for n_values in ("3", "5", "all"):
        counts, others = dict.fromkeys(KINDS, 0), set()
        families = [load(name) for name in CARDS]
        if n_values != "all":
            families = [f for f in families if int(n_values) in f.protocols]
        for family in families:
            lams = family.lams if n_values == "all" else family.anchors(int(n_values))
            rows = family.train_rows
            outputs = np.stack([family.at(lam, rows=rows) for lam in lams])
            for kind in KINDS:
                changed, steps = broken(outputs, kind, rng)
                found = breaks_of(family, lams, changed)
                wanted = {(lams[k], lams[k + 1]) for k in steps}
                if kind == "as they are":
                    counts[kind] += bool(found)
                    others |= {family.name} if found else set()
                else:
                    counts[kind] += wanted.issubset(found)
        texts = [f"{kind} {count}" for kind, count in counts.items()]
        print(f"{n_values} values, {len(families)} families:", ", ".join(texts), *sorted(others))


if __name__ == "__main__":
    main()
