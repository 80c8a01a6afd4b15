"""Whether lambda, which `fit` was given, arrives at the scorers of a search."""

import sys

from sklearn.metrics._scorer import _BaseScorer, _PassthroughScorer

from ._scorers import _LamScorer


def check_arrival(surrogate):
    """Raise in a search, or a cross-validation, whose scorers ask for a lambda that they lack.

    scikit-learn turns errors of scorers into NaN, of which the first counts as the best. It
    raises where all fits fail.

    Parameters
    ----------
    surrogate : estimator
        Its `fit` was given `lam`, and X has no such column.

    Raises
    ------
    ValueError
        If a scorer will not get `lam`.
    """
    call = _call_that_scores(surrogate)
    if call is None:
        return
    scorer, arrives = call["scorer"], "lam" in call["score_params"]
    for one in getattr(scorer, "_scorers", {"": scorer}).values():
        if isinstance(one, _BaseScorer):
            raise ValueError(
                f"scoring: {one!r} of scikit-learn predicts without `lam`. Use "
                "sklearn_hti.metrics.make_lam_scorer, with metadata routing on, or name the "
                "lambda column of X with `lam_column`."
            )
        if isinstance(one, _PassthroughScorer | _LamScorer) and not arrives:
            raise ValueError(
                "`fit` receives `lam`, but the scorer does not. Switch on metadata routing, "
                "sklearn.set_config(enable_metadata_routing=True), or name the lambda column of X "
                "with `lam_column`."
            )


def _call_that_scores(surrogate):
    """Return what scikit-learn fits and scores a surrogate with; None where it does not."""
    frame = sys._getframe(2)
    while frame is not None:
        module, name = frame.f_globals.get("__name__"), frame.f_code.co_name
        if (module, name) == ("sklearn.model_selection._validation", "_fit_and_score"):
            call = frame.f_locals
            steps = getattr(call["estimator"], "steps", [("", call["estimator"])])
            # `validation_curve`, which asks for no times, keeps fits that fail to itself
            silent = call["parameters"] is not None and not call["return_times"]
            return call if steps[-1][1] is surrogate and not silent else None
        frame = frame.f_back
    return None
