"""How well a conditioned model answers, beside what it would do without its input and what a mere look-up does."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from charrnn.conditioned.attention import Memory
from charrnn.conditioned.decoder import Taken
from charrnn.conditioned.features import Features
from charrnn.conditioned.feed import Batch, Pair, in_order
from charrnn.conditioned.reader import Floats, Reader

IGNORED = 0.02  # nats per symbol that shuffled sources must cost at least, or the model ignores its input
_TOGETHER = 256
_DIMENSIONS = 512  # of the counts of n-grams
_ROWS = 4096  # known sources that are compared at once
_IMAGES = 512  # known images

Hidden = Literal["", "looked", "random"]
OnRead = Callable[[int], object]


@dataclass(frozen=True)
class Losses:
    """The loss of right outputs, each symbol predicted from the right ones before it."""

    nats: float  # of all symbols together, their end symbols counted
    symbols: int

    @property
    def nats_per_symbol(self) -> float:
        """Their mean."""
        return self.nats / self.symbols


def losses(
    reader: Reader,
    pairs: Sequence[Pair],
    features: Features | None = None,
    hidden: Hidden = "",
    on_read: OnRead = lambda n: None,
) -> Losses:
    """Return the loss over pairs; at each step a place may be hidden from attention.

    That is the place with the largest weight, or a random one beside which to judge what the first costs.
    """
    total, symbols, random = 0.0, 0, np.random.default_rng(0)
    ends = reader.config.output == "characters"
    for _, batch in in_order(pairs, _TOGETHER, reader.config.end, ends, features):
        memory = reader.memory(batch.sources, batch.mask, batch.images)
        total += _nats(reader, batch, memory, hidden, random)
        symbols += batch.symbols
        on_read(len(batch.given))
    return Losses(total, symbols)


def _nats(reader: Reader, batch: Batch, memory: Memory, hidden: Hidden, random: np.random.Generator) -> float:
    decoder, total = reader.decoder, 0.0
    state = decoder.begin(memory)
    for t in range(batch.given.shape[1]):
        given = decoder.inputs(batch.given[:, t])
        taken: Taken = decoder.take(memory, given, state)
        if hidden:
            places = taken.weights.argmax(1) if hidden == "looked" else _random_places(memory.mask, random)
            taken = decoder.take(_without(memory, places), given, state)
        logits = decoder.logits(taken.h).astype(np.float64)
        logits -= logits.max(-1, keepdims=True)
        right = np.take_along_axis(logits, batch.targets[:, t, None], 1)[:, 0]
        total += float(((np.log(np.exp(logits).sum(-1)) - right) * batch.counts[:, t]).sum())
        state = taken.state
    return total


def _random_places(mask: Floats, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """A place of each source, [B]."""
    return (random.random(len(mask)) * mask.sum(1)).astype(np.int64)


def _without(memory: Memory, places: npt.NDArray[np.int64]) -> Memory:
    """The memory without one place of each source that has several."""
    mask = memory.mask.copy()
    several = mask.sum(1) > 1
    mask[np.flatnonzero(several), places[several]] = 0
    return memory._replace(mask=mask)


def with_shuffled_sources(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the same outputs, each with the source of another pair; of questions about images, with its image."""
    order = np.random.default_rng(0).permutation(len(pairs))
    other = np.empty_like(order)
    other[order] = np.roll(order, 1)
    others = [pairs[index] for index in other]
    if pairs[0].image >= 0:
        return [pair._replace(image=another.image) for pair, another in zip(pairs, others, strict=True)]
    return [pair._replace(source=another.source) for pair, another in zip(pairs, others, strict=True)]


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many symbols must be inserted, deleted or replaced to turn one sequence into the other.

    >>> edit_distance("kitten", "sitting")
    3
    """
    places = np.arange(len(right) + 1)
    row = places
    codes = {symbol: code for code, symbol in enumerate(dict.fromkeys((*left, *right)))}
    b = np.array([codes[symbol] for symbol in right], np.int64)
    for number, symbol in enumerate(left, 1):
        changed = row[:-1] + (b != codes[symbol])
        best = np.concatenate([[number], np.minimum(changed, row[1:] + 1)])
        row = np.minimum.accumulate(best - places) + places  # and the cheapest insertions after each
    return int(row[-1])


def nearest(known: Sequence[str], wanted: Sequence[str], on_read: OnRead = lambda n: None) -> npt.NDArray[np.int64]:
    """Return for each wanted text the place of the known one that is most like it, by its n-grams of 1 to 3 characters.

    That is the largest cosine of their counts, hashed to few dimensions.
    """
    targets = _counts(wanted)
    best, places = np.full(len(wanted), -np.inf), np.zeros(len(wanted), np.int64)
    for begin in range(0, len(known), _ROWS):
        piece = known[begin : begin + _ROWS]
        likeness = targets @ _counts(piece).T
        found = likeness.argmax(1)
        value = likeness[np.arange(len(wanted)), found]
        places = np.where(value > best, begin + found, places)
        best = np.maximum(best, value)
        on_read(len(piece))
    return places


def nearest_images(
    features: Features, known: Sequence[int], wanted: Sequence[int], on_read: OnRead = lambda n: None
) -> npt.NDArray[np.int64]:
    """Return for each wanted image the place among the known ones whose features are nearest (Euclidean distance)."""
    targets = features.rows(wanted).reshape(len(wanted), -1)
    best, places = np.full(len(wanted), np.inf), np.zeros(len(wanted), np.int64)
    for begin in range(0, len(known), _IMAGES):
        piece = features.rows(known[begin : begin + _IMAGES])
        piece = piece.reshape(len(piece), -1)
        distance = (piece**2).sum(1) - 2 * targets @ piece.T  # less what all of a row have in common
        found = distance.argmin(1)
        value = distance[np.arange(len(wanted)), found]
        places = np.where(value < best, begin + found, places)
        best = np.minimum(best, value)
        on_read(len(piece))
    return places


def _counts(texts: Sequence[str]) -> Floats:
    """How often texts have n-grams, hashed, each row of length 1."""
    counts = np.zeros((len(texts), _DIMENSIONS), np.float32)
    for row, text in enumerate(texts):
        for gram in _grams(text):
            counts[row, zlib.crc32(gram.encode("utf-8", "surrogatepass")) % _DIMENSIONS] += 1
    return counts / np.maximum(1e-9, np.linalg.norm(counts, axis=1, keepdims=True))


def _grams(text: str) -> Iterator[str]:
    padded = f"\x02{text}\x03"
    for size in (1, 2, 3):
        yield from (padded[i : i + size] for i in range(len(padded) - size + 1))
