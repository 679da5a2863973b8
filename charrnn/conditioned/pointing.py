"""Where a model should have looked, where that is known: fields that stand in a source and in its output."""

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from charrnn.conditioned.captions import Place
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


def pointing_at(places: Sequence[Place], cells: tuple[int, int], weights: Floats) -> Pointing:
    """Count where the steps of an answer [T, L] looked in an image's cells: at what the symbols tell of, or not."""
    counted = Pointing()
    for begin, end, box in places:
        inside, looked = covered(box, cells), weights[begin:end]
        if not len(looked) or not inside.any():
            continue
        total = looked.sum(0)
        as_a_whole = total[inside].max() >= total[~inside].max(initial=0)
        chance = len(looked) * float(inside.mean())
        counted += Pointing(1, int(as_a_whole), len(looked), int(inside[looked.argmax(1)].sum()), chance)
    return counted


def covered(box: tuple[float, float, float, float], cells: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which cells [L] of an image a box covers, in part or as a whole: those that share area with it.

    >>> covered((0.0, 0.5, 0.4, 1.0), (2, 2)).tolist()
    [False, False, True, False]
    """
    rows, columns = np.arange(cells[0]), np.arange(cells[1])
    left, top, right, bottom = box
    across = (columns < right * cells[1]) & (columns + 1 > left * cells[1])
    down = (rows < bottom * cells[0]) & (rows + 1 > top * cells[0])
    return (down[:, None] & across).ravel()


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
