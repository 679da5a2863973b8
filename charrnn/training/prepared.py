"""Prepared: a run before its first step, and what new and continued runs prepare alike."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from charrnn.errors import RunError, SourceError
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.classes import labels_of
from charrnn.model.threads import Threads, numbers_of_threads
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.spec import TextSpec
from charrnn.training.config import TrainingConfig
from charrnn.training.group import Group
from charrnn.training.keeper import Keeper
from charrnn.training.trainer import Trainer
from charrnn.training.watch import Begun, Watch


@dataclass(frozen=True)
class Prepared:
    """What a run needs, and what is still to be done: `begin` writes for the first time, and reports it."""

    trainer: Trainer
    keeper: Keeper
    begin: Callable[[], None]


def threads_for(group: Group, number: int | None, training: TrainingConfig, watch: Watch) -> Threads:
    """Return the number of threads that is given, else a measured one; several processes, or a GPU, keep torch's."""

    def tell(found: str) -> None:
        once = "; the run keeps to this number, on which its last bits depend (--threads)"
        watch.note(found + (once if training.minutes is None else "; --threads N fixes the number"))

    if number is not None:
        return Threads([number])
    alone = group.size == 1 and group.device.type == "cpu"
    return Threads(numbers_of_threads(torch.get_num_threads()) if alone else (), tell)


def kept_threads(threads: Threads, given: int | None, training: TrainingConfig) -> dict[str, int]:
    """Return what the checkpoints say of the threads: the number that the run keeps to."""
    keeps = threads.fixed is not None and (given is not None or training.minutes is None)
    return {"threads": threads.fixed} if keeps and threads.fixed is not None else {}


def refuse_stdin(spec: TextSpec, group: Group) -> None:
    """Raise SourceError where several processes would read one stdin."""
    if group.size > 1 and "-" in spec.sources:
        raise SourceError(f"{group.size} processes cannot read one stdin", "write the text to a file and name that")


def compare_texts(corpus: Corpus, group: Group) -> None:
    """Raise RunError where this process has read another text than the first."""
    if group.found_by_the_first(lambda: corpus.sha256) != corpus.sha256:
        raise RunError(
            f"the text {corpus.name} of process {group.rank} is not that of process 0",
            "put the same text on every machine",
        )


def labels_in(corpus: Corpus) -> tuple[str, ...]:
    """Return the labels of the classes of a text's items; none where it has none."""
    return corpus.facts.labels if isinstance(corpus, ItemCorpus) else ()


def refuse_other_labels(before: Checkpoint, corpus: Corpus, what: str) -> None:
    """Raise RunError where a model has other classes than the text: their vectors would be another's."""
    known, found = labels_of(before), labels_in(corpus)
    if known and known != found:
        shown = ", ".join(found) or "none"
        raise RunError(
            f"{what} has the labels {', '.join(known)}, and the text has {shown}", "name the text with these labels"
        )


def report_beginning(trainer: Trainer, keeper: Keeper, watch: Watch, why: str = "") -> None:
    """Report what is trained, and how; the first process does."""
    if not trainer.group.is_first:
        return
    streams, training = trainer.streams, trainer.config
    precision = str(trainer.precision).removeprefix("torch.")
    sizes = (len(streams.rows), streams.seq_length)
    device, processes = str(trainer.model.device), trainer.group.size
    watch.began(Begun(trainer.model.config, training, *sizes, precision, device, processes, keeper.path, why))
    if sizes != (training.batch_size, training.seq_length):
        short = "the items are few or short" if isinstance(trainer.corpus, ItemCorpus) else "the text is short"
        if not isinstance(trainer.corpus, ItemCorpus) or sizes[0] != training.batch_size:
            watch.note(f"{short}: fewer streams, or a shorter window, than asked for")
