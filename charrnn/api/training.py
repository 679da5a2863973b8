"""Training on a string, as Python programs do it."""

import os
import re
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import torch

from charrnn.api.model import Model, check_text
from charrnn.errors import ConfigError, RunError, did_you_mean
from charrnn.model.checkpoint import Checkpoint, Figures, Header, Provenance
from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_device, choose_precision
from charrnn.model.network import CharRNN
from charrnn.runs.report import Progress
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.config import TrainingConfig
from charrnn.training.recipe import Hardware, recipe
from charrnn.training.trainer import Trainer

_FILE_NAME = r"\S{1,255}\.[A-Za-z]\w{0,4}"  # as a path ends, also where it is mistyped


def train(
    text: str,
    *,
    val_fraction: float | None = None,
    test_fraction: float | None = None,
    preset: str | None = None,
    precision: str | None = None,
    device: str = "auto",
    on_progress: Callable[[Progress], object] = lambda progress: None,
    **options: Any,
) -> Model:
    """Train on a string, and return the model with the lowest validation loss (without such a part: the last).

    Args:
        text: what to learn, at least two characters.
        val_fraction: how much of its end is for validation, before the part for the test; None: 0.05, at most a
            million characters.
        test_fraction: how much of its end is for the test; None: the same.
        preset: the name of a classic recipe.
        precision: float32 or bfloat16; None: bfloat16 where the hardware has it.
        device: auto, cpu, cuda, cuda:N or mps.
        on_progress: what to call with each report of the run.
        options: those of `charrnn train`, such as steps=500, minutes=1, cell="gru" or hidden_size=256.

    Raises:
        ConfigError: an option does not exist, or is out of its range.
        RunError: the loss was no number any more before the first milestone; if it is later, the best is returned.
    """
    _check_names(options)
    check_text(text)
    if re.fullmatch(_FILE_NAME, text) or ("\n" not in text and os.path.exists(text[:4096])):
        raise ConfigError(f"{text!r} is a path, and no text to learn", "read it first, as with Path(...).read_text()")
    corpus = Corpus.from_text(Text("text", text), val_fraction, test_fraction)
    where = choose_device(device)
    number = choose_precision(precision, where)
    hardware = Hardware(where.type != "cpu", torch.get_num_threads(), number == torch.bfloat16)
    config, training, _ = recipe(len(corpus.parts["train"]), len(corpus.vocabulary), options, hardware, preset)
    network = CharRNN(config, torch.Generator().manual_seed(training.seed)).to(where)
    trainer = Trainer(network, corpus, training, number)
    weights, best = _best_of(trainer, on_progress)
    chosen = {name: value for name, value in asdict(training).items() if value is not None}
    provenance = Provenance(corpus.name, corpus.sha256, len(corpus), corpus.split)
    reached = Figures(best.step, best.epoch, best.seconds, best.train_nats)
    figures = trainer.validator.final(CharRNN.from_weights(config, weights).to(where), reached)
    chosen["precision"] = str(number).removeprefix("torch.")
    header = Header(config, provenance, figures, chosen, line_beginnings=corpus.line_beginnings)
    return Model(Checkpoint(header, corpus.vocabulary, weights), "a model trained here", device)


def _best_of(trainer: Trainer, on_progress: Callable[[Progress], object]) -> tuple[dict[str, Any], Progress]:
    """Train to the end; return the weights of the lowest validation loss, or the last, and where the run stood then."""
    weights, best = None, None
    for progress in trainer.run():
        on_progress(progress)
        if progress.milestone and (best is None or "val" not in trainer.corpus.parts or progress.best):
            weights, best = trainer.model.weights(), progress
    if weights is None or best is None:
        raise RunError(f"{trainer.divergence}", "choose a lower learning_rate")
    return weights, best


def _check_names(options: dict[str, Any]) -> None:
    """The recipe takes what it knows; a name that nobody knows would be ignored without a word."""
    known = {field.name for kind in (ModelConfig, TrainingConfig) for field in fields(kind)} - {"vocabulary_size"}
    unknown = sorted(set(options) - known)
    if unknown:
        cure = did_you_mean(unknown[0], known, f"choose among {', '.join(sorted(known))}")
        raise ConfigError(f"there is no option {unknown[0]}", cure)
