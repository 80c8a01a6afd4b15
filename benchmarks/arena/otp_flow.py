"""OTP-FM: flow matching along lambda as time, with potentials at the trained values between."""

from collections import OrderedDict
from importlib.util import find_spec

import numpy as np
import torch
from torch import nn

from ..simplices import Coupled
from .emulator import Features
from .method import NETWORKS, Method

N_STEPS, N_BATCH, RATE = 2000, 64, 1e-3  # batch and rate of the library's quick start
STRENGTH, WIDTH = 100.0, 0.2
N_SEGMENT = 10  # steps between trained values when outputs are moved


class OTPFlow(Method):
    """The library's model of the state [x, y], where x does not move.

    Draws at one input are coupled from one trained value to the next; answers start from what the
    first trained network says, and go to the time of lambda.

    References
    ----------
    Kansal et al., "OTP-FM", ICML 2026.
    """

    needs = NETWORKS

    def fit(self):
        """Train the flow."""
        from otpfm import OTPFM, Curriculum
        from otpfm.potentials import W2InfPotential

        torch.manual_seed(self.seed)
        case = self.case
        X, y, _ = case.data
        n = len(case.family.train_rows)
        chains = self._chains(X[:n], y.reshape(len(case.trained), n, -1))
        self.centre, self.size = chains.mean((0, 1)), chains.std((0, 1)) + 1e-9
        self.features = Features(case)
        x = np.tile(self.features(X[:n], case.trained[0])[:, None, 1:], (1, chains.shape[1], 1))
        states = np.concatenate([x, (chains - self.centre) / self.size], axis=2)
        states = torch.from_numpy(states).float()
        self.times = [float(t) for t in case.time(np.array(case.trained))]
        inner = self.times[1:-1]
        potentials = OrderedDict(
            {
                t: W2InfPotential(tk=t, strength=STRENGTH, lambda_type="gaussian", width=WIDTH)
                for t in inner
            }
        )
        d, self.n_fixed = states.shape[2], x.shape[2]
        self.model = OTPFM(d=d, tks=inner, potentials=potentials, flownet=_net(d, self.n_fixed))
        optimizer = torch.optim.Adam(self.model.parameters(), lr=RATE)
        alpha = Curriculum(total_iterations=N_STEPS)
        self.model.train()
        for k in range(N_STEPS):
            rows = torch.randint(n, (N_BATCH,))
            loss = self.model.forward_with_loss(states[rows], otp_alpha=alpha(k))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            self.model.update_ema()
        self.model.eval()
        return self

    def answer(self, question):
        """Return the first network's outputs, moved."""
        start = (question.outputs[0] - self.centre) / self.size
        x = self.features(question.X, question.lam)[:, 1:]
        state = torch.from_numpy(np.hstack([x, start])).float()
        with torch.no_grad():
            places, times = self.model.sample(state, n_steps=N_SEGMENT)
        times, t = times.numpy().ravel(), float(self.case.time(question.lam))
        k = int(np.clip(np.searchsorted(times, t), 1, len(times) - 1))
        share = (t - times[k - 1]) / (times[k] - times[k - 1])
        place = (1 - share) * places[k - 1] + share * places[k]
        return place[:, self.n_fixed :].numpy() * self.size + self.centre

    def _chains(self, X, outputs):
        """Return outputs (n, M, D), each row coupled from one trained value to the next."""
        chains = [outputs[0]]
        for after in outputs[1:]:
            chains.append(Coupled(X, np.stack([chains[-1], after])).matched(0, 1))
        return np.stack(chains, axis=1)


def _net(n_state, n_fixed):
    """Return the library's network, whose velocity of x is zero."""
    from otpfm.networks import FlowNetMLP

    class Conditional(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = FlowNetMLP(n_state, hidden_dim=128, num_hidden_layers=2)
            moving = torch.ones(n_state)
            moving[:n_fixed] = 0.0
            self.register_buffer("moving", moving)

        def forward(self, x, t1, dt):
            return self.moving * self.net(x, t1, dt)

    return Conditional()


METHODS = {"OTP-FM": OTPFlow} if find_spec("otpfm") else {}
MISSING = {} if METHODS else {"OTP-FM": "pip install otpfm"}
