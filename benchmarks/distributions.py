"""How distributions of all kinds are followed: python -m benchmarks.distributions [--draws 40]

Families whose draws are known at every lambda: forty inputs of two numbers, forty draws of each
at three anchors. Prints exact W2^2 of draws at new inputs to true ones, means over a quarter and
three quarters of both intervals: of other true draws (the floor), of those of the nearest anchor,
of straight lines between true draws of both anchors, and of the surrogate by its defaults, with
the base at the first anchor and where `base_lam=None` puts it; then of the latter at the anchors
themselves, and their floor. `*` marks families whose base is not the first anchor. Of families
with modes or few values, the last columns are the percentage of true draws, and of those of the
surrogate, that lie between the modes or values; "geometry" is the one taken.
"""

import argparse
import warnings
from dataclasses import dataclass

import numpy as np
import ot
from joblib import Parallel, delayed
from scipy import stats

from sklearn_hti import HyperparameterTrajectoryRegressor
from sklearn_hti.metrics import squared_wasserstein

N_INPUTS, N_NEW, N_JUDGED = 40, 10, 400
SHARES = (0.25, 0.75)
COLUMNS = ("floor", "nearest", "straight line", "base first", "default")


@dataclass(frozen=True)
class Family:
    """Draws (n, D) at inputs (n, 2), and the anchors."""

    draw: object  # draw(X, lam, rng)
    anchors: tuple
    log: bool = False  # whether lambdas between are those on a logarithmic scale
    between: object | None = None  # between(y, X): which draws lie between modes, or values


FAMILIES = {}


def family(*anchors, log=False, between=None):
    """Enter a function of inputs, lambda and a generator as a family."""

    def enter(draw):
        FAMILIES[draw.__name__] = Family(draw, anchors, log, between)
        return draw

    return enter


def wave(X):
    """Return what means do."""
    return np.sin(2 * X[:, :1])


def width(X):
    """Return what spreads do."""
    return 0.5 + 0.5 * X[:, 1:] ** 2


def noise(rng, X, n_outputs=1):
    """Return standard normal draws."""
    return rng.normal(size=(len(X), n_outputs))


def not_whole(y, X):
    """Tell which draws are no whole numbers."""
    return y != np.rint(y)


@family(0.0, 0.3, 0.6)
def dropout(X, lam, rng):
    """No draws differ at the first anchor."""
    return wave(X) + lam * noise(rng, X, 2) * [1, 0.5]


@family(0.1, 0.5, 1.0)
def spread(X, lam, rng):
    """Spread that grows."""
    return wave(X) + lam * width(X) * noise(rng, X)


@family(0.1, 0.5, 0.9, between=lambda y, X: (y != 0) & (y < 0.8 + wave(X)))
def rare(X, lam, rng):
    """An event that grows frequent; without it, outputs are 0."""
    return np.where(rng.random((len(X), 1)) < lam, 2 + wave(X) + 0.3 * noise(rng, X), 0.0)


@family(-2.0, 0.0, 2.0, between=not_whole)
def events(X, lam, rng):
    """Zeros and ones, whose logit is linear in lambda."""
    return (rng.random((len(X), 1)) < 1 / (1 + np.exp(-(lam + wave(X))))).astype(float)


@family(0.5, 2.0, 8.0, log=True, between=not_whole)
def counts(X, lam, rng):
    """Poisson counts."""
    return rng.poisson(lam * np.exp(wave(X))).astype(float)


@family(0.1, 0.4, 1.0)
def clipped(X, lam, rng):
    """Actions of a policy, clipped at both ends."""
    return np.clip(wave(X) + lam * noise(rng, X, 2), -1, 1)


@family(0.5, 2.0, 8.0, log=True)
def gamma(X, lam, rng):
    """Gamma draws, by their shape."""
    return rng.gamma(lam, size=(len(X), 1)) * width(X)


@family(0.2, 0.7, 1.5)
def lognormal(X, lam, rng):
    """Tails that grow heavy."""
    return np.exp(wave(X) + lam * noise(rng, X))


@family(2.5, 8.0, 30.0, log=True)
def student(X, lam, rng):
    """Tails that grow light."""
    return wave(X) + width(X) * rng.standard_t(lam, size=(len(X), 1))


@family(0.0, 3.0, 8.0)
def skewed(X, lam, rng):
    """Skew normal draws."""
    return wave(X) + stats.skewnorm.rvs(lam, size=(len(X), 1), random_state=rng)


@family(0.3, 1.0, 3.0, log=True, between=lambda y, X: np.abs(y) < 0.5)
def temperature(X, lam, rng):
    """Two wells at a temperature: widths and weights change."""
    first = rng.random((len(X), 1)) < 1 / (1 + np.exp(-(1 + wave(X)) / lam))
    return np.where(first, 1.5, -1.5) + 0.4 * np.sqrt(lam) * noise(rng, X)


@family(0.1, 0.5, 0.9, between=lambda y, X: np.abs(y - wave(X)) < 0.75)
def weights(X, lam, rng):
    """Two modes whose weights change places."""
    first = rng.random((len(X), 1)) < lam
    return np.where(first, 2.0, -2.0) + wave(X) + 0.4 * noise(rng, X)


@family(0.0, 1.0, 2.0)
def fork(X, lam, rng):
    """One mode that becomes two."""
    side = rng.choice([-1.0, 1.0], size=(len(X), 1))
    return side * np.sqrt(lam) * (1 + 0.3 * wave(X)) + 0.3 * noise(rng, X)


