"""How `charrnn train` comes to a trainer and a run folder: a new one, one from a model's weights, or a stopped one."""

import dataclasses
import glob
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from charrnn.cli.common import check_utf8, load_checkpoint, note, note_beside_bar, read_corpus, say
from charrnn.errors import ConfigError, RunError, SourceError, counted, typed
from charrnn.model.config import BUDGETS
from charrnn.room import check_disk, check_memory

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.config import ModelConfig
    from charrnn.model.network import CharRNN
    from charrnn.model.threads import Threads
    from charrnn.text.corpus import Corpus
    from charrnn.text.sources import Listing
    from charrnn.text.vocabulary import Vocabulary
    from charrnn.training.config import OnNan, TrainingConfig
    from charrnn.training.group import Group
    from charrnn.training.resume import SavedState, Sources
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

STAGES = 20  # of a run, about
INHERITED = ("cell", "nonlinearity", "num_layers", "hidden_size", "embedding_size")


class Prepared(NamedTuple):
    """What a run needs, and what is still to be done: `begin` writes to its folder for the first time, and tells."""

    trainer: "Trainer"
    run: "Run"
    begin: Callable[[], None]


@contextmanager
def fresh(
    sources: "Sources",
    out: Path | None,
    init_from: str | None,
    preset: str | None,
    precision: str | None,
    device: str,
    threads: int | None,
    given: dict[str, Any],
) -> Iterator[Prepared]:
    """A new model, or one from a model's weights, for a new run folder; nothing is written before it begins."""
    import torch

    from charrnn.model.checkpoint import Figures
    from charrnn.model.devices import choose_device, choose_precision
    from charrnn.model.shipped import RUNS
    from charrnn.training.group import joined
    from charrnn.training.recipe import Hardware, recipe
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

    before = load_checkpoint(init_from) if init_from is not None else None
    if before:
        given = _inherited(before, given, str(init_from))
    with joined(choose_device(device)) as group:
        number, cores = choose_precision(precision, group.device), threads or torch.get_num_threads()
        cores, number = group.found_by_the_first(lambda: [cores, str(number).removeprefix("torch.")])
        _refuse_stdin(sources, group)
        with group.first_goes_first():
            corpus, size = _corpus(sources, before.vocabulary if before else None)
        _compare(corpus, group)
        hardware = Hardware(group.device.type != "cpu", cores * group.size, number == "bfloat16", group.size)
        config, training, why = recipe(len(corpus.parts["train"]), len(corpus.vocabulary), given, hardware, preset)
        folder = out or RUNS / f"{corpus.name}-{config.cell}"
        _check_room(config, training, corpus, group, folder)
        network = _network(config, training.seed, corpus.vocabulary, before).to(group.device)
        precise = choose_precision(number, group.device)
        trainer = Trainer(network, corpus, training, precise, group, _threads(group, threads, training))
        if training.minutes is None:
            trainer.settle_threads()
        origin = {"init_from": str(init_from), "init_corpus": before.header.corpus.name} if before else {}
        origin |= _kept(trainer.threads, threads, training)
        run = Run(folder, corpus, training, number, _absolute(sources, size=size), origin)

        def begin() -> None:
            if group.is_first:
                run.create(numbered=out is None)
            run.path = Path(group.found_by_the_first(lambda: str(run.path)))
            run.save_state(trainer, Figures())
            _announce(trainer, run, f", chosen for {why}")

        with closing(run):
            yield Prepared(trainer, run, begin)


