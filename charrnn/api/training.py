"""Training: a new run, and one that goes on; what `charrnn train` does, for programs."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from charrnn.api.conduct import conduct
from charrnn.api.model import Model, check_text
from charrnn.api.trained import Ended, Trained, finish
from charrnn.errors import ConfigError, did_you_mean
from charrnn.model.config import BUDGETS, ModelConfig
from charrnn.model.shipped import run_folder
from charrnn.runs.report import Progress
from charrnn.text.items import Each
from charrnn.text.reading import Reading
from charrnn.text.spec import TextSpec
from charrnn.text.symbols import Kind
from charrnn.training import events
from charrnn.training.config import OnNan, TrainingConfig
from charrnn.training.continuation import Wish, resumed
from charrnn.training.prepared import Prepared
from charrnn.training.start import Order, fresh
from charrnn.training.watch import UNWATCHED, Begun, Watch

__all__ = ["Begun", "Progress", "Trained", "Watch", "resume", "train"]

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
_FILE_NAME = r"\S{1,255}\.[A-Za-z]\w{0,4}"  # as a path ends, also where it is mistyped


class TrainedModel(Model):
    """The best model of a run that has ended here; `trained` says how, `error` is set where it ended by one."""

    def __init__(self, ended: Ended, device: str) -> None:
        super().__init__(ended.checkpoint, ended.trained.run or "a model trained here", device)
        self.trained, self.error = ended.trained, ended.error


def train(
    source: Source,
    *,
    out: str | os.PathLike[str] | bool | None = None,
    init_from: str | os.PathLike[str] | None = None,
    preset: str | None = None,
    encoding: str = "utf-8",
    errors: str = "strict",
    newlines: str = "lf",
    normalize: str | None = None,
    min_count: int = 1,
    each: str | None = None,
    label: str | None = None,
    unique: bool = False,
    symbols: Kind = "character",
    val_fraction: float | None = None,
    test_fraction: float | None = None,
    precision: str | None = None,
    device: str = "auto",
    threads: int | None = None,
    tensorboard: bool = False,
    on_progress: Callable[[Progress], object] = lambda progress: None,
    watch: Watch = UNWATCHED,
    **options: Any,
) -> TrainedModel:
    """Train on a text, and return the model with the lowest validation loss (without such a part: the last).

    Args:
        source: the text as a string; or a path, or a list of what SOURCE is on the command line: files, folders,
            globs, named corpora.
        out: the run folder; True: a new one in checkpoints/; None: the run is kept in memory.
        init_from: what MODEL is on the command line: begin with its sizes and weights.
        preset: the name of a classic recipe.
        encoding: how a file's bytes are decoded; `errors`, `newlines` and `normalize` too are those of `charrnn train`.
        errors: strict or replace.
        newlines: lf or keep.
        normalize: nfc, nfkc or None.
        min_count: fold characters that the text has fewer times into one. Words that it has fewer times are spelled.
        each: learn many short texts: each line, file, paragraph, or cell of the column of that name. They are split at
            random by the seed.
        label: the column of their classes, which the model learns to write apart.
        unique: keep one of equal items.
        symbols: character; word: words, numbers, and all other characters one by one, where rare words are spelled in
            characters; or spaced: what stands between spaces.
        val_fraction: how much of its end is for validation, before the part for the test; None: 0.05, at most a
            million characters. Of items, how many of them.
        test_fraction: how much of its end is for the test; None: the same.
        precision: float32 or bfloat16; None: bfloat16 where the hardware has it.
        device: auto, cpu, cuda, cuda:N or mps.
        threads: how many threads of the CPU compute; None: as many as are measured to be fastest.
        tensorboard: write event files into the run folder.
        on_progress: called with each report of the run.
        watch: what to report to besides, and to ask whether to stop.
        options: the other options of `charrnn train`, such as steps=500, minutes=1, cell="gru" or hidden_size=256.

    Raises:
        SourceError: a source is not there, is no text, or has fewer than two characters, or items.
        ConfigError: an option does not exist, or is out of its range.
        RunError: the folder cannot be written, or the loss was no number any more before the first milestone; if it is
            later, the best is returned, and its `error` says so.
    """
    _check_names(options)
    names, given = named(source)
    if tensorboard:
        events.check_installed()  # before the first step
    reading = Reading(encoding, errors, newlines, normalize)
    seed = options.get("seed") or 0
    spec = TextSpec.of(
        names, reading, val_fraction, test_fraction, min_count, _items(each, label, unique), seed, symbols
    )
    folder = None if out is None or isinstance(out, bool) else Path(out)
    start = None if init_from is None else os.fspath(init_from)
    order = Order(options, folder, not out, start, preset, precision, device, threads)
    with fresh(spec, order, watch, given) as prepared:
        return _run(prepared, watch, on_progress, device, tensorboard)


def resume(
    run: str | os.PathLike[str],
    source: Source = (),
    *,
    minutes: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    force: bool = False,
    on_nan: OnNan | None = None,
    device: str = "auto",
    threads: int | None = None,
    on_progress: Callable[[Progress], object] = lambda progress: None,
    watch: Watch = UNWATCHED,
) -> TrainedModel:
    """Go on with a stopped run exactly, or with a longer budget; return its best model.

    Args:
        run: the run folder, or its name in checkpoints/.
        source: where its text is now, as `train` takes it; (): where it was.
        minutes: the new budget in all; so are `steps` and `epochs`, of which one may be given.
        steps: see `minutes`.
        epochs: see `minutes`.
        force: go on though the text has changed, with it as it is now.
        on_nan: stop or rollback; None: as the run has it.
        device: auto, cpu, cuda, cuda:N or mps.
        threads: how many threads of the CPU compute; None: as the run has it.
        on_progress: called with each report of the run.
        watch: what to report to besides, and to ask whether to stop.

    Raises:
        RunError: it is no run, its text is gone or has changed, or it ended before a model was kept.
        ConfigError: nothing of the new budget is left.
    """
    names, given = named(source)
    budget = {name: value for name, value in zip(BUDGETS, (epochs, steps, minutes), strict=True) if value is not None}
    wish = Wish(names, given, force, budget, on_nan, device, threads)
    with resumed(run_folder(Path(run)), wish, watch) as prepared:
        return _run(prepared, watch, on_progress, device)


def _run(
    prepared: Prepared, watch: Watch, on_progress: Callable[[Progress], object], device: str, tensorboard: bool = False
) -> TrainedModel:
    last = conduct(prepared, watch, on_progress, tensorboard)
    return TrainedModel(finish(prepared, watch, last), device)


def named(source: Source) -> tuple[tuple[str, ...], str | None]:
    """Return the sources that are named, or none and the text itself.

    Raises:
        ConfigError: a string is a path.
    """
    if isinstance(source, os.PathLike):
        return (os.fspath(source),), None
    if isinstance(source, list | tuple):
        return tuple(os.fspath(each) for each in source), None
    check_text(source)
    text = str(source)
    if re.fullmatch(_FILE_NAME, text) or ("\n" not in text and os.path.exists(text[:4096])):
        raise ConfigError(f"{text!r} is a path, and no text to learn", "name it as Path(...), or in a list")
    return (), text


def _items(each: str | None, label: str | None, unique: bool) -> Each | None:
    if each is None and (label is not None or unique):
        given = "unique" if label is None else "label"
        raise ConfigError(f"{given} is for items, into which the text is not cut", "give each too, such as each='line'")
    return None if each is None else Each(each, label, unique)


def _check_names(options: dict[str, Any]) -> None:
    """The recipe takes what it knows; a name that nobody knows would be ignored without a word."""
    known = {field.name for kind in (ModelConfig, TrainingConfig) for field in fields(kind)} - {
        "vocabulary_size",
        "num_classes",
    }
    unknown = sorted(set(options) - known)
    if unknown:
        cure = did_you_mean(unknown[0], known, f"choose among {', '.join(sorted(known))}")
        raise ConfigError(f"there is no option {unknown[0]}", cure)
