"""The run folder of a conditioned model: best and last checkpoint, log, answers on the way, and the state to resume."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec

from charrnn.conditioned.checkpoint import ConditionedCheckpoint, Header, save
from charrnn.conditioned.examples import Origin
from charrnn.conditioned.hard import STEPS
from charrnn.conditioned.trainer import COUNTS, MOMENTS, PairTrainer, Tensors
from charrnn.conditioned.training import PairTraining
from charrnn.errors import CharrnnError, RunError, typed
from charrnn.files import append, made_anew, make_folder, sweep
from charrnn.model import sealed
from charrnn.model.checkpoint import BEST, LAST, Figures
from charrnn.runs.lines import take_back
from charrnn.runs.lock import LOG, SAMPLES, Lock
from charrnn.runs.report import Progress

STATE = "state.safetensors"
FORMAT, _VERSION = "charrnn conditioned state", "1"
_OTHERS = {"charrnn training state": "continue it with 'charrnn train --resume'"}


class Account(msgspec.Struct, frozen=True):
    """What a state says in words: the header of a checkpoint of that moment, and where the examples are."""

    header: Header
    origin: Origin

    @property
    def training(self) -> PairTraining:
        """The run's recipe and budget; raises msgspec.ValidationError or ConfigError."""
        return msgspec.convert(self.header.training, PairTraining)


class PairRun:
    """A run folder being written, by one process at a time."""

    def __init__(self, path: Path, header: Header, origin: Origin) -> None:
        """`header` is that of the run's checkpoints but for the figures."""
        self.path, self._header, self._origin = path, header, origin
        self._lock = Lock(path)

    def create(self, numbered: bool = False) -> None:
        """Make the folder and take its lock, until `close`; numbered, the first free of path, path-2, path-3 and so on.

        Raises:
            RunError: it holds a run already, another process writes to it, or it cannot be made.
        """
        with self._writing():
            if numbered:
                self.path = made_anew(self.path)
                self._lock = Lock(self.path)
            make_folder(self.path)
            self._lock.take()
            try:
                self._refuse_a_run()
            except RunError:
                self._lock.let_go()
                raise
            for name in (BEST, LAST, STATE, LOG, SAMPLES):
                sweep(self.path / name)
            append(self.path / LOG, b"")

    def lock(self) -> None:
        """Take the lock of a folder that is there. Raises RunError where another process writes to it."""
        with self._writing():
            self._lock.take()

    def reopen(self, step: int) -> None:
        """Go on with the folder, whose lock is held: log and answers lose the lines of later steps.

        Raises:
            RunError: it cannot be written.
        """
        with self._writing():
            for name in (LOG, SAMPLES):
                take_back(self.path / name, step)

    def close(self) -> None:
        """Let others write to the folder."""
        self._lock.let_go()

    def log(self, progress: Progress) -> None:
        """Append a line to the log. Raises RunError where it cannot be written, as all that writes here does."""
        self._append(LOG, progress.line())

    def keep_answers(self, progress: Progress, text: str) -> None:
        """Append what the model answers by now."""
        self._append(SAMPLES, {"step": progress.step, "val_nats": progress.val_nats, "text": text})

    def commit(self, trainer: PairTrainer, progress: Progress) -> None:
        """Save the last checkpoint, the best where it is one, and at last the state, which tells where the run is."""
        checkpoint = ConditionedCheckpoint(replace(self._header, figures=progress.figures), trainer.model.weights())
        with self._writing():
            if progress.best or not trainer.pairs.get("val"):
                save(checkpoint, self.path / BEST)
            save(checkpoint, self.path / LAST)
        self.save_state(trainer, progress.figures)

    def save_state(self, trainer: PairTrainer, figures: Figures) -> None:
        """Save what the run goes on from; before the first step too, which shows that the folder takes it."""
        account = Account(replace(self._header, figures=figures), self._origin)
        with self._writing():
            save_state(self.path, account, trainer.state())

    @property
    def holds_a_model(self) -> bool:
        """Whether the folder is of use as a MODEL."""
        return any(os.path.exists(self.path / name) for name in (BEST, LAST))

    def save_final(self, checkpoint: ConditionedCheckpoint, figures: Figures) -> ConditionedCheckpoint:
        """Save the best checkpoint again, now with its final figures."""
        final = replace(checkpoint, header=replace(checkpoint.header, figures=figures))
        with self._writing():
            save(final, self.path / BEST)
        return final

    def _refuse_a_run(self) -> None:
        for name in (BEST, LAST, STATE):
            if os.path.lexists(self.path / name):
                raise RunError(f"{self.path} holds a run already", "name another folder with --out, or use --resume")
        for name in (LOG, SAMPLES):
            if os.path.isfile(self.path / name) and os.path.getsize(self.path / name):
                raise RunError(f"{self.path / name} would be lost", "move it, or name another folder with --out")

    def _append(self, name: str, record: Mapping[str, Any]) -> None:
        with self._writing():
            append(self.path / name, msgspec.json.encode(record) + b"\n")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn an error of the disk into one that says what to do."""
        try:
            yield
        except OSError as error:
            there = os.path.lexists(self.path / STATE)
            again = f"mend the folder, then: {typed('map', 'train', '--resume', self.path)}"
            raise RunError(
                f"{error.filename or self.path} cannot be written ({error.strerror})",
                again if there else "name another folder with --out",
            ) from None


def save_state(folder: Path, account: Account, tensors: Tensors) -> None:
    """Write what a run goes on from, in one step. Raises OSError."""
    content = msgspec.json.encode({"header": asdict(account.header), "origin": account.origin})
    sealed.write(folder / STATE, FORMAT, _VERSION, content, tensors)


def load_state(folder: Path) -> tuple[Account, Tensors]:
    """Read the state in a run folder and check it as a whole.

    Raises:
        RunError: it is not there, damaged, or none of a conditioned model.
    """
    path = folder / STATE
    if not os.path.isfile(path):
        raise RunError(f"{folder} holds no {STATE}", "give a run folder made by 'charrnn map train'")

    def read(file: Any, path: Path) -> tuple[Account, Tensors]:
        metadata = sealed.checked_metadata(file, path, FORMAT, int(_VERSION), _OTHERS)
        account = msgspec.json.decode(metadata.get("header", ""), type=Account)
        _ = account.training
        layout = dict(_layout(account, set(file.keys())))
        return account, sealed.checked_tensors(file, path, metadata, layout)

    try:
        return sealed.opened(path, read)
    except RunError:
        raise
    except CharrnnError as error:
        raise RunError(error.problem, error.cure) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}", "restore it from a backup, or start a new run") from None


def _layout(account: Account, names: set[str]) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[int, ...]]]]:
    """The tensors that a state has: before the first step there are no moments."""
    yield "counts", (("F64",), (COUNTS,))
    yield "dropout", (("U8",), (_GENERATOR,))
    if account.header.model.attention == "hard":
        yield "means", (("F32",), (STEPS,))
    for name, shape in account.header.model.shapes().items():
        yield f"model.{name}", (("F32",), shape)
        for moment in MOMENTS if f"step.{name}" in names else ():
            yield f"{moment}.{name}", (("F32",), () if moment == "step" else shape)


_GENERATOR = 5056  # bytes of the state of torch's generator on a CPU
