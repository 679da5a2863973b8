"""Vocabulary: characters <-> ids. Its symbols are whole code points, never bytes."""

from collections.abc import Iterable, Sequence
from typing import Literal
from unicodedata import combining, normalize

import numpy as np
import numpy.typing as npt

from charrnn.errors import VocabularyError, counted

UNKNOWN = "\ufffd"  # the symbol that stands for characters outside a vocabulary that folds them
# The symbol around items: a model reads it before an item's first character (START) and predicts it after the last
# (END). Half a surrogate pair is no character, and no text that is read can hold it.
END = "\udfff"
_ABSENT = -1
Form = Literal["NFC", "NFD", "NFKC"]


class Vocabulary:
    r"""V distinct characters; the id of a character is its place in code-point order.

    Where it `folds`, U+FFFD is one of them and stands for every character that is not.

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

    def __init__(self, characters: Iterable[str], folds: bool = False) -> None:
        codes = np.unique(code_points("".join(characters)))
        if not len(codes):
            raise VocabularyError("a vocabulary needs at least one character", "give a text that is not empty")
        if folds and ord(UNKNOWN) not in codes:
            raise VocabularyError("a vocabulary that folds characters lacks U+FFFD to fold them into", "add it")
        self.codes: npt.NDArray[np.uint32] = codes
        self.folds = folds
        self._ids = np.full(int(codes[-1]) + 1, _ABSENT, np.int32)
        self._ids[codes] = np.arange(len(codes))

    @property
    def characters(self) -> str:
        """All characters in the order of their ids."""
        return _text(self.codes)

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
        """Return the ids [T] of a text of T characters, in `id_type`.

        Raises:
            VocabularyError: the text has characters that are not in the vocabulary, and it does not fold them; they
                are named.
        """
        ids = self._lookup(text)
        absent = ids == _ABSENT
        if absent.any():
            if not self.folds:
                raise self._never_seen(text)
            ids[absent] = self._ids[ord(UNKNOWN)]
        return ids.astype(self.id_type)

    def knows(self, text: str) -> npt.NDArray[np.bool_]:
        """Tell for each character of a text of T characters whether it is in the vocabulary, [T]."""
        return self._lookup(text) != _ABSENT

    def known(self, text: str) -> str:
        """Return the text without the characters that are not in the vocabulary."""
        return _text(code_points(text)[self.knows(text)])

    def unknown(self, text: str) -> str:
        """Return the distinct characters of the text that are not in the vocabulary, in code-point order."""
        return _text(np.unique(code_points(text)[self._lookup(text) == _ABSENT]))

    def decode(self, ids: npt.ArrayLike) -> str:
        """Return the text of ids [T]."""
        return _text(self.codes[np.asarray(ids, dtype=np.int64)])

    def _lookup(self, text: str) -> npt.NDArray[np.int32]:
        codes = code_points(text)
        ids = self._ids.take(codes, mode="clip")
        if len(codes) and codes.max() >= len(self._ids):
            ids[codes >= len(self._ids)] = _ABSENT
        return ids

    def _never_seen(self, text: str) -> VocabularyError:
        names = self.unknown(text)
        shown = " ".join(_named(c) for c in names[:5]) + (" …" if len(names) > 5 else "")
        form, them = self.form_of(text), "it" if len(names) == 1 else "them"
        cure = f"write the text in Unicode's form {form}, which it knows" if form else f"leave {them} out"
        return VocabularyError(
            f"the model has never seen {counted(len(names), 'character')}: {shown}",
            f"{cure}, or train on a text that has {them}",
        )

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
    shown = f"◌{character}" if combining(character) else character  # a mark would sit on the quote before it
    return f"{shown!r} (U+{ord(character):04X})"
