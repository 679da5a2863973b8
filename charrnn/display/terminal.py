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
    for line in _lines(highlight, console.width, is_coloured(console)):
        console.print(line, soft_wrap=True, highlight=False)


class Writer:
    """Draws characters as they come: at once where colour says all, else row by row, with what stands under each.

    The highlight that it is given has no cells yet; where it has a scale, that is shown first, and values are drawn.
    """

    def __init__(self, highlight: Highlight, guesses: bool, console: Console) -> None:
        self._highlight, self._console = highlight, console
        self._coloured = is_coloured(console)
        self._at_once = self._coloured and not guesses
        self._row: list[Cell] = []
        if highlight.scale:
            self._print(_legend(highlight, self._coloured, guesses=False))
        if guesses:
            self._print(Text("Under each character: the likeliest in its place."))

    def put(self, cell: Cell) -> None:
        """Draw one more character."""
        if self._at_once:
            self._print(_line(self._highlight, [cell], self._coloured), end="\n" if cell.ends_line else "")
            return
        if sum(c.width for c in self._row) + cell.width > self._console.width:
            self._flush()
        self._row.append(cell)
        if cell.ends_line:
            self._flush()

    def end(self) -> None:
        """Draw what is left of the last row."""
        if self._at_once:
            self._print(Text())
        self._flush()

    def _flush(self) -> None:
        if self._row:
            for line in _row(self._highlight, self._row, self._coloured):
                self._print(line)
        self._row = []

    def _print(self, line: Text, end: str = "\n") -> None:
        self._console.print(line, soft_wrap=True, highlight=False, end=end)


def is_coloured(console: Console) -> bool:
    """Whether a console shows colours."""
    return console.color_system is not None and not console.no_color


def plain(highlight: Highlight) -> str:
    """Return a highlight as 80 columns of text without colour."""
    return "".join(f"{line.plain}\n" for line in _lines(highlight, 80, coloured=False))


def _lines(highlight: Highlight, width: int, coloured: bool) -> Iterator[Text]:
    yield Text(highlight.title, style="bold")
    yield Text(highlight.source)
    yield _legend(highlight, coloured, bool(highlight.cells and highlight.cells[0].guesses))
    for row in highlight.rows(width):
        yield Text()
        yield from _row(highlight, row, coloured)


def _row(highlight: Highlight, row: list[Cell], coloured: bool) -> Iterator[Text]:
    yield _line(highlight, row, coloured and bool(highlight.scale))
    if highlight.scale and not coloured:
        yield Text("".join(_padded(mark(highlight.height(cell.value)), cell) for cell in row))
    for rank in range(max(len(cell.guesses) for cell in row)):
        yield _guesses(row, rank)


def _legend(highlight: Highlight, coloured: bool, guesses: bool) -> Text:
    low, high = highlight.ends
    legend = Text(f"{low} ")
    if coloured:
        for step in range(-10 if highlight.top is None else 0, 11):
            legend.append(" ", style=_paint(step / 10))
    else:
        legend.append(MARKS)
    legend.append(f" {high}   {highlight.scale}")
    if guesses:
        legend.append("; below: likeliest next")
    return legend


def _line(highlight: Highlight, row: list[Cell], coloured: bool) -> Text:
    line = Text()
    for cell in row:
        line.append(_padded(cell.sign, cell), style=_paint(highlight.place(cell.value)) if coloured else "")
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
