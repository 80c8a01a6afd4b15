"""Types of what users pass, which many signatures share."""

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

# a frame of pandas or polars has `__array__`, and so is an ArrayLike
Lam: TypeAlias = ArrayLike | Mapping[Any, Any]
FilePath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
RandomState: TypeAlias = int | np.random.RandomState | None
Seed: TypeAlias = int | np.random.RandomState | np.random.Generator | ArrayLike | None