@contextmanager
def resumed(
    path: Path,
    device: str,
    force: bool,
    on_nan: "OnNan | None",
    threads: int | None,
    moved: tuple[str, ...] = (),
    budget: dict[str, float] | None = None,
) -> Iterator[Prepared]:
    """The model, the corpus and the state of a run, whose lock is held; its text may have moved, its budget grown."""
    import torch

    from charrnn.model.devices import choose_device, choose_precision
    from charrnn.model.network import CharRNN
    from charrnn.runs.lock import locked
    from charrnn.training.group import joined
    from charrnn.training.resume import find_state, load_state, restore
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

    find_state(path)  # another folder is refused before it gets a lock file
    with joined(choose_device(device)) as group, locked(path) if group.is_first else nullcontext() as lock:
        saved = load_state(path)
        header, best = saved.account.header, saved.account.best_nats
        with group.first_goes_first():
            sources = saved.account.sources if not moved else _absolute(saved.account.sources, moved)
            corpus, changed = _same_text(saved, sources, path, force, moved=bool(moved))
            sources = _absolute(sources) if changed else sources  # whose size is another now
        _compare(corpus, group)
        older = header.corpus.leaves_folded_out
        if older:
            note("an older charrnn left out what rare characters cost: from here on losses are higher, the best is new")
        training, precision = saved.account.training, saved.account.precision
        training = dataclasses.replace(training, on_nan=on_nan) if on_nan else training
        if budget:
            only: dict[str, Any] = {name: budget.get(name) for name in BUDGETS}
            training = dataclasses.replace(training, **only)
        network = CharRNN(header.model, torch.Generator()).to(group.device)
        known = threads or saved.account.threads
        timed = known or training.minutes is not None or saved.account.training.minutes is not None
        chosen = _threads(group, known, training) if timed else None  # a run older than this goes on as it was
        trainer = Trainer(network, corpus, training, choose_precision(precision, group.device), group, chosen)
        restore(trainer, saved)
        if changed or older:
            trainer.validator.best = None  # the losses are of another text from here on
        if training.minutes is None:
            trainer.settle_threads()
        used = trainer.rebudget() if budget else None
        origin = {name: str(value) for name, value in header.training.items() if name.startswith("init_")}
        origin |= _kept(trainer.threads, known, training)
        run = Run(path, corpus, training, precision, sources, origin, lock)

        def begin() -> None:
            if group.is_first:
                run.reopen(trainer.milestones_settled, None if changed or older else best)
                for line in run.renew(trainer.model, header.figures):
                    note(line)
            if changed or older or moved or budget:
                run.save_state(trainer, header.figures)
            _announce(trainer, run)
            if used is not None:
                note(
                    f"{used:.0%} of the new budget is used up: the {training.schedule} schedule is that of a run of "
                    f"{_budget(training)} in all, with a rate of {trainer.rate_at(used):.2g} from here on"
                )

        yield Prepared(trainer, run, begin)


def _threads(group: "Group", number: int | None, training: "TrainingConfig") -> "Threads":
    """The number of threads that is given, else a measured one; several processes, or a GPU, keep torch's own."""

    def tell(found: str) -> None:
        once = "; the run keeps to this number, on which its last bits depend (--threads)"
        note_beside_bar(found + (once if training.minutes is None else "; --threads N fixes the number"))

    import torch

    from charrnn.model.threads import Threads, numbers_of_threads

    if number is not None:
        return Threads([number])
    alone = group.size == 1 and group.device.type == "cpu"
    return Threads(numbers_of_threads(torch.get_num_threads()) if alone else (), tell)


def _kept(threads: "Threads", given: int | None, training: "TrainingConfig") -> dict[str, Any]:
    """What the checkpoints say of the threads: the number that the run keeps to."""
    keeps = threads.fixed is not None and (given is not None or training.minutes is None)
    return {"threads": threads.fixed} if keeps else {}


def _check_room(
    config: "ModelConfig", training: "TrainingConfig", corpus: "Corpus", group: "Group", folder: Path
) -> None:
    """Raise ConfigError where the device has too little memory for a run, or the disk has too little room."""
    from charrnn.model.devices import memory_of

    check_memory(
        f"to train {config.parameters:,} weights on {training.batch_size} × {training.seq_length:,} characters",
        training.memory_for(config, len(corpus.parts["train"])),
        memory_of(group.device),
        "choose a smaller --hidden-size, --num-layers, --batch-size or --seq-length",
    )
    cure = "make room, or name another folder with --out"
    check_disk("a run of this size", training.disk_for(config, STAGES), folder, cure)


def _inherited(before: "Checkpoint", given: dict[str, Any], model: str) -> dict[str, Any]:
    """The options with the sizes of the model to begin from, and its dropout where none is given.

    Raises:
        ConfigError: another size is given.
    """
    own = {name: getattr(before.config, name) for name in INHERITED}
    for name, value in own.items():
        if given.get(name) not in (None, value):
            raise ConfigError(f"{name} is {value} in {model}", f"leave --{name.replace('_', '-')} {given[name]} out")
    free = {name: getattr(before.config, name) for name in ("dropout", "weight_dropout") if given.get(name) is None}
    return {**given, **own, **free}


def _network(config: "ModelConfig", seed: int, vocabulary: "Vocabulary", before: "Checkpoint | None") -> "CharRNN":
    """A new network; with the weights of the model to begin from, as far as it has them."""
    import torch

    from charrnn.model.network import CharRNN
    from charrnn.model.transfer import transferred

    network = CharRNN(config, torch.Generator().manual_seed(seed))
    if before is None:
        return network
    weights = transferred(config, before.weights, before.vocabulary, vocabulary, network.weights())
    return CharRNN.from_weights(config, weights)


