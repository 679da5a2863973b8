"""ConditionedRNN: the network in torch, as it is trained: an encoder of fused layers, and the decoder's steps."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from charrnn.conditioned.attention import Memory, likeliest
from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.decoder import Choose, Decoder
from charrnn.conditioned.feed import Batch
from charrnn.model.cells import state_names
from charrnn.model.config import ModelConfig
from charrnn.model.layers import Layer

OUTSIDE = -100  # a target that no loss counts


class ConditionedRNN(nn.Module):
    """p(output | source): a source is read as a memory, which attention reads while the output is written."""

    def __init__(self, config: ConditionedConfig, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.config = config
        shapes = config.shapes()
        self._plain = {name: _parameter(shapes[name]) for name in shapes if "layers." not in name}
        for name, weight in self._plain.items():
            self.register_parameter(name.replace(".", "_"), weight)
        E, D = config.embedding_size, config.memory_size
        self.encoder_layers = nn.ModuleDict(
            {
                f"{layer}_{direction}": Layer(config.encoder, D if layer else E)
                for layer in range(config.num_layers if config.source_size else 0)
                for direction in config.directions
            }
        )
        self.layers = nn.ModuleList(
            Layer(config.decoder, config.hidden_size if layer else E + D) for layer in range(config.num_layers)
        )
        initialise(self, generator or torch.Generator())

    @classmethod
    def from_weights(cls, config: ConditionedConfig, weights: Mapping[str, npt.NDArray[Any]]) -> "ConditionedRNN":
        """Make a network with the given weights."""
        model = cls(config)
        model.load(weights)
        return model

    def load(self, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take the given weights in place of its own."""
        with torch.no_grad():
            for name, parameter in self.named_weights():
                parameter.copy_(torch.from_numpy(np.asarray(weights[name], np.float32)))

    def named_weights(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield each weight with its name in a checkpoint, in the order of `ConditionedConfig.shapes`."""
        found = {name: getattr(self, name.replace(".", "_")) for name in self._plain}
        for key, layer in self.encoder_layers.items():
            found |= _of_layer(f"encoder.layers.{key.replace('_', '.')}", layer)
        for index, layer in enumerate(self.layers):
            found |= _of_layer(f"layers.{index}", layer)
        yield from ((name, found[name]) for name in self.config.shapes())

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return a copy of the weights as numpy arrays."""
        return {name: p.detach().float().cpu().numpy().copy() for name, p in self.named_weights()}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._plain["readout.bias"].device

    def forward(
        self, batch: Batch, dropout: torch.Generator | None = None, choose: Choose = likeliest
    ) -> tuple[Tensor, Tensor]:
        """Read sources and predict each symbol of their outputs from those before it.

        Args:
            batch: B pairs.
            dropout: the generator of the masks; None for no dropout.
            choose: of hard attention, which place is read, as `Decoder.take` has it.

        Returns:
            The logits [B, T, V + 1], and the weights of the places at each step, [B, T, L].
        """
        decoder = Decoder(self.config, dict(self.named_weights()))
        memory = self.read(decoder, batch, dropout)
        state, hidden, weights = decoder.begin(memory), [], []
        masks = [self._kept((len(batch.given), self.config.hidden_size), dropout) for _ in self.layers]
        for given in decoder.inputs(self._on(batch.given)).unbind(1):
            taken = decoder.take(memory, given, state, [] if masks[0] is None else masks[:-1], choose)
            state = taken.state
            hidden.append(taken.h)
            weights.append(taken.weights)
        h = torch.stack(hidden, 1)
        return decoder.logits(h if masks[-1] is None else h * masks[-1][:, None]), torch.stack(weights, 1)

    def loss(self, batch: Batch, dropout: torch.Generator | None = None, choose: Choose = likeliest) -> Tensor:
        """Return the mean loss over the outputs' symbols, their end symbols counted, in nats."""
        return self.losses(batch, dropout, choose).sum() / batch.symbols

    def losses(self, batch: Batch, dropout: torch.Generator | None = None, choose: Choose = likeliest) -> Tensor:
        """Return the loss of each symbol [B, T] in nats, 0 where there is none."""
        logits, _ = self(batch, dropout, choose)
        targets = self._on(np.where(batch.counts, batch.targets, OUTSIDE))
        return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=OUTSIDE, reduction="none")

    def read(self, decoder: Decoder, batch: Batch, dropout: torch.Generator | None = None) -> Memory:
        """Return the memory of a batch's sources."""
        text = None
        if self.config.source_size:
            values = self.encoded(self._on(batch.sources), self._on(batch.backwards), dropout)
            text = Memory(values, self._on(batch.mask))
        if batch.images is not None:
            return decoder.images(self._on(batch.images), text)
        return decoder.memory(*text[:2]) if text is not None else Memory(None, None)

    def encoded(self, ids: Tensor, backwards: Tensor, dropout: torch.Generator | None = None) -> Tensor:
        """Return the values [B, L, D] of padded sources [B, L]; `backwards` turns each row around within itself."""
        x = F.embedding(ids, self._plain["encoder.embedding.weight"])
        for index in range(self.config.num_layers):
            parts = []
            for direction in self.config.directions:
                layer = self.encoder_layers[f"{index}_{direction}"]
                read = x if direction == "forward" else _turned(x, backwards)
                h = layer(read, self._zeros(len(x)))[0]
                parts.append(h if direction == "forward" else _turned(h, backwards))
            x = torch.cat(parts, -1)
            kept = self._kept((len(x), x.shape[-1]), dropout)
            x = x if kept is None else x * kept[:, None]
        return x

    def _zeros(self, rows: int) -> tuple[Tensor, ...]:
        config = self.config.encoder
        return (torch.zeros(rows, config.hidden_size, device=self.device),) * len(state_names(config))

    def _kept(self, shape: tuple[int, int], generator: torch.Generator | None) -> Tensor | None:
        """One mask for all steps, which drops whole units (Gal and Ghahramani 2016); None where nothing is dropped."""
        if generator is None or not self.config.dropout:
            return None
        keep = 1 - self.config.dropout
        return torch.empty(shape, device=self.device).bernoulli_(keep, generator=generator).div_(keep)

    def _on(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)


