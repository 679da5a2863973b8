"""Feature: something that a unit might track, as a function from a text to one value per character.

The value at t depends on characters up to and including t, and so belongs to the state after reading character t: an
opening bracket stands inside its pair already, the closing one no longer. It is NaN where the feature is undefined.
What looks at later characters too is called predictive.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from charrnn.text.symbols import Folded, last_characters, plain
from charrnn.text.vocabulary import END

Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Kind = Literal["any", "prose", "play", "code", "c", "python", "markup"]
UNDEFINED = float("nan")


@dataclass(frozen=True)
class Feature:
    """Something that a unit might track; a binary one is 0 or 1. `kind` says in which texts it is to be looked for."""

    name: str
    sentence: str
    binary: bool
    values: Callable[[str], Values]  # text of T characters -> [T]
    kind: Kind = "any"
    predictive: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", by_item(self.values))


def by_item(values: Callable[[str], Values]) -> Callable[[str], Values]:
    """Return the function that looks at one item of a text at a time; it is undefined at the ends between them.

    Of a text of symbols that are longer than a character, it has the value at the last character of each.

    >>> by_item(lambda text: np.arange(len(text)) + 1.0)(f"{END}ab{END}{END}c").tolist()
    [nan, 1.0, 2.0, nan, nan, 1.0]
    """

    def apart(text: str) -> Values:
        if isinstance(text, Folded):
            return apart(plain(text))[last_characters(text)]
        if END not in text:
            return values(text)
        found = [np.append(values(item) if item else np.zeros(0), UNDEFINED) for item in text.split(END)]
        return np.concatenate(found)[:-1]

    return apart


def where(text: str, holds: Callable[[str], bool]) -> Flags:
    """Return which characters of a text have a property, [T]; it is asked once for each distinct character.

    >>> where("a1 b", str.isalpha).tolist()
    [True, False, False, True]
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    distinct, index = np.unique(codes, return_inverse=True)
    return np.array([holds(chr(code)) for code in distinct], np.bool_)[index]


def past_returns(values: Callable[[str], Values]) -> Callable[[str], Values]:
    r"""Return the function that passes over carriage returns, at which what was told before goes on to hold.

    So a text whose line ends were kept as CRLF gets the labels that it has with LF.

    >>> past_returns(lambda text: run_length(where(text, lambda c: c != "\n")))("ab\r\nc").tolist()
    [1.0, 2.0, 2.0, 0.0, 1.0]
    """

    def passing(text: str) -> Values:
        if "\r" not in text:
            return values(text)
        found = np.append(values(text.replace("\r", "")), UNDEFINED)  # the last one is for what precedes the first
        return found[np.cumsum(where(text, lambda c: c != "\r")) - 1]

    return passing


def run_length(flags: Flags) -> Values:
    """Count, at each place, the flags that are set without a gap up to there, [T].

    >>> run_length(np.array([True, True, False, True])).tolist()
    [1.0, 2.0, 0.0, 1.0]
    """
    places = np.arange(1, len(flags) + 1)
    gaps = np.maximum.accumulate(np.where(flags, 0, places)) if len(flags) else places
    return (places - gaps).astype(np.float64)


def each(values: Iterable[float]) -> Values:
    """Return what a loop over the characters yields as an array [T]."""
    return np.fromiter(values, np.float64)


class Scanner(ABC):
    """Reads a text one character at a time, and can tell at any time where it stands."""

    COLUMNS: ClassVar[tuple[str, ...]]

    @abstractmethod
    def read(self, character: str) -> None:
        """Take in the next character."""

    @abstractmethod
    def place(self) -> tuple[float, ...]:
        """Return where the scanner stands: a number for each of COLUMNS."""


def column(scanner: type[Scanner], name: str) -> Callable[[str], Values]:
    """Return the function from a text to one column of what a scanner says of it; the text is scanned once for all."""
    index = scanner.COLUMNS.index(name)
    return lambda text: _scan(scanner, text)[:, index].astype(np.float64)


@lru_cache(maxsize=2)
def _scan(scanner: type[Scanner], text: str) -> npt.NDArray[np.float32]:
    """Where the scanner stands after each of T characters, [T, columns]."""
    reader = scanner()
    read, place = reader.read, reader.place
    starts: list[int] = []
    places: list[tuple[float, ...]] = []
    for t, character in enumerate(text):
        read(character)
        here = place()
        if not places or here != places[-1]:
            starts.append(t)
            places.append(here)
    lengths = np.diff([*starts, len(text)])
    return np.repeat(np.array(places, np.float32).reshape(-1, len(reader.COLUMNS)), lengths, axis=0)
