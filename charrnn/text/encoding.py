"""Characters, piece by piece -> a file of ids, in one pass and bounded memory, whatever characters they are."""

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from tempfile import SpooledTemporaryFile, gettempdir
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, SourceError, counted
from charrnn.text.symbol_choice import choose
from charrnn.text.symbols import Kind, Symbols, split_pieces
from charrnn.text.vocabulary import UNKNOWN, Vocabulary, code_points, smallest_type

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

Ids = npt.NDArray[np.integer]
IN_MEMORY = 64_000_000  # bytes of ids; more are held on the disk
_PIECE = 1 << 20  # ids handled at once
_CODES = 0x110000


@dataclass(frozen=True)
class Encoded:
    """What is known of a text whose ids have been written.

    `codes` are the code points of its vocabulary, in order; `id_type` is the type of the ids in the file. Of the
    distinct characters `folded` were rarer than allowed and became U+FFFD, at `folded_places` places. Where symbols are
    longer than a character, `length` counts symbols, and `spelled` words, at `spelled_places`, are spelled.
    """

    codes: list[int]
    length: int
    id_type: str
    sha256: str
    folded: int = 0
    folded_places: int = 0
    symbols: Symbols | None = None
    spelled: int = 0
    spelled_places: int = 0

    @property
    def vocabulary(self) -> Vocabulary:
        """Its vocabulary."""
        return Vocabulary(map(chr, self.codes), self.folded > 0, self.symbols)

    def notes(self) -> Iterator[str]:
        """Yield what a reader should be told of its symbols."""
        if self.symbols is not None and self.symbols.kind == "word":
            words = len(self.symbols.names)
            yield (
                f"{counted(words, 'word')} and {counted(len(self.codes) - words, 'character')} are symbols; "
                f"{counted(self.spelled, 'rarer word')}, at {counted(self.spelled_places, 'place')}, "
                f"{'is' if self.spelled == 1 else 'are'} spelled in characters"
            )
        elif self.symbols is not None:
            yield f"the text has {counted(self.length, 'symbol')} of {len(self.codes):,} kinds"
        if self.folded:
            noun = "character" if self.symbols is None else "symbol"
            yield f"{self.folded:,} rare {noun}s, at {self.folded_places:,} places, became U+FFFD"


def encode(
    pieces: Iterable[str],
    file: IO[bytes],
    min_count: int = 1,
    kind: Kind = "character",
    known: Symbols | None = None,
) -> Encoded:
    """Write the ids of all the pieces to a file, which is empty and can be read too.

    A character's id is its place in code-point order, which is known only at the end: until then characters are
    numbered as they appear, and the file is renumbered in place. Of symbols of another kind, see `symbol_choice`;
    `known` are those that a model has already.

    Raises:
        ConfigError: min_count is below 1, or every character is rarer.
        SourceError: there are too many symbols, or one is too long.
    """
    if min_count < 1:
        raise ConfigError(f"min_count is {min_count}", "give a value of 1 or more")
    if kind != "character":
        return _encode_symbols(pieces, file, min_count, kind, known)
    numbers, stretches, digest = _Numbers(), _Stretches(file), sha256()
    for piece in pieces:
        digest.update(piece.encode("utf-8", "surrogatepass"))
        stretches.append(numbers.encode(piece))
    counts = stretches.counts(len(numbers)) if min_count > 1 else np.ones(len(numbers), np.int64)
    codes = np.array(numbers.codes, np.int64)
    rare = counts < min_count
    if rare.all() and len(codes):
        raise ConfigError(f"min_count {min_count} leaves no character: all are rarer", "choose a smaller one")
    places = np.where(rare, ord(UNKNOWN), codes)
    vocabulary = np.unique(places)
    stretches.renumber(np.searchsorted(vocabulary, places))
    folded = (int(rare.sum()), int(counts[rare].sum()))
    return Encoded(vocabulary.tolist(), stretches.length, stretches.id_type.name, digest.hexdigest(), *folded)


def _encode_symbols(
    pieces: Iterable[str], file: IO[bytes], min_count: int, kind: Kind, known: Symbols | None
) -> Encoded:
    """Do the same for symbols longer than a character: they are numbered aside, as a rare one may become several."""
    digest, numbers = sha256(), dict[str, int]()
    with SpooledTemporaryFile(IN_MEMORY) as aside:
        stretches = _Stretches(aside)
        for some in split_pieces(_digested(pieces, digest), kind):
            for symbol in dict.fromkeys(some):
                numbers.setdefault(symbol, len(numbers))
            stretches.append(np.fromiter(map(numbers.__getitem__, some), np.int32, len(some)))
        choice = choose(list(numbers), stretches.counts(len(numbers)), kind, min_count, known)
        written = 0
        for found in stretches.pieces():
            ids = choice.ids(found)
            written += len(ids)
            file.write(ids.data)
    file.flush()
    codes, of_rare = choice.codes.tolist(), (choice.rare, choice.rare_places)
    folded, spelled = ((0, 0), of_rare) if kind == "word" else (of_rare, (0, 0))
    return Encoded(codes, written, choice.id_type.name, digest.hexdigest(), *folded, choice.symbols, *spelled)


