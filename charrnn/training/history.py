"""A run folder read back: its settings, its log and its samples, also while it is being written. Knows no torch."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from charrnn.errors import RunError
from charrnn.model.checkpoint import BEST, LAST, Header, load
from charrnn.training.overfitting import Overfitting, overfitting
from charrnn.training.run import LOG, SAMPLES

Line = dict[str, Any]

_NUMBERS = ("step", "epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second")
_BUDGETS = {"minutes": ("seconds", 60.0), "steps": ("step", 1.0), "epochs": ("epoch", 1.0)}  # and what uses them up


@dataclass(frozen=True)
class History:
    """What a run folder tells. `best` is None until the run has saved its first checkpoint."""

    path: Path
    best: Header | None
    log: tuple[Line, ...]
    samples: tuple[Line, ...]

    @classmethod
    def read(cls, path: Path) -> "History":
        """Read a run folder.

        Lines that are cut off, as the last one may be while a run is written or after a kill, are left out.

        Raises:
            RunError: it is no run folder, or nothing has been logged yet.
            CheckpointError: its checkpoint is damaged.
        """
        if not os.path.isfile(path / LOG):
            raise RunError(f"{path} holds no {LOG} of a run", "give a run folder made by 'charrnn train'")
        log = tuple(_lines(path / LOG, _is_report))
        if not log:
            raise RunError(f"nothing is logged in {path} yet", "wait until the run has taken its first steps")
        saved = [path / name for name in (BEST, LAST) if (path / name).exists()]
        return cls(path, load(saved[0]).header if saved else None, log, tuple(_lines(path / SAMPLES, _is_sample)))

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def settings(self) -> dict[str, Any]:
        """All that was chosen for the run, by name; empty before its first checkpoint."""
        return {} if self.best is None else {**asdict(self.best.model), **self.best.training}

    @property
    def validations(self) -> list[Line]:
        """The lines of the log that have a validation loss."""
        return [line for line in self.log if line.get("val_nats") is not None]

    @property
    def budget_used(self) -> float | None:
        """How much of its budget the run has used up, from 0 to 1; None where that is not known yet."""
        for name, (used, unit) in _BUDGETS.items():
            if self.settings.get(name) is not None:
                return min(1.0, self.log[-1][used] / unit / self.settings[name])
        return None

    @property
    def chars_per_second(self) -> float:
        """Characters trained on in a second, over the whole run: the mean of the log's, each by its time."""
        seconds = [0.0, *(line["seconds"] for line in self.log)]
        spent = [after - before for before, after in pairwise(seconds)]
        characters = sum(line["chars_per_second"] * time for line, time in zip(self.log, spent, strict=True))
        return characters / max(1e-9, seconds[-1])

    @property
    def overfitting(self) -> Overfitting | None:
        """How the run overfits; None where it does not."""
        return overfitting(self.log)


def _lines(path: Path, holds: Callable[[Mapping[str, Any]], bool]) -> Iterator[Line]:
    if not path.exists():
        return
    for content in path.read_bytes().splitlines():
        try:
            line = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if holds(line):
            yield line


def _is_report(line: Mapping[str, Any]) -> bool:
    numbers = [line.get(name) for name in _NUMBERS] + [line.get("val_nats") or 0.0]
    return all(isinstance(number, int | float) for number in numbers)


def _is_sample(line: Mapping[str, Any]) -> bool:
    return isinstance(line.get("step"), int) and isinstance(line.get("text"), str)
