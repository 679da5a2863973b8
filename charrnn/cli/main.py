"""The command `charrnn`, and the one place where errors become one line and an exit status."""

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

import charrnn
from charrnn.cli import streams
from charrnn.cli.common import examples
from charrnn.cli.lazy import LazyGroup
from charrnn.display.signs import one_line
from charrnn.errors import CharrnnError, SourceError, check_utf8, is_out_of_memory

COMMANDS = {
    "Make": {
        "train": ("charrnn.cli.train", "Train a model on a text."),
        "corpus": ("charrnn.cli.corpus", "List, fetch and measure texts."),
        "map": ("charrnn.cli.map", "Train and use models that answer inputs."),
    },
    "Read and write": {
        "sample": ("charrnn.cli.sample", "Write text as a model would."),
        "score": ("charrnn.cli.score", "Measure how well a model predicts a text."),
    },
    "Look inside": {
        "show": ("charrnn.cli.neurons.show", "Highlight units' values over a text."),
        "explore": ("charrnn.cli.neurons.explore", "Write a page to explore all units on."),
        "gallery": ("charrnn.cli.neurons.gallery", "Show what a model's best units follow."),
        "neurons": ("charrnn.cli.neurons", "Find what single units do, and prove it."),
        "gradients": ("charrnn.cli.gradients", "Show how gradients vanish or explode."),
    },
    "Keep track": {
        "info": ("charrnn.cli.info", "Show a model's network, text and figures."),
        "history": ("charrnn.cli.history", "Show a run: figures, loss curve, samples."),
        "compare": ("charrnn.cli.compare", "Show runs side by side."),
        "export": ("charrnn.cli.export", "Write a model for other programs."),
        "doctor": ("charrnn.cli.doctor", "Check that all that charrnn keeps is whole."),
    },
}
FIRST_MINUTE = """\
charrnn trains character-level RNNs, writes with them, shows what neurons do.
Three trained models come along: shakespeare, tolstoy and kernel. Try:

  echo 'Mary: "No," he said, "come in."' | charrnn show tolstoy - --unit quotes
  charrnn sample kernel -p 'static int ' -n 500 -t 0.7
  charrnn gallery kernel --open      # a page of what its best units follow
  charrnn train python --minutes 1   # a model of your own, of Python's library

The first line colours a sentence by the neuron that tracks quotations.
charrnn --help lists all commands; each has --help with examples."""
OUT_OF_MEMORY = "out of memory; ask for less at once (a shorter text, fewer samples) or take a smaller model"
OUT_OF_MEMORY_LINE = f"Error: {OUT_OF_MEMORY}\n".encode()  # made while there is some
FAILED, MISUSED, INTERRUPTED, TERMINATED, PIPE_CLOSED = 1, 2, 130, 143, 141


class Commands(LazyGroup):
    """A group whose commands end quietly when the reader of their output has gone, as under `| head`."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the options; --help and --version write already here."""
        with _quiet_without_reader():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command and write out all its output."""
        with _quiet_without_reader():
            result = super().invoke(ctx)
            sys.stdout.flush()
        return result


@contextmanager
def _quiet_without_reader() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered goes nowhere
        raise click.exceptions.Exit(PIPE_CLOSED) from None


@click.group(
    cls=Commands,
    modules=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
    epilog=examples(
        """echo 'Mary: "No," he said, "come in."' | charrnn show tolstoy - --unit quotes""",
        "charrnn sample tolstoy --length 500 --temperature 0.7",
        "charrnn train python --minutes 1",
    ),
)
@click.version_option(charrnn.__version__, prog_name="charrnn")
@click.pass_context
def cli(context: click.Context) -> None:
    """Train character-level RNNs on any text, write in its style, and see what single neurons learned.

    MODEL is a checkpoint file or a run folder (its best checkpoint). SOURCE is a file, a folder, a glob, "-" for
    stdin, or a named corpus: "python" is the running interpreter's own standard library, and "charrnn corpus list"
    shows those that are fetched when they are first asked for.

    Results go to stdout; progress and notes go to stderr. Every command has --help with examples.
    """
    if context.invoked_subcommand is None:
        click.echo(FIRST_MINUTE)


def _check_arguments(arguments: list[str]) -> None:
    """Raise SourceError where an argument is not in UTF-8: a name of a file, or the text behind an option."""
    option = ""
    for argument in arguments:
        option, value = argument.split("=", 1) if argument.startswith("--") and "=" in argument else (option, argument)
        if option.startswith("--"):
            check_utf8([value], "type it in a UTF-8 locale", f"value of {option}")
        else:
            check_utf8([argument], "rename a file so named, or use a UTF-8 locale", "argument")
        option = argument


def main() -> NoReturn:
    """Run the command line and end the process with its exit status."""
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else the caller has it ignored
        signal.signal(signal.SIGINT, _leave)
    streams.prepare()
    _prepare_libraries()
    try:
        _check_folder()
        _check_arguments(sys.argv[1:])
        status = cli.main(prog_name="charrnn", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        status = MISUSED
    except click.ClickException as error:
        status = _fail(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except CharrnnError as error:
        status = _fail(str(error))
    except Exception as error:
        status = _fail(_explained(error))
    except SystemExit as end:
        status = end.code
    if "TORCHELASTIC_RUN_ID" in os.environ:  # see `joined` in training/group.py
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(int(status or 0))
    sys.exit(status or 0)


def _check_folder() -> None:
    """Raise SourceError where the current folder has been removed: no path is found from there, and torch fails."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise SourceError("the current folder has been removed", "change to one that is there") from None


def _prepare_libraries() -> None:
    """Set what the numeric libraries read when they are loaded; of threads, unless the user has.

    Their habits matter most where something else runs on the same cores: a thread that waits by spinning keeps the one
    that it waits for from running, and training was seen to slow down by a factor of 15.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy multiplies by one vector at a time; torch has its own
    os.environ["MPLBACKEND"] = "agg"  # pictures are files; a name that matplotlib does not know would end it
    os.environ["MATPLOTLIBRC"] = os.devnull  # no settings: see `display.drawing`
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")  # spin for microseconds, then sleep


def _explained(error: Exception) -> str:
    """What to tell of an error that nothing below has put into words."""
    if is_out_of_memory(error):
        return OUT_OF_MEMORY
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename or 'input or output'}; check the disk and the path"
    if isinstance(error, ImportError):
        return f"{error}; mend that file, or the installation"
    return f"unexpected {type(error).__name__}: {error}; CHARRNN_DEBUG=1 shows where"


def _fail(message: str) -> int:
    if os.environ.get("CHARRNN_DEBUG") and sys.exc_info()[0]:
        traceback.print_exc()
    try:
        click.echo(f"Error: {one_line(message)}", err=True)
    except MemoryError:
        os.write(2, OUT_OF_MEMORY_LINE)
    return FAILED


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    if _torch_is_loading():
        os._exit(128 + number)  # an exception in the midst of C++ would abort the process with words of its own
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(TERMINATED)


def _torch_is_loading() -> bool:
    return bool(getattr(getattr(sys.modules.get("torch"), "__spec__", None), "_initializing", False))
