"""The time scale of several hyperparameters: one axis each (docs/method.md, section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .._utils.registry import storable
from .selection import suggested_rule
from .warps import WarpClock, make_transformer_clock, make_warp_clock

_FLAT = 1e-4  # bends below are taken to first order


@storable
@dataclass(frozen=True)
class NumberAxis:
    """The axis of a number: a named scale from 0 to 1, bent, in units of a length.

    Attributes
    ----------
    rule : WarpClock or TransformerClock
        The named scale.
    low, high : float
        Least and largest trained value.
    bend : float
        The logarithm of the speed of the time changes by so much over the range; 0: not at all.
    free : bool
        Whether the bend may follow the outputs.
    length : float
        Length scale of the outputs along the axis, of the trained range.
    """

    rule: object
    low: float
    high: float
    free: bool = True
    bend: float = 0.0
    length: float = 1.0
    is_number = True

    def place(self, lam):
        """Return the place (n, 1) of lambda, 0 at the least and 1 at the largest trained value.

        Beyond these, the bend ends: places go on with the speed there.
        """
        lam = np.asarray(lam, dtype=float)
        u = self.rule.fraction(lam, self.low, self.high)
        outside = (lam < self.low) | (lam > self.high)
        inside = np.where(outside, np.clip(u, 0, 1), u)
        if abs(self.bend) > _FLAT:
            place = np.expm1(-self.bend * inside) / np.expm1(-self.bend)
            speed = -self.bend * np.exp(-self.bend * inside) / np.expm1(-self.bend)
        else:  # to first order, so that a search sees a slope at 0
            place = inside + 0.5 * self.bend * inside * (1 - inside)
            speed = 1 + 0.5 * self.bend * (1 - 2 * inside)
        place = np.where(outside, place + speed * (u - inside), place)
        return np.reshape(place, (-1, 1))


@storable
@dataclass(frozen=True)
class CategoryAxis:
    """The axes of a category: every level is as far from every other.

    Attributes
    ----------
    n_levels : int
        Number of categories.
    length : float
        The distance of two levels is one over this length.
    """

    n_levels: int
    length: float = 1.0
    free = False
    is_number = False

    def place(self, code):
        """Return the place (n, n_levels) of codes; two levels are at distance one."""
        return np.eye(self.n_levels)[np.asarray(code).astype(int)] / np.sqrt(2)


@storable
@dataclass(frozen=True)
class AxesScale:
    """From lambdas (n, k) to times (n, k'), one axis per number and one per category's level."""

    axes: tuple

    @property
    def levels(self):
        """The axis of every category; None for numbers."""
        return [None if axis.is_number else axis for axis in self.axes]

    @property
    def name(self):
        """Names of the scales of the numbers."""
        return ", ".join(axis.rule.name for axis in self.axes if axis.is_number)

    def time(self, lam):
        """Return the times, in units of the lengths of the axes."""
        lam = np.asarray(lam, dtype=float)
        parts = [axis.place(of) / axis.length for axis, of in zip(self.axes, lam.T, strict=True)]
        return np.hstack(parts)

    def place(self, lam):
        """Return the places, from 0 to 1 over the trained range of every number."""
        return self.unit().time(lam)

    def numbers(self, lam):
        """Return the places of the numbers alone."""
        lam = np.asarray(lam, dtype=float)
        pairs = zip(self.axes, lam.T, strict=True)
        return np.hstack([axis.place(of) for axis, of in pairs if axis.is_number])

    def deviation(self, lam):
        """Return zeros: what is not known of the axes is in the kernel."""
        return np.zeros(len(lam))

    def plain(self):
        """Return the scale that is linear in all numbers."""
        linear = {"rule": WarpClock("identity"), "bend": 0.0}
        axes = self.unit().axes
        return AxesScale(
            tuple(replace(axis, **linear) if axis.is_number else axis for axis in axes)
        )

    def unit(self):
        """Return the scale whose axes all have length one."""
        return AxesScale(tuple(replace(axis, length=1.0) for axis in self.axes))

    def unbent(self):
        """Return the named scales themselves, all of length one."""
        axes = self.unit().axes
        return AxesScale(tuple(replace(a, bend=0.0) if a.is_number else a for a in axes))

    def shaped(self, lengths, bends):
        """Return the scale with other lengths of all axes, and bends of those that are free."""
        bends = iter(bends)
        axes = [
            replace(
                axis, length=float(length), **({"bend": float(next(bends))} if axis.free else {})
            )
            for axis, length in zip(self.axes, lengths, strict=True)
        ]
        return AxesScale(tuple(axes))


def make_axes(lam_transform, space, lam):
    """Return the AxesScale that the range of lambda suggests, or the parameter asks for.

    Of several hyperparameters, a range suggests a logarithmic scale or none: rates and levels from
    0 to 1 are as often neither.

    Where trained values lie in a plane, such as weights that sum to one, suggested scales are
    linear: others would bend the plane.

    Parameters
    ----------
    lam_transform : object
        The parameter of the estimator: one choice for all numbers, a list with one per column, or
        a dictionary by name.
    space : LamSpace
        The hyperparameters.
    lam : ndarray of shape (M, k)
        Trained values, encoded.
    """
    chosen = _choices(lam_transform, space)
    if any(isinstance(choice, str) and choice == "entropy" for choice in chosen):
        raise ValueError(
            "lam_transform='entropy' spreads outputs evenly along one hyperparameter, and `lam` "
            f"has {len(chosen)} that vary; use 'auto' or a named scale."
        )
    numbers = [j for j, level in enumerate(space.kept_levels) if level is None]
    unit = (lam[:, numbers] - lam[:, numbers].min(axis=0)) / np.ptp(lam[:, numbers], axis=0)
    flat = np.linalg.matrix_rank(unit - unit.mean(axis=0), tol=1e-6 * len(unit)) < len(numbers)
    axes = []
    for column, level, choice in zip(lam.T, space.kept_levels, chosen, strict=True):
        if level is not None:
            axes.append(CategoryAxis(len(level)))
            continue
        ends = np.sort(column)[[0, -1]]
        auto = isinstance(choice, str) and choice == "auto"
        if choice is None or (auto and flat):
            rule = WarpClock("identity")
        elif auto:
            rule = suggested_rule(ends)
            rule = rule if rule.name == "log" else WarpClock("identity")
        elif isinstance(choice, str):
            rule = make_warp_clock(choice, column)
        else:
            rule = make_transformer_clock(choice, column)
        axes.append(NumberAxis(rule, *map(float, ends), free=auto))
    return AxesScale(tuple(axes))


def choice_of_one(lam_transform, space):
    """Return the choice of the one number that varies; of several, the parameter itself."""
    return _choices(lam_transform, space)[0] if space.scalar else lam_transform


def _choices(lam_transform, space):
    """Return the choice of every column that varies."""
    if isinstance(lam_transform, Mapping):
        unknown = sorted(set(lam_transform) - set(space.names))
        if unknown:
            raise ValueError(
                f"lam_transform has the unknown names {unknown}; the hyperparameters are "
                f"{list(space.names) or 'without names'}."
            )
        of_columns = [lam_transform.get(name, "auto") for name in space.names]
    elif isinstance(lam_transform, list | tuple):
        if len(lam_transform) != space.n_columns:
            raise ValueError(
                f"lam_transform has {len(lam_transform)} entries for {space.n_columns} "
                "hyperparameters; pass one for each."
            )
        of_columns = list(lam_transform)
    else:
        of_columns = [lam_transform] * space.n_columns
    return [of_columns[j] for j in space.kept]
