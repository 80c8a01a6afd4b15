"""Two discs that circle round the origin, by an angle that depends on x."""

import numpy as np
from sklearn.utils import Bunch, check_array, check_random_state

from .._utils.annotations import Lam, RandomState
from .._utils.random import draw_seeds
from ._common import check_lam, check_outputs

_RADIUS = 2.0
_NOISE = 0.4  # radius of a disc
_LARGEST_STEP = np.arccos(2 * _NOISE / _RADIUS)  # see the docstring


def make_rotations(
    n_samples: int = 20,
    *,
    n_conditions: int = 60,
    n_features: int = 1,
    with_sense: bool = False,
    max_angle: float = 2 * np.pi / 3,
    n_turns: int = 3,
    lams: Lam = (0.0, 0.5, 1.0),
    random_state: RandomState = None,
) -> Bunch:
    r"""Draw from two discs that rotate about the origin, by an angle that depends on x.

    The condition x is uniform in :math:`[-1, 1]^C`. It determines the angle of the rotation R,

    .. math::
        y = R(\lambda \, a(x)) \, y_0, \quad
        a(x) = a_{max} \tanh\Big({-1} + \sum_{k=1}^{m} (-1)^{k+1} \big(1 +
        \tanh(1.5 (m + 1) (w_k^\top x - b_k))\big)\Big),

    The seed determines unit vectors w (of positive first entry) and offsets b. The angle a goes up
    and down along x, m times. y0 is uniform on two discs of radius 0.4 around (2, 0) and (-2, 0),
    which alternate from row to row.

    A rotated disc is the same disc, so y has the same distribution if each disc is shifted as a
    whole to its rotated centre. **This shift is the optimal transport map** for the squared
    Euclidean cost between two lambdas if the discs rotate by at most 66 degrees between them. The
    condition is that the cosine of the angle is at least twice the ratio of the two radii. All
    neighbouring trained values have to be this near. The rotation of each point about the origin
    has the same distribution and costs more. The correct result of optimal transport is therefore
    known for each point.

    Parameters
    ----------
    n_samples : int, default=20
        Draws for each condition and lambda.
    n_conditions : int, default=60
        Number of distinct x, which are the same at all lambdas.
    n_features : int, default=1
        Dimension C of x.
    with_sense : bool, default=False
        Whether x has one more column, a category: 0 rotates counter-clockwise by a(x), 1
        clockwise.
    max_angle : float, default=2 * pi / 3
        Largest angle, in radians.
    n_turns : int, default=3
        Number m of times that the angle goes up or down along x.
    lams : sequence of float, default=(0.0, 0.5, 1.0)
        The trained values, in [0, 1].
    random_state : int, RandomState instance or None, default=None
        Seed of the angles, the conditions and the draws, which have separate streams. The angles
        of a seed depend on `n_features`, `max_angle` and `n_turns` only.

    Returns
    -------
    Bunch
        With the attributes

        X : ndarray of shape (n, C) or (n, C + 1)
            The condition, n = len(lams) * n_conditions * n_samples, the category last.
        y : ndarray of shape (n, 2)
            The draws.
        lam : ndarray of shape (n,)
            The hyperparameter value lambda of each row.
        truth : callable
            ``truth(X, lam, random_state=None)`` returns a draw per row at any lambda in [0, 1]
            and any x in the box. ``truth.conditions(n, random_state=None)`` returns further x,
            ``truth.angle(X)`` the signed angle between lambda = 0 and 1, and
            ``truth.transport(X, y, lam_from, lam_to)`` the outputs shifted with their discs.

    Raises
    ------
    ValueError
        If a lambda is outside [0, 1]. If discs rotate by more than 66 degrees between two
        neighbouring lambdas. If X is not a condition.

    Examples
    --------
    >>> from sklearn_hti.datasets import make_rotations
    >>> data = make_rotations(n_samples=5, n_conditions=10, random_state=0)
    >>> data.X.shape, data.y.shape
    ((150, 1), (150, 2))
    >>> new_X = data.truth.conditions(3, random_state=0)
    >>> data.truth(new_X, 0.25, random_state=0).shape
    (3, 2)
    """
    counts = {
        "n_samples": n_samples,
        "n_conditions": n_conditions,
        "n_features": n_features,
        "n_turns": n_turns,
    }
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} is {count}; pass at least 1.")
    lams = np.array(lams, dtype=float)
    step = max_angle * np.diff(np.sort(lams)).max(initial=0.0)
    if not step <= _LARGEST_STEP:
        raise ValueError(
            f"max_angle={max_angle:g} turns the discs by up to {step:.2f} radians between "
            f"neighbouring lams; optimal transport finds that up to {_LARGEST_STEP:.2f}. Pass "
            "more lams or a smaller max_angle."
        )
    seeds = draw_seeds(random_state, ["geometry", "conditions", "draws"])
    truth = _Rotations(n_features, with_sense, max_angle, n_turns, seeds["geometry"])
    X = np.repeat(truth.conditions(n_conditions, seeds["conditions"]), n_samples, axis=0)
    lam = np.repeat(lams, len(X))
    X = np.tile(X, (len(lams), 1))
    return Bunch(X=X, y=truth(X, lam, seeds["draws"]), lam=lam, truth=truth)


