"""One safe file holding all that a model needs: weights, vocabulary, configuration, figures and provenance.

A safetensors file with a JSON header and a digest in its metadata; nothing in it is ever executed. Knows no torch.
"""

import hashlib
import math
import os
import re
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

import charrnn
from charrnn.errors import (
    CharrnnError,
    CheckpointError,
    ConfigError,
    check_choice,
    check_range,
    check_whole,
    counted,
    did_you_mean,
    is_out_of_memory,
)
from charrnn.files import beside, is_special, replacing
from charrnn.model import storage
from charrnn.model.config import BUDGET_RANGE, BUDGETS, ModelConfig
from charrnn.model.shipped import RUNS, SHIPPED, run_folder, shipped
from charrnn.room import available, check_memory
from charrnn.text.vocabulary import UNKNOWN, Vocabulary

FORMAT = "charrnn"
FORMAT_VERSION = 2  # of files with weights in 8 bits; all others are of version 1, which older versions read
BEST = "best.safetensors"
LAST = "last.safetensors"
PARTS = ("train", "val", "test")  # of a text, in the order in which they stand in it
STAGES = "stages"  # the folder of the models that a run keeps on its way
UNFINISHED_STAGES = (f"{STAGES}/.step-*.tmp", f"{STAGES}/.tmp??????")  # ours, and those of safetensors itself
_LARGEST_FIGURE = 1e38  # a loss is measured in float32
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


@dataclass(frozen=True)
class Provenance:
    """The text that a model was trained on, how many characters each part of it had, and where it is from (a URL).

    Where `folded` distinct characters were too rare and became U+FFFD, that symbol stands for all that were not seen;
    `charges_folded` says that the losses count which of them it was, as scoring does. Older versions left that out.
    """

    name: str
    sha256: str
    characters: int
    split: dict[str, int]
    licence: str = ""
    source: str = ""
    folded: int = 0
    charges_folded: bool = False

    def __post_init__(self) -> None:
        check_whole("characters", self.characters, 0, 2**53)
        check_whole("folded", self.folded, 0, 0x110000)
        for name, length in self.split.items():
            check_choice("a part of the text", name, PARTS)
            check_whole(f"the length of {name}", length, 0, self.characters)
        if "train" not in self.split or sum(self.split.values()) != self.characters:
            raise ConfigError("the parts of the text are not together the text", "name train, and all others, once")

    @property
    def leaves_folded_out(self) -> bool:
        """Whether the losses lack what the folded characters cost."""
        return self.folded > 0 and not self.charges_folded


@dataclass(frozen=True)
class Figures:
    """Where in its run a checkpoint stands; losses in nats per character, each measured on the part it names."""

    step: int = 0
    epoch: float = 0.0
    seconds: float = 0.0
    train_nats: float | None = None
    val_nats: float | None = None
    test_nats: float | None = None
    val_characters: int | None = None  # that the loss is of, from the part's beginning; None: all
    test_characters: int | None = None

    def __post_init__(self) -> None:
        for name in ("step", "val_characters", "test_characters"):
            check_whole(name, getattr(self, name) or 0, 0, 2**53)
        for name in ("epoch", "seconds", "train_nats", "val_nats", "test_nats"):
            value = getattr(self, name) or 0
            if math.isfinite(value):  # a loss that is not, as a diverged run may have, is no figure in a file
                check_range(name, value, 0, _LARGEST_FIGURE)

    def of(self, part: str) -> str:
        """Say which characters of a part its loss is of, where it is not of all."""
        characters = getattr(self, f"{part}_characters", None)
        return "" if characters is None else f" over its first {counted(characters, 'character')}"


def bits(nats: float) -> float:
    """Convert nats to bits: 1 nat = 1 / ln 2 bits."""
    return nats / math.log(2)


@dataclass(frozen=True)
class Header:
    """What a checkpoint says about itself, apart from its tensors."""

    model: ModelConfig
    corpus: Provenance
    figures: Figures
    training: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    line_beginnings: dict[str, int] = field(default_factory=dict)  # lines of the text that begin with each character
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    charrnn_version: str = charrnn.__version__

    def __post_init__(self) -> None:
        for name, value in self.training.items():
            if name in BUDGETS and value is not None:
                if isinstance(value, str | bool):
                    raise ConfigError(f"{name} is {value!r}", "give a number")
                check_range(name, value, *BUDGET_RANGE)
            elif isinstance(value, int | float):
                check_range(f"the setting {name}", value, -(2.0**64), 2.0**64)
        for character, lines in self.line_beginnings.items():
            check_whole(f"the count of lines that begin with {character!r}", lines, 1, 2**53)


