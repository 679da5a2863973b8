"""Highlight: a passage with one value per character and the model's guesses, ready to be drawn in any format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from charrnn.display.signs import one_line, sign

SURPRISING = 7.0  # nats of surprisal from which on a character has the strongest colour


@dataclass(frozen=True)
class Cell:
    """One character: the sign that is shown, its value, and the likeliest next characters with their chances."""

    sign: str
    value: float
    ends_line: bool
    guesses: tuple[tuple[str, float], ...]  # (sign, probability), likeliest first

    @property
    def width(self) -> int:
        """Columns that the widest of its signs takes."""
        return max(cell_len(s) for s in (self.sign, *(g for g, _ in self.guesses)))


@dataclass(frozen=True)
class Highlight:
    """A passage to draw, its values from −1 to 1 or from 0 to `top`. Texts are shown as they are, never as markup."""

    title: str
    scale: str  # what the colour means, such as "tanh(c) of unit 0:42"
    source: str
    cells: tuple[Cell, ...]
    top: float | None = None

    @classmethod
    def of(
        cls,
        title: str,
        scale: str,
        source: str,
        text: str,
        values: Sequence[float],
        guesses: Sequence[Sequence[tuple[str, float]]],
        top: float | None = None,
    ) -> "Highlight":
        """Make a highlight of T characters, their values [T] and their guesses [T] (or none, [])."""
        rows = guesses or [()] * len(text)
        cells = tuple(cell(c, value, row) for c, value, row in zip(text, values, rows, strict=True))
        return cls(one_line(title), one_line(scale), one_line(source), cells, top)

    @property
    def ends(self) -> tuple[str, str]:
        """What stands at the two ends of the scale."""
        return ("-1", "+1") if self.top is None else ("0", f"{self.top:g}")

    def place(self, value: float) -> float:
        """Where a value stands on the colours from −1 to 1; what is never negative has the upper half of them."""
        return value if self.top is None else value / self.top

    def height(self, value: float) -> float:
        """Where a value stands on the marks from −1 to 1, which are all used by what is never negative too."""
        return value if self.top is None else 2 * value / self.top - 1

    def __str__(self) -> str:
        from charrnn.display.terminal import plain

        return plain(self)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the page, in a frame of its own that runs nothing."""
        from charrnn.display.page import framed

        return framed(self)

    def rows(self, width: int) -> Iterator[list[Cell]]:
        """Yield the cells row by row: a row ends with a line of the text, or where `width` columns are full."""
        row: list[Cell] = []
        used = 0
        for cell in self.cells:
            if row and used + cell.width > width:
                yield row
                row, used = [], 0
            row.append(cell)
            used += cell.width
            if cell.ends_line:
                yield row
                row, used = [], 0
        if row:
            yield row


def cell(character: str, value: float, guesses: Sequence[tuple[str, float]] = ()) -> Cell:
    """Return the cell of a character, its value and the guesses (character, probability) to be shown under it."""
    shown = tuple((guess_sign(guess), chance) for guess, chance in guesses)
    return Cell(sign(character), float(value), character == "\n", shown)


def guess_sign(character: str) -> str:
    """Return the visible sign of a guess, where a space must be seen too."""
    return "␣" if character == " " else sign(character)
