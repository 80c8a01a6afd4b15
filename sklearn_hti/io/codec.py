"""Types of parts that are stored as others, such as tuples and frames, and their way back."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

PLAIN = (type(None), bool, int, float, str)


def _to_frame(columns):
    if not all(isinstance(v, (*PLAIN, np.generic)) for _, column in columns for v in column):
        raise ValueError("its tables hold more than numbers and texts")
    return pd.DataFrame(dict(columns))


# tag -> (type, to what can be encoded, what that becomes, and back)
CODECS = {
    "tuple": (tuple, list, list, tuple),
    "dict": (dict, lambda pairs: [[*pair] for pair in pairs.items()], list, dict),
    "tree": (cKDTree, lambda tree: np.asarray(tree.data), np.ndarray, cKDTree),
    "frame": (
        pd.DataFrame,
        lambda frame: [[str(name), frame[name].tolist()] for name in frame],
        list,
        _to_frame,
    ),
}
