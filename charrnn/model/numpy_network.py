"""NumpyCharRNN: the same network on numpy arrays, for reading and writing without torch. It does not train."""

from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.model.cells import CellState, LayerWeights, state_names, step
from charrnn.model.config import ModelConfig

Floats = npt.NDArray[np.float32]
NumpyState = tuple[CellState, ...]  # for each layer (h,) or (h, c), each [B, H]


class NumpyCharRNN:
    """A network that runs the equations of `cells.py` on numpy arrays: (ids [B, T], state) -> (logits, state).

    The first layer's share of the gates is a table with a row for each character, so that only the recurrent product
    is left to do for it.
    """

    def __init__(self, config: ModelConfig, weights: dict[str, npt.NDArray[Any]]) -> None:
        self.config = config
        self._layers = [_layer(weights, index) for index in range(config.num_layers)]
        first = self._layers[0]
        embedding = weights.get("embedding.weight")
        inputs = first.weight_ih.T if embedding is None else embedding @ first.weight_ih.T
        self._table: Floats = (inputs + first.bias_ih).astype(np.float32)  # [V, G·H]
        self._readout: Floats = weights["readout.weight"]
        self._readout_bias: Floats = weights["readout.bias"]

    def initial_state(self, batch_size: int) -> NumpyState:
        """Return the state before any character: zeros."""
        zeros = np.zeros((batch_size, self.config.hidden_size), np.float32)
        return tuple((zeros,) * len(state_names(self.config)) for _ in self._layers)

    def initial_logits(self) -> Floats:
        """Return the logits [V] of the zero state, before any character."""
        return self._readout_bias

    def __call__(self, ids: npt.NDArray[np.integer], state: NumpyState | None = None) -> tuple[Floats, NumpyState]:
        """Read ids [B, T] from a state (None: the start); return the logits [B, T, V] and the state after them."""
        state = state or self.initial_state(len(ids))
        h, last = self._run(self._layers[0], self._table[ids], state[0])
        after = [last]
        for weights, before in zip(self._layers[1:], state[1:], strict=True):
            h, last = self._run(weights, h @ weights.weight_ih.T + weights.bias_ih, before)
            after.append(last)
        return h @ self._readout.T + self._readout_bias, tuple(after)

    def _run(self, weights: LayerWeights, a: Floats, state: CellState) -> tuple[Floats, CellState]:
        h = np.empty((*a.shape[:2], self.config.hidden_size), np.float32)
        for t in range(a.shape[1]):
            state, _ = step(self.config, weights, a[:, t], state)
            h[:, t] = state[0]
        return h, state


def _layer(weights: dict[str, npt.NDArray[Any]], index: int) -> LayerWeights:
    return LayerWeights(*(weights.get(f"layers.{index}.{name}") for name in LayerWeights._fields))
