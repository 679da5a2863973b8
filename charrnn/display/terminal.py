"""Highlights in the terminal, with rich: in colour where there is one, else with a row of marks under each line."""

from collections.abc import Iterator

from rich.cells import cell_len
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from charrnn.display.colours import MARKS, colour, ink, mark
from charrnn.display.highlight import Cell, Highlight


class Terminal(Console):
    """A console that leaves a reader who has gone, as under `| head`, to whoever prints; rich would end the process."""

    def on_broken_pipe(self) -> None:
        """Let the BrokenPipeError that is being handled pass."""
        raise


def show(highlight: Highlight, console: Console | None = None) -> None:
    """Print a highlight: its title, its legend, and row by row the text with the guesses under it."""
    console = console or Terminal()
    coloured = console.color_system is not None and not console.no_color
    for line in _lines(highlight, console.width, coloured):
        console.print(line, soft_wrap=True, highlight=False)


def plain(highlight: Highlight) -> str:
    """Return a highlight as 80 columns of text without colour."""
    return "".join(f"{line.plain}\n" for line in _lines(highlight, 80, coloured=False))


def _lines(highlight: Highlight, width: int, coloured: bool) -> Iterator[Text]:
    yield Text(highlight.title, style="bold")
    yield Text(highlight.source)
    yield _legend(highlight, coloured)
    for row in highlight.rows(width):
        yield Text()
        yield _line(row, coloured)
        if not coloured:
            yield Text("".join(_padded(mark(cell.value), cell) for cell in row))
        for rank in range(max(len(cell.guesses) for cell in row)):
            yield _guesses(row, rank)


def _legend(highlight: Highlight, coloured: bool) -> Text:
    legend = Text("-1 ")
    if coloured:
        for step in range(-10, 11):
            legend.append(" ", style=_paint(step / 10))
    else:
        legend.append(MARKS)
    legend.append(f" +1   {highlight.scale}")
    if highlight.cells and highlight.cells[0].guesses:
        legend.append("; below: likeliest next")
    return legend


def _line(row: list[Cell], coloured: bool) -> Text:
    line = Text()
    for cell in row:
        line.append(_padded(cell.sign, cell), style=_paint(cell.value) if coloured else "")
    return line


def _guesses(row: list[Cell], rank: int) -> Text:
    line = Text()
    for cell in row:
        sign, chance = cell.guesses[rank] if rank < len(cell.guesses) else (" ", 0.0)
        line.append(_padded(sign, cell), style="bold" if chance >= 0.5 else "" if chance >= 0.1 else "dim")
    return line


def _padded(sign: str, cell: Cell) -> str:
    return sign + " " * (cell.width - cell_len(sign))


def _paint(value: float) -> Style:
    background = colour(value)
    return Style(color=Color.from_rgb(*ink(background)), bgcolor=Color.from_rgb(*background))
