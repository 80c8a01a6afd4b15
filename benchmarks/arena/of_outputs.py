"""Surrogates of the package and of scikit-learn behind the arena's interface."""

from ..methods import make_method
from ..simplices import GaussianProcess, ThinPlates
from .method import NETWORKS, Method

OURS, OURS_ASKED = "ours", "ours, networks asked"


class Surrogate(Method):
    """A method of `benchmarks.methods`, without networks at question time."""

    name = None

    def fit(self):
        """Fit on the rows of the trained networks."""
        self.model = make_method(self.name, self.seed, **self.case.params)
        self.model.fit(*self.case.data)
        return self

    def answer(self, question):
        """Return means of deterministic networks, or one draw for every row."""
        if self.case.family.deterministic:
            return self.model.predict(question.X, lam=question.lam)
        return self.model.sample(question.X, lam=question.lam, random_state=self.seed)


class Asked(Surrogate):
    """The same between the answers of trained networks."""

    needs = NETWORKS

    def answer(self, question):
        """Return what lies between the networks' outputs."""
        return self.model.interpolate(
            question.X, question.outputs, lams=self.case.trained, lam=question.lam
        )


class OverLambda(Method):
    """Weights of the networks' outputs that a smoother over lambda alone gives."""

    needs, smoother = NETWORKS, None

    def answer(self, question):
        """Return the weighted mean of coupled outputs."""
        lams = self.case.lam_column
        return self.smoother().interpolate(
            question.X, question.outputs, lams=lams, lam=[question.lam]
        )


def _named(kind, name):
    return type(kind.__name__, (kind,), {"name": name, "__doc__": kind.__doc__})


METHODS = {
    OURS_ASKED: _named(Asked, "field"),
    OURS: _named(Surrogate, "coupling, film"),
    "nearest": _named(Asked, "nearest anchor"),
    "straight line in lambda": _named(Asked, "the same, linear in lambda"),
    "straight line in the clock": _named(Asked, "displacement interpolation"),
    "thin plates over lambda": type("Plates", (OverLambda,), {"smoother": ThinPlates}),
    "Gaussian process over lambda": type("Krige", (OverLambda,), {"smoother": GaussianProcess}),
    "flow matching": _named(Asked, "flow matching, OT"),
    "metric flow matching": _named(Asked, "metric flow matching, RBF"),
    "perceptron on [x, lambda]": _named(Surrogate, "direct, MLP"),
    "boosting on [x, lambda]": _named(Surrogate, "direct, boosting"),
}
