"""How a command shows what is a picture as well: its options --format and --output, and where they lead."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn import api
from charrnn.cli.common import FEEDBACK, show
from charrnn.cli.output import OutputFile, echo_written
from charrnn.cli.screen import console
from charrnn.display import terminal

if TYPE_CHECKING:
    from charrnn.api.drawing import Picture, Plot


def drawing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of how a drawing is shown; it gets them as `form` and `output`."""
    form = click.option(
        "--format",
        "form",
        type=click.Choice(["terminal", "html", "svg", "png", "json"]),
        help="Default: by the output's name, else terminal.",
    )
    output = click.option(
        "-o", "--output", type=OutputFile(), metavar="FILE", help="The file to write. Default: stdout."
    )
    return form(output(command))


def emit(drawing: "Picture", form: str, output: Path | None, pager: bool = False) -> None:
    """Write a drawing to a file, or to stdout; in colour where that is a terminal, and page by page if it is long."""
    form = "text" if form == "terminal" else form
    if output is not None:
        drawing.save(output, form, FEEDBACK)
        echo_written(output)
    elif form == "text" and isinstance(drawing, api.drawing.Drawing):
        terminal.show(drawing.highlight, console(), page=_page if pager and sys.stdout.isatty() else None)
        for line in drawing.below():
            click.echo(line)
    else:
        click.echo(drawing.content(form), nl=form == "text")


def show_plot(plot: "Plot", output: Path | None, as_json: bool) -> None:
    """Draw a plot where a file is named, and write its figures to stdout."""
    if output:
        plot.save(output)
    show(plot, as_json)
    if output and not as_json:
        echo_written(output)


def _page(lines: Iterator[str]) -> None:
    """Show lines page by page, as git does; less must let their colours through."""
    less = os.environ.get("LESS")
    os.environ["LESS"] = "-FRX" if less is None else less if "R" in less else f"{less} -R"
    click.echo_via_pager(lines, color=True)
