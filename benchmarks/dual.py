"""Speed of the neural dual on semicircles: python -m benchmarks.dual [--steps 100] [--profile]

Milliseconds of CPU per step, refits of the paths included, with the default settings and with
the study's literal ones (400 pairs per edge, 10 inner iterations, paths of 15 nodes refitted
for 1,001 steps every 25). Only so many steps are taken; --profile shows where time goes.
"""

import argparse
import cProfile
import pstats
import time
import warnings

from skorch.callbacks import Callback

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.datasets import make_semicircles
from sklearn_hti.exceptions import TrajectoryWarning
from sklearn_hti.paths import GeodesicPath
from sklearn_hti.solvers import NeuralDual

_SHOWN = 20  # lines of a profile


class CPUTime(Callback):
    """CPU time and, if asked for, the profile of the epochs of the first network trained."""

    def __init__(self, profile):
        self.profile = cProfile.Profile() if profile else None
        self.n_steps, self.seconds = 0, 0.0

    def on_epoch_begin(self, net, *args, **kwargs):
        """Start the clock."""
        self.start_ = time.process_time()
        if self.profile:
            self.profile.enable()

    def on_epoch_end(self, net, *args, **kwargs):
        """Stop the clock."""
        if self.profile:
            self.profile.disable()
        self.seconds += time.process_time() - self.start_
        self.n_steps += len(net.history[-1]["batches"])

    def on_train_end(self, net, *args, **kwargs):
        """Leave the networks that are trained later alone."""
        self.on_epoch_begin = self.on_epoch_end = lambda *args, **kwargs: None


def main():
    """Print one line per setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    data = make_semicircles(100, random_state=0)
    for name, solver, path in (
        ("default", NeuralDual(), GeodesicPath()),
        ("study", NeuralDual.study(), GeodesicPath(n_nodes=15)),
    ):
        clock = CPUTime(args.profile)
        model = HyperparameterTrajectoryRegressor(
            lam_transform=None,
            categorical_features=[0],
            base="neighbors",
            solver=solver.set_params(max_iter=args.steps),
            path=path,
            max_iter=1,
            callbacks=[clock],
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TrajectoryWarning)
            model.fit(data.X, data.y, data.lam)
        print(f"{name}: {1e3 * clock.seconds / clock.n_steps:.0f} ms CPU per step", flush=True)
        if args.profile:
            pstats.Stats(clock.profile).sort_stats("tottime").print_stats(_SHOWN)


if __name__ == "__main__":
    main()
