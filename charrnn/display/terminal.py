"""Highlights in the terminal, with rich: in as many colours as it has, else with a row of marks under each line."""

from bisect import bisect
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from charrnn.display.colours import MARKS, colour, ink, mark, night, number_of_256
from charrnn.display.highlight import Cell, Highlight
from charrnn.display.signs import visible

# Where there are 16 colours: blue, cyan, none, magenta and red, each with an ink that can be read on the shades which
# terminals give them. Not every such terminal has bright colours behind a text.
_FEW = (
    Style(color="bright_white", bgcolor="blue"),
    Style(color="black", bgcolor="cyan"),
    Style(),
    Style(color="bright_white", bgcolor="magenta"),
    Style(color="bright_white", bgcolor="red"),
)
_FEW_FROM = (-0.6, -0.2, 0.2, 0.6)  # the values at which the next of them begins
_FAINT = "#767676"  # to be read on white (4.5 to 1) and on black (4.6 to 1)


class Terminal(Console):
    """A console that shows every string as it stands: nothing of it is markup, and nothing drives the terminal.

    A reader who has gone, as under `| head`, is left to whoever prints; rich would end the process. On a dark screen,
    values near 0 are as dark as it is.
    """

    def __init__(self, dark: bool = False, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)
        self.dark = dark

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a Text of a string, with signs for what a terminal would act on, before it is given its room."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Render as rich does, and give no such character of a Text to the terminal either."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=visible(segment.text))

    def on_broken_pipe(self) -> None:
        """Let the BrokenPipeError that is being handled pass."""
        raise


def show(
    highlight: Highlight, console: Console | None = None, page: Callable[[Iterator[str]], object] | None = None
) -> None:
    """Print a highlight: its title, its legend, and row by row the text with what stands under it.

    Where it is longer than the screen, `page` is given its lines instead.
    """
    console = console or Terminal()
    lines = _lines(highlight, console.width, colours_of(console))
    if page:
        first = list(islice(lines, console.height))
        lines = chain(first, lines)
        if len(first) == console.height:
            page(_rendered(line, console) for line in lines)
            return
    for line in lines:
        _print(line, console)


def _print(line: Text, console: Console, end: str = "\n") -> None:
    console.print(line, soft_wrap=True, end=end)


def _rendered(line: Text, console: Console) -> str:
    with console.capture() as captured:
        _print(line, console)
    return captured.get()


class Writer:
    """Draws characters as they come: at once where colour says all, else row by row, with what stands under each.

    The highlight that it is given has no cells yet; where it has a scale, that is shown first, if the
    `legend` is wanted, and values are drawn.
    """

    def __init__(self, highlight: Highlight, guesses: bool, console: Console, legend: bool = True) -> None:
        self._highlight, self._console = highlight, console
        self._colours = colours_of(console)
        self._at_once = self._colours is not None and not guesses
        self._row: list[Cell] = []
        self._typed = False  # whether the last character was typed
        if highlight.scale and legend:
            _print(_legend(highlight, self._colours, guesses=False), console)
        if guesses and legend:
            _print(Text("Under each character: the likeliest in its place."), console)

    def put(self, cell: Cell, typed: bool = False) -> None:
        """Draw one more character; what was typed is underlined, or where guesses are shown has rows of its own."""
        if self._at_once:
            line = _line(self._highlight, [cell], self._colours)
            line.stylize("underline" if typed else "")
            _print(line, self._console, "\n" if cell.ends_line else "")
            return
        if typed != self._typed or sum(c.width for c in self._row) + cell.width > self._console.width:
            self._flush()
        self._typed = typed
        self._row.append(cell)
        if cell.ends_line:
            self._flush()

    def end(self) -> None:
        """Draw what is left of the last row."""
        if self._at_once:
            _print(Text(), self._console)
        self._flush()

    def _flush(self) -> None:
        if self._row:
            for line in _row(self._highlight, self._row, self._colours):
                _print(line, self._console)
        self._row = []


