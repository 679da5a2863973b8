"""Corpus: the encoded text, its split, and its batches. Knows no torch; ids leave it as numpy arrays."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from charrnn import trust
from charrnn.errors import ConfigError, SourceError, check_range
from charrnn.text import cache
from charrnn.text.encoding import Encoded, encode, encode_aside
from charrnn.text.encoding import Ids as Ids
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.sources import Listing, Text
from charrnn.text.symbols import Kind, Symbols
from charrnn.text.vocabulary import Vocabulary

HELD_OUT = 0.05  # of the text, for validation and for the test each, where nothing else is asked for,
HELD_OUT_MOST = 1_000_000  # but no more characters than this: more say hardly more, and are read at every milestone
PART_NAMES = {"val": "validation", "test": "test"}  # of the held-out parts, in words
_PIECE = 1 << 20  # characters encoded at once
_NEAR = 1000  # symbols before a cut among which white space is looked for


class Window(NamedTuple):
    """The places in every reader's stretch that a step reads: those of its inputs; its targets end one later."""

    begin: int
    end: int
    epoch: int


ANEW = 101  # windows after which a reader begins anew; a prime number, so that it is elsewhere in each epoch


class Batch(NamedTuple):
    """One window of every stream: B sequences of T characters and, as targets, the characters that follow them."""

    inputs: npt.NDArray[np.int64]  # [B, T]
    targets: npt.NDArray[np.int64]  # [B, T]
    epoch: int
    starts_epoch: bool


