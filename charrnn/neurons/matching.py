"""Which units of two models do the same: pairs by the correlation of their values over one text."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.neurons.measures import BLOCK

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Pair:
    """A row of one model and a row of the other, and their correlation over the text."""

    first: int
    second: int
    correlation: float


def pairs(first: Floats, second: Floats) -> list[Pair]:
    """Pair the units of two models, values [N, T] and [M, T], each at most once, the most correlated first.

    The sign does not matter: a unit and its negative do the same work.
    """
    table = _correlations(first, second)
    order = np.argsort(-np.abs(table), axis=None, kind="stable")
    free_first, free_second, found = set(range(len(first))), set(range(len(second))), []
    for place in order.tolist():
        row, column = divmod(place, len(second))
        if row in free_first and column in free_second:
            free_first.remove(row)
            free_second.remove(column)
            found.append(Pair(row, column, float(table[row, column])))
            if not (free_first and free_second):
                break
    return found


def _correlations(first: Floats, second: Floats) -> Floats:
    """Pearson's r of every row of one with every row of the other, [N, M]."""
    table = np.empty((len(first), len(second)))
    for begin in range(0, len(second), BLOCK):
        right = _standard(second[begin : begin + BLOCK])
        for start in range(0, len(first), BLOCK):
            left = _standard(first[start : start + BLOCK])
            table[start : start + BLOCK, begin : begin + BLOCK] = left @ right.T / right.shape[1]
    return table


def _standard(rows: Floats) -> Floats:
    rows = rows.astype(np.float32)
    rows -= rows.mean(1, keepdims=True)
    return rows / np.maximum(1e-6, rows.std(1, keepdims=True))
