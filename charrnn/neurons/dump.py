"""Every unit's values at every character, written to one .npz file in bounded memory."""

import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.files import replacing
from charrnn.model.network import CharRNN
from charrnn.neurons.recording import check_signals, record_pieces


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
        ConfigError: the cell has no such signal.
        OSError: the file cannot be written.
    """
    check_signals(signals, model.config)
    shape = (model.config.num_layers, len(ids), model.config.hidden_size)
    with TemporaryDirectory(dir=output.parent, prefix=".dump-") as folder:
        arrays = {"text": ids, "meta": np.array(json.dumps(meta, ensure_ascii=False))}
        files = {name: Path(folder) / f"{name}.npy" for name in (*arrays, *signals)}
        for name, array in arrays.items():
            np.save(files[name], array)
        values = {
            name: np.lib.format.open_memmap(files[name], mode="w+", dtype=np.dtype(dtype), shape=shape)
            for name in signals
        }
        for piece in record_pieces(model, ids, signals, precision):
            for name, recorded in piece.signals.items():
                values[name][:, piece.start : piece.start + piece.characters] = recorded.float().cpu().numpy()
            on_read(piece.characters)
        for array in values.values():
            array.flush()
        with replacing(output) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as archive:
            for file in files.values():
                archive.write(file, file.name)
