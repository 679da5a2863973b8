"""Symbols: what sources and outputs are made of, and their ids: characters, words between spaces, or whole labels."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, VocabularyError, check_choice, counted

Kind = Literal["character", "spaced", "label"]
KINDS = ("character", "spaced", "label")
_SHOWN = 5


@dataclass(frozen=True)
class Symbols:
    """V distinct symbols; the id of one is its place.

    A text is its characters, or with "spaced" what stands between spaces, or with "label" one symbol as a whole.

    >>> symbols = Symbols.of(["AH B", "B IY"], "spaced")
    >>> symbols.names, symbols.encode("B AH").tolist(), symbols.decode([2, 1])
    (('AH', 'B', 'IY'), [1, 0], 'IY B')
    """

    names: tuple[str, ...]
    kind: Kind = "character"

    def __post_init__(self) -> None:
        check_choice("the kind of symbols", self.kind, KINDS)
        if len(set(self.names)) < len(self.names) or not all(self.names):
            raise ConfigError("symbols are empty or there twice", "give each once")

    @classmethod
    def of(cls, texts: Iterable[str], kind: Kind = "character") -> "Symbols":
        """Return the symbols that occur in texts, in code-point order."""
        return cls(tuple(sorted({symbol for text in texts for symbol in split(text, kind)})), kind)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def split(self, text: str) -> list[str]:
        """Return the symbols of a text, known or not."""
        return split(text, self.kind)

    def unknown(self, text: str) -> list[str]:
        """Return the symbols of a text that are none of these, each once."""
        return list(dict.fromkeys(symbol for symbol in self.split(text) if symbol not in self._ids))

    def encode(self, text: str) -> npt.NDArray[np.int64]:
        """Return the ids [T] of a text.

        Raises:
            VocabularyError: it has symbols that are none of these.
        """
        if absent := self.unknown(text):
            what = "label" if self.kind == "label" else "symbol" if self.kind == "spaced" else "character"
            shown = " ".join(map(repr, absent[:_SHOWN])) + (" …" if len(absent) > _SHOWN else "")
            raise VocabularyError(
                f"the model has never seen {counted(len(absent), what)}: {shown}",
                f"leave {'it' if len(absent) == 1 else 'them'} out, or train on examples with such",
            )
        return np.array([self._ids[symbol] for symbol in self.split(text)], np.int64)

    def known(self, text: str) -> npt.NDArray[np.int64]:
        """Return the ids of a text without the symbols that are none of these."""
        return np.array([self._ids[symbol] for symbol in self.split(text) if symbol in self._ids], np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids [T]."""
        return (" " if self.kind == "spaced" else "").join(self.names[index] for index in ids)


def split(text: str, kind: Kind) -> list[str]:
    """Return the symbols that a text is made of.

    >>> split("a b", "character"), split("a b", "spaced"), split("a b", "label")
    (['a', ' ', 'b'], ['a', 'b'], ['a b'])
    """
    if kind == "label":
        return [text]
    return text.split() if kind == "spaced" else list(text)
