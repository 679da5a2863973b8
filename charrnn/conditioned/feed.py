"""Feed: pairs as ids in batches of like length, shuffled anew in each epoch by the seed; padding is masked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from charrnn.conditioned.features import Features
from charrnn.conditioned.reader import Floats, Ids, padded, reversed_places

_POOL = 50  # batches that are sorted by length together


class Pair(NamedTuple):
    """A source and an output as ids; the end symbol of the output is not among them."""

    source: Ids
    output: Ids
    image: int = -1  # the place of its features; −1: no image


class Batch(NamedTuple):
    """B pairs, filled up to the longest source, L symbols, and the longest output, T symbols with its end symbol."""

    sources: npt.NDArray[np.int64]  # [B, L]
    mask: Floats  # [B, L], 1 where there is a source symbol
    backwards: npt.NDArray[np.int64]  # [B, L], the places of each source turned around
    given: npt.NDArray[np.int64]  # [B, T], the end symbol and then the output: what each step is given
    targets: npt.NDArray[np.int64]  # [B, T], the output and then the end symbol: what each step should predict
    counts: npt.NDArray[np.bool_]  # [B, T], where there is a target
    images: Floats | None = None  # features [B, h, w, F]

    @property
    def symbols(self) -> int:
        """Targets that count."""
        return int(self.counts.sum())


def batch_of(pairs: Sequence[Pair], end: int, ends: bool = True, features: Features | None = None) -> Batch:
    """Return pairs as a batch; `end` is the symbol before each output, and after it too where outputs have `ends`."""
    sources, mask = padded([pair.source for pair in pairs])
    last = np.array([end] if ends else [], np.int64)
    targets, inside = padded([np.concatenate([pair.output, last]) for pair in pairs])
    given = np.concatenate([np.full((len(pairs), 1), end), targets[:, :-1]], 1)
    images = None if features is None else features.rows([pair.image for pair in pairs])
    return Batch(sources, mask, reversed_places(mask), given, targets, inside > 0, images)


@dataclass(frozen=True)
class Feed:
    """Batches of pairs without end. In each epoch every pair is in one batch, beside pairs of like length."""

    pairs: Sequence[Pair]
    batch_size: int
    seed: int
    end: int
    ends: bool = True  # whether outputs end with the end symbol, as classes do not
    features: Features | None = None  # of the pairs' images

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.pairs) // self.batch_size)

    @property
    def symbols(self) -> int:
        """Targets in an epoch."""
        return sum(len(pair.output) + self.ends for pair in self.pairs)

    def batches(self, start: int = 0) -> Iterator[Batch]:
        """Yield the batches from the given step on."""
        epoch, place = divmod(start, self.steps)
        while True:
            for chosen in self._order(epoch)[place:]:
                yield batch_of([self.pairs[index] for index in chosen], self.end, self.ends, self.features)
            epoch, place = epoch + 1, 0

    def _order(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """The pairs of each batch of an epoch."""
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(len(self.pairs))
        lengths = np.array([(len(pair.source), len(pair.output)) for pair in self.pairs])
        batches = []
        for begin in range(0, len(order), _POOL * self.batch_size):
            pool = order[begin : begin + _POOL * self.batch_size]
            pool = pool[np.lexsort((lengths[pool, 1], lengths[pool, 0]))]
            batches += [pool[i : i + self.batch_size] for i in range(0, len(pool), self.batch_size)]
        return [batches[index] for index in random.permutation(len(batches))]


def in_order(
    pairs: Sequence[Pair], batch_size: int, end: int, ends: bool = True, features: Features | None = None
) -> Iterator[tuple[npt.NDArray[np.int64], Batch]]:
    """Yield all pairs once in batches of like length, each with the places of its pairs."""
    order = np.lexsort(([len(pair.output) for pair in pairs], [len(pair.source) for pair in pairs]))
    for begin in range(0, len(order), batch_size):
        chosen = order[begin : begin + batch_size]
        yield chosen, batch_of([pairs[index] for index in chosen], end, ends, features)
