"""Every unit's values over a text as one row each, in a file of the temporary folder, so that memory stays bounded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.recording import record_pieces

LARGEST = 60000  # float16 holds no more; a raw cell state may be beyond it


@dataclass(frozen=True)
class Columns:
    """The values [N, T] of N = signals · L · H units, signal by signal and layer by layer, in float16."""

    values: npt.NDArray[np.float16]
    signals: tuple[str, ...]
    num_layers: int
    hidden_size: int

    def unit(self, row: int) -> tuple[str, Unit]:
        """Return the signal and the unit that a row is of."""
        signal, rest = divmod(row, self.num_layers * self.hidden_size)
        return self.signals[signal], Unit(*divmod(rest, self.hidden_size))

    def row(self, signal: str, unit: Unit) -> int:
        """Return the row that a unit's signal is."""
        return (self.signals.index(signal) * self.num_layers + unit.layer) * self.hidden_size + unit.index

    def layer_of(self, row: int) -> slice:
        """Return the rows of the same signal and layer."""
        first = row // self.hidden_size * self.hidden_size
        return slice(first, first + self.hidden_size)


@contextmanager
def recorded_columns(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    precision: torch.dtype = torch.float32,
    on_read: Callable[[int], object] = lambda characters: None,
) -> Iterator[Columns]:
    """Record a text, ids [T], for the time of a `with` block.

    Raises:
        ConfigError: the cell has no such signal.
    """
    layers, units = model.config.num_layers, model.config.hidden_size
    shape = (len(signals), layers, units, len(ids))
    with TemporaryDirectory(prefix="charrnn-") as folder:
        values: Any = np.memmap(Path(folder) / "values", np.float16, "w+", shape=shape)
        for piece in record_pieces(model, ids, signals, precision):
            places = slice(piece.start, piece.start + piece.characters)
            for index, name in enumerate(signals):
                kept = piece.signals[name].clamp(-LARGEST, LARGEST).transpose(1, 2).half()
                values[index, :, :, places] = kept.cpu().numpy()
            on_read(piece.characters)
        yield Columns(values.reshape(-1, len(ids)), tuple(signals), layers, units)
