"""Many short texts: the lines, files, paragraphs or cells of a source, each an item. Not for splitting or encoding."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from charrnn.errors import SourceError, counted
from charrnn.room import available, check_memory
from charrnn.text.decoding import Change, told
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.sources import Listing, Text, characters_of
from charrnn.text.symbols import spaced
from charrnn.text.tables import cells

WAYS = ("line", "file", "paragraph")  # of cutting a text into items; any other word names a column
LONGEST = 1_000_000  # characters of an item
_BETWEEN_PARAGRAPHS = re.compile(r"\n(?:[^\S\n]*\n)+")
_HELD = 6  # bytes of memory for each byte of a text, about, while it is cut into items

Item = tuple[str, str | None]  # its text, and its label where it has one
OnRead = Callable[[bytes], object]


@dataclass(frozen=True)
class Each:
    """How a text is cut into items: into "line", "file" or "paragraph", or the cells of a column of a table.

    `label` names the column that tells each item's class. `unique` keeps one of equal items only. Where items are
    `spaced`, their symbols stand between spaces, of which there is one.

    Raises:
        SourceError: lines, files or paragraphs are to have labels.
    """

    way: str
    label: str | None = None
    unique: bool = False
    spaced: bool = False

    def __post_init__(self) -> None:
        if not self.way:
            raise SourceError("no way to cut the text into items is named", f"choose {', '.join(WAYS)} or a column")
        if self.label is not None and self.way in WAYS:
            raise SourceError(
                f"a {self.way} has no column {self.label}", "name the column of the texts too: --each COLUMN"
            )

    @property
    def noun(self) -> str:
        """What an item is, in words."""
        return self.way if self.way in WAYS else "cell"


@dataclass(frozen=True)
class Items:
    """Items in the order in which they were read; `about` is the source, without its characters.

    `skipped` items had no character. `labels` has an entry for each item, where they have classes.
    """

    about: Text
    each: Each
    texts: tuple[str, ...]
    labels: tuple[str, ...] | None = None
    skipped: int = 0

    @classmethod
    def read(
        cls, listing: Listing, each: Each, reading: Reading = DEFAULT, on_read: OnRead = lambda content: None
    ) -> "Items":
        """Read the items of what is listed. `on_read` gets the bytes of files.

        Raises:
            SourceError: something cannot be read or decoded, is no such table, or there are fewer than two items.
            ConfigError: memory does not hold them.
        """
        check_memory(
            f"to hold the items of {listing.about.name}", _HELD * (listing.size or 0), available(), "name fewer files"
        )
        changes: list[Change] = []
        found = list(_cut(listing, each, reading, changes, on_read))
        about = replace(listing.about, notes=(*listing.notes, *told(changes)))
        return cls.of(about, each, found)

    @classmethod
    def of(cls, about: Text, each: Each, found: Sequence[Item]) -> "Items":
        """Check items and leave out those without a character.

        Raises:
            SourceError: there are fewer than two, or one is too long.
        """
        if each.spaced:
            found = [(spaced(text), label) for text, label in found]
        kept = [item for item in found if item[0]]
        if len(kept) < 2:
            empty = f" ({counted(len(found) - len(kept), 'empty one')} left out)" if len(kept) < len(found) else ""
            raise SourceError(
                f"{about.name} has {counted(len(kept), 'item')}{empty}",
                "give at least two, or learn it as one text, without --each",
            )
        if longest := max(kept, key=lambda item: len(item[0]))[0][LONGEST:]:
            raise SourceError(
                f"{about.name} has an item of {LONGEST + len(longest):,} characters, more than {LONGEST:,}",
                "cut it at shorter pieces, or learn it as one text, without --each",
            )
        texts = tuple(text for text, _ in kept)
        labels = tuple(label or "" for _, label in kept) if each.label is not None else None
        return cls(about, each, texts, labels, len(found) - len(kept))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def duplicates(self) -> int:
        """How many items an equal one stands before."""
        return len(self.texts) - len(set(self.texts))


def _cut(listing: Listing, each: Each, reading: Reading, changes: list[Change], on_read: OnRead) -> Iterator[Item]:
    for origin in listing.origins:
        text = "".join(characters_of(origin, reading, changes, on_read))
        yield from cut(text, each, str(origin) if isinstance(origin, Path) or origin != "-" else "stdin")


def cut(text: str, each: Each, where: str = "the text") -> Iterator[Item]:
    r"""Yield the items of one text, empty ones too; a last newline ends the last line, and begins none.

    >>> [text for text, _ in cut("one\n\ntwo\n", Each("line"))]
    ['one', '', 'two']
    >>> [text for text, _ in cut("a\nb\n\n \nc\n", Each("paragraph"))]
    ['a\nb', 'c']
    >>> list(cut('name,kind\n"a,\nb",x\n', Each("name", label="kind")))
    [('a,\nb', 'x')]
    """
    if each.way == "file":
        yield text.removesuffix("\n"), None
    elif each.way == "line":
        yield from ((line, None) for line in text.removesuffix("\n").split("\n") if text)
    elif each.way == "paragraph":
        yield from ((part, None) for part in _BETWEEN_PARAGRAPHS.split(text.strip("\n")) if text)
    else:
        columns = (each.way,) if each.label is None else (each.way, each.label)
        for row in cells(text, where, columns):
            yield row[0] or "", _label(row, each, where) if each.label is not None else None


def _label(row: tuple[str | None, ...], each: Each, where: str) -> str:
    text, label = row
    if not label:
        raise SourceError(f"{where}: the row of {(text or '')[:40]!r} has no {each.label}", "give every row its label")
    return label
