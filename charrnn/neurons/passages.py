"""Passages of a text: those in which units do alike, and one in which a feature shows or some words stand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError
from charrnn.neurons.features import Feature
from charrnn.neurons.features.feature import where
from charrnn.text.vocabulary import END

Floats = npt.NDArray[Any]
Places = npt.NDArray[np.integer]
ENOUGH = 5  # paragraphs to choose among


@dataclass(frozen=True)
class Match:
    """A passage like the one asked for."""

    start: int
    end: int
    distance: float  # mean over units and characters, in standard deviations of the unit


def alike(values: Floats, start: int, end: int, count: int) -> list[Match]:
    """Return the passages in which units, values [U, T], do most nearly what they do from `start` to `end`.

    The distance is the root of the mean squared difference, character by character, of the units' values in standard
    deviations over the text. The passages have the same length, do not overlap, and leave out the one asked for.

    >>> alike(np.array([[0.0, 1, 0, 0, 1, 0, 0, 0]]), 0, 3, 1)
    [Match(start=3, end=6, distance=0.0)]
    """
    values = values.astype(np.float64)  # a running sum over a long text rounds a small distance away otherwise
    spread = np.maximum(1e-6, values.std(1, keepdims=True))
    x = (values - values.mean(1, keepdims=True)) / spread
    pattern = x[:, start:end]
    length = end - start
    squares = np.concatenate([[0.0], np.cumsum((x**2).sum(0))])
    products = sum(np.correlate(row, like, "valid") for row, like in zip(x, pattern, strict=True))
    distances = squares[length:] - squares[:-length] - 2 * products + (pattern**2).sum()
    distances = np.sqrt(np.maximum(0, distances) / pattern.size)
    distances[max(0, start - length + 1) : end] = np.inf
    return list(_apart(distances, length, count))


def _apart(distances: Floats, length: int, count: int) -> Sequence[Match]:
    found: list[Match] = []
    while len(found) < count and np.isfinite(least := distances.min()):
        begin = int(distances.argmin())
        found.append(Match(begin, begin + length, round(float(least), 6)))
        distances[max(0, begin - length + 1) : begin + length] = np.inf
    return found


def telling_passage(text: str, feature: Feature, length: int, after: int = 0, before: str = "") -> int:
    """Return where the line begins from which a passage of `length` characters shows a feature best.

    A binary feature is on about half the time there and changes often; a count goes through all its values; what is
    predicted comes about as often as it does in the whole text. All that by the text alone, whatever units do, and
    among lines from `after` on (those after a blank line, if some are) with mostly letters. `before` is what stands
    before the text.
    """
    labels = feature.values(before + text)[len(before) :]
    starts = _line_beginnings(text, after, max(after, len(text) - length))
    ends = np.minimum(starts + length, len(text))
    letters = _mean(where(text, lambda c: c.isalpha() or c == " ").astype(np.float64), starts, ends)
    return int(starts[np.argmax(_telling(labels, feature, starts, ends) * letters)])


def as_lines(text: str) -> str:
    """Return a text in which each item is a line; one without items, as it is."""
    return text.replace(END, "\n")


def _line_beginnings(text: str, after: int, last: int) -> Places:
    text = as_lines(text)
    lines = [place + 1 for place in range(after, last) if text[place] == "\n"]
    paragraphs = [place for place in lines if text[max(0, place - 2) : place] == "\n\n" and text[place] != "\n"]
    words = [] if lines else [place + 1 for place in range(after, last) if text[place] == " "]
    return np.array((paragraphs if len(paragraphs) >= ENOUGH else lines) or words or [after])


def _telling(labels: Floats, feature: Feature, starts: Places, ends: Places) -> Floats:
    known = ~np.isnan(labels)
    if not known.any():
        return np.ones(len(starts))
    values = np.where(known, labels, 0.0) if feature.binary else _ranks(labels, known)
    share = _mean(values, starts, ends)
    if feature.predictive:
        return 1 / (1 + np.abs(share - values.mean()) * (ends - starts))
    if not feature.binary:  # the variance over the places where it is known
        part = _mean(known.astype(np.float64), starts, ends)
        mean = share / np.maximum(part, 1e-9)
        return (_mean(values**2, starts, ends) - 2 * mean * share + mean**2 * part) * part
    changed = np.abs(np.diff(values, prepend=values[:1]))
    return share * (1 - share) * np.sqrt(_mean(changed, starts, ends))


def _ranks(labels: Floats, known: npt.NDArray[np.bool_]) -> Floats:
    """The share of all known values that a value is above, [T]; 0 where it is not known."""
    _, index, counts = np.unique(labels[known], return_inverse=True, return_counts=True)
    ranks = np.zeros(len(labels))
    ranks[known] = ((np.cumsum(counts) - counts / 2) / len(index))[index]
    return ranks


def _mean(values: Floats, starts: Places, ends: Places) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[ends] - sums[starts]) / np.maximum(1, ends - starts)


def passage_with(text: str, words: str) -> int:
    r"""Return where the line begins in which some words stand, first of all one that begins with them.

    Else the first that is not indented, as definitions are, else the first at all.

    >>> text = "x = f(1)\n  f(2)\nint f(a)\n"
    >>> [passage_with(text, words) for words in ("int f", "f(2", "f(")]
    [16, 9, 0]

    Raises:
        ConfigError: they do not stand in the text.
    """
    text = as_lines(text)
    found = [(_place_in_line(text, match.start()), match.start()) for match in re.finditer(re.escape(words), text)]
    if not (words and found):
        raise ConfigError(f"no passage has {words!r}", "give words as they stand in the text")
    return text.rfind("\n", 0, min(found)[1]) + 1


def _place_in_line(text: str, place: int) -> int:
    """0 where a line begins, 1 in one that is not indented, 2 elsewhere."""
    line = text.rfind("\n", 0, place) + 1
    return 0 if place == line else 2 if text[line].isspace() else 1


def whole_lines(text: str, length: int) -> str:
    r"""Return the beginning of a text, at most so long, that ends with a line, unless half of it would be lost.

    >>> whole_lines("abc\ndef", 6), whole_lines("abcdef\ngh", 5), whole_lines("ab\ncd\n", 9)
    ('abc\n', 'abcde', 'ab\ncd\n')
    """
    cut = as_lines(text[:length]).rfind("\n") + 1
    return text[:cut] if len(text) > length and 2 * cut > length else text[:length]
