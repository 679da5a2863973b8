"""A new run: from nothing, or from another model's weights."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from charrnn.errors import ConfigError, counted
from charrnn.model.checkpoint import Checkpoint, Figures, load, locate
from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_device, choose_precision, memory_of
from charrnn.model.network import CharRNN
from charrnn.model.shipped import RUNS
from charrnn.model.transfer import transferred
from charrnn.room import check_disk, check_memory
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.listlike import suggestion
from charrnn.text.spec import TextSpec
from charrnn.text.symbols import Symbols, kind_of
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.config import TrainingConfig
from charrnn.training.group import Group, joined
from charrnn.training.identity import Identity
from charrnn.training.keeper import Memory
from charrnn.training.prepared import (
    Prepared,
    compare_texts,
    kept_threads,
    labels_in,
    refuse_other_labels,
    refuse_stdin,
    report_beginning,
    threads_for,
)
from charrnn.training.recipe import Hardware, recipe
from charrnn.training.run import Run
from charrnn.training.trainer import Trainer
from charrnn.training.watch import Watch

MILESTONES = 20  # of a run, about
INHERITED = ("cell", "nonlinearity", "num_layers", "hidden_size", "embedding_size")


@dataclass(frozen=True)
class Order:
    """What is asked for of a new run. `options` are those of both configurations by their names; None: not given."""

    options: Mapping[str, Any]
    folder: Path | None = None
    in_memory: bool = False  # with neither, the folder is a new one in `checkpoints`
    init_from: str | None = None
    preset: str | None = None
    precision: str | None = None
    device: str = "auto"
    threads: int | None = None


@contextmanager
def fresh(spec: TextSpec, order: Order, watch: Watch, given: str | None = None) -> Iterator[Prepared]:
    """Prepare a new model, or one from a model's weights; nothing is written before it begins.

    `given` is the text itself, where it is no source's.
    """
    before = load(locate(order.init_from)) if order.init_from is not None else None
    options = _inherited(before, order.options, str(order.init_from)) if before else order.options
    with joined(choose_device(order.device)) as group:
        number, cores = _number_and_cores(order, group)
        refuse_stdin(spec, group)
        with group.first_goes_first():
            spec = _with_symbols(spec, before.vocabulary.symbols) if before else spec
            corpus, size = _corpus(spec, before, watch, given)
        compare_texts(corpus, group)
        hardware = Hardware(group.device.type != "cpu", cores * group.size, number == "bfloat16", group.size)
        sizes = (len(corpus.parts["train"]), len(corpus.vocabulary))
        options = {**options, "num_classes": len(labels_in(corpus))}
        config, training, why = recipe(*sizes, options, hardware, order.preset, _item_length(corpus))
        folder = None if order.in_memory else order.folder or RUNS / f"{corpus.name}-{config.cell}"
        _check_room(config, training, corpus, group, folder)
        network = _network(config, training.seed, corpus.vocabulary, before).to(group.device)
        threads = threads_for(group, order.threads, training, watch)
        trainer = Trainer(network, corpus, training, choose_precision(number, group.device), group, threads)
        if training.minutes is None:
            trainer.settle_threads()
        origin = _origin(before, str(order.init_from)) if before else {}
        noted = (number, spec.absolute(size=size), origin | kept_threads(trainer.threads, order.threads, training))
        with _kept(trainer, folder, noted, order, watch, f", chosen for {why}") as prepared:
            yield prepared


@contextmanager
def _kept(
    trainer: Trainer,
    folder: Path | None,
    noted: tuple[str, TextSpec, Mapping[str, Any]],
    order: Order,
    watch: Watch,
    why: str,
) -> Iterator[Prepared]:
    """The run with the place where it is kept: a folder, or memory."""
    if folder is None:
        memory = Memory(Identity.of(trainer.corpus, trainer.config, *noted))

        def begin_in_memory() -> None:
            memory.begin(trainer)
            report_beginning(trainer, memory, watch, why)

        yield Prepared(trainer, memory, begin_in_memory)
        return
    run, group = Run(folder, trainer.corpus, trainer.config, *noted), trainer.group

    def begin() -> None:
        if group.is_first:
            run.create(numbered=order.folder is None)
        run.path = Path(group.found_by_the_first(lambda: str(run.path)))
        run.save_state(trainer, Figures())
        report_beginning(trainer, run, watch, why)

    with closing(run):
        yield Prepared(trainer, run, begin)


def _item_length(corpus: Corpus) -> float | None:
    """The mean length of the items to train on, their ends counted."""
    return corpus.split["train"] / corpus.facts.split["train"] if isinstance(corpus, ItemCorpus) else None


def _number_and_cores(order: Order, group: Group) -> tuple[str, int]:
    """The number format and the cores of the first process, which all take."""
    number, cores = choose_precision(order.precision, group.device), order.threads or torch.get_num_threads()
    number_name, cores = group.found_by_the_first(lambda: [str(number).removeprefix("torch."), cores])
    return number_name, cores


def _corpus(spec: TextSpec, before: Checkpoint | None, watch: Watch, given: str | None) -> tuple[Corpus, int | None]:
    """The text, split, and the bytes of its files; all characters that a model knows already stay in its vocabulary."""
    sizes: list[int | None] = []
    symbols = before.vocabulary.symbols if before else None
    corpus = spec.read(watch, lambda listing: sizes.append(listing.size), given, symbols)
    for line in (*corpus.notes, *filter(None, [suggestion(corpus)])):
        watch.note(line)
    size = sizes[0] if sizes else None
    if before is None:
        return corpus, size
    refuse_other_labels(before, corpus, f"the model {before.header.corpus.name}")
    known, own = before.vocabulary, corpus.vocabulary
    both = Vocabulary(known.characters + own.characters, known.folds or own.folds, own.symbols)
    if len(both) > len(known):
        watch.note(f"new to the model: {counted(len(both) - len(known), own.noun)} of the text")
    return corpus.under(both), size


def _with_symbols(spec: TextSpec, symbols: Symbols | None) -> TextSpec:
    """The specification with the kind of symbols of the model to begin from.

    Raises:
        ConfigError: another kind is given.
    """
    own = kind_of(symbols)
    if spec.symbols not in ("character", own):
        raise ConfigError(f"symbols is {own} in the model to begin from", f"leave --symbols {spec.symbols} out")
    return msgspec.structs.replace(spec, symbols=own)


def _origin(before: Checkpoint, model: str) -> dict[str, str]:
    """Return what a checkpoint says of the model that it began from: no path, which would tell of its maker's disk."""
    return {"init_from": Path(os.path.abspath(model)).name, "init_corpus": before.header.corpus.name}


