"""`charrnn gradients --cells`: how far gradients reach in each cell, as it starts and after a short training."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import FEEDBACK, command_threads, echo_json, progress_bar
from charrnn.cli.output import echo_written
from charrnn.errors import StatesOverflowError, counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.display.decay import Line, Peak
    from charrnn.model.network import CharRNN
    from charrnn.neurons.gradients import Curve
    from charrnn.text.corpus import Corpus, Ids

STAGES = ("fresh", "clipped", "unclipped")
TITLES = {
    "fresh": "fresh",
    "clipped": "after training, the gradient clipped",
    "unclipped": "after training, not clipped",
}


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
    colour: str  # by its name in display/decay.py
    dashes: str = "-"
    recurrent_scale: float = 1.0  # what charrnn's recurrent weights are multiplied by
    forget_bias: float | None = None  # in place of charrnn's


# The peephole LSTM is dotted as it starts on the LSTM's curve: peepholes are 0 at first.
STARTS = (
    Start("RNN, tanh", {"cell": "rnn"}, "vermilion"),
    Start("RNN, ReLU", {"cell": "rnn", "nonlinearity": "relu"}, "orange"),
    Start("RNN, ReLU, ×1.6", {"cell": "rnn", "nonlinearity": "relu"}, "orange", "--", recurrent_scale=1.6),
    Start("LSTM", {"cell": "lstm"}, "blue"),
    Start("LSTM, gates open", {"cell": "lstm"}, "blue", "--", forget_bias=5.0),
    Start("GRU", {"cell": "gru"}, "green"),
    Start("peephole LSTM", {"cell": "peephole"}, "purple", ":"),
)


@dataclass
class Training:
    """What a short training came to."""

    train_nats: float | None = None  # of the last step; None where there was none that had a number
    largest_grad_norm: float | None = None
    diverged: int | None = None  # the step at which the loss or its gradient was no number any more


@dataclass
class Outcome:
    """What was measured of one start; a curve is None where the network's states have left the numbers."""

    start: Start
    curves: "dict[str, Curve | None]" = field(default_factory=dict)  # by stage
    trainings: dict[str, Training] = field(default_factory=dict)  # by stage, but for the first


def compare_cells(
    sources: tuple[str, ...], reading: Reading, experiment: Experiment, device: str, output: Path | None, as_json: bool
) -> None:
    """Train and measure all starts on a text, and show them."""
    from charrnn.neurons.gradients import places
    from charrnn.text.spec import TextSpec

    corpus = TextSpec.of(sources, reading, val_fraction=0.05, test_fraction=0).read(FEEDBACK)
    held_out = corpus.parts.get("val", corpus.parts["train"])
    places(len(held_out), experiment.distance, 1)  # found out before the training whether it is long enough
    outcomes = _outcomes(replace(corpus, parts={"train": corpus.parts["train"]}), held_out, experiment, device)
    if output:
        _draw(outcomes, experiment, corpus.name, output)
    if as_json:
        echo_json({"source": list(sources), **asdict(experiment), "cells": [_told(outcome) for outcome in outcomes]})
        return
    _show(outcomes, experiment, corpus.name)
    if output:
        echo_written(output)


def start_network(start: Start, vocabulary_size: int, experiment: Experiment) -> "CharRNN":
    """Return a fresh network of one layer, over one-hot characters; the same for the same seed."""
    import torch

    from charrnn.model.config import ModelConfig
    from charrnn.model.network import CharRNN

    H = experiment.hidden_size
    config = ModelConfig(vocabulary_size, hidden_size=H, embedding_size=0, **start.options)
    model = CharRNN(config, torch.Generator().manual_seed(experiment.seed % 2**63))
    weights = dict(model.named_weights())
    with torch.no_grad():
        weights["layers.0.weight_hh"].mul_(start.recurrent_scale)
        if start.forget_bias is not None:
            weights["layers.0.bias_ih"][H : 2 * H] = start.forget_bias
    return model


def _outcomes(corpus: "Corpus", held_out: "Ids", experiment: Experiment, device: str) -> list[Outcome]:
    from charrnn.model.devices import choose_device

    where = choose_device(device)
    each = 2 * experiment.steps + 3 * (experiment.distance + 1)
    outcomes = [Outcome(start) for start in STARTS]
    with progress_bar(each * len(STARTS), "cells", unit="step") as bar:
        for number, outcome in enumerate(outcomes):
            bar.set_description(outcome.start.name)
            for stage in STAGES:
                model = start_network(outcome.start, len(corpus.vocabulary), experiment).to(where)
                if stage != "fresh":
                    clip = experiment.clip_norm if stage == "clipped" else 0.0
                    outcome.trainings[stage] = _train(model, corpus, experiment, clip, bar.update)
                outcome.curves[stage] = _curve(model, held_out, experiment, bar.update)
            bar.update(each * (number + 1) - bar.n)  # where one has diverged, steps are left over
    return outcomes


