"""How far gradients reach in each cell, as it starts and after a short training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from charrnn.api.drawing import Plot
from charrnn.api.gradients import curve_dict
from charrnn.api.limits import HELD_OUT
from charrnn.display import gradients as shown
from charrnn.errors import StatesOverflowError
from charrnn.feedback import SILENT, Feedback
from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_device
from charrnn.model.network import CharRNN
from charrnn.model.threads import Threads
from charrnn.neurons.gradients import Curve, curves, places
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.config import TrainingConfig
from charrnn.training.recipe import Hardware, recipe
from charrnn.training.trainer import Trainer


@dataclass(frozen=True)
class Experiment:
    """How the cells are trained and measured."""

    steps: int
    hidden_size: int
    clip_norm: float
    seed: int
    distance: int
    losses: int


@dataclass(frozen=True)
class Start:
    """A kind of network and how it starts."""

    name: str
    options: Mapping[str, Any]  # of its ModelConfig
    recurrent_scale: float = 1.0  # what charrnn's recurrent weights are multiplied by
    forget_bias: float | None = None  # in place of charrnn's


STARTS = (
    Start("RNN, tanh", {"cell": "rnn"}),
    Start("RNN, ReLU", {"cell": "rnn", "nonlinearity": "relu"}),
    Start("RNN, ReLU, ×1.6", {"cell": "rnn", "nonlinearity": "relu"}, recurrent_scale=1.6),
    Start("LSTM", {"cell": "lstm"}),
    Start("LSTM, gates open", {"cell": "lstm"}, forget_bias=5.0),
    Start("GRU", {"cell": "gru"}),
    Start("peephole LSTM", {"cell": "peephole"}),
)


@dataclass(frozen=True)
class Trained:
    """What a short training came to."""

    train_nats: float | None = None  # of the last step; None where there was none that had a number
    largest_grad_norm: float | None = None
    diverged: int | None = None  # the step at which the loss or its gradient was no number any more


@dataclass(frozen=True)
class Outcome:
    """What was measured of one start; a curve is None where the network's states have left the numbers."""

    start: Start
    measured: Mapping[str, tuple[Curve | None, Trained]]  # fresh, clipped and unclipped

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        start = self.start
        changed = {"recurrent_scale": start.recurrent_scale, "forget_bias": start.forget_bias}
        moments = {
            name: {"curve": curve and curve_dict(curve), **asdict(trained)}
            for name, (curve, trained) in self.measured.items()
        }
        return {"name": start.name, **start.options, **changed, **moments}