@dataclass(frozen=True)
class Checkpoint:
    """A model as it lies in a file; `weights` are float32 arrays with the names and shapes of `ModelConfig.shapes`."""

    header: Header
    vocabulary: Vocabulary
    weights: dict[str, npt.NDArray[Any]]
    number: storage.NumberFormat = "float32"  # that they were stored in

    @property
    def config(self) -> ModelConfig:
        """The network's configuration."""
        return self.header.model

    @property
    def format_version(self) -> int:
        """The version of a file that holds it so."""
        return FORMAT_VERSION if self.number == "int8" else 1


def save(checkpoint: Checkpoint, path: Path, number: storage.NumberFormat = "float32") -> None:
    """Write a checkpoint in one step, with its weights in a number format: a reader finds the old file or the new one.

    Half precision, float16, has 11 significant bits; int8 is a quarter of float32 and cost the models that come with
    charrnn 0.0003 nats per character at most.

    Raises:
        CheckpointError: a weight is beyond what float16 can hold, ±65,504.
        OSError: `path` cannot be written.
    """
    header = msgspec.json.encode(asdict(checkpoint.header))
    tensors = {**storage.stored(checkpoint.weights, number), "vocabulary": checkpoint.vocabulary.codes.astype(np.int32)}
    version = str(replace(checkpoint, number=number).format_version)
    metadata = {
        "format": FORMAT,
        "format_version": version,
        "header": header.decode(),
        "digest": seal(version, header, tensors),
    }
    with replacing(path, (SafetensorError,)) as temporary:
        save_file(tensors, temporary, metadata)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and check all of it: format, header, names and shapes, digest, finite weights.

    Raises:
        CheckpointError: it is not there, not a charrnn checkpoint, of a newer format, or damaged.
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
            return _read(file, path)
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}", "check the path") from None
    except (SafetensorError, OSError) as error:
        if is_out_of_memory(error):
            raise
        why = getattr(error, "strerror", None) or _other_kind(path) or error
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({why})", "give a file or run folder that charrnn wrote"
        ) from None


def is_whole(path: Path) -> bool:
    """Return whether a file is there and a checkpoint with nothing wrong.

    Raises:
        OSError: it cannot be read, which does not tell.
    """
    try:
        load(path)
    except CharrnnError as error:
        cause = error.__context__
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError | IsADirectoryError):
            raise cause from None
        return False
    return True


def _other_kind(path: Path) -> str | None:
    """What a file is that is no safetensors file, where its first bytes tell."""
    with open(path, "rb") as file:
        head = file.read(64)
    return next((f"it is {kind}" for begins, kind in _OTHER_KINDS.items() if head.startswith(begins)), None)


def locate(model: str) -> Path:
    """Return the checkpoint file that MODEL means: the file itself, the best one of a run folder, or a shipped one.

    The name of a shipped model always means that model, and "./name" a file or folder of that name; another name may be
    that of a run in `checkpoints`.

    Raises:
        CheckpointError: there is no such file, or the folder holds no checkpoint.
    """
    path = shipped(model) or run_folder(Path(model))
    if os.path.isfile(path):  # unlike Path.is_file, false for a name that no file can have
        return path
    if not (model and os.path.isdir(path)):
        names = list(filter(shipped, SHIPPED))
        cure = "give a checkpoint file or a run folder of 'charrnn train'"
        cure += f", or one of {', '.join(names)}" if names else ""
        alike = [*beside(path), *beside(RUNS / path)] if model else []
        raise CheckpointError(f"there is no model {model or repr(model)}", did_you_mean(model, names, cure, alike))
    for name in (BEST, LAST):
        if (path / name).is_file():
            return path / name
    raise CheckpointError(f"the folder {model} holds no {BEST}", "give a run folder made by 'charrnn train'")


