"""A file, several files, a folder, a glob, stdin or a named corpus -> one text. Not for splitting or encoding it."""

import glob
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from math import inf
from pathlib import Path

from charrnn.errors import SourceError, some
from charrnn.text import store
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.decoding import Change, characters, is_binary, told
from charrnn.text.folders import BINARY, LeftOut, files_of
from charrnn.text.opening import CHUNK, chunks, first, is_file
from charrnn.text.reading import DEFAULT, Reading


@dataclass(frozen=True)
class Text:
    """A text as read: its short name, its characters, where they came from, and what a reader should be told."""

    name: str
    characters: str
    licence: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 of the characters as UTF-8 (lone surrogates pass through), in hexadecimal."""
        return sha256(self.characters.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Listing:
    """What sources mean: the files, "-" for stdin and names of corpora that are joined, and what was left out."""

    sources: tuple[str, ...]
    origins: tuple[Path | str, ...]
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files, where there is nothing else."""
        files = tuple(origin for origin in self.origins if isinstance(origin, Path))
        return files if len(files) == len(self.origins) else ()

    @property
    def size(self) -> int:
        """Bytes in the files, as they lie on the disk."""
        return sum(map(_size, self.origins))

    @property
    def about(self) -> Text:
        """The text without its characters."""
        corpus = CATALOGUE.get(self.sources[0]) if len(self.sources) == 1 else None
        licence, source = (corpus.licence, corpus.source) if corpus else ("", "")
        return Text(short_name(self.sources), "", licence, source, self.notes)

    def pieces(
        self, reading: Reading, notes: list[str], on_read: Callable[[bytes], object] = lambda content: None
    ) -> Iterator[str]:
        """Yield the characters; where several texts are joined, each but the last ends in a newline.

        At the end, what a reader should be told is appended to the notes. `on_read` gets the bytes of files.

        Raises:
            SourceError: something cannot be read or decoded, or nothing is in it.
        """
        last, changes = "", list[Change]()
        for origin in self.origins:
            if last not in ("", "\n"):
                last = "\n"
                yield last
            for piece in filter(None, characters_of(origin, reading, changes, on_read)):
                last = piece[-1]
                yield piece
        notes += told(changes)
        if not last:
            raise SourceError(f"there is no text in {' '.join(self.sources)}", "give a text of at least two characters")


class TooLargeError(SourceError):
    """There are more bytes than the text can have."""


def listed(sources: Sequence[str], reading: Reading = DEFAULT, most: float = inf) -> Listing:
    """Find out what the sources mean, in the order given.

    A source is a file, a folder (its files, in sorted order), a glob, "-" for stdin, or the name of a corpus in the
    catalogue (`store.fetch` brings what is not here yet); a name always means the corpus, and "./name" a file of that
    name. Of the files in a folder or glob only the beginnings are read, to leave the binary ones out.

    Raises:
        SourceError: nothing is named, stdin twice, or a folder or glob has no text file.
        TooLargeError: the files have more than `most` bytes; no more of them are looked at.
    """
    for source in sources:
        if "\0" in source:
            raise SourceError(f"there is no file {source}", "no file can have a name with a zero in it")
    if not sources or not all(sources):
        raise SourceError(
            "no text was named", f"give a file, a folder, '-' for stdin, or a named corpus: {', '.join(CATALOGUE)}"
        )
    if list(sources).count("-") > 1:
        raise SourceError("stdin is named more than once, and can be read once only", "give '-' once, or name a file")
    notes, origins, size = list[str](), list[Path | str](), 0
    for origin in chain.from_iterable(_origins(source, reading, notes) for source in sources):
        origins.append(origin)
        size += _size(origin)
        if size > most:
            raise TooLargeError(f"{some(sources)} has more than {most:,} bytes", "name another text")
    return Listing(tuple(sources), tuple(origins), tuple(notes))


def read(sources: Sequence[str], reading: Reading = DEFAULT) -> Text:
    """Read the sources (see `listed`), in the order given, as one text.

    Where several files are joined, each but the last ends in a newline. A byte order mark is stripped, and line ends
    are normalised to LF unless `reading` keeps them. A corpus is UTF-8 with LF, whatever `reading` says.

    Raises:
        SourceError: a source is not there, cannot be read or decoded, or nothing is in it.
    """
    listing, notes = listed(sources, reading), list[str]()
    joined = "".join(listing.pieces(reading, notes))
    return replace(listing.about, characters=joined, notes=(*listing.notes, *notes))


def short_name(sources: Sequence[str]) -> str:
    """Return what a text is called in messages and run folders; bytes that are not UTF-8 in it become U+FFFD."""
    first = sources[0]
    is_pattern = "*" in first and not os.path.exists(first)
    first = "stdin" if first == "-" else "files" if is_pattern else Path(first).resolve().stem
    first = first.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return first if len(sources) == 1 else f"{first}-and-{len(sources) - 1}-more"


def is_several(source: str) -> bool:
    """Return whether a source is a folder or a glob, which may mean any number of files."""
    return os.path.isdir(source) or (glob.has_magic(source) and not os.path.exists(source))


def _origins(source: str, reading: Reading, notes: list[str]) -> Iterator[Path | str]:
    if source in CATALOGUE:
        if Path(source).exists():
            notes.append(f"'{source}' is the named corpus; write ./{source} for the file of that name")
        yield source
    elif source == "-":
        yield source
    elif not is_several(source):
        yield Path(source)
    else:
        yield from _texts(source, reading, notes)


def _texts(source: str, reading: Reading, notes: list[str]) -> Iterator[Path]:
    """The texts in a folder, or that match a glob."""
    left_out, found = LeftOut(source), False
    for path in files_of(source, left_out):
        if _is_text(path, reading, left_out):
            found = True
            yield path
    notes += left_out.notes
    if not found:
        raise SourceError(f"no text files are in {source}", "check the path, or give a text file")


def _size(origin: Path | str) -> int:
    return os.path.getsize(origin) if isinstance(origin, Path) and is_file(origin) else 0


def _is_text(path: Path, reading: Reading, left_out: LeftOut) -> bool:
    if not _size(path):
        return True  # unread: the files of /proc seem to be empty, and some of them are waited for
    binary = is_binary(first(path), reading)
    if binary:
        left_out.add(BINARY, path)
    return not binary


def characters_of(
    origin: Path | str, reading: Reading, changes: list[Change], on_read: Callable[[bytes], object]
) -> Iterator[str]:
    """Yield the characters of a file, of stdin ("-") or of a named corpus; what was changed is appended at the end."""
    if isinstance(origin, Path):
        return characters(chunks(origin, on_read), reading, str(origin), changes)
    if origin == "-":
        return characters(iter(lambda: sys.stdin.buffer.read(CHUNK), b""), reading, "stdin", changes)
    corpus = replace(reading, encoding="utf-8", newlines="keep")
    return characters(iter([store.load(origin).encode()]), corpus, origin, changes)
