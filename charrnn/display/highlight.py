"""Highlight: a passage with its units' values and the model's guesses at every character, to be drawn in any format."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat

from rich.cells import cell_len

from charrnn.display.signs import END, one_line, sign

LONGEST = 20_000  # characters of a page or picture; a browser takes seconds for more
SURPRISING = 7.0  # nats of surprisal from which on a character has the strongest colour
TAB, TAB_COLUMNS = sign("\t"), 4  # so that what is indented looks so


@dataclass(frozen=True)
class Cell:
    """One character or longer symbol: the sign that is shown, its values, the likeliest next ones and their chances."""

    sign: str
    values: tuple[float, ...]  # one, or one of each row that stands under the text
    ends_line: bool
    guesses: tuple[tuple[str, float], ...]  # (sign, probability), likeliest first

    @property
    def value(self) -> float:
        """The first of its values."""
        return self.values[0]

    @property
    def width(self) -> int:
        """Columns that the widest of its signs takes."""
        return max(
            TAB_COLUMNS if self.is_tab else 1, *(cell_len(s) for s in (self.sign, *(g for g, _ in self.guesses)))
        )

    @property
    def letter(self) -> str:
        """The sign without the circle that a mark stands on where it is alone."""
        return self.sign.removeprefix("◌") or self.sign

    @property
    def is_tab(self) -> bool:
        """Whether it stands for a tab."""
        return self.sign == TAB


@dataclass(frozen=True)
class Highlight:
    """A passage to draw, its values from −1 to 1 or from 0 to `top`. Texts are shown as they are, never as markup.

    With one value at each character it is the text that is coloured; with several (`names` has a name for each), rows
    of colours stand under it.
    """

    title: str
    scale: str  # what the colour means, such as "tanh(c) of unit 0:42"
    source: str
    cells: tuple[Cell, ...]
    top: float | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        title: str,
        scale: str,
        source: str,
        text: Sequence[str],
        values: Sequence[float],
        guesses: Iterable[Sequence[tuple[str, float]]],
        top: float | None = None,
    ) -> "Highlight":
        """Make a highlight of T characters or longer symbols, their values [T] and their guesses [T] (or none, [])."""
        rows = guesses or repeat((), len(text))
        cells = tuple(cell(c, value, row) for c, value, row in zip(text, values, rows, strict=True))
        return cls(one_line(title), one_line(scale), one_line(source), cells, top)

    @classmethod
    def stacked(
        cls,
        title: str,
        scale: str,
        source: str,
        text: Sequence[str],
        rows: Mapping[str, Sequence[float]],
        guesses: Iterable[Sequence[tuple[str, float]]],
    ) -> "Highlight":
        """Make a highlight of T characters with a row of values [T] for each name under them."""
        under = guesses or repeat((), len(text))
        columns = zip(*rows.values(), strict=True)
        cells = tuple(cell(c, values, row) for c, values, row in zip(text, columns, under, strict=True))
        names = tuple(map(one_line, rows))
        return cls(one_line(title), one_line(scale), one_line(source), cells, None, names)

    @property
    def gutter(self) -> int:
        """Columns that the names of its rows take before each row, one of space after them included."""
        return max((cell_len(name) + 1 for name in self.names), default=0)

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

    def first(self, count: int) -> "Highlight":
        """Return the highlight of its first characters alone, which says so where they are not all."""
        if count >= len(self.cells):
            return self
        return replace(self, source=f"{self.source}; shown: the first {count:,}", cells=self.cells[:count])

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


def cell(character: str, value: float | Sequence[float], guesses: Sequence[tuple[str, float]] = ()) -> Cell:
    """Return the cell of a character, its value or values, and the guesses (character, probability) shown under it."""
    shown = tuple((guess_sign(guess), chance) for guess, chance in guesses)
    values = tuple(map(float, value)) if isinstance(value, Sequence) else (float(value),)
    return Cell(sign(character), values, character in ("\n", END), shown)


def guess_sign(character: str) -> str:
    """Return the visible sign of a guess, where a space must be seen too."""
    return "␣" if character == " " else sign(character)
