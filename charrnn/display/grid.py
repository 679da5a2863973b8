"""The grid on which highlights are drawn: 80 columns, and how many characters a picture has room for."""

from itertools import islice

from charrnn.display.highlight import LONGEST, Highlight

COLUMNS = 80
TALLEST = 32_000  # dots of a PNG; many programs open no picture of 32,768
WIDE, HIGH, GUESS, BLOCK, GAP, EDGE = 19, 38, 27, 18, 16, 40  # of a cell and what is around it, in dots
HEAD = 4 * EDGE + 20  # above the first row
AROUND = HEAD + EDGE - GAP  # above the first row and below the last


def room(highlight: Highlight) -> int:
    """Return how many of its characters a picture shows."""
    most = max(1, (TALLEST - AROUND) // tall(highlight))
    return min(LONGEST, sum(map(len, islice(highlight.rows(COLUMNS - highlight.gutter), most))))


def tall(highlight: Highlight) -> int:
    """Return the height of a row with all that stands under it, in dots."""
    guesses = max((len(cell.guesses) for cell in highlight.cells), default=0)
    return HIGH + len(highlight.names) * BLOCK + guesses * GUESS + GAP
