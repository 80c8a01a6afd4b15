"""One network that reads lambda, trained on labels with the compute of the trained values."""

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from .method import TRAINING, Method, NotApplicableError
from .networks import train_conditioned
from .trainings_generative import TRAININGS

WIDTHS, SLOW = (1, 2), 0.3
N_CHECKED = 9  # lambdas, even in time, at which candidates are judged
SHARE = 0.8  # of labelled rows that candidates learn from
N_SCALE = 2001  # points behind the inverse of the time of lambda


@dataclass(frozen=True)
class Form:
    """How lambda enters, factors of widths and of the rate, and whether what reads it decays."""

    kind: str
    width: int = 1
    rate: float = 1.0
    decays: bool = False


class ConditionedNetwork(Method):
    """A network trained on [x, lambda], lambda drawn over the trained range, even in its time.

    It takes as many gradient steps as the trained values took together. How lambda enters and the
    width, then the learning rate and the decay of what reads lambda, are chosen by the loss on a
    fifth of the labels, each candidate after the steps of one training; the last training sees all
    labels.

    References
    ----------
    Dosovitskiy & Djolonga, "You Only Train Once", ICLR 2020.
    Dabney et al., "Implicit Quantile Networks", ICML 2018.
    """

    needs = TRAINING

    def fit(self):
        """Choose on labels, then train."""
        if self.case.name not in TRAININGS:
            raise NotApplicableError("no loss at lambda whose code is at hand")
        try:
            make = TRAININGS[self.case.name]
            self.training = make(self.case.own)
        except ImportError as error:
            raise NotApplicableError(f"the labels come with a library: {error}") from error
        self.lams = np.linspace(self.case.trained[0], self.case.trained[-1], N_SCALE)
        if self.case.trained[0] > 0:  # dense where a scale of ratios is fast
            self.lams = np.geomspace(self.case.trained[0], self.case.trained[-1], N_SCALE)
        self.times = self.case.time(self.lams)
        self.source = torch.Generator().manual_seed(self.seed)
        steps, chosen = make.n_steps, self._choose(make)
        self.n_steps = steps * len(self.case.trained)
        self.nets = self._train(self.training, chosen, self.n_steps)
        self.chosen = asdict(chosen)
        return self

    def answer(self, question):
        """Return the outputs of the network at lambda."""
        lam = torch.full((1, 1, 1), float(question.lam))
        with torch.no_grad():
            [y] = torch.as_tensor(self.training.answer(self.nets, lam, question.rows))
        return y.numpy()

    def _choose(self, make):
        """Return the best Form on labels that candidates do not see."""
        widest = [Form(kind, width) for kind in make.conditionings for width in WIDTHS]
        losses = {form: self._checked(make, form) for form in widest}
        best = min(losses, key=losses.get)
        further = [replace(best, rate=SLOW)]
        if make.weight_decay:
            further.append(replace(best, decays=True))
        losses |= {form: self._checked(make, form) for form in further}
        return min(losses, key=losses.get)

    def _checked(self, make, form):
        """Return the loss of a candidate on labels that it does not see."""
        training = make(self.case.own)
        source = torch.Generator().manual_seed(self.seed)
        rows = training.pool[torch.randperm(len(training.pool), generator=source)]
        n_fit = max(1, int(SHARE * len(rows)))
        nets = self._train(training, form, make.n_steps, rows[:n_fit])
        loss = self._loss(training, nets, rows[n_fit:] if n_fit < len(rows) else rows)
        return loss if np.isfinite(loss) else np.inf

    def _train(self, training, form, n_steps, pool=None):
        return train_conditioned(
            training, **asdict(form), n_steps=n_steps, pool=pool,
            time=self._time, draw=self._draw, seed=self.seed,
        )  # fmt: skip

    @torch.enable_grad()
    def _loss(self, training, nets, pool):
        """Return the mean loss over lambdas that are even in time."""
        losses = []
        for time in np.linspace(0.0, 1.0, N_CHECKED):
            lam = torch.full((1, 1, 1), float(np.interp(time, self.times, self.lams)))
            training.source.manual_seed(0)
            for _ in range(4):  # where the loss draws at random
                losses.append(float(training.loss(nets, lambda n, lam=lam: lam, pool, 1.0)))
        return float(np.mean(losses))

    def _draw(self, n):
        """Return lambdas (1, n, 1), even in time."""
        times = torch.rand(n, generator=self.source).numpy()
        lams = np.interp(times, self.times, self.lams)
        return torch.from_numpy(lams).float()[None, :, None]

    def _time(self, lam):
        """Return the time of a tensor of lambdas."""
        times = np.interp(lam.numpy(), self.lams, self.times)
        return torch.from_numpy(times).float()


METHODS = {"conditioned network": ConditionedNetwork}
