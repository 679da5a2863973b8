"""Where a model should have looked, where that is known: fields that stand in a source and in its output."""

import re
from dataclasses import astuple, dataclass

import numpy as np

from charrnn.conditioned.reader import Floats


@dataclass(frozen=True)
class Pointing:
    """Fields of outputs that stand in the source too, and their symbols; how many were looked at.

    A field counts as looked at where, over all steps that wrote it, no place outside of it in the source got more
    attention than one inside; a symbol where, at its own step, most attention lay on a place inside.
    """

    fields: int = 0
    right_fields: int = 0
    symbols: int = 0
    right_symbols: int = 0
    chance: float = 0.0  # as many symbols would be right if the place were drawn at random

    def __add__(self, other: "Pointing") -> "Pointing":
        return Pointing(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


def spans(pattern: str, text: str) -> dict[str, tuple[int, int]]:
    """Return where each named group of a regular expression stands in a text; nothing where it does not fit.

    >>> spans(r"(?P<day>[0-9]+)/(?P<month>[0-9]+)", "26/11")
    {'day': (0, 2), 'month': (3, 5)}
    """
    found = re.fullmatch(pattern, text)
    return {name: found.span(name) for name in found.groupdict() if found[name] is not None} if found else {}


def pointing(fields: tuple[str, str], source: str, output: str, weights: Floats) -> Pointing:
    """Count where the steps of an answer [T, L] looked: at the source's field that the symbol belongs to, or not."""
    wanted, there = spans(fields[0], source), spans(fields[1], output)
    counted = Pointing()
    for name in there.keys() & wanted.keys():
        (begin, end), (low, high) = there[name], wanted[name]
        looked = weights[begin:end]
        right = (looked.argmax(1) >= low) & (looked.argmax(1) < high)
        total = looked.sum(0)
        as_a_whole = total[low:high].max() >= np.delete(total, slice(low, high)).max(initial=0)
        chance = len(looked) * (high - low) / len(source)
        counted += Pointing(1, int(as_a_whole), len(looked), int(right.sum()), chance)
    return counted
