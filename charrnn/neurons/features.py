"""Text -> the signals a unit might track: one value per character, looking at the past only.

The value at t depends on characters up to and including t, and so belongs to the state after reading character t. It is
NaN where the feature is undefined.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.errors import check_choice

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Feature:
    """Something that a unit might track; a binary one is 0 or 1."""

    name: str
    sentence: str
    binary: bool
    values: Callable[[str], Values]  # text of T characters -> [T]


def line_position(text: str) -> Values:
    r"""Count the characters since the last newline, itself being 0 (Karpathy, Johnson and Fei-Fei 2015, figure 2).

    >>> line_position("ab\nc").tolist()
    [1.0, 2.0, 0.0, 1.0]
    """
    places = np.arange(1, len(text) + 1)
    newlines = np.array([place if c == "\n" else 0 for place, c in zip(places, text, strict=True)], dtype=np.int64)
    return (places - np.maximum.accumulate(newlines)).astype(np.float64) if text else np.zeros(0)


def inside_quotes(text: str) -> Values:
    r"""Tell whether a character stands inside double quotes, straight or curly; a blank line ends any quotation.

    >>> inside_quotes('a "b" c').tolist()
    [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]
    """
    inside, before, values = False, "", []
    for c in text:
        if c == '"':
            inside = not inside
        elif c in "“”":
            inside = c == "“"
        elif c == before == "\n":
            inside = False
        values.append(inside)
        before = c
    return np.array(values, np.float64)


def python_comment_or_string(text: str) -> Values:
    r"""Tell whether a character of Python source stands inside a comment or a string (the closing quote does not).

    >>> python_comment_or_string("x='a'#b").tolist()
    [0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]
    """
    quote, escaped, values = "", False, []  # the delimiter that would end what is open: a quote, three, or "\n"
    opened = closed_empty = -2  # where the open string's last quote stands; where an empty string was closed
    for t, c in enumerate(text):
        if escaped:
            escaped = False
            opened = t if len(quote) == 3 else opened  # an escaped quote is none of the three that close
        elif not quote and c in "\"'":
            triple = closed_empty == t - 1 and text[t - 1] == c
            quote, opened = (c * 3 if triple else c), t
        elif not quote and c == "#":
            quote, opened = "\n", t
        elif quote and c == "\\" and quote != "\n":
            escaped = True
        elif len(quote) == 1 and c in (quote, "\n"):
            closed_empty = t if c == quote and opened == t - 1 else -2
            quote = ""
        elif len(quote) == 3 and t >= opened + 3 and text[t - 2 : t + 1] == quote:
            quote = ""
        values.append(bool(quote))
    return np.array(values, np.float64)


FEATURES = {
    feature.name: feature
    for feature in (
        Feature("line_position", "characters since the newline", False, line_position),
        Feature("inside_quotes", "inside double quotes, straight or curly", True, inside_quotes),
        Feature(
            "python_comment_or_string", "inside a comment or string of Python source", True, python_comment_or_string
        ),
    )
}


def feature_named(name: str) -> Feature:
    """Return the feature of that name.

    Raises:
        ConfigError: there is none.
    """
    check_choice("feature", name, tuple(FEATURES))
    return FEATURES[name]
