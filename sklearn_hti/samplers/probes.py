"""A few questions to trained networks: do they draw, and do they give the outputs of `fit`."""

from dataclasses import dataclass, replace

import numpy as np

from .._utils.findings import warn
from ..data.arrays import take
from ..data.facts import SAME_DRAWS, outputs_differ
from ..exceptions import TrajectoryWarning
from .networks import Networks, find_networks, takes_n_samples

_PROBE_ROWS, _PROBE_SEEDS = 16, 8
_MISS = 1e-2  # of the spread: a network that misses the outputs of fit by more is another one
_FAR_DRAWS = 5.0  # standard deviations of draws: the same of outputs that draws should be like


def make_networks(networks, problem, seed):
    """Return the Networks of a problem, after a few questions.

    Whether answers are draws is seen from outputs of one input that differ, from answers to the
    same question that do, or from a number of samples that a network takes.

    Warns
    -----
    TrajectoryWarning
        If a network does not give the outputs that `fit` was given, or draws like them.
    """
    data, anchors = problem.data, problem.data.anchors
    found = find_networks(networks, anchors.lam, problem.space, problem.hull)
    asked = Networks(anchors.lam, found, problem.outputs.n_outputs, False, problem.dtype)
    probes = [_probe(asked, problem, k, seed) for k in range(len(anchors.lam))]
    rows = [anchors.rows(k) for k in range(len(anchors.lam))]
    draws = any(outputs_differ(data.groups[on], data.y[on]) for on in rows)
    draws = draws or any(map(takes_n_samples, found))
    draws = draws or any(one.differ(problem.outputs) for one in probes)
    if draws:
        n_seeds = _PROBE_SEEDS
        probes = [_probe(asked, problem, k, seed, n_seeds) for k in range(len(anchors.lam))]
    texts = [*map(problem.space.text, anchors.lam)]
    _warn_of_others(probes, texts, problem.outputs, draws)
    return replace(asked, draws=draws)


@dataclass(frozen=True)
class _Probe:
    """Answers of a network to a few inputs of fit by some seeds, and the outputs given to fit."""

    answers: np.ndarray  # (S, n, D)
    given: np.ndarray  # (n, D)

    def differ(self, space):
        """Whether answers differ by more than the rounding of single precision."""
        first, second = space.encode(self.answers[:2])
        return np.mean((first - second) ** 2) > SAME_DRAWS

    def miss(self, space):
        """Return the largest distance of given outputs from the answers."""
        return np.abs(space.encode_whole(self.answers) - space.encode_whole(self.given)).max()

    def miss_of_draws(self, space):
        """Return how far given outputs are from the mean answer, of the spread of answers."""
        answers, n_seeds = space.encode(self.answers), len(self.answers)
        spread = (1 + 1 / n_seeds) * np.mean(np.var(answers, axis=0, ddof=1))
        miss = np.mean((answers.mean(axis=0) - space.encode(self.given)) ** 2)
        return np.sqrt(miss / max(spread, _MISS**2 / _FAR_DRAWS**2))


def _probe(networks, problem, k, seed, n_seeds=2):
    """Ask the network of anchor k for a few of its rows, under some seeds."""
    rows = problem.data.anchors.rows(k)
    rows = rows[np.linspace(0, len(rows) - 1, min(_PROBE_ROWS, len(rows))).astype(int)]
    X, lam, network = take(problem.X, rows), networks.lams[k], networks.networks[k]
    if takes_n_samples(network):
        answers = networks.ask_one(lam, network, X, n_seeds, seed).swapaxes(0, 1)
    else:
        answers = [networks.ask_one(lam, network, X, 1, seed + i)[:, 0] for i in range(n_seeds)]
    return _Probe(np.asarray(answers), problem.y[rows])


def _warn_of_others(probes, lams, space, draws):
    """Warn of networks that do not give the outputs that fit was given."""
    misses = [one.miss_of_draws(space) if draws else one.miss(space) for one in probes]
    most = _FAR_DRAWS if draws else _MISS
    wrong = [f"networks[{lam}]" for lam, miss in zip(lams, misses, strict=True) if miss > most]
    if not wrong:
        return
    said = f"not the outputs y of fit, by up to {max(misses):.2g} of their spread"
    if draws:
        said = f"no draws like the outputs y of fit, which are {max(misses):.2g} deviations away"
    warn(
        f"{', '.join(wrong)}: answers are {said}. Answers follow the networks. Check the keys, "
        "and that networks accept X as in fit, without the lambda column.",
        TrajectoryWarning,
    )
