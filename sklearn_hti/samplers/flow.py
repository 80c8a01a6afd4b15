"""Draw y at the base anchor from a conditional generator: flow matching."""

from functools import partial

import numpy as np
import torch
from scipy.stats import norm, qmc

from .._utils.ode import integrate
from .._utils.random import build_module
from .._utils.registry import storable
from ..data.budget import BUDGET
from ..data.conditions import Features, Query
from ..data.facts import FEW
from ..nn.batches import DrawnDataset, split_rows
from ..nn.engine import train
from ..nn.inference import in_precision, row_chunks
from ..nn.modules import ConditionalMLP
from ..stats.ridge import LinearMean

_N_STEPS = 12  # midpoint steps of the generating ODE
_ENOUGH = 100  # rows to judge by: generators learn few by heart
_WIDEST = 2.0  # times the noise trained on: farther out the velocities were never learned


class FlowMatchingDataset(DrawnDataset):
    """Draws points on straight lines from noise to data; velocities beside those of a normal."""

    def __init__(self, y, conditions, picked, device):
        self.y = torch.as_tensor(y[picked], dtype=torch.float32, device=device)
        self.numeric, self.codes = conditions[picked].tensors(device=device)
        self.n_rows = len(picked)
        self.device = device

    def draw(self, rows, generator):
        """Return z = (t y + (1 - t) noise, t) and the condition; y - noise beside its mean."""
        y = self.y[rows]
        noise = self._noise(rows, generator)
        t = torch.empty_like(y[:, :1]).uniform_(generator=generator)
        at_t = torch.lerp(noise, y, t)
        z = torch.cat([at_t, t], dim=1)
        inputs = {"z": z, "numeric": self.numeric[rows], "codes": self.codes[rows]}
        return inputs, y - noise - _normal_velocity(at_t, t)

    def _noise(self, rows, generator):
        """Return the noise (n, D) that lines to some rows begin at."""
        return torch.empty_like(self.y[rows]).normal_(generator=generator)


