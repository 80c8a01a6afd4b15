"""What the networks of a fit record while they are trained, as one table."""

from numbers import Real

import pandas as pd

from .engine import count_steps

# of `history_`, to which a stage may add more
_COLUMNS = ["stage", "epoch", "step", "train_loss", "valid_loss", "lr", "seconds"]


def as_frame(histories):
    """Return the histories of networks, by stage, as a DataFrame of one row per epoch."""
    records = [record for stage in histories for record in _records(stage, histories[stage])]
    more = dict.fromkeys(name for record in records for name in record if name not in _COLUMNS)
    return pd.DataFrame(records, columns=[*_COLUMNS, *more])


def _records(stage, history):
    """Yield one record per epoch: losses, duration, and what else the stage recorded."""
    step = 0
    for epoch in history:
        step += count_steps([epoch])
        figures = {
            "seconds" if k == "dur" else k: v
            for k, v in epoch.items()
            if isinstance(v, Real) and not k.endswith(("_best", "_count"))
        }
        yield {"stage": stage, "step": step} | figures
