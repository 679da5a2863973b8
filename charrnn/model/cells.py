"""The equations of RNN, LSTM, GRU and peephole LSTM, one time step each, over numpy arrays or torch tensors.

Every step takes `a`, the input's share of what the gates see, a = W_ih x + b_ih [B, G·H], because it depends on no
state: a caller computes it for all time steps (or all characters of the vocabulary) in one product. It returns the new
state and the gates. Leading axes may be any: given the hidden states of a whole text, one call returns the gates of a
whole text (for cells whose gates see no cell state). σ is the logistic function, ∘ the product element by element; a
layer's G blocks of H rows stand in its weight matrices in the order of the gates below, as in torch.
"""

import sys
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from charrnn.model.config import ModelConfig

Array = Any  # a numpy array or a torch tensor; one call keeps to one kind
CellState = tuple[Array, ...]  # (h,) or (h, c), each [B, H]
SILENT = np.errstate(over="ignore", invalid="ignore")  # where ReLU units outgrow float32, who reads the logits says so


class LayerWeights(NamedTuple):
    """The weights of one recurrent layer: I inputs, H units, G gate blocks."""

    weight_ih: Array  # [G·H, I]
    weight_hh: Array  # [G·H, H]
    bias_ih: Array  # [G·H]
    bias_hh: Array  # [G·H], or None where bias_ih has it in it
    peephole: Array = None  # [3, H]: the diagonal weights from the cell state to i, f and o


def gate_names(config: ModelConfig) -> tuple[str, ...]:
    """Return the gates of a cell, in the order in which its step returns them."""
    return {"rnn": (), "gru": ("r", "z", "n")}.get(config.cell, ("i", "f", "g", "o"))


def state_names(config: ModelConfig) -> tuple[str, ...]:
    """Return the parts of a cell's state: the hidden state h and, for an LSTM, the cell state c."""
    return ("h",) if config.cell in ("rnn", "gru") else ("h", "c")


def step(config: ModelConfig, weights: LayerWeights, a: Array, state: CellState) -> tuple[CellState, tuple[Array, ...]]:
    """Take one time step of the configured cell: (a [B, G·H], state) -> (state, gates), gates as `gate_names` says."""
    if config.cell == "rnn":
        return rnn_step(weights, a, state, config.nonlinearity)
    return _STEPS[config.cell](weights, a, state)


def rnn_step(
    weights: LayerWeights, a: Array, state: CellState, nonlinearity: str = "tanh"
) -> tuple[CellState, tuple[Array, ...]]:
    """Vanilla RNN (Elman 1990): h' = φ(a + W_hh h + b_hh), with φ = tanh or ReLU."""
    (h,) = state
    s = _summed(weights, a, h)
    return (tanh(s) if nonlinearity == "tanh" else array_module(s).clip(s, 0, None),), ()


def lstm_step(weights: LayerWeights, a: Array, state: CellState) -> tuple[CellState, tuple[Array, ...]]:
    """LSTM with forget gate (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000).

    (i, f, g, o) = (σ, σ, tanh, σ)(a + W_hh h + b_hh);  c' = f ∘ c + i ∘ g;  h' = o ∘ tanh(c')
    """
    h, c = state
    i, f, g, o = _lstm_gates(_summed(weights, a, h))
    c = _gated(f, c, i, g)
    return (o * tanh(c), c), (i, f, g, o)


def gru_step(weights: LayerWeights, a: Array, state: CellState) -> tuple[CellState, tuple[Array, ...]]:
    """GRU (Cho et al. 2014), in the form of cuDNN and torch: the reset gate acts after the recurrent product.

    (r, z) = σ(a + W_hh h + b_hh);  n = tanh(a_n + r ∘ (W_hn h + b_hn));  h' = (1 − z) ∘ n + z ∘ h
    """
    (h,) = state
    H = h.shape[-1]
    u = _recurrent(weights, h)
    r, z = _sigmoid(a[..., :H] + u[..., :H]), _sigmoid(a[..., H : 2 * H] + u[..., H : 2 * H])
    n = tanh(a[..., 2 * H :] + r * u[..., 2 * H :])
    return ((1 - z) * n + z * h,), (r, z, n)


def peephole_step(weights: LayerWeights, a: Array, state: CellState) -> tuple[CellState, tuple[Array, ...]]:
    """LSTM with peepholes (Gers and Schmidhuber 2000): the gates see the cell state through diagonal weights p.

    With s = a + W_hh h + b_hh:  i = σ(s_i + p_i ∘ c);  f = σ(s_f + p_f ∘ c);  g = tanh(s_g);
    c' = f ∘ c + i ∘ g;  o = σ(s_o + p_o ∘ c');  h' = o ∘ tanh(c')
    """
    h, c = state
    H = h.shape[-1]
    p_i, p_f, p_o = weights.peephole
    s = _summed(weights, a, h)
    i, f = _sigmoid(s[..., :H] + p_i * c), _sigmoid(s[..., H : 2 * H] + p_f * c)
    g = tanh(s[..., 2 * H : 3 * H])
    c = f * c + i * g
    o = _sigmoid(s[..., 3 * H :] + p_o * c)
    return (o * tanh(c), c), (i, f, g, o)


