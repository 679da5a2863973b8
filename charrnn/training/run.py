"""The run folder: the best and the last checkpoint, the log and the samples, written as training goes on.

Knows no torch.
"""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from charrnn.errors import RunError
from charrnn.files import replacing
from charrnn.model.checkpoint import BEST, LAST, Checkpoint, Figures, Header, Provenance, load, save
from charrnn.text.corpus import Corpus
from charrnn.training.config import TrainingConfig
from charrnn.training.memorisation import Verbatim

if TYPE_CHECKING:
    from charrnn.model.network import CharRNN
    from charrnn.training.trainer import Progress

LOG = "log.jsonl"
SAMPLES = "samples.jsonl"
CURVE = "loss.png"

_LOGGED = ("step", "epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second", "val_nats")


class Run:
    """A run folder being written."""

    def __init__(self, path: Path, corpus: Corpus, training: TrainingConfig, precision: str) -> None:
        self.path = path
        self._vocabulary = corpus.vocabulary
        self._provenance = Provenance(
            corpus.name, corpus.sha256, len(corpus), corpus.split, corpus.licence, corpus.source
        )
        self._training = {k: v for k, v in asdict(training).items() if v is not None} | {"precision": precision}
        self._best: float | None = None
        self._validates = "val" in corpus.parts

    def create(self) -> None:
        """Make the folder.

        Raises:
            RunError: it holds a run already, or it cannot be made.
        """
        if any(os.path.exists(self.path / name) for name in (BEST, LAST)):
            raise RunError(f"{self.path} holds a run already", "name another folder with --out, or go on with --resume")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / LOG).write_bytes(b"")  # an older log is of a run that ended before its first checkpoint
            (self.path / SAMPLES).unlink(missing_ok=True)
        except OSError as error:
            why = f"{self.path} cannot be written ({error.strerror})"
            raise RunError(why, "name another folder with --out") from None

    def reopen(self, step: int) -> None:
        """Go on with the folder as it was at a step: later lines of log and samples are taken back."""
        self._best = load(self.best).header.figures.val_nats if self.best.exists() else None
        for name in (LOG, SAMPLES):
            lines = (self.path / name).read_bytes().splitlines(keepends=True) if (self.path / name).exists() else []
            with replacing(self.path / name) as temporary:
                temporary.write_bytes(b"".join(line for line in lines if _step_of(line) <= step))

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest validation loss (the last one where there is no validation part)."""
        return self.path / BEST

    def log(self, progress: "Progress") -> None:
        """Append a line to the log."""
        values = {name: getattr(progress, name) for name in _LOGGED}
        self._append(LOG, {name: value for name, value in values.items() if value is not None})

    def keep_sample(
        self, progress: "Progress", text: str, temperature: float, verbatim: Verbatim | None = None
    ) -> None:
        """Append a sample with the step that it was drawn at, and how much of it stands in the training text."""
        stage = {"step": progress.step, "val_nats": progress.val_nats}
        measured = None if verbatim is None else asdict(verbatim)
        self._append(SAMPLES, {**stage, "temperature": temperature, "text": text, "verbatim": measured})

    def save(self, model: "CharRNN", progress: "Progress") -> None:
        """Save the last checkpoint, and as the best one where its validation loss is the lowest so far.

        Without a validation part the last is the best.
        """
        figures = Figures(progress.step, progress.epoch, progress.seconds, progress.train_nats, progress.val_nats)
        checkpoint = Checkpoint(self._header(model, figures), self._vocabulary, model.weights())
        save(checkpoint, self.path / LAST)
        val = progress.val_nats
        if not self._validates or (val is not None and (self._best is None or val < self._best)):
            self._best = val
            save(checkpoint, self.best)

    def save_final(self, model: "CharRNN", figures: Figures) -> None:
        """Save the best checkpoint again, now with its final figures."""
        save(Checkpoint(self._header(model, figures), self._vocabulary, model.weights()), self.best)

    def _header(self, model: "CharRNN", figures: Figures) -> Header:
        return Header(model.config, self._provenance, figures, self._training)

    def _append(self, name: str, record: dict[str, Any]) -> None:
        with (self.path / name).open("ab") as file:
            file.write(msgspec.json.encode(record) + b"\n")


def _step_of(line: bytes) -> float:
    """The step that a line of a log tells of; none for one that was cut off."""
    try:
        return float(msgspec.json.decode(line)["step"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return float("inf")


def free_folder(parent: Path, name: str) -> Path:
    """Return parent/name, or the first of parent/name-2, -3, … that does not exist."""
    candidate, count = parent / name, 1
    while candidate.exists():
        count += 1
        candidate = parent / f"{name}-{count}"
    return candidate
