"""Vocabulary: characters <-> ids, or longer symbols <-> ids. Its characters are whole code points, never bytes."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Literal
from unicodedata import combining, normalize

import numpy as np
import numpy.typing as npt

from charrnn.errors import VocabularyError, counted
from charrnn.text.symbols import BREAKS, FIRST, Folded, Symbols, pieces_of, spaced, split

UNKNOWN = "\ufffd"  # the symbol that stands for characters outside a vocabulary that folds them
# The symbol around items: a model reads it before an item's first character (START) and predicts it after the last
# (END). Half a surrogate pair is no character, and no text that is read can hold it.
END = "\udfff"
_ABSENT = -1
_PIECE = 1 << 20  # ids measured at once
Form = Literal["NFC", "NFD", "NFKC"]


class Vocabulary:
    r"""V distinct characters; the id of a character is its place in code-point order.

    Where it `folds`, U+FFFD is one of them and stands for every character that is not. Where it has `symbols`, their
    stand-ins are among its characters, and a text's T is its number of symbols.

    >>> vocabulary = Vocabulary("hello")
    >>> vocabulary.characters
    'ehlo'
    >>> vocabulary.encode("hole").tolist()
    [1, 3, 2, 0]
    >>> vocabulary.decode([1, 0])
    'he'
    >>> Vocabulary("ab\ufffd", folds=True).encode("bcd").tolist()
    [1, 2, 2]
    """

    def __init__(self, characters: Iterable[str], folds: bool = False, symbols: Symbols | None = None) -> None:
        codes = np.unique(code_points("".join(characters)))
        if not len(codes):
            raise VocabularyError("a vocabulary needs at least one character", "give a text that is not empty")
        if folds and ord(UNKNOWN) not in codes:
            raise VocabularyError("a vocabulary that folds characters lacks U+FFFD to fold them into", "add it")
        self.codes: npt.NDArray[np.uint32] = codes
        if symbols is not None and codes[codes >= FIRST].tolist() != symbols.codes:
            raise VocabularyError("a vocabulary's characters are not those of its symbols", "give all of them")
        self.folds, self.symbols = folds, symbols
        self._ids = np.full(int(codes[-1]) + 1, _ABSENT, np.int32)
        self._ids[codes] = np.arange(len(codes))

    @property
    def characters(self) -> str:
        """All characters in the order of their ids; of longer symbols, their stand-ins."""
        return _text(self.codes)

    @property
    def alphabet(self) -> str:
        """Its characters as a text that it encodes."""
        return self._marked(self.characters)

    @cached_property
    def names(self) -> Sequence[str]:
        """All symbols in the order of their ids: characters, or longer ones."""
        return self.characters if self.symbols is None else [self.symbols.name(c) for c in self.characters]

    @property
    def is_spaced(self) -> bool:
        """Whether its symbols stand between spaces."""
        return self.symbols is not None and self.symbols.kind == "spaced"

    @property
    def noun(self) -> str:
        """What one of its symbols is called."""
        return "character" if self.symbols is None else "symbol"

    @property
    def end(self) -> int | None:
        """The id of the symbol around items; None for a vocabulary of running texts."""
        return int(self._ids[ord(END)]) if END in self else None

    @property
    def id_type(self) -> np.dtype[np.integer]:
        """The smallest of uint8, uint16 and int32 that holds every id."""
        return smallest_type(len(self))

    def __len__(self) -> int:
        return len(self.codes)

    def __contains__(self, character: str) -> bool:
        return bool((self._lookup(character) != _ABSENT).all())

    def encode(self, text: str) -> npt.NDArray[np.integer]:
        """Return the ids [T] of a text of T characters or symbols, in `id_type`.

        Raises:
            VocabularyError: the text has characters that are not in the vocabulary, and it does not fold them; they
                are named.
        """
        ids = self._lookup(self.folded(text))
        absent = ids == _ABSENT
        if absent.any():
            if not self.folds:
                raise self._never_seen(text)
            ids[absent] = self._ids[ord(UNKNOWN)]
        return ids.astype(self.id_type)

    def knows(self, text: str) -> npt.NDArray[np.bool_]:
        """Tell for each character of a text of T characters whether it is in the vocabulary, [T]."""
        return self._lookup(self.folded(text)) != _ABSENT

    def known(self, text: str) -> str:
        """Return the text without the characters that are not in the vocabulary."""
        text = self.folded(text)
        return self._marked(_text(code_points(text)[self.knows(text)]))

    def unknown(self, text: str) -> str:
        """Return the distinct characters of the text that are not in the vocabulary, in code-point order."""
        text = self.folded(text)
        return _text(np.unique(code_points(text)[self._lookup(text) == _ABSENT]))

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the text of ids [T]."""
        folded = self.decode_folded(ids)
        return folded if self.symbols is None else self.symbols.spelled(folded)

    def decode_folded(self, ids: npt.ArrayLike) -> str:
        """Return the text of ids [T] with one character for each: of longer symbols, their stand-ins."""
        return self._marked(_text(self.codes[np.asarray(ids, dtype=np.int64)]))

    def folded(self, text: str) -> str:
        """Return a text with one character for each symbol; where those are characters, the text itself."""
        return text if self.symbols is None else self.symbols.folded(text)

    def pieces(self, ids: npt.ArrayLike) -> Sequence[str]:
        """Return the texts of ids [T], which are together the text of all."""
        return pieces_of(self.decode_folded(ids))

    def normal(self, text: str) -> str:
        """Return a text as the vocabulary writes it: where its symbols are spaced, with one space between."""
        return spaced(text) if self.is_spaced else text

    def between(self, before: str, after: str) -> str:
        """Return what is written between two texts of the vocabulary: a space, where its symbols are spaced."""
        if not (self.is_spaced and before and after):
            return ""
        return "" if before[-1] in BREAKS or after[0] in BREAKS else " "

    def characters_in(self, ids: npt.NDArray[np.integer]) -> int:
        """Return how many characters the text of ids [T] has."""
        if self.symbols is None:
            return len(ids)
        names = self.names
        lengths = np.array([len(name) for name in names])
        joins = np.array([self.is_spaced and name not in BREAKS for name in names])
        total = 0
        for start in range(0, len(ids), _PIECE):
            piece = ids[start : start + _PIECE + 1]
            total += int(lengths[piece[:_PIECE]].sum()) + int((joins[piece[:-1]] & joins[piece[1:]]).sum())
        return total

    def _marked(self, folded: str) -> str:
        return folded if self.symbols is None else Folded(folded, self.symbols)

    def _lookup(self, text: str) -> npt.NDArray[np.int32]:
        codes = code_points(text)
        ids = self._ids.take(codes, mode="clip")
        if len(codes) and codes.max() >= len(self._ids):
            ids[codes >= len(self._ids)] = _ABSENT
        return ids

    def _never_seen(self, text: str) -> VocabularyError:
        names = self._strange(text)
        shown = " ".join(_named(c) for c in names[:5]) + (" …" if len(names) > 5 else "")
        form, them = self.form_of(text), "it" if len(names) == 1 else "them"
        cure = f"write the text in Unicode's form {form}, which it knows" if form else f"leave {them} out"
        return VocabularyError(
            f"the model has never seen {counted(len(names), self.noun)}: {shown}",
            f"{cure}, or train on a text that has {them}",
        )

    def _strange(self, text: str) -> Sequence[str]:
        """The symbols of a text that are not in the vocabulary, each once."""
        if not self.is_spaced or isinstance(text, Folded):
            return self.unknown(text)
        return list(dict.fromkeys(s for s in split(text, "spaced") if self.unknown(s)))

    def form_of(self, text: str, forms: Sequence[Form] = ("NFC", "NFD", "NFKC")) -> str | None:
        """Return the Unicode normal form in which every character of a text is known; None where there is none."""
        return next((form for form in forms if not self.unknown(normalize(form, text))), None)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points [T] of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def smallest_type(size: int) -> np.dtype[np.integer]:
    """Return the smallest of uint8, uint16 and int32 that holds so many ids."""
    if size <= 256:
        return np.dtype(np.uint8)
    return np.dtype(np.uint16) if size <= 65536 else np.dtype(np.int32)


def _text(codes: npt.NDArray[np.uint32]) -> str:
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _named(character: str) -> str:
    if len(character) > 1:
        return repr(character)
    shown = f"◌{character}" if combining(character) else character  # a mark would sit on the quote before it
    return f"{shown!r} (U+{ord(character):04X})"
