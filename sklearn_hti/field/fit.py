"""From coupled outputs to the particle field (docs/method.md, section 4)."""

import numpy as np

from .._utils.groupby import rank_in_group
from .particle_field import fit_field
from .plane import fit_plane
from .roughness import measure_noise


def learn_field(scale, data, read, rng):
    """Return the ParticleField of the training data.

    Parameters
    ----------
    scale : CurvedScale or PlacedScale
        From lambda to time.
    data : TrainingData
        All encoded rows.
    read : callable
        Returns the Way of the data: coupled outputs, and where the trained values sit on it.
    rng : numpy.random.Generator
        Cuts draws into halves.
    """
    particles, noise = whole_particles(read), find_noise(data, rng)
    if not len(particles):  # no input is known at all anchors
        particles, noise = np.zeros((1, len(data.anchors.lam), data.y.shape[1])), 1.0
    if data.anchors.several:
        return fit_plane(scale, particles, data.anchors.lam, noise)
    return fit_field(scale, particles, data.anchors.lam, noise=noise)


def whole_particles(read):
    """Return the particles (N, M, D) of a way that pass all trained values."""
    trajectories = read().trajectories
    return trajectories.points[trajectories.whole]


def find_noise(data, rng):
    """Return which fraction of the increments of particles comes from few draws, 0 to 1.

    None of it where the networks give one answer per input and were all asked the same inputs;
    all of it where they were asked different ones, so that particles pair strangers.
    """
    if not all(data.facts.inputs_shared):
        return 1.0
    if data.facts.one_answer:
        return 0.0
    budget = data.budget
    outputs, groups = aligned_draws(data, rng, budget.halved_rows, budget.halved_draws)
    return measure_noise(outputs, groups, data.anchors.edges, rng)


def aligned_draws(data, rng, max_rows, max_draws):
    """Return draws (M, n, D) of inputs that all trained values know, and the input of each.

    As many draws of an input at each value; at most `max_draws`, and `max_rows` in all.
    """
    n_groups = int(data.groups.max()) + 1
    anchors = [data.anchors.rows(k) for k in range(len(data.anchors.lam))]
    counts = [np.bincount(data.groups[rows], minlength=n_groups) for rows in anchors]
    wanted = np.minimum(np.min(counts, axis=0), max_draws)
    order = rng.permutation(n_groups)
    wanted[order[np.cumsum(wanted[order]) > max(max_rows, wanted.max())]] = 0
    outputs = []
    for rows in map(rng.permutation, anchors):
        kept = rows[rank_in_group(data.groups[rows])[0] < wanted[data.groups[rows]]]
        outputs.append(data.y[kept[np.argsort(data.groups[kept], kind="stable")]])
    return np.stack(outputs), np.repeat(np.arange(n_groups), wanted)
