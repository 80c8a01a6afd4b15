"""What holds numbers, and what spoils them: the inputs of test_fuzz.py."""

import tempfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from scipy import sparse

# ---------------------------------------------------------------- what holds numbers


def _memmap(values):
    if not values.size:
        return values
    with tempfile.NamedTemporaryFile() as file:
        file.write(np.ascontiguousarray(values).tobytes())
        file.flush()
        return np.memmap(file.name, dtype=values.dtype, mode="r", shape=values.shape)


def _read_only(values):
    values = values.copy()
    values.flags.writeable = False
    return values


def frame_of(values):
    values = values.reshape(len(values), -1)
    return pd.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])


def _mixed(values):
    """Return a frame whose columns are of kinds of their own."""
    frame = frame_of(values)
    kinds = ["float32", "Float64", "double[pyarrow]"]
    return frame.astype(dict(zip(frame.columns, kinds, strict=False)))


def _levels(frame):
    return frame.set_axis(pd.MultiIndex.from_product([["a"], frame.columns]), axis=1)


def _small(values):
    """Return the numbers in [-100, 100], as small integer types hold them."""
    largest = np.abs(values).max(initial=0)
    return np.round(100 * values / largest) if largest else values


ARRAYS = {
    "float64": lambda v: v,
    "float32": lambda v: v.astype(np.float32),
    "float16": lambda v: (_small(v) / 16).astype(np.float16),
    "longdouble": lambda v: v.astype(np.longdouble),
    "big-endian": lambda v: v.astype(">f8"),
    "int64": lambda v: _small(v).astype(np.int64),
    "int8": lambda v: _small(v).astype(np.int8),
    "uint16": lambda v: (_small(v) + 100).astype(np.uint16),
    "bool": lambda v: v > np.median(v) if v.size else v.astype(bool),
    "object": lambda v: v.astype(object),
    "objects of Python": lambda v: np.array(v.tolist(), dtype=object).reshape(v.shape),
    "texts of numbers": lambda v: v.astype(str).astype(object),
    "decimals": lambda v: np.vectorize(Decimal, otypes=[object])(v),
    "masked": lambda v: np.ma.array(v, mask=False),
    "Fortran": np.asfortranarray,
    "reversed": lambda v: v[::-1].copy()[::-1],
    "strided": lambda v: np.repeat(v, 2, axis=0)[::2],
    "read-only": _read_only,
    "memmap": _memmap,
    "list": lambda v: v.tolist(),
    "tensor with a gradient": lambda v: torch.tensor(v, requires_grad=True),
    "bfloat16 tensor": lambda v: torch.tensor(_small(v) / 16).bfloat16(),
    "list of tensors": lambda v: list(torch.tensor(v, requires_grad=True)) if len(v) else [],
}
FRAMES = {
    "frame": frame_of,
    "frame of integers": lambda v: frame_of(_small(v).astype(int)),
    "nullable": lambda v: frame_of(v).astype("Float64"),
    "nullable integers": lambda v: frame_of(_small(v).astype(int)).astype("Int64"),
    "nullable booleans": lambda v: frame_of(v > 0).astype("boolean"),
    "Arrow": lambda v: frame_of(v).astype("double[pyarrow]"),
    "Arrow integers": lambda v: frame_of(_small(v).astype(int)).astype("int64[pyarrow]"),
    "Arrow booleans": lambda v: frame_of(v > 0).astype("bool[pyarrow]"),
    "sparse columns": lambda v: frame_of(v).astype(pd.SparseDtype(float)),
    "nullable float32": lambda v: frame_of(_small(v)).astype("Float32"),
    "nullable unsigned": lambda v: frame_of(_small(v) + 100).astype("UInt8"),
    "Arrow float32": lambda v: frame_of(_small(v)).astype("float[pyarrow]"),
    "Arrow decimals": lambda v: frame_of(_small(v)).astype(pd.ArrowDtype(pa.decimal128(9, 2))),
    "Arrow table": lambda v: pa.Table.from_pandas(frame_of(v)),
    "mixed columns": lambda v: _mixed(v),
    "objects in a frame": lambda v: frame_of(v.astype(object)),
    "two levels of names": lambda v: frame_of(v).pipe(_levels),
    "names that are numbers": lambda v: pd.DataFrame(v.reshape(len(v), -1)),
    "other index": lambda v: frame_of(v).set_index(np.arange(len(v))[::-1] * 7),
}
CATEGORIES = {
    "category": lambda v: frame_of(v > 0).astype("category"),
    "strings": lambda v: frame_of(np.where(v > 0, "up", "down")).astype("string"),
    "Arrow strings": lambda v: frame_of(np.where(v > 0, "up", "down")).astype("string[pyarrow]"),
    "objects": lambda v: frame_of(np.where(v > 0, "up", "down").astype(object)),
    "Arrow dictionary": lambda v: frame_of(np.where(v > 0, "up", "down")).astype(
        pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))
    ),
    "ordered category": lambda v: frame_of(v).apply(lambda c: pd.cut(c, 2, labels=[10, 20])),
    "unused categories": lambda v: frame_of(v > 0).astype(pd.CategoricalDtype([True, False, 7])),
    "periods": lambda v: frame_of(v).apply(
        lambda c: pd.PeriodIndex(np.where(c > 0, "2001", "2000"), freq="D")
    ),
    "intervals": lambda v: frame_of(v).apply(lambda c: pd.cut(c, [-np.inf, 0, np.inf])),
}
SERIES = {
    "series": lambda v: pd.Series(v),
    "nullable": lambda v: pd.Series(v, dtype="Float64"),
    "Arrow": lambda v: pd.Series(v, dtype="double[pyarrow]"),
    "Arrow array": lambda v: pa.array(v),
    "Arrow chunks": lambda v: pa.chunked_array([v[: len(v) // 2], v[len(v) // 2 :]]),
    "nullable array": lambda v: pd.array(v, dtype="Float64"),
    "index": lambda v: pd.Index(v),
    "tuple": lambda v: tuple(v.tolist()),
    "column": lambda v: v[:, None],
}


# ---------------------------------------------------------------- what spoils them


def _with(value):
    def spoil(values):
        values = values.astype(object)
        values[(len(values) // 2, *[0] * (values.ndim - 1))] = value
        return values

    return spoil


SPOILED = {
    "nan": lambda v: _with(np.nan)(v).astype(float),
    "inf": lambda v: _with(-np.inf)(v).astype(float),
    "None": _with(None),
    "pd.NA": _with(pd.NA),
    "text": _with("tall"),
    "a list": _with([1.0]),
    "complex": lambda v: v + 1j,
    "dates": lambda v: (np.arange(v.size) + np.datetime64("2020-01-01")).reshape(v.shape),
    "time spans": lambda v: np.arange(v.size).reshape(v.shape).astype("timedelta64[s]"),
    "too few": lambda v: v[:-1],
    "too many": lambda v: np.concatenate([v, v[:1]]),
    "none at all": lambda v: v[:0],
    "three axes": lambda v: np.repeat(v.reshape(len(v), -1, 1), 2, axis=2),
    "a number": lambda v: 3.0,
    "a word": lambda v: "tall",
    "a dict": lambda v: {"a": v},
    "a set": lambda v: set(v.ravel().tolist()),
    "an iterator": lambda v: iter(v.tolist()),
    "bytes": lambda v: b"tall",
    "an object": lambda v: object(),
    "a class": lambda v: float,
    "unequal rows": lambda v: [[1.0] * (1 + i % 2) for i in range(len(v))],
    "a record": lambda v: np.array([(1.0, 2)] * len(v), dtype=[("a", float), ("b", int)]),
    "hidden by a mask": lambda v: np.ma.array(_with(np.nan)(v).astype(float), mask=True),
    "tiny": lambda v: v * 1e-310,
    "next to nothing": lambda v: v * 1e-160,
    "sparse": lambda v: sparse.csr_matrix(v.reshape(len(v), -1)),
    "huge": lambda v: np.sign(v) * 1e305 * (1 + np.abs(np.sin(v))),
    "nullable with a gap": lambda v: frame_of(_with(pd.NA)(v)).astype("Float64"),
    "Arrow with a gap": lambda v: frame_of(_with(None)(v)).astype("double[pyarrow]"),
    "dates in a frame": lambda v: frame_of(v).assign(c0=pd.Timestamp("2020-01-01")),
    "Arrow dates": lambda v: frame_of(v).assign(
        c0=pd.Series([pd.Timestamp("2020-01-01")] * len(v), dtype="timestamp[us][pyarrow]")
    ),
    "dates of a zone": lambda v: frame_of(v).assign(c0=pd.Timestamp("2020-01-01", tz="UTC")),
    "complex in a frame": lambda v: frame_of(v + 1j),
    "Arrow lists": lambda v: frame_of(v).assign(
        c0=pd.Series([[1.0]] * len(v), dtype=pd.ArrowDtype(pa.list_(pa.float64())))
    ),
    "nothing but gaps": lambda v: frame_of(v).assign(c0=pd.Series([None] * len(v), dtype=object)),
    "names twice": lambda v: pd.concat([frame_of(v)] * 2, axis=1),
    "a frame of lists": lambda v: frame_of(v).assign(c0=[[1.0]] * len(v)),
}
LENGTHS = ("too few", "too many", "none at all")
