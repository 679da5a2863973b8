"""`charrnn train`: a text in, a run folder out."""

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import (
    device_option,
    echo_json,
    encoding_option,
    examples,
    json_option,
    note,
    read_sources,
    sources_argument,
)
from charrnn.errors import RunError
from charrnn.model.config import CELL_NAMES, NONLINEARITIES
from charrnn.training.config import SCHEDULES

if TYPE_CHECKING:
    from charrnn.model.config import ModelConfig
    from charrnn.text.corpus import Corpus
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

SAMPLE_LENGTH = 160
SAMPLE_TEMPERATURE = 0.8


@click.command(
    epilog=examples(
        "charrnn train python --minutes 1",
        "charrnn train python --cell gru --num-layers 2 --hidden-size 128 --steps 500",
        "charrnn train *.txt --epochs 10 --out checkpoints/mine",
    )
)
@sources_argument
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="RUN", help="The run folder. Default: a new one in checkpoints/."
)
@click.option(
    "--cell", type=click.Choice(CELL_NAMES), help="Peephole: an LSTM whose gates see its cell state. Default: lstm."
)
@click.option("--nonlinearity", type=click.Choice(NONLINEARITIES), help="Of --cell rnn. Default: tanh.")
@click.option("--num-layers", type=int, metavar="N", help="Recurrent layers. Default: 1.")
@click.option("--hidden-size", type=int, metavar="N", help="Units in each layer. Default: by cell.")
@click.option("--embedding-size", type=int, metavar="N", help="Numbers for a character; 0 is one-hot. Default: 256.")
@click.option(
    "--dropout",
    type=float,
    metavar="P",
    help="Part of the units dropped around each layer. Default: by cell.",
)
@click.option("--seq-length", type=int, metavar="N", help="Characters back-propagated through. Default: 64.")
@click.option("--batch-size", type=int, metavar="N", help="Streams read side by side. Default: 32.")
@click.option("--learning-rate", type=float, metavar="R", help="Its peak. Default: by cell.")
@click.option("--schedule", type=click.Choice(SCHEDULES), help="Of the rate, after the warm-up. Default: cosine.")
@click.option("--warmup", type=float, metavar="P", help="Part of the run in which the rate rises. Default: 0.03.")
@click.option("--weight-decay", type=float, metavar="W", help="AdamW's. Default: 0.")
@click.option("--clip-norm", type=float, metavar="C", help="Largest norm of the gradient; 0: no clipping. Default: 1.")
@click.option("--epochs", type=float, metavar="N", help="Stop after N readings of the text.")
@click.option("--steps", type=int, metavar="N", help="Stop after N steps.")
@click.option(
    "--minutes", type=float, metavar="M", help="Stop after M minutes; the schedule follows the clock. Default: 3."
)
@click.option("--val-fraction", type=float, default=0.05, show_default=True, metavar="P", help="For validation.")
@click.option("--test-fraction", type=float, default=0.05, show_default=True, metavar="P", help="For the test.")
@click.option(
    "--precision", type=click.Choice(["float32", "bfloat16"]), help="Default: bfloat16 where the hardware has it."
)
@click.option(
    "--sample-every", type=int, metavar="N", help="Validate, save and sample every N steps. Default: some 20 times."
)
@click.option("--seed", type=int, metavar="N", help="Of the first weights and of dropout. Default: 0.")
@encoding_option
@device_option
@json_option
def train(
    sources: tuple[str, ...], out: Path | None, val_fraction: float, test_fraction: float, precision: str | None,
    encoding: str, device: str, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Train a character-level model on SOURCE and keep it in a run folder.

    Several sources are read as one text. Validation loss is measured as training goes on, and short samples show what
    the model writes by then. The folder holds best.safetensors, last.safetensors, log.jsonl, samples.jsonl, loss.png.
    """
    import torch

    from charrnn.model.devices import choose_device, choose_precision
    from charrnn.model.network import CharRNN
    from charrnn.text.corpus import Corpus
    from charrnn.training.recipe import recipe
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

    corpus = Corpus.from_text(read_sources(sources, encoding), val_fraction, test_fraction)
    for line in corpus.notes:
        note(line)
    config, training = recipe(len(corpus.vocabulary), given)
    where = choose_device(device)
    number = choose_precision(precision, where)
    precision = str(number).removeprefix("torch.")
    network = CharRNN(config, torch.Generator().manual_seed(training.seed)).to(where)
    trainer = Trainer(network, corpus, training, number)
    run = Run(out or _new_folder(corpus, config), corpus, training, precision)
    _announce(trainer, run, precision)
    with _signals() as received:
        _train(trainer, run, stop=lambda: bool(received))
    if trainer.stopped == "diverged" and not run.best.exists():
        raise RunError("the loss was no number before anything could be saved", "choose a lower --learning-rate")
    result = _finish(trainer, run)
    if as_json:
        echo_json(result)
    else:
        _summarise(result)
    if received:
        raise SystemExit(128 + received[0])
    if trainer.stopped == "diverged":
        raise RunError(
            f"the loss was no number any more after step {result['steps']}; the checkpoints before it are kept",
            "choose a lower --learning-rate or --clip-norm",
        )


def _new_folder(corpus: "Corpus", config: "ModelConfig") -> Path:
    from charrnn.training.run import free_folder

    return free_folder(Path("checkpoints"), f"{corpus.name}-{config.cell}-{config.num_layers}x{config.hidden_size}")


def _announce(trainer: "Trainer", run: "Run", precision: str) -> None:
    """Say in one line what is trained, and how."""
    model, training, streams = trainer.model.config, trainer.config, trainer.streams
    cell = f"{model.cell} ({model.nonlinearity})" if model.cell == "rnn" else model.cell
    budget = ((training.minutes, "minutes"), (training.steps, "steps"), (training.epochs, "epochs"))
    click.echo(
        f"{cell} {model.num_layers}×{model.hidden_size}, embedding {model.embedding_size or 'one-hot'}, "
        f"{sum(p.numel() for p in trainer.model.parameters()):,} parameters; "
        f"{streams.batch_size} streams × {streams.seq_length} characters, rate {training.learning_rate:g}, "
        f"dropout {model.dropout:g}, {precision} on {trainer.model.device}, "
        f"{' '.join(f'{value:g} {name}' for value, name in budget if value is not None)}; run in {run.path}",
        err=True,
    )
    if (streams.batch_size, streams.seq_length) != (training.batch_size, training.seq_length):
        note("the text is short: fewer streams, or a shorter window, than asked for")


def _train(trainer: "Trainer", run: "Run", stop: Callable[[], bool]) -> None:
    """Run the trainer; log, save, sample and show what it yields."""
    from tqdm import tqdm

    from charrnn.display.signs import visible

    val = ""
    shape = "{percentage:3.0f}%|{bar}|{desc} {remaining} left"
    with tqdm(total=1.0, bar_format=shape, disable=None, leave=False) as bar:
        for progress in trainer.run(stop):
            run.log(progress)
            bar.n = progress.fraction
            if progress.milestone:
                run.save(trainer.model, progress)
                text = _sample(trainer)
                run.keep_sample(progress, text, SAMPLE_TEMPERATURE)
                if progress.val_nats is not None:
                    val = f" val {progress.val_nats:.3f}"
                bar.write(f"── step {progress.step}, train {progress.train_nats:.3f}{val} nats", file=sys.stderr)
                bar.write(visible(text), file=sys.stderr)
            bar.set_description_str(
                f" step {progress.step} epoch {progress.epoch:.1f} train {progress.train_nats:.3f}{val} "
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


def _finish(trainer: "Trainer", run: "Run") -> dict[str, Any]:
    """Measure the best checkpoint on the whole held-out parts in float32, keep the figures, draw the curve."""
    import msgspec

    from charrnn.display.curve import draw
    from charrnn.files import replacing
    from charrnn.model.checkpoint import load
    from charrnn.model.network import CharRNN
    from charrnn.model.scoring import bits, nats_per_character
    from charrnn.training.run import CURVE, LOG

    best = load(run.best)
    network = CharRNN.from_weights(best.config, best.weights).to(trainer.model.device)
    measured = {name: nats_per_character(network, ids) for name, ids in trainer.corpus.parts.items() if name != "train"}
    figures = replace(best.header.figures, val_nats=measured.get("val"), test_nats=measured.get("test"))
    run.save_final(network, figures)
    log = [msgspec.json.decode(line) for line in (run.path / LOG).read_bytes().splitlines()]
    with replacing(run.path / CURVE) as picture:
        draw(log, run.path.name, picture)
    last = log[-1]
    return {
        "run": str(run.path),
        "best": str(run.best),
        "steps": last["step"],
        "epochs": last["epoch"],
        "seconds": last["seconds"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "train_nats": last["train_nats"],
        "val_nats": figures.val_nats,
        "val_bits": None if figures.val_nats is None else bits(figures.val_nats),
        "test_nats": figures.test_nats,
        "chars_per_second": trainer.characters / last["seconds"],
        "stopped": trainer.stopped,
    }


def _summarise(result: dict[str, Any]) -> None:
    best = shlex.quote(result["run"])
    val = "" if result["val_nats"] is None else f", val {result['val_nats']:.4f} nats ({result['val_bits']:.4f} bits)"
    test = "" if result["test_nats"] is None else f", test {result['test_nats']:.4f} nats"
    click.echo(
        f"{result['stopped']} after {result['steps']:,} steps, {result['epochs']:.2f} epochs, "
        f"{result['seconds']:.0f} s: "
        f"train {result['train_nats']:.4f}{val}{test} per character\n"
        f"Next:  charrnn sample {best} --length 500"
    )


@contextmanager
def _signals() -> Iterator[list[int]]:
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
