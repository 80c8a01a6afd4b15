"""In which direction outputs go with lambda: the parameter `monotone`."""

from collections.abc import Mapping

import numpy as np

from .arrays import as_float_array


def read_monotone(monotone, outputs, space, transform=None):
    """Return the direction of every output, -1, 0 or 1, as a tuple; None where none has one.

    Parameters
    ----------
    monotone : None, int, array-like or dict
        The parameter.
    outputs : OutputSpace
        The outputs.
    space : LamSpace
        The hyperparameters.
    transform : None, str or transformer, default=None
        The parameter `output_transform`.

    Raises
    ------
    ValueError
        If it cannot be kept, or read.
    """
    signs = _of_lambda(monotone, space)
    if signs is None:
        return None
    given = as_float_array(np.atleast_1d(signs), "monotone", ensure_2d=False, allow_nd=True)
    try:
        signs = np.broadcast_to(given.item() if given.size == 1 else given, outputs.trailing)
    except ValueError:
        raise ValueError(
            f"monotone has shape {given.shape}, and the outputs of a row have shape "
            f"{outputs.trailing}; pass one direction for all outputs, or one for each."
        ) from None
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"monotone={monotone!r} must hold only -1, 0 or 1.")
    if not signs.any():
        return None
    if space.n_columns > 1 and not space.scalar:
        raise ValueError(
            f"monotone={monotone!r} keeps outputs monotone in one hyperparameter, and `lam` has "
            f"{len(space.kept)} that vary. This is not possible between scattered trained values. "
            "Fit along one of them, at fixed values of the others, or leave out monotone."
        )
    if transform is not None and transform not in ("auto", "log", "logit"):
        raise ValueError(
            f"monotone={monotone!r} is not possible with output_transform={transform!r}, whose "
            "coordinates may mix outputs; use None, 'log' or 'logit'."
        )
    return tuple(signs.reshape(-1).astype(int).tolist())


def check_followed(monotone, base, facts):
    """Raise where answers would come from a flow map, which need not be monotone.

    Parameters
    ----------
    monotone, base : object
        The parameters.
    facts : DesignFacts
        Those of the rows.
    """
    auto = isinstance(base, str) and base == "auto"
    if auto and facts.one_answer:
        return
    fault = f"base={base!r} draws outputs" if not auto else "inputs have several outputs"
    if auto and not all(facts.inputs_shared):
        fault = "trained values have different inputs in X"
    raise ValueError(
        f"monotone={monotone!r} needs answers that follow one input through all trained "
        f"values, and {fault}. A flow map that moves draws need not be monotone. Pass "
        "networks=. Or use base='auto' with the same inputs, and one output of each, at every "
        "trained value. Or use base=None for `interpolate` alone."
    )


def _of_lambda(monotone, space):
    """Return the directions along lambda, of a dictionary those of the one that varies."""
    if not isinstance(monotone, Mapping):
        return monotone
    if not space.names:
        raise ValueError(
            f"monotone={monotone!r} names hyperparameters, but `lam` has no names; pass lam as a "
            "DataFrame, or directions without names."
        )
    unknown = sorted(set(map(str, monotone)) - set(space.names))
    if unknown:
        raise ValueError(
            f"monotone has the unknown names {unknown}; the hyperparameters are "
            f"{list(space.names)}."
        )
    varying = [monotone[name] for name in space.kept_names if monotone.get(name) is not None]
    if len(varying) > 1:
        varying = [max(varying, key=lambda signs: np.abs(signs).max(initial=0))]
    return varying[0] if varying else None
