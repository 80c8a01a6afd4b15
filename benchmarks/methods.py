"""Every solver and conditioning, the rivals and the installed peers, under one name each."""

from functools import partial

from sklearn.ensemble import HistGradientBoostingRegressor

from sklearn_hti import HyperparameterTrajectoryRegressor, baselines

from .peers import PEERS

SOLVERS = ("coupling", "neural_dual", "monge_gap")
CONDITIONINGS = ("film", "concat", "hypernetwork")
DEFAULT, FIELD = "coupling, film", "field"

METHODS = {
    f"{solver}, {conditioning}": partial(
        HyperparameterTrajectoryRegressor, solver=solver, conditioning=conditioning
    )
    for solver in SOLVERS
    for conditioning in CONDITIONINGS
}
METHODS[FIELD] = partial(HyperparameterTrajectoryRegressor, base=None)  # trains nothing
METHODS["coupling, straight lines"] = partial(
    HyperparameterTrajectoryRegressor, kinetic="euclidean", potential=None
)
METHODS |= {
    "displacement interpolation": baselines.DisplacementInterpolationRegressor,
    "the same, linear in lambda": partial(
        baselines.DisplacementInterpolationRegressor, lam_transform=None
    ),
    "nearest anchor": baselines.NearestAnchorRegressor,
    "flow matching, OT": baselines.ConditionalFlowMatchingRegressor,
    "flow matching, independent": partial(
        baselines.ConditionalFlowMatchingRegressor, coupling="independent"
    ),
    "metric flow matching, LAND": baselines.MetricFlowMatchingRegressor,
    "metric flow matching, RBF": partial(baselines.MetricFlowMatchingRegressor, metric="rbf"),
    "direct, MLP": baselines.DirectSurrogateRegressor,
    "direct, boosting": partial(
        baselines.DirectSurrogateRegressor, HistGradientBoostingRegressor()
    ),
    **PEERS,
}


def make_method(name, seed, **params):
    """Return an unfitted surrogate; parameters that it does not have are left out."""
    model = METHODS[name](random_state=seed)
    known = model.get_params(deep=False)
    return model.set_params(**{k: v for k, v in params.items() if k in known})
