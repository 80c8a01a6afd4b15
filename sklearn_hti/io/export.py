"""The transport from one lambda as a single graph, for torch without this package or for ONNX."""

import copy
import io
import json
import warnings
from itertools import pairwise

import numpy as np
import torch
from scipy.special import expit, ndtr
from torch import nn

from .._utils.files import replacing
from ..clocks.entropy import EntropyClock
from ..clocks.warps import MeanClock, WarpClock

FORMATS = ("onnx", "torch")
_ENTRY = "sklearn_hti"
_N_ROWS = 5  # of the example that the graph is traced with
_N_CELLS = 1024  # per interval, of the table that stands for a transformer
_MAX_ERROR = 1e-3  # of that table, in intervals

# PPND7 of Wichura, "Algorithm AS 241", Applied Statistics, 1988: seven digits
_PROBIT = {
    "centre": (
        (5.9109374720e01, 1.5929113202e02, 5.0434271938e01, 3.3871327179e00),
        (6.7187563600e01, 7.8757757664e01, 1.7895169469e01, 1.0),
    ),
    "side": (
        (1.7023821103e-01, 1.3067284816e00, 2.7568153900e00, 1.4234372777e00),
        (1.2021132975e-01, 7.3700164250e-01, 1.0),
    ),
    "tail": (
        (1.7337203997e-02, 4.2868294337e-01, 3.0812263860e00, 6.6579051150e00),
        (1.2258202635e-02, 2.4197894225e-01, 1.0),
    ),
}


def probit(p):
    """Return the standard normal quantile of probabilities, by operations of any runtime."""
    q = p - 0.5
    nearer = torch.minimum(p, 1 - p).clamp(min=1e-38)
    r = (-nearer.log()).sqrt()
    tail = torch.where(r <= 5, _ratio("side", r - 1.6), _ratio("tail", r - 5))
    tail = torch.where(q < 0, -tail, tail)
    return torch.where(q.abs() <= 0.425, q * _ratio("centre", 0.180625 - q * q), tail)


def _ratio(name, r):
    values = []
    for coefficients in _PROBIT[name]:
        value = torch.full_like(r, coefficients[0])
        for coefficient in coefficients[1:]:
            value = value * r + coefficient
        values.append(value)
    return values[0] / values[1]


def log1p(z):
    """Return log(1 + z) without loss of digits; runtimes have a logarithm alone."""
    u = 1 + z
    return torch.where(u == 1, z, u.log() * z / torch.where(u == 1, 1.0, u - 1))


_WARPS = {
    "identity": lambda lam: lam,
    "log": torch.log,
    "logit": lambda lam: torch.log(lam / (1 - lam)),
    "probit": probit,
    "odds": lambda lam: lam / (1 - lam),
}


_INVERSES = {
    "identity": lambda w: w,
    "log": np.exp,
    "logit": expit,
    "probit": ndtr,
    "odds": lambda w: w / (1 + w),
}


class ClockGraph(nn.Module):
    """The time of a lambda, as `Clock.time`; lambdas outside the anchors count as the ends."""

    def __init__(self, clock):
        super().__init__()
        self.rule = rule = clock.rule
        self.warp = _WARPS[_named(rule).name]
        low, high = clock.anchors[:-1], clock.anchors[1:]
        start, end = (self.warp(torch.as_tensor(a)) for a in (low, high))
        figures = {"start": start, "length": end - start}
        if isinstance(rule, EntropyClock):
            kappa = _kappa(rule, low, high)
            flat = np.abs(kappa) < 1e-6
            kappa = np.where(flat, 1.0, kappa)
            figures |= {"kappa": kappa, "gain": np.expm1(-kappa), "flat": flat}
        elif not isinstance(rule, WarpClock):
            figures |= {"table": _table(clock)}
        for name, value in (figures | {"anchors": clock.anchors}).items():
            kind = torch.bool if name == "flat" else torch.float32
            self.register_buffer(name, torch.as_tensor(value, dtype=kind))

    def forward(self, lam):
        """Return times (n,) of lambdas (n,)."""
        lam = lam.clamp(self.anchors[0], self.anchors[-1])
        k = (lam.unsqueeze(1) >= self.anchors[1:-1]).sum(dim=1)
        s = ((self.warp(lam) - self.start[k]) / self.length[k]).clamp(0, 1)
        if isinstance(self.rule, EntropyClock):
            s = self._entropy(s, k)
        elif not isinstance(self.rule, WarpClock):
            s = self._look_up(s, k)
        return k + s.clamp(0, 1)

    def _entropy(self, t, k):
        s = -log1p(t * self.gain[k]) / self.kappa[k]
        return torch.where(self.flat[k] | (t == 1), t, s)

    def _look_up(self, t, k):
        place = t * _N_CELLS
        cell = place.floor().clamp(max=_N_CELLS - 1).long()
        return torch.lerp(self.table[k, cell], self.table[k, cell + 1], place - cell)


def _kappa(rule, low, high):
    entropy = [np.interp(a, rule.anchors, rule.entropies) for a in (low, high)]
    return np.clip(rule.gamma * (entropy[1] - entropy[0]), -30.0, 30.0)


def _named(rule):
    """Return the named clock that a rule is made of; the linear one, if of none."""
    own = rule.rules[0] if isinstance(rule, MeanClock) else getattr(rule, "rule", rule)
    return own if isinstance(own, WarpClock) else WarpClock("identity")


