"""Try an installed wheel, outside of the source: python -I .ci/smoke.py."""

import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np

import sklearn_hti

networks = {alpha: lambda X, alpha=alpha: alpha**2 * X[:, 0] for alpha in (0.0, 1.0, 2.0)}
X = np.linspace(1, 2, 20)[:, None]
y = np.concatenate([network(X) for network in networks.values()])
surrogate = sklearn_hti.HyperparameterTrajectoryRegressor(networks=networks, random_state=0)
surrogate.fit(np.tile(X, (3, 1)), y, np.repeat(list(networks), len(X)))
assert abs(surrogate.predict([[1.5]], lam=2.0)[0] - 6) < 1e-9
assert surrogate.to_html(Path(sys.prefix, "page.html"), X[:3]).stat().st_size > 1e6
assert Path(sklearn_hti.__file__).is_relative_to(sys.prefix), sklearn_hti.__file__
assert sklearn_hti.__version__ == version("sklearn-hti")
assert files(sklearn_hti).joinpath("py.typed").is_file()
print(f"sklearn-hti {sklearn_hti.__version__} works in {sys.prefix}")
