"""One fit of one method on one case: its cost, and its distance to the retrained network."""

import time
import warnings
from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits

from .method import NotApplicableError
from .trainings_generative import TRAININGS


def judge(kind, case, seed=0):
    """Return the record of a Method class on a case.

    Returns
    -------
    dict
        ``score``, the mean distance to the networks that were trained at the held-out values with
        another seed; ``loss`` and ``loss_retrained`` on labels at those values, where known; CPU
        seconds of `fit` and of an answer; ``refused``, a reason, in place of all these where the
        method does not apply.
    """
    method = kind(case, seed)
    record = {"needs": kind.needs}
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
        warnings.simplefilter("always")
        start = time.process_time()
        try:
            method.fit()
        except NotApplicableError as reason:
            return record | {"refused": str(reason)}
        cpu = time.process_time() - start
        start = time.process_time()
        answers = [np.asarray(method.answer(method.question(lam))) for lam in case.held_out]
        cpu_answer = (time.process_time() - start) / len(case.held_out)
    shape = len(case.rows), case.family.n_outputs
    answers = [y.reshape(shape).astype(float) for y in answers]
    if not all(np.isfinite(y).all() for y in answers):
        raise FloatingPointError(f"{kind.__name__} answers {case.name} with what is not finite.")
    scores = [case.distance(y, lam) for y, lam in zip(answers, case.held_out, strict=True)]
    record |= {
        "score": float(np.mean(scores)),
        "floor": case.floor,
        "cpu": cpu,
        "cpu_answer": cpu_answer,
        "n_asked": len(case.held_out),
        "n_steps": method.n_steps,
        "chosen": getattr(method, "chosen", None),
        "warned": sorted({w.category.__name__ for w in caught}),
    }
    return record | label_losses(case, answers)


def label_losses(case, answers):
    """Return mean losses on labels at held-out values, of answers and of retrained networks."""
    if case.name not in TRAININGS:
        return {}
    try:
        training = labels(case.name)
    except ImportError:  # the data come with a library that is missing
        return {}
    pairs = [
        [training.measure(y, lam, case.rows) for y in (answer, case.truth(lam))]
        for answer, lam in zip(answers, case.held_out, strict=True)
    ]
    if pairs[0][0] is None:
        return {}
    loss, retrained = np.mean(pairs, axis=0)
    return {"loss": float(loss), "loss_retrained": float(retrained)}


@cache
def labels(name):
    """Return the labels of a family."""
    return TRAININGS[name](0)
