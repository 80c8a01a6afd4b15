"""The learning curve: error over the number of trained values, even ones and suggested ones.

Networks are trained at 33 values that are even on the scale which the range suggests. Every other
one is held out; the rest are candidates. Even designs nest in them. Suggested ones begin with the
ends, and take what `suggest_lam` says of the outputs so far, one by one.
"""

import warnings
from functools import lru_cache

import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.clocks.selection import suggested_rule
from sklearn_hti.design import suggest_lam

from ..zoo.registry import CARDS
from .cases import Case
from .of_outputs import OURS, OURS_ASKED
from .registry import METHODS

FAMILIES = ("quantile_sunspots", "ridge_co2", "label_smoothing_digits", "dropout_diffusion")
NUMBERS = (2, 3, 5, 9)
N_VALUES = 33
EVEN, SUGGESTED = "even", "suggested"
OF_CURVE = (
    OURS_ASKED,
    "straight line in the clock",
    "thin plates over lambda",
    "Gaussian-process emulator",
    "quantile forest",
    OURS,
    "conditioned network",  # sees no trained value: even designs alone
)


def values(name):
    """Return N_VALUES values, even on the scale that the range of a family suggests."""
    lams = np.array(CARDS[name].lams)
    rule, low, high = suggested_rule(lams), lams[0], lams[-1]
    fine = np.linspace(low, high, 200_001) if low <= 0 else np.geomspace(low, high, 200_001)
    found = np.interp(np.linspace(0, 1, N_VALUES), rule.fraction(fine, low, high), fine)
    found[[0, -1]] = low, high
    return tuple(float(f"{lam:.6g}") for lam in found)


def entries(n_pairs, folder, networks_of):
    """Yield (key, maker of the case) of all records."""
    families = lru_cache(maxsize=None)(
        lambda name: networks_of(name, folder, values(name), n_pairs)
    )
    makers = lru_cache(maxsize=None)(lambda *key: case_of_curve(families(key[0]), *key[1:]))
    for method in [name for name in OF_CURVE if name in METHODS]:
        for name in FAMILIES:
            for n_trained in NUMBERS:
                designs = (EVEN,)
                if n_trained > 2 and method != "conditioned network":
                    designs = (EVEN, SUGGESTED)
                for design in designs:
                    for seed in range(n_pairs):
                        key = name, method, seed, n_trained, design
                        of_case = name, seed, n_trained, design
                        yield key, lambda of_case=of_case: makers(*of_case)


def case_of_curve(family, seed, n_trained, design):
    """Return the case of a number of trained values."""
    held_out, free = family.lams[1::2], family.lams[::2]
    if design == EVEN:
        return Case(family, free[:: (len(free) - 1) // (n_trained - 1)], held_out, seed)
    taken = [free[0], free[-1]]
    while len(taken) < n_trained:
        case = Case(family, tuple(sorted(taken)), held_out, seed)
        model = HyperparameterTrajectoryRegressor(base=None, random_state=0, **case.params)
        with warnings.catch_warnings():  # of what few trained values leave open
            warnings.simplefilter("ignore")
            model.fit(*case.data)
            taken.append(float(suggest_lam(model, candidates=free).lam[0]))
    return Case(family, tuple(sorted(taken)), held_out, seed)
