"""SteppedCharRNN: the same network step by step, for writing without torch, holding units and recording many streams.

It does not train.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.model.cells import (
    SILENT,
    Array,
    CellState,
    LayerWeights,
    added,
    array_module,
    gate_names,
    state_names,
    step,
)
from charrnn.model.clamping import Held
from charrnn.model.config import ModelConfig
from charrnn.model.one_stream import OneStream, StreamWeights

State = tuple[CellState, ...]  # for each layer (h,) or (h, c), each [B, H]
Hold = Callable[[int, Array], object]  # holds units of a layer, whose new hidden states [B, H] it writes into


class SteppedCharRNN:
    """A network that takes the steps of `cells.py` one after the other: (ids [B, T], state) -> (logits, state).

    It runs on numpy arrays; `TensorSteppedCharRNN` on tensors. The first layer's share of the gates is a table with a
    row for each character, so that only the recurrent product is left to do for it. Clamped units are held at every
    step of every row; what `hold` does at every step may differ from row to row. `end` is the symbol around items, of a
    model of items that reads several: each begins there from the zero state.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Mapping[str, Array],
        clamps: Sequence[Held] = (),
        end: int | None = None,
    ) -> None:
        for clamp in clamps:
            clamp.check(config)
        self.config = config
        self._end = end
        self._held = clamps
        self._clamps = [[clamp for clamp in clamps if clamp.layer == layer] for layer in range(config.num_layers)]
        layers = [_layer(config, weights, index) for index in range(config.num_layers)]
        embedding, first = weights.get("embedding.weight"), layers[0]
        inputs = first.weight_ih.T if embedding is None else embedding @ first.weight_ih.T
        self._table: Array = inputs + first.bias_ih  # [V, G·H]
        self._readout, self._readout_bias = weights["readout.weight"], weights["readout.bias"]
        self._layers = self._arranged(layers)

    def native(self, array: npt.NDArray[Any]) -> Array:
        """Return a numpy array as the kind of array that the network runs on, where it runs."""
        return array

    @staticmethod
    def numpy(array: Array) -> npt.NDArray[Any]:
        """Return an array of the network's kind as a numpy array."""
        return np.asarray(array)

    def initial_state(self, batch_size: int) -> State:
        """Return the state before any character: zeros."""
        zeros = self.native(np.zeros((batch_size, self.config.hidden_size), np.float32))
        return tuple((zeros,) * len(state_names(self.config)) for _ in self._layers)

    def initial_logits(self) -> Array:
        """Return the logits [V] of the zero state, before any character."""
        return self._readout_bias

    def replayed(self, function: Callable[..., Sequence[Array]]) -> Callable[..., Sequence[Array]] | None:
        """Return a function of this network's arrays as what runs it sooner; None where there is nothing such."""
        return None

    def stream(self, state: State | None = None) -> OneStream | None:
        """Return what goes on with one text from a state (None: the start) in less time; None where there is none."""
        biases, recurrent = [w.bias_ih for w in self._layers], [w.bias_hh for w in self._layers]
        peepholes, readout = [w.peephole for w in self._layers], (self._readout, self._readout_bias)
        weights = StreamWeights(self._table, self._matrices, biases, recurrent, peepholes, *readout)
        return OneStream(self.config, weights, self._held, state)

    @SILENT
    def __call__(self, ids: Array, state: State | None = None, hold: Hold | None = None) -> tuple[Array, State]:
        """Read ids [B, T] from a state (None: the start); return the logits [B, T, V] and the state after them."""
        x, after = self._looked_up(ids), []
        for index, before in enumerate(state or self.initial_state(len(ids))):
            hidden = []
            for last, _ in self._steps(index, x, before, hold or self._hold, self._goes_on(ids)):
                hidden.append(last[0])
            x = array_module(x).stack(hidden, 1) if len(hidden) > 1 else hidden[0][:, None]
            after.append(last)
        return _added(self._readout_bias, x, self._readout), tuple(after)

    @SILENT
    def record(
        self, ids: Array, state: State | None = None, names: Collection[str] | None = None
    ) -> tuple[Array, State, dict[str, Array]]:
        """Read as a call does; return also signals of every unit at every character, as `CharRNN.record` does."""
        every = (*state_names(self.config), *gate_names(self.config))
        names, library = every if names is None else names, array_module(self._table)
        x, after, L = self._looked_up(ids), [], self.config.num_layers
        signals = {name: self.native(np.empty((L, *ids.shape, self.config.hidden_size), np.float32)) for name in names}
        for index, before in enumerate(state or self.initial_state(len(ids))):
            columns: dict[str, list[Array]] = {name: [] for name in every if name in signals or name == "h"}
            for last, gates in self._steps(index, x, before, self._hold, self._goes_on(ids)):
                for name, value in zip(every, (*last, *gates), strict=True):
                    if name in columns:
                        columns[name].append(value)
            x = library.stack(columns["h"], 1)
            for name in names:
                library.stack(columns[name], 1, out=signals[name][index])
            after.append(last)
        return _added(self._readout_bias, x, self._readout), tuple(after), signals

    def _arranged(self, layers: list[LayerWeights]) -> list[LayerWeights]:
        """Return the layers as they are multiplied: the matrices of one layer beside each other in memory."""
        self._matrices = [_side_by_side(layer, with_input=index > 0) for index, layer in enumerate(layers)]
        return [_parts(*pair) for pair in zip(layers, self._matrices, strict=True)]

    def _goes_on(self, ids: Array) -> Array | None:
        """Which states are handed on to each character [T, B, 1]; None: all of them."""
        if self._end is None or not bool((ids == self._end).any()):
            return None
        return (ids != self._end).T[:, :, None]

    def _looked_up(self, ids: Array) -> Array:
        return self._table[ids]

    def _steps(
        self, index: int, x: Array, state: CellState, hold: Hold, goes_on: Array | None = None
    ) -> Iterator[tuple[CellState, Sequence[Array]]]:
        """Run a layer over x [B, T, I], which for the first is its share of the gates; yield state and gates."""
        weights = self._layers[index]
        a = _added(weights.bias_ih, x, weights.weight_ih) if index else x
        for t in range(a.shape[1]):
            if goes_on is not None:
                state = tuple(part * goes_on[t] for part in state)
            state, gates = step(self.config, weights, a[:, t], state)
            hold(index, state[0])
            yield state, gates

    def _hold(self, layer: int, h: Array) -> None:
        for clamp in self._clamps[layer]:
            clamp.hold(h)


