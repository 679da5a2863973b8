"""Highlight: a passage with one value per character and the model's guesses, ready to be drawn in any format."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from charrnn.display.signs import one_line, sign


@dataclass(frozen=True)
class Cell:
    """One character: the sign that is shown, its value, and the likeliest next characters with their chances."""

    sign: str
    value: float  # on the scale from −1 to 1
    ends_line: bool
    guesses: tuple[tuple[str, float], ...]  # (sign, probability), likeliest first

    @property
    def width(self) -> int:
        """Columns that the widest of its signs takes."""
        return max(cell_len(s) for s in (self.sign, *(g for g, _ in self.guesses)))


@dataclass(frozen=True)
class Highlight:
    """A passage to draw. All texts are shown as they are, never read as markup."""

    title: str
    scale: str  # what the colour means, such as "tanh(c) of unit 0:42"
    source: str
    cells: tuple[Cell, ...]

    @classmethod
    def of(
        cls,
        title: str,
        scale: str,
        source: str,
        text: str,
        values: Sequence[float],
        guesses: Sequence[Sequence[tuple[str, float]]],
    ) -> "Highlight":
        """Make a highlight of T characters, their values [T] and their guesses [T] (or none, [])."""
        shown = [tuple((guess_sign(c), p) for c, p in row) for row in guesses] or [()] * len(text)
        cells = [Cell(sign(c), float(value), c == "\n", row) for c, value, row in zip(text, values, shown, strict=True)]
        return cls(one_line(title), one_line(scale), one_line(source), tuple(cells))

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


def guess_sign(character: str) -> str:
    """Return the visible sign of a guess, where a space must be seen too."""
    return "␣" if character == " " else sign(character)
