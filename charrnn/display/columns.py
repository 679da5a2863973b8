"""A text in a narrow column, so that several can stand side by side in the terminal."""

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