@dataclass(frozen=True)
class Streams:
    """A text read by B readers at once, each going on where its last window ended.

    The text is cut into B contiguous stretches, one a reader; an epoch reads every stretch once, in windows of T
    characters (the last may be shorter). Where an epoch ends, reader b stands where reader b+1 began, so that its
    recurrent state belongs to reader b+1 in the next epoch. The first window's length changes from epoch to epoch,
    so that truncation does not always cut at the same characters. Now and then a reader begins anew from the zero
    state, so that a model learns to begin anywhere, as it has to in use: without it, a second layer's cells could
    count up for good when a text began in the middle of a sentence.

    Sizes too large for the text are reduced: first fewer readers, then a shorter window. Several processes may share
    the readers: `rows` are this one's.
    """

    ids: Ids
    batch_size: int
    seq_length: int
    rows: range

    @classmethod
    def over(cls, ids: Ids, batch_size: int, seq_length: int) -> "Streams":
        """Return streams over ids [N], N ≥ 2, of at most the given sizes."""
        seq_length = min(seq_length, len(ids) - 1)
        batch_size = min(batch_size, (len(ids) - 1) // seq_length)
        return cls(ids, batch_size, seq_length, range(batch_size))

    def share(self, rank: int, size: int) -> "Streams":
        """Return the streams that process `rank` of `size` reads; all have as many.

        Raises:
            ConfigError: there are fewer readers than processes.
        """
        rows = self.batch_size // size
        if not rows:
            raise ConfigError(
                f"the text has room for {self.batch_size} readers, and there are {size} processes", "start fewer"
            )
        return replace(self, batch_size=rows * size, rows=range(rank * rows, (rank + 1) * rows))

    @property
    def stretch(self) -> int:
        """Characters that one reader reads in an epoch."""
        return (len(self.ids) - 1) // self.batch_size

    @property
    def per_epoch(self) -> int:
        """Characters that all readers read in an epoch."""
        return self.stretch * self.batch_size

    @property
    def per_step(self) -> float:
        """Characters that a full window of all readers has."""
        return self.seq_length * self.batch_size

    def rows_before(self, step: int) -> tuple[range, int]:
        """Return the rows that this process has of the state before a step, and how many there are in all."""
        return self.rows, self.batch_size

    def steps_in(self, epoch: int) -> int:
        """Windows in one epoch."""
        return len(self._cuts(epoch)) - 1

    def place_of(self, step: int) -> tuple[int, int]:
        """Return the epoch of a step, and how many of that epoch's steps come before it.

        Raises:
            ConfigError: the step is of an epoch that no training reaches.
        """
        check_epochs(step, self.steps_in(0), _MOST_EPOCHS)
        epoch = 0
        while True:
            firsts = (np.arange(epoch, epoch + _AT_ONCE) * _GOLDEN % 1 * self.seq_length).astype(np.int64)
            rest = np.maximum(0, self.stretch - np.where(firsts, firsts, self.seq_length))
            ends = np.cumsum(1 + -(-rest // self.seq_length))
            if step < ends[-1]:
                passed = int(np.searchsorted(ends, step, "right"))
                return epoch + passed, step - (int(ends[passed - 1]) if passed else 0)
            step, epoch = step - int(ends[-1]), epoch + _AT_ONCE

    def windows(self, start: int = 0) -> Iterator[Window]:
        """Yield the windows without end, from the given step on. Raises ConfigError as `place_of` does."""
        epoch, start = self.place_of(start)
        while True:
            cuts = self._cuts(epoch)
            for begin, end in zip(cuts[start:-1], cuts[start + 1 :], strict=True):
                yield Window(begin, end, epoch)
            start, epoch = 0, epoch + 1

    def batches(self, start: int = 0) -> Iterator[Batch]:
        """Yield the batches without end, from the given step on."""
        for begin, end, epoch in self.windows(start):
            places = np.array(self.rows)[:, None] * self.stretch + np.arange(begin, end + 1)
            window = self.ids[places].astype(np.int64)
            yield Batch(window[:, :-1], window[:, 1:], epoch, begin == 0)

    def beginning(self, step: int) -> slice:
        """Return which of this process's readers begin anew at a step: each once in `ANEW` windows."""
        return slice((step - self.rows.start) % ANEW, None, ANEW)

    def _cuts(self, epoch: int) -> list[int]:
        first = int(epoch * _GOLDEN % 1 * self.seq_length) or self.seq_length
        return [0, *range(first, self.stretch, self.seq_length), self.stretch]


_GOLDEN = (5**0.5 - 1) / 2  # its multiples, modulo 1, spread evenly however many there are
_MOST_EPOCHS = 10**8  # more than a training of hours has, even of a text of one window; counted within seconds
_AT_ONCE = 1 << 16  # epochs whose windows are counted at once


def check_epochs(step: int, steps: int, most: int) -> None:
    """Raise ConfigError where a step is of an epoch beyond the most, each of about so many steps."""
    epochs = step // steps
    if epochs > most:
        raise ConfigError(
            f"step {step:,} is {epochs:,} epochs into this text, which no training reaches",
            "restore the state from a backup, or start a new run",
        )


@dataclass(frozen=True)
class Corpus:
    """A text as ids, split into contiguous parts: "train", and "val" and "test" where they are not empty."""

    name: str
    sha256: str
    licence: str
    vocabulary: Vocabulary
    parts: dict[str, Ids]
    source: str = ""
    notes: tuple[str, ...] = ()
    folded: int = 0  # distinct characters that became U+FFFD

    @classmethod
    def from_text(
        cls,
        text: Text,
        val_fraction: float | None = None,
        test_fraction: float | None = None,
        min_count: int = 1,
        kind: Kind = "character",
        known: Symbols | None = None,
    ) -> "Corpus":
        """Encode a text and split it: the training part first, then validation, then test.

        A fraction is that of the whole text; None is `HELD_OUT`, but at most `HELD_OUT_MOST` characters.
        Characters that the whole text has fewer than `min_count` times are folded into U+FFFD. `kind` is that of its
        symbols, as `symbol_choice` has it; `known` are those that a model has already.

        Raises:
            SourceError: the text has fewer than two characters, or too many symbols.
            ConfigError: the fractions leave nothing to train on, or min_count no character.
        """
        content = io.BytesIO()
        pieces = (text.characters[start : start + _PIECE] for start in range(0, len(text.characters), _PIECE))
        encoded = encode(pieces, content, min_count, kind, known)
        ids = np.frombuffer(content.getbuffer(), encoded.id_type)
        return cls._of(text, encoded, ids, val_fraction, test_fraction)

    @classmethod
    def from_listing(
        cls,
        listing: Listing,
        reading: Reading = DEFAULT,
        val_fraction: float | None = None,
        test_fraction: float | None = None,
        min_count: int = 1,
        kind: Kind = "character",
        known: Symbols | None = None,
        on_bytes: Callable[[int], object] = lambda count: None,
    ) -> "Corpus":
        """Return what `from_text` would of the text that is listed, without holding it, or many ids, in memory.

        The ids of large files are kept on the disk and found again (see `charrnn.text.cache`); `on_bytes` is told of
        bytes read.

        Raises:
            SourceError: something cannot be read or decoded, there is no room, or there are fewer than two characters.
            ConfigError: the fractions leave nothing to train on, or min_count no character.
        """
        told: Sequence[str] = ()
        refusal = trust.refusal(cache.folder()) if (is_large := cache.is_large(listing.files)) else None
        if is_large and not refusal:
            encoded, ids, told = cache.encoded(listing, reading, min_count, kind, known, on_bytes)
        else:
            told = [f"the text is not kept for the next time: {'; '.join(refusal)}"] if refusal else []
            pieces = listing.pieces(reading, told, lambda content: on_bytes(len(content)))
            encoded, ids = encode_aside(pieces, min_count, kind, known)
        text = replace(listing.about, notes=(*listing.notes, *told))
        return cls._of(text, encoded, ids, val_fraction, test_fraction)

    @classmethod
    def _of(
        cls, text: Text, encoded: Encoded, ids: Ids, val_fraction: float | None, test_fraction: float | None
    ) -> "Corpus":
        if len(ids) < 2:
            noun = "character" if encoded.symbols is None else "symbol"
            raise SourceError(f"{text.name} has one {noun} only", f"give a text of at least two {noun}s")
        vocabulary = encoded.vocabulary
        parts, notes = _split(ids, vocabulary, val_fraction, test_fraction)
        notes = (*text.notes, *encoded.notes(), *notes)
        return cls(text.name, encoded.sha256, text.licence, vocabulary, parts, text.source, notes, encoded.folded)

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts.values())

    @property
    def split(self) -> dict[str, int]:
        """Characters in each part, in the order in which they stand in the text; of longer symbols, how many."""
        return {name: len(part) for name, part in self.parts.items()}

    @property
    def characters(self) -> dict[str, int] | None:
        """Characters in each part, where its symbols are longer ones; None where they are characters."""
        if self.vocabulary.symbols is None:
            return None
        return {name: self.vocabulary.characters_in(part) for name, part in self.parts.items()}

    def streams(self, batch_size: int, seq_length: int) -> Streams:
        """Return the training part as streams of at most so many readers and characters a window."""
        return Streams.over(self.parts["train"], batch_size, seq_length)

    def under(self, vocabulary: Vocabulary) -> Self:
        """Return the same text with the ids that its characters have in another vocabulary.

        Raises:
            VocabularyError: it lacks one of them.
        """
        if np.array_equal(vocabulary.codes, self.vocabulary.codes):
            return replace(self, vocabulary=vocabulary)
        ids = vocabulary.encode(self.vocabulary.alphabet)
        return replace(self, vocabulary=vocabulary, parts={name: ids[part] for name, part in self.parts.items()})

    @property
    def line_beginnings(self) -> dict[str, int]:
        """How many lines of the training part begin with each character; empty lines do not count."""
        ids, vocabulary = self.parts["train"], self.vocabulary
        counts = np.bincount(ids[:1], minlength=len(vocabulary))
        if "\n" in vocabulary:
            newline = vocabulary.encode("\n")[0]
            for start in range(0, len(ids) - 1, _PIECE):
                piece = ids[start : start + _PIECE + 1]
                counts += np.bincount(piece[1:][piece[:-1] == newline], minlength=len(vocabulary))
            counts[newline] = 0
        return {vocabulary.characters[i]: int(counts[i]) for i in np.flatnonzero(counts)}


def part_of(text: Text, split: dict[str, int], part: str) -> str:
    """Return the characters of one part of a text that was split as `split` says; of longer symbols, a folded text."""
    names = list(split)
    start = sum(split[name] for name in names[: names.index(part)])
    return text.characters[start : start + split[part]]


def _split(
    ids: Ids, vocabulary: Vocabulary, val_fraction: float | None, test_fraction: float | None
) -> tuple[dict[str, Ids], tuple[str, ...]]:
    given = {"val": val_fraction, "test": test_fraction}
    asked = lengths = {name: _held_out(name, len(ids), fraction) for name, fraction in given.items()}
    if vocabulary.symbols is not None:
        lengths = _between_words(ids, vocabulary, asked)
    kept = {name: length for name, length in lengths.items() if length >= 2}
    train = len(ids) - sum(kept.values())
    if train < 2:
        raise ConfigError(
            f"val_fraction {_fraction(val_fraction)} and test_fraction {_fraction(test_fraction)} leave "
            f"{max(train, 0)} of {len(ids)} characters to train on",
            "choose smaller fractions",
        )
    parts, start = {"train": ids[:train]}, train
    for name, length in kept.items():
        parts[name], start = ids[start : start + length], start + length
    return parts, tuple(_notes_on_split(given, asked, len(ids)))


def _between_words(ids: Ids, vocabulary: Vocabulary, lengths: dict[str, int]) -> dict[str, int]:
    """Let each held-out part begin behind white space, so that the symbols of its text alone are those of its ids."""
    blank, ends = np.array([name.isspace() for name in vocabulary.names]), [len(ids)]
    for length in reversed(lengths.values()):
        place = max(0, ends[0] - length)
        found = np.flatnonzero(blank[ids[max(0, place - _NEAR) : place]])
        ends.insert(0, max(0, place - _NEAR) + int(found[-1]) + 1 if length and len(found) else place)
    return {name: stop - start for name, start, stop in zip(lengths, ends[:-1], ends[1:], strict=True)}


def _fraction(given: float | None) -> float:
    return HELD_OUT if given is None else given


def _held_out(name: str, length: int, given: float | None) -> int:
    """How many of a text's characters are for validation or the test; no fraction given is the default."""
    if given is None:
        return min(int(length * HELD_OUT), HELD_OUT_MOST)
    check_range(f"{name}_fraction", given, 0, 1)
    return int(length * given)


def _notes_on_split(given: dict[str, float | None], lengths: dict[str, int], whole: int) -> Iterator[str]:
    for name, length in lengths.items():
        if length < 2 and _fraction(given[name]) > 0:
            yield f"the text is too short for a {PART_NAMES[name]} part; it was left out"
    capped = [name for name, fraction in given.items() if fraction is None and lengths[name] < int(whole * HELD_OUT)]
    if capped:
        parts = " or ".join(f"{PART_NAMES[name]} (--{name}-fraction)" for name in capped)
        yield f"by default no more than {HELD_OUT_MOST:,} characters are held out for {parts}"
