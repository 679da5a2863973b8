"""A file, several files, a folder, a glob, stdin or a named corpus -> one text. Not for splitting or encoding it."""

import glob
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from charrnn.errors import SourceError
from charrnn.text import store
from charrnn.text.catalogue import CATALOGUE


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


def read(sources: Sequence[str], encoding: str = "utf-8") -> Text:
    """Read the sources, in the order given, as one text.

    A source is a file, a folder (its files, in sorted order), a glob, "-" for stdin, or the name of a corpus in the
    catalogue (`store.fetch` brings what is not here yet); a name always means the corpus, and "./name" a file of that
    name. Where several files are joined, each but the last ends in a newline. Line ends are normalised to LF and a byte
    order mark is stripped.

    Raises:
        SourceError: a source is not there, cannot be read or decoded, or nothing is in it.
    """
    if not all(sources) or not sources:
        raise SourceError(
            "no text was named", f"give a file, a folder, '-' for stdin, or a named corpus: {', '.join(CATALOGUE)}"
        )
    _check_encoding(encoding)
    notes: list[str] = []
    texts = [text for source in sources for text in _read_one(source, encoding, notes)]
    characters = "".join([*(t if t.endswith("\n") or not t else t + "\n" for t in texts[:-1]), texts[-1]])
    if not characters:
        raise SourceError(f"there is no text in {' '.join(sources)}", "give a text of at least two characters")
    corpus = CATALOGUE.get(sources[0]) if len(sources) == 1 else None
    licence, source = (corpus.licence, corpus.source) if corpus else ("", "")
    return Text(_short_name(sources), characters, licence, source, tuple(notes))


def _read_one(source: str, encoding: str, notes: list[str]) -> list[str]:
    if source in CATALOGUE:
        if Path(source).exists():
            notes.append(f"'{source}' is the named corpus; write ./{source} for the file of that name")
        return [store.load(source)]
    if source == "-":
        return [_decode(sys.stdin.buffer.read(), encoding, "stdin", notes)]
    return [_decode(content, encoding, str(path), notes) for path, content in _files(source, notes)]


def _files(source: str, notes: list[str]) -> list[tuple[Path, bytes]]:
    path = Path(source)
    if os.path.isdir(path):  # unlike Path.is_dir, false for a name that no folder can have
        paths = sorted(p for p in path.rglob("*") if p.is_file() and not _hidden(p.relative_to(path)))
    elif os.path.exists(path) or not glob.has_magic(source):
        return [(path, _content(path))]
    else:
        paths = sorted(p for p in map(Path, glob.glob(source, recursive=True)) if p.is_file())
    files = [(p, _content(p)) for p in paths]
    texts = [(p, content) for p, content in files if b"\0" not in content[:8192]]
    if len(texts) < len(files):
        notes.append(f"{len(files) - len(texts)} binary files in {source} were left out")
    if not texts:
        raise SourceError(f"no text files are in {source}", "check the path, or give a text file")
    return texts


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        names = ", ".join(CATALOGUE)
        raise SourceError(f"there is no file {path}", f"check the path, or name a corpus: {names}") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})", "check what it is and its permissions") from None


def _decode(content: bytes, encoding: str, where: str, notes: list[str]) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        raise SourceError(
            f"{where} is not {encoding}: byte {start} ({content[start]:#04x}) does not decode",
            "name its encoding, for example --encoding latin-1",
        ) from None
    _check_surrogates(text, where)
    text = text.removeprefix("\ufeff")
    crlf = text.count("\r\n")
    lone = text.count("\r") - crlf
    if crlf or lone:
        notes.append(f"{crlf + lone} line ends of {where} (CRLF or CR) were read as LF")
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def _check_surrogates(text: str, where: str) -> None:
    """Some codecs let half a surrogate pair through, which is no character and cannot be written again."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SourceError(
            f"{where} has half a surrogate pair at character {error.start}", "name its encoding with --encoding"
        ) from None


def _check_encoding(encoding: str) -> None:
    try:
        "a".encode(encoding)
    except (LookupError, ValueError):
        raise SourceError(f"{encoding!r} is no text encoding", "name one that Python knows, such as latin-1") from None


def _short_name(sources: Sequence[str]) -> str:
    first = "stdin" if sources[0] == "-" else Path(sources[0]).resolve().stem if "*" not in sources[0] else "files"
    return first if len(sources) == 1 else f"{first}-and-{len(sources) - 1}-more"
