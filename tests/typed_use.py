"""How users write it; mypy checks this file with all that it knows (see `tool.mypy`)."""

from pathlib import Path
from typing import assert_type

import numpy as np

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.baselines import DisplacementInterpolationRegressor
from sklearn_hti.inspection import PredictionDisplay


def use() -> None:
    X = np.zeros((4, 1))
    lam = [0.0, 0.0, 1.0, 1.0]

    surrogate = HyperparameterTrajectoryRegressor(max_iter=10, verbose=0, random_state=0)
    assert_type(surrogate.fit(X, [1, 2, 3, 4], lam), HyperparameterTrajectoryRegressor)
    assert_type(surrogate.sample(X, 0.5, n_samples=10), np.ndarray)
    assert_type(surrogate.interval(X, lam=0.5), tuple[np.ndarray, np.ndarray])
    assert_type(surrogate.transport(X, lam, lam_from=0.0, lam_to={"dropout": 1.0}), np.ndarray)
    assert_type(surrogate.score(X, lam, 0.5), float)
    assert_type(surrogate.to_html("page.html", X), Path)
    assert_type(surrogate.plot(X[0]), PredictionDisplay)
    assert_type(surrogate.save("file.hti"), None)
    assert_type(
        DisplacementInterpolationRegressor().fit(None, lam, lam),
        DisplacementInterpolationRegressor,
    )

    # what mypy must refuse: an ignore that nothing needs is an error
    HyperparameterTrajectoryRegressor(max_iter="many")  # type: ignore[arg-type]
    HyperparameterTrajectoryRegressor(drop_out=3)  # type: ignore[call-arg]
    surrogate.sample(X, 0.5, n_samples="all")  # type: ignore[arg-type]
    surrogate.transport(X, lam, 0.0, 1.0)  # type: ignore[call-arg]
