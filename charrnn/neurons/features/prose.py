"""What a unit might track in prose: quotations and paragraphs."""

from collections.abc import Iterator

import numpy as np

from charrnn.neurons.features.feature import UNDEFINED, Feature, Values, each, run_length


def inside_quotes(text: str) -> Values:
    r"""Tell whether a character stands inside double quotes, straight or curly; a blank line ends any quotation.

    >>> inside_quotes('a "b" c').tolist()
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    """
    return each(_quoted(text))


def _quoted(text: str) -> Iterator[bool]:
    inside, low, before = False, False, ""
    for c in text:
        if c == '"':
            inside = not inside
        elif c in "„“”":
            inside, low = c == "„" or (c == "“" and not low), c == "„"  # „German“ ends with what begins “English”
        elif c == before == "\n":
            inside = False
        yield inside
        before = c


def quote_length(text: str) -> Values:
    """Count the characters of the quotation so far, its opening mark being 1; undefined outside.

    >>> quote_length('"ab" c')[:4].tolist()
    [1.0, 2.0, 3.0, nan]
    """
    lengths = run_length(inside_quotes(text) == 1)
    return np.where(lengths > 0, lengths, UNDEFINED)


def paragraph_start(text: str) -> Values:
    r"""Tell whether a character stands in the first word after a blank line or the text's beginning.

    >>> paragraph_start("a b\n\nc d").tolist()
    [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    """
    return each(_first_words(text))


def _first_words(text: str) -> Iterator[bool]:
    first, begun, before = True, False, ""
    for c in text:
        if c == before == "\n":
            first, begun = True, False
        elif not c.isspace():
            begun = True
        elif begun:
            first = False
        yield first
        before = c


PROSE = (
    Feature("inside_quotes", "inside double quotes, straight or curly", True, inside_quotes, "prose"),
    Feature("quote_length", "characters of the quotation so far", False, quote_length, "prose"),
    Feature("paragraph_start", "in the first word of a paragraph", True, paragraph_start, "prose"),
)
