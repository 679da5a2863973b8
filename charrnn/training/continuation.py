"""A run that goes on: exactly as if it had not stopped, or with its text elsewhere or changed, or for longer."""

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import torch

from charrnn.errors import RunError, counted, typed
from charrnn.model.config import BUDGETS
from charrnn.model.devices import choose_device, choose_precision
from charrnn.model.network import CharRNN
from charrnn.runs.lock import Lock, locked
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.spec import TextSpec
from charrnn.training.config import OnNan, TrainingConfig
from charrnn.training.group import Group, joined
from charrnn.training.prepared import Prepared, compare_texts, kept_threads, report_beginning, threads_for
from charrnn.training.resume import SavedState, begin_from, find_state, load_state, restore
from charrnn.training.run import Run
from charrnn.training.trainer import Trainer
from charrnn.training.watch import Watch


@dataclass(frozen=True)
class Wish:
    """What is asked for of a run that goes on, beyond going on."""

    moved: Sequence[str] = ()  # where its text is now
    given: str | None = None  # its text itself
    force: bool = False  # go on with a changed text
    budget: Mapping[str, float] = field(default_factory=dict)  # in all, by its name: minutes, steps or epochs
    on_nan: OnNan | None = None
    device: str = "auto"
    threads: int | None = None

    @property
    def has_text(self) -> bool:
        """Whether the text is named anew."""
        return bool(self.moved) or self.given is not None

    def training(self, before: TrainingConfig) -> TrainingConfig:
        """Return the recipe of the run with what is asked for."""
        after = replace(before, on_nan=self.on_nan) if self.on_nan else before
        only: dict[str, Any] = {name: self.budget.get(name) for name in BUDGETS}
        return replace(after, **only) if self.budget else after


@contextmanager
def resumed(path: Path, wish: Wish, watch: Watch) -> Iterator[Prepared]:
    """Prepare the model, the corpus and the state of a run, whose lock is held."""
    find_state(path)  # another folder is refused before it gets a lock file
    with joined(choose_device(wish.device)) as group, locked(path) if group.is_first else nullcontext() as lock:
        saved = load_state(path)
        with group.first_goes_first():
            corpus, spec, changed = _same_text(saved, path, wish, watch)
        compare_texts(corpus, group)
        older = saved.account.header.corpus.leaves_folded_out
        if older:
            watch.note(
                "an older charrnn left out what rare characters cost: from here on losses are higher, the best is new"
            )
        trainer = _trainer(saved, corpus, group, wish, watch)
        if changed or older:
            trainer.validator.best = None  # the losses are of another text from here on
        if trainer.config.minutes is None:
            trainer.settle_threads()
        used = trainer.rebudget() if wish.budget else None
        run = _run(path, saved, trainer, spec, wish, lock)

        def begin() -> None:
            _reopen(run, trainer, saved, anew=changed or older, write=wish.has_text or bool(wish.budget), watch=watch)
            report_beginning(trainer, run, watch)
            if used is not None:
                watch.note(_on_budget(trainer, used))

        yield Prepared(trainer, run, begin)


def _trainer(saved: SavedState, corpus: Corpus, group: Group, wish: Wish, watch: Watch) -> Trainer:
    account = saved.account
    training, precision = wish.training(account.training), account.precision
    network = CharRNN(account.header.model, torch.Generator()).to(group.device)
    known = wish.threads or account.threads
    timed = known or training.minutes is not None or account.training.minutes is not None
    threads = threads_for(group, known, training, watch) if timed else None  # a run older than this goes on as it was
    trainer = Trainer(network, corpus, training, choose_precision(precision, group.device), group, threads)
    restore(trainer, saved)
    return trainer


