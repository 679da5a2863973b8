"""CharRNN: embedding, recurrent stack, read-out; its explicit state. The one module that states the model in torch.

The letters used for sizes everywhere: B batch, T time steps, V vocabulary, E embedding, H hidden units, L layers.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from charrnn.model.cells import CellState, LayerWeights, gate_names, state_names, step
from charrnn.model.config import ModelConfig
from charrnn.model.peephole import PeepholeScan
from charrnn.model.signals import fused_signals

State = tuple[CellState, ...]  # for each layer (h,) or (h, c), each [B, H]
Weights = Mapping[str, npt.NDArray[Any]]  # names and shapes as ModelConfig.shapes() has them


class FusedLayer(nn.Module):
    """A vanilla RNN, LSTM or GRU layer run by torch's fused kernels (cuDNN on a GPU, oneDNN on a CPU)."""

    def __init__(self, config: ModelConfig, input_size: int) -> None:
        super().__init__()
        self.config = config
        kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[config.cell]
        options = {"nonlinearity": config.nonlinearity} if config.cell == "rnn" else {}
        self.fused = kind(input_size, config.hidden_size, batch_first=True, **options)

    @property
    def weights(self) -> LayerWeights:
        """The layer's weights, as the equations of `cells.py` want them."""
        fused = self.fused
        return LayerWeights(fused.weight_ih_l0, fused.weight_hh_l0, fused.bias_ih_l0, fused.bias_hh_l0)

    def forward(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """Run x [B, T, I] from a state; return the hidden states [B, T, H] and the last state."""
        before = tuple(s.unsqueeze(0).contiguous() for s in state)
        if self.config.cell == "lstm":
            h, after = self.fused(x, before)
            return h, tuple(s.squeeze(0) for s in after)
        h, last = self.fused(x, before[0])
        return h, (last.squeeze(0),)

    def record(
        self, x: Tensor, state: CellState, names: Collection[str]
    ) -> tuple[Tensor, CellState, dict[str, Tensor]]:
        """Run as `forward` does; return also the named signals [B, T, H]: states and gates."""
        h, last = self(x, state)
        return h, last, fused_signals(self.config, self.weights, x, h, state, names) | {"h": h}


class PeepholeLayer(nn.Module):
    """A peephole LSTM layer: the equation of `cells.py`, step by step, in float32."""

    def __init__(self, config: ModelConfig, input_size: int) -> None:
        super().__init__()
        self.config = config
        H = config.hidden_size
        self.weight_ih = nn.Parameter(torch.empty(4 * H, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * H, H))
        self.bias_ih = nn.Parameter(torch.empty(4 * H))
        self.bias_hh = nn.Parameter(torch.empty(4 * H))
        self.peephole = nn.Parameter(torch.empty(3, H))

    @property
    def weights(self) -> LayerWeights:
        """The layer's weights, as the equations of `cells.py` want them."""
        return LayerWeights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, self.peephole)

    def forward(self, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        """Run x [B, T, I] from a state; return the hidden states [B, T, H] and the last state."""
        weights = self.weights
        a = x @ weights.weight_ih.T + weights.bias_ih
        with torch.autocast(x.device.type, enabled=False):
            h, c = PeepholeScan.apply(a.float(), weights.weight_hh, weights.bias_hh, weights.peephole, *state)
        return h, (h[:, -1], c)

    def record(
        self, x: Tensor, state: CellState, names: Collection[str]
    ) -> tuple[Tensor, CellState, dict[str, Tensor]]:
        """Run as `forward` does; return also the named signals [B, T, H]: states and gates."""
        steps = list(self._steps(x, state))
        every = (*state_names(self.config), *gate_names(self.config))
        columns = zip(*((*state, *gates) for state, gates in steps), strict=True)
        kept = {name: column for name, column in zip(every, columns, strict=True) if name in names or name == "h"}
        signals = {name: torch.stack(column, dim=1) for name, column in kept.items()}
        return signals["h"], steps[-1][0], signals

    def _steps(self, x: Tensor, state: CellState) -> Iterator[tuple[CellState, tuple[Tensor, ...]]]:
        weights = self.weights
        a = x @ weights.weight_ih.T + weights.bias_ih
        for t in range(x.shape[1]):
            state, gates = step(self.config, weights, a[:, t], state)
            yield state, gates


Layer = FusedLayer | PeepholeLayer

UPPER_GAIN = {"rnn": 1.0, "gru": 2.5, "lstm": 4.0, "peephole": 4.0}  # of layers above the first, see `initialise`


class CharRNN(nn.Module):
    """A character-level language model: p(next character | all characters so far).

    The state goes in and comes out; nothing is hidden in the module, so a text may be run in chunks of any length.
    """

    def __init__(self, config: ModelConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        V, E, H = config.vocabulary_size, config.embedding_size, config.hidden_size
        kind = PeepholeLayer if config.cell == "peephole" else FusedLayer
        sizes = [config.input_size, *[H] * (config.num_layers - 1)]
        with torch.device("meta"):  # torch's own first values would cost time and global random numbers
            self.embedding: nn.Module | None = nn.Embedding(V, E) if E else None
            self.layers = nn.ModuleList(kind(config, size) for size in sizes)
            self.readout = nn.Linear(H, V)
        self.to_empty(device="cpu")
        initialise(self, generator or torch.Generator())

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
        self, ids: Tensor, state: State | None = None, dropout: torch.Generator | None = None
    ) -> tuple[Tensor, State]:
        """Read characters and predict, after each, the next.

        Args:
            ids: the characters read, [B, T].
            state: the state before the first of them; None for the start of a text.
            dropout: the generator of the dropout masks; None for no dropout.

        Returns:
            The logits [B, T, V] of the character that follows each, and the state after the last.
        """
        state = state or self.initial_state(len(ids))
        x, after = self._drop(self.embed(ids), dropout), []
        for layer, before in zip(self.layers, state, strict=True):
            x, last = layer(x, before)
            x = self._drop(x, dropout)
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
        names = (*state_names(self.config), *gate_names(self.config)) if names is None else names
        state = state or self.initial_state(len(ids))
        x, after, signals = self.embed(ids), [], []
        for layer, before in zip(cast("Iterable[Layer]", self.layers), state, strict=True):
            x, last, layer_signals = layer.record(x, before, names)
            after.append(last)
            signals.append(layer_signals)
        return self.readout(x), tuple(after), {name: torch.stack([s[name] for s in signals]) for name in names}

    def embed(self, ids: Tensor) -> Tensor:
        """Return what the first layer reads for ids [B, T]: their embeddings [B, T, E], or one-hot [B, T, V]."""
        if self.embedding is None:
            return nn.functional.one_hot(ids, self.config.vocabulary_size).to(self.readout.weight.dtype)
        return self.embedding(ids)

    def _drop(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Drop whole units for the length of the window: one mask [B, 1, H] (Gal and Ghahramani 2016)."""
        if generator is None or not self.config.dropout:
            return x
        keep = 1 - self.config.dropout
        mask = torch.empty(x.shape[0], 1, x.shape[2], dtype=x.dtype, device=x.device)
        return x * mask.bernoulli_(keep, generator=generator).div_(keep)


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
        elif name == "embedding.weight":
            nn.init.normal_(weight, generator=generator)
        else:
            bound = 1 / math.sqrt(config.hidden_size)
            nn.init.uniform_(weight, -bound, bound, generator=generator)
        if kind == "bias_ih" and config.cell in ("lstm", "peephole"):
            nn.init.ones_(weight.data[config.hidden_size : 2 * config.hidden_size])


def detached(state: State) -> State:
    """Return the state as a value without history: where truncated back-propagation stops."""
    return tuple(tuple(part.detach() for part in layer) for layer in state)


class OnArrays:
    """A CharRNN in the interface of NumpyCharRNN: ids and logits are numpy arrays, the state stays on the device."""

    def __init__(self, model: CharRNN) -> None:
        self.model = model

    @torch.inference_mode()
    def __call__(self, ids: npt.NDArray[Any], state: State | None = None) -> tuple[npt.NDArray[np.float32], State]:
        """Read ids [B, T] from a state (None: the start); return the logits [B, T, V] and the state after them."""
        logits, state = self.model(torch.from_numpy(ids.astype(np.int64)).to(self.model.device), state)
        return logits.float().cpu().numpy(), state

    def initial_logits(self) -> npt.NDArray[np.float32]:
        """Return the logits [V] of the zero state, before any character."""
        return self.model.readout.bias.detach().float().cpu().numpy()