def _inherited(before: Checkpoint, options: Mapping[str, Any], model: str) -> dict[str, Any]:
    """The options with the sizes of the model to begin from, and its dropout where none is given.

    Raises:
        ConfigError: another size is given.
    """
    own = {name: getattr(before.config, name) for name in INHERITED}
    for name, value in own.items():
        if options.get(name) not in (None, value):
            raise ConfigError(f"{name} is {value} in {model}", f"leave --{name.replace('_', '-')} {options[name]} out")
    free = {name: getattr(before.config, name) for name in ("dropout", "weight_dropout") if options.get(name) is None}
    return {**options, **own, **free}


def _network(config: ModelConfig, seed: int, vocabulary: Vocabulary, before: Checkpoint | None) -> CharRNN:
    """A new network; with the weights of the model to begin from, as far as it has them."""
    network = CharRNN(config, torch.Generator().manual_seed(seed))
    if before is None:
        return network
    weights = transferred(config, before.weights, before.vocabulary, vocabulary, network.weights())
    return CharRNN.from_weights(config, weights)


def _check_room(
    config: ModelConfig, training: TrainingConfig, corpus: Corpus, group: Group, folder: Path | None
) -> None:
    """Raise ConfigError where the device has too little memory for a run, or the disk has too little room."""
    check_memory(
        f"to train {config.parameters:,} weights on {training.batch_size} × {training.seq_length:,} characters",
        training.memory_for(config, len(corpus.parts["train"])),
        memory_of(group.device),
        "choose a smaller --hidden-size, --num-layers, --batch-size or --seq-length",
    )
    if folder is not None:
        cure = "make room, or name another folder with --out"
        check_disk("a run of this size", training.disk_for(config, MILESTONES), folder, cure)