def _side_by_side(layer: LayerWeights, with_input: bool) -> Array:
    """W_ih and W_hh side by side, or W_hh alone."""
    return np.hstack((layer.weight_ih, layer.weight_hh)) if with_input else layer.weight_hh


def _parts(layer: LayerWeights, matrix: Array) -> LayerWeights:
    """The layer whose matrices are parts of one, so that nothing stands in memory twice."""
    inputs = matrix.shape[1] - layer.weight_hh.shape[1]
    return layer._replace(weight_ih=matrix[:, :inputs], weight_hh=matrix[:, inputs:])


def _added(a: Array, x: Array, weight: Array) -> Array:
    """Return a [J] + x Wᵀ, [B, T, J], of x [B, T, I] and a weight [J, I]: in one product, where numpy would take B."""
    if x.shape[1] == 1:
        return added(a, x[:, 0], weight)[:, None]
    return added(a, x.reshape(-1, x.shape[2]), weight).reshape(*x.shape[:2], -1)


def _layer(config: ModelConfig, weights: Mapping[str, Array], index: int) -> LayerWeights:
    """A layer's weights, where both biases are one but in a GRU, whose reset gate acts on the second alone."""
    layer = LayerWeights(*(weights.get(f"layers.{index}.{name}") for name in LayerWeights._fields))
    if config.cell == "gru":
        return layer
    return layer._replace(bias_ih=layer.bias_ih + layer.bias_hh, bias_hh=None)
