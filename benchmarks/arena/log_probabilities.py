"""Mixed log-probabilities: exact for a temperature, and for the weight of a KL or entropy term."""

import numpy as np
import torch
from scipy.special import softmax

from ..zoo.decisions import log_density
from .extra_families import MAKERS
from .method import PROBABILITIES, Method, NotApplicableError
from .weights import checkpoints

N_GRID, REACH = 101, 4.0  # points a side, and half the side, of the grid of actions
TINY = 1e-12  # a probability


class LogProbabilities(Method):
    """Log-probabilities on the line in 1 / lambda between trained values, normalised again.

    Where an objective is E[r] plus lambda times an entropy, or minus lambda times a divergence,
    the best answer is proportional to p exp(r / lambda). Actions in the plane are drawn on a grid.
    """

    needs = PROBABILITIES

    def fit(self):
        """Get what gives probabilities."""
        name = self.case.name
        if name == "entropy_policy":
            self.training, self.nets = checkpoints(name, self.case.trained, self.case.own, False)
        elif name not in MAKERS:
            raise NotApplicableError(
                "lambda is no temperature or weight of an entropy or divergence"
            )
        self.rng = np.random.default_rng(self.seed)
        return self

    def factors(self, lam):
        """Return how much each log-probability counts, (M,)."""
        places = 1 / np.array(self.case.trained)
        return np.array([np.interp(-1 / lam, -places, one) for one in np.eye(len(places))])

    def answer(self, question):
        """Return probabilities, or one action per row."""
        each = self.factors(question.lam)
        if self.case.name in MAKERS:
            logs = np.log(np.maximum(question.outputs, TINY))
            return softmax(np.tensordot(each, logs, 1), axis=1)
        return self._actions(each, question)

    def _actions(self, each, question):
        side = np.linspace(-REACH, REACH, N_GRID)
        grid = np.stack(np.meshgrid(side, side, indexing="ij"), -1).reshape(-1, 2)
        lam = torch.tensor(self.case.trained, dtype=torch.float32)[:, None, None]
        actions = np.empty((len(question.X), 2))
        X, back = np.unique(question.X, axis=0, return_inverse=True)
        points = torch.from_numpy(grid).float()[None, :, None]
        for k, (goal, turn) in enumerate(X):
            goal, turn = torch.tensor([int(goal)]), torch.tensor([turn])
            with torch.no_grad():
                share, mean, std = self.training.mixture(self.nets, lam, goal, turn)
                # (M, 1, parts) against every point of the grid
                logs = log_density(points.expand(len(lam), -1, -1, -1), share, mean, std)
            p = softmax(each @ logs[..., 0].numpy())
            asked = np.flatnonzero(back.ravel() == k)
            actions[asked] = grid[self.rng.choice(len(grid), len(asked), p=p)]
        step = side[1] - side[0]
        return actions + self.rng.uniform(-step / 2, step / 2, actions.shape)


METHODS = {"mixed log-probabilities": LogProbabilities}