def _corpus(sources: "Sources", known: "Vocabulary | None" = None) -> "tuple[Corpus, int | None]":
    """The text, split, and the bytes of its files; all characters that are known already stay in its vocabulary."""
    from charrnn.text.vocabulary import Vocabulary

    sizes: list[int | None] = []
    corpus = _read(sources, lambda listing: sizes.append(listing.size))
    if known is None:
        return corpus, sizes[0]
    own = corpus.vocabulary
    both = Vocabulary(known.characters + own.characters, folds=known.folds or own.folds)
    if len(both) > len(known):
        note(f"new to the model: {counted(len(both) - len(known), 'character')} of the text")
    return corpus.under(both), sizes[0]


def _same_text(saved: "SavedState", sources: "Sources", path: Path, force: bool, moved: bool) -> "tuple[Corpus, bool]":
    """The text of a stopped run, and whether it has changed since.

    Raises:
        RunError: it is gone, or it has changed, and is not to be taken as it is now, or cannot be.
    """
    from charrnn.training.resume import begin_from

    gone = [name for name in sources.sources if os.path.isabs(name) and not os.path.lexists(name)]
    if gone and not glob.has_magic(gone[0]):
        again = typed("train", "--resume", path)
        raise RunError(f"the text of {path} is not at {gone[0]} any more", f"name its new place: {again} SOURCE")
    was = RunError(
        f"the text of {path} has changed since it was trained on",
        "restore it, or start a new run, or name its new place as SOURCE, or go on with it as it is now: --force",
    )

    def check(listing: "Listing") -> None:
        if not (force or moved or sources.may_be(listing.size, saved.account.header.corpus.characters)):
            raise was

    corpus = _read(sources, check)
    changed = corpus.sha256 != saved.account.header.corpus.sha256
    if changed and not force:
        raise was
    unknown = saved.vocabulary.unknown(corpus.vocabulary.characters)
    if unknown:
        raise RunError(
            f"the text of {path} now has {counted(len(unknown), 'character')} that its model does not know",
            f"start a new run from its weights: {begin_from(path)}",
        )
    if changed:
        note("the text has changed: going on from the same step in the text as it is now; the best is chosen anew")
    return corpus.under(saved.vocabulary), changed


def _read(sources: "Sources", on_listed: "Callable[[Listing], object]") -> "Corpus":
    fractions = (sources.val_fraction, sources.test_fraction)
    corpus = read_corpus(sources.sources, sources.reading, *fractions, sources.min_count, on_listed)
    for line in corpus.notes:
        note(line)
    return corpus


def _refuse_stdin(sources: "Sources", group: "Group") -> None:
    if group.size > 1 and "-" in sources.sources:
        raise SourceError(f"{group.size} processes cannot read one stdin", "write the text to a file and name that")


def _compare(corpus: "Corpus", group: "Group") -> None:
    """Raise RunError where this process has read another text than the first."""
    if group.found_by_the_first(lambda: corpus.sha256) != corpus.sha256:
        raise RunError(
            f"the text {corpus.name} of process {group.rank} is not that of process 0",
            "put the same text on every machine",
        )


def _absolute(sources: "Sources", names: tuple[str, ...] | None = None, size: int | None = None) -> "Sources":
    """The same sources, or others read in the same way, to be found from any folder; `size` where it is known."""
    import msgspec

    from charrnn.text.catalogue import CATALOGUE

    wanted = names or sources.sources
    paths = [name if name == "-" or name in CATALOGUE else os.path.abspath(name) for name in wanted]
    check_utf8(paths)
    return msgspec.structs.replace(sources, sources=tuple(paths), size=size)


def _budget(training: "TrainingConfig") -> str:
    given = {name: getattr(training, name) for name in BUDGETS}
    return " ".join(counted(value, name.removesuffix("s")) for name, value in given.items() if value is not None)


def _announce(trainer: "Trainer", run: "Run", why: str = "") -> None:
    """Say in one line what is trained, how, and why so."""
    from charrnn.display.signs import one_line

    model, training, streams = trainer.model.config, trainer.config, trainer.streams
    precision = str(trainer.precision).removeprefix("torch.")
    if not trainer.group.is_first:
        return
    processes = "" if trainer.group.size == 1 else f"{trainer.group.size} processes, each "
    say(
        f"{model.kind} {model.num_layers}×{model.hidden_size}, embedding {model.embedding_size or 'one-hot'}, "
        f"{model.parameters:,} parameters; "
        f"{processes}{counted(len(streams.rows), 'stream')} × {counted(streams.seq_length, 'character')}, "
        f"rate {training.learning_rate:g}, {model.dropouts}, {precision} on {trainer.model.device}, "
        f"{_budget(training)}{why}; run in {one_line(str(run.path))}",
        err=True,
    )
    if (len(streams.rows), streams.seq_length) != (training.batch_size, training.seq_length):
        note("the text is short: fewer streams, or a shorter window, than asked for")