def _table(clock):
    """Return the fractions of the rule at even times of its named clock, (K, cells + 1)."""
    fine = np.linspace(0, 1, 2 * _N_CELLS + 1)
    name = _named(clock.rule).name
    table = []
    for lo, hi in pairwise(clock.anchors):
        start, end = (float(_WARPS[name](torch.as_tensor(a))) for a in (lo, hi))
        lam = _INVERSES[name](start + fine * (end - start)).clip(lo, hi)
        table.append(clock.rule.fraction(lam, lo, hi))
    table = np.stack(table)
    between = 0.5 * (table[:, :-1:2] + table[:, 2::2])
    error = np.abs(table[:, 1::2] - between).max()
    if not error < _MAX_ERROR:
        raise ValueError(
            f"export: the transformer of lambda is too steep for a table (error {error:.2g} of an "
            "interval). Take a named lam_transform ('log', 'logit', 'probit', 'odds')."
        )
    return table[:, ::2]


class TransportGraph(nn.Module):
    """What `transport` computes, from one lambda to any, in single precision.

    Parameters
    ----------
    model : HyperparameterTrajectoryRegressor
        The fitted surrogate.
    lam_from : float
        Where outputs come from.
    """

    def __init__(self, model, lam_from):
        super().__init__()
        flow_map, encoder = copy.deepcopy(model.flow_map_), model._encoder
        self.net = flow_map.module = flow_map.module.to("cpu", torch.float32)
        flow_map.device = "cpu"
        self.clock = ClockGraph(model.lam_transform_)
        self.start_time = float(model.lam_transform_.time(lam_from))
        self.n_categories = encoder.n_categories_
        through_base = flow_map.guess_error is not None and self.start_time != flow_map.base_time
        self.move = flow_map.mover(self.net, through_base)
        self.numeric, self.categorical = (
            np.flatnonzero(mask).tolist() for mask in (~encoder.categorical_, encoder.categorical_)
        )
        scaler, outputs = encoder.scaler_, model._scaler
        infinite = np.full(len(outputs.center_), np.inf)
        low, high = (-infinite, infinite) if model._bounds is None else model._bounds
        for name, value in {
            "x_mean": np.zeros(0) if scaler is None else scaler.mean_,
            "x_scale": np.ones(0) if scaler is None else scaler.scale_,
            "y_center": outputs.center_,
            "y_scale": outputs.scale_,
            "low": low,
            "high": high,
        }.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))

    def forward(self, x, y, lam):
        """Return outputs (n, D) at lambdas (n,), of outputs y (n, D) under inputs x (n, C)."""
        numeric = (x[:, self.numeric] - self.x_mean) / self.x_scale
        columns = zip(self.categorical, self.n_categories, strict=True)
        codes = [x[:, i].round().long().clamp(0, k - 1) for i, k in columns]
        codes = torch.stack(codes, dim=1) if codes else x[:, :0].long()
        end = self.clock(lam).unsqueeze(1)
        start = torch.full_like(end, self.start_time)
        scaled = (y - self.y_center) / self.y_scale
        moved = self.move(scaled, numeric, codes, start, end)
        return (y + moved * self.y_scale).clamp(self.low, self.high)


class _WithoutCondition(nn.Module):
    """The same where there is no condition x."""

    def __init__(self, graph):
        super().__init__()
        self.whole = graph  # GraphModule has a `graph` of its own

    def forward(self, y, lam):
        return self.whole(y[:, :0], y, lam)


def export(model, path, format, lam_from):
    """Write the graph; see `HyperparameterTrajectoryRegressor.export`."""
    if format not in FORMATS:
        raise ValueError(f"format={format!r} is not available; accepted: 'onnx', 'torch'.")
    if format == "onnx":
        _import_onnx()
    graph = TransportGraph(model, lam_from).eval().requires_grad_(False)
    n_columns, n_outputs = len(model._encoder.categorical_), len(graph.y_center)
    example = {
        "x": torch.zeros(_N_ROWS, n_columns),
        "y": graph.y_center.expand(_N_ROWS, -1).clone(),
        "lam": torch.full((_N_ROWS,), float(np.mean(model.anchors_[:2]))),
    }
    if not n_columns:
        graph = _WithoutCondition(graph)
        del example["x"]
    described = _describe(model, lam_from, n_outputs)
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


def _describe(model, lam_from, n_outputs):
    """Return what the inputs of the graph mean."""
    encoder = model._encoder
    names = getattr(model, "feature_names_in_", range(model.n_features_in_))
    names = [n if isinstance(n, int) else str(n) for n in names]
    if model.n_features_in_ > len(encoder.categorical_):
        lam_column = model.lam_column
        del names[names.index(lam_column) if isinstance(lam_column, str) else lam_column]
    categories = [] if encoder.ordinal_ is None else encoder.ordinal_.categories_
    columns = np.flatnonzero(encoder.categorical_)
    return {
        "x": names,
        "categories": [
            {"column": int(i), "values": np.asarray(values).tolist()}
            for i, values in zip(columns, categories, strict=True)
        ],
        "n_outputs": n_outputs,
        "lam_from": lam_from,
        "lam_range": [float(model.anchors_[0]), float(model.anchors_[-1])],
    }


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
