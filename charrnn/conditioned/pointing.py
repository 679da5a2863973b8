"""Where a model should have looked, where that is known: fields that stand in a source and in its output."""

import re
from dataclasses import dataclass

from charrnn.conditioned.reader import Floats


@dataclass(frozen=True)
class Pointing:
    """Symbols of outputs whose field is known; those at which most weight lay within it, and those of mere chance."""

    symbols: int = 0
    right: int = 0
    chance: float = 0.0  # as many would be right if the place were drawn at random

    def __add__(self, other: "Pointing") -> "Pointing":
        return Pointing(self.symbols + other.symbols, self.right + other.right, self.chance + other.chance)


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
    for name, (begin, end) in there.items():
        if name in wanted:
            low, high = wanted[name]
            for step in range(begin, min(end, len(weights))):
                right = low <= int(weights[step].argmax()) < high
                counted += Pointing(1, int(right), (high - low) / len(source))
    return counted