@dataclass(frozen=True)
class CellGradients(Plot):
    """How far gradients reach in networks of all cells, and what short trainings of them met."""

    name: str  # of the text
    source: tuple[str, ...]
    experiment: Experiment
    outcomes: tuple[Outcome, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        cells = [outcome.to_dict() for outcome in self.outcomes]
        return {"source": list(self.source), **asdict(self.experiment), "cells": cells}

    def __str__(self) -> str:
        return shown.cells_text(self.to_dict(), self.name)

    def plot(self, path: Path, form: str) -> None:
        """Draw the curves at each moment, and the largest gradients met in training."""
        shown.draw_cells(self.to_dict(), self.name, path, form)


def compare_cells(
    text: Corpus | str,
    *,
    steps: int = 120,
    hidden_size: int = 128,
    clip_norm: float = 1.0,
    seed: int = 0,
    distance: int = 100,
    losses: int = 64,
    device: str = "auto",
    source: Sequence[str] = (),
    threads: Callable[[bool], Threads] = lambda on_cpu: Threads(),
    feedback: Feedback = SILENT,
) -> CellGradients:
    """Measure how far gradients reach in networks of all cells, fresh, and after a short training.

    They are trained on the beginning of a text, with the gradient clipped and not, and measured on its end.

    Args:
        text: a string, or a text that was read.
        steps: of each training.
        hidden_size: units of each network, in one layer.
        clip_norm: the gradient's largest norm where it is clipped.
        seed: of the first weights.
        distance: the largest k.
        losses: of how many characters the loss is taken.
        device: auto, cpu, cuda, cuda:N or mps.
        source: what the text was called by.
        threads: the threads that compute, by whether that is on the CPU.
        feedback: where notes and counts go.

    Raises:
        ConfigError: the text is too short, or a setting is out of its range.
        DeviceError: there is no such device.
    """
    corpus = Corpus.from_text(Text("text", text), HELD_OUT, 0) if isinstance(text, str) else text
    held_out, training = corpus.parts.get("val", corpus.parts["train"]), {"train": corpus.parts["train"]}
    places(len(held_out), distance, 1)  # found out before the training whether it is long enough
    experiment = Experiment(steps, hidden_size, clip_norm, seed, distance, losses)
    where = choose_device(device)
    laboratory = _Laboratory(replace(corpus, parts=training), held_out, experiment, where, threads(where.type == "cpu"))
    outcomes = tuple(laboratory.outcome(start, feedback) for start in STARTS)
    return CellGradients(corpus.name, tuple(source), experiment, outcomes)


@dataclass(frozen=True)
class _Laboratory:
    corpus: Corpus
    held_out: Any  # ids [T]
    experiment: Experiment
    device: torch.device
    threads: Threads

    def outcome(self, start: Start, feedback: Feedback) -> Outcome:
        """Measure one kind of network."""
        clip, measured = self.experiment.clip_norm, {}
        steps = 2 * self.experiment.steps + 3 * (self.experiment.distance + 1)
        with feedback.bar(steps, start.name, "step") as bar:
            for moment, clip_norm in {"fresh": None, "clipped": clip, "unclipped": 0.0}.items():
                model = start_network(start, len(self.corpus.vocabulary), self.experiment).to(self.device)
                trained = Trained() if clip_norm is None else self._train(model, clip_norm, bar.update)
                measured[moment] = self._curve(model, bar.update), trained
        return Outcome(start, measured)

    def _train(self, model: CharRNN, clip_norm: float, on_step: Callable[[int], object]) -> Trained:
        """Train a network for some steps by the recipe's rate for its cell; report what was met on the way."""
        steps, seed = self.experiment.steps, self.experiment.seed
        given = {"cell": model.config.cell, "hidden_size": model.config.hidden_size, "steps": steps}
        size = len(self.corpus.parts["train"]), len(self.corpus.vocabulary)
        rate = recipe(*size, given, Hardware()).training.learning_rate
        # every step is a milestone, so that the norm of each is told
        config = TrainingConfig(steps=steps, learning_rate=rate, clip_norm=clip_norm, sample_every=1, seed=seed)
        trainer, nats, largest = Trainer(model, self.corpus, config, threads=self.threads), None, None
        trainer.settle_threads()  # once for all of them, so that they can be compared
        for progress in trainer.run():
            nats, largest = progress.train_nats, max(largest or 0.0, progress.grad_norm)
            on_step(1)
        return Trained(nats, largest, trainer.divergence.step if trainer.divergence else None)

    def _curve(self, model: CharRNN, on_step: Callable[[int], object]) -> Curve | None:
        distance, losses = self.experiment.distance, self.experiment.losses
        try:
            return curves(model, self.held_out, distance, losses, on_step)["state"][0]
        except StatesOverflowError:
            return None


def start_network(start: Start, vocabulary_size: int, experiment: Experiment) -> CharRNN:
    """Return a fresh network of one layer, over one-hot characters; the same for the same seed."""
    H = experiment.hidden_size
    config = ModelConfig(vocabulary_size, hidden_size=H, embedding_size=0, **start.options)
    model = CharRNN(config, torch.Generator().manual_seed(experiment.seed % 2**63))
    weights = dict(model.named_weights())
    with torch.no_grad():
        weights["layers.0.weight_hh"].mul_(start.recurrent_scale)
        if start.forget_bias is not None:
            weights["layers.0.bias_ih"][H : 2 * H] = start.forget_bias
    return model
