"""Every gate and cell state of a fused layer, from the hidden states that its kernel returns, without stepping.

One product over [x, h] gives all gates of all time steps, and a running sum the cell states. The results are the
equations of `cells.py` (tests hold them against each other), computed in slices that fit a processor's cache.
"""

from collections.abc import Collection

import torch
from torch import Tensor

from charrnn.model.cells import CellState, LayerWeights, gate_names, product, step, tanh
from charrnn.model.config import ModelConfig
from charrnn.model.devices import packed

ROWS = 256  # characters, of all readers together, that are computed at once

Signals = dict[str, Tensor]  # each [B, T, H]


def fused_signals(
    config: ModelConfig, weights: LayerWeights, x: Tensor, h: Tensor, state: CellState, names: Collection[str]
) -> Signals:
    """Return the named signals of a layer that read x [B, T, I] from a state and gave the hidden states h [B, T, H].

    Products are in h's number format, sums in float32.
    """
    wanted = [name for name in (*gate_names(config), "c") if name in names]
    if not wanted:
        return {}
    before = torch.cat([state[0].unsqueeze(1).to(h.dtype), h[:, :-1]], dim=1)
    signals = {name: torch.empty(h.shape, device=h.device) for name in wanted}
    gates = _LstmGates(config, weights, h.dtype, wanted) if config.cell == "lstm" else _Gates(config, weights, h.dtype)
    c = state[-1].float()
    steps = max(1, ROWS // len(x))
    for begin in range(0, x.shape[1], steps):
        piece = slice(begin, begin + steps)
        values = gates(x[:, piece].to(h.dtype), before[:, piece])
        if "c" in signals:
            c = _running_sum(values, c, signals["c"][:, piece])
        for name in wanted:
            if name != "c":
                signals[name][:, piece] = values[name]
    return signals


class _Gates:
    """The gates of any cell whose gates see no cell state, by the equation of its step."""

    def __init__(self, config: ModelConfig, weights: LayerWeights, dtype: torch.dtype) -> None:
        self.config = config
        self.weights = weights._replace(weight_ih=weights.weight_ih.to(dtype), weight_hh=weights.weight_hh.to(dtype))

    def __call__(self, x: Tensor, before: Tensor) -> Signals:
        a = (x.flatten(0, 1) @ self.weights.weight_ih.T).float() + self.weights.bias_ih
        _, gates = step(self.config, self.weights, a, (before.flatten(0, 1),))
        named = zip(gate_names(self.config), gates, strict=True)
        return {name: gate.float().unflatten(0, x.shape[:2]) for name, gate in named}


class _LstmGates:
    """The gates of an LSTM that are wanted, or needed for its cell state, in one product."""

    def __init__(self, config: ModelConfig, weights: LayerWeights, dtype: torch.dtype, wanted: Collection[str]) -> None:
        names, H = gate_names(config), config.hidden_size
        self.names = [name for name in names if name in wanted or ("c" in wanted and name != "o")]
        rows = torch.cat(
            [torch.arange(H, device=weights.bias_hh.device) + names.index(name) * H for name in self.names]
        )
        self.weight = packed(torch.cat([weights.weight_ih[rows], weights.weight_hh[rows]], dim=1), dtype)
        self.bias = (weights.bias_ih + weights.bias_hh)[rows]

    def __call__(self, x: Tensor, before: Tensor) -> Signals:
        sums = product(torch.cat([x, before], dim=-1).flatten(0, 1), self.weight).float().add_(self.bias)
        blocks = sums.unflatten(0, x.shape[:2]).chunk(len(self.names), dim=-1)
        named = zip(self.names, blocks, strict=True)
        return {name: tanh(block) if name == "g" else block.sigmoid() for name, block in named}


def _running_sum(gates: Signals, c: Tensor, out: Tensor) -> Tensor:
    """Fill `out` [B, T, H] with c' = f ∘ c + i ∘ g step by step; return the last."""
    f, added = gates["f"], gates["i"] * gates["g"]
    for t in range(out.shape[1]):
        c = torch.addcmul(added[:, t], f[:, t], c)
        out[:, t] = c
    return c
