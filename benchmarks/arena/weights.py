"""Weights of trained networks, interpolated between trained values."""

import copy
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch

from ..zoo.control import load_policy
from .cases import POLICIES
from .method import CHECKPOINTS, Method, NotApplicableError
from .networks import train_plain
from .trainings_generative import TRAININGS

WITHOUT = {
    "ridge_co2": "outputs are linear in the weights: the same as a straight line",
    "weight_decay_cancer": "trained by scikit-learn",
}


@lru_cache(maxsize=2)
def checkpoints(name, lams, seed, own_start):
    """Return a training and its networks, one member for each trained value."""
    training = TRAININGS[name](seed)
    return training, train_plain(training, lams, own_start)


def factors(case, lam):
    """Return how much each trained network counts, (M,): both beside lambda, by its time."""
    times, t = case.time(np.array(case.trained)), case.time(lam)
    return np.array([np.interp(t, times, one) for one in np.eye(len(times))])


class WeightInterpolation(Method):
    """The network whose weights lie between those of both trained networks beside lambda.

    Their training is not counted: it was there before. The checkpoints come from the training of
    the stored outputs, run again.

    References
    ----------
    Rame et al., "Rewarded soups", NeurIPS 2023.
    """

    needs, own_start = CHECKPOINTS, False

    def fit(self):
        """Load the checkpoints."""
        case = self.case
        if case.name in POLICIES and not self.own_start:
            return self
        if case.name in WITHOUT:
            raise NotApplicableError(WITHOUT[case.name])
        if case.name not in TRAININGS:
            raise NotApplicableError("no checkpoints, and no code here that trains them again")
        self.training, self.nets = checkpoints(case.name, case.trained, case.own, self.own_start)
        return self

    def answer(self, question):
        """Return the outputs of the network in between."""
        each = factors(self.case, question.lam)
        if self.case.name in POLICIES:
            return self._policy(each).predict(question.X, deterministic=True)[0]
        counts = torch.from_numpy(each).float()
        net = copy.deepcopy(self.nets)
        for part in net.parameters():
            mean = (counts.view(-1, *[1] * (part.ndim - 1)) * part.data).sum(0, keepdim=True)
            part.data = mean
        lam = torch.full((1, 1, 1), float(question.lam))
        with torch.no_grad():
            [y] = torch.as_tensor(self.training.answer(net, lam, question.rows))
        return y.numpy()

    def _policy(self, each):
        """Return the stored policy whose arrays are means of those of trained values."""
        name, seed = self.case.name, self.case.own
        policies = [load_policy(name, lam, seed) for lam in self.case.trained]
        made = {}
        for part in ("weights", "biases"):
            layers = zip(*(getattr(policy, part) for policy in policies), strict=True)
            made[part] = [np.tensordot(each, np.stack(layer), 1) for layer in layers]
        for part in ("obs_mean", "obs_scale"):
            made[part] = each @ np.stack([getattr(p, part) for p in policies])
        return replace(policies[0], **made)


class SeparateStarts(WeightInterpolation):
    """The same of networks that started from different weights."""

    own_start = True

    def fit(self):
        """Train the checkpoints."""
        if self.case.name in POLICIES:
            raise NotApplicableError("policies share their first weights")
        return super().fit()


METHODS = {
    "weights, one start": WeightInterpolation,
    "weights, separate starts": SeparateStarts,
}
