"""Reading one text by several readers side by side, each with its own stretch, in bounded memory.

Each starts some characters ahead of its stretch, so that its state hardly depends any more on where it began; the first
starts with the text, from the zero state. That is for what single units do: of a 2×512 LSTM one value in ten thousand
is then off by more than 0.1, as rounding to bfloat16 has it too. `scoring.py`, which promises the figure of one pass,
compares the states at the seams instead; until they are the same, it reads some thousand characters again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from charrnn.model.network import State

STRETCH = 4000  # a reader is worth its warm-up where it reads at least this much
READERS = 64
WARM_UP = 1000  # characters read before a reader's stretch


@dataclass(frozen=True)
class Readers:
    """How many readers share a text of `length` characters, and how much each reads, before its warm-up."""

    length: int
    count: int
    stretch: int
    warm_up: int

    @classmethod
    def over(cls, length: int, at_most: int | None = None) -> "Readers":
        """Share a text among up to so many readers (default: READERS); a single one needs no warm-up."""
        count = min(at_most or READERS, max(1, length // STRETCH))
        return cls(length, count, math.ceil(length / count), WARM_UP if count > 1 else 0)

    def windows(self, chunk: int) -> Iterator[tuple[bool, Tensor]]:
        """Yield the places [B, n ≤ chunk] that the readers read together, and whether they count.

        Those of the warm-up do not. Places before the text's beginning or after its end are outside 0 to `length`.
        """
        starts = torch.arange(self.count)[:, None] * self.stretch
        cuts = [*range(-self.warm_up, 0, chunk), *range(0, self.stretch, chunk), self.stretch]
        for begin, end in pairwise(cuts):
            yield begin >= 0, starts + torch.arange(begin, end)


def first_reader_afresh(state: State, groups: int = 1) -> State:
    """Return the state with zeros for the first reader (of each of some equal groups), before whom there is no text."""
    return tuple(tuple(_first_zero(part, groups) for part in layer) for layer in state)


def _first_zero(part: Tensor, groups: int) -> Tensor:
    part = part.clone().unflatten(0, (groups, -1))
    part[:, 0] = 0
    return part.flatten(0, 1)
