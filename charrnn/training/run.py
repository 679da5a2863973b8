"""The run folder: the best and the last checkpoint, the log and the samples, written as training goes on."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from charrnn.errors import CharrnnError, RunError, typed
from charrnn.evaluation.memorisation import Verbatim
from charrnn.files import append, made_anew, make_folder, replacing, sweep, sync
from charrnn.model.checkpoint import (
    BEST,
    LAST,
    Checkpoint,
    Figures,
    is_whole,
    load,
    locate,
    save,
    stage,
)
from charrnn.model.network import CharRNN
from charrnn.runs.lines import take_back
from charrnn.runs.lock import LOCK, Lock
from charrnn.runs.report import Progress
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.item_index import NAME as ITEMS
from charrnn.text.item_index import ItemIndex
from charrnn.text.spec import TextSpec
from charrnn.training.config import TrainingConfig
from charrnn.training.history import CURVE, LOG, SAMPLES, History
from charrnn.training.identity import Identity
from charrnn.training.kept import drop_stages, keep_stage, put_aside
from charrnn.training.resume import STATE, Account, SavedState, load_state, save_state
from charrnn.training.trainer import Trainer


class Run:
    """A run folder being written, by one process at a time."""

    def __init__(
        self,
        path: Path,
        corpus: Corpus,
        training: TrainingConfig,
        precision: str,
        spec: TextSpec,
        origin: Mapping[str, str | int] | None = None,
        lock: Lock | None = None,
    ) -> None:
        """`origin` is kept in checkpoints beside the recipe: the model that a run began from, the threads it keeps to.

        `lock` is the folder's, where it is held.
        """
        self.path = path
        self._spec, self._corpus = spec, corpus
        self.identity = Identity.of(corpus, training, precision, spec, origin or {})
        self._best: float | None = None
        self._written = {LOCK, LOG, STATE}  # what must be found in the folder
        if isinstance(corpus, ItemCorpus):
            self._written.add(ITEMS)
        self._lock = lock or Lock(path)

    def create(self, numbered: bool = False) -> None:
        """Make the folder and take its lock, until `close`.

        If `numbered`, it is one that was not there before: path, or the first free of path-2, path-3, …

        Raises:
            RunError: it holds a run already, another process writes to it, or it cannot be made.
        """
        if not numbered:
            self._refuse_a_run()
        with self._writing():
            if numbered:
                self.path = made_anew(self.path)
                self._lock = Lock(self.path)
            make_folder(self.path)
            self._lock.take()
            try:
                self._refuse_a_run()  # one that ended since may have left a model
            except RunError:
                self._lock.let_go()
                raise
            self._sweep()
            with replacing(self.path / LOG):  # an older log is of a run that ended before its first checkpoint
                pass
            for name in (SAMPLES, STATE):
                (self.path / name).unlink(missing_ok=True)
            drop_stages(self.path, after=-1)
            self._keep_index()

    def _keep_index(self) -> None:
        """Keep which items the text has, by hashes: what is drawn is new or not, though the text is elsewhere."""
        if isinstance(self._corpus, ItemCorpus):
            texts = chain.from_iterable(map(self._corpus.items, self._corpus.parts))
            ItemIndex.of(texts).save(self.path / ITEMS)

    def _refuse_a_run(self) -> None:
        """Refuse a folder in which a model, a state to go on from, or a log that is no run's would be lost."""
        if self.holds_a_model or self._holds_a_state:
            raise RunError(f"{self.path} holds a run already", "name another folder with --out, or go on with --resume")
        for path in (self.path / LOG, self.path / SAMPLES):
            if not os.path.lexists(self.path / STATE) and os.path.isfile(path) and os.path.getsize(path):
                raise RunError(
                    f"{path} is there already and would be lost", "move it, or name another folder with --out"
                )

    @property
    def _holds_a_state(self) -> bool:
        """Whether there is a state after the first step, or one that cannot be read here."""
        try:
            return load_state(self.path).account.header.figures.step > 0
        except CharrnnError:
            return os.path.lexists(self.path / STATE)

    def reopen(self, step: int, best_nats: float | None) -> None:
        """Go on with the folder, whose lock is held, as it was at a step: log and samples lose their later lines.

        Raises:
            RunError: it cannot be written.
        """
        self._best = best_nats
        with self._writing():
            self._sweep()
            self._take_back(step)
            self._keep_index()

    def renew(self, model: CharRNN, figures: Figures) -> list[str]:
        """Save the checkpoints that are damaged or gone as the saved state has them; return what there was to tell.

        Raises:
            RunError: the folder cannot be written.
        """
        known = {BEST: self._best is not None, LAST: figures.step > 0}
        with self._writing():
            there = [name for name in known if known[name] or (self.path / name).exists()]
            lost = [self.path / name for name in there if not is_whole(self.path / name)]
            told = [f"{put_aside(path)}, and made anew of step {figures.step:,}" for path in lost]
            for path in lost:
                save(self.identity.checkpoint(model, figures), path)
        if self.best in lost and self._best is not None:
            self._best = figures.val_nats
        self._written |= {BEST} & set(there)
        return told

    def close(self) -> None:
        """Let others write to the folder."""
        self._lock.let_go()

    def mend(self) -> str | None:
        """Make the folder anew where it was removed; return what of it is lost, None where nothing is.

        Raises:
            RunError: another run has taken its place, or it cannot be made.
        """
        with self._writing():
            lost = sorted(name for name in self._written if not (self.path / name).exists())
            if not (lost or self._lock.holds):
                raise RunError(f"{self.path} was removed, and another run writes there now", "start again with --out")
            if not lost:
                return None
            make_folder(self.path)
            if LOCK in lost:
                self._lock.retake()
            if ITEMS in lost:
                self._keep_index()
            append(self.path / LOG, b"")
        if BEST in lost:
            self._best = None
        self._written -= {BEST, STATE} & set(lost)
        return f"{', '.join(lost)} of {self.path} went missing while the run goes on; its next save makes them anew"

    @property
    def holds_a_model(self) -> bool:
        """Whether the folder is of use as a MODEL."""
        return any(os.path.exists(self.path / name) for name in (BEST, LAST))

    @property
    def kept(self) -> str | None:
        """Which step the saved state holds, in words; None where there is no good one."""
        try:
            return f"{self.path / STATE} is good and holds step {load_state(self.path).account.header.figures.step:,}"
        except RunError:
            return None

    @property
    def best(self) -> Path:
        """The checkpoint with the lowest validation loss (the last one where there is no validation part)."""
        return self.path / BEST

    def log(self, progress: Progress) -> None:
        """Append a line to the log. Raises RunError where it cannot be written, as all that writes here does."""
        self._append(LOG, progress.line())

    def keep_sample(self, progress: Progress, text: str, temperature: float, verbatim: Verbatim | None = None) -> None:
        """Append a sample with the step that it was drawn at, and how much of it stands in the training text."""
        stage = {"step": progress.step, "val_nats": progress.val_nats}
        measured = None if verbatim is None else asdict(verbatim)
        self._append(SAMPLES, {**stage, "temperature": temperature, "text": text, "verbatim": measured})

    def commit(self, trainer: Trainer, progress: Progress) -> None:
        """Save all that stands for this step, and at last the state; of several processes, the first one does.

        The state alone says where the run stands. A kill before it has changed leaves the old one, from which the same
        log lines, samples and checkpoints are made again; a kill after it leaves nothing undone.
        """
        if trainer.group.is_first:
            with self._writing():
                for path in (self.path / LOG, self.path / SAMPLES):
                    if path.exists():
                        sync(path)
            self.save(trainer.model, progress)
        self.save_state(trainer, progress.figures)

    def save(self, model: CharRNN, progress: Progress) -> None:
        """Save the last checkpoint, and as the best one where its validation loss is the lowest so far.

        Without a validation part the last is the best.
        """
        checkpoint = self.identity.checkpoint(model, progress.figures)
        val = progress.val_nats
        lower = progress.val_characters is None and val is not None and self._best is not None and val < self._best
        better = val is not None and (self._best is None or progress.best or lower)
        with self._writing():
            if better or not self.identity.validates:
                save(checkpoint, self.best)
                self._best = val
                self._written.add(BEST)
            save(checkpoint, self.path / LAST)
            if self.identity.training.get("keep_checkpoints"):
                keep_stage(checkpoint, stage(self.path, progress.step))

    def save_state(self, trainer: Trainer, figures: Figures) -> None:
        """Save what the run goes on from; before the first step too, which shows that the folder takes it."""
        account = Account(self.identity.header(trainer.model.config, figures), self._spec, self._best)
        tensors = trainer.state()
        if not trainer.group.is_first:
            return
        with self._writing():
            save_state(SavedState(account, self.identity.vocabulary, tensors), self.path)
        self._written.add(STATE)

    def roll_back(self, trainer: Trainer) -> None:
        """Bring trainer and folder back to the saved state, to go on from there at half the learning rate."""
        saved = load_state(self.path)
        trainer.roll_back(saved.tensors)
        if trainer.group.is_first:
            with self._writing():
                self._take_back(trainer.milestones_settled)
        self.save_state(trainer, saved.account.header.figures)

    def checkpoint(self) -> Checkpoint:
        """Return the best checkpoint, or the last one where none was the best yet."""
        return load(locate(str(self.path)))

    def lines(self) -> Sequence[Mapping[str, Any]]:
        """Return the lines of the log."""
        return History.read(self.path).log

    def save_final(self, checkpoint: Checkpoint) -> None:
        """Save the best checkpoint again, now with its final figures."""
        with self._writing():
            save(checkpoint, self.best)

    def _append(self, name: str, record: dict[str, Any]) -> None:
        with self._writing():
            append(self.path / name, msgspec.json.encode(record) + b"\n")

    def _take_back(self, step: int) -> None:
        """Remove what log, samples and stages say of later steps, and a line that a kill has cut off."""
        drop_stages(self.path, after=step)
        for name in (LOG, SAMPLES):
            take_back(self.path / name, step)

    def _sweep(self) -> None:
        for name in (BEST, LAST, STATE, LOG, SAMPLES, CURVE, ITEMS):
            sweep(self.path / name)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn an error of the disk into one that says what is still there, and what to do."""
        try:
            yield
        except OSError as error:
            problem = f"{error.filename or self.path} cannot be written ({error.strerror})"
            kept = self.kept
            if kept is None:
                raise RunError(problem, "name another folder with --out") from None
            raise RunError(
                f"{problem}; {kept}",
                f"make room or mend the folder, then: {typed('train', '--resume', self.path)}",
            ) from None
