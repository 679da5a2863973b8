"""OneStream: the steps of `cells.py` for one text, in place on numpy arrays, where every call of numpy counts.

A step at 2×256 multiplies for some 45 µs; taken as the equations are written, its other calls take 30 more. Here
nothing is allocated, and a layer has one product: the hidden states of all layers lie side by side, so that what a
layer sees, the one below and itself, is one vector. A test holds every cell to its equations.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from charrnn.model.cells import SILENT, CellState, halves, state_names
from charrnn.model.clamping import Held
from charrnn.model.config import ModelConfig

Floats = npt.NDArray[np.float32]
State = tuple[CellState, ...]
Advance = Callable[[Floats], object]  # a layer's step, given what the gates see beside its product, [G·H]


class StreamWeights(NamedTuple):
    """A network's weights, as one stream multiplies them; the numpy lists have an entry for each layer."""

    table: Floats  # [V, G·H]: what the first layer's gates see of each character
    matrices: Sequence[Floats]  # [G·H, I + H]: W_ih and W_hh side by side; of the first layer W_hh alone
    biases: Sequence[Floats]  # [G·H]; the first layer's is in the table
    recurrent_biases: Sequence[Any]  # [G·H], of a GRU, whose reset gate acts on it
    peepholes: Sequence[Any]  # [3, H], of a peephole LSTM
    readout: Floats  # [V, H]
    readout_bias: Floats  # [V]


class OneStream:
    """One text as it grows: it reads a character and says what it expects next.

    It moves, unlike the network that makes it: what `read` returns stands until the next call.
    """

    def __init__(
        self, config: ModelConfig, weights: StreamWeights, clamps: Sequence[Held] = (), state: State | None = None
    ) -> None:
        self._parts = [np.zeros((config.num_layers, config.hidden_size), np.float32) for _ in state_names(config)]
        for layer, parts in enumerate(state or ()):
            for own, given in zip(self._parts, parts, strict=True):
                own[layer] = given[0]
        self._rows, self._readout, self._readout_bias = list(weights.table), weights.readout, weights.readout_bias
        self._last, self._logits = self._parts[0][-1], np.empty(config.vocabulary_size, np.float32)
        advances = [self._advance(config, weights, layer, clamps) for layer in range(config.num_layers)]
        self._first, self._upper = advances[0], list(zip(advances[1:], weights.biases[1:], strict=True))

    @SILENT
    def read(self, index: int) -> Floats:
        """Read a character; return the logits [V] of the next, which stand until the next call."""
        self._first(self._rows[index])
        for advance, bias in self._upper:
            advance(bias)
        np.dot(self._readout, self._last, self._logits)
        return np.add(self._logits, self._readout_bias, self._logits)

    def value(self, layer: int, index: int) -> float:
        """Return a unit's memory (c, or h where there is none) after what was read."""
        return float(self._parts[-1][layer, index])

    def _advance(self, config: ModelConfig, weights: StreamWeights, layer: int, clamps: Sequence[Held]) -> Advance:
        """What takes one layer a step further, and holds what is clamped of it."""
        hidden = self._parts[0]
        advance = _CELLS[config.cell](config, weights, layer, hidden, self._parts[-1][layer])
        held = [clamp for clamp in clamps if clamp.layer == layer]
        if not held:
            return advance

        def advance_and_hold(a: Floats) -> None:
            advance(a)
            for clamp in held:
                clamp.hold(hidden[layer])

        return advance_and_hold


def _summed(weights: StreamWeights, layer: int, hidden: Floats) -> tuple[Floats, Advance]:
    """Where what the gates of a layer see will stand, [G·H], and what puts it there."""
    matrix, seen = weights.matrices[layer], hidden[max(layer - 1, 0) : layer + 1].reshape(-1)
    s, dot, add = np.empty(len(matrix), np.float32), np.dot, np.add

    def put(a: Floats) -> None:
        dot(matrix, seen, s)
        add(s, a, s)

    return s, put


def _rnn(config: ModelConfig, weights: StreamWeights, layer: int, hidden: Floats, c: Floats) -> Advance:
    """`rnn_step`."""
    h, (s, put) = hidden[layer], _summed(weights, layer, hidden)

    def advance(a: Floats) -> None:
        put(a)
        if config.nonlinearity == "tanh":
            np.tanh(s, h)
        else:
            np.maximum(s, 0, out=h)

    return advance


def _lstm(config: ModelConfig, weights: StreamWeights, layer: int, hidden: Floats, c: Floats) -> Advance:
    """`lstm_step`; as σ(x) = ½ tanh(½ x) + ½, one tanh does for all four gates."""
    h, (s, put) = hidden[layer], _summed(weights, layer, hidden)
    (i, f, g, o), (scale, shift) = s.reshape(4, -1), halves(len(h), 1)
    add, multiply, tanh = np.add, np.multiply, np.tanh

    def advance(a: Floats) -> None:
        put(a)
        multiply(s, scale, s)
        tanh(s, s)
        multiply(s, scale, s)
        add(s, shift, s)
        multiply(c, f, c)
        multiply(i, g, i)
        add(c, i, c)
        tanh(c, h)
        multiply(h, o, h)

    return advance


def _peephole(config: ModelConfig, weights: StreamWeights, layer: int, hidden: Floats, c: Floats) -> Advance:
    """`peephole_step`."""
    h, (s, put), (p_i, p_f, p_o) = hidden[layer], _summed(weights, layer, hidden), weights.peepholes[layer]
    i, f, g, o = s.reshape(4, -1)
    both = s[: 2 * len(h)]

    def advance(a: Floats) -> None:
        put(a)
        np.add(i, p_i * c, i)
        np.add(f, p_f * c, f)
        _put_sigmoid(both)
        np.multiply(c, f, c)
        np.add(c, i * np.tanh(g), c)
        np.add(o, p_o * c, o)
        _put_sigmoid(o)
        np.multiply(np.tanh(c), o, h)

    return advance


def _gru(config: ModelConfig, weights: StreamWeights, layer: int, hidden: Floats, c: Floats) -> Advance:
    """`gru_step`; its reset gate acts on the recurrent product, so that this one stands alone."""
    H, h, below = config.hidden_size, hidden[layer], hidden[layer - 1]
    recurrent, inputs = weights.matrices[layer][:, -H:], weights.matrices[layer][:, :-H]
    bias, u = weights.recurrent_biases[layer], np.empty(3 * H, np.float32)

    def advance(a: Floats) -> None:
        if layer:
            a = a + np.dot(inputs, below)
        np.dot(recurrent, h, u)
        np.add(u, bias, u)
        gates = u[: 2 * H] + a[: 2 * H]
        _put_sigmoid(gates)
        n = np.tanh(a[2 * H :] + gates[:H] * u[2 * H :])
        np.add(n, gates[H:] * (h - n), h)

    return advance


def _put_sigmoid(x: Floats) -> None:
    np.multiply(x, 0.5, x)
    np.tanh(x, x)
    np.multiply(x, 0.5, x)
    np.add(x, 0.5, x)


_CELLS = {"rnn": _rnn, "lstm": _lstm, "peephole": _peephole, "gru": _gru}
