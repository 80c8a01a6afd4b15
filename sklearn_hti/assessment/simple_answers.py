"""Simple answers in place of the field, where they are clearly better on values left out."""

from dataclasses import replace
from numbers import Real

from scipy.stats import norm
from scipy.stats import t as student

from .._utils.findings import warn
from ..clocks.clock import Clock
from ..clocks.time_scale import PlacedScale
from ..clocks.warps import WarpClock
from ..exceptions import ValidationWarning
from ..stats.selection import select

COLUMNS = (
    "lam",
    "interpolate",
    "straight_line_in_clock",
    "straight_line",
    "nearest_anchor",
    "no_transport",
    "floor",
    "base",
)
NAMES = {
    "no_transport": "no transport",
    "nearest_anchor": "a copy of the nearest trained value",
    "straight_line": "the straight line between both neighbours",
    "straight_line_in_clock": "the same line in the time of the outputs",
}
WORSE = 0.05  # what is worse by less, or by NOTHING, is worth no warning
NOTHING = 1e-3  # a squared distance of scaled outputs


def trusted(field, judged, anchors, lam_transform):
    """Return the field, or the simple answer that is clearly nearer to what was left out.

    Parameters
    ----------
    field : ParticleField
        Of the whole fit.
    judged : DataFrame
        Distances of all answers to the values left out.
    anchors : ndarray of shape (M,)
        Trained values.
    lam_transform : object
        The parameter of the estimator; a clock that users asked for stays.

    Warns
    -----
    ValidationWarning
        If a simple answer is better.
    """
    names = ["interpolate", *NAMES]
    losses = judged[names].dropna()
    if not len(losses):
        return field
    margin = judged["floor"].mean() + NOTHING  # what samples alone may bring
    n_errors = 2.0
    if anchors.ndim == 2:  # others surround few of scattered values, so that errors are vague
        n_errors = student.ppf(norm.cdf(n_errors), max(1, len(losses) - 1))
    options = {"margin": margin, "relative": WORSE, "n_errors": n_errors, "compare": "best"}
    best = select(losses.T, names, **options).name
    if best == "interpolate":
        return field
    asked_for = not (isinstance(lam_transform, str) and lam_transform == "auto")
    taken = best == "straight_line_in_clock" or not (asked_for or best == "no_transport")
    mean, excess = losses.mean(), losses["interpolate"] - losses[best]
    remedy = f"Train a network near lambda = {_lam_of(judged.loc[excess.idxmax()])}"
    if not asked_for:
        remedy += ", or set lam_transform to what you know of the hyperparameter"
    elif lam_transform is not None and best != "straight_line_in_clock":
        remedy += ", or try lam_transform='auto'"
    warn(
        f"trained values that were left out are predicted worse than by {NAMES[best]} "
        f"({mean['interpolate']:.3g} against {mean[best]:.3g}, `validation_`)"
        f"{', which is the answer now' if taken else '; answers between them may be as well'}. "
        f"{remedy}.",
        ValidationWarning,
    )
    if not taken:
        return field
    return as_simple(field, best, anchors)


def _lam_of(record):
    """Return the lambda of a record as text."""
    values = {name: v for name, v in record.items() if name == "lam" or name not in COLUMNS}
    shown = {name: f"{v:g}" if isinstance(v, Real) else repr(v) for name, v in values.items()}
    if "lam" in shown:
        return shown["lam"]
    return f"({', '.join(f'{name}={text}' for name, text in shown.items())})"


def as_simple(field, name, anchors):
    """Return the field that answers as a simple one does, in its own time or in lambda."""
    if anchors.ndim == 2:
        in_clock = name == "straight_line_in_clock"
        scale = field.scale.unit() if in_clock else field.scale.plain()
    elif name == "straight_line_in_clock":
        scale = field.scale
    else:
        linear = Clock(WarpClock("identity"), anchors, "left-out values are nearest to it")
        places = (anchors - anchors[0]) / (anchors[-1] - anchors[0])
        scale = PlacedScale(linear, places)
    return replace(field, scale=scale, rough_fraction=1.0, simple=name)