def _run(path: Path, saved: SavedState, trainer: Trainer, spec: TextSpec, wish: Wish, lock: Lock | None) -> Run:
    account = saved.account
    origin: dict[str, Any] = {
        name: str(value) for name, value in account.header.training.items() if name.startswith("init_")
    }
    origin |= kept_threads(trainer.threads, wish.threads or account.threads, trainer.config)
    return Run(path, trainer.corpus, trainer.config, account.precision, spec, origin, lock)


def _reopen(run: Run, trainer: Trainer, saved: SavedState, anew: bool, write: bool, watch: Watch) -> None:
    """Bring the folder to the saved state; `anew`: no earlier model counts as the best, `write`: the state changes."""
    figures = saved.account.header.figures
    if trainer.group.is_first:
        run.reopen(trainer.milestones_settled, None if anew else saved.account.best_nats)
        for line in run.renew(trainer.model, figures):
            watch.note(line)
    if anew or write:
        run.save_state(trainer, figures)


def _on_budget(trainer: Trainer, used: float) -> str:
    training = trainer.config
    return (
        f"{used:.0%} of the new budget is used up: the {training.schedule} schedule is that of a run of "
        f"{training.budget} in all, with a rate of {trainer.rate_at(used):.2g} from here on"
    )


def _same_text(saved: SavedState, path: Path, wish: Wish, watch: Watch) -> tuple[Corpus, TextSpec, bool]:
    """The text of a stopped run, where it is to be found from now on, and whether it has changed since.

    Raises:
        RunError: it is gone, or it has changed, and is not to be taken as it is now, or cannot be.
    """
    spec = saved.account.sources.absolute(wish.moved) if wish.moved else saved.account.sources
    _refuse_gone(spec, path, wish)
    was = RunError(
        f"the text of {path} has changed since it was trained on",
        "restore it, or start a new run, or name its new place as SOURCE, or go on with it as it is now: --force",
    )
    provenance = saved.account.header.corpus

    if not (wish.force or wish.has_text or spec.is_there(provenance.characters, watch)):
        raise was
    sizes: list[int] = []
    known = saved.vocabulary
    corpus = spec.read(watch, lambda listing: sizes.append(listing.size), wish.given, known.symbols)
    for line in corpus.notes:
        watch.note(line)
    changed = corpus.sha256 != provenance.sha256
    if changed and not wish.force:
        raise was
    if isinstance(corpus, ItemCorpus) and corpus.facts.labels != (provenance.items.labels if provenance.items else ()):
        raise RunError(
            f"the text of {path} now has other labels", f"start a new run from its weights: {begin_from(path)}"
        )
    unknown = known.unknown(corpus.vocabulary.alphabet)
    if unknown:
        raise RunError(
            f"the text of {path} now has {counted(len(unknown), known.noun)} that its model does not know",
            f"start a new run from its weights: {begin_from(path)}",
        )
    if changed:
        watch.note(
            "the text has changed: going on from the same step in the text as it is now; the best is chosen anew"
        )
    return corpus.under(known), _kept(saved.account.sources, spec, changed, wish, sizes), changed


def _kept(before: TextSpec, spec: TextSpec, changed: bool, wish: Wish, sizes: list[int]) -> TextSpec:
    """Where a run finds its text the next time: not in a string or in stdin, which cannot be read again."""
    again = wish.given is None and "-" not in wish.moved
    if not (again or changed):
        return before
    return msgspec.structs.replace(spec, sources=() if wish.given is not None else spec.sources, size=sum(sizes))


def _refuse_gone(spec: TextSpec, path: Path, wish: Wish) -> None:
    """Raise RunError where the text is not where it was read from."""
    again = typed("train", "--resume", path)
    if not spec.sources and wish.given is None:
        raise RunError(f"the text of {path} was a string", f"write it to a file and name that: {again} FILE")
    gone = [name for name in spec.sources if os.path.isabs(name) and not os.path.lexists(name)]
    if gone and not glob.has_magic(gone[0]) and wish.given is None:
        raise RunError(f"the text of {path} is not at {gone[0]} any more", f"name its new place: {again} SOURCE")
