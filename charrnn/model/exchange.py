"""A model for other people's programs: one JSON document of its characters, its sizes and its weights as stored."""

import sys
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.model import storage
from charrnn.model.cells import gate_names
from charrnn.model.checkpoint import Checkpoint
from charrnn.text.symbols import kind_of

FORMAT, FORMAT_VERSION = "charrnn model", 1


def base64_text(content: bytes) -> str:
    """Return bytes as base64."""
    return b64encode(content).decode()


def document(
    checkpoint: Checkpoint,
    number: storage.NumberFormat | None = None,
    packing: str = "base64",
    pack: Callable[[bytes], str] = base64_text,
) -> dict[str, Any]:
    """Return a model as JSON has it: all that is needed to run it.

    Args:
        checkpoint: the model.
        number: what its matrices are stored in; None: what they are stored in now.
        packing: the name of the way in which numbers become text, and
        pack: that way.

    Raises:
        CheckpointError: a weight is beyond what float16 can hold.
    """
    config = checkpoint.config
    tensors = storage.stored(checkpoint.weights, number or checkpoint.number)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "cell": config.cell,
        "nonlinearity": config.nonlinearity,
        "num_layers": config.num_layers,
        "hidden_size": config.hidden_size,
        "embedding_size": config.embedding_size,
        "gates": list(gate_names(config)),
        "characters": list(checkpoint.vocabulary.names),
        "symbols": kind_of(checkpoint.vocabulary.symbols),
        "folds": checkpoint.vocabulary.folds,
        "end": checkpoint.vocabulary.end,
        "line_beginnings": {_name(checkpoint, c): lines for c, lines in checkpoint.header.line_beginnings.items()},
        "packing": packing,
        "weights": {name: _tensor(tensors, name, pack) for name in config.shapes()},
    }


def _name(checkpoint: Checkpoint, character: str) -> str:
    symbols = checkpoint.vocabulary.symbols
    return character if symbols is None else symbols.name(character)


def _tensor(tensors: storage.Weights, name: str, pack: Callable[[bytes], str]) -> dict[str, Any]:
    tensor, scales = tensors[name], tensors.get(name + storage.SCALE)
    described = {"type": tensor.dtype.name, "shape": list(tensor.shape), "data": pack(_little_endian(tensor))}
    return described if scales is None else described | {"scale": pack(_little_endian(scales))}


def _little_endian(tensor: npt.NDArray[Any]) -> bytes:
    """The numbers row by row; those of several bytes with the lowest byte first."""
    swapped = tensor.byteswap() if sys.byteorder == "big" else tensor
    return np.ascontiguousarray(swapped).tobytes()
