"""The measured sizes: what grows with the rows of training and what does not."""

from benchmarks.distributed import HEAD, measure


def test_a_flow_does_not_carry_the_rows():
    tables = [list(measure(n_inputs, 2)) for n_inputs in (100, 1000)]
    assert all(len(row) == len(HEAD) for table in tables for row in table)
    small, large = ([float(row[2]) for row in table] for table in tables)
    flow, *others = range(3)
    assert abs(large[flow] - small[flow]) < 0.06  # draws that intervals are calibrated on
    assert all(large[i] > small[i] + 0.1 for i in others)
