"""The files of the cache of encoded texts: what is written to each, and whether it is whole. Not for encoding."""

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np

from charrnn import trust
from charrnn.errors import CharrnnError
from charrnn.files import is_old, replacing
from charrnn.findings import Finding, orphan
from charrnn.text.encoding import Encoded
from charrnn.text.opening import is_file
from charrnn.text.symbols import FIRST

FILES = "files.known"  # which files are known
_NAME = "[0-9a-f]" * 32
ENTRIES, IDS, FIGURES = f"{_NAME}.entry", f"{_NAME}.ids", f"{_NAME}.figures"
_UNFINISHED = tuple(f".{name}.????????.tmp" for name in (ENTRIES, IDS, FIGURES, FILES))
_ID_TYPES = ("uint8", "uint16", "int32")
FILE_MODE = 0o600  # the ids and the vocabulary give a private text away
_LONGEST = 1 << 26  # bytes that no entry has

Stamp = tuple[int, int, int, int, int]
IdsName = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\.ids\Z")]  # never a path that leads elsewhere
T = TypeVar("T")


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of an encoded text: of which bytes, how read, and the file of its ids with its own stamp."""

    content: str
    choices: dict[str, Any]
    encoded: Encoded
    notes: tuple[str, ...]
    ids: IdsName
    stamp: Stamp


def stamp(path: Path) -> Stamp:
    """Return what tells that a file is the same as before, without reading it."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def ours(place: Path, *patterns: str) -> Iterator[Path]:
    """Yield what is named as charrnn names it and is no folder: the folder of a cache may have other files, too."""
    found = (path for pattern in patterns for path in place.glob(pattern))
    return (path for path in found if path.is_symlink() or not path.is_dir())


def seal(file: Path, value: Any) -> None:
    """Write a value under the hash of what is written."""
    content = msgspec.json.encode(value)
    with replacing(file, mode=FILE_MODE) as temporary:
        temporary.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)


def sealed(file: Path, kind: type[T]) -> T | None:
    """Return what was written to a file; None where there is no file, or it is not whole."""
    try:
        if not is_file(file) or file.stat().st_size > _LONGEST:
            return None
        digest, _, content = file.read_bytes().partition(b"\n")
        value = msgspec.json.decode(content, type=kind)
    except (OSError, msgspec.DecodeError, CharrnnError, RecursionError):
        return None
    return value if sha256(content).hexdigest().encode() == digest else None


def entries(place: Path) -> Iterator[Entry]:
    """Yield the entries that are whole."""
    return (entry for file in ours(place, ENTRIES) if (entry := sealed(file, Entry)))


def fits(entry: Entry, place: Path) -> bool:
    """Return whether the file of an entry's ids is still the one that it vouches for, and its vocabulary is one."""
    known, file = entry.encoded, place / entry.ids
    if known.id_type not in _ID_TYPES or not is_file(file) or stamp(file)[:4] != entry.stamp[:4]:
        return False  # the time of the last change of its mode does not matter
    if known.length < 1 or entry.stamp[2] != known.length * np.dtype(known.id_type).itemsize:
        return False
    characters = all(0 <= code < 0xD800 or 0xE000 <= code < 0x110000 for code in known.codes)
    own = known.symbols.codes if known.symbols else []
    of_symbols = not known.symbols or [code for code in known.codes if code >= FIRST] == own
    return characters and of_symbols and known.codes == sorted(set(known.codes))


def is_sound(entry: Entry, place: Path) -> bool:
    """Return whether an entry fits and its ids, all of which are read, are those of its characters."""
    if not fits(entry, place):
        return False
    return int(np.memmap(place / entry.ids, entry.encoded.id_type, "r").max()) < len(entry.encoded.codes)


def damaged(place: Path) -> Iterator[Path]:
    """Yield the files that are not as they were written, and the entries that do not fit the file of their ids."""
    for file in ours(place, ENTRIES):
        entry = sealed(file, Entry)
        if not (entry and fits(entry, place)) and os.path.lexists(file):
            yield file
    for file in ours(place, FIGURES):
        if sealed(file, dict[str, tuple[float, ...]]) is None and os.path.lexists(file):
            yield file
    known = place / FILES
    if sealed(known, dict[str, str]) is None and os.path.lexists(known):
        yield known


def orphans(place: Path, needed: Collection[str]) -> Iterator[Path]:
    """Yield the files of ids that no entry needs, and temporary ones, where they are too old to be in the making."""
    for file in list(ours(place, IDS, *_UNFINISHED)):
        with suppress(OSError):
            if file.name not in needed and is_old(file):
                yield file


def examined(place: Path) -> Iterator[Finding]:
    """Look at all that is kept, every id included; what is damaged would be dropped when it is met, and made anew."""
    if refusal := trust.refusal(place):
        yield Finding("cached text", place, *refusal)
        return
    bad = set(damaged(place))
    for file in sorted(ours(place, ENTRIES)):
        entry = sealed(file, Entry)
        if file in bad or not (entry and is_sound(entry, place)):
            bad.add(file)
        else:
            yield Finding("cached text", place / entry.ids)
    yield from (Finding("cached control", file) for file in sorted(set(ours(place, FIGURES)) - bad))
    for file in sorted(bad):
        yield Finding("cached text", file, f"{file} is damaged", "it is made anew when it is needed", removable=True)
    for file in orphans(place, {entry.ids for entry in entries(place)}):
        yield orphan(file, "needed by no entry of the cache")


def kept(place: Path) -> Iterator[Path]:
    """Yield all files that texts and figures are kept in."""
    yield from ours(place, FILES, ENTRIES, IDS, FIGURES)


def close(path: Path) -> bool:
    """Take from other users all that they may do with a file or folder; return whether there was something."""
    before = path.lstat()
    if before.st_mode & 0o077 == 0 or not (stat.S_ISREG(before.st_mode) or stat.S_ISDIR(before.st_mode)):
        return False
    with suppress(OSError):  # it is another user's
        path.chmod(stat.S_IMODE(before.st_mode) & ~0o077)
    return path.lstat().st_mode != before.st_mode  # some disks keep no modes


def drop(file: Path) -> None:
    """Remove a file where that is possible: Windows keeps what is mapped."""
    with suppress(OSError):
        file.unlink(missing_ok=True)
