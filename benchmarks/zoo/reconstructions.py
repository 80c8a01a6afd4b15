"""A beta-VAE that reconstructs images of digits."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.functional import interpolate

from .ensemble import Ensemble, batch, collect, column, fit, generator, split
from .family import Card
from .vae import N_LATENT, NOISE

SIDE = 16  # of the images
N_SHOWN = 180  # images that are reconstructed


def train(lams, seeds, progress):
    """Train models of all digits; return what they make of images that they have not seen."""
    small = torch.from_numpy(load_digits().images / 16).float()
    large = interpolate(small[:, None], (SIDE, SIDE), mode="bilinear").flatten(1)
    shown, seen = small[:N_SHOWN].flatten(1).numpy(), large[N_SHOWN:]
    beta = column(lams)[:, 0, 0]

    def answer(seed):
        source = generator(seed)
        encoder = Ensemble((SIDE**2, 96, 2 * N_LATENT), len(lams), source)
        decoder = Ensemble((N_LATENT, 96, SIDE**2), len(lams), source)

        def losses():
            images = seen[batch(len(seen), 64, source)]
            mean, log_std = encoder(images).chunk(2, -1)
            code = mean + log_std.exp() * torch.randn(mean.shape[1:], generator=source)
            miss = (decoder(code).sigmoid() - images).square().sum(-1)
            divergence = (mean**2 + (2 * log_std).exp() - 1).sum(-1) / 2 - log_std.sum(-1)
            return (miss / (2 * NOISE**2)).mean(1) + beta * divergence.mean(1)

        fit(torch.nn.ModuleList([encoder, decoder]), losses, 2000, learning_rate=3e-3)
        mean, _ = encoder(large[:N_SHOWN]).chunk(2, -1)
        return (decoder(mean).sigmoid() * 255).round().numpy() / 255

    return collect(answer, seeds, progress, shown, *split(N_SHOWN, 120), dtype=np.float16)


CARDS = (
    Card(
        name="beta_vae_images",
        network="encoder 256-96-12, decoder 6-96-256, 6 latent dimensions",
        hyperparameter="beta, the weight of the divergence from the prior",
        changes="reconstructions, 16 x 16 pixels: from their own image to a mean image",
        data="digits of scikit-learn, enlarged to 16 x 16 pixels",
        lams=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0),
        clock="log",
        deterministic=True,
        train=train,
        y_bounds=(0.0, 1.0),
    ),
)
