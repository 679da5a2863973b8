"""One safe file holding all that a model needs: weights, vocabulary, configuration, figures and provenance.

A safetensors file with a JSON header and a digest in its metadata; nothing in it is ever executed. Knows no torch.
"""

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

import charrnn
from charrnn.errors import (
    CharrnnError,
    CheckpointError,
    ConfigError,
    VocabularyError,
    check_choice,
    check_range,
    check_whole,
    counted,
    did_you_mean,
)
from charrnn.files import beside
from charrnn.model import known, sealed, storage
from charrnn.model.config import BUDGET_RANGE, BUDGETS, ModelConfig
from charrnn.model.known import KnownUnit
from charrnn.model.sealed import seal as seal
from charrnn.model.shipped import RUNS, SHIPPED, run_folder, shipped
from charrnn.text.item_corpus import ItemFacts
from charrnn.text.symbols import Symbols
from charrnn.text.vocabulary import END, UNKNOWN, Vocabulary

FORMAT = "charrnn"
FORMAT_VERSION = 4  # of models of symbols longer than a character; 3 is of others of items, 2 of others with weights in
# 8 bits, and 1 of all others
BEST = "best.safetensors"
LAST = "last.safetensors"
PARTS = ("train", "val", "test")  # of a text, in the order in which they stand in it
STAGES = "stages"  # the folder of the models that a run keeps on its way
UNFINISHED_STAGES = (f"{STAGES}/.step-*.tmp", f"{STAGES}/.tmp??????")  # ours, and those of safetensors itself
LARGEST_FIGURE = 1e38  # a loss is measured in float32
_ELSEWHERE = {  # other kinds of sealed files, and what to do with them
    "charrnn conditioned": "it answers inputs: 'charrnn map apply' and the other commands of 'charrnn map' read it",
}
_READ_FAILED = (msgspec.DecodeError, CharrnnError, RecursionError)


@dataclass(frozen=True)
class Provenance:
    """The text that a model was trained on, how many characters each part of it had, and where it is from (a URL).

    Where `folded` distinct characters were too rare and became U+FFFD, that symbol stands for all that were not seen;
    `charges_folded` says that the losses count which of them it was, as scoring does. Older versions left that out.
    Of items, the characters are what is predicted: those of the items, and an END for each. Where symbols are longer
    than a character, `characters` and `split` count them, and `characters_in` has the characters of each part.
    """

    name: str
    sha256: str
    characters: int
    split: dict[str, int]
    licence: str = ""
    source: str = ""
    folded: int = 0
    charges_folded: bool = False
    items: ItemFacts | None = None  # how the text was cut into items, where it was
    characters_in: dict[str, int] | None = None

    def __post_init__(self) -> None:
        check_whole("characters", self.characters, 0, 2**53)
        check_whole("folded", self.folded, 0, 0x110000)
        for name, length in self.split.items():
            check_choice("a part of the text", name, PARTS)
            check_whole(f"the length of {name}", length, 0, self.characters)
        if "train" not in self.split or sum(self.split.values()) != self.characters:
            raise ConfigError("the parts of the text are not together the text", "name train, and all others, once")
        for name, length in (self.characters_in or self.split).items():
            check_whole(f"the characters of {name}", length, self.split.get(name, 0), 2**53)
        if self.characters_in is not None and set(self.characters_in) != set(self.split):
            raise ConfigError("the parts of the text are not those whose characters are counted", "name the same")

    @property
    def leaves_folded_out(self) -> bool:
        """Whether the losses lack what the folded characters cost."""
        return self.folded > 0 and not self.charges_folded

    def per_character(self, part: str, nats: float | None) -> float | None:
        """Return a loss of a part, in nats per symbol, in nats per character; None where it was not measured."""
        if nats is None or self.characters_in is None:
            return nats
        return nats * self.split[part] / max(1, self.characters_in[part])


@dataclass(frozen=True)
class Figures:
    """Where in its run a checkpoint stands; losses in nats per character (symbol), each of the part that it names."""

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
                check_range(name, value, 0, LARGEST_FIGURE)

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
    known_units: tuple[KnownUnit, ...] = ()  # what single units were found to follow
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    charrnn_version: str = charrnn.__version__
    symbols: Symbols | None = None  # those longer than a character

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
        known.check(self.known_units, self.model)
        labels = self.corpus.items.labels if self.corpus.items else ()
        if len(labels) != self.model.num_classes:
            raise ConfigError(f"there are {len(labels)} labels of {self.model.num_classes} classes", "name each once")
        if (self.symbols is None) != (self.corpus.characters_in is None):
            raise ConfigError("characters of symbols are counted where there are none, or not", "count them with them")


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
        if self.header.symbols:
            return FORMAT_VERSION
        return 3 if self.header.corpus.items else 2 if self.number == "int8" else 1


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
    sealed.write(path, FORMAT, version, header, tensors)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and check all of it: format, header, names and shapes, digest, finite weights.

    Raises:
        CheckpointError: it is not there, not a charrnn checkpoint, of a newer format, or damaged.
        ConfigError: it is larger than memory.
        OSError, SafetensorError: there is no memory for it.
    """
    return sealed.opened(path, _read)


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
    metadata = sealed.checked_metadata(file, path, FORMAT, FORMAT_VERSION, _ELSEWHERE)
    try:
        header = msgspec.json.decode(metadata.get("header", ""), type=Header)
    except _READ_FAILED as error:
        raise sealed.damaged(path, f"its header is wrong: {error}") from None
    layout = storage.layout(header.model.shapes(), set(file.keys()))
    layout["vocabulary"] = (("I32",), (header.model.vocabulary_size,))
    tensors = sealed.checked_tensors(file, path, metadata, layout)
    codes = tensors.pop("vocabulary").astype(np.int64)
    if codes[0] < 0 or codes[-1] > 0x10FFFF or (np.diff(codes) <= 0).any():
        raise sealed.damaged(path, "its vocabulary is not a list of distinct code points in ascending order")
    ends = [ord(END)] if header.corpus.items else []
    if codes[(codes >= 0xD800) & (codes <= 0xDFFF)].tolist() != ends:
        raise sealed.damaged(path, "its vocabulary has halves of surrogate pairs, which are no characters")
    weights = storage.restored(tensors)
    sealed.check_numbers(path, weights)
    if header.corpus.folded and ord(UNKNOWN) not in codes:
        raise sealed.damaged(path, "characters were folded into U+FFFD, which is not in its vocabulary")
    try:
        vocabulary = Vocabulary(map(chr, codes), header.corpus.folded > 0, header.symbols)
    except VocabularyError as error:
        raise sealed.damaged(path, error.problem) from None
    if not set(header.line_beginnings) <= set(vocabulary.characters):
        raise sealed.damaged(path, "no line can begin as its header says")
    return Checkpoint(header, vocabulary, weights, storage.number_format(tensors))
