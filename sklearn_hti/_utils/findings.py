"""What users are warned of: once per fit, once per surrogate, at the line of theirs."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from weakref import WeakKeyDictionary

from ..exceptions import (
    BaseWarning,
    BreakWarning,
    ClockWarning,
    ConvergenceWarning,
    CouplingWarning,
    ExtrapolationWarning,
    SupportWarning,
    TrajectoryWarning,
    ValidationWarning,
)

_GRAVEST_FIRST = (
    TrajectoryWarning,  # networks are others than those of the rows
    ConvergenceWarning,
    CouplingWarning,
    BreakWarning,
    ValidationWarning,
    BaseWarning,
    ClockWarning,
    ExtrapolationWarning,
    SupportWarning,
)
_BETWEEN = {"contextlib", "joblib", "sklearn", "sklearn_hti", "skorch", "torch"}

_found = ContextVar("found", default=None)
_said: WeakKeyDictionary = (
    WeakKeyDictionary()
)  # kinds of warnings, by the surrogate that gave them
_lock = Lock()


def warn(message, category, *, at_once=False):
    """Warn at the line of the user; within `one_warning`, together with all else."""
    found = _found.get()
    if found is None or at_once:
        warnings.warn(message, category, stacklevel=_level_of_user())
    elif (message, category) not in found:
        found.append((message, category))


def warn_once(surrogate, message, category):
    """Warn of answers of a surrogate, unless it has given a warning of this category."""
    with _lock:
        said = _said.setdefault(surrogate, set())
        if category in said:
            return
        said.add(category)
    warn(message, category)


@contextmanager
def one_warning(surrogate):
    """Join what a fit is warned of in one warning, of the gravest category.

    If the fit fails, its error has them as notes. The surrogate may warn of its answers anew.
    Yields the list of what is found: pairs of message and category, the gravest first in the end.
    """
    token = _found.set([])
    try:
        yield _found.get()
    except Exception as error:
        for message, _ in _found.get():
            error.add_note(f"Before that, `fit` has found: {message}")
        raise
    finally:
        found = _found.get()
        _found.reset(token)
    with _lock:
        _said.pop(surrogate, None)
    if found:
        found.sort(key=lambda finding: _gravity(finding[1]))
        warn("\nAlso: ".join(message for message, _ in found), found[0][1])


@contextmanager
def unheard():
    """Drop warnings: of fits that only measure something."""
    token = _found.set([])
    try:
        yield
    finally:
        _found.reset(token)


def _gravity(category):
    """Return the place of a category among all, from the gravest; others come last."""
    return _GRAVEST_FIRST.index(category) if category in _GRAVEST_FIRST else len(_GRAVEST_FIRST)


def _level_of_user():
    """Return the `stacklevel`, for `warn`, of the first frame that belongs to no library."""
    frame, level = sys._getframe(1), 1
    while frame and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    return level