@storable
class FlowBase:
    """Conditional flow matching of p(y | x) at the base anchor.

    The part of y that is linear in x is taken off by a ridge regression first, and what is
    left is scaled to unit variance, so that nearly deterministic networks stay sharp. The
    network learns how velocities differ from those toward a standard normal: before its first
    step, y is normal around a linear mean, which few noisy rows may not tell from the truth.

    A mean learned from one noisy draw per condition errs where conditions are new, and draws
    around it are then too near to each other. The noise is therefore scaled by how much farther
    than draws the outputs that were held out lie from the mean of draws.

    References
    ----------
    Lipman et al., "Flow Matching for Generative Modeling", ICLR 2023.

    Tong et al., "Improving and Generalizing Flow-Based Generative Models with Minibatch
    Optimal Transport", TMLR 2024.
    """

    name: str  # of the kind of base, and why it was chosen: see `make_base`
    reason: str
    label = "base generator"  # of its training
    n_steps = _N_STEPS

    def fit(self, y, conditions, groups, training):
        """Train the velocity field on the rows of the base anchor."""
        self.n_categories_ = training.encoder.n_categories_
        features = Features(conditions, self.n_categories_)
        self.linear_ = LinearMean().fit(features, y)
        residual = y - self.linear_.predict(features)
        spread = residual.std(axis=0)
        self.spread_ = np.where(spread > 1e-6, spread, 1e-6)
        n_outputs = y.shape[1]
        module = build_module(
            lambda: ConditionalMLP(
                n_outputs + 1,
                n_outputs,
                training.embedding(),
                training.conditioning,
            ),
            training.seeds["base_module"],
        )
        rng = np.random.default_rng(training.seeds["base_split"])
        settings = training.settings
        picked, held = split_rows(
            groups, rng, settings.early_stopping, enough=_ENOUGH, min_rows=FEW
        )
        examples = (
            None
            if rows is None
            else self._dataset(residual / self.spread_, conditions, rows, settings.device)
            for rows in (picked, held)
        )
        net = train(
            module,
            *examples,
            label=self.label,
            seed=training.seeds["base_batches"],
            settings=settings,
            user_callbacks=training.callbacks,
        )
        self.module_ = net.module_
        self.device_ = settings.device
        self.history_ = net.history
        self.noise_scale_ = 1.0
        if held is not None:
            judged = rng.permutation(held)[: BUDGET.generator_rows]
            self.noise_scale_ = self._judge_noise_scale(y[judged], conditions[judged], rng)
        return self

    def _dataset(self, y, conditions, rows, device):
        """Return the examples of some rows."""
        return FlowMatchingDataset(y, conditions, rows, device)

    def _judge_noise_scale(self, y, conditions, rng):
        """Return how many times as far from the mean of draws y lies as draws do, at least 1."""
        n_draws = BUDGET.mean_draws
        noise = self.noise(len(y), n_draws, rng)
        draws = self.draw(Query(None, conditions, None), noise)
        mean = draws.mean(axis=1)
        # all outputs at once: one that hardly varies would say what noise it has, not they
        std = np.sqrt(draws.var(axis=1).sum(axis=1)) + np.finfo(np.float32).tiny
        of_draws = (np.linalg.norm(draws - mean[:, None], axis=2).mean(axis=1) / std).mean()
        # the mean is drawn, too: draws lie nearer to it than the truth would, by this
        drawn = np.sqrt((n_draws + 1) / (n_draws - 1))
        ratio = (np.linalg.norm(y - mean, axis=1) / std).mean() / of_draws / drawn
        return float(np.clip(ratio, 1.0, _WIDEST))

    def noise(self, n_rows, n_draws, rng):
        """Return the randomness of the draws, rows first."""
        return rng.standard_normal((n_rows, n_draws, len(self.spread_)))

    def fixed_noise(self, rng, n_draws=BUDGET.mean_draws):
        """Return evenly spread normal noise, to be shared by rows."""
        # points of a scrambled Sobol sequence, a power of two of them
        sobol = qmc.Sobol(len(self.spread_), rng=rng).random(n_draws)
        return norm.ppf(np.clip(sobol, 1e-9, 1 - 1e-9))[None]

    def draw(self, query, noise, dtype=torch.float32):
        """Return scaled outputs (n, n_draws, D)."""
        _, n_draws, n_outputs = noise.shape
        conditions = query.conditions.repeat(n_draws)
        start = self.noise_scale_ * noise.reshape(-1, n_outputs)
        return self.outputs_of(start, conditions, dtype).reshape(noise.shape)

    def outputs_of(self, noise, conditions, dtype=torch.float32):
        """Return the scaled outputs (n, D) that noise (n, D) flows to."""
        return self._mean(conditions) + self.spread_ * self._flow(noise, conditions, 0, 1, dtype)

    def noise_of(self, y, conditions, dtype=torch.float32):
        """Return the noise (n, D) that flows to scaled outputs (n, D)."""
        return self._flow((y - self._mean(conditions)) / self.spread_, conditions, 1, 0, dtype)

    def _mean(self, conditions):
        return self.linear_.predict(Features(conditions, self.n_categories_))

    def _flow(self, start, conditions, begin, end, dtype):
        """Return points (n, D) that were followed from one time of the ODE to another."""
        module = in_precision(self.module_, dtype)
        arrived = np.empty(start.shape)
        for part in row_chunks(len(start), self.device_):
            numeric, codes = conditions[part].tensors(dtype, self.device_)
            y = torch.as_tensor(start[part], dtype=dtype, device=self.device_)
            ends = (torch.full_like(y[:, :1], time) for time in (begin, end))
            with torch.inference_mode():
                read = module.read(numeric, codes)
            velocity = partial(_velocity, module, read)
            arrived[part] = integrate(velocity, y, *ends, self.n_steps).cpu().numpy()
        return arrived


def _velocity(module, read, y, t):
    return module.respond(torch.cat([y, t], dim=1), *read) + _normal_velocity(y, t)


def _normal_velocity(y, t):
    """Return the mean of end - start given that t end + (1 - t) start = y, both N(0, 1)."""
    return (2 * t - 1) / (t**2 + (1 - t) ** 2) * y