def _train(
    model: "CharRNN", corpus: "Corpus", experiment: Experiment, clip_norm: float, on_step: Callable[[int], object]
) -> Training:
    """Train a network for some steps by the recipe's rate for its cell; report what was met on the way."""
    from charrnn.training.config import TrainingConfig
    from charrnn.training.recipe import Hardware, recipe
    from charrnn.training.trainer import Trainer

    given = {"cell": model.config.cell, "hidden_size": model.config.hidden_size, "steps": experiment.steps}
    rate = recipe(len(corpus.parts["train"]), len(corpus.vocabulary), given, Hardware()).training.learning_rate
    config = TrainingConfig(  # every step is a milestone, so that the norm of each is told
        steps=experiment.steps, learning_rate=rate, clip_norm=clip_norm, sample_every=1, seed=experiment.seed
    )
    trainer, result = Trainer(model, corpus, config, threads=command_threads(model.device.type == "cpu")), Training()
    trainer.settle_threads()  # once for all of them, so that they can be compared
    for progress in trainer.run():
        result.train_nats = progress.train_nats
        result.largest_grad_norm = max(result.largest_grad_norm or 0.0, progress.grad_norm)
        on_step(1)
    result.diverged = trainer.divergence.step if trainer.divergence else None
    return result


def _curve(model: "CharRNN", ids: "Ids", experiment: Experiment, on_step: Callable[[int], object]) -> "Curve | None":
    from charrnn.neurons.gradients import curves

    try:
        return curves(model, ids, experiment.distance, experiment.losses, on_step)["state"][0]
    except StatesOverflowError:
        return None


def _told(outcome: Outcome) -> dict[str, Any]:
    from charrnn.cli.gradients import curve_told

    start = outcome.start
    stages = {
        stage: {"curve": curve and curve_told(curve), **asdict(outcome.trainings.get(stage, Training()))}
        for stage, curve in outcome.curves.items()
    }
    changed = {"recurrent_scale": start.recurrent_scale, "forget_bias": start.forget_bias}
    return {"name": start.name, **start.options, **changed, **stages}


def _show(outcomes: list[Outcome], experiment: Experiment, text: str) -> None:
    from charrnn.cli.gradients import NAME, echo_heads, row
    from charrnn.display.signs import one_line

    click.echo(one_line(f"{text}: the gradient's norm k characters back, median of {experiment.losses:,} losses"))
    click.echo(f"with respect to all of the state (h; in LSTMs h and c); networks of 1×{experiment.hidden_size}")
    echo_heads(experiment.distance)
    for stage in STAGES:
        click.echo(TITLES[stage])
        for outcome in outcomes:
            curve = outcome.curves[stage]
            click.echo(
                row(outcome.start.name, curve) if curve else f"  {outcome.start.name:{NAME - 2}}{_lost(outcome, stage)}"
            )
    trained = f"trained {counted(experiment.steps, 'step')}"
    click.echo(f"\n{trained:{NAME}}{'largest gradient of the weights':>34}     last loss, nats")
    click.echo(f"{'':{NAME}}{'clipped':>16}  {'not clipped':>16}  {'clipped':>8}  {'not':>8}")
    for outcome in outcomes:
        click.echo(_training_row(outcome))


def _training_row(outcome: Outcome) -> str:
    from charrnn.cli.gradients import NAME

    trainings = [outcome.trainings[stage] for stage in STAGES[1:]]
    norms = "  ".join(f"{'–' if t.largest_grad_norm is None else f'{t.largest_grad_norm:.3g}':>16}" for t in trainings)
    losses = "  ".join(f"{'–' if t.train_nats is None or t.diverged else _nats(t.train_nats):>8}" for t in trainings)
    return f"{f'  {outcome.start.name}':{NAME}}{norms}  {losses}"


def _lost(outcome: Outcome, stage: str) -> str:
    """Why there is no curve."""
    training = outcome.trainings.get(stage)
    return f"diverged at step {training.diverged}" if training and training.diverged else "the states overflow"


def _draw(outcomes: list[Outcome], experiment: Experiment, text: str, output: Path) -> None:
    from charrnn.display.decay import draw_cells
    from charrnn.display.figures import form_of
    from charrnn.files import replacing

    panels = {TITLES[stage]: _lines(outcomes, stage) for stage in STAGES}
    title = (
        f"Does the gradient last? ∂loss/∂state k characters back: median of {experiment.losses} losses on {text}; "
        f"1×{experiment.hidden_size}, {counted(experiment.steps, 'step')}"
    )
    with replacing(output) as temporary:
        draw_cells(panels, _peaks(outcomes), title, temporary, form_of(output))


def _lines(outcomes: list[Outcome], stage: str) -> "list[Line]":
    from charrnn.cli.gradients import line
    from charrnn.display.decay import COLOURS

    return [
        line(outcome.start.name, curve, COLOURS[outcome.start.colour], outcome.start.dashes)
        for outcome in outcomes
        if (curve := outcome.curves[stage])
    ]


def _peaks(outcomes: list[Outcome]) -> "list[Peak]":
    from charrnn.display.decay import COLOURS, Peak

    return [
        Peak(
            outcome.start.name, training.largest_grad_norm, _outcome(training), COLOURS[outcome.start.colour],
            filled=stage == "clipped",
        )
        for outcome in outcomes
        for stage, training in outcome.trainings.items()
    ]  # fmt: skip


def _outcome(training: Training) -> str:
    return f"diverged at step {training.diverged}" if training.diverged else f"{_nats(training.train_nats)} nats"


def _nats(loss: float | None) -> str:
    """A loss in eight signs or fewer, also that of a network whose states explode."""
    return "–" if loss is None else f"{loss:.2f}" if loss < 1000 else f"{loss:.1e}"
