"""A run folder read back: its settings, its log and its samples, also while it is being written. Knows no torch."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NotRequired, Protocol, TypedDict, TypeVar

import msgspec
from safetensors import SafetensorError, safe_open

from charrnn.errors import RunError, did_you_mean
from charrnn.evaluation.memorisation import Verbatim
from charrnn.files import beside, is_special
from charrnn.model.checkpoint import BEST, LAST, Figures, Provenance, load
from charrnn.model.shipped import RUNS, shipped
from charrnn.runs.lines import raw_lines
from charrnn.runs.lock import LOG as LOG
from charrnn.runs.lock import SAMPLES as SAMPLES
from charrnn.training.overfitting import Overfitting, overfitting

CURVE = "loss.png"
STATE = "state.safetensors"

Kind = TypeVar("Kind")
Step = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Figure = Annotated[float, msgspec.Meta(ge=0, le=1e38)]  # torch's are float32


class Line(TypedDict):
    """A line of the log."""

    step: Step
    epoch: Figure
    seconds: Figure
    learning_rate: Figure
    train_nats: Figure
    grad_norm: Figure
    chars_per_second: Figure
    val_nats: NotRequired[Figure | None]
    rollbacks: NotRequired[Step | None]


_BUDGETS = {"minutes": ("seconds", 60.0), "steps": ("step", 1.0), "epochs": ("epoch", 1.0)}  # and what uses them up


class Sample(msgspec.Struct, frozen=True):
    """What the model wrote at one stage of its run."""

    step: Step
    text: str
    val_nats: Figure | None = None
    temperature: Figure | None = None
    verbatim: Verbatim | None = None


class Described(Protocol):
    """What a checkpoint of any kind says of itself, as far as a history tells it."""

    @property
    def model(self) -> Any:
        """The sizes and kind of the network: a dataclass with `kind`, `num_layers`, `hidden_size`, `parameters`."""

    @property
    def corpus(self) -> Provenance:
        """What it was trained on."""

    @property
    def figures(self) -> Figures:
        """Where in its run it stands, and its losses."""

    @property
    def training(self) -> Mapping[str, Any]:
        """The recipe."""


def _header(path: Path) -> Described:
    return load(path).header


@dataclass(frozen=True)
class History:
    """What a run folder tells. `best` is None until the run has saved its first checkpoint."""

    path: Path
    best: Described | None
    log: tuple[Mapping[str, Any], ...]
    samples: tuple[Sample, ...]

    @classmethod
    def read(cls, path: Path, header_of: Callable[[Path], Described] = _header) -> "History":
        """Read a run folder; `header_of` reads what a checkpoint says of itself.

        Lines that are cut off, as the last one may be while a run is written or after a kill, are left out.

        Raises:
            RunError: it is no run folder, or nothing has been logged yet.
            CheckpointError: its checkpoint is damaged.
        """
        if not os.path.isfile(path / LOG):
            raise no_run(path)
        log = tuple(_rising(_lines(path / LOG, Line)))
        if not log:
            raise RunError(f"nothing is logged in {path} yet", "wait until the run has taken its first steps")
        saved = [path / name for name in (BEST, LAST) if (path / name).exists()]
        return cls(path, header_of(saved[0]) if saved else None, log, tuple(_lines(path / SAMPLES, Sample)))

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def settings(self) -> dict[str, Any]:
        """All that was chosen for the run, by name; empty before its first checkpoint."""
        return {} if self.best is None else {**asdict(self.best.model), **self.best.training}

    @property
    def text(self) -> dict[str, Any] | None:
        """Which text the run reads, and how it is split; None before its first checkpoint."""
        return None if self.best is None else asdict(self.best.corpus)

    @property
    def budget_used(self) -> float | None:
        """How much of its budget the run has used up, from 0 to 1; None where that is not known yet."""
        for name, (used, unit) in _BUDGETS.items():
            if self.settings.get(name) is not None:
                return min(1.0, self.log[-1][used] / unit / self.settings[name])
        return None

    @property
    def chars_per_second(self) -> float | None:
        """Characters trained on in a second, over the whole run, its milestones too; None before a checkpoint."""
        if self.best is None:
            return None
        return self.log[-1]["epoch"] * self.best.corpus.split["train"] / max(1e-9, self.log[-1]["seconds"])

    @property
    def overfitting(self) -> Overfitting | None:
        """How the run overfits; None where it does not."""
        return overfitting(self.log)


def _lines(path: Path, kind: type[Kind]) -> Iterator[Kind]:
    for content in raw_lines(path):
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield msgspec.json.decode(content, type=kind)


def no_run(path: Path, lacks: str = LOG) -> RunError:
    """Say what a path is that is no folder of a run with a file of that name."""
    cure = "give a run folder made by 'charrnn train'"
    if os.path.isfile(path):
        return RunError(f"{path} is a file, not the folder of a run", cure)
    if os.path.isdir(path):
        return RunError(f"{path} holds no {lacks} of a run", cure)
    if shipped(str(path)):
        return RunError(f"{path} is a model that comes with charrnn, without the {lacks} of its run", cure)
    return RunError(
        f"there is no folder {path}", did_you_mean(str(path), (), cure, [*beside(path), *beside(RUNS / path)])
    )


def _rising(lines: Iterator[Line]) -> Iterator[Mapping[str, Any]]:
    """The lines that tell of a later step than those before, as all do that a run has written."""
    step, seconds = 0, 0.0
    for line in lines:
        if line["step"] > step and line["seconds"] >= seconds:
            step, seconds = line["step"], line["seconds"]
            yield line


class _Where(msgspec.Struct):
    sources: tuple[str, ...]


class _Told(msgspec.Struct):
    sources: _Where


def resumes_from(path: Path) -> tuple[str, ...]:
    """Return the sources that `charrnn train --resume` would read for a run folder; none where it has no state.

    They stand in a file that whoever made the folder wrote: they are to be looked at where that was a stranger.
    """
    if is_special(path / STATE) or not os.path.isfile(path / STATE):
        return ()
    with (
        suppress(SafetensorError, OSError, msgspec.DecodeError, RecursionError),
        safe_open(path / STATE, "numpy") as file,
    ):
        return msgspec.json.decode((file.metadata() or {}).get("account", ""), type=_Told).sources.sources
    return ()
