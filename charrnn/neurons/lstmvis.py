"""Every unit's values at every character in the layout that LSTMVis reads: HDF5, a dictionary and `lstm.yml`.

LSTMVis (Strobelt, Gehrmann, Pfister and Rush 2018) opens each folder that has a file `lstm.yml`. That names the HDF5
file's arrays, one [T, H] for each layer and kind of state, and the ids of the words [T]; `words.dict` has a line "WORD
ID" for each word. What LSTMVis calls a word is a character here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.errors import ConfigError
from charrnn.files import replacing
from charrnn.model.cells import gate_names
from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.neurons.dump import check_room
from charrnn.neurons.recording import record_pieces
from charrnn.neurons.signal_names import check_signals, is_bounded

if TYPE_CHECKING:
    import h5py

SUFFIXES = (".h5", ".hdf5")  # by which LSTMVis knows such files
CONFIGURATION, DICTIONARY = "lstm.yml", "words.dict"
_LARGEST = 1_000_000  # bytes of a configuration that is ours; it takes some hundreds
_TYPES = {"c": "state", "h": "output"}  # what LSTMVis calls them
_ARRAYS = {"c": "states", "h": "output"}


def write(
    output: Path,
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    dtype: str,
    meta: Mapping[str, Any],
    words: Sequence[str],
    on_read: Callable[[int], object] = lambda characters: None,
    precision: torch.dtype = torch.float32,
) -> None:
    """Record the text ids [T] and write the file; beside it lstm.yml and the dictionary of `words`, one for each id.

    Raises:
        ConfigError: the cell has no such signal, h5py is not installed, a word has white space or stands twice, or the
            folder belongs to another file, or the disk has too little room.
        OSError: a file cannot be written.
    """
    check_signals(signals, model.config)
    _check_words(words)
    _check_folder(output)
    shape = (model.config.num_layers, len(ids), model.config.hidden_size)
    check_room(output, ids, signals, shape, np.dtype(dtype).itemsize)
    with replacing(output) as temporary, _Disk(temporary, "w+") as disk, _opened(disk) as file:
        file["word_ids"] = ids.astype(np.int32)
        file["meta"] = json.dumps(meta, ensure_ascii=False)
        arrays = {
            (name, layer): file.create_dataset(_path(name, layer), shape[1:], dtype)
            for name in signals
            for layer in range(model.config.num_layers)
        }
        for piece in record_pieces(model, ids, signals, precision):
            places = slice(piece.start, piece.start + piece.characters)
            for (name, layer), array in arrays.items():
                array[places] = piece.signals[name][layer].float().cpu().numpy()
            disk.check()
            on_read(piece.characters)
    _write_text(output.parent / DICTIONARY, "".join(f"{word} {number}\n" for number, word in enumerate(words)))
    configuration = json.dumps(_configuration(output.name, model.config, signals, meta), ensure_ascii=False, indent=2)
    configuration = configuration.replace("\x7f", "\\u007f")  # which JSON may hold and YAML may not
    _write_text(output.parent / CONFIGURATION, configuration + "\n")  # YAML holds JSON


class _Disk(FileIO):
    """A file for the HDF5 library, which crashes where it cannot write: that is kept from it, and raised by `check`."""

    _failure: OSError | None = None

    def write(self, content: Any) -> int:
        rest = whole = memoryview(content).cast("B")
        try:
            while rest:  # a disk that is nearly full takes a part
                rest = rest[super().write(rest) :]
        except OSError as error:
            self._failure = error
        return len(whole)

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self._failure = error
        return size or 0

    def check(self) -> None:
        """Raise what has gone wrong."""
        if self._failure:
            raise self._failure

    def close(self) -> None:
        super().close()
        self.check()


def _opened(disk: _Disk) -> "h5py.File":
    try:
        import h5py
    except ImportError:
        problem = "HDF5 files are written by h5py, which is not installed"
        raise ConfigError(problem, "install it (pip install h5py), or write an .npz file") from None
    return h5py.File(disk, "w")


def _check_words(words: Sequence[str]) -> None:
    bad = [word for word in words if word.split() != [word]]
    if bad or len(set(words)) < len(words):
        raise ConfigError("LSTMVis needs words that differ and have no white space", "give each id a sign of its own")


def _check_folder(output: Path) -> None:
    """A folder is one project of LSTMVis: do not write over the configuration of another."""
    configuration = output.parent / CONFIGURATION
    if not configuration.exists():
        return
    ours = configuration.is_file() and configuration.stat().st_size <= _LARGEST
    if not ours or json.dumps(output.name) not in configuration.read_text("utf-8", "replace"):
        raise ConfigError(f"{configuration} belongs to another file", f"choose a folder of its own for {output.name}")


def _configuration(name: str, config: ModelConfig, signals: Sequence[str], meta: Mapping[str, Any]) -> dict[str, Any]:
    positive = set(gate_names(config)) - {"g", "n"}  # these two are from −1 to 1
    types = [
        {
            "type": _TYPES.get(signal, signal),
            "layer": layer + 1,
            "path": _path(signal, layer),
            "unsigned": signal in positive,
            "transform": "none" if is_bounded(config, signal) else "tanh",
        }
        for signal in signals
        for layer in range(config.num_layers)
    ]
    return {
        "name": str(meta.get("model", name)),
        "description": f"{config.cell}, {config.num_layers}×{config.hidden_size} units, characters of "
        + " ".join(map(str, meta.get("source", []))),
        "files": {"states": name, "train": name, "words": DICTIONARY},
        "word_sequence": {"file": "train", "path": "word_ids", "dict_file": "words"},
        "states": {"file": "states", "types": types},
        "etc": {"regex_search": True},
    }


def _path(signal: str, layer: int) -> str:
    """The array of a layer, counted from 1."""
    return f"{_ARRAYS.get(signal, signal)}{layer + 1}"


def _write_text(path: Path, content: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(content, encoding="utf-8")
