"""Encoded conditions x, and what a method is asked at them."""

from dataclasses import dataclass

import numpy as np
import torch

from .._utils.groupby import number_groups
from .._utils.registry import storable
from .arrays import take


@storable
@dataclass(frozen=True)
class Conditions:
    """Encoded conditions x: standardised numbers and category codes, row by row."""

    scaled: np.ndarray  # (n, C_numeric)
    codes: np.ndarray  # (n, C_categorical)
    # (n, C + R) float32: rows are the same condition where these are equal; numbers, codes, and
    # what single precision leaves off of numbers far from zero
    keys: np.ndarray

    def __len__(self):
        return len(self.keys)

    def __getitem__(self, rows):
        return Conditions(self.scaled[rows], self.codes[rows], self.keys[rows])

    @property
    def numbers(self):
        """The numbers as they were given, (n, C_numeric) float32."""
        return self.keys[:, : self.scaled.shape[1]]

    @property
    def numbers_and_codes(self):
        """The numbers as they were given, then the category codes, (n, C) float32."""
        return self.keys[:, : self.scaled.shape[1] + self.codes.shape[1]]

    def repeat(self, n_draws):
        """Return every condition `n_draws` times in a row."""
        return self if n_draws == 1 else self[np.repeat(np.arange(len(self)), n_draws)]

    def groups(self):
        """Number the distinct conditions; return one number per row."""
        if not self.keys.shape[1]:
            return np.zeros(len(self), dtype=np.int64)
        return number_groups(self.keys)

    def one_hot(self, n_categories):
        """Return numbers and one-hot categories side by side, (n, F) float64."""
        return Features(self, n_categories)[:]

    def tensors(self, dtype=torch.float32, device="cpu"):
        """Return the (numeric, codes) tensors that the networks read."""
        return (
            torch.as_tensor(self.scaled, dtype=dtype, device=device),
            torch.as_tensor(self.codes, dtype=torch.int64, device=device),
        )


@dataclass(frozen=True)
class Features:
    """Numbers and one-hot categories side by side, (n, F), written out for the rows asked for."""

    conditions: Conditions
    n_categories: list

    def __len__(self):
        return len(self.conditions)

    @property
    def shape(self):
        """Number of rows, and of numbers and categories."""
        return len(self), self.conditions.scaled.shape[1] + sum(self.n_categories)

    def of(self, rows):
        """Return the features of some rows, not yet written out."""
        return Features(self.conditions[rows], self.n_categories)

    def __getitem__(self, rows):
        x = self.conditions
        codes = zip(self.n_categories, x.codes[rows].T, strict=True)
        hot = [(c[..., None] == np.arange(k)).astype(float) for k, c in codes]
        return np.hstack([x.scaled[rows], *hot])


@dataclass(frozen=True)
class Query:
    """Checked inputs of a method: X without the lambda column, encoded X, lambda."""

    X: object
    conditions: Conditions
    lam: np.ndarray | None

    def __len__(self):
        return len(self.conditions)

    def take(self, rows):
        """Return what is asked of some rows."""
        lam = None if self.lam is None else self.lam[rows]
        return Query(take(self.X, rows), self.conditions[rows], lam)