def stage(run: Path, step: int) -> Path:
    """Return where a run keeps the model of a stage, the step after which it was so."""
    return run / STAGES / f"step-{step:08}.safetensors"


def stages(run: Path) -> dict[int, Path]:
    """Return the models that a run has kept of its stages, by their steps, the first one first.

    Raises:
        OSError: their folder cannot be read, which `Path.glob` would pass over.
    """
    folder = run / STAGES
    paths = folder.iterdir() if folder.is_dir() else ()
    found = ((re.fullmatch(r"step-(\d{8,})\.safetensors", path.name), path) for path in paths)
    return dict(sorted((int(match[1]), path) for match, path in found if match))


def _read(file: Any, path: Path) -> Checkpoint:
    metadata = file.metadata() or {}
    _check_format(metadata, path)
    try:
        header = msgspec.json.decode(metadata.get("header", ""), type=Header)
    except (msgspec.DecodeError, CharrnnError, RecursionError) as error:
        raise _damaged(path, f"its header is wrong: {error}") from None
    names = set(file.keys())
    layout = storage.layout(header.model.shapes(), names)
    layout["vocabulary"] = (("I32",), (header.model.vocabulary_size,))
    _check_tensors(file, names, layout, path)
    tensors = {name: file.get_tensor(name) for name in layout}
    if seal(metadata["format_version"], metadata["header"].encode(), tensors) != metadata.get("digest"):
        raise _damaged(path, "its digest does not fit its content")
    codes = tensors.pop("vocabulary").astype(np.int64)
    if codes[0] < 0 or codes[-1] > 0x10FFFF or (np.diff(codes) <= 0).any():
        raise _damaged(path, "its vocabulary is not a list of distinct code points in ascending order")
    if ((codes >= 0xD800) & (codes <= 0xDFFF)).any():
        raise _damaged(path, "its vocabulary has halves of surrogate pairs, which are no characters")
    weights = storage.restored(tensors)
    for name, tensor in weights.items():
        if not np.isfinite(tensor).all():
            raise _damaged(path, f"{name} holds values that are not finite")
        if np.abs(tensor).max(initial=0) > _LARGEST_WEIGHT:
            raise _damaged(path, f"{name} holds values beyond ±{_LARGEST_WEIGHT:g}, which no training reaches")
    if header.corpus.folded and ord(UNKNOWN) not in codes:
        raise _damaged(path, "characters were folded into U+FFFD, which is not in its vocabulary")
    vocabulary = Vocabulary(map(chr, codes), folds=header.corpus.folded > 0)
    if not set(header.line_beginnings) <= set(vocabulary.characters):
        raise _damaged(path, "no line can begin as its header says")
    return Checkpoint(header, vocabulary, weights, storage.number_format(tensors))


def _check_format(metadata: dict[str, str], path: Path) -> None:
    version = metadata.get("format_version", "")
    if metadata.get("format") != FORMAT or not re.fullmatch("[1-9][0-9]{0,5}", version):
        raise CheckpointError(f"{path} is a safetensors file, but not charrnn's", "give a file that charrnn wrote")
    if int(version) > FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has format version {version}; this charrnn {charrnn.__version__} reads up to {FORMAT_VERSION}",
            "upgrade charrnn",
        )


def _check_tensors(
    file: Any, names: set[str], layout: dict[str, tuple[tuple[str, ...], tuple[int, ...]]], path: Path
) -> None:
    if names != set(layout):
        odd = sorted(names ^ set(layout))
        raise _damaged(path, f"tensors are missing or too many: {', '.join(odd[:3])}")
    for name, (types, shape) in layout.items():
        slice_ = file.get_slice(name)
        if tuple(slice_.get_shape()) != shape:
            raise _damaged(path, f"{name} has the shape {slice_.get_shape()}, not {list(shape)}")
        if slice_.get_dtype() not in types:
            raise _damaged(path, f"{name} has the type {slice_.get_dtype()}")


def _damaged(path: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{path} is damaged: {why}", "use another checkpoint, or a backup")


def seal(version: str, header: bytes, tensors: dict[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over version and header and, in the order of their names, each tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(f"{version}\n".encode() + header)
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"\n{name} {tensor.dtype.str} {tensor.shape}\n".encode())
        digest.update(tensor.data)
    return digest.hexdigest()
