"""Conditional generators of other libraries on [x, lambda]: torchcfm and Treeffuser."""

from importlib.util import find_spec

from ..peers import HOW, _torchcfm, _treeffuser
from .method import Method

N_MEAN = 4  # draws behind the mean of a deterministic network


class Drawn(Method):
    """A generator of `benchmarks.peers`; deterministic networks: means of N_MEAN draws."""

    make = None

    def fit(self):
        """Fit the generator."""
        self.model = type(self).make(random_state=self.seed)
        known = self.model.get_params(deep=False)
        given = {k: v for k, v in self.case.params.items() if k in known}
        self.model.set_params(**given).fit(*self.case.data)
        return self

    def answer(self, question):
        """Return means of draws, or one draw for every row."""
        n_samples = N_MEAN if self.case.family.deterministic else 1
        drawn = self.model.sample(
            question.X, lam=question.lam, n_samples=n_samples, random_state=self.seed
        )
        n_outputs = self.case.family.n_outputs
        return drawn.reshape(n_samples, len(question.X), n_outputs).mean(axis=0)


def _of(make):
    return type("OfPeers", (Drawn,), {"make": staticmethod(make), "__doc__": Drawn.__doc__})


METHODS, MISSING = {}, {}
if find_spec("torchcfm"):
    METHODS["torchcfm"] = _of(_torchcfm("independent"))
else:
    MISSING["torchcfm"] = HOW["torchcfm"]
if find_spec("treeffuser"):
    METHODS["Treeffuser"] = _of(_treeffuser)
else:
    MISSING["Treeffuser"] = HOW["treeffuser"]
