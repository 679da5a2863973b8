"""A conditioned model as one safe file: weights, symbols, configuration, figures and provenance. Knows no torch."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

import charrnn
from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.features import FeatureSource
from charrnn.conditioned.symbols import Symbols
from charrnn.errors import CharrnnError, ConfigError, check_whole
from charrnn.model import sealed
from charrnn.model.checkpoint import FORMAT as CHARACTER_MODEL
from charrnn.model.checkpoint import Figures, Provenance

FORMAT = "charrnn conditioned"
FORMAT_VERSION = 1
LONGEST_OUTPUT = 10_000  # symbols; an answer may become twice as long, and its model is run for each
_ELSEWHERE = {CHARACTER_MODEL: "it writes without an input: 'charrnn sample' and the other commands read it"}


@dataclass(frozen=True)
class Header:
    """What the file of a conditioned model says about itself, apart from its tensors.

    The losses of `figures` are in nats per symbol of the outputs, their end symbols counted, each symbol predicted from
    the right ones before it; `corpus` counts these symbols.
    """

    model: ConditionedConfig
    corpus: Provenance
    figures: Figures
    sources: Symbols
    outputs: Symbols
    columns: tuple[str, str] = ("source", "target")
    named: bool = False  # whether the examples' file names these columns
    examples: dict[str, int] = field(default_factory=dict)  # sources in each part
    longest: int = 1  # symbols of an output of the training part
    images: FeatureSource | None = None  # what images were seen as
    training: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    charrnn_version: str = charrnn.__version__

    def __post_init__(self) -> None:
        check_whole("longest", self.longest, 1, LONGEST_OUTPUT)
        if (self.images is None) != (not self.model.feature_size):
            raise ConfigError("the network and its file differ in whether images are read", "use another file")
        if (len(self.sources), len(self.outputs)) != (self.model.source_size, self.model.output_size):
            raise ConfigError("the symbols are not as many as the network has", "name each symbol once")
        if (self.outputs.kind == "label") != (self.model.output == "classes"):
            raise ConfigError("classes are not labels", "give labels for classes alone")


@dataclass(frozen=True)
class ConditionedCheckpoint:
    """A conditioned model; `weights` are float32 arrays with the names and shapes of `ConditionedConfig.shapes`."""

    header: Header
    weights: dict[str, npt.NDArray[np.float32]]

    @property
    def config(self) -> ConditionedConfig:
        """The network's configuration."""
        return self.header.model


def save(checkpoint: ConditionedCheckpoint, path: Path) -> None:
    """Write a model in one step. Raises OSError where `path` cannot be written."""
    header = msgspec.json.encode(asdict(checkpoint.header))
    sealed.write(path, FORMAT, str(FORMAT_VERSION), header, dict(checkpoint.weights))


def load(path: Path) -> ConditionedCheckpoint:
    """Read a model and check all of it: format, header, names and shapes, digest, finite weights.

    Raises:
        CheckpointError: it is not there, no conditioned model, of a newer format, or damaged.
        ConfigError: it is larger than memory.
    """
    return sealed.opened(path, _read)


def _read(file: Any, path: Path) -> ConditionedCheckpoint:
    metadata = sealed.checked_metadata(file, path, FORMAT, FORMAT_VERSION, _ELSEWHERE)
    try:
        header = msgspec.json.decode(metadata.get("header", ""), type=Header)
    except (msgspec.DecodeError, CharrnnError, RecursionError) as error:
        raise sealed.damaged(path, f"its header is wrong: {error}") from None
    layout = {name: (("F32",), shape) for name, shape in header.model.shapes().items()}
    weights = sealed.checked_tensors(file, path, metadata, layout)
    sealed.check_numbers(path, weights)
    return ConditionedCheckpoint(header, weights)
