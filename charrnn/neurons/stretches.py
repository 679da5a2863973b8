"""Stretches: which characters of a passage are read, and which half of them each stretch belongs to, by turns."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

LEAST, MOST = 5_000, 20  # characters of a stretch, and stretches, where the passage has room
GUARD = 1000  # characters at the beginning of each stretch, read but not measured: a tenth of it at most
AHEAD = 20  # characters at its end: features of what comes next are not known there
DISCOVER, REPORT, NEITHER = 0, 1, -1


@dataclass(frozen=True)
class Stretches:
    """Stretches of a passage, one after the other: the first is for discovery, the next for report, and so on.

    Both halves then come from all over the passage. What is measured of a stretch begins some characters after its
    beginning, so that the state there is the text's own, and no episode of a feature is seen by both halves.
    """

    starts: tuple[int, ...]  # in characters of the passage
    stops: tuple[int, ...]

    @classmethod
    def over(cls, length: int, at_most: int | None = None) -> "Stretches":
        """Read a passage of so many characters whole, or `at_most` so many of them, evenly spread.

        >>> Stretches.over(20_000)
        Stretches(starts=(0, 5000, 10000, 15000), stops=(5000, 10000, 15000, 20000))
        >>> Stretches.over(30_000, 10_000)
        Stretches(starts=(0, 25000), stops=(5000, 30000))
        """
        used = min(length, at_most or length)
        count = max(2, min(MOST, used // LEAST) // 2 * 2)
        if used == length:
            cuts = [length * n // count for n in range(count + 1)]
            return cls(tuple(cuts[:-1]), tuple(cuts[1:]))
        each = used // count
        starts = tuple((length - each) * n // (count - 1) for n in range(count))
        return cls(starts, tuple(start + each for start in starts))

    def thinned(self, at_most: int) -> "Stretches":
        """Return pairs of these stretches, evenly spread, that have so many characters at most, but two at least."""
        pairs = len(self.starts) // 2
        kept = max(1, min(pairs, at_most // max(1, 2 * (self.stops[0] - self.starts[0]))))
        chosen = [2 * (pairs * n // kept) + both for n in range(kept) for both in (0, 1)]
        return Stretches(tuple(self.starts[n] for n in chosen), tuple(self.stops[n] for n in chosen))

    @property
    def places(self) -> npt.NDArray[np.intp]:
        """The place in the passage of each of the T characters that are read, [T]."""
        return np.concatenate([np.arange(start, stop) for start, stop in zip(self.starts, self.stops, strict=True)])

    @property
    def numbers(self) -> npt.NDArray[np.intp]:
        """The number of the stretch that each of the characters is in, [T]."""
        return np.repeat(np.arange(len(self.starts)), np.subtract(self.stops, self.starts))

    @property
    def halves(self) -> npt.NDArray[np.intp]:
        """Each character's half, DISCOVER or REPORT, or NEITHER at the beginning and end of a stretch, [T]."""
        lengths = np.subtract(self.stops, self.starts)
        halves = self.numbers % 2
        for (begin, _), length in zip(pairwise([0, *np.cumsum(lengths)]), lengths, strict=True):
            halves[begin : begin + min(GUARD, length // 10)] = NEITHER
            halves[begin + length - min(AHEAD, length // 50) : begin + length] = NEITHER
        return halves

    def span(self, half: int) -> tuple[int, int]:
        """Return where a half's first stretch begins and its last one ends, in characters of the passage."""
        return self.starts[half], self.stops[len(self.stops) - 2 + half]

    def of(self, whole: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return what a value for each character of the passage is over the T that are read."""
        return whole[self.places]
