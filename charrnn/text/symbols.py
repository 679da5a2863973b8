"""Symbols longer than a character: words, or what stands between spaces; inside, one stand-in character for each.

A text of symbols is folded: each symbol that is longer than a character becomes a code point of a plane for private
use. All that works on characters and ids then works on symbols, and only what is read or shown is folded or spelled.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from typing import Any, Literal, SupportsIndex, cast
from unicodedata import category

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, SourceError, check_choice
from charrnn.text.reading import KINDS as KINDS
from charrnn.text.reading import Kind as Kind

FIRST = 0xF0000  # the stand-in of the first symbol
MOST = 0xFFFE  # symbols longer than a character: the plane's code points that are characters
LONGEST = 256  # characters of one
NEVER = "\U0010ffff"  # what is in no vocabulary: no character at all
_END = "\udfff"  # the symbol around items
BREAKS = ("\n", _END)  # symbols beside which no space is written


@dataclass(frozen=True)
class Symbols:
    r"""The symbols of a text that are longer than a character; the stand-in of the first is U+F0000, and so on.

    Of kind "word", a text is its words, numbers, and all other characters one by one; a word that is none of these is
    spelled. Of kind "spaced", it is what stands between spaces, and newlines; it is written with one space between.

    >>> words = Symbols("word", ("the", "cat"))
    >>> words.pieces(words.folded("the rat")), words.spelled(words.folded("the rat"))
    (['the', ' ', 'r', 'a', 't'], 'the rat')
    >>> phones = Symbols("spaced", ("HH", "AH"))
    >>> phones.spelled(phones.folded("HH  AH L\nAH"))
    'HH AH L\nAH'
    """

    kind: Literal["word", "spaced"]
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_choice("the kind of symbols", self.kind, KINDS[1:])
        if len(self.names) > MOST or len(set(self.names)) < len(self.names):
            raise ConfigError(f"symbols are there twice, or are more than {MOST:,}", "give each once")
        for name in self.names:
            if not 1 < len(name) <= LONGEST or split(name, self.kind) != [name] or has_private(name):
                raise ConfigError(
                    f"{name[:LONGEST]!r} is no symbol ({self.kind}) of 2 to {LONGEST} characters", "leave it out"
                )

    @cached_property
    def _stand_ins(self) -> dict[str, str]:
        return {name: chr(FIRST + place) for place, name in enumerate(self.names)}

    @property
    def codes(self) -> list[int]:
        """The code points of the stand-ins."""
        return list(range(FIRST, FIRST + len(self.names)))

    def stand_in(self, name: str) -> str:
        """Return the character that stands for a symbol, in a folded text and in a vocabulary."""
        if len(name) > 1:
            return self._stand_ins.get(name, NEVER)
        return NEVER if ord(name) >= FIRST else name

    def name(self, stand_in: str) -> str:
        """Return the symbol that a character of a folded text stands for."""
        place = ord(stand_in) - FIRST
        return self.names[place] if 0 <= place < len(self.names) else stand_in

    def folded(self, text: str) -> "Folded":
        """Return a text with a character for each symbol; one that is folded already, as it is."""
        if isinstance(text, Folded):
            return text
        found: list[str] = []
        for symbol in split(text, self.kind):
            stand_in = self.stand_in(symbol)
            found += map(self.stand_in, symbol) if stand_in == NEVER and self.kind == "word" else (stand_in,)
        return Folded("".join(found), self)

    def pieces(self, folded: str) -> list[str]:
        """Return the text of each symbol of a folded text, T strings that are together the text."""
        names = [self.name(stand_in) for stand_in in folded]
        if self.kind == "word":
            return names
        joined = [one not in BREAKS and other not in BREAKS for one, other in pairwise(names)]
        return [f" {name}" if spaced else name for name, spaced in zip(names, [False, *joined], strict=False)]

    def spelled(self, folded: str) -> str:
        """Return the text that a folded text stands for."""
        return "".join(self.pieces(folded))


class Folded(str):
    """A folded text, whose characters stand for symbols; its pieces are folded texts, too."""

    symbols: Symbols

    def __new__(cls, text: str, symbols: Symbols) -> "Folded":
        """Return a text as a folded one of some symbols."""
        made = super().__new__(cls, text)
        made.symbols = symbols
        return made

    def __getitem__(self, place: SupportsIndex | slice) -> "Folded":
        return Folded(super().__getitem__(place), self.symbols)

    def __add__(self, other: str) -> "Folded":
        return Folded(super().__add__(self.symbols.folded(other)), self.symbols)

    def __radd__(self, other: str) -> "Folded":
        return Folded(str(self.symbols.folded(other)) + str(self), self.symbols)

    def __reduce__(self) -> tuple[Any, ...]:
        return Folded, (str(self), self.symbols)


def plain(text: str) -> str:
    """Return a text as it is written: that which a folded text stands for."""
    return text.symbols.spelled(text) if isinstance(text, Folded) else text


def pieces_of(text: str) -> list[str]:
    """Return the texts of a text's symbols, T strings that are together the text: its characters, or longer ones."""
    return text.symbols.pieces(text) if isinstance(text, Folded) else list(text)


