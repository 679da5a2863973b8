"""Decoder: the steps of the network that answers, over numpy arrays and torch tensors alike.

The decoder begins from the memory's mean and is given, at each step, the last symbol and what attention has read:

    s₀ = tanh(W_init mean(V) + W_ask mean(Q) + b);  aₜ = softmax(k·W_q hₜ₋₁ / √A);  zₜ = Σᵢ aₜᵢ vᵢ;
    sₜ = cell([e(yₜ₋₁); zₜ], sₜ₋₁);  p(yₜ | y₁…yₜ₋₁, source) = softmax(W_o hₜ + b_o)

Q is the memory of a question about V, where one is asked: by s₀ it is in all that follows, the first query too.
Without attention every place counts alike: zₜ is the memory's mean. Hard attention reads one place alone, zₜ = vᵢ: the
likeliest, or in training one that is drawn with the probabilities aₜ. A class is the first symbol of such an output.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from charrnn.conditioned import grid
from charrnn.conditioned.attention import Memory, attend, likeliest, mean, mixed
from charrnn.conditioned.config import ConditionedConfig
from charrnn.model.cells import Array, CellState, LayerWeights, added, array_module, product, state_names, step, tanh

Choose = Callable[[Array], Array]
State = tuple[CellState, ...]  # for each layer (h,) or (h, c), each [B, H]


class Taken(NamedTuple):
    """One step: the uppermost hidden state h [B, H], the state after it, and the weights a [B, L] of the places."""

    h: Array
    state: State
    weights: Array


class Decoder:
    """The decoder on the weights of `ConditionedConfig.shapes`; in torch, gradients flow to them."""

    def __init__(self, config: ConditionedConfig, weights: Mapping[str, Array]) -> None:
        self.config, self._weights = config, weights
        self._layers = [layer_weights(weights, f"layers.{index}") for index in range(config.num_layers)]
        first, E = self._layers[0], config.embedding_size
        self._from_symbol = first.bias_ih + weights["embedding.weight"] @ first.weight_ih[:, :E].T  # [V + 1, G·H]
        self._from_memory = first.weight_ih[:, E:]  # [G·H, D]

    def memory(self, values: Array, mask: Array, asked: Array = None) -> Memory:
        """Return the memory of values V [B, L, D] and their mask [B, L], with its keys."""
        key = self._weights.get("attention.key")
        return Memory(values, mask, None if key is None else product(values, key), asked)

    def images(self, features: Array, question: Memory | None = None) -> Memory:
        """Return the memory of images by their features [B, h, w, F], and of what is asked about them."""
        values = grid.values(self.config, self._weights, features)
        return self.memory(values, values[:, :, 0] * 0 + 1, None if question is None else mean(question))

    def begin(self, memory: Memory) -> State:
        """Return the state before the first symbol."""
        parts, H = len(state_names(self.config.decoder)), self.config.hidden_size
        first = product(mean(memory), self._weights["initial.weight"]) + self._weights["initial.bias"]
        if memory.asked is not None:
            first = first + product(memory.asked, self._weights["initial.question"])
        first = tanh(first)
        return tuple(
            tuple(first[:, (layer * parts + part) * H :][:, :H] for part in range(parts))
            for layer in range(self.config.num_layers)
        )

    def inputs(self, symbols: Array) -> Array:
        """Return the share of the gates that comes from the last symbols [...] -> [..., G·H]."""
        if symbols.ndim == 1 or array_module(symbols).__name__ == "numpy":
            return self._from_symbol[symbols]
        return self._from_symbol.index_select(0, symbols.flatten()).view(*symbols.shape, -1)

    def take(
        self, memory: Memory, given: Array, state: State, masks: Sequence[Array] = (), choose: Choose = likeliest
    ) -> Taken:
        """Take a step.

        Args:
            memory: of the sources.
            given: the share of the last symbols, [B, G·H], as `inputs` returns it.
            state: before the step.
            masks: factors [B, H] that each layer but the last hands its hidden state up with (dropout); none: all 1.
            choose: of hard attention, which place is read: [B, L] of sum 1 -> the same with all weight on one place.
        """
        if self.config.attention == "none":
            weights = memory.mask / memory.mask.sum(-1)[:, None]
        else:
            weights = attend(memory, self._weights["attention.query"], state[-1][0])
            weights = choose(weights) if self.config.attention == "hard" else weights
        a = added(given, mixed(memory, weights), self._from_memory)
        after: list[CellState] = []
        for index, (layer, before) in enumerate(zip(self._layers, state, strict=True)):
            if index:
                x = after[-1][0] * masks[index - 1] if masks else after[-1][0]
                a = product(x, layer.weight_ih) + layer.bias_ih
            after.append(step(self.config.decoder, layer, a, before)[0])
        return Taken(after[-1][0], tuple(after), weights)

    def logits(self, h: Array) -> Array:
        """Return the logits [..., V + 1] of the next symbol, from uppermost hidden states [..., H]."""
        return product(h, self._weights["readout.weight"]) + self._weights["readout.bias"]


def layer_weights(weights: Mapping[str, Array], name: str) -> LayerWeights:
    """Return the weights of a recurrent layer by its name, as the equations of `cells.py` want them."""
    return LayerWeights(*(weights.get(f"{name}.{part}") for part in LayerWeights._fields))
