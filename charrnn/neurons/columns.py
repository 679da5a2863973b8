"""Every unit's values over a text as one row each, in a file of the temporary folder, so that memory stays bounded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import numpy.typing as npt
import torch

from charrnn.files import naming, private, workshop
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.recording import Piece, record_pieces
from charrnn.room import check_disk

_VALUES = "values"
WORKSHOP = ("charrnn-", _VALUES)  # how the folders in the temporary folder begin, and what is in them
LARGEST = 60000  # float16 holds no more; a raw cell state may be beyond it


@dataclass(frozen=True)
class Columns:
    """The values [N, T] of N = signals · L · H units, signal by signal and layer by layer, in float16.

    In float16 tanh(c) is ±1 beyond |c| = 4.5: where a cell state drifts out there, its order is not taken for a signal.
    In the file a character's values lie together, as they come: to write a page for each unit would take longer than
    to compute what is written.
    """

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
        ConfigError: the cell has no such signal, or the disk has too little room.
        OSError: the file cannot be written.
    """
    layers, units = model.config.num_layers, model.config.hidden_size
    count = len(signals) * layers * units
    cure = "make room, read fewer --characters or --signals, or name another folder with TMPDIR"
    check_disk(f"to record {len(ids):,} characters", 2 * count * len(ids), Path(gettempdir()), cure)
    with workshop(Path(gettempdir()), *WORKSHOP) as folder:
        path = folder / _VALUES
        with naming(path), open(path, "w+b", opener=private) as file:
            for piece in record_pieces(model, ids, signals, precision):
                file.seek(piece.start * count * 2)
                file.write(_rows(piece, signals))
                on_read(piece.characters)
            file.flush()
            values = np.memmap(file, np.float16, "r", shape=(len(ids), count))
        yield Columns(values.T, tuple(signals), layers, units)


def _rows(piece: Piece, signals: Sequence[str]) -> bytes:
    """The bytes of a row of values for each character."""
    kept = [piece.signals[name].clamp(-LARGEST, LARGEST).half() for name in signals]  # each [L, n, H]
    return torch.stack(kept).permute(2, 0, 1, 3).cpu().numpy().tobytes()
