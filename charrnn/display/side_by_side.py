"""A text in a narrow column, so that several can stand side by side in the terminal."""

from collections.abc import Sequence
from itertools import zip_longest
from shutil import get_terminal_size

from rich.cells import cell_len

from charrnn.display.signs import sign


def wrapped(text: str, width: int) -> list[str]:
    r"""Return the lines of a text, cut where `width` columns are full; what would drive a terminal is shown as a sign.

    >>> wrapped("ab\n\tcde", 3)
    ['ab', '⇥cd', 'e']
    """
    lines, line = [], ""
    for character in text:
        shown = sign(character)
        if character == "\n":
            lines.append(line)
            line = ""
            continue
        if line and cell_len(line + shown) > width:
            lines.append(line)
            line = ""
        line += shown
    return [*lines, line] if line else lines


def side_by_side(titles: Sequence[str], texts: Sequence[str]) -> str:
    """Return some texts in columns as wide as the terminal has room for, each below its title."""
    width = (get_terminal_size().columns - 2 * (len(texts) - 1)) // len(texts)
    columns = [wrapped(text, width) for text in texts]
    rows = (titles, ["─" * width] * len(texts), *zip_longest(*columns, fillvalue=""))
    return "\n".join("  ".join(cell + " " * (width - cell_len(cell)) for cell in row).rstrip() for row in rows)
