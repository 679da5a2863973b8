"""Passages of a text: those in which units do alike, and one in which a feature shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.neurons.features import Feature

Floats = npt.NDArray[Any]


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
    """Return where the line begins from which a binary feature changes often and is on about half the time.

    Of the lines from `after` on, and for a passage of `length` characters; for other features the first of them.
    `before` is what stands before the text.
    """
    labels = np.nan_to_num(feature.values(before + text)[len(before) :]) if feature.binary else np.zeros(len(text))
    on = np.concatenate([[0.0], np.cumsum(labels)])
    changes = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(labels, prepend=labels[:1])))])
    last = max(after, len(text) - length)
    starts = np.array([place + 1 for place in range(after, last) if text[place] == "\n"] or [after])
    ends = np.minimum(starts + length, len(text))
    share = (on[ends] - on[starts]) / (ends - starts)
    return int(starts[np.argmax(share * (1 - share) * np.sqrt(changes[ends] - changes[starts]))])