def _digested(pieces: Iterable[str], digest: "Hash") -> Iterator[str]:
    for piece in pieces:
        digest.update(piece.encode("utf-8", "surrogatepass"))
        yield piece


def encode_aside(
    pieces: Iterable[str], min_count: int = 1, kind: Kind = "character", known: Symbols | None = None
) -> tuple[Encoded, Ids]:
    """Return what `encode` does, and the ids [T]: in memory, or where they are many in a file that has no name.

    Raises:
        ConfigError: as `encode`.
        SourceError: as `encode`, or there is no room for the ids.
    """
    with SpooledTemporaryFile(IN_MEMORY) as file:
        try:
            result = encode(pieces, file, min_count, kind, known)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise SourceError(
                f"the text is large, and there is no room for it in {gettempdir()}",
                "make room there, or name another folder with TMPDIR",
            ) from None
        if result.length * np.dtype(result.id_type).itemsize > IN_MEMORY:
            return result, np.asarray(np.memmap(file, result.id_type, "r"))
        file.seek(0)
        return result, np.frombuffer(file.read(), result.id_type)


class _Numbers:
    """Numbers for characters in the order in which they appear."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self._number = np.full(_CODES, -1, np.int32)
        self._seen = b""  # of ASCII
        self._translation = bytearray(256)  # ASCII -> number, while those fit in a byte

    def __len__(self) -> int:
        return len(self.codes)

    def encode(self, text: str) -> Ids:
        if not text.isascii():
            return self._numbered(code_points(text))
        content = text.encode()
        if new := content.translate(None, self._seen):
            self._add(sorted(set(new)))
        if len(self) > 256:
            return self._numbered(np.frombuffer(content, np.uint8))
        return np.frombuffer(content.translate(self._translation), np.uint8)

    def _numbered(self, codes: Ids) -> Ids:
        numbers = self._number[codes]
        if len(numbers) and numbers.min() < 0:
            self._add(np.unique(codes[numbers < 0]).tolist())
            numbers = self._number[codes]
        return numbers.astype(smallest_type(len(self)))

    def _add(self, codes: list[int]) -> None:
        self._number[codes] = np.arange(len(self), len(self) + len(codes))
        self.codes += codes
        for code in codes:
            if code < 128:
                self._seen += bytes([code])
                self._translation[code] = self._number[code] & 255


class _Stretches:
    """A file of numbers that take more bytes each from some place on: stretches of one type each, ever wider."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._stretches: list[tuple[np.dtype[np.integer], int]] = []

    @property
    def length(self) -> int:
        return sum(length for _, length in self._stretches)

    @property
    def id_type(self) -> np.dtype[np.integer]:
        """The widest, which is the last."""
        return self._stretches[-1][0] if self._stretches else np.dtype(np.uint8)

    def append(self, numbers: Ids) -> None:
        self._file.write(numbers.data)
        if self._stretches and numbers.dtype == self.id_type:
            numbers_before = self._stretches.pop()[1]
            self._stretches.append((numbers.dtype, numbers_before + len(numbers)))
        elif len(numbers):
            self._stretches.append((numbers.dtype, len(numbers)))

    def counts(self, size: int) -> npt.NDArray[np.int64]:
        """How often each number stands in the file [size]."""
        counts = np.zeros(size, np.int64)
        for numbers in self.pieces():
            counts += np.bincount(numbers, minlength=size)
        return counts

    def pieces(self) -> Iterator[Ids]:
        """Yield the numbers, some at a time."""
        place = 0
        for kind, length in self._stretches:
            for start in range(0, length, _PIECE):
                numbers = self._read(place, kind, min(_PIECE, length - start))
                yield numbers
                place += numbers.nbytes

    def renumber(self, new: npt.NDArray[np.integer]) -> None:
        """Put new[n] in the place of each number n, all in the widest type.

        It goes from the end to the beginning, so that what grows covers only what has been read already.
        """
        table = new.astype(self.id_type)
        source = sum(kind.itemsize * length for kind, length in self._stretches)
        target = self.length * self.id_type.itemsize
        for kind, length in reversed(self._stretches):
            for start in reversed(range(0, length, _PIECE)):
                count = min(_PIECE, length - start)
                source, target = source - count * kind.itemsize, target - count * self.id_type.itemsize
                renumbered = _looked_up(table, self._read(source, kind, count))
                self._file.seek(target)
                self._file.write(renumbered.data)
        self._file.flush()

    def _read(self, place: int, kind: np.dtype[np.integer], count: int) -> Ids:
        self._file.seek(place)
        return np.frombuffer(self._file.read(count * kind.itemsize), kind)


def _looked_up(table: Ids, numbers: Ids) -> Ids:
    if table.itemsize > 1:
        return table[numbers]
    return np.frombuffer(numbers.tobytes().translate(table.tobytes().ljust(256, b"\0")), np.uint8)  # three times faster
