"""Images for models that answer: their features as a file, what a model sees of a picture, and where it looks in it."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy.typing as npt
from PIL import Image

from charrnn.api.drawing import Picture
from charrnn.api.result import Result
from charrnn.conditioned.extractors import extractor as extractor_of
from charrnn.conditioned.extractors import made_by
from charrnn.conditioned.feature_file import FeatureFile
from charrnn.conditioned.features import Features, FeatureSource
from charrnn.conditioned.pictures import pictures_in, read_picture
from charrnn.display import gaze, page
from charrnn.display.gaze import Gaze
from charrnn.errors import SourceError, counted, some
from charrnn.feedback import SILENT, Feedback
from charrnn.room import check_disk

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
_SHOWN = 384  # pixels of a picture's longer side in a drawing


@dataclass(frozen=True)
class Extracted(Result):
    """A file of features: how many images it has, what made them, and what could not be read."""

    path: str
    images: int
    shape: tuple[int, int, int]  # rows and columns of cells, and the numbers of each
    extractor: str
    weights_sha256: str
    preprocessing: str
    skipped: tuple[str, ...]  # why, one for each picture

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self) | {"shape": list(self.shape), "skipped": list(self.skipped)}

    def __str__(self) -> str:
        h, w, F = self.shape
        told = (
            f"wrote {self.path}: {counted(self.images, 'image')} of {h} × {w} cells of {F:,} numbers, {self.extractor}"
        )
        return f"{told}; skipped {counted(len(self.skipped), 'picture')}" if self.skipped else told


def features(
    pictures: Paths,
    output: str | os.PathLike[str],
    *,
    extractor: str = "patches",
    size: int | None = None,
    patch: int | None = None,
    feedback: Feedback = SILENT,
) -> Extracted:
    """Extract features of pictures into a file; what an earlier call was stopped in is gone on with.

    Args:
        pictures: a folder with pictures at any depth, or several files.
        output: an .npz or .safetensors file.
        extractor: patches (the pixels themselves), or efficientnet-lite0.
        size: of patches, the pixels of a picture's side; None: 64.
        patch: of patches, the pixels of a patch's side; None: 8.
        feedback: where the progress and what is skipped is told.

    Raises:
        SourceError: something is not there, or no picture can be read.
        ConfigError: an option is out of its range, or the extractor's weights are not installed.
        RunError: another process writes the file, or another extractor has begun it.
        OSError: the file cannot be written.
    """
    paths = [pictures] if isinstance(pictures, str | os.PathLike) else list(pictures)
    made, path = extractor_of(extractor, size, patch), Path(output)
    found = list(pictures_in([os.fspath(each) for each in paths]))
    file = FeatureFile(path, made)
    check_disk("a file of these features", 2 * file.size(len(found)), path.parent, "make room, or use fewer cells")
    skipped = []
    with file.open(), feedback.bar(len(found), "extracting", unit="image") as bar:
        if file.names:
            feedback.note(f"{counted(len(file.names), 'image')} of {path} are there from before")
        for problem in file.extract(found):
            if problem is not None:
                skipped.append(problem)
                feedback.note(f"skipped: {problem}")
            bar.update(1)
        file.finish()
    told = asdict(made.extraction)
    return Extracted(os.fspath(output), len(file.names), made.shape, **told, skipped=tuple(skipped))


def seeing(known: FeatureSource, features: Features | None) -> Callable[[str], npt.NDArray[Any]]:
    """Return what gives the features of a picture by its path: looked up by its name, or extracted as a model's were.

    Raises:
        ConfigError: the model's extractor is not here.
    """
    if features is None:
        extract = made_by(known.extraction)
        return lambda path: extract(read_picture(path))

    def look_up(path: str) -> npt.NDArray[Any]:
        place = features.find(path)
        if place is None:
            raise SourceError(f"{features.path} has no features of {path}", f"it has {some(features.names)}")
        return features.row(place)

    return look_up


def drawn_from(path: str) -> bytes:
    """Return a picture as a PNG to draw on; none where it is not there, as where only its features are: b""."""
    with suppress(SourceError):
        picture = read_picture(path)
        scale = _SHOWN / max(picture.size)
        how = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.BICUBIC
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        written = BytesIO()
        picture.resize(size, how).save(written, "png", optimize=True)
        return written.getvalue()
    return b""


@dataclass(frozen=True)
class AttendedPicture(Picture):
    """Where a model looked in a picture at each symbol of its answer."""

    model: str
    picture: str
    gaze: Gaze
    nats: float  # of the whole answer

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: the weights [T][h·w], row by row, for each symbol of the answer and its end."""
        seen = self.gaze
        return {
            "model": self.model, "image": self.picture, "source": seen.question, "answer": seen.answer,
            "nats": self.nats, "cells": list(seen.cells), "symbols": list(seen.output),
            "weights": [list(row) for row in seen.weights],
        }  # fmt: skip

    def __str__(self) -> str:
        return gaze.text(self.gaze)

    def _repr_html_(self) -> str:
        return page.frame(gaze.html(self.gaze), 640)

    def content(self, form: str) -> str:
        """Return it as "text" (marks for weights), "html", "svg" or "json"."""
        drawn = {"html": gaze.html, "svg": gaze.svg}.get(form)
        return drawn(self.gaze) if drawn else super().content(form)

    def draw(self, path: Path) -> set[str]:
        """Write it as PNG; a sign that no font here has is a box."""
        gaze.draw(self.gaze, path)
        return set()
