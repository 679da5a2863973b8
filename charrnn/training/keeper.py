"""Keeper: where a run is kept as it goes on, in a folder or, for a program that names none, in memory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from charrnn.evaluation.memorisation import Verbatim
from charrnn.model.checkpoint import Checkpoint
from charrnn.runs.report import Progress
from charrnn.training.identity import Identity
from charrnn.training.trainer import Trainer


class Keeper(Protocol):
    """What the loop of a run asks of the place where the run is kept; `training.run.Run` keeps one in a folder."""

    @property
    def identity(self) -> Identity:
        """What its checkpoints say of it."""

    @property
    def path(self) -> Path | None:
        """The run folder, if there is one."""

    @property
    def holds_a_model(self) -> bool:
        """Whether a model was kept."""

    @property
    def kept(self) -> str | None:
        """Which step the saved state holds, in words; None where there is no good one."""

    def mend(self) -> str | None:
        """Make anew what others have removed; return what of it is lost."""

    def log(self, progress: Progress) -> None:
        """Keep a report."""

    def keep_sample(self, progress: Progress, text: str, temperature: float, verbatim: Verbatim | None = None) -> None:
        """Keep a sample."""

    def commit(self, trainer: Trainer, progress: Progress) -> None:
        """Keep the model, and what the run goes on from."""

    def roll_back(self, trainer: Trainer) -> None:
        """Bring the trainer back to what was kept last, at half the learning rate."""

    def checkpoint(self) -> Checkpoint:
        """Return the best model, or the last one where none was the best yet."""

    def save_final(self, checkpoint: Checkpoint) -> None:
        """Keep the best model with its final figures."""

    def lines(self) -> Sequence[Mapping[str, Any]]:
        """Return the lines of the log."""

    def close(self) -> None:
        """End the keeping."""


class Memory:
    """A run that lies in no folder: its log, its best model and its last one."""

    path = kept = None

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._lines: list[dict[str, Any]] = []
        self._best: Checkpoint | None = None
        self._last: Checkpoint | None = None
        self._state: dict[str, Tensor] = {}  # what the run goes back to where it diverges

    @property
    def holds_a_model(self) -> bool:
        """Whether a model was kept."""
        return self._last is not None

    def mend(self) -> None:
        """Do nothing: nobody else removes what is in memory."""

    def log(self, progress: Progress) -> None:
        """Keep the line of a report."""
        self._lines.append(progress.line())

    def keep_sample(self, progress: Progress, text: str, temperature: float, verbatim: Verbatim | None = None) -> None:
        """Keep no sample."""

    def begin(self, trainer: Trainer) -> None:
        """Keep what a run that diverges goes back to."""
        if trainer.config.on_nan == "rollback":
            self._state = {name: tensor.clone() for name, tensor in trainer.state().items()}

    def commit(self, trainer: Trainer, progress: Progress) -> None:
        """Keep the model, as the best one where its validation loss is the lowest so far."""
        self._last = self.identity.checkpoint(trainer.model, progress.figures)
        if progress.best or not self.identity.validates:
            self._best = self._last
        self.begin(trainer)

    def roll_back(self, trainer: Trainer) -> None:
        """Bring the trainer back to what was kept last, at half the learning rate."""
        trainer.roll_back(self._state)
        self._lines = [line for line in self._lines if line["step"] <= trainer.milestones_settled]
        self.begin(trainer)

    def checkpoint(self) -> Checkpoint:
        """Return the best model, or the last one where none was the best yet."""
        found = self._best or self._last
        assert found is not None  # `holds_a_model` tells
        return found

    def save_final(self, checkpoint: Checkpoint) -> None:
        """Keep the best model with its final figures."""
        self._best = checkpoint

    def lines(self) -> Sequence[Mapping[str, Any]]:
        """Return the lines of the log."""
        return self._lines

    def close(self) -> None:
        """Do nothing: the memory is the program's."""
