"""A file, several files, a folder, a glob, stdin or a named corpus -> one text. Not for splitting or encoding it."""

import glob
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from pathlib import Path

from charrnn.errors import SourceError
from charrnn.text import store
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.decoding import characters, is_binary
from charrnn.text.folders import BINARY, files_of
from charrnn.text.opening import CHUNK, chunks
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


def read(sources: Sequence[str], reading: Reading = DEFAULT) -> Text:
    """Read the sources, in the order given, as one text.

    A source is a file, a folder (its files, in sorted order), a glob, "-" for stdin, or the name of a corpus in the
    catalogue (`store.fetch` brings what is not here yet); a name always means the corpus, and "./name" a file of that
    name. Where several files are joined, each but the last ends in a newline. A byte order mark is stripped, and line
    ends are normalised to LF unless `reading` keeps them. A corpus is UTF-8 with LF, whatever `reading` says.

    Raises:
        SourceError: a source is not there, cannot be read or decoded, or nothing is in it.
    """
    if not all(sources) or not sources:
        raise SourceError(
            "no text was named", f"give a file, a folder, '-' for stdin, or a named corpus: {', '.join(CATALOGUE)}"
        )
    notes: list[str] = []
    texts = [text for source in sources for text in _read_one(source, reading, notes)]
    joined = "".join([*(t if t.endswith("\n") or not t else t + "\n" for t in texts[:-1]), texts[-1]])
    if not joined:
        raise SourceError(f"there is no text in {' '.join(sources)}", "give a text of at least two characters")
    corpus = CATALOGUE.get(sources[0]) if len(sources) == 1 else None
    licence, source = (corpus.licence, corpus.source) if corpus else ("", "")
    return Text(short_name(sources), joined, licence, source, tuple(notes))


def short_name(sources: Sequence[str]) -> str:
    """Return what a text is called in messages and run folders."""
    first = "stdin" if sources[0] == "-" else Path(sources[0]).resolve().stem if "*" not in sources[0] else "files"
    return first if len(sources) == 1 else f"{first}-and-{len(sources) - 1}-more"


def is_one_file(source: str) -> bool:
    """Return whether a source means what lies under its name: no corpus, stdin, folder or glob."""
    special = source in CATALOGUE or source == "-" or os.path.isdir(source)
    return not special and (os.path.exists(source) or not glob.has_magic(source))


def _read_one(source: str, reading: Reading, notes: list[str]) -> list[str]:
    if source in CATALOGUE:
        if Path(source).exists():
            notes.append(f"'{source}' is the named corpus; write ./{source} for the file of that name")
        corpus = replace(reading, encoding="utf-8", newlines="keep")
        return [_joined(iter([store.load(source).encode()]), corpus, source, notes)]
    if source == "-":
        return [_joined(iter(lambda: sys.stdin.buffer.read(CHUNK), b""), reading, "stdin", notes)]
    if is_one_file(source):
        return [_joined(chunks(Path(source)), reading, source, notes)]
    return _read_many(source, reading, notes)


def _read_many(source: str, reading: Reading, notes: list[str]) -> list[str]:
    """The texts of a folder or glob; what was left out is noted, each kind with its count."""
    left_out: Counter[str] = Counter()
    texts: list[str] = []
    told: list[str] = []
    for path in files_of(source, left_out):
        content = chunks(path)
        head = next(content, b"")
        if is_binary(head, reading):
            left_out[BINARY] += 1
        else:
            texts.append(_joined(chain([head], content), reading, str(path), told))
    notes += [f"{count} {what.format(source)}" for what, count in left_out.items() if count]
    notes += told
    if not texts:
        raise SourceError(f"no text files are in {source}", "check the path, or give a text file")
    return texts


def _joined(content: Iterator[bytes], reading: Reading, where: str, notes: list[str]) -> str:
    return "".join(characters(content, reading, where, notes))
