"""Every unit's values at every character, written to one .npz file in bounded memory."""

import json
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.files import naming, private, replacing, workshop
from charrnn.model.network import CharRNN
from charrnn.neurons.recording import record_pieces
from charrnn.neurons.signal_names import check_signals
from charrnn.room import check_disk

Shape = tuple[int, int, int]
WORKSHOP = (".dump-", "*.npy")  # how the folders begin in which a file is made, and what is in them


def write(
    output: Path,
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    dtype: str,
    meta: Mapping[str, Any],
    on_read: Callable[[int], object] = lambda characters: None,
    precision: torch.dtype = torch.float32,
) -> None:
    """Record the text ids [T] and write "text" [T], each signal [L, T, H] and "meta", a JSON string, as one .npz.

    Raises:
        ConfigError: the cell has no such signal, or the disk has too little room.
        OSError: the file cannot be written.
    """
    check_signals(signals, model.config)
    shape = (model.config.num_layers, len(ids), model.config.hidden_size)
    check_room(output, ids, signals, shape, 2 * np.dtype(dtype).itemsize)
    with naming(output), workshop(output.parent, *WORKSHOP) as folder:
        arrays = {"text": ids, "meta": np.array(json.dumps(meta, ensure_ascii=False))}
        files = {name: folder / f"{name}.npy" for name in (*arrays, *signals)}
        for name, array in arrays.items():
            with open(files[name], "wb", opener=private) as opened:
                np.save(opened, array)
        with ExitStack() as stack:
            written = {
                name: _Array(stack.enter_context(open(files[name], "wb", opener=private)), shape, dtype)
                for name in signals
            }
            for piece in record_pieces(model, ids, signals, precision):
                for name, recorded in piece.signals.items():
                    written[name].put(piece.start, recorded.float().cpu().numpy())
                on_read(piece.characters)
        with replacing(output) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as archive:
            for file in files.values():
                archive.write(file, file.name)


def check_room(output: Path, ids: npt.NDArray[np.integer], signals: Sequence[str], shape: Shape, size: int) -> None:
    """Raise ConfigError where a file of so many bytes for each value will find no room."""
    cure = "make room, choose fewer --signals, or read a shorter text"
    check_disk(f"to write {len(ids):,} characters", size * len(signals) * math.prod(shape), output.parent, cure)


class _Array:
    """A .npy file [L, T, H] that is written piece by piece; plainly, as on a full disk a map of a file is a crash."""

    def __init__(self, file: IO[bytes], shape: Shape, dtype: str) -> None:
        self._file, self._shape, self._type = file, shape, np.dtype(dtype)
        described = {"descr": np.lib.format.dtype_to_descr(self._type), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, described)
        self._begin = file.tell()

    def put(self, start: int, values: npt.NDArray[np.float32]) -> None:
        """Write the values [L, n, H] of the characters from `start` on."""
        _, length, units = self._shape
        most = np.finfo(self._type).max  # a raw cell state may be beyond what float16 holds
        for layer, rows in enumerate(values.clip(-most, most).astype(self._type)):
            self._file.seek(self._begin + (layer * length + start) * units * self._type.itemsize)
            self._file.write(rows.tobytes())