@family(0.0, 0.5, 1.0)
def branches(X, lam, rng):
    """One mode that becomes three, in the plane."""
    angle = 2 * np.pi * rng.integers(0, 3, len(X)) / 3 + 0.3 * wave(X)[:, 0]
    return 3 * lam * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.25 * noise(rng, X, 2)


@family(0.0, 1.0, 2.0)
def spiral(X, lam, rng):
    """An arm that turns."""
    along = rng.random(len(X))
    angle = 3 * along + lam + wave(X)[:, 0]
    arm = np.column_stack([np.cos(angle), np.sin(angle)]) * (0.5 + along)[:, None]
    return arm + 0.05 * noise(rng, X, 2)


@family(0.5, 3.0, 20.0, log=True)
def directions(X, lam, rng):
    """Points of a circle that gather."""
    angle = rng.vonmises(2 * wave(X)[:, 0], lam)
    return np.column_stack([np.cos(angle), np.sin(angle)])


@family(0.3, 1.5, 8.0, log=True)
def shares(X, lam, rng):
    """Shares of three, Dirichlet."""
    parts = rng.gamma(lam * np.exp(np.hstack([wave(X), -wave(X), X[:, 1:]]))) + 1e-12
    return parts / parts.sum(axis=1, keepdims=True)


@family(-0.9, 0.0, 0.9)
def correlated(X, lam, rng):
    """Two outputs whose correlation changes sign."""
    z = noise(rng, X, 2)
    z[:, 1] = lam * z[:, 0] + np.sqrt(1 - lam**2) * z[:, 1]
    return z * width(X) + wave(X)


@family(0.1, 0.4, 1.6, log=True)
def functions(X, lam, rng):
    """Gaussian processes at eight places, by their length scale."""
    at = np.linspace(0, 1, 8)
    kernel = np.exp(-0.5 * ((at[:, None] - at) / lam) ** 2) + 1e-6 * np.eye(8)
    return noise(rng, X, 8) @ np.linalg.cholesky(kernel).T + wave(X)


def judge(name, seed, n_draws):
    """Return W2^2 by column, at the anchors and of their floors, and what the fit has chosen.

    Also the percentages of draws between modes or values: true ones, and those of the surrogate.
    """
    family = FAMILIES[name]
    rng = np.random.default_rng([seed, *map(ord, name)])
    X = np.repeat(rng.uniform(-1, 1, (N_INPUTS, 2)), n_draws, axis=0)
    y = np.concatenate([family.draw(X, a, rng) for a in family.anchors])
    data = np.tile(X, (3, 1)), y, np.repeat(family.anchors, len(X))
    X_new = np.repeat(rng.uniform(-0.9, 0.9, (N_NEW, 2)), N_JUDGED, axis=0)
    groups = np.repeat(np.arange(N_NEW), N_JUDGED)

    def fit(**params):
        model = HyperparameterTrajectoryRegressor(random_state=seed, validate=False, **params)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(*data)

    default = fit()
    first = default
    if default.base_lam_ != family.anchors[0]:
        first = fit(base_lam=family.anchors[0])

    in_gap = []

    def distances(lam, *others):
        truth, again = (family.draw(X_new, lam, rng) for _ in range(2))
        draws = [
            m.sample(X_new, lam, random_state=0).reshape(truth.shape) for m in (first, default)
        ]
        answers = again, *others, *draws
        if family.between is not None and others:
            pair = truth, draws[-1]
            in_gap.append([100 * family.between(y, X_new).mean() for y in pair])
        return [squared_wasserstein(truth, answer, groups=groups) for answer in answers]

    between = []
    scale, inverse = (np.log, np.exp) if family.log else (np.asarray, np.asarray)
    for low, high in zip(family.anchors[:-1], family.anchors[1:], strict=True):
        ends = [family.draw(X_new, lam, rng) for lam in (low, high)]
        for share in SHARES:
            lam = float(inverse((1 - share) * scale(low) + share * scale(high)))
            line = np.concatenate(
                [_line(*(end[groups == g] for end in ends), share) for g in range(N_NEW)]
            )
            between.append(distances(lam, ends[share > 0.5], line))
    at = np.array([distances(lam) for lam in family.anchors])
    gap = np.mean(in_gap, axis=0) if in_gap else np.full(2, np.nan)
    geometry = default.diagnostics_.get("geometry", "transport")
    return np.mean(between, axis=0), at[:, -1], at[:, 0], gap, geometry, default is not first


def _line(y0, y1, share):
    """Return draws on straight lines between two samples, coupled exactly."""
    plan = ot.emd([], [], ot.dist(y0, y1))
    return (1 - share) * y0 + share * y1[plan.argmax(axis=1)]


def main():
    """Print one line per family, means over seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--draws", type=int, default=40, help="of each input, at each anchor")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    more = "at anchors", "floor there", "between, true", "between", "geometry"
    print("| family |", " | ".join([*COLUMNS, *more]), "|")
    print("| --- " * (len(COLUMNS) + len(more) + 1) + "|")
    points = [(name, seed) for name in args.families for seed in args.seeds]
    found = Parallel(args.jobs, return_as="generator")(
        delayed(judge)(*p, args.draws) for p in points
    )
    for name in args.families:
        runs = [next(found) for _ in args.seeds]
        between, at, floor, gap, geometry, moved = zip(*runs, strict=True)
        cells = [f"{v:.3g}" for v in np.mean(between, axis=0)]
        cells += [" ".join(f"{v:.3g}" for v in np.mean(part, axis=0)) for part in (at, floor)]
        cells += [f"{v:.1f}" if v == v else "" for v in np.mean(gap, axis=0)]
        cells.append(", ".join(sorted(set(geometry))))
        print("|", f"{name}{' *' * any(moved)}", "|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
