"""Generators of other libraries on [x, lambda], judged beside the rivals of the package.

They draw y itself and cannot tell which draw at one lambda belongs to which at another. So
`transport` answers with fresh draws for the same x at `lam_to`, whatever y: all that a score
which compares distributions per x asks for. A mean squared error, as of deterministic networks,
counts the spread of the draws, too.
"""

from importlib.util import find_spec

import numpy as np
import torch
from sklearn.base import BaseEstimator

from sklearn_hti.baselines import DirectSurrogateRegressor

HOW = {
    "torchcfm": "pip install sklearn-hti[peers]",
    # 0.2 pins scikit-learn 1.5.0, which is too old here: pip then takes 0.1.3
    "treeffuser": "asks for numpy < 2, so not with constraints.txt: pip install sklearn-hti "
    "treeffuser",
}


class Generator(DirectSurrogateRegressor):
    """A conditional generator on [x, lambda] that answers `transport` with fresh draws."""

    def transport(self, X, y, *, lam_from, lam_to):
        """Return draws at `lam_to`."""
        return self.sample(X, lam_to, random_state=self.random_state)

    def interpolate(self, X, outputs, *, lams, lam):
        """Return draws at `lam`."""
        return self.sample(X, lam, random_state=self.random_state)


class FlowFromNoise(BaseEstimator):
    """Flow matching from noise with torchcfm, as in its example of conditional generation.

    Conditions go along with the outputs that are coupled to noise ("ot"), or noise comes as
    it falls ("independent"). The network is the library's, Adam at its defaults, batches and
    number of steps as there: 10 epochs of 60,000 images in batches of 128.
    """

    def __init__(self, coupling="ot", *, n_steps=4690, batch_size=128, width=64, seed=None):
        self.coupling = coupling
        self.n_steps = n_steps
        self.batch_size = batch_size
        self.width = width
        self.seed = seed

    def fit(self, X, y):
        """Train the velocity field of outputs (n,) or (n, D) given X."""
        from torchcfm.models.models import MLP

        # the library draws from the global generators of both
        torch.manual_seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002
        y = y.reshape(len(X), -1)
        X, y = (torch.as_tensor(part, dtype=torch.float32) for part in (X, y))
        self.n_outputs_ = y.shape[1]
        self.net_ = MLP(X.shape[1] + y.shape[1], y.shape[1], self.width, time_varying=True)
        optimizer = torch.optim.Adam(self.net_.parameters())
        for _ in range(self.n_steps):
            rows = torch.randint(len(y), (self.batch_size,))
            t, place, velocity, x = self._pairs(X[rows], y[rows])
            loss = (self._velocity(t[:, None], place, x) - velocity).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self

    def _pairs(self, X, y):
        """Return times, places between noise and outputs, velocities there and conditions."""
        from torchcfm import conditional_flow_matching as library

        noise = torch.randn_like(y)
        if self.coupling == "independent":
            matcher = library.ConditionalFlowMatcher(sigma=0.0)
            return *matcher.sample_location_and_conditional_flow(noise, y), X
        matcher = library.ExactOptimalTransportConditionalFlowMatcher(sigma=0.0)
        *drawn, _, X = matcher.guided_sample_location_and_conditional_flow(noise, y, y1=X)
        return *drawn, X

    def _velocity(self, t, place, X):
        return self.net_(torch.cat([place, X, t], dim=1))

    @torch.no_grad()
    def sample(self, X, n_samples, seed=None):
        """Return draws (n_samples, n, D)."""
        from torchdiffeq import odeint

        x = torch.as_tensor(X, dtype=torch.float32).repeat(n_samples, 1)
        noise = torch.randn(len(x), self.n_outputs_, generator=torch.Generator().manual_seed(seed))

        def velocity(t, place):
            return self._velocity(t.expand(len(x), 1), place, x)

        times = torch.tensor([0.0, 1.0])
        end = odeint(velocity, noise, times, atol=1e-4, rtol=1e-4, method="dopri5")[-1]
        return end.view(n_samples, len(X), -1).numpy()


def _treeffuser(**params):
    from treeffuser import Treeffuser

    # its default of further parameters does not survive `clone`
    further = {"force_col_wise": True}
    return Generator(Treeffuser(n_jobs=1, extra_lightgbm_params=further), **params)


def _torchcfm(coupling):
    return lambda **params: Generator(FlowFromNoise(coupling), **params)


PEERS = {}
if find_spec("torchcfm"):
    PEERS["torchcfm, OT"] = _torchcfm("ot")
    PEERS["torchcfm, independent"] = _torchcfm("independent")
if find_spec("treeffuser"):
    PEERS["Treeffuser"] = _treeffuser
MISSING = [
    f"left out: {name} is missing ({how})" for name, how in HOW.items() if not find_spec(name)
]
