"""`charrnn train`: a text in, a run folder out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import device_option, echo_json, examples, json_option, reading_options, threads_option
from charrnn.cli.output import OutputFolder, RunFolder
from charrnn.cli.progress import finish, follow, signals, summarise
from charrnn.cli.runs import Prepared, fresh, resumed
from charrnn.errors import RunError, counted, is_out_of_memory
from charrnn.model.config import BUDGETS, CELL_NAMES, NONLINEARITIES
from charrnn.text.reading import Reading
from charrnn.training.config import ON_NAN, OPTIMIZERS, SCHEDULES
from charrnn.training.recipe import PRESETS

if TYPE_CHECKING:
    from charrnn.training.events import Events
    from charrnn.training.run import Run
    from charrnn.training.trainer import Trainer

BESIDE_RESUME = ("resume", "sources", *BUDGETS, "force", "on_nan", "device", "threads", "as_json")


@click.command(
    epilog=examples(
        "charrnn train python --minutes 1",
        "charrnn train python --cell gru --num-layers 2 --hidden-size 128 --steps 500",
        "charrnn train *.txt --epochs 10 --out checkpoints/mine",
        "charrnn train --resume checkpoints/mine",
        "charrnn train --resume checkpoints/mine --epochs 20",
        "charrnn train letters.txt --init-from checkpoints/mine --minutes 5",
    )
)
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--out", type=OutputFolder(), metavar="RUN", help="The run folder. Default: a new one in checkpoints/.")
@click.option(
    "--resume",
    type=RunFolder(),
    metavar="RUN",
    help="Go on with a stopped run, exactly; with a SOURCE where its text has moved, with a budget to train longer.",
)
@click.option("--force", is_flag=True, help="With --resume: go on though the text has changed, with it as it is now.")
@click.option("--init-from", metavar="MODEL", help="Begin a new run with this model's sizes and weights.")
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
@click.option(
    "--weight-dropout", type=float, metavar="P",
    help="Part of each recurrent matrix dropped, anew for each window. Default: 0.",
)  # fmt: skip
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
@click.option(
    "--min-count",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Fold characters that the text has fewer than N times into one, U+FFFD. Default: none.",
)
@click.option(
    "--val-fraction",
    type=float,
    metavar="P",
    help="Part of the text for validation. Default: 0.05, at most a million characters.",
)
@click.option("--test-fraction", type=float, metavar="P", help="Part of the text for the test. Default: the same.")
@click.option(
    "--precision", type=click.Choice(["float32", "bfloat16"]), help="Default: bfloat16 where the hardware has it."
)
@click.option(
    "--sample-every", type=int, metavar="N", help="Validate, save and sample every N steps. Default: some 20 times."
)
@click.option(
    "--keep-checkpoints", is_flag=True,
    help="Keep the model of each of these stages too, in half precision, for 'neurons compare'.",
)  # fmt: skip
@click.option(
    "--tensorboard", is_flag=True, help="Write event files for TensorBoard too; a resumed run goes on with them."
)
@click.option("--seed", type=int, metavar="N", help="Of the first weights and of dropout. Default: 0.")
@click.option(
    "--on-nan",
    type=click.Choice(ON_NAN),
    help="Where the loss is no number: stop, or go back to the last save, at half the learning rate. Default: stop.",
)
@reading_options
@device_option
@threads_option
@json_option
def train(
    sources: tuple[str, ...], out: Path | None, resume: Path | None, force: bool, init_from: str | None,
    min_count: int, val_fraction: float | None, test_fraction: float | None, preset: str | None, precision: str | None,
    reading: Reading, device: str, threads: int | None, tensorboard: bool, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Train a character-level model on SOURCE and keep it in a run folder.

    Several sources are read as one text. Validation loss is measured as training goes on, and short samples show what
    the model writes by then. The folder holds best.safetensors, last.safetensors, log.jsonl, samples.jsonl, loss.png
    and, for --resume, state.safetensors. A resumed run reads the same text again and takes every choice from the run,
    but for --on-nan and the budget: --minutes, --steps or --epochs say what it gets in all, even once it has finished;
    the learning rate then follows the schedule of the longer run. Ctrl-C saves and ends the run; a second one ends it
    at once.
    """
    from charrnn.training.resume import Sources

    if resume is not None:
        _refuse_choices_beside_resume()
        budget = {name: given[name] for name in BUDGETS if given[name] is not None}
        prepared = resumed(resume, device, force, given["on_nan"], threads, sources, budget)
    elif force:
        raise click.UsageError("--force is for --resume.")
    elif sources:
        if tensorboard:
            from charrnn.training.events import check_installed

            check_installed()  # before the first step
        text = Sources.of(sources, reading, val_fraction, test_fraction, min_count)
        prepared = fresh(text, out, init_from, preset, precision, device, threads, given)
    else:
        raise click.UsageError("Missing argument 'SOURCE...'.")
    with prepared as ready, _advice_on_memory(ready.trainer, ready.run):
        status = _train(ready, tensorboard, as_json)
    if status:
        raise SystemExit(status)


@contextmanager
def _advice_on_memory(trainer: "Trainer", run: "Run") -> Iterator[None]:
    """Turn an error for want of memory into one that says what can be made smaller, and what is saved."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        streams, model = trainer.streams, trainer.model.config
        raise RunError(
            f"out of memory on {trainer.model.device} after step {trainer.step:,}; {run.kept or 'nothing is saved'}",
            f"start again with a smaller --batch-size (now {streams.batch_size}), a shorter --seq-length "
            f"(now {streams.seq_length}) or a smaller --hidden-size (now {model.hidden_size})",
        ) from None


def _train(prepared: Prepared, tensorboard: bool, as_json: bool) -> int:
    """Train to the end, report, and return the exit status that tells how it ended.

    A signal that comes when the run has begun to write is answered after its first step: it leaves a saved state.
    """
    trainer, run, begin = prepared
    with signals() as received:
        begin()
        follow(trainer, run, lambda: bool(received), _events(trainer, run, tensorboard))
    if not trainer.group.is_first:
        return 128 + received[0] if received else int(trainer.divergence is not None)
    if trainer.divergence and not run.holds_a_model:
        raise _diverged(trainer, "nothing was learned before that")
    result = finish(trainer, run)
    if as_json:
        echo_json(result)
    else:
        summarise(result)
    if trainer.divergence and not received:
        raise _diverged(trainer, run.kept or "nothing is saved")
    return 128 + received[0] if received else 0


def _diverged(trainer: "Trainer", kept: str) -> RunError:
    """What went wrong where, what is still there, and what to do."""
    lower = "start again with a lower --learning-rate or --clip-norm"
    if trainer.config.on_nan == "rollback":
        return RunError(f"{trainer.divergence}, after going back {counted(trainer.rollbacks, 'time')}; {kept}", lower)
    return RunError(f"{trainer.divergence}; {kept}", f"resume with --on-nan rollback to go on from there, or {lower}")


def _refuse_choices_beside_resume() -> None:
    """A resumed run takes all from the run; an option that would be ignored is an error."""
    context = click.get_current_context()
    for name in context.params:
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in BESIDE_RESUME:
            raise click.UsageError(f"{name} cannot be chosen again with --resume; leave it out.")


def _events(trainer: "Trainer", run: "Run", wanted: bool) -> "Events | None":
    """An event file where it is wanted, or where the run that is resumed has some."""
    from charrnn.training.events import Events

    wanted = trainer.group.is_first and (wanted or Events.are_in(run.path))
    return Events(run.path, trainer.milestones_settled) if wanted else None
