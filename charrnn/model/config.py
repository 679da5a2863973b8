"""ModelConfig: the sizes and kind of a network. Knows no torch, so that a checkpoint can be described at once."""

import math
from dataclasses import dataclass
from typing import Literal

from charrnn.errors import check_choice, check_range, check_whole

MOST_THREADS = 256  # beyond that a system may refuse to start them, which ends the process

CellName = Literal["rnn", "lstm", "gru", "peephole"]
Nonlinearity = Literal["tanh", "relu"]

CELL_NAMES = ("rnn", "lstm", "gru", "peephole")
NONLINEARITIES = ("tanh", "relu")
BUDGETS = ("epochs", "steps", "minutes")  # of which a training is given one; a checkpoint tells it too
BUDGET_RANGE = (1e-6, 1e12)


@dataclass(frozen=True)
class ModelConfig:
    """What a network is made of, checked when it is made (ConfigError names the field and its range)."""

    vocabulary_size: int
    cell: CellName = "lstm"
    nonlinearity: Nonlinearity = "tanh"  # of the vanilla RNN; the gated cells have their own
    num_layers: int = 1
    hidden_size: int = 512
    embedding_size: int = 256  # 0: one-hot
    dropout: float = 0.0  # part of each layer's hidden states dropped on their way to the next layer or the read-out
    weight_dropout: float = 0.0  # part of each layer's recurrent matrix dropped, anew for each window of training
    num_classes: int = 0  # of items, each with a vector that is added to every input

    def __post_init__(self) -> None:
        check_choice("cell", self.cell, CELL_NAMES)
        check_choice("nonlinearity", self.nonlinearity, NONLINEARITIES)
        check_whole("vocabulary_size", self.vocabulary_size, 1, 0x110000)
        check_whole("num_layers", self.num_layers, 1, 64)
        check_whole("hidden_size", self.hidden_size, 1, 16384)
        check_whole("embedding_size", self.embedding_size, 0, 16384)
        check_whole("num_classes", self.num_classes, 0, 1_000_000)
        check_range("dropout", self.dropout, 0, 0.95)
        check_range("weight_dropout", self.weight_dropout, 0, 0.95)

    @property
    def kind(self) -> str:
        """The cell in words, with the non-linearity where it is a choice."""
        return f"{self.cell} ({self.nonlinearity})" if self.cell == "rnn" else self.cell

    @property
    def dropouts(self) -> str:
        """What is dropped in training, in words."""
        of_weights = f", weight dropout {self.weight_dropout:g}" if self.weight_dropout else ""
        return f"dropout {self.dropout:g}{of_weights}"

    @property
    def parameters(self) -> int:
        """How many numbers are learned."""
        return sum(math.prod(shape) for shape in self.shapes().values())

    @property
    def input_size(self) -> int:
        """Numbers that stand for one character at the first layer's input."""
        return self.embedding_size or self.vocabulary_size

    @property
    def gate_blocks(self) -> int:
        """Blocks of H rows in a layer's weight matrices."""
        return {"rnn": 1, "gru": 3, "lstm": 4, "peephole": 4}[self.cell]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every weight of such a network, as they stand in a checkpoint."""
        V, H, rows = self.vocabulary_size, self.hidden_size, self.gate_blocks * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {}
        if self.embedding_size:
            shapes["embedding.weight"] = (V, self.embedding_size)
        for layer in range(self.num_layers):
            shapes[f"layers.{layer}.weight_ih"] = (rows, H if layer else self.input_size)
            shapes[f"layers.{layer}.weight_hh"] = (rows, H)
            shapes[f"layers.{layer}.bias_ih"] = shapes[f"layers.{layer}.bias_hh"] = (rows,)
            if self.cell == "peephole":
                shapes[f"layers.{layer}.peephole"] = (3, H)
        classes = {"classes.weight": (self.num_classes, self.input_size)} if self.num_classes else {}
        return {**shapes, "readout.weight": (V, H), "readout.bias": (V,), **classes}
