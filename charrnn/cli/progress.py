"""What a training run shows while it goes on, and what it leaves when it ends."""

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import note

if TYPE_CHECKING:
    from charrnn.training.events import Events
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

SAMPLE_LENGTH = 160
SAMPLE_TEMPERATURE = 0.8


def follow(trainer: "Trainer", run: "Run", stop: Callable[[], bool], events: "Events | None" = None) -> None:
    """Run the trainer; log, save, sample and show what it yields."""
    from tqdm import tqdm

    from charrnn.display.signs import visible
    from charrnn.training.memorisation import SEARCHED, Meter
    from charrnn.training.resume import save_state

    parts = trainer.corpus.parts
    meter = Meter(parts["train"], parts.get("val"))
    if len(parts["train"]) > SEARCHED:
        note(f"how much of a sample is verbatim is told of the first {SEARCHED:,} characters of the training text")
    val = ""
    shape = "{percentage:3.0f}%|{bar}|{desc} {remaining} left"
    with tqdm(total=1.0, bar_format=shape, disable=None, leave=False) as bar:
        for progress in trainer.run(stop):
            run.log(progress)
            if events:
                events.log(progress)
            bar.n = progress.fraction
            if progress.milestone:
                run.save(trainer.model, progress)
                save_state(trainer, run.path)
                text = _sample(trainer)
                verbatim = meter.measure(trainer.corpus.vocabulary.encode(text))
                run.keep_sample(progress, text, SAMPLE_TEMPERATURE, verbatim)
                if events:
                    events.keep_sample(progress, text, verbatim)
                measured = "" if progress.val_nats is None else f" val {progress.val_nats:.3f}"
                share = f", {verbatim}" if verbatim else ""
                bar.write(
                    f"── step {progress.step}, train {progress.train_nats:.3f}{measured} nats{share}", file=sys.stderr
                )
                val = measured or val
                bar.write(visible(text), file=sys.stderr)
            bar.set_description_str(
                f" step {progress.step} epoch {progress.epoch:.1f} train {progress.train_nats:.3f}{val} nats "
                f"{progress.chars_per_second / 1000:.0f}k char/s"
            )


def _sample(trainer: "Trainer") -> str:
    """A short text by the model as it is now; always the same seed, so that stages of a run can be compared."""
    import numpy as np

    from charrnn.model.numpy_network import NumpyCharRNN
    from charrnn.sampling.distribution import SamplingConfig
    from charrnn.sampling.sampler import Sampler

    network = NumpyCharRNN(trainer.model.config, trainer.model.weights())
    sampler = Sampler(network, trainer.corpus.vocabulary, SamplingConfig(SAMPLE_TEMPERATURE))
    with np.errstate(all="ignore"):  # a run about to diverge says so itself
        return "".join(drawn.character for drawn in sampler.draw(SAMPLE_LENGTH))


def finish(trainer: "Trainer", run: "Run") -> dict[str, Any]:
    """Measure the best checkpoint on the whole held-out parts in float32, keep the figures, draw the curve."""
    from charrnn.display.curve import draw
    from charrnn.files import replacing
    from charrnn.model.checkpoint import bits, load
    from charrnn.model.network import CharRNN
    from charrnn.model.scoring import nats_per_character
    from charrnn.training.history import History
    from charrnn.training.run import CURVE

    best = load(run.best)
    network = CharRNN.from_weights(best.config, best.weights).to(trainer.model.device)
    measured = {name: nats_per_character(network, ids) for name, ids in trainer.corpus.parts.items() if name != "train"}
    figures = replace(best.header.figures, val_nats=measured.get("val"), test_nats=measured.get("test"))
    run.save_final(network, figures)
    history = History.read(run.path)
    with replacing(run.path / CURVE) as picture:
        draw(history.log, run.path.name, picture)
    last, overfits = history.log[-1], history.overfitting
    if overfits:
        note(str(overfits))
    return {
        "run": str(run.path),
        "best": str(run.best),
        "steps": last["step"],
        "epochs": last["epoch"],
        "seconds": last["seconds"],
        "parameters": best.config.parameters,
        "train_nats": last["train_nats"],
        "val_nats": figures.val_nats,
        "val_bits": None if figures.val_nats is None else bits(figures.val_nats),
        "test_nats": figures.test_nats,
        "chars_per_second": trainer.characters / last["seconds"],
        "stopped": trainer.stopped,
        "overfitting": None if overfits is None else asdict(overfits),
    }


def summarise(result: dict[str, Any]) -> None:
    from charrnn.display.signs import one_line

    run = one_line(shlex.quote(result["run"]))
    val = "" if result["val_nats"] is None else f", val {result['val_nats']:.4f} nats ({result['val_bits']:.4f} bits)"
    test = "" if result["test_nats"] is None else f", test {result['test_nats']:.4f} nats"
    click.echo(
        f"{result['stopped']} after {result['steps']:,} steps, {result['epochs']:.2f} epochs, "
        f"{result['seconds']:.0f} s: "
        f"train {result['train_nats']:.4f}{val}{test} per character\n"
        f"Next:  charrnn sample {run} --length 500"
    )


@contextmanager
def signals() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of dying of them; a second one acts at once."""
    received: list[int] = []
    before: dict[int, Any] = {}

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        click.echo("Stopping after this step; once more to leave at once.", err=True)
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, receive)
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
