"""A conditional beta-VAE on images of digits."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import avg_pool2d, one_hot

from .ensemble import Ensemble, alternate, batch, collect, column, fit, generator
from .family import Card

N_CLASSES = 4
N_DRAWS = 240  # per class
N_LATENT = 6
NOISE = 0.1  # standard deviation of a pixel given the code; pixels lie in [0, 1]


def train(lams, seeds, progress):
    """Train the models; return decoded draws of each class as 4 x 4 images."""
    images, hot = digits()
    X = np.repeat(np.arange(N_CLASSES), N_DRAWS)[:, np.newaxis]
    beta = column(lams)[:, 0, 0]

    def answer(seed):
        source = generator(seed)
        encoder = Ensemble((64 + N_CLASSES, 96, 2 * N_LATENT), len(lams), source)
        decoder = Ensemble((N_LATENT + N_CLASSES, 96, 64), len(lams), source)

        def losses():
            rows = batch(len(images), 128, source)
            mean, log_std = encoder(torch.cat([images[rows], hot[rows]], 1)).chunk(2, -1)
            code = mean + log_std.exp() * torch.randn(mean.shape[1:], generator=source)
            miss = (_decode(decoder, code, hot[rows]) - images[rows]).square().sum(-1)
            divergence = (mean**2 + (2 * log_std).exp() - 1).sum(-1) / 2 - log_std.sum(-1)
            return (miss / (2 * NOISE**2)).mean(1) + beta * divergence.mean(1)

        fit(torch.nn.ModuleList([encoder, decoder]), losses, 3000, learning_rate=3e-3)
        shape = len(X), N_LATENT
        code = [torch.randn(shape, generator=generator(seed, lam, 1)) for lam in lams]
        drawn = _decode(decoder, torch.stack(code), hot.new_tensor(np.eye(N_CLASSES))[X[:, 0]])
        return avg_pool2d(drawn.unflatten(-1, (8, 8)), 2).flatten(2).numpy()

    return collect(answer, seeds, progress, X, *alternate(len(X)), dtype=np.float16)


def digits():
    """Return images (n, 64) and indicators of their classes."""
    images, labels = load_digits(n_class=N_CLASSES, return_X_y=True)
    return torch.from_numpy(images / 16).float(), one_hot(torch.from_numpy(labels)).float()


def _decode(decoder, code, hot):
    return decoder(torch.cat([code, hot.expand(len(code), -1, -1)], -1)).sigmoid()


CARDS = (
    Card(
        name="beta_vae_digits",
        network="encoder 68-96-12, decoder 10-96-64, 6 latent dimensions",
        hyperparameter="beta, the weight of the divergence from the prior",
        changes="decoded draws, 4 x 4 pixels: scattered, then digits, at last one mean image",
        data="digits 0 to 3 of scikit-learn",
        lams=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0),
        clock="log",
        deterministic=False,
        train=train,
        categorical=(0,),
        y_bounds=(0.0, 1.0),
        traits=("breaks",),
    ),
)