class Colours(NamedTuple):
    """Which colours a console shows."""

    system: str  # "truecolor", "256", "standard" or "windows" (both 16)
    dark: bool  # on a dark screen


def colours_of(console: Console) -> Colours | None:
    """Return which colours a console shows; None: none."""
    system = None if console.no_color else console.color_system
    return Colours(system, getattr(console, "dark", False)) if system else None


def plain(highlight: Highlight) -> str:
    """Return a highlight as 80 columns of text without colour."""
    return "".join(f"{line.plain}\n" for line in _lines(highlight, 80, None))


def _lines(highlight: Highlight, width: int, colours: Colours | None) -> Iterator[Text]:
    yield Text(highlight.title, style="bold")
    yield Text(highlight.source)
    yield _legend(highlight, colours, bool(highlight.cells and highlight.cells[0].guesses))
    for row in highlight.rows(max(20, width - highlight.gutter)):
        yield Text()
        yield from _row(highlight, row, colours)


def _row(highlight: Highlight, row: list[Cell], colours: Colours | None) -> Iterator[Text]:
    gutter = " " * highlight.gutter
    if highlight.names:
        yield Text(gutter + "".join(_padded(cell.sign, cell) for cell in row))
        for index, name in enumerate(highlight.names):
            yield Text(f"{name:<{highlight.gutter}}").append_text(_blocks(highlight, row, index, colours))
    else:
        yield _line(highlight, row, colours if highlight.scale else None)
        if highlight.scale and not colours:
            yield _blocks(highlight, row, 0, None)
    for rank in range(max(len(cell.guesses) for cell in row)):
        yield Text(gutter).append_text(_guesses(row, rank, colours))


def _blocks(highlight: Highlight, row: list[Cell], index: int, colours: Colours | None) -> Text:
    """One of a row's values at each character, as colours or as marks."""
    blocks = Text()
    for cell in row:
        value = cell.values[index]
        if colours:
            blocks.append(" " * cell.width, style=_paint(highlight.place(value), colours))
        else:
            blocks.append(_padded(mark(highlight.height(value)), cell))
    return blocks


def _legend(highlight: Highlight, colours: Colours | None, guesses: bool) -> Text:
    low, high = highlight.ends
    legend = Text(f"{low} ")
    if colours:
        for step in range(-10 if highlight.top is None else 0, 11):
            legend.append(" ", style=_paint(step / 10, colours))
    else:
        legend.append(MARKS)
    legend.append(f" {high}   {highlight.scale}")
    if guesses:
        legend.append("; below: likeliest next")
    return legend


def _line(highlight: Highlight, row: list[Cell], colours: Colours | None) -> Text:
    line = Text()
    for cell in row:
        line.append(_padded(cell.sign, cell), style=_paint(highlight.place(cell.value), colours) if colours else "")
    return line


def _guesses(row: list[Cell], rank: int, colours: Colours | None) -> Text:
    line, faint = Text(), _FAINT if colours and colours.system in ("truecolor", "256") else ""
    for cell in row:
        sign, chance = cell.guesses[rank] if rank < len(cell.guesses) else (" ", 0.0)
        line.append(_padded(sign, cell), style="bold" if chance >= 0.5 else "" if chance >= 0.1 else faint)
    return line


def _padded(sign: str, cell: Cell) -> str:
    return sign + " " * (cell.width - cell_len(sign))


def _paint(value: float, colours: Colours) -> Style:
    if colours.system == "truecolor":
        return _painted(Color.from_rgb(*(night if colours.dark else colour)(value)))
    if colours.system == "256":
        return _painted(Color.from_ansi(number_of_256(value, colours.dark)))
    return _FEW[bisect(_FEW_FROM, value)]


@lru_cache(maxsize=4096)
def _painted(paper: Color) -> Style:
    return Style(color=Color.from_rgb(*ink(paper.get_truecolor())), bgcolor=paper)
