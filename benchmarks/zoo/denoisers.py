"""Denoisers of images, each trained for one level of noise."""

import numpy as np
import torch
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from .ensemble import Ensemble, batch, collect, column, fit, generator, split
from .family import Card

SIDE = 16  # of an image; digits of scikit-learn have 8
LEVELS = 255  # of grey: noise is counted in these
N_IMAGES, N_TRAIN = 1400, 1200  # that are answered
NOISE = 25.0  # of the images that every network is asked
N_KEPT = 255  # levels that outputs are rounded to, so that files are small


def train(lams, seeds, progress):
    """Train the denoisers; return what they make of the same noisy images."""
    images = load_digits().images / 16
    images = np.stack([zoom(image, SIDE / 8, order=1) for image in images])
    images = torch.from_numpy(images.reshape(len(images), -1)).float()
    asked = images[:N_IMAGES]
    noise = torch.randn(asked.shape, generator=generator(0, NOISE))
    X = rounded(asked + NOISE / LEVELS * noise)
    level = column(lams) / LEVELS

    def answer(seed):
        source = generator(seed)
        width = SIDE**2
        model = Ensemble((width, 128, 128, width), len(lams), source)

        def losses():
            clean = images[batch(len(images), 128, source)]
            noise = torch.randn(clean.shape, generator=source)
            return (model(clean + level * noise) - clean).square().mean((1, 2))

        fit(model, losses, 4000, learning_rate=2e-3)
        return rounded(model(X)).numpy()

    return collect(answer, seeds, progress, X, *split(N_IMAGES, N_TRAIN), dtype=np.float16)


def rounded(images):
    """Return images of fewer levels."""
    return (images * N_KEPT).round() / N_KEPT


CARDS = (
    Card(
        name="denoiser_digits",
        network="256-128-128-256 perceptron",
        hyperparameter="standard deviation of the noise in training, of 255 levels of grey",
        changes="images of 16 x 16: noise is left, then gone, at last details are",
        data="digits of scikit-learn, enlarged, with noise of level 25",
        lams=(5.0, 15.0, 25.0, 35.0, 50.0),
        clock="log",
        deterministic=True,
        train=train,
    ),
)
