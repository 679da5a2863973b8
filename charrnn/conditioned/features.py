"""Features: what an extractor has found in images, cell by cell, in a file that is read row by row, never as a whole.

Such a file has `names` [N] and `features` [N, h, w, F], [N, L, F] or [N, F], and says what made them.
"""

import json
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from math import isqrt
from pathlib import PurePath
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import msgspec
import numpy as np
import numpy.typing as npt

from charrnn.conditioned.reader import Floats, as_floats
from charrnn.errors import SourceError

SUFFIXES = (".npz", ".safetensors", ".h5", ".hdf5")
_SAMPLED = 64  # rows that stand for all where a whole file is too much to read
_TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "U8": np.uint8}  # of safetensors


@dataclass(frozen=True)
class Extraction:
    """What made features: the extractor, the SHA-256 of its weights (none: ""), what was done to pictures before."""

    extractor: str = ""
    weights_sha256: str = ""
    preprocessing: str = ""

    def __str__(self) -> str:
        weights = f" {self.weights_sha256[:8]}" if self.weights_sha256 else ""
        told = (
            f"{self.extractor}{weights} ({self.preprocessing})" if self.preprocessing else f"{self.extractor}{weights}"
        )
        return told if self.extractor else "an extractor that is not named"


@dataclass(frozen=True)
class FeatureSource:
    """What a model knows of the features that it has learned from."""

    extraction: Extraction
    shape: tuple[int, int, int]  # h, w and F
    sha256: str = ""  # of names, shape, and some rows


