"""Which symbols a vocabulary has: frequent words, and characters to spell others; or all that stand between spaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, SourceError
from charrnn.text.symbols import LONGEST, MOST, Kind, Symbols, has_private
from charrnn.text.vocabulary import UNKNOWN, smallest_type

FREQUENT = 5  # times that a word stands in a text, at least, to be a symbol where no count is given
MOST_WORDS = 8000  # that are chosen: the most frequent ones

Ids = npt.NDArray[np.integer]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Choice:
    """The symbols of a vocabulary, its code points, and how those that were counted are written in its ids.

    The n-th one is `flat[starts[n]:][:lengths[n]]`. `rare` of them, at `rare_places`, are none of the vocabulary.
    """

    symbols: Symbols
    codes: npt.NDArray[np.uint32]
    starts: Counts
    lengths: Counts
    flat: Ids
    rare: int
    rare_places: int

    @property
    def id_type(self) -> np.dtype[np.integer]:
        """The type of the ids."""
        return smallest_type(len(self.codes))

    def ids(self, numbers: Ids) -> Ids:
        """Return the ids of symbols by their numbers."""
        lengths = self.lengths[numbers]
        begins = np.cumsum(lengths) - lengths
        places = np.repeat(self.starts[numbers] - begins, lengths) + np.arange(int(lengths.sum()))
        return self.flat[places].astype(self.id_type)


def choose(
    counted: Sequence[str], counts: Counts, kind: Kind, min_count: int = 1, known: Symbols | None = None
) -> Choice:
    """Choose the symbols of a vocabulary among those of a text, which stand in it so often.

    Words are those that stand `min_count` times (FREQUENT, if that is 1), at most MOST_WORDS; all characters of the
    text are there to spell the others. Between spaces, all symbols are; those that are rarer than `min_count` become
    U+FFFD. Where a model's are `known`, these words it is, and no others; between spaces, others come behind them.

    Raises:
        SourceError: the text has characters for private use that stand for symbols, or too many symbols.
        ConfigError: min_count leaves no symbol.
    """
    if any(map(has_private, counted)):
        raise SourceError(
            "the text has characters for private use, beyond U+F0000, which stand for symbols here",
            "replace them, or leave --symbols out",
        )
    if kind == "word":
        names, rare = _words(counted, counts, FREQUENT if min_count == 1 else min_count, known)
        symbols, characters = Symbols("word", names), {c for word in counted for c in word}
        return _choice(symbols, characters, counted, counts, rare)
    rare = counts < min_count
    if rare.all() and len(rare):
        raise ConfigError(f"min_count {min_count} leaves no symbol: all are rarer", "choose a smaller one")
    kept = {symbol for symbol, few in zip(counted, rare, strict=True) if not few}
    before = known.names if known else ()
    names = (*before, *sorted({name for name in kept if len(name) > 1} - set(before)))
    if len(names) > MOST:
        raise SourceError(
            f"the text has {len(names):,} distinct symbols between spaces, more than {MOST:,}",
            "give --min-count, or --symbols word",
        )
    characters = {name for name in kept if len(name) == 1} | ({UNKNOWN} if rare.any() else set())
    return _choice(Symbols("spaced", names), characters, counted, counts, rare)


def _words(
    counted: Sequence[str], counts: Counts, least: int, known: Symbols | None
) -> tuple[tuple[str, ...], npt.NDArray[np.bool_]]:
    """The words that are symbols, and which of all are none."""
    is_word = np.array([1 < len(word) <= LONGEST for word in counted], np.bool_)
    if known is not None:
        names = known.names
    else:
        order = sorted(np.flatnonzero(is_word & (counts >= least)).tolist(), key=lambda n: (-counts[n], counted[n]))
        names = tuple(sorted(counted[n] for n in order[:MOST_WORDS]))
    among = set(names)
    return names, is_word & np.array([word not in among for word in counted], np.bool_)


def _choice(
    symbols: Symbols, characters: set[str], counted: Sequence[str], counts: Counts, rare: npt.NDArray[np.bool_]
) -> Choice:
    codes = np.array(sorted({*map(ord, characters), *symbols.codes}), np.uint32)
    kept: Literal["spelled", "folded"] = "spelled" if symbols.kind == "word" else "folded"
    written = [
        (symbol if kept == "spelled" else UNKNOWN) if few else symbols.stand_in(symbol)
        for symbol, few in zip(counted, rare.tolist(), strict=True)
    ]
    lengths = np.array([len(each) for each in written], np.int64)
    points = np.frombuffer("".join(written).encode("utf-32-le", "surrogatepass"), "<u4")
    flat = np.searchsorted(codes, points)
    rare_counts = counts[rare]
    return Choice(symbols, codes, np.cumsum(lengths) - lengths, lengths, flat, len(rare_counts), int(rare_counts.sum()))
