"""A text in a narrow column, so that several can stand side by side in the terminal."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, zip_longest
from shutil import get_terminal_size

from rich.cells import cell_len

from charrnn.display.signs import sign


def wrapped(text: str, width: int) -> list[str]:
    r"""Return the lines of a text, broken between words where `width` columns are full.

    What would drive a terminal is shown as a sign; a word that is wider is cut.

    >>> wrapped("ab\n\tcde", 3), wrapped("one two  threefour", 8)
    (['ab', '⇥cd', 'e'], ['one two', 'threefou', 'r'])
    """
    lines = [part for line in text.split("\n") for part in _broken("".join(map(sign, line)), width)]
    return lines if lines[-1] else lines[:-1]


def _broken(line: str, width: int) -> list[str]:
    lines = []
    while cell_len(line) > width:
        room = max(1, bisect_right(list(accumulate(map(cell_len, line))), width))
        space = line.rfind(" ", 0, room + 1)
        if line[: max(space, 0)].strip():  # not within what it is indented by
            lines.append(line[:space].rstrip())
            line = line[space:].lstrip(" ")
        else:
            lines.append(line[:room])
            line = line[room:]
    return [*lines, line]


def side_by_side(titles: Sequence[str], texts: Sequence[str]) -> str:
    """Return some texts in columns as wide as the terminal has room for, each below its title."""
    width = max(1, (get_terminal_size().columns - 2 * (len(texts) - 1)) // len(texts))
    columns = [wrapped(text, width) for text in texts]
    rows = (titles, ["─" * width] * len(texts), *zip_longest(*columns, fillvalue=""))
    return "\n".join("  ".join(cell + " " * (width - cell_len(cell)) for cell in row).rstrip() for row in rows)
