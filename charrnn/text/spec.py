"""TextSpec: which text, how its bytes are decoded, how it is split; a run keeps one to read the same text again."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from charrnn.errors import SourceError, check_choice, check_utf8, some
from charrnn.feedback import SILENT, Feedback
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.corpus import Corpus
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.items import Each, Items, cut
from charrnn.text.reading import DEFAULT, Reading
from charrnn.text.sources import Listing, Text, TooLargeError, is_several, listed
from charrnn.text.store import fetch_missing
from charrnn.text.symbols import KINDS, Kind, Symbols

GIVEN = "text"  # the name of a text that is given as a string
LARGEST_CHARACTER = 64  # bytes, with marks that become one character and marks of byte order


class TextSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sources of a text, the decoding options, and the split; what older runs did not note has its default.

    A fraction is what the user gave, None where nothing was given. Without sources, the text is a string that a
    program gave. A run's state holds it as JSON: a field is added at the end, with a default.
    """

    sources: tuple[str, ...]
    encoding: str = "utf-8"
    val_fraction: float | None = None
    test_fraction: float | None = None
    errors: str = "strict"
    newlines: str = "lf"
    normalize: str | None = None
    min_count: int = 1
    size: int | None = None  # bytes of its files; None: an older charrnn did not note it
    each: str | None = None  # of many short texts, how they are cut, as `Each` has it
    label: str | None = None
    unique: bool = False
    split_seed: int = 0  # by which items are split at random
    symbols: Kind = "character"

    @classmethod
    def of(
        cls,
        sources: Sequence[str],
        reading: Reading = DEFAULT,
        val_fraction: float | None = None,
        test_fraction: float | None = None,
        min_count: int = 1,
        each: Each | None = None,
        split_seed: int = 0,
        symbols: Kind = "character",
    ) -> "TextSpec":
        """Return the specification of sources that are decoded as `reading` says, and cut into items by `each`."""
        check_choice("symbols", symbols, KINDS)
        split: dict[str, Any] = {"val_fraction": val_fraction, "test_fraction": test_fraction, "min_count": min_count}
        split["symbols"] = symbols
        if each is not None:
            split |= {"each": each.way, "label": each.label, "unique": each.unique, "split_seed": split_seed}
        return cls(tuple(sources), **asdict(reading), **split)

    @property
    def items(self) -> Each | None:
        """How the text is cut into items; None where it is one text."""
        return None if self.each is None else Each(self.each, self.label, self.unique, self.symbols == "spaced")

    @property
    def reading(self) -> Reading:
        """The decoding options."""
        return Reading(self.encoding, self.errors, self.newlines, self.normalize)

    def is_there(self, characters: int, feedback: Feedback = SILENT) -> bool:
        """Return whether a run's text of so many characters may be where it was read from; only sizes are looked at.

        The sources stand in a file of the run. Where that is a stranger's, they may name any file or folder: a note
        says what is about to be read, and it is looked through up to the size that the text had, no further.

        Raises:
            SourceError: a source is not there; or it is a folder, and an older charrnn did not note the size.
        """
        named = [name for name in self.sources if name not in CATALOGUE]
        if named:
            feedback.note(f"the text of the run is read from {some(named)}")
        several = next((name for name in named if is_several(name)), None)
        if self.size is None and several:
            raise SourceError(
                f"the run was made by an older charrnn, which did not note how large its text in {several} is",
                "name it anew as SOURCE",
            )
        most = LARGEST_CHARACTER * characters if self.size is None else self.size
        try:
            return listed(self.sources, self.reading, most).size == self.size or self.size is None
        except TooLargeError:
            return False

    def absolute(self, sources: Sequence[str] = (), size: int | None = None) -> "TextSpec":
        """Return the same specification, or that of other sources, with paths that hold from any folder.

        Raises:
            SourceError: a path is not in UTF-8, so that no file of a run can name it.
        """
        names = sources or self.sources
        paths = [name if name == "-" or name in CATALOGUE else os.path.abspath(name) for name in names]
        check_utf8(paths)
        return msgspec.structs.replace(self, sources=tuple(paths), size=size)

    def read(
        self,
        feedback: Feedback = SILENT,
        on_listed: Callable[[Listing], object] = lambda listing: None,
        given: str | None = None,
        known: Symbols | None = None,
    ) -> Corpus:
        """Return the text, encoded and split, without holding a large one in memory; named corpora are fetched first.

        Args:
            feedback: where notes and the count of bytes go.
            on_listed: called with what the sources mean before any of them is read; it may raise.
            given: the text itself, where a program has it as a string.
            known: symbols longer than a character that a model has already.

        Raises:
            SourceError: a source is not there, is no text, or has fewer than two characters.
            ConfigError: the fractions leave nothing to train on.
        """
        if self.items is not None:
            items = self._items(self.items, feedback, on_listed, given)
            return ItemCorpus.from_items(items, self.split_seed, *self._choices, known)
        if given is not None:
            return Corpus.from_text(Text(GIVEN, given), *self._choices, known)
        fetch_missing(self.sources, feedback=feedback)
        listing = listed(self.sources, self.reading)
        on_listed(listing)
        with feedback.bar(listing.size, "encoding", unit="B", delay=1) as bar:
            return Corpus.from_listing(listing, self.reading, *self._choices, known, bar.update)

    @property
    def _choices(self) -> tuple[float | None, float | None, int, Kind]:
        return self.val_fraction, self.test_fraction, self.min_count, self.symbols

    def _items(
        self, each: Each, feedback: Feedback, on_listed: Callable[[Listing], object], given: str | None
    ) -> Items:
        if given is not None:
            return Items.of(Text(GIVEN, ""), each, list(cut(given, each)))
        fetch_missing(self.sources, feedback=feedback)
        listing = listed(self.sources, self.reading)
        on_listed(listing)
        return read_items(listing, each, self.reading, feedback)


def read_items(listing: Listing, each: Each, reading: Reading, feedback: Feedback) -> Items:
    """Read the items of what is listed, while a bar shows how far it is."""
    with feedback.bar(listing.size, "reading", unit="B", delay=1) as bar:
        return Items.read(listing, each, reading, lambda content: bar.update(len(content)))
