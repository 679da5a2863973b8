"""What several commands share: their common options, and how they load a model and a text."""

import os
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import wraps
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from charrnn import api
from charrnn.api.result import json_text
from charrnn.cli import completion
from charrnn.cli.output import spare_inputs
from charrnn.display.signs import one_line, visible
from charrnn.model.config import MOST_THREADS
from charrnn.text.reading import ERRORS, FORMS, NEWLINES, Reading

if TYPE_CHECKING:
    from tqdm import tqdm

    from charrnn.api import Model
    from charrnn.api.result import Result
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.network import CharRNN
    from charrnn.model.threads import Threads

GIVEN_THREADS, THREADS = "charrnn.given_threads", "charrnn.threads"  # of a command, in its context

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

model_argument: Decorator = click.argument(
    "model", metavar="MODEL", callback=spare_inputs, shell_complete=completion.models
)
sources_argument: Decorator = click.argument(
    "sources", nargs=-1, required=True, metavar="SOURCE...", callback=spare_inputs, shell_complete=completion.sources
)
device_option: Decorator = click.option(
    "--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.", show_default=True
)
_threads_help = "Compute with N threads of the CPU. Default: as many as are measured to be fastest."
threads_option: Decorator = click.option(
    "--threads", type=click.IntRange(1, MOST_THREADS), metavar="N", help=_threads_help
)
network_threads_option: Decorator = click.option(  # for what `_network` makes; the command need not know it
    "--threads",
    type=click.IntRange(1, MOST_THREADS),
    metavar="N",
    expose_value=False,
    help=_threads_help,
    callback=lambda context, option, value: context.meta.update({GIVEN_THREADS: value}),
)


def precision_unless(default: str) -> Decorator:
    """Return the option of a number format; without it, the format is as `default` tells."""
    told = f"Number format of the network's products. Default: {default}."
    return click.option("--precision", type=click.Choice(["float32", "bfloat16"]), help=told)


precision_option = precision_unless("bfloat16 where the hardware multiplies in it")
float32_option: Decorator = click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Number format of the network's products; bfloat16 is faster where the hardware has it.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Write one JSON object instead.")
_reading_options: tuple[Decorator, ...] = (
    click.option(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        help="How the text's bytes are read; with utf-8, a byte order mark of UTF-16 or UTF-32 decides.",
        show_default=True,
    ),
    click.option(
        "--errors",
        type=click.Choice(ERRORS),
        default="strict",
        show_default=True,
        help="What does not decode is an error, or is read as U+FFFD.",
    ),
    click.option(
        "--newlines",
        type=click.Choice(NEWLINES),
        default="lf",
        show_default=True,
        help="CRLF and CR are read as LF, or kept.",
    ),
    click.option(
        "--normalize", type=click.Choice(FORMS), help="The Unicode form to bring the text to. Default: as it is."
    ),
)
part_option: Decorator = click.option(
    "--part",
    type=click.Choice(["all", "train", "val", "test"]),
    default="all",
    show_default=True,
    help="Which part of the text, split as it was for this model's training.",
)

unseen_part_option: Decorator = click.option(
    "--part",
    type=click.Choice(["all", "train", "val", "test"]),
    help="Which part of the text. Default: of the model's own text the test part, else all.",
)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of how a text is read; it gets them as `reading`."""

    @wraps(command)
    def with_reading(*args: Any, encoding: str, errors: str, newlines: str, normalize: str | None, **rest: Any) -> Any:
        return command(*args, reading=Reading(encoding, errors, newlines, normalize), **rest)

    decorated: Callable[..., Any] = with_reading
    for option in reversed(_reading_options):
        decorated = option(decorated)
    return decorated


def examples(*commands: str) -> str:
    """Return the end of a help text: commands that work as typed (after `charrnn train python`)."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


def note(message: str) -> None:
    """Tell the user something on stderr that is not the result."""
    if is_first_process():
        say(f"Note: {one_line(message)}", err=True)


def note_beside_bar(message: str) -> None:
    """Tell the user something while a bar may be drawn."""
    from tqdm import tqdm  # which takes longer to import than all of this

    if is_first_process():
        tqdm.write(f"Note: {one_line(message)}", file=sys.stderr)


def say(line: str, err: bool = False) -> None:
    """Write a line with signs for what a terminal would act on; there it is broken between words, not within."""
    line, stream = one_line(line), sys.stderr if err else sys.stdout
    if stream and stream.isatty():
        line = textwrap.fill(line, get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)
    click.echo(line, err=err)


def is_first_process() -> bool:
    """Whether this is the process that speaks, where torchrun has started several."""
    return "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("RANK") == "0"


def echo_json(value: Any) -> None:
    """Write one JSON object to stdout."""
    click.echo(json_text(value))


def bar(**look: Any) -> "tqdm[Any]":
    """Return a bar on stderr, drawn only where that is a terminal; it is drawn anew by what moves it, by no thread."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0
    return tqdm(**look, miniters=1, disable=None, leave=False)


class Terminal:
    """Feedback on stderr: notes as lines, counts as bars."""

    def note(self, message: str) -> None:
        """Write a note."""
        note(message)

    def bar(self, total: int | None, description: str, unit: str = "char", delay: float = 0) -> "tqdm[Any]":
        """Draw a bar, after `delay` seconds: for what may as well be over at once."""
        return bar(total=total, desc=description, unit=unit, unit_scale=True, delay=delay)


FEEDBACK = Terminal()


def load_model(model: str, device: str = "auto") -> "Model":
    """Load what MODEL means, on the device of that name."""
    loaded = api.load(model, device)
    loaded.build = _network
    return loaded


def show(result: "Result", as_json: bool) -> None:
    """Write a result to stdout: as text, its sentences broken between words where that is a terminal, or as JSON."""
    if as_json:
        echo_json(result.to_dict())
        return
    for line in visible(str(result)).split("\n"):
        if "  " in line:  # columns
            click.echo(line)
        else:
            say(line)


def command_threads(on_cpu: bool) -> "Threads":
    """The threads of this command: as many as --threads says, else as are measured to be fastest."""
    kept = click.get_current_context().meta
    if THREADS not in kept:
        kept[THREADS] = api.devices.threads(on_cpu, kept.get(GIVEN_THREADS), _tell_threads)
    return kept[THREADS]


def _tell_threads(found: str) -> None:
    note_beside_bar(f"{found}; --threads N fixes the number")


def _network(checkpoint: "Checkpoint", device: str) -> "CharRNN":
    """Make the checkpoint's network in torch, on the device of that name, with the threads of this command."""
    network = api.devices.network(checkpoint, device)
    network.threads = command_threads(network.device.type == "cpu")
    return network


def is_given(*names: str) -> bool:
    """Return whether one of the options, as click names them, stands on the command line."""
    source, context = click.core.ParameterSource.COMMANDLINE, click.get_current_context()
    return any(context.get_parameter_source(name) is source for name in names)


def refuse_options(checkpoint: "Checkpoint", of_texts: Iterable[str], of_items: Iterable[str]) -> None:
    """Raise UsageError where an option is given that a model of items, or of a running text, has no use for."""
    items = checkpoint.header.corpus.items
    for param in click.get_current_context().command.params:
        if param.name in (of_texts if items else of_items) and is_given(param.name):
            kind = "of items, each of which stands alone" if items else "of a running text, which has no items"
            raise click.UsageError(f"{param.opts[-1]} is not for this model: it is one {kind}.")
