"""A sealed file: tensors and a JSON header in a safetensors file, with a digest over all of it. Knows no torch.

Nothing in such a file is ever executed. Several kinds of model are kept so; each says which tensors belong to it.
"""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

import charrnn
from charrnn.errors import CheckpointError, is_out_of_memory
from charrnn.files import is_special, replacing
from charrnn.room import available, check_memory

Layout = Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]]  # of each tensor the types that it may have, its shape
Tensors = dict[str, npt.NDArray[Any]]
T = TypeVar("T")

_LARGEST_WEIGHT = 1e15  # no training reaches it, and sums of products of two such weights are finite in float32
_OTHER_KINDS = {  # how files begin that are taken for checkpoints; they are known by it and not opened
    b"PK\3\4": "a zip archive, as torch.save makes it",
    b"\x80\2": "a pickle, which could run code",
    b"\x80\4": "a pickle, which could run code",
    b"\x80\5": "a pickle, which could run code",
    b"\x89HDF": "an HDF5 file",
    b"<": "a web page",
    b"version https://git-lfs": "a pointer of Git LFS to the file",
}


def write(path: Path, kind: str, version: str, header: bytes, tensors: Tensors) -> None:
    """Write a sealed file in one step. Raises OSError where `path` cannot be written."""
    digest = seal(version, header, tensors)
    metadata = {"format": kind, "format_version": version, "header": header.decode(), "digest": digest}
    with replacing(path, (SafetensorError,)) as temporary:
        save_file(tensors, temporary, metadata)


def opened(path: Path, read: Callable[[Any, Path], T]) -> T:
    """Open a file that should be a sealed one, and return what `read` makes of it.

    Raises:
        CheckpointError: it is not there, or cannot be read as a safetensors file.
        ConfigError: it is larger than memory.
        OSError, SafetensorError: there is no memory for it.
    """
    if is_special(path):
        raise CheckpointError(f"{path} is no regular file", "give a file or run folder that charrnn wrote")
    try:
        open(path, "rb").close()  # for safetensors, what may not be read is not there
        check_memory(
            f"to read {path}", os.path.getsize(path), available(), "use a machine with more, or a smaller model"
        )
        with safe_open(path, framework="numpy") as file:
            return read(file, path)
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}", "check the path") from None
    except (SafetensorError, OSError) as error:
        if is_out_of_memory(error):
            raise
        why = getattr(error, "strerror", None) or _other_kind(path) or error
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({why})", "give a file or run folder that charrnn wrote"
        ) from None


def kind_of(path: Path) -> str | None:
    """Return which kind a file says it is, without reading its tensors; None where it is no safetensors file."""
    if is_special(path) or not os.path.isfile(path):
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            return (file.metadata() or {}).get("format")
    except (SafetensorError, OSError):
        return None


def checked_metadata(file: Any, path: Path, kind: str, newest: int, others: Mapping[str, str]) -> dict[str, str]:
    """Return the metadata of an open file of a kind, of a version up to `newest`; `others` says what to do with those.

    Raises:
        CheckpointError: it is of another kind, or of a newer version.
    """
    metadata: dict[str, str] = file.metadata() or {}
    version, found = metadata.get("format_version", ""), metadata.get("format", "")
    if found in others:
        raise CheckpointError(f"{path} is a model of another kind", others[found])
    if found != kind or not re.fullmatch("[1-9][0-9]{0,5}", version):
        raise CheckpointError(f"{path} is a safetensors file, but not charrnn's", "give a file that charrnn wrote")
    if int(version) > newest:
        raise CheckpointError(
            f"{path} has format version {version}; this charrnn {charrnn.__version__} reads up to {newest}",
            "upgrade charrnn",
        )
    return metadata


def checked_tensors(file: Any, path: Path, metadata: Mapping[str, str], layout: Layout) -> Tensors:
    """Return the tensors of an open file: names, types, shapes and digest are as they must be.

    Raises:
        CheckpointError: they are not.
    """
    names = set(file.keys())
    if names != set(layout):
        odd = sorted(names ^ set(layout))
        raise damaged(path, f"tensors are missing or too many: {', '.join(odd[:3])}")
    for name, (types, shape) in layout.items():
        slice_ = file.get_slice(name)
        if tuple(slice_.get_shape()) != shape:
            raise damaged(path, f"{name} has the shape {slice_.get_shape()}, not {list(shape)}")
        if slice_.get_dtype() not in types:
            raise damaged(path, f"{name} has the type {slice_.get_dtype()}")
    tensors = {name: file.get_tensor(name) for name in layout}
    if seal(metadata["format_version"], metadata["header"].encode(), tensors) != metadata.get("digest"):
        raise damaged(path, "its digest does not fit its content")
    return tensors


def check_numbers(path: Path, weights: Tensors) -> None:
    """Raise CheckpointError where a weight is no number, or beyond what training reaches."""
    for name, tensor in weights.items():
        if not np.isfinite(tensor).all():
            raise damaged(path, f"{name} holds values that are not finite")
        if np.abs(tensor).max(initial=0) > _LARGEST_WEIGHT:
            raise damaged(path, f"{name} holds values beyond ±{_LARGEST_WEIGHT:g}, which no training reaches")


def damaged(path: Path, why: str) -> CheckpointError:
    """Return the error of a file that is not as it was written."""
    return CheckpointError(f"{path} is damaged: {why}", "use another checkpoint, or a backup")


def seal(version: str, header: bytes, tensors: Tensors) -> str:
    """SHA-256 over version and header and, in the order of their names, each tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(f"{version}\n".encode() + header)
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        digest.update(tensor.data)
    return digest.hexdigest()


def _other_kind(path: Path) -> str | None:
    """What a file is that is no safetensors file, where its first bytes tell."""
    with open(path, "rb") as file:
        head = file.read(64)
    return next((f"it is {kind}" for begins, kind in _OTHER_KINDS.items() if head.startswith(begins)), None)
