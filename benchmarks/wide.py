"""Outputs of hundreds to thousands of numbers: python -m benchmarks.wide [--outputs 256 784 4096]

Smooth images whose few coordinates are functions of four inputs x and of lambda, from three
trained values and 600 rows: 200 inputs with one answer each, or 20 with ten draws. Answers are
asked at 200 new inputs between the trained values: `predict`, `sample`, `interval` and a
`trajectory` of 20 lambdas. Every row is a process of its own, with a peak of memory of its own.
Errors of means are mean squares, over those of the nearest network; the straight line in log
lambda asks both networks. --denoiser prints those of the zoo's denoiser, with networks and
without.
"""

import argparse
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
from scipy.ndimage import gaussian_filter

from sklearn_hti import HyperparameterTrajectoryRegressor

from .askable import of_the_zoo

LAMS, BETWEEN = (1.0, 10.0, 100.0), (3.0, 30.0)
N_NEW, N_GRID = 200, 20
COLUMNS = "D", "kind", "coordinates", "CPU s", "GiB", "networks", "without", "line", "lost"
KINDS = "one answer", "draws", "draws, None"


def images(n_outputs, rng):
    """Return a function of x and lambda to mean images, and three patterns of draws."""
    weights = rng.normal(size=(4, 8))
    width = n_outputs / 32
    patterns = np.stack([gaussian_filter(rng.normal(size=n_outputs), width) for _ in range(11)])
    patterns /= patterns.std(axis=1, keepdims=True)

    def mean(X, lam):
        time = np.log(lam) / np.log(LAMS[-1])
        return np.tanh(X @ weights * (1 + time * np.linspace(0, 2, 8))) @ patterns[:8]

    return mean, patterns[8:]


def measure(n_outputs, kind):
    """Return a row of the table."""
    rng = np.random.default_rng(0)
    mean, patterns = images(n_outputs, rng)
    inputs = rng.uniform(-1.5, 1.5, size=(200 if kind == KINDS[0] else 20, 4))
    X, new = np.repeat(inputs, 200 // len(inputs), axis=0), rng.uniform(-1.5, 1.5, size=(N_NEW, 4))
    noise = 0.0 if kind == KINDS[0] else 0.3

    def draw(lam, X):
        return mean(X, lam) + noise * rng.normal(size=(len(X), 3)) @ patterns

    y = np.concatenate([draw(lam, X) for lam in LAMS])
    networks = {lam: lambda X, lam=lam: mean(X, lam) for lam in LAMS}
    given = np.tile(X, (3, 1)), y, np.repeat(LAMS, len(X))
    params = {"random_state": 0, **({"output_transform": None} if kind == KINDS[2] else {})}
    began = time.process_time()
    surrogate = HyperparameterTrajectoryRegressor(**params).fit(*given)
    error = _error(surrogate, new, mean)
    surrogate.sample(new, 3.0, random_state=0)
    surrogate.interval(new, 3.0)
    surrogate.trajectory(new, np.geomspace(LAMS[0], LAMS[-1], N_GRID))
    cpu = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    asked = np.nan
    if kind == KINDS[0]:
        asked = HyperparameterTrajectoryRegressor(networks=networks).fit(*given)
        asked = _error(asked, new, mean)
    pairs = [(mean(new, lam), mean(new, lam / 3 if lam < 10 else 10.0)) for lam in BETWEEN]
    nearest = np.mean([np.mean((a - b) ** 2) for a, b in pairs])
    share = np.log(3) / np.log(10)
    lines = [(1 - share) * mean(new, lam / 3) + share * mean(new, lam / 3 * 10) for lam in BETWEEN]
    line = np.mean([(mean(new, lam) - one) ** 2 for lam, one in zip(BETWEEN, lines, strict=True)])
    lost = surrogate.diagnostics_.get("lost_of_movement", 0.0)
    errors = (asked / nearest, error / nearest, line / nearest)
    return n_outputs, kind, surrogate._state.outputs.n_coordinates, cpu, peak, *errors, lost


def _error(surrogate, new, mean):
    """Return the mean squared error of means at the lambdas between."""
    return np.mean(
        [np.mean((surrogate.predict(new, lam) - mean(new, lam)) ** 2) for lam in BETWEEN]
    )


def denoiser(seed):
    """Print errors at the noise levels held out, and what a fit takes."""
    given = of_the_zoo("denoiser_digits", seed)
    params = {"random_state": 0}
    for name, more in (("networks", {"networks": given.networks}), ("without", {})):
        began = time.process_time()
        surrogate = HyperparameterTrajectoryRegressor(**params, **more)
        surrogate.fit(given.X, given.y, given.lam)
        cpu = time.process_time() - began
        answers = {lam: surrogate.predict(given.inputs, lam) for lam in given.held_out}
        print(f"{name:>14} {_misses(given, answers)}   fit {cpu:.1f} CPU s")
    low, middle, high = sorted(given.networks)
    for name, scale in (("line in log", np.log), ("line", float)):
        answers = {}
        for lam in given.held_out:
            below, above = (low, middle) if lam < middle else (middle, high)
            share = (scale(lam) - scale(below)) / (scale(above) - scale(below))
            ends = (given.outputs[end][:, 0] for end in (below, above))
            answers[lam] = sum(w * end for w, end in zip((1 - share, share), ends, strict=True))
        print(f"{name:>14} {_misses(given, answers)}")
    answers = {lam: given.outputs[given.nearest(lam)][:, 0] for lam in given.held_out}
    print(f"{'nearest':>14} {_misses(given, answers)}")


def _misses(given, answers):
    """Return mean squared errors at the levels held out, in words."""
    errors = {lam: np.mean((y - given.outputs[lam][:, 0]) ** 2) for lam, y in answers.items()}
    return "  ".join(f"{lam:g}: {1e5 * error:.2f}e-5" for lam, error in errors.items())


def main():
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--outputs", nargs="*", type=int, default=[256, 784, 4096])
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=KINDS[:2])
    parser.add_argument("--denoiser", action="store_true", help="the zoo's denoiser, both seeds")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.one:
        row = measure(int(args.one[0]), args.one[1])
        print("{:5d}  {:12} {:11d} {:6.1f} {:5.2f} {:9.3f} {:8.3f} {:5.3f} {:8.1e}".format(*row))
        return
    if args.denoiser:
        for seed in (0, 1):
            denoiser(seed)
        return
    print("{:>5}  {:12} {:>11} {:>6} {:>5} {:>9} {:>8} {:>5} {:>8}".format(*COLUMNS), flush=True)
    for n_outputs in args.outputs:
        for kind in args.kinds:
            command = [sys.executable, "-m", "benchmarks.wide", "--one", str(n_outputs), kind]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
