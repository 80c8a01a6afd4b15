"""scikit-learn's models at two or three hyperparameters: kernels, penalties, boosting."""

import warnings

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet
from sklearn.preprocessing import PolynomialFeatures, scale
from sklearn.svm import SVC, SVR

from .ensemble import collect, split
from .forecasters import elnino_windows
from .several import Axis, Box, SeveralCard


def sweep_of(model, names, load, n_train, method="predict"):
    """Return the `train` of a card: a model of scikit-learn at values of its parameters."""

    def train(lams, seeds, progress):
        X, target = load()
        train_rows, test_rows = split(len(X), n_train)

        def answer(seed):
            given = {"random_state": seed} if "random_state" in model.get_params() else {}
            outputs = []
            for lam in lams:
                one = clone(model).set_params(**dict(zip(names, lam.tolist(), strict=True)))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    one.set_params(**given).fit(X[train_rows], target[train_rows])
                outputs.append(getattr(one, method)(X).reshape(len(X), -1))
            return outputs

        return collect(answer, seeds, progress, X, train_rows, test_rows)

    return train


def diabetes():
    """Return the scaled inputs and the scaled progression of the disease."""
    return tuple(scale(part) for part in load_diabetes(return_X_y=True))


def diabetes_with_products():
    """Return the same with squares and products of inputs."""
    X, target = diabetes()
    return scale(PolynomialFeatures(2, include_bias=False).fit_transform(X)), target


def wine():
    """Return the scaled inputs and the classes."""
    X, target = load_wine(return_X_y=True)
    return scale(X), target


def card(name, model, axes, load, n_train, *, method="predict", n_seeds=1, **given):
    """Return the card of a swept model; training without chance needs one seed."""
    space = given.pop("space", None) or Box(axes)
    train = sweep_of(model, space.names, load, n_train, method)
    return SeveralCard(
        name=name, train=train, space=space, deterministic=True, n_seeds=n_seeds, **given
    )


C = Axis("C", 0.03, 30.0, "log")
GAMMA = Axis("gamma", 0.003, 0.3, "log")
EPSILON = Axis("epsilon", 0.02, 1.0)

CARDS = (
    card(
        "svr_diabetes",
        SVR(),
        (C, GAMMA),
        diabetes,
        300,
        network="support vector regression, Gaussian kernel",
        hyperparameter="inverse penalty and inverse squared width of the kernel",
        changes="predictions: from the median to a smooth fit, then to every training point",
        data="diabetes of scikit-learn",
    ),
    card(
        "svr_tube_diabetes",
        SVR(),
        (C, GAMMA, EPSILON),
        diabetes,
        300,
        space=Box((C, GAMMA, EPSILON), n_grid=3, n_scattered=20),
        network="support vector regression, Gaussian kernel",
        hyperparameter="inverse penalty, inverse squared width, half width of the tube",
        changes="as in svr_diabetes; a wide tube ignores small residuals",
        data="diabetes of scikit-learn",
    ),
    card(
        "svc_wine",
        SVC(decision_function_shape="ovo"),
        (Axis("C", 0.1, 100.0, "log"), Axis("gamma", 0.001, 0.3, "log")),
        wine,
        110,
        method="decision_function",
        network="support vector classification, Gaussian kernel",
        hyperparameter="inverse penalty and inverse squared width of the kernel",
        changes="decision values of three pairs of classes grow, then decay away from the data",
        data="wine of scikit-learn",
    ),
    card(
        "elastic_net_diabetes",
        ElasticNet(max_iter=5000),
        (Axis("alpha", 0.003, 1.0, "log"), Axis("l1_ratio", 0.05, 1.0)),
        diabetes_with_products,
        300,
        network="linear model on 65 inputs, squares and products among them",
        hyperparameter="penalty and its share of absolute values",
        changes="coefficients shrink and vanish; predictions approach the mean",
        data="diabetes of scikit-learn",
    ),
    card(
        "kernel_ridge_elnino",
        KernelRidge(kernel="rbf"),
        (Axis("alpha", 0.003, 10.0, "log"), Axis("gamma", 0.003, 0.3, "log")),
        elnino_windows,
        230,
        network="kernel ridge regression, Gaussian kernel",
        hyperparameter="penalty and inverse squared width of the kernel",
        changes="forecasts of 6 months: from every training point to smooth, then to the mean",
        data="elnino of statsmodels, monthly, 1950 to 2010",
    ),
    card(
        "boosted_quantiles_diabetes",
        GradientBoostingRegressor(loss="quantile", n_estimators=60),
        (Axis("alpha", 0.05, 0.95, "probit"), Axis("learning_rate", 0.003, 0.3, "log")),
        diabetes,
        300,
        network="60 boosted trees of depth 3, pinball loss",
        hyperparameter="quantile level and learning rate",
        changes="predicted quantiles move up; slow rates stay near the quantile of all",
        data="diabetes of scikit-learn",
    ),
)
