"""Items, as they are drawn side by side: each from the zero state to its end. Works without torch; prints nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt

from charrnn.model.cells import Array
from charrnn.sampling.distribution import draw
from charrnn.sampling.sampler import NOISE, Position, Sampler
from charrnn.text.vocabulary import END

SIDE_BY_SIDE = 64  # items that are drawn together


@dataclass(frozen=True)
class DrawnItem:
    """An item without the prime that it begins with, and −ln p of its characters and, where it `ended`, of its end."""

    text: str
    seed: int
    ended: bool
    nats: tuple[float, ...] = field(repr=False)


class ItemSampler:
    """Draws items from a model of items: the same seed, prime and settings give the same item, whatever is beside it.

    The noise of an item is its seed's alone; rounding may differ with the number of items that are drawn together.
    """

    def __init__(self, sampler: Sampler, length: int, prime: str = "") -> None:
        """`length` is how many characters an item may have after its prime.

        Raises:
            VocabularyError: the prime has characters that the model does not know.
        """
        self._sampler, self._length, self._prime = sampler, length, prime
        self._start = sampler.begin(prime)
        self._end = int(sampler.vocabulary.encode(END)[0])

    def draw(self, first_seed: int) -> Iterator[DrawnItem]:
        """Yield items without end, by the seeds from one on."""
        for start in count(first_seed, SIDE_BY_SIDE):
            yield from self.draw_some(range(start, start + SIDE_BY_SIDE))

    def draw_some(self, seeds: Sequence[int]) -> Iterator[DrawnItem]:
        """Yield an item for each seed."""
        for start in range(0, len(seeds), SIDE_BY_SIDE):
            yield from self._draw_together(seeds[start : start + SIDE_BY_SIDE])

    def _draw_together(self, seeds: Sequence[int]) -> Iterator[DrawnItem]:
        model, config = self._sampler.model, self._sampler.config
        rows, position = np.arange(len(seeds)), self._start.rows([0] * len(seeds))
        written: list[list[int]] = [[] for _ in seeds]
        nats: list[list[float]] = [[] for _ in seeds]
        for noise in _noise(self._length + 1, seeds):
            ids, costs = (model.numpy(x) for x in draw(position.logits, config, model.native(noise[rows])))
            for row, index, cost in zip(rows.tolist(), ids.tolist(), costs.tolist(), strict=True):
                written[row].append(index)
                nats[row].append(cost)
            going = np.flatnonzero(ids != self._end)
            if not len(going) or len(written[rows[going[0]]]) > self._length:
                break
            rows, position = rows[going], self._read(ids[going], position.rows(going))
        for seed, each, spent in zip(seeds, written, nats, strict=True):
            yield self._item(seed, each, spent)

    def _read(self, ids: npt.NDArray[np.integer], position: Position) -> Position:
        return self._sampler.follow(ids[:, None].astype(np.int64), position.state)

    def _item(self, seed: int, ids: list[int], nats: list[float]) -> DrawnItem:
        ended = bool(ids) and ids[-1] == self._end
        kept = self._length if not ended else len(ids)  # the symbol after a full item is drawn to see if it is the end
        vocabulary = self._sampler.vocabulary
        text = vocabulary.decode(ids[: kept - ended])
        return DrawnItem(vocabulary.between(self._prime, text) + text, seed, ended, tuple(nats[:kept]))


def _noise(length: int, seeds: Sequence[int]) -> Iterator[Array]:
    """Noise [B] for each place of items, uniform in [0, 1)."""
    generators = [np.random.default_rng(seed) for seed in seeds]
    for start in range(0, length, NOISE):
        yield from np.stack([g.random(NOISE, np.float32) for g in generators], 1)[: length - start]