def last_characters(text: Folded) -> npt.NDArray[np.intp]:
    """Return the place of the last character of each symbol in the text that a folded text stands for, [T]."""
    return np.fromiter(accumulate(map(len, pieces_of(text))), np.intp, len(text)) - 1


def split(text: str, kind: Kind) -> list[str]:
    r"""Return the symbols of a text; a word has at most 64 letters, or 64 digits.

    >>> split("Don't stop, 1984!", "word"), split("d2 e |\n:| f", "spaced")
    (["Don't", ' ', 'stop', ',', ' ', '1984', '!'], ['d2', 'e', '|', '\n', ':|', 'f'])
    """
    return list(text) if kind == "character" else _pattern(kind, text > "" and max(text) >= "\u0300").findall(text)


def spaced(text: str) -> str:
    r"""Return a text with one space between its symbols, and none where lines begin or end.

    >>> spaced(" HH  AH \n L")
    'HH AH\nL'
    """
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))


def split_pieces(pieces: Iterable[str], kind: Kind) -> Iterator[list[str]]:
    """Yield the symbols of a text that comes in pieces, which may end within a symbol.

    Raises:
        SourceError: one between spaces is too long.
    """
    rest = ""
    for piece in pieces:
        text = rest + piece
        if kind == "word":  # an apostrophe may yet turn out to stand within a word
            *done, one, other = ["", "", *split(text, kind)]
            rest = one + other
            yield done[2:]
            continue
        rest = "" if not text or text[-1].isspace() else text.rsplit(None, 1)[-1]
        done = split(text[: len(text) - len(rest)], kind)
        _check_lengths(done)
        yield done
    last = split(rest, kind)
    _check_lengths(last if kind == "spaced" else [])
    yield last


def _check_lengths(symbols: list[str]) -> None:
    longest = max(symbols, key=len, default="")
    if len(longest) > LONGEST:
        raise SourceError(
            f"the text has a symbol of {len(longest):,} characters: {longest[:20]}…",
            f"put spaces between symbols, of at most {LONGEST} characters each, or leave --symbols out",
        )


def has_private(text: str) -> bool:
    """Return whether a text has characters that symbols' stand-ins, and nothing else, may be."""
    return bool(text) and max(text) >= chr(FIRST)


@lru_cache
def _pattern(kind: Kind, has_marks: bool) -> re.Pattern[str]:
    """What matches a text's symbols; where there may be marks on letters, which takes longer, they are of words."""
    if kind == "spaced":
        return re.compile(rf"\n|{_END}|[^\s{_END}]+")
    letter = r"[^\W\d_]"
    if has_marks:
        marks = "".join(c for c in map(chr, range(0x300, 0xD7FF)) if category(c).startswith("M"))
        letter = rf"(?:{letter}|[{marks}])"
    return re.compile(rf"{letter}{{1,64}}(?:['’]{letter}{{1,64}}){{0,2}}|\d{{1,64}}|.", re.DOTALL)


def kind_of(symbols: Symbols | None) -> Kind:
    """Return the kind of a vocabulary's symbols."""
    return "character" if symbols is None else cast("Kind", symbols.kind)
