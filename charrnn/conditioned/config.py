"""ConditionedConfig: the sizes and kind of a network that answers an input. Knows no torch."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from charrnn.errors import ConfigError, check_choice, check_range, check_whole, counted
from charrnn.model.cells import state_names
from charrnn.model.config import CELL_NAMES, NONLINEARITIES, CellName, ModelConfig, Nonlinearity

AttentionName = Literal["none", "soft", "hard"]
OutputName = Literal["characters", "classes"]
ATTENTIONS = ("none", "soft", "hard")
OUTPUTS = ("characters", "classes")
_MOST_SYMBOLS = 100_000


@dataclass(frozen=True)
class ConditionedConfig:
    """What a network is made of that reads a source and answers, checked when it is made.

    The letters of its sizes: S source symbols, V output symbols (without the end symbol), L places of the memory and D
    numbers at each, A numbers of a key, E of an embedding, H units of a decoder's layer, F numbers of an image's cell.
    A network reads texts (S > 0), images (F > 0), or images that a text asks about (both).
    """

    source_size: int  # S; 0: no text is read
    output_size: int  # V
    output: OutputName = "characters"
    attention: AttentionName = "soft"
    cell: CellName = "lstm"
    nonlinearity: Nonlinearity = "tanh"  # of the vanilla RNN
    num_layers: int = 1  # of the encoder and of the decoder
    hidden_size: int = 256  # H
    memory_size: int = 256  # D; where the encoder reads both ways, half by each direction
    embedding_size: int = 64  # E, of source and output symbols
    attention_size: int = 128  # A
    bidirectional: bool = True
    dropout: float = 0.0  # part of the encoder's and the decoder's units dropped on their way up
    feature_size: int = 0  # F; 0: no image is read
    grid: tuple[int, int] = (1, 1)  # cells of an image's features, rows and columns
    convolutions: int = 0  # each halves the grid: a small CNN, trained along with the rest
    feature_mean: float = 0.0  # of the features that were trained on,
    feature_scale: float = 1.0  # and their standard deviation

    def __post_init__(self) -> None:
        check_choice("output", self.output, OUTPUTS)
        check_choice("attention", self.attention, ATTENTIONS)
        check_choice("cell", self.cell, CELL_NAMES)
        check_choice("nonlinearity", self.nonlinearity, NONLINEARITIES)
        check_whole("output_size", self.output_size, 1, _MOST_SYMBOLS)
        check_whole("feature_size", self.feature_size, 0, _MOST_SYMBOLS)
        check_whole("source_size", self.source_size, 0 if self.feature_size else 1, _MOST_SYMBOLS)
        check_whole("convolutions", self.convolutions, 0, 8)
        for cells in self.grid:
            check_whole("grid", cells, 1, 1024)
        if self.convolutions and (not self.feature_size or max(self.grid) < 2**self.convolutions):
            raise ConfigError(f"convolutions is {self.convolutions}", "give fewer: each halves the cells of an image")
        check_range("feature_mean", self.feature_mean, -1e9, 1e9)
        check_range("feature_scale", self.feature_scale, 1e-9, 1e9)
        check_whole("num_layers", self.num_layers, 1, 16)
        for name in ("hidden_size", "memory_size", "embedding_size", "attention_size"):
            check_whole(name, getattr(self, name), 1, 16384)
        if not isinstance(self.bidirectional, bool):
            raise ConfigError(f"bidirectional is {self.bidirectional!r}", "give True or False")
        check_range("dropout", self.dropout, 0, 0.95)
        if self.bidirectional and self.memory_size % 2:
            raise ConfigError(f"memory_size is {self.memory_size}", "give an even number, half for each direction")

    @property
    def directions(self) -> tuple[str, ...]:
        """The directions in which the encoder reads, in the order in which their units stand in the memory."""
        return ("forward", "backward") if self.bidirectional else ("forward",)

    @property
    def end(self) -> int:
        """The id of the symbol that ends an output, and that stands before its first one; no text contains it."""
        return self.output_size

    @property
    def encoder(self) -> ModelConfig:
        """One direction of the encoder as a network of its own: its cell and sizes."""
        units = self.memory_size // len(self.directions)
        return ModelConfig(self.source_size, self.cell, self.nonlinearity, self.num_layers, units, self.embedding_size)

    @property
    def decoder(self) -> ModelConfig:
        """The decoder as a network of its own: its cell and sizes."""
        symbols = self.output_size + 1
        return ModelConfig(
            symbols, self.cell, self.nonlinearity, self.num_layers, self.hidden_size, self.embedding_size
        )

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the memory of an image, each cell a place."""
        rows, columns = (-(-cells // 2**self.convolutions) for cells in self.grid)
        return rows, columns

    @property
    def channels(self) -> tuple[int, ...]:
        """Numbers of a cell before each convolution, and after the last one."""
        widths = (max(16, self.memory_size >> (self.convolutions - 1 - index)) for index in range(self.convolutions))
        return self.feature_size, *widths

    @property
    def kind(self) -> str:
        """The cell and the way of reading, in words."""
        ways = ["bidirectional" if self.bidirectional else "one-way"] if self.source_size else []
        if self.feature_size:
            trained = f" after {counted(self.convolutions, 'convolution')}" if self.convolutions else ""
            ways.append("images of {} × {} cells{}".format(*self.cells, trained))
        attention = "no attention" if self.attention == "none" else f"{self.attention} attention"
        return ", ".join([self.decoder.kind, *ways, attention])

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every weight of such a network, as they stand in a checkpoint."""
        E, D, A, H, V = (
            self.embedding_size,
            self.memory_size,
            self.attention_size,
            self.hidden_size,
            self.output_size + 1,
        )
        initial = len(state_names(self.decoder)) * self.num_layers * H
        shapes = self._of_text() | self._of_images()
        shapes |= {"initial.weight": (initial, D), "initial.bias": (initial,)}
        if self.source_size and self.feature_size:
            shapes["initial.question"] = (initial, D)
        if self.attention != "none":
            shapes |= {"attention.key": (A, D), "attention.query": (A, H)}
        shapes["embedding.weight"] = (V, E)
        for layer in range(self.num_layers):
            shapes |= _layer(f"layers.{layer}", self.decoder, H if layer else E + D)
        return {**shapes, "readout.weight": (V, H), "readout.bias": (V,)}

    def _of_text(self) -> dict[str, tuple[int, ...]]:
        """The weights of the encoder, where texts are read."""
        shapes: dict[str, tuple[int, ...]] = {}
        if self.source_size:
            shapes["encoder.embedding.weight"] = (self.source_size, self.embedding_size)
        for layer in range(self.num_layers if self.source_size else 0):
            for direction in self.directions:
                inputs = self.memory_size if layer else self.embedding_size
                shapes |= _layer(f"encoder.layers.{layer}.{direction}", self.encoder, inputs)
        return shapes

    def _of_images(self) -> dict[str, tuple[int, ...]]:
        """The weights of the grid, where images are read."""
        if not self.feature_size:
            return {}
        shapes: dict[str, tuple[int, ...]] = {}
        for index, (inputs, outputs) in enumerate(pairwise(self.channels)):
            shapes |= {f"grid.{index}.weight": (outputs, 9 * inputs), f"grid.{index}.bias": (outputs,)}
        D = self.memory_size
        return shapes | {"grid.weight": (D, self.channels[-1]), "grid.bias": (D,), "grid.places": (*self.cells, D)}


def _layer(name: str, config: ModelConfig, inputs: int) -> dict[str, tuple[int, ...]]:
    """The weights of one recurrent layer under a name."""
    H, rows = config.hidden_size, config.gate_blocks * config.hidden_size
    shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, H), "bias_ih": (rows,), "bias_hh": (rows,)}
    if config.cell == "peephole":
        shapes["peephole"] = (3, H)
    return {f"{name}.{part}": shape for part, shape in shapes.items()}
