"""N-gram models of characters: interpolated Kneser–Ney, the yardstick that a recurrent network should pass."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.errors import check_range
from charrnn.text.statistics import Grams, renumbered

MAX_ORDER = 10
LARGEST_DISCOUNT = 3  # counts of 3 and more share one
_LEAST = 0.05  # of a discount, so that what was never seen keeps a chance

Ids = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float64]


def ngram_nats(train: Ids, text: Ids, vocabulary_size: int, max_order: int = MAX_ORDER) -> Iterator[Floats]:
    """Yield for each order n from 1 to `max_order` −ln p [M] of every character of a text, ids [M].

    The model of order n gives p(character | the n − 1 before it), learned from a training text, ids [N]; characters
    before the text's beginning are not there, and no order looks so far. It is interpolated modified Kneser–Ney (Chen
    and Goodman 1999, with the three discounts that they estimate from how many n-grams occur once, twice, …):

        p(x | h) = max(c(hx) − D(c(hx)), 0) / c(h) + γ(h) p'(x | h less its first character)

    where γ(h) makes the sum 1, p' counts for hx the distinct characters before it instead of its occurrences, and the
    shortest context goes on to the uniform distribution. Memory: some 150 bytes for each character of both texts.
    """
    check_range("max_order", max_order, 1, 64)
    backed_off = np.full(len(text), 1 / vocabulary_size)
    joined = np.concatenate([train, [vocabulary_size], text]).astype(np.int64)  # the mark between is of no vocabulary
    contexts = np.zeros(len(joined), np.int64)
    grams = renumbered(contexts * (vocabulary_size + 1) + joined)
    for length in range(max_order):  # of the context
        if not len(grams):  # no text is so long
            yield -np.log(backed_off)
            continue
        places = _Places(len(train), len(text), length)
        longer = renumbered(grams[:-1] * (vocabulary_size + 1) + joined[length + 1 :])
        raw = np.bincount(grams[places.train], minlength=int(grams.max()) + 1)
        yield -np.log(_Table(contexts, grams, raw).probabilities(places, backed_off))
        varied = _distinct_before(longer, grams, places, len(raw))
        backed_off = _Table(contexts, grams, varied).probabilities(places, backed_off)
        contexts, grams = grams[:-1], longer


@dataclass(frozen=True)
class _Places:
    """Where in arrays over "training text, mark, text" the characters stand that have a context of so many before them.

    Such arrays begin with the first character that has `length` characters before it.
    """

    trained: int
    scored: int
    length: int

    @property
    def train(self) -> slice:
        return slice(0, max(0, self.trained - self.length))

    @property
    def text(self) -> slice:
        """Of the text, those whose context is in it."""
        return slice(self.trained + 1, None)

    @property
    def skipped(self) -> int:
        """Characters at the text's beginning that have no such context."""
        return min(self.length, self.scored)


class _Table:
    """The counts of all n-grams of one order, and what becomes of them."""

    def __init__(self, contexts: Grams, grams: Grams, counts: npt.NDArray[np.int64]) -> None:
        self._contexts, self._grams, self._counts = contexts, grams, counts
        context_of = np.zeros(len(counts), np.int64)
        context_of[grams] = contexts
        size = int(contexts.max()) + 1
        self._totals = np.bincount(context_of, weights=counts, minlength=size)
        self._discounts = _discounts(counts)
        self._kept_back = np.bincount(
            context_of, weights=self._discounts[np.minimum(counts, LARGEST_DISCOUNT)], minlength=size
        )

    def probabilities(self, places: _Places, backed_off: Floats) -> Floats:
        """Return p [M] of the text's characters, given those of the next shorter context."""
        grams, contexts = self._grams[places.text], self._contexts[places.text]
        counts, totals = self._counts[grams], self._totals[contexts]
        p = backed_off.copy()
        lower = backed_off[places.skipped :]
        known = totals > 0
        discounted = np.maximum(counts - self._discounts[np.minimum(counts, LARGEST_DISCOUNT)], 0)
        shares = (discounted + self._kept_back[contexts] * lower)[known] / totals[known]
        p[places.skipped :][known] = shares
        return p


def _discounts(counts: npt.NDArray[np.int64]) -> Floats:
    """D(0) = 0 and Chen and Goodman's D(1), D(2), D(3+), kept within what can be taken from such a count."""
    n = np.bincount(np.minimum(counts, LARGEST_DISCOUNT + 2), minlength=LARGEST_DISCOUNT + 2).astype(float)
    y = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.0
    found = [c - (c + 1) * y * n[c + 1] / n[c] if n[c] else c / 2 for c in range(1, LARGEST_DISCOUNT + 1)]
    return np.array([0.0, *(min(max(d, _LEAST), c - _LEAST) for c, d in enumerate(found, start=1))])


def _distinct_before(longer: Grams, grams: Grams, places: _Places, size: int) -> npt.NDArray[np.int64]:
    """How many distinct characters stand before each gram in the training text."""
    seen = longer[: max(0, places.trained - places.length - 1)]
    _, first = np.unique(seen, return_index=True)
    return np.bincount(grams[1:][first], minlength=size)
