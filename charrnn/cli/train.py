"""`charrnn train`: a text in, a run folder out."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import device_option, echo_json, encoding_option, examples, json_option, note, read_sources
from charrnn.cli.progress import finish, follow, signals, summarise
from charrnn.errors import RunError
from charrnn.model.config import CELL_NAMES, NONLINEARITIES
from charrnn.training.config import OPTIMIZERS, SCHEDULES
from charrnn.training.recipe import PRESETS

if TYPE_CHECKING:
    from charrnn.model.config import ModelConfig
    from charrnn.text.corpus import Corpus
    from charrnn.training.events import Events
    from charrnn.training.resume import Sources
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer


@click.command(
    epilog=examples(
        "charrnn train python --minutes 1",
        "charrnn train python --cell gru --num-layers 2 --hidden-size 128 --steps 500",
        "charrnn train *.txt --epochs 10 --out checkpoints/mine",
        "charrnn train --resume checkpoints/mine",
    )
)
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="RUN", help="The run folder. Default: a new one in checkpoints/."
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a stopped run, exactly.",
)
@click.option(
    "--preset",
    type=click.Choice(tuple(PRESETS)),
    help="The classics: char-rnn as it shipped, or the 2015 study's largest; other options override it.",
)
@click.option(
    "--cell", type=click.Choice(CELL_NAMES), help="Peephole: an LSTM whose gates see its cell state. Default: lstm."
)
@click.option("--nonlinearity", type=click.Choice(NONLINEARITIES), help="Of --cell rnn. Default: tanh.")
@click.option("--num-layers", type=int, metavar="N", help="Recurrent layers. Default: 1.")
@click.option("--hidden-size", type=int, metavar="N", help="Units in each layer. Default: by text and time.")
@click.option("--embedding-size", type=int, metavar="N", help="Numbers for a character; 0 is one-hot. Default: 256.")
@click.option(
    "--dropout",
    type=float,
    metavar="P",
    help="Part of each layer's units dropped. Default: by text and time.",
)
@click.option("--seq-length", type=int, metavar="N", help="Characters back-propagated through. Default: 64.")
@click.option("--batch-size", type=int, metavar="N", help="Streams read side by side. Default: 32.")
@click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="Default: adamw.")
@click.option("--learning-rate", type=float, metavar="R", help="Its peak. Default: by cell.")
@click.option("--schedule", type=click.Choice(SCHEDULES), help="Of the rate, after the warm-up. Default: cosine.")
@click.option("--warmup", type=float, metavar="P", help="Part of the run in which the rate rises. Default: 0.03.")
@click.option("--decay", type=float, metavar="D", help="Of --schedule exponential, each epoch. Default: 0.97.")
@click.option("--decay-after", type=float, metavar="N", help="Epochs before the first --decay. Default: 10.")
@click.option("--weight-decay", type=float, metavar="W", help="The optimizer's. Default: 0.")
@click.option("--clip-norm", type=float, metavar="C", help="Largest norm of the gradient; 0: no clipping. Default: 1.")
@click.option("--clip-value", type=float, metavar="C", help="Largest of its numbers; 0: no clipping. Default: 0.")
@click.option("--epochs", type=float, metavar="N", help="Stop after N readings of the text.")
@click.option("--steps", type=int, metavar="N", help="Stop after N steps.")
@click.option(
    "--minutes", type=float, metavar="M", help="Stop after M minutes; the schedule follows the clock. Default: 3."
)
@click.option("--patience", type=int, metavar="N", help="Stop when N validations in a row were no new best.")
@click.option("--val-fraction", type=float, default=0.05, show_default=True, metavar="P", help="For validation.")
@click.option("--test-fraction", type=float, default=0.05, show_default=True, metavar="P", help="For the test.")
@click.option(
    "--precision", type=click.Choice(["float32", "bfloat16"]), help="Default: bfloat16 where the hardware has it."
)
@click.option(
    "--sample-every", type=int, metavar="N", help="Validate, save and sample every N steps. Default: some 20 times."
)
@click.option(
    "--tensorboard", is_flag=True, help="Write event files for TensorBoard too; a resumed run goes on with them."
)
@click.option("--seed", type=int, metavar="N", help="Of the first weights and of dropout. Default: 0.")
@encoding_option
@device_option
@json_option
def train(
    sources: tuple[str, ...], out: Path | None, resume: Path | None, val_fraction: float, test_fraction: float,
    precision: str | None, preset: str | None, encoding: str, device: str, tensorboard: bool, as_json: bool,
    **given: Any,
) -> None:  # fmt: skip
    """Train a character-level model on SOURCE and keep it in a run folder.

    Several sources are read as one text. Validation loss is measured as training goes on, and short samples show what
    the model writes by then. The folder holds best.safetensors, last.safetensors, log.jsonl, samples.jsonl, loss.png
    and, for --resume, state.safetensors and sources.json. A resumed run reads the same text again and takes every
    choice from the run.
    """
    from charrnn.training.resume import Sources

    if resume is not None:
        _refuse_choices_beside_resume()
        trainer, run = _resumed(resume, device)
    elif sources:
        if tensorboard:
            _check_tensorboard()
        text = Sources(sources, encoding, val_fraction, test_fraction)
        trainer, run = _fresh(text, out, preset, precision, device, given)
    else:
        raise click.UsageError("Missing argument 'SOURCE...'.")
    with _events(trainer, run, tensorboard) as events, signals() as received:
        follow(trainer, run, stop=lambda: bool(received), events=events)
    if trainer.stopped == "diverged" and not run.best.exists():
        raise RunError("the loss was no number before anything could be saved", "choose a lower --learning-rate")
    result = finish(trainer, run)
    if as_json:
        echo_json(result)
    else:
        summarise(result)
    if received:
        raise SystemExit(128 + received[0])
    if trainer.stopped == "diverged":
        raise RunError(
            f"the loss was no number any more after step {result['steps']}; the checkpoints before it are kept",
            "choose a lower --learning-rate or --clip-norm",
        )


def _refuse_choices_beside_resume() -> None:
    """A resumed run takes all from the run; an option that would be ignored is an error."""
    context = click.get_current_context()
    for name in context.params:
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in ("resume", "device", "as_json"):
            raise click.UsageError(f"{name} cannot be chosen again with --resume; leave it out.")


def _check_tensorboard() -> None:
    """Find out before the first step whether event files can be written."""
    from charrnn.training.events import writer_type

    writer_type()


def _events(trainer: "Trainer", run: "Run", wanted: bool) -> "AbstractContextManager[Events | None]":
    """Event files where they are wanted, or where the run that is resumed has some."""
    from charrnn.training.events import Events

    return Events(run.path, trainer.step) if wanted or Events.are_in(run.path) else nullcontext()


def _fresh(
    sources: "Sources", out: Path | None, preset: str | None, precision: str | None, device: str, given: dict[str, Any]
) -> "tuple[Trainer, Run]":
    """A new model and a new run folder."""
    import torch

    from charrnn.model.devices import choose_device, choose_precision
    from charrnn.model.network import CharRNN
    from charrnn.training.recipe import Hardware, recipe
    from charrnn.training.resume import save_sources
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

    corpus = _read(sources)
    where = choose_device(device)
    number = choose_precision(precision, where)
    hardware = Hardware(where.type != "cpu", torch.get_num_threads(), number == torch.bfloat16)
    config, training, why = recipe(len(corpus.parts["train"]), len(corpus.vocabulary), given, hardware, preset)
    network = CharRNN(config, torch.Generator().manual_seed(training.seed)).to(where)
    run = Run(out or _new_folder(corpus, config), corpus, training, str(number).removeprefix("torch."))
    trainer = Trainer(network, corpus, training, number)
    run.create()
    save_sources(_absolute(sources), run.path)
    _announce(trainer, run, f", chosen for {why}")
    return trainer, run


def _resumed(path: Path, device: str) -> "tuple[Trainer, Run]":
    """The model, the corpus and the state of a stopped run."""
    import msgspec

    from charrnn.model.checkpoint import LAST, load
    from charrnn.model.devices import choose_device, choose_precision
    from charrnn.model.network import CharRNN
    from charrnn.training.config import TrainingConfig
    from charrnn.training.resume import load_sources, restore
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

    sources = load_sources(path)
    last = load(path / LAST)
    corpus = _read(sources)
    if corpus.sha256 != last.header.corpus.sha256:
        raise RunError(f"the text of {path} has changed since it was trained on", "restore it, or start a new run")
    options = dict(last.header.training)
    precision, where = str(options.pop("precision", "float32")), choose_device(device)
    training = msgspec.convert(options, TrainingConfig)
    network = CharRNN.from_weights(last.config, last.weights).to(where)
    trainer = Trainer(network, corpus, training, choose_precision(precision, where))
    run = Run(path, corpus, training, precision)
    restore(trainer, path)
    run.reopen(trainer.step)
    _announce(trainer, run)
    return trainer, run


def _read(sources: "Sources") -> "Corpus":
    from charrnn.text.corpus import Corpus

    text = read_sources(sources.sources, sources.encoding)
    corpus = Corpus.from_text(text, sources.val_fraction, sources.test_fraction)
    for line in corpus.notes:
        note(line)
    return corpus


def _absolute(sources: "Sources") -> "Sources":
    """The same sources, to be found from any folder."""
    import msgspec

    from charrnn.text.catalogue import CATALOGUE

    names = (name if name == "-" or name in CATALOGUE else os.path.abspath(name) for name in sources.sources)
    return msgspec.structs.replace(sources, sources=tuple(names))


def _new_folder(corpus: "Corpus", config: "ModelConfig") -> Path:
    from charrnn.training.run import free_folder

    return free_folder(Path("checkpoints"), f"{corpus.name}-{config.cell}-{config.num_layers}x{config.hidden_size}")


def _announce(trainer: "Trainer", run: "Run", why: str = "") -> None:
    """Say in one line what is trained, how, and why so."""
    from charrnn.display.signs import one_line

    model, training, streams = trainer.model.config, trainer.config, trainer.streams
    precision = str(trainer.precision).removeprefix("torch.")
    budgets = ((training.minutes, "minutes"), (training.steps, "steps"), (training.epochs, "epochs"))
    budget = " ".join(f"{value:g} {name}" for value, name in budgets if value is not None)
    click.echo(
        f"{model.kind} {model.num_layers}×{model.hidden_size}, embedding {model.embedding_size or 'one-hot'}, "
        f"{model.parameters:,} parameters; "
        f"{streams.batch_size} streams × {streams.seq_length} characters, rate {training.learning_rate:g}, "
        f"dropout {model.dropout:g}, {precision} on {trainer.model.device}, "
        f"{budget}{why}; run in {one_line(str(run.path))}",
        err=True,
    )
    if (streams.batch_size, streams.seq_length) != (training.batch_size, training.seq_length):
        note("the text is short: fewer streams, or a shorter window, than asked for")
