"""Gaussian-process emulators of outputs on [x, lambda], with principal components of outputs."""

import warnings
from importlib.util import find_spec

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .method import Method

N_TUNED, N_FIT = 300, 900  # rows that the kernel is tuned on, and rows in all
VARIANCE = 0.99  # that the components hold


class Features:
    """Inputs, standardised or one-hot, and the time of lambda beside them."""

    def __init__(self, case):
        X = case.data[0]
        columns = list(case.family.categorical)
        self.numbers = [k for k in range(X.shape[1]) if k not in columns]
        self.categories, self.time = columns, case.time
        self.scale = StandardScaler().fit(X[:, self.numbers]) if self.numbers else None
        self.hot = OneHotEncoder(sparse_output=False).fit(X[:, columns]) if columns else None

    def __call__(self, X, lam):
        """Return the columns (n, F) of rows X at lambda, a number or one per row."""
        parts = [np.broadcast_to(self.time(np.asarray(lam)), len(X))[:, np.newaxis]]
        if self.scale is not None:
            parts.append(self.scale.transform(X[:, self.numbers]))
        if self.hot is not None:
            parts.append(self.hot.transform(X[:, self.categories]))
        return np.hstack(parts)


class Emulator(Method):
    """Processes on components, which share the kernel; draws are normal around their means.

    Kernel: a length for every column, in lambda at least the longest step between trained values,
    and noise; the most probable ones on N_TUNED rows. Rows over N_FIT are left out at random.
    """

    def fit(self):
        """Fit the processes of all components of the outputs."""
        X, y, lam = self.case.data
        self.rng = np.random.default_rng(self.seed)
        kept = self.rng.permutation(len(X))[:N_FIT]
        self.features = Features(self.case)
        self.step = np.diff(self.case.time(np.array(self.case.trained))).max()
        Z = self.features(X, lam)[kept]
        self.pca = PCA(VARIANCE, svd_solver="full").fit(y[kept])
        parts = self.pca.transform(y[kept])
        self.size = parts.std(axis=0)
        self.model = self._process(Z, parts / self.size)
        self.left = (y[kept] - self.pca.inverse_transform(parts)).std(axis=0)
        return self

    def answer(self, question):
        """Return means, or draws where networks answer with draws."""
        Z = self.features(question.X, question.lam)
        Z, back = np.unique(Z, axis=0, return_inverse=True)
        parts, spread = (part.reshape(len(Z), -1)[back.ravel()] for part in self._predict(Z))
        if self.case.family.deterministic:
            return self._bound(self.pca.inverse_transform(parts * self.size))
        parts = parts + spread * self.rng.standard_normal(parts.shape)
        y = self.pca.inverse_transform(parts * self.size)
        return self._bound(y + self.left * self.rng.standard_normal(y.shape))

    def _bound(self, y):
        bounds = self.case.family.y_bounds
        return y if bounds is None else np.clip(y, *bounds)

    def _process(self, Z, parts):
        # a length in lambda below the step between trained values would forget them in between
        bounds = [(self.step, 1e3), *[(0.05, 1e3)] * (Z.shape[1] - 1)]
        kernel = ConstantKernel() * RBF(np.full(Z.shape[1], Z.shape[1] ** 0.5), bounds)
        kernel = kernel + WhiteKernel(0.01, (1e-6, 10.0))
        process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=self.seed)
        with warnings.catch_warnings():  # of lengths at their bounds
            warnings.simplefilter("ignore", ConvergenceWarning)
            kernel = process.fit(Z[:N_TUNED], parts[:N_TUNED]).kernel_
        return GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True).fit(Z, parts)

    def _predict(self, Z):
        """Return means and standard deviations of the components."""
        return self.model.predict(Z, return_std=True)


class BoTorchEmulator(Emulator):
    """The same with BoTorch's SingleTaskGP, a kernel for each component with its priors."""

    def _process(self, Z, parts):
        import torch
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from gpytorch.mlls import ExactMarginalLogLikelihood

        torch.manual_seed(self.seed)
        self.low, self.range = Z.min(0), np.ptp(Z, axis=0)
        Z, parts = torch.as_tensor(self._unit(Z)), torch.as_tensor(parts)
        tuned = SingleTaskGP(Z[:N_TUNED], parts[:N_TUNED])
        fit_gpytorch_mll(ExactMarginalLogLikelihood(tuned.likelihood, tuned))
        model = SingleTaskGP(Z, parts)
        state = {k: v for k, v in tuned.state_dict().items() if not k.startswith("outcome")}
        model.load_state_dict(state, strict=False)
        return model.eval()

    def _unit(self, Z):
        return (Z - self.low) / np.where(self.range > 0, self.range, 1.0)

    def _predict(self, Z):
        import torch

        with torch.no_grad():
            unit = torch.as_tensor(self._unit(Z))
            posterior = self.model.posterior(unit, observation_noise=True)
            mean, variance = posterior.mean, posterior.variance
        return mean.detach().numpy(), variance.detach().sqrt().numpy()


METHODS = {"Gaussian-process emulator": Emulator}
if find_spec("botorch"):
    METHODS["BoTorch emulator"] = BoTorchEmulator
MISSING = {} if find_spec("botorch") else {"BoTorch emulator": "pip install botorch"}
