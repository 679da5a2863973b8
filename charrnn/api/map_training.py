"""Training a conditioned model: a new run on examples, and a stopped one that goes on exactly."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from charrnn.api import devices
from charrnn.api.map import MapModel
from charrnn.api.map_watch import MapWatch
from charrnn.api.result import Result
from charrnn.conditioned.answering import greedy
from charrnn.conditioned.captions import are_of_images
from charrnn.conditioned.checkpoint import ConditionedCheckpoint, Header, load
from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.examples import PARTS, Example, Examples, Origin, read_examples
from charrnn.conditioned.features import Features, read_features
from charrnn.conditioned.feed import Feed, Pair
from charrnn.conditioned.inputs import inputs_of, pairs_of, symbols_of
from charrnn.conditioned.network import ConditionedRNN
from charrnn.conditioned.reader import Reader
from charrnn.conditioned.run import PairRun, load_state
from charrnn.conditioned.symbols import Symbols
from charrnn.conditioned.trainer import PairTrainer
from charrnn.conditioned.training import recipe
from charrnn.conditioned.transfer import sizes_of, started
from charrnn.errors import ConfigError, RunError, SourceError, check_whole, counted, typed
from charrnn.model.checkpoint import Figures, Provenance, bits, locate
from charrnn.model.checkpoint import load as load_character_model
from charrnn.model.devices import choose_device
from charrnn.model.shipped import RUNS, as_model, run_folder
from charrnn.model.threads import Threads
from charrnn.room import check_disk
from charrnn.runs.budget import budget_of, in_words
from charrnn.runs.report import Progress
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.store import fetch_missing

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
ANSWERS = 1000  # to questions about images that are learned, where no number is given
_SHOWN = 4  # answers that a milestone shows
_CHECKED = 200  # answers of the validation part that a milestone checks
_THREADS = "threads"  # kept beside the recipe: on it the last bits depend


@dataclass(frozen=True)
class MapTrained(Result):
    """How a run ended. Losses are in nats per symbol of the outputs; None: there is no such part, or no time was left.

    `val_exact` and `test_exact` are shares of sources that the best model answers rightly by itself (greedy), of the
    first ones of a part.
    """

    run: str
    best: str
    steps: int
    epochs: float
    seconds: float
    parameters: int
    train_nats: float
    val_nats: float | None
    val_bits: float | None
    test_nats: float | None
    val_exact: float | None
    test_exact: float | None
    chars_per_second: float
    stopped: str  # finished, interrupted or diverged

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    def __str__(self) -> str:
        val = "" if self.val_nats is None else f", val {self.val_nats:.4f}"
        test = "" if self.test_nats is None else f", test {self.test_nats:.4f}"
        lines = [
            f"{self.stopped} after {counted(self.steps, 'step')}, {self.epochs:.2f} epochs, {self.seconds:.0f} s: "
            f"train {self.train_nats:.4f}{val}{test} nats per output symbol"
        ]
        exact = self.test_exact if self.test_exact is not None else self.val_exact
        if exact is not None:
            part = "val" if self.test_exact is None else "test"
            lines[0] += f"; exact on {part}: {exact:.1%}"
        run = as_model(Path(self.run))
        if self.stopped == "interrupted":
            lines.append(f"Go on: {typed('map', 'train', '--resume', Path(self.run))}")
        return "\n".join([*lines, f"Next:  {typed('map', 'apply', run, 'INPUT')}"])


class TrainedMap(MapModel):
    """The best model of a run that has ended here; `trained` says how, `error` is set where it ended by one."""

    def __init__(self, checkpoint: ConditionedCheckpoint, trained: MapTrained, error: RunError | None) -> None:
        super().__init__(checkpoint, trained.run)
        self.trained, self.error = trained, error


@dataclass(frozen=True)
class _Prepared:
    """A trainer and its run folder, and the examples that both are about."""

    trainer: PairTrainer
    run: PairRun
    header: Header
    examples: Examples


def train(
    examples: Paths,
    *,
    source: str | None = None,
    target: str | None = None,
    label: str | None = None,
    spaced: bool = False,
    val_fraction: float | None = None,
    test_fraction: float | None = None,
    images: str | os.PathLike[str] | None = None,
    answers: int | None = None,
    out: str | os.PathLike[str] | None = None,
    init_from: str | os.PathLike[str] | None = None,
    device: str = "auto",
    threads: int | None = None,
    watch: MapWatch | None = None,
    **options: Any,
) -> TrainedMap:
    """Train a model that answers like the examples; return the one with the lowest validation loss.

    Args:
        examples: a file of pairs (.tsv, .csv, .jsonl), two parallel files of lines, a folder with train.tsv, val.tsv
            and test.tsv, files or folders that are classes, or a named set.
        source: the column of the inputs; None: source, input, … or the first one.
        target: the column of the outputs; None: target, output, … or the second one.
        label: in place of a target, the column of classes; or "file" or "folder", each of which is a class.
        spaced: whether an output's symbols are what stands between spaces, as in phones, not its characters.
        val_fraction: part of the sources for validation; None: 0.05, at most 2,000.
        test_fraction: part of the sources for the test; None: the same.
        images: a file of features; then the examples are captions of images, or questions about them.
        answers: of questions, the commonest so many answers are learned, each a class; None: 1000.
        out: the run folder; None: a new one in checkpoints/.
        init_from: what MODEL is on the command line, a character model: the encoder begins with its sizes and weights.
        device: auto, cpu, cuda, cuda:N or mps.
        threads: how many threads of the CPU compute; None: as many as are measured to be fastest.
        watch: what to report to, and to ask whether to stop.
        options: fields of ConditionedConfig and PairTraining, such as attention="none", minutes=5 or hidden_size=256.

    Raises:
        SourceError: the examples cannot be read, or none are left.
        ConfigError: an option does not exist, or is out of its range.
        RunError: the folder cannot be written, or the loss was no number before any model was saved.
    """
    watch = watch or MapWatch()
    names = [examples] if isinstance(examples, str | os.PathLike) else list(examples)
    seed = options.get("seed") or 0
    paths = tuple(os.fspath(name) for name in names)
    seen = None if images is None else os.fspath(images)
    check_whole("answers", 1 if answers is None else answers, 1, 100_000)
    several = ANSWERS if answers is None and seen is not None else answers
    origin = Origin(paths, source, target, label, spaced, val_fraction, test_fraction, seed, seen, several).absolute()
    read = _read(origin, watch)
    where, cores = choose_device(device), threads or torch.get_num_threads()
    sources, outputs = symbols_of(read, origin.answers)
    pairs = _pairs(read, sources, outputs, watch)
    before = None if init_from is None else load_character_model(locate(os.fspath(init_from)))
    if before is not None and not len(sources):
        raise ConfigError("init_from is given, and the examples have no text to read", "leave --init-from out")
    if before is not None:
        options = {**options, **sizes_of(before, options, str(init_from))}
    output = "classes" if outputs.kind == "label" else "characters"
    sizes = {"source_size": len(sources), "output_size": len(outputs), "output": output, **_seen(read.features)}
    config, training, why = recipe(sizes, Feed(pairs["train"], 1, 0, 0).symbols, options, cores)
    network = ConditionedRNN(config, torch.Generator().manual_seed(training.seed)).to(where)
    if before is not None:
        network.load(started(config, network.weights(), before, sources))
    fixed = threads if threads is not None or training.minutes is not None else cores
    trainer = PairTrainer(network, pairs, training, _threads(fixed, where, watch), read.features)
    begun = None if before is None else before.header.corpus.name
    split = {"val_fraction": val_fraction, "test_fraction": test_fraction, "init_corpus": begun}
    header = _header(read, config, sources, outputs, pairs, {**asdict(training), **split, _THREADS: fixed})
    folder = Path(out) if out is not None else RUNS / f"{read.name}-map"
    check_disk("a run of this size", 20 * config.parameters, folder, "make room, or name another folder with --out")
    run = PairRun(folder, header, origin)

    def begin() -> None:
        run.create(numbered=out is None)
        run.save_state(trainer, header.figures)
        watch.announced(_announced(trainer, run.path, f", chosen for {why}"))

    with closing(run):
        return _conducted(_Prepared(trainer, run, header, read), begin, watch)


def resume(
    run: str | os.PathLike[str], *, device: str = "auto", threads: int | None = None, watch: MapWatch | None = None
) -> TrainedMap:
    """Go on with a stopped run exactly; return its best model.

    Args:
        run: the run folder, or its name in checkpoints/.
        device: auto, cpu, cuda, cuda:N or mps.
        threads: how many threads of the CPU compute; None: as the run has it.
        watch: what to report to, and to ask whether to stop.

    Raises:
        RunError: it is no such run, its examples are gone or have changed, or it has ended.
    """
    watch = watch or MapWatch()
    folder = run_folder(Path(run))
    account, tensors = load_state(folder)
    header, training = account.header, account.training
    with closing(PairRun(folder, header, account.origin)) as opened:
        opened.lock()
        account, tensors = load_state(folder)  # another process may have gone on until now
        header = account.header
        read = _same(account.origin, header, folder, watch)
        where = choose_device(device)
        network = ConditionedRNN(header.model).to(where)
        kept = header.training.get(_THREADS)
        fixed = threads if threads is not None else int(kept) if isinstance(kept, int) else None
        pairs = _pairs(read, header.sources, header.outputs, watch)
        trainer = PairTrainer(network, pairs, training, _threads(fixed, where, watch), read.features)
        trainer.restore(tensors)
        if trainer.used >= 1:
            raise RunError(f"the run in {folder} has used up its budget", "start a new one for longer")

        def begin() -> None:
            opened.reopen(trainer.step)
            watch.announced(_announced(trainer, folder))

        return _conducted(_Prepared(trainer, opened, header, read), begin, watch)


def _read(origin: Origin, watch: MapWatch) -> Examples:
    fetch_missing(origin.paths, feedback=watch)
    if origin.images is None and are_of_images(origin.paths):
        raise SourceError(
            f"{origin.paths[0]} is about images",
            "name their features with --images; 'charrnn map features' makes them",
        )
    features = None if origin.images is None else read_features(origin.images)
    read = read_examples(origin, features=features)
    for line in read.notes:
        watch.note(line)
    return read


def _same(origin: Origin, header: Header, folder: Path, watch: MapWatch) -> Examples:
    """The examples of a stopped run. Raises RunError where they have changed."""
    files = [*origin.paths, *([origin.images] if origin.images else [])]
    gone = [path for path in files if path not in CATALOGUE and not os.path.lexists(path)]
    if gone:
        raise RunError(f"the examples of {folder} are not at {gone[0]} any more", "put them there again")
    read = _read(origin, watch)
    if read.sha256 != header.corpus.sha256:
        raise RunError(f"the examples of {folder} have changed since it was trained on", "restore them, or start anew")
    if read.features is not None and read.features.source != header.images:
        raise RunError(f"the features {origin.images} have changed since {folder} was trained on", "restore them")
    return read


def _seen(features: Features | None) -> dict[str, Any]:
    """The sizes of a network that features decide."""
    if features is None:
        return {}
    (h, w, F), (mean, scale) = features.shape, features.moments
    return {"feature_size": F, "grid": (h, w), "feature_mean": mean, "feature_scale": scale}


def _pairs(read: Examples, sources: Symbols, outputs: Symbols, watch: MapWatch) -> dict[str, list[Pair]]:
    """Each part as pairs, one for each right output of a source."""
    pairs = {part: pairs_of(read, found, sources, outputs) for part, found in read.parts.items()}
    left_out = sum(len(example.outputs) for example in read.part("all")) - sum(map(len, pairs.values()))
    if left_out:
        watch.note(f"left out {counted(left_out, 'example')} whose answer is not among the {len(outputs):,} commonest")
    return {part: found for part, found in pairs.items() if found}


def _header(
    read: Examples,
    config: ConditionedConfig,
    sources: Symbols,
    outputs: Symbols,
    pairs: dict[str, list[Pair]],
    settings: dict[str, Any],
) -> Header:
    ends = config.output == "characters"
    symbols = {part: Feed(pairs[part], 1, 0, 0, ends).symbols for part in PARTS if part in pairs}
    corpus = Provenance(read.name, read.sha256, sum(symbols.values()), symbols)
    return Header(
        model=config,
        corpus=corpus,
        figures=Figures(),
        sources=sources,
        outputs=outputs,
        columns=read.columns,
        named=read.named,
        examples={part: len(found) for part, found in read.parts.items()},
        longest=max(len(pair.output) for pair in pairs["train"]),
        images=None if read.features is None else read.features.source,
        training={name: value for name, value in settings.items() if value is not None},
    )


def _threads(number: int | None, device: torch.device, watch: MapWatch) -> Threads:
    """The number of threads that is given, else one that is measured while the run goes on."""
    return devices.threads(
        device.type == "cpu", number, lambda found: watch.note(f"{found}; --threads N fixes the number")
    )


def _announced(trainer: PairTrainer, folder: Path, why: str = "") -> str:
    model, training = trainer.model.config, trainer.config
    return (
        f"{model.kind}, {counted(model.num_layers, 'layer')} of {counted(model.hidden_size, 'unit')}, memory "
        f"{model.memory_size}, {model.parameters:,} parameters; {counted(len(trainer.pairs['train']), 'pair')} in "
        f"batches of {training.batch_size}, rate {training.learning_rate:.2g}, dropout {model.dropout:g}, "
        f"on {trainer.model.device}, {in_words(budget_of(training))}{why}; run in {folder}"
    )


def _conducted(prepared: _Prepared, begin: Callable[[], None], watch: MapWatch) -> TrainedMap:
    """Train to the end; log, save and report on the way; measure the best model."""
    trainer, run = prepared.trainer, prepared.run
    last: Progress | None = None
    with watch.running():
        begin()
        for progress in trainer.run(watch.stop):
            last = progress
            run.log(progress)
            if progress.milestone:
                if trainer.stopped != "interrupted":
                    text = _answers(prepared)
                    run.keep_answers(progress, text)
                    watch.sample(progress, text, None)
                run.commit(trainer, progress)
            watch.progress(progress)
    return _ended(prepared, last, watch)


def _answers(prepared: _Prepared) -> str:
    """What the model answers to the first held-out sources, and how many of some more are right."""
    chosen = (prepared.examples.parts.get("val") or prepared.examples.parts["train"])[:_CHECKED]
    said = _said(prepared.header, prepared.trainer.model.weights(), prepared.examples, chosen)
    exact = sum(answer in example.outputs for answer, example in zip(said, chosen, strict=True))
    rows = [f"{example.told} → {answer}" for example, answer in zip(chosen[:_SHOWN], said, strict=False)]
    return "\n".join([*rows, f"exact: {exact} of {len(chosen)}"])


def _said(header: Header, weights: dict[str, Any], read: Examples, chosen: Sequence[Example]) -> list[str]:
    reader = Reader(header.model, weights)
    longest = 1 if header.model.output == "classes" else 2 * header.longest + 1
    answers = greedy(reader, inputs_of(read, chosen, header.sources), longest)
    return [header.outputs.decode(answer.ids) for answer in answers]


def _ended(prepared: _Prepared, last: Progress | None, watch: MapWatch) -> TrainedMap:
    """Measure the best model, unless the run is to end at once; return how the run ended."""
    trainer, run = prepared.trainer, prepared.run
    error = None
    if trainer.divergence:
        error = RunError(f"{trainer.divergence}; what was saved before is kept", "start again with a lower rate")
    if last is None or not run.holds_a_model:
        raise error or RunError("the run ended before its first step", "give it a larger budget")
    path = locate(str(run.path))
    best = load(path)
    exact: dict[str, float | None] = {"val": None, "test": None}
    if trainer.stopped != "interrupted":
        best, exact = _measured(prepared, best)
    figures, line = best.header.figures, last.line()
    trained = MapTrained(
        run=str(run.path), best=str(path), steps=line["step"], epochs=line["epoch"], seconds=line["seconds"],
        parameters=best.config.parameters, train_nats=line["train_nats"], val_nats=figures.val_nats,
        val_bits=None if figures.val_nats is None else bits(figures.val_nats), test_nats=figures.test_nats,
        val_exact=exact["val"], test_exact=exact["test"],
        chars_per_second=trainer.symbols / max(1e-9, line["seconds"]), stopped=trainer.stopped,
    )  # fmt: skip
    return TrainedMap(best, trained, error)


def _measured(
    prepared: _Prepared, best: ConditionedCheckpoint
) -> tuple[ConditionedCheckpoint, dict[str, float | None]]:
    """The best model with its losses on the held-out parts, and how many of their sources it answers rightly."""
    trainer = prepared.trainer
    trainer.model.load(best.weights)
    exact: dict[str, float | None] = {}
    figures = replace(best.header.figures, val_nats=trainer.validate("val"), test_nats=trainer.validate("test"))
    for part in ("val", "test"):
        chosen = prepared.examples.parts.get(part, ())[:_CHECKED]
        said = _said(best.header, best.weights, prepared.examples, chosen) if chosen else []
        right = [answer in example.outputs for answer, example in zip(said, chosen, strict=True)]
        exact[part] = sum(right) / len(right) if right else None
    return prepared.run.save_final(best, figures), exact
