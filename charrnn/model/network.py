"""CharRNN: embedding, recurrent stack, read-out; its explicit state. The one module that states the model in torch.

The letters used for sizes everywhere: B batch, T time steps, V vocabulary, E embedding, H hidden units, L layers.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from charrnn.model.cells import CellState, gate_names, state_names
from charrnn.model.clamping import Clamp
from charrnn.model.config import ModelConfig
from charrnn.model.layers import Layer
from charrnn.model.stepped_tensors import TensorSteppedCharRNN
from charrnn.model.threads import Threads

State = tuple[CellState, ...]  # for each layer (h,) or (h, c), each [B, H]
Weights = Mapping[str, npt.NDArray[Any]]  # names and shapes as ModelConfig.shapes() has them


UPPER_GAIN = {"rnn": 1.0, "gru": 2.5, "lstm": 4.0, "peephole": 4.0}  # of layers above the first, see `initialise`


class CharRNN(nn.Module):
    """A character-level language model: p(next character | all characters so far).

    The state goes in and comes out; nothing is hidden in the module, so a text may be run in chunks of any length.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        self.threads = Threads()  # what reads with it computes each piece with these
        self.end: int | None = None  # the symbol around items, where several are read: each begins from the zero state
        V, E, H = config.vocabulary_size, config.embedding_size, config.hidden_size
        sizes = [config.input_size, *[H] * (config.num_layers - 1)]
        self.embedding: nn.Module | None = None
        with torch.device("meta"):  # torch's own first values would cost time and global random numbers
            if E:  # to draw an embedding's, if only in pretence, torch imports its compiler: a second and a half
                self.embedding = nn.Embedding.from_pretrained(torch.empty(V, E), freeze=False)
            self.layers = nn.ModuleList(Layer(config, size) for size in sizes)
            self.readout = nn.Linear(H, V)
            self.classes: nn.Module | None = None
            if config.num_classes:
                vectors = torch.empty(config.num_classes, config.input_size)
                self.classes = nn.Embedding.from_pretrained(vectors, freeze=False)
        self._allocate()
        initialise(self, generator or torch.Generator())

    def _allocate(self) -> None:
        """Give each weight memory, its values undefined; `to_empty` would import sympy for it, most of a second."""
        for module in self.modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                setattr(module, name, nn.Parameter(torch.empty(weight.shape)))

    @classmethod
    def from_weights(cls, config: ModelConfig, weights: Weights) -> "CharRNN":
        """Make a network with the given weights."""
        model = cls(config)
        with torch.no_grad():
            for name, parameter in model.named_weights():
                parameter.copy_(torch.from_numpy(np.asarray(weights[name], np.float32)))
        return model

    def named_weights(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield each weight with its name in a checkpoint (names as ModelConfig.shapes() has them)."""
        for name, parameter in self.named_parameters():
            yield name.replace("fused.", "").removesuffix("_l0"), parameter

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return a copy of the weights as numpy arrays."""
        return {name: p.detach().float().cpu().numpy().copy() for name, p in self.named_weights()}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.readout.weight.device

    def initial_state(self, batch_size: int) -> State:
        """Return the state before any character: zeros."""
        zeros = torch.zeros(batch_size, self.config.hidden_size, device=self.device)
        return tuple((zeros,) * len(state_names(self.config)) for _ in self.layers)

    def forward(
        self,
        ids: Tensor,
        state: State | None = None,
        dropout: torch.Generator | None = None,
        classes: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Read characters and predict, after each, the next.

        Args:
            ids: the characters read, [B, T].
            state: the state before the first of them; None for the start of a text.
            dropout: the generator of the masks of units and of weights; None for no dropout.
            classes: of each row [B], whose vectors are added to every input; None where the model has no classes, or
                its weights are those of one (`conditioned`).

        Returns:
            The logits [B, T, V] of the character that follows each, and the state after the last.
        """
        if self._reads_several(ids, state):
            return stepped(self)(ids, state)
        state = state or self.initial_state(len(ids))
        x, weight_ih = self.input(ids) if classes is None else (self._with_classes(ids, classes), None)
        after = []
        for layer, before in zip(self.layers, state, strict=True):
            x, last = layer(x, before, weight_ih, self._drop_weights(cast("Layer", layer), dropout))
            x, weight_ih = self._drop(x, dropout), None
            after.append(last)
        return self.readout(x), tuple(after)

    def record(
        self, ids: Tensor, state: State | None = None, names: Collection[str] | None = None
    ) -> tuple[Tensor, State, dict[str, Tensor]]:
        """Read characters as `forward` does; return also signals of every unit at every character.

        Args:
            ids: the characters read, [B, T].
            state: the state before the first of them; None for the start of a text.
            names: the signals wanted: "h"; "c" for an LSTM; gates, as `cells.gate_names` has them. None: all.

        Returns:
            The logits [B, T, V], the state after the last character, and the signals by name, each [L, B, T, H].
        """
        # a peephole LSTM's gates see its cell state: nothing but taking the steps gives them
        if self.config.cell == "peephole" or self._reads_several(ids, state):
            return stepped(self).record(ids, state, names)
        names = (*state_names(self.config), *gate_names(self.config)) if names is None else names
        state = state or self.initial_state(len(ids))
        x, weight_ih = self.input(ids)
        after, signals = [], []
        for layer, before in zip(cast("Iterable[Layer]", self.layers), state, strict=True):
            x, last, layer_signals = layer.record(x, before, names, weight_ih)
            weight_ih = None
            after.append(last)
            signals.append(layer_signals)
        return self.readout(x), tuple(after), {name: torch.stack([s[name] for s in signals]) for name in names}

    def input(self, ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the first layer's input [B, T, I] and its input weights; None where those are the layer's own.

        On a CPU, each of few characters enters as its place among V (one-hot), and the embedding joins the weights,
        W_ih Eᵀ [G·H, V]: the same sums, for V instead of E multiplications.
        """
        if self.embedding is not None and (
            self.config.embedding_size < self.config.vocabulary_size or ids.device.type != "cpu"
        ):
            return self.embedding(ids), None
        one_hot = nn.functional.one_hot(ids, self.config.vocabulary_size).to(self.readout.weight.dtype)
        if self.embedding is None:
            return one_hot, None
        first = cast("Layer", self.layers[0])
        return one_hot, first.weights.weight_ih @ cast("nn.Embedding", self.embedding).weight.T

    def _reads_several(self, ids: Tensor, state: State | None) -> bool:
        """Whether items begin on the way, which takes single steps."""
        if self.end is None:
            return False
        return bool((ids if state else ids[:, 1:]).eq(self.end).any())

    def _with_classes(self, ids: Tensor, classes: Tensor) -> Tensor:
        """The first layer's input [B, T, I], to which the vector of each row's class is added."""
        vectors = cast("nn.Embedding", self.classes)(classes)[:, None]
        if self.embedding is not None:
            return cast("Tensor", self.embedding(ids) + vectors)
        return nn.functional.one_hot(ids, self.config.vocabulary_size).to(vectors.dtype) + vectors

    def _drop(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Drop whole units for the length of the window: one mask [B, 1, H] (Gal and Ghahramani 2016)."""
        if generator is None or not self.config.dropout:
            return x
        keep = 1 - self.config.dropout
        mask = torch.empty(x.shape[0], 1, x.shape[2], dtype=x.dtype, device=x.device)
        return x * mask.bernoulli_(keep, generator=generator).div_(keep)

    def _drop_weights(self, layer: Layer, generator: torch.Generator | None) -> Tensor | None:
        """Drop entries of a recurrent matrix for the length of the window (Merity, Keskar and Socher 2017).

        One mask [G·H, H] for all sequences and steps (DropConnect, Wan et al. 2013). None: the layer's own matrix.
        """
        if generator is None or not self.config.weight_dropout:
            return None
        weight, keep = layer.weights.weight_hh, 1 - self.config.weight_dropout
        return weight * kept(weight.shape, keep, weight.device, generator) / keep


def kept(shape: Sequence[int], part: float, device: torch.device, generator: torch.Generator) -> Tensor:
    """Return a mask, bool of any shape, that is true for a part of its places, to 1/65,536.

    On a CPU each place takes 16 random bits, for torch's Bernoulli numbers take several times as long.
    """
    if device.type != "cpu":
        return torch.empty(*shape, dtype=torch.bool, device=device).bernoulli_(part, generator=generator)
    whole = torch.empty(-(-math.prod(shape) // 4), dtype=torch.int64).random_(-(2**63), None, generator=generator)
    numbers = whole.view(torch.int16)[: math.prod(shape)].view(*shape)
    return numbers < round(part * 2**16) - 2**15


def initialise(model: CharRNN, generator: torch.Generator) -> None:
    """Give every weight its start: orthogonal recurrent blocks, forget-gate bias 1, other biases and peepholes 0.

    Embeddings are normal with variance 1 and input weights with variance gain²/inputs, where the gain makes up for how
    small the hidden states of the layer below are at first, so that every layer of a deep stack sees a signal of about
    variance 1 from the first step on; the read-out is uniform in ±1/√H, so that first logits are small and the first
    loss is close to ln V.
    """
    config = model.config
    for name, weight in model.named_weights():
        kind = name.rpartition(".")[2]
        if kind == "weight_hh":
            for block in weight.data.split(config.hidden_size):
                nn.init.orthogonal_(block, generator=generator)
        elif kind in ("bias", "bias_ih", "bias_hh", "peephole"):
            nn.init.zeros_(weight)
        elif kind == "weight_ih":
            first = name.startswith("layers.0.")
            inputs = 1 if first and not config.embedding_size else weight.shape[1]  # of a one-hot input, one is on
            gain = 1 if first else UPPER_GAIN[config.cell]
            nn.init.normal_(weight, std=gain / math.sqrt(inputs), generator=generator)
        elif name in ("embedding.weight", "classes.weight"):
            nn.init.normal_(weight, generator=generator)
        else:
            bound = 1 / math.sqrt(config.hidden_size)
            nn.init.uniform_(weight, -bound, bound, generator=generator)
        if kind == "bias_ih" and config.cell in ("lstm", "peephole"):
            nn.init.ones_(weight.data[config.hidden_size : 2 * config.hidden_size])


def detached(state: State) -> State:
    """Return the state as a value without history: where truncated back-propagation stops."""
    return tuple(tuple(part.detach() for part in layer) for layer in state)


def stepped_on(
    config: ModelConfig,
    weights: Weights,
    device: torch.device,
    precision: torch.dtype = torch.float32,
    clamps: Sequence[Clamp] = (),
) -> TensorSteppedCharRNN:
    """Return a checkpoint's network for writing on a device; its large matrices are multiplied in `precision`."""
    tensors = {name: torch.from_numpy(np.asarray(weight, np.float32)).to(device) for name, weight in weights.items()}
    return TensorSteppedCharRNN(config, tensors, clamps, precision=precision)


def stepped(model: CharRNN, precision: torch.dtype = torch.float32) -> TensorSteppedCharRNN:
    """Return a network that takes steps, on the model's own weights and device, multiplied in `precision`."""
    tensors = {name: weight.detach() for name, weight in model.named_weights()}
    return TensorSteppedCharRNN(model.config, tensors, end=model.end, precision=precision)
