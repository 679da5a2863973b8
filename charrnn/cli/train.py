"""`charrnn train`: a text in, a run folder out."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn import api
from charrnn.cli import completion
from charrnn.cli.common import (
    device_option,
    echo_json,
    examples,
    is_first_process,
    json_option,
    note,
    reading_options,
    say,
    threads_option,
)
from charrnn.cli.output import OutputFolder, RunFolder
from charrnn.cli.progress import TrainingOnTerminal
from charrnn.errors import counted
from charrnn.model.config import BUDGETS, CELL_NAMES, NONLINEARITIES
from charrnn.text.reading import KINDS, Reading
from charrnn.training.config import ON_NAN, OPTIMIZERS, SCHEDULES
from charrnn.training.recipe import PRESETS

if TYPE_CHECKING:
    from charrnn.api.trained import Trained
    from charrnn.api.training import TrainedModel

BESIDE_RESUME = ("resume", "sources", *BUDGETS, "force", "on_nan", "device", "threads", "as_json")


@click.command(
    epilog=examples(
        "charrnn train python --minutes 1",
        "charrnn train python --cell gru --num-layers 2 --hidden-size 128 --steps 500",
        "charrnn train *.txt --epochs 10 --out checkpoints/mine",
        "charrnn train --resume checkpoints/mine",
        "charrnn train --resume checkpoints/mine --epochs 20",
        "charrnn train letters.txt --init-from checkpoints/mine --minutes 5",
        "charrnn train names.txt --each line",
        "charrnn train reviews.csv --each text --label label",
    )
)
@click.argument("sources", nargs=-1, metavar="SOURCE...", shell_complete=completion.sources)
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
    "--weight-dropout",
    type=float,
    metavar="P",
    help="Part of each recurrent matrix dropped, anew for each window. Default: 0.",
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
@click.option(
    "--each",
    metavar="line|file|paragraph|COLUMN",
    help="Learn many short texts: each line, file or paragraph, or each cell of a column of CSV, TSV or JSON lines.",
)
@click.option("--unique", is_flag=True, help="With --each: keep one of equal texts.")
@click.option("--label", metavar="COLUMN", help="With --each COLUMN: the column of their classes, to write them apart.")
@click.option(
    "--min-count",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Fold characters that the text has fewer than N times into one, U+FFFD. Default: none.",
)
@click.option(
    "--symbols",
    type=click.Choice(KINDS),
    default="character",
    help="Learn words (rare ones spelled), or what stands between spaces. Default: characters.",
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
    "--keep-checkpoints",
    is_flag=True,
    help="Keep the model of each of these stages too, in half precision, for 'neurons compare'.",
)
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
    sources: tuple[str, ...], resume: Path | None, force: bool, reading: Reading, as_json: bool, **options: Any
) -> None:
    """Train a character-level model on SOURCE and keep it in a run folder.

    Several sources are read as one text. Validation loss is measured as training goes on, and short samples show what
    the model writes by then. The folder holds best.safetensors, last.safetensors, log.jsonl, samples.jsonl, loss.png
    and, for --resume, state.safetensors. A resumed run reads the same text again and takes every choice from the run,
    but for --on-nan and the budget: --minutes, --steps or --epochs say what it gets in all, even once it has finished;
    the learning rate then follows the schedule of the longer run. Ctrl-C saves and ends the run; a second one ends it
    at once.
    """
    watch = TrainingOnTerminal()
    if resume is not None:
        _refuse_choices_beside_resume()
        kept = {name: options[name] for name in (*BUDGETS, "on_nan", "device", "threads")}
        ended = api.training.resume(resume, sources, force=force, watch=watch, **kept)
    elif force:
        raise click.UsageError("--force is for --resume.")
    elif options["each"] is None and (options["unique"] or options["label"] is not None):
        raise click.UsageError(
            f"{'--unique' if options['label'] is None else '--label'} is for items; give --each too."
        )
    elif sources:
        out = options.pop("out") or True
        ended = api.training.train(sources, out=out, watch=watch, **asdict(reading), **options)
    else:
        raise click.UsageError("Missing argument 'SOURCE...'.")
    _show(ended, watch.signal, as_json)


def _show(ended: "TrainedModel", received: int | None, as_json: bool) -> None:
    """Show how a run ended, and end the process by the status that says it too."""
    if is_first_process():
        if as_json:
            echo_json(ended.trained.to_dict())
        else:
            _summarise(ended.trained)
        if ended.error and not received:
            raise ended.error
    status = 128 + received if received else int(ended.error is not None)
    if status:
        raise SystemExit(status)


def _summarise(trained: "Trained") -> None:
    for part in ("val", "test"):
        if (characters := getattr(trained, f"{part}_characters")) is not None:
            note(f"for want of time {part} is of the first {counted(characters, 'character')} of its part")
    sentence, *commands = str(trained).split("\n")
    say(sentence)
    for command in commands:
        click.echo(command)
    if trained.few_steps:
        note(trained.few_steps)


def _refuse_choices_beside_resume() -> None:
    """A resumed run takes all from the run; an option that would be ignored is an error."""
    context = click.get_current_context()
    for name in context.params:
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in BESIDE_RESUME:
            raise click.UsageError(f"{name} cannot be chosen again with --resume; leave it out.")