class Features:
    """N images by name, each with F numbers in h × w cells."""

    def __init__(self, path: str, names: Sequence[str], raw: Any, extraction: Extraction) -> None:
        """`raw` [N, h, w, F], [N, L, F] or [N, F] is an array that gives single rows without reading all of it."""
        self.path, self.names, self.raw, self.extraction = path, tuple(names), raw, extraction
        if raw.ndim not in (2, 3, 4) or 0 in raw.shape or len(raw) != len(self.names):
            given = f"{len(self.names)} names and features of the shape {list(raw.shape)}"
            raise SourceError(
                f"{path} has {given}", "give a name for each image, and [N, h, w, F], [N, L, F] or [N, F]"
            )
        if raw.dtype not in (np.float16, np.float32, np.float64, np.uint8):
            raise SourceError(f"{path} has features of the type {raw.dtype}", "give float16, float32 or uint8")

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Rows and columns of cells, and the numbers of each; L cells are a square where they can be one."""
        *cells, F = self.raw.shape[1:]
        if len(cells) == 2:
            return cells[0], cells[1], F
        count = cells[0] if cells else 1
        side = isqrt(count)
        return (side, side, F) if side * side == count else (1, count, F)

    def rows(self, indices: Sequence[int]) -> Floats:
        """Return the features [B, h, w, F] of some images. Raises SourceError where they are not finite."""
        rows = as_floats([self.row(index) for index in indices])
        if not np.isfinite(rows).all():
            wrong = indices[int(np.argmin(np.isfinite(rows).all((1, 2, 3))))]
            raise SourceError(
                f"{self.path} has features of {self.names[wrong]} that are not finite", "extract it again"
            )
        return rows

    def row(self, index: int) -> npt.NDArray[Any]:
        """Return the features [h, w, F] of one image as they stand in the file."""
        return np.asarray(self.raw[index]).reshape(self.shape)

    def find(self, name: str) -> int | None:
        """Return the place of an image: by its name, that without folders, that without its ending, or its number.

        >>> found = Features("f.npz", ["val/COCO_val2014_000000000042.jpg"], np.zeros((1, 3)), Extraction())
        >>> found.find("COCO_val2014_000000000042"), found.find("42"), found.find("43")
        (0, 0, None)
        """
        for key in _keys(name):
            if key in self._places:
                return self._places[key]
        return None

    @cached_property
    def _places(self) -> dict[str, int]:
        places: dict[str, int] = {}
        for keys in zip(*(_keys(name) for name in self.names), strict=True):  # exact names first
            for index, key in enumerate(keys):
                places.setdefault(key, index)
        return places

    @cached_property
    def source(self) -> FeatureSource:
        """What a model keeps of them."""
        digest = sha256(json.dumps([self.names, self.shape, str(self.raw.dtype), asdict(self.extraction)]).encode())
        for index in self._some:
            digest.update(np.ascontiguousarray(self.row(index)).data)
        return FeatureSource(self.extraction, self.shape, digest.hexdigest())

    @property
    def moments(self) -> tuple[float, float]:
        """The mean and the standard deviation of all numbers, of some rows."""
        rows = self.rows(self._some)
        return float(rows.mean()), max(1e-6, float(rows.std()))

    @property
    def _some(self) -> list[int]:
        return sorted({int(place) for place in np.linspace(0, len(self.names) - 1, _SAMPLED)})


def _keys(name: str) -> tuple[str, str, str, str]:
    path = PurePath(name.replace("\\", "/"))
    number = re.search(r"(\d+)$", path.stem)
    return name, path.name, path.stem, f"#{int(number[1])}" if number else path.stem


def read_features(path: str) -> Features:
    """Open a file of features; its rows are read when they are asked for.

    Raises:
        SourceError: it cannot be read, lacks something, or is compressed.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise SourceError(
            f"{path} is no file of features", "give .npz, .safetensors or .h5; 'charrnn map features' makes one"
        )
    with _told(path):
        if suffix == ".npz":
            return _of_npz(path)
        return _of_safetensors(path) if suffix == ".safetensors" else _of_hdf5(path)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what can be wrong with a file into one line."""
    try:
        yield
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}", "check the path; 'charrnn map features' makes one") from None
    except KeyError as error:
        raise SourceError(f"{path} has no {str(error.args[0])!r}", "give arrays of names and features") from None
    except (OSError, BadZipFile, ValueError, TypeError, struct.error, msgspec.DecodeError, RecursionError) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"{path} cannot be read as features ({why})", "extract them again") from None


def _of_npz(path: str) -> Features:
    with ZipFile(path) as archive:
        members = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
        features = members["features"]
        if features.compress_type != ZIP_STORED:
            raise SourceError(f"{path} is compressed", "write it with numpy.savez, so that single rows can be read")
        names = _array(archive, members["names"])
        told = str(_array(archive, members["extraction"])) if "extraction" in members else "{}"
    with open(path, "rb") as file:
        file.seek(features.header_offset)
        name, extra = struct.unpack("<26x2H", file.read(30))
        file.seek(name + extra, 1)
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
        raw = np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")
    return Features(path, [str(name) for name in names], raw, msgspec.json.decode(told, type=Extraction))


def _array(archive: ZipFile, member: ZipInfo) -> npt.NDArray[Any]:
    """A small array of an archive, as a whole."""
    with archive.open(member) as file:
        return np.load(file, allow_pickle=False)


def _of_safetensors(path: str) -> Features:
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        if size > 1 << 28:
            raise ValueError("its header has no end")
        header = msgspec.json.decode(file.read(size), type=dict[str, dict[str, Any]])
    told, tensor = header.get("__metadata__", {}), header["features"]
    if tensor["dtype"] not in _TYPES:
        raise ValueError(f"its type is {tensor['dtype']}")
    begin = 8 + size + int(tensor["data_offsets"][0])
    raw = np.memmap(path, _TYPES[tensor["dtype"]], "r", begin, tuple(tensor["shape"]))
    names = msgspec.json.decode(told["names"], type=list[str])
    return Features(path, names, raw, msgspec.json.decode(told.get("extraction", "{}"), type=Extraction))


def _of_hdf5(path: str) -> Features:
    try:
        import h5py
    except ImportError:
        raise SourceError(f"to read {path} takes h5py", "pip install 'charrnn[hdf5]'") from None
    file = h5py.File(path, "r")  # kept open while rows are read
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in file["names"][:]]
    told = file.attrs.get("extraction", "{}")
    return Features(path, names, file["features"], msgspec.json.decode(told, type=Extraction))
