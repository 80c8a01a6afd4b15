"""
Images
======

Denoisers of 8 x 8 digits are trained for three levels of noise. They are linear filters of
scikit-learn. A surrogate gives the images at any level between. It uses the trained denoisers or,
without them, the few coordinates of an autoencoder written with torch.
"""

# %%
# Denoisers are trained at three levels, and at two others only for comparison. All denoisers
# answer the same noisy digits, of level 60.
import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge

from sklearn_hti import HyperparameterTrajectoryRegressor

digits = load_digits().data / 16
rng = np.random.default_rng(0)
trained, between = [10.0, 60.0, 150.0], [30.0, 100.0]


def train(level):
    """Return a denoiser that was trained on one level of noise, of 255."""
    clean = np.tile(digits[400:], (5, 1))
    return Ridge().fit(clean + level / 255 * rng.normal(size=clean.shape), clean).predict


networks = {level: train(level) for level in trained}
judges = {level: train(level) for level in between}
X = digits[:400] + 60 / 255 * rng.normal(size=(400, 64))
seen, new = X[:300], X[300:]


def images(answers):
    """Return answers as images."""
    return answers.reshape(-1, 8, 8)


# %%
# With `networks`, the surrogate trains nothing, and its answers at the trained levels are those of
# the denoisers. Outputs have the shape of images.
y = np.concatenate([images(networks[level](seen)) for level in trained])
data = np.tile(seen, (3, 1)), y, np.repeat(trained, len(seen))
asked = {level: lambda X, level=level: images(networks[level](X)) for level in trained}
surrogate = HyperparameterTrajectoryRegressor(networks=asked, random_state=0).fit(*data)
print(np.abs(surrogate.predict(new, lam=60.0) - asked[60.0](new)).max())


# %%
# A surrogate can learn in your own coordinates: any transformer with `inverse_transform`. Images
# with more than 128 pixels have principal coordinates by default.
class Network(torch.nn.Module):
    """The sum of a linear map and a hidden layer."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.line = torch.nn.Linear(n_in, n_out)
        hidden = torch.nn.Linear(n_in, 64), torch.nn.Tanh(), torch.nn.Linear(64, n_out)
        self.bend = torch.nn.Sequential(*hidden)

    def forward(self, values):
        """Return outputs of rows."""
        return self.line(values) + self.bend(values)


class Autoencoder(TransformerMixin, BaseEstimator):
    """Coordinates of images."""

    def __init__(self, n_coordinates=40, n_steps=1500):
        self.n_coordinates = n_coordinates
        self.n_steps = n_steps

    def fit(self, y, _=None):
        """Train encoder and decoder on rows of pixels."""
        torch.manual_seed(0)
        y = torch.as_tensor(y, dtype=torch.float32)
        self.encoder_ = Network(y.shape[1], self.n_coordinates)
        self.decoder_ = Network(self.n_coordinates, y.shape[1])
        weights = [*self.encoder_.parameters(), *self.decoder_.parameters()]
        optimizer = torch.optim.Adam(weights, lr=5e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.n_steps)
        for _ in range(self.n_steps):
            some = y[torch.randint(len(y), (128,))]
            optimizer.zero_grad()
            (self.decoder_(self.encoder_(some)) - some).square().sum(1).mean().backward()
            optimizer.step()
            schedule.step()
        return self

    def transform(self, y):
        """Return the coordinates of images."""
        return self._ask(self.encoder_, y)

    def inverse_transform(self, z):
        """Return the images at coordinates."""
        return self._ask(self.decoder_, z)

    @torch.no_grad()
    def _ask(self, network, values):
        return network(torch.as_tensor(values, dtype=torch.float32)).double().numpy()


alone = HyperparameterTrajectoryRegressor(output_transform=Autoencoder(), random_state=0).fit(
    *data
)
print({name: round(alone.diagnostics_[name], 4) for name in ("n_coordinates", "lost_of_movement")})

# %%
# The table has mean squared errors at digits that were not in `fit`, beside those of the nearest
# denoiser.
print("level  with networks  without  nearest")
for level, near in zip(between, (60.0, 60.0), strict=True):
    true = images(judges[level](new))
    answers = surrogate.predict(new, level), alone.predict(new, level), asked[near](new)
    print(
        "{:5g} {:14.5f} {:8.5f} {:8.5f}".format(
            level, *(np.mean((a - true) ** 2) for a in answers)
        )
    )

# %%
# The plot shows one digit: the noisy input, the answers of the denoisers at trained levels, and
# those of the surrogates between.
import matplotlib.pyplot as plt

levels = sorted([*trained, *between])
fig, axes = plt.subplots(2, len(levels) + 1, figsize=(8, 3))
for row, (name, model) in zip(axes, {"asked": surrogate, "alone": alone}.items(), strict=True):
    shown = [new[0].reshape(8, 8), *(model.predict(new[:1], level)[0] for level in levels)]
    titles = ["noisy", *(f"{level:g}" + "*" * (level in trained) for level in levels)]
    for ax, image, title in zip(row, shown, titles, strict=True):
        ax.imshow(image, cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[], title=title)
    row[0].set_ylabel(name)
fig.suptitle("A digit at levels of noise, trained*")
fig.tight_layout()
plt.show()
