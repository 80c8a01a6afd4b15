"""The transport from one lambda as a single graph, for torch without this package or for ONNX."""

import copy
import io
import json
import warnings

import numpy as np
import torch
from torch import nn

from .._utils.files import replacing
from .._utils.torch_state import own_torch_state
from ..data.coordinate_graph import graphs_of
from ..field.place import PlaceClock
from .clock_graph import ClockGraph
from .place_graph import PlaceGraph

FORMATS = ("onnx", "torch")
_ENTRY = "sklearn_hti"
_N_ROWS = 5  # of the example that the graph is traced with


class TransportGraph(nn.Module):
    """What `transport` computes, from one lambda to any.

    Inputs and outputs are double precision, which numbers far from zero need; in scaled units the
    network computes in single precision, as `transport` does.

    Parameters
    ----------
    state : FittedState
        The fitted surrogate; it moves outputs by a TransportMap.
    lam_from : float or ndarray of shape (k,)
        Where outputs come from, encoded.
    """

    def __init__(self, state, lam_from):
        super().__init__()
        clock, encoder = state.movement.clock, state.encoder
        self.net = copy.deepcopy(state.movement.flow_map.module).to("cpu", torch.float32)
        several = isinstance(clock, PlaceClock)
        self.clock = PlaceGraph(clock) if several else ClockGraph(clock)
        start = np.reshape(clock.time(np.asarray(lam_from)[None]), (1, -1))
        self.register_buffer("start", torch.tensor(start, dtype=torch.float32))
        self.columns = list(state.lam_space.kept)  # of lambda, as users pass it
        self.several, self.one_column = several, state.lam_space.n_columns == 1
        self.n_categories = encoder.n_categories_
        self.numeric, self.categorical = (
            np.flatnonzero(mask).tolist() for mask in (~encoder.categorical_, encoder.categorical_)
        )
        scaler, outputs = encoder.scaler_, state.outputs
        self.coordinates, self.codec = graphs_of(outputs, "export")
        infinite = np.full(outputs.n_outputs, np.inf)
        low, high = (-infinite, infinite) if outputs.bounds is None else outputs.bounds
        for name, value in {
            "x_mean": np.zeros(0) if scaler is None else scaler.mean_,
            "x_scale": np.ones(0) if scaler is None else scaler.scale_,
            "y_center": outputs.scaler.center_,
            "y_scale": outputs.scaler.scale_,
            "low": low,
            "high": high,
        }.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float64))

    def forward(self, x, y, lam):
        """Return outputs (n, D) at lambdas (n,) or (n, k), of y (n, D) under inputs x (n, C)."""
        x, y, lam = x.double(), y.double(), lam.double()
        numeric = ((x[:, self.numeric] - self.x_mean) / self.x_scale).float()
        columns = zip(self.categorical, self.n_categories, strict=True)
        codes = [x[:, i].round().long().clamp(0, k - 1) for i, k in columns]
        codes = torch.stack(codes, dim=1) if codes else x[:, :0].long()
        if not self.one_column:
            lam = lam[:, self.columns] if self.several else lam[:, self.columns[0]]
        end = self.clock(lam).float().unsqueeze(1)
        start = self.start.expand(y.shape[0], -1)
        y = self.coordinates.encode(y)
        scaled = ((self.codec.encode(y) - self.y_center) / self.y_scale).float()
        moved = self.net.displacement(scaled, numeric, codes, start, end)
        moved = self.coordinates.decode(y + self.codec.spread(moved.double() * self.y_scale))
        return moved.clamp(self.low, self.high)


class _WithoutCondition(nn.Module):
    """The same where there is no condition x."""

    def __init__(self, graph):
        super().__init__()
        self.whole = graph  # GraphModule has a `graph` of its own

    def forward(self, y, lam):
        return self.whole(y[:, :0], y, lam)


