"""The file or folder that a command writes: looked at before any work is done, told when it is written."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from glob import glob
from pathlib import Path
from typing import Any

import click

from charrnn.display.signs import one_line
from charrnn.errors import ConfigError
from charrnn.files import LOCK, is_special, replacing
from charrnn.model.shipped import run_folder

FORMS = {".html": "html", ".svg": "svg", ".png": "png", ".json": "json"}  # of what is shown, by the file's name
_TEXT = ("", ".txt")  # names of files that get what a terminal would
_WRITTEN = (*FORMS, ".htm", ".npz", ".hdf5", ".h5")
_READ = ("against", "text")  # options that name what is read
_OF_RUNS = (".safetensors", ".jsonl")  # models, states and logs


class NamedPath(click.Path):
    """A path with a name: nothing would mean the current folder."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not os.fspath(value):
            self.fail("It is empty; give a name.", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


class RunFolder(NamedPath):
    """The folder of a run, which may be named as it is in `checkpoints`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        return run_folder(super().convert(value, param, ctx))


class OutputFile(NamedPath):
    """A path at which a file can be made, in a format that its name may ask for; the first one where it asks for none.

    Anything else is refused at once: a computation of minutes must not end in that.
    """

    def __init__(self, *suffixes: str, folder_is_made: bool = False) -> None:
        super().__init__()
        self._suffixes = suffixes
        self._folder_is_made = folder_is_made

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = super().convert(value, param, ctx)
        if self._suffixes and path.suffix.lower() not in ("", *self._suffixes):
            self.fail(f"{path} should end in {' or '.join(self._suffixes)}.", param, ctx)
        if path.is_dir():
            raise ConfigError(f"{path} is a folder", "name a file in it")
        if path.suffix.lower() in _OF_RUNS or path.name == LOCK:
            raise ConfigError(f"{path} is named as a file of a run is, and would replace it", "give another name")
        if is_special(path):
            raise ConfigError(f"{path} is a device or a pipe, which a new file would replace", "name a plain file")
        if not (self._folder_is_made or path.parent.is_dir()):
            raise ConfigError(f"there is no folder {path.parent}", "make it, or name another")
        return path


class OutputFolder(NamedPath):
    """A folder that a command fills with pages, pictures and figures; it is made where it is missing."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = super().convert(value, param, ctx)
        if os.path.lexists(path) and not path.is_dir():
            raise ConfigError(f"{path} is a file", "name a folder")
        return path


PICTURE = OutputFile(".png", ".svg")
PAGE = OutputFile(".html", ".htm")


def spare_inputs(context: click.Context, param: click.Parameter, value: Any) -> Any:
    """As the callback of an argument that names what is read, refuse an output that would replace a file of it.

    A file is the same by whatever path or link it is named; of a glob and a folder, those in it count.
    """
    names = [*((value,) if isinstance(value, str) else value)]
    names += [name for option in _READ for name in context.params.get(option) or ()]
    if param.name == "sources" and not names:
        from charrnn.training.history import resumes_from

        # the run of the model tells where its text is
        names += resumes_from(_run_of(context.params["model"]))
    for output in _outputs(context):
        for name in names:
            if (written := _replaced(name, output)) is not None:
                raise ConfigError(f"{written} is read by this command and could be overwritten", "write elsewhere")
    return value


def _replaced(name: str, output: Path) -> Path | None:
    """The file of those that a name means that an output would replace; None where there is none."""
    from charrnn.text.catalogue import CATALOGUE
    from charrnn.text.store import path_of

    if name == "-":
        return next((path for path in _pages(output) if _is_stdin(path)), None)
    if name in CATALOGUE:
        name = str(path_of(name))
    if os.path.isdir(name):  # in which an older page or picture may lie
        inside = output.is_file() and Path(os.path.realpath(output)).is_relative_to(os.path.realpath(name))
        return output if inside and output.suffix.lower() not in _WRITTEN else None
    for path in [name] if os.path.isfile(name) else filter(os.path.isfile, glob(name, recursive=True)):
        written = output / os.path.basename(path) if output.is_dir() and Path(path).suffix in FORMS else output
        if written.is_file() and os.path.samefile(path, written):
            return written
    return None


def _run_of(model: str) -> Path:
    """The folder in which a model lies, or which means it."""
    path = run_folder(Path(model))
    return path if path.is_dir() else path.parent


def _pages(output: Path) -> list[Path]:
    """The files that an output could replace."""
    inside = (path for path in output.iterdir() if path.suffix in FORMS) if output.is_dir() else [output]
    return [path for path in inside if path.is_file()]


def _is_stdin(path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(0), path.stat())
    except OSError:  # it is closed
        return False


def _outputs(context: click.Context) -> list[Path]:
    """What a command is going to write: options are known before arguments, their defaults are not."""
    writes = [param for param in context.command.params if isinstance(param.type, OutputFile | OutputFolder)]
    paths = (context.params.get(param.name or "") or param.get_default(context) for param in writes)
    return [Path(path) for path in paths if isinstance(path, str | Path)]  # click has a value of its own for none


def form_for(form: str | None, output: Path | None) -> str:
    """Return the format in which something is shown: that which is asked for, else by the file's name.

    Raises:
        click.UsageError: the name asks for another one, or a picture has no file to go to.
    """
    suffix = output.suffix.lower() if output else ""
    if form is None and suffix not in (*FORMS, *_TEXT):
        raise click.UsageError(f"{output} should end in {', '.join(FORMS)} or .txt; or give --format.")
    form = form or FORMS.get(suffix, "terminal")
    if form == "png" and output is None:
        raise click.UsageError("A PNG picture needs a file; name one with --output.")
    return form


@contextmanager
def written_to(path: Path | None) -> Iterator[None]:
    """Let what goes to stdout go to a file instead, which appears when it is whole; None: to stdout."""
    if path is None:
        yield
        return
    with (
        replacing(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
        redirect_stdout(file),
    ):
        yield
    echo_written(path)


def open_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that writes a page the option to open it; it gets `opens`, for `echo_written`."""
    return click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")(command)


def echo_written(path: Path, more: str = "", opens: bool = False) -> None:
    """Tell which file was written, as a link where stdout is a terminal; open it if that is wanted."""
    click.echo(f"wrote {_link(path)}{more}")
    if opens and click.launch(os.path.abspath(path)):
        raise ConfigError(f"no program opens {path} here", "open it in a browser")


def _link(path: Path) -> str:
    """The path; in a terminal with the escape sequence (OSC 8) that lets a click open it."""
    name = one_line(str(path))
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return name
    return f"\x1b]8;;{Path(os.path.abspath(path)).as_uri()}\x1b\\{name}\x1b]8;;\x1b\\"