_STEPS = {"lstm": lstm_step, "gru": gru_step, "peephole": peephole_step}


def product(x: Array, weight: Array) -> Array:
    """Return x Wᵀ, multiplied in the number format of the weight: x [..., I], W [J, I] -> [..., J], in x's format."""
    if _is_packed(weight):
        return _packed_product(x, weight).to(x.dtype)
    return x @ weight.T if x.dtype == weight.dtype else (x.to(weight.dtype) @ weight.T).to(x.dtype)


def added(a: Array, x: Array, weight: Array) -> Array:
    """Return a + x Wᵀ in the number format of the weight: torch sweeps memory once for it."""
    if isinstance(x, np.ndarray) or x.ndim != 2:
        return a + product(x, weight)
    if _is_packed(weight):
        return _packed_product(x, weight, a) if a.ndim == 1 else a + _packed_product(x, weight)
    return array_module(x).addmm(a.to(weight.dtype), x.to(weight.dtype), weight.T)


def _is_packed(weight: Array) -> bool:
    """Whether it is a matrix in oneDNN's own order, which need not be brought into it anew for every product."""
    return not isinstance(weight, np.ndarray) and weight.is_mkldnn


def _packed_product(x: Array, weight: Array, bias: Array = None) -> Array:
    """Return x Wᵀ + bias in the number format of the weight."""
    bias = bias if bias is None else bias.to(weight.dtype)
    return array_module(x).ops.mkldnn._linear_pointwise(x.to(weight.dtype), weight, bias, "none", [], "")


def array_module(x: Array) -> ModuleType:
    """Return the library that an array is of: numpy, or torch, which is loaded where there are tensors."""
    return np if isinstance(x, np.ndarray) else sys.modules["torch"]


def _summed(weights: LayerWeights, a: Array, h: Array) -> Array:
    """What the gates see, a + W_hh h + b_hh, in the number format of the state."""
    s = added(a, h, weights.weight_hh)
    s = s if s.dtype == h.dtype else s.to(h.dtype)
    return s if weights.bias_hh is None else s + weights.bias_hh


def _recurrent(weights: LayerWeights, h: Array) -> Array:
    u = product(h, weights.weight_hh)
    return u if weights.bias_hh is None else u + weights.bias_hh


def _lstm_gates(s: Array) -> tuple[Array, ...]:
    """(σ, σ, tanh, σ) of the four blocks of s [..., 4H]."""
    H = s.shape[-1] // 4
    if isinstance(s, np.ndarray):  # as σ(x) = ½ tanh(½ x) + ½, one tanh does for all four
        scale, shift = halves(H, s.ndim)
        y = np.tanh(s * scale)
        y *= scale
        y += shift
        return y[..., :H], y[..., H : 2 * H], y[..., 2 * H : 3 * H], y[..., 3 * H :]
    both = s[..., : 2 * H].sigmoid()
    return both[..., :H], both[..., H:], tanh(s[..., 2 * H : 3 * H]), s[..., 3 * H :].sigmoid()


@cache
def halves(H: int, axes: int) -> tuple[Array, Array]:
    """Return ½ for the blocks of i, f and o, 1 for g's, and the rest to 1: with y = tanh(x ∘ scale), y ∘ scale + shift.

    They have as many axes as what they are multiplied with, since numpy is faster on equal shapes.
    """
    scale = np.full((1,) * (axes - 1) + (4 * H,), 0.5, np.float32)
    scale[..., 2 * H : 3 * H] = 1
    return scale, 1 - scale


def _gated(f: Array, c: Array, i: Array, g: Array) -> Array:
    """Return f ∘ c + i ∘ g."""
    return f * c + i * g if isinstance(c, np.ndarray) else array_module(c).addcmul(f * c, i, g)


def tanh(x: Array) -> Array:
    """Return tanh of each element, as fast as the library can."""
    if isinstance(x, np.ndarray):
        return np.tanh(x)
    if x.device.type == "cpu" and x.itemsize == 4:  # where torch's own takes several times as long as its σ
        return array_module(x).rsub((x * 2).sigmoid_(), -1, alpha=-2)  # 2 σ(2 x) − 1
    return x.tanh()


def _sigmoid(x: Array) -> Array:
    if not isinstance(x, np.ndarray):
        return x.sigmoid()
    y = np.tanh(x * 0.5)  # numpy has no σ; in this form it cannot overflow
    y *= 0.5
    y += 0.5
    return y
