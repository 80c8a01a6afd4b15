"""The time of a lambda as a graph of operations that any runtime has."""

from itertools import pairwise

import numpy as np
import torch
from scipy.special import expit, ndtr
from torch import nn

from ..clocks.entropy import EntropyClock
from ..clocks.warps import MeanClock, WarpClock

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
    "reciprocal": lambda lam: -1 / lam,
    "logit": lambda lam: torch.log(lam / (1 - lam)),
    "probit": probit,
    "odds": lambda lam: lam / (1 - lam),
}


_INVERSES = {
    "identity": lambda w: w,
    "log": np.exp,
    "reciprocal": lambda w: -1 / w,
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
            kind = torch.bool if name == "flat" else torch.float64
            # a copy: the file format loses tensors that share memory
            self.register_buffer(name, torch.as_tensor(value, dtype=kind).clone())

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
            "interval). Use a named lam_transform ('log', 'reciprocal', 'logit', 'probit' or "
            "'odds')."
        )
    return table[:, ::2]
