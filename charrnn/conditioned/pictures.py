"""Pictures -> features: pictures are read from their files, and an extractor says what is in each of their cells."""

import os
import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from charrnn.conditioned.features import Extraction
from charrnn.errors import SourceError, check_whole

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
SIZE, PATCH = 64, 8  # pixels of a picture's side, and of a patch's, where nothing else is asked for
_UNREADABLE = (
    *(OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, OverflowError, struct.error, zlib.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)


class Extractor(Protocol):
    """What makes features of a picture; the same extraction gives the same features."""

    @property
    def extraction(self) -> Extraction:
        """What it is, in words."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows and columns of cells, and the numbers of each."""

    @property
    def dtype(self) -> npt.DTypeLike:
        """Of the numbers, as they are kept."""

    def __call__(self, picture: Image.Image) -> npt.NDArray[Any]:
        """Return the features [h, w, F] of an RGB picture."""


@dataclass(frozen=True)
class Patches:
    """The pixels themselves: a picture of size × size pixels, cut into patches, each a cell of 3·patch² bytes."""

    size: int = SIZE
    patch: int = PATCH

    def __post_init__(self) -> None:
        check_whole("patch", self.patch, 1, 1024)
        check_whole("size", self.size, self.patch, 4096)
        if self.size % self.patch:
            raise SourceError(f"{self.size} pixels are no multiple of a patch of {self.patch}", "give another size")

    @property
    def extraction(self) -> Extraction:
        """What it is, in words."""
        return Extraction("patches", "", f"RGB, {self.size} × {self.size} pixels in patches of {self.patch}")

    @property
    def dtype(self) -> npt.DTypeLike:
        """Bytes, as pixels are."""
        return np.uint8

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows and columns of cells, and the numbers of each."""
        return self.size // self.patch, self.size // self.patch, 3 * self.patch**2

    def __call__(self, picture: Image.Image) -> npt.NDArray[np.uint8]:
        """Return the pixels of each patch, [h, w, 3·patch²]."""
        same = picture.size == (self.size, self.size)
        scaled = picture if same else picture.resize((self.size, self.size), Image.Resampling.BICUBIC, reducing_gap=3)
        h, w, F = self.shape
        pixels = np.asarray(scaled).reshape(h, self.patch, w, self.patch, 3)
        return pixels.transpose(0, 2, 1, 3, 4).reshape(h, w, F)


def read_picture(path: str | os.PathLike[str]) -> Image.Image:
    """Return a picture in RGB, upright; what is transparent is white, and of several frames the first counts.

    Raises:
        SourceError: it is not there, cannot be read, or is larger than pictures are.
    """
    name = os.fspath(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # of odd metadata
            with Image.open(name) as opened:
                upright = ImageOps.exif_transpose(opened)
                if "A" in upright.getbands() or "transparency" in upright.info:
                    upright = upright.convert("RGBA")
                    upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
                return upright.convert("RGB")
    except FileNotFoundError:
        raise SourceError(f"there is no picture {name}", "check the path") from None
    except _UNREADABLE as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise SourceError(f"{name} cannot be read as a picture ({why})", "leave it out, or save it anew") from None


def pictures_in(paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Yield the name and the path of each picture: of files, and of folders all that is in them, in order.

    Raises:
        SourceError: something is not there, or a folder has no picture.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            if not path.exists():
                raise SourceError(f"there is no picture or folder {path}", "check the path")
            yield path.name, path
            continue
        found = sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES)
        if not found:
            raise SourceError(f"{path} has no pictures", f"give a folder with files such as {', '.join(SUFFIXES[:3])}")
        yield from ((each.relative_to(path).as_posix(), each) for each in found)
