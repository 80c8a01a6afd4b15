"""How many rows and draws each stage of a fit looks at, at most (docs/benchmarks/scaling.md).

Parts that rows are cut into for the sake of memory alone change no answer, and stand beside
their loops.
"""

from dataclasses import dataclass

MIN_DRAWS = 512  # that an input keeps: fewer make couplings worse


@dataclass(frozen=True)
class Reading:
    """What a stage reads of every anchor (see `sklearn_hti.data.thinning.thinned`).

    Parameters
    ----------
    max_rows : int
        Rows of whole inputs: a random choice of them, with all anchors.
    max_draws : int, default=None
        Rows that are divided evenly among the inputs; None: `max_rows`.
    min_draws : int, default=512
        Draws that an input keeps, if it has them.
    """

    max_rows: int
    max_draws: int | None = None
    min_draws: int = MIN_DRAWS


@dataclass(frozen=True)
class Budget:
    """Every limit on rows and draws; numbers are counted per anchor unless a comment differs."""

    # data that the movement is learned from
    passes: int = 4  # over draws in a training: that many are as good as fresh draws
    movement_rows: int = 65_536  # are kept in any case where memory takes them
    movement_draws: int = MIN_DRAWS  # of an input
    movement_numbers: int = 2**25  # of all trajectories, five for each interval and output

    coordinates: int = 128  # of an output, in which all is learned where there are more

    categories: int = 4096  # of all columns of X, each of which is a feature: others are refused

    # data that single decisions are made on
    clock: Reading = Reading(16_384, 2048, 256)  # means need no more
    paths: Reading = Reading(16_384, min_draws=320)

    # couplings
    priced_paths: int = 2**20  # of learned cost, in the plans of all edges
    penalty_rows: int = 256  # whose partners set the price of x
    pooled_rows: int = 4096  # that judge whether few draws are pooled
    pooled_regions: int = 4  # of x that those rows fill
    pooled_draws: int = 256  # of one input that are compared
    pooled_block: int = 1024  # rows of one coupling that is judged
    matched_ways: int = 256  # into and out of one row, matched at a time
    affine_blocks: int = 50  # inputs that are compared
    affine_rows: int = 250  # of one comparison
    affine_known: int = 16_384  # rows that predict those
    map_rows: int = 300  # on which learned maps are judged

    # statistics
    distance_inputs: int = 256  # in a distance of halves
    noise_draws: int = 1024  # of one input, in the noise of samples
    ridge_rows: int = 16_384  # whose left-out errors choose a penalty
    ridge_numbers: int = 2**21  # features in memory at a time
    smooth_inputs: int = 8192  # that smooth moments are fitted to

    # Lagrangian and paths
    bandwidth_rows: int = 1000  # of all anchors, on which bandwidths are judged
    support_inputs: int = 8192  # with rows of their own in a kernel
    support_numbers: int = 2**17  # the same, times outputs
    pairs: int = 20_000  # of coupled outputs, of all edges

    # networks
    places: int = 2_000_000  # around the knots of all trajectories
    place_numbers: int = 2**24  # the same, times outputs
    known_knots: int = 4096  # of one input, in a search among many outputs
    regressed_rows: int = 8192  # trajectories that the linear part is fitted to, at least
    regressed_numbers: int = 2**22  # of trajectories and features in that fit
    drawn_rows: int = 16_384  # examples drawn at once
    generator_rows: int = 512  # that judge the spread of the draws of a generator
    judged_inputs: int = 512  # held out in turn, to choose a regressor
    kernel_rows: int = 32_768  # that a kernel regression or its network is fitted to
    kernel_centers: int = 1024  # inputs at which it has its kernels
    tree_rows: int = 2**21  # of all trees of a forest

    # assessment
    checked_rows: int = 500  # moved to every anchor
    compared_rows: int = 6000  # that those are compared with
    gap_inputs: int = 8  # of a Monge gap
    gap_draws: int = 64  # of each of those
    left_out_rows: int = 1024  # of an anchor left out that are judged
    left_out_draws: int = 256  # of one input there
    left_out_values: int = 20  # trained values that are left out of the field in turn
    listed_draws: int = 256  # of the rows of near inputs behind one conditional mean
    halvings: int = 16  # of the draws of an input, that show what chance does to a statistic
    statistic_draws: int = 128  # behind a quantile, or another statistic that is not the mean
    kept_numbers: int = 2**18  # of the draws of all trained values that a fitted state holds
    mean_draws: int = 32  # of a generator behind one conditional mean
    mean_inputs: int = 64  # at which the surrogate's means are compared with those of draws
    coupled_answers: int = 2048  # draws of one input that an answer couples at once

    # the particle field, and networks that are asked
    halved_rows: int = 4096  # whose halves tell noise from signal
    halved_draws: int = 256  # of one input there
    asked_inputs: int = 256  # in a fit whose own rows cannot be coupled
    asked_draws: int = 16  # of each of those
    coupled_draws: int = 64  # of one input that networks are asked for, however few are wanted


BUDGET = Budget()