class _Rotations:
    """The true distribution at any lambda, and where optimal transport moves each point."""

    def __init__(self, n_features, with_sense, max_angle, n_turns, seed):
        self.with_sense = with_sense
        self.max_angle = max_angle
        rng = check_random_state(seed)
        direction = rng.normal(size=(n_features, n_turns))
        direction[0] = np.abs(direction[0])
        self.direction = direction / np.linalg.norm(direction, axis=0)
        even = np.linspace(-1, 1, n_turns + 2)[1:-1]
        self.offset = even + rng.uniform(-0.4, 0.4, size=n_turns) / (n_turns + 1)
        self.sign = (-1.0) ** np.arange(n_turns)

    def __call__(self, X, lam, random_state=None):
        """One draw per row of X."""
        angle = self.angle(X)
        rng = check_random_state(random_state)
        # in turn, so that the share of each disc does not fluctuate from x to x
        side = rng.choice([-1.0, 1.0]) * (-1.0) ** np.arange(len(angle))
        # even on a disc: the square of the distance to its centre is uniform
        radius = _NOISE * np.sqrt(rng.uniform(size=len(angle)))
        noise = radius[:, np.newaxis] * _direction(rng.uniform(-np.pi, np.pi, size=len(angle)))
        lam = check_lam(lam, len(angle))
        return side[:, np.newaxis] * _centre(lam * angle) + noise

    def conditions(self, n, random_state=None):
        """Further conditions, shape (n, C) or (n, C + 1)."""
        rng = check_random_state(random_state)
        X = rng.uniform(-1.0, 1.0, size=(n, len(self.direction)))
        if not self.with_sense:
            return X
        return np.column_stack([X, rng.randint(2, size=n)])

    def angle(self, X):
        """Angle by which the plane turns between lambda = 0 and 1, per row, in radians."""
        X = check_array(X, dtype=float, input_name="X")
        n_features = len(self.direction)
        x, sense = X[:, :n_features], X[:, n_features:]
        wrong = X.shape[1] != n_features + self.with_sense
        if wrong or (np.abs(x) > 1).any() or not np.isin(sense, [0, 1]).all():
            raise ValueError(
                f"X has shape {X.shape} and reaches from {X.min()} to {X.max()}; pass "
                f"{n_features} column(s) in [-1, 1]"
                f"{' and one of categories 0 and 1' if self.with_sense else ''}."
            )
        steepness = 1.5 * (len(self.sign) + 1)
        turns = 1 + np.tanh(steepness * (x @ self.direction - self.offset))
        angle = self.max_angle * np.tanh(turns @ self.sign - 1)
        return angle * (1 - 2 * sense[:, 0]) if self.with_sense else angle

    def transport(self, X, y, lam_from, lam_to):
        """The outputs y at lam_from, shifted with their discs to lam_to."""
        angle = self.angle(X)
        y = check_outputs(y, len(angle), 2)
        start = _centre(check_lam(lam_from, len(y), "lam_from") * angle)
        end = _centre(check_lam(lam_to, len(y), "lam_to") * angle)
        side = np.where(np.sum(y * start, axis=1) < 0, -1.0, 1.0)
        return y + side[:, np.newaxis] * (end - start)


def _direction(angle):
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _centre(angle):
    return _RADIUS * _direction(angle)