@own_torch_state()
def export(state, columns, path, format, lam_from):
    """Write the graph; see `HyperparameterTrajectoryRegressor.export`.

    Parameters
    ----------
    state : FittedState
        The fitted surrogate.
    columns : list of int or str
        Names of the columns of x.
    path : str or path-like
        The file.
    format : {"onnx", "torch"}
        Its format.
    lam_from : float or ndarray of shape (k,)
        Where outputs come from, encoded.

    Returns
    -------
    dict
        What the inputs mean.
    """
    if format not in FORMATS:
        raise ValueError(f"format={format!r} is not available; accepted: 'onnx', 'torch'.")
    if format == "onnx":
        _import_onnx()
    graph = TransportGraph(state, lam_from).eval().requires_grad_(False)
    example = {
        "x": torch.zeros(_N_ROWS, len(columns), dtype=torch.float64),
        "y": torch.tensor(state.outputs.unclipped(np.zeros((_N_ROWS, len(graph.y_center))))),
        "lam": torch.tensor(_example_lam(state), dtype=torch.float64),
    }
    if not columns:
        graph = _WithoutCondition(graph)
        del example["x"]
    described = _describe(state, columns, lam_from)
    rows = torch.export.Dim("rows")
    write = _write_onnx if format == "onnx" else _write_torch
    with torch.no_grad(), warnings.catch_warnings(), replacing(path) as fresh:
        warnings.simplefilter("ignore")  # what parts of torch tell each other
        program = torch.export.export(
            graph,
            tuple(example.values()),
            dynamic_shapes={name: {0: rows} for name in example},
            strict=False,
        )
        write(program, tuple(example), json.dumps(described), fresh)
    return described


def check_moves(state):
    """Raise where no flow map moves outputs."""
    if state.reweighting is not None:
        raise ValueError(
            "export writes a map, and outputs that jump have none: "
            f"geometry={state.reweighting.name!r} draws which of them jump. Use `save`, or fit "
            "with geometry='transport'."
        )
    if state.movement.flow_map is None:
        raise ValueError(
            "export writes the flow map, and none was trained. Fit with networks=None, "
            "monotone=None and a base, or export the networks themselves."
        )


def columns_of_x(model):
    """Return the names or positions of the columns of X, without the lambda column."""
    names = getattr(model, "feature_names_in_", range(model.n_features_in_))
    names = [n if isinstance(n, int) else str(n) for n in names]
    if model.n_features_in_ > len(model._state.encoder.categorical_):
        lam_column = model._state.lam_column
        taken = lam_column if isinstance(lam_column, list | tuple) else [lam_column]
        places = range(len(names))
        taken = {names.index(c) if isinstance(c, str) else places[c] for c in taken}
        names = [name for i, name in enumerate(names) if i not in taken]
    return names


def _describe(state, columns, lam_from):
    """Return what the inputs of the graph mean."""
    encoder = state.encoder
    categories = [] if encoder.ordinal_ is None else encoder.ordinal_.categories_
    categorical = np.flatnonzero(encoder.categorical_)
    return {
        "x": columns,
        "categories": [
            {"column": int(i), "values": np.asarray(values).tolist()}
            for i, values in zip(categorical, categories, strict=True)
        ],
        "n_outputs": state.outputs.n_outputs,
        **_describe_lambda(state, lam_from),
    }


def _describe_lambda(state, lam_from):
    """Return what lambda means: of several hyperparameters, one entry for each column."""
    space = state.lam_space
    if space.n_columns == 1:
        ends = [float(state.anchors[0]), float(state.anchors[-1])]
        return {"lam_from": float(lam_from), "lam_range": ends}
    (start,) = space.decode(np.asarray(lam_from, dtype=float)[None])
    trained, every = state.trained_values, range(space.n_columns)
    columns = trained.T[[j for j in every if space.levels[j] is None]].astype(float)
    ends = iter(np.column_stack([columns.min(axis=1), columns.max(axis=1)]).tolist())
    return {
        "lam": list(space.names or every),
        "lam_categories": [
            {"column": j, "values": _plain(level)}
            for j, level in enumerate(space.levels)
            if level is not None
        ],
        "lam_from": _plain(start),
        "lam_range": [next(ends) if level is None else None for level in space.levels],
    }


def _plain(values):
    """Return values as JSON has them."""
    return [value.item() if isinstance(value, np.generic) else value for value in values]


def _example_lam(state):
    """Return lambdas, as the graph takes them, that it is traced with."""
    if state.lam_space.n_columns == 1:
        return np.full(_N_ROWS, np.mean(state.anchors[:2]))
    lam = np.zeros((_N_ROWS, state.lam_space.n_columns))
    lam[:, state.lam_space.kept] = np.reshape(state.anchors[0], (1, -1))
    return lam


def _import_onnx():
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "export(format='onnx') needs onnx and onnxscript: pip install 'sklearn-hti[onnx]'."
        ) from error


def _write_onnx(program, names, text, path):
    written = torch.onnx.export(
        program, input_names=names, output_names=["moved"], dynamo=True, verbose=False
    )
    written.model.metadata_props[_ENTRY] = text
    written.save(path)


def _write_torch(program, names, text, path):
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={f"{_ENTRY}.json": text})
    path.write_bytes(buffer.getvalue())