def _turned(x: Tensor, places: Tensor) -> Tensor:
    """Return x [B, L, I] with the places of each row in another order, [B, L]."""
    rows = torch.arange(len(x), device=x.device)[:, None] * x.shape[1]
    return x.flatten(0, 1).index_select(0, (places + rows).flatten()).view(x.shape)


def _parameter(shape: tuple[int, ...]) -> nn.Parameter:
    return nn.Parameter(torch.empty(shape))


def _of_layer(name: str, layer: nn.Module) -> dict[str, nn.Parameter]:
    """The weights of a layer by their names in a checkpoint."""
    return {f"{name}.{each.replace('fused.', '').removesuffix('_l0')}": p for each, p in layer.named_parameters()}


def initialise(model: ConditionedRNN, generator: torch.Generator) -> None:
    """Give every weight its start: orthogonal recurrent blocks, forget-gate bias 1, other biases and peepholes 0.

    Embeddings are normal with variance 1; input weights, keys, queries and the first state's have variance 1/inputs;
    the read-out is uniform in ±1/√H, so that the first loss is close to ln(V + 1).
    """
    for name, weight in model.named_weights():
        kind, config = name.rpartition(".")[2], _config_of(model, name)
        if kind == "weight_hh":
            for block in weight.data.split(config.hidden_size):
                nn.init.orthogonal_(block, generator=generator)
        elif kind in ("bias", "bias_ih", "bias_hh", "peephole"):
            nn.init.zeros_(weight)
        elif kind == "places":
            nn.init.normal_(weight, std=0.2, generator=generator)
        elif name.endswith("embedding.weight"):
            nn.init.normal_(weight, generator=generator)
        elif name == "readout.weight":
            bound = 1 / math.sqrt(weight.shape[1])
            nn.init.uniform_(weight, -bound, bound, generator=generator)
        else:
            gain = 2.0 if name.startswith("grid.") else 1.0  # half of what a ReLU gets is cut
            nn.init.normal_(weight, std=math.sqrt(gain / weight.shape[1]), generator=generator)
        if kind == "bias_ih" and config.cell in ("lstm", "peephole"):
            nn.init.ones_(weight.data[config.hidden_size : 2 * config.hidden_size])


def _config_of(model: ConditionedRNN, name: str) -> ModelConfig:
    return model.config.encoder if name.startswith("encoder.") else model.config.decoder
