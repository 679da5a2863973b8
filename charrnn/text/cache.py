"""Large texts, encoded once: a file of ids for each, memory-mapped, and found again by what is in the text.

A text is known by the SHA-256 of its bytes. To tell that it is the same without reading it again, its file's device,
inode, size and times are kept beside the hash, as git's index does: a file in which these are the same is the same,
and one that was touched or copied is told by its hash.
"""

import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from charrnn.errors import SourceError
from charrnn.files import replacing
from charrnn.text.decoding import characters
from charrnn.text.encoding import Encoded, encode
from charrnn.text.opening import chunks, is_file, raw
from charrnn.text.reading import Reading

FOLDER_VARIABLE = "CHARRNN_CACHE"
LARGE = 64_000_000  # bytes from which on a file's text is not held in memory
LIMIT = 8_000_000_000  # bytes of ids kept; beyond, those not used for longest are dropped
_FILES_KNOWN = 1000
_SETTLED = 2_000_000_000  # nanoseconds: a file changed less than this ago may change again within one tick of its clock
_ABANDONED = 86_400  # seconds after which a temporary file is nobody's
_FILES = "files"
_VERSION = 1  # of what is kept

Stamp = tuple[int, ...]
T = TypeVar("T")


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of an encoded text: of which bytes, how read, and the file of its ids with its own stamp."""

    content: str
    size: int
    choices: dict[str, Any]
    encoded: Encoded
    notes: tuple[str, ...]
    ids: str
    stamp: Stamp


def folder() -> Path:
    """Return where encoded texts are kept: $CHARRNN_CACHE, else in the user's cache folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("charrnn") / "encoded"


def is_large(path: Path) -> bool:
    """Return whether a file's text is better kept here than in memory."""
    return is_file(path) and path.stat().st_size >= LARGE


def encoded(
    path: Path, reading: Reading, min_count: int = 1, on_bytes: Callable[[int], object] = lambda count: None
) -> tuple[Encoded, npt.NDArray[Any], tuple[str, ...]]:
    """Return what is known of a file's text, its ids [T] as they lie on the disk, and what a reader should be told.

    The text is encoded where it was not yet, in one pass over its bytes; `on_bytes` is told of them as they are read.

    Raises:
        SourceError: the file cannot be read or decoded, changes meanwhile, or there is no room for its ids.
    """
    choices = {**asdict(reading), "min_count": min_count, "packed": path.suffix}
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        entry = _found(path, choices, place, on_bytes) or _made(path, reading, choices, place, on_bytes)
        ids = np.memmap(place / entry.ids, entry.encoded.id_type, "r")
    except OSError as error:
        cure = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        raise SourceError(
            f"the encoded text of {path} cannot be kept in {place} ({error.strerror or error})",
            f"{cure}, or name another folder with {FOLDER_VARIABLE}",
        ) from None
    return entry.encoded, np.asarray(ids), entry.notes


def _found(path: Path, choices: dict[str, Any], place: Path, on_bytes: Callable[[int], object]) -> _Entry | None:
    """The entry of a file's text: at once where the file is known, else by its hash where an entry has its size."""
    stamp = _stamp(path)
    content = _files(place).get(_name(stamp))
    if content is None and any(entry.size == stamp[2] and entry.choices == choices for entry in _entries(place)):
        content = _hash_of(path, on_bytes)
        _remember(path, stamp, content, place)
    if content is None:
        return None
    file = _entry_file(place, content, choices)
    entry = _sealed(file, _Entry)
    if entry is None or not is_file(place / entry.ids) or _stamp(place / entry.ids) != entry.stamp:
        return None
    with suppress(OSError):
        os.utime(file)  # used now
    return entry


def _made(
    path: Path, reading: Reading, choices: dict[str, Any], place: Path, on_bytes: Callable[[int], object]
) -> _Entry:
    """Encode a file's text and keep it: its ids appear first, then the entry that vouches for them."""
    stamp, content, notes = _stamp(path), sha256(), list[str]()

    def seen(chunk: bytes) -> None:
        content.update(chunk)
        on_bytes(len(chunk))

    ids = place / f"{_name((stamp, choices))}.ids"
    with replacing(ids) as temporary, open(temporary, "w+b") as file:
        result = encode(characters(chunks(path, seen), reading, str(path), notes), file, choices["min_count"])
        _check(path, stamp, result)
    entry = _Entry(content.hexdigest(), stamp[2], choices, result, tuple(notes), ids.name, _stamp(ids))
    _seal(_entry_file(place, entry.content, choices), entry)
    _remember(path, stamp, entry.content, place)
    _trim(place, ids.name)
    return entry


def _check(path: Path, stamp: Stamp, result: Encoded) -> None:
    if _stamp(path) != stamp:
        raise SourceError(f"{path} changed while it was read", "wait until it is whole, then try again")
    if not result.length:
        raise SourceError(f"there is no text in {path}", "give a text of at least two characters")


def _stamp(path: Path) -> Stamp:
    """What tells that a file is the same as before, without reading it."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _hash_of(path: Path, on_bytes: Callable[[int], object]) -> str:
    digest = sha256()
    for chunk in raw(path):
        digest.update(chunk)
        on_bytes(len(chunk))
    return digest.hexdigest()


def _name(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _files(place: Path) -> dict[str, str]:
    """The files that are known: their stamps' names, and the hash of what is in each."""
    return _sealed(place / _FILES, dict[str, str]) or {}


def _remember(path: Path, stamp: Stamp, content: str, place: Path) -> None:
    """Note what is in a file, where it cannot have changed unseen since its stamp was taken."""
    if _stamp(path) != stamp or time.time_ns() - max(stamp[3:]) < _SETTLED:
        return
    known = [*_files(place).items(), (_name(stamp), content)][-_FILES_KNOWN:]
    _seal(place / _FILES, dict(known))


def _entry_file(place: Path, content: str, choices: dict[str, Any]) -> Path:
    return place / f"{_name((_VERSION, content, choices))}.entry"


def _entries(place: Path) -> Iterator[_Entry]:
    return (entry for file in place.glob("*.entry") if (entry := _sealed(file, _Entry)))


def _seal(file: Path, value: Any) -> None:
    """Write a value under the hash of what is written."""
    content = msgspec.json.encode(value)
    with replacing(file) as temporary:
        temporary.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)


def _sealed(file: Path, kind: type[T]) -> T | None:
    """What was written to a file; none where there is no file, or it is not whole."""
    try:
        digest, _, content = file.read_bytes().partition(b"\n")
        value = msgspec.json.decode(content, type=kind)
    except (OSError, msgspec.DecodeError):
        return None
    return value if sha256(content).hexdigest().encode() == digest else None


def _trim(place: Path, kept: str) -> None:
    """Drop the entries that were not used for longest until the others' ids are within the limit, and what is nobody's.

    The ids in use now are kept in any case. A file that another process has mapped stays readable to it.
    """
    total, needed = 0, set[str]()
    for file in sorted(place.glob("*.entry"), key=lambda file: -file.stat().st_mtime_ns):
        entry = _sealed(file, _Entry)
        total += entry.stamp[2] if entry else 0
        if entry and (total <= LIMIT or entry.ids == kept):
            needed.add(entry.ids)
        else:
            file.unlink(missing_ok=True)
            if entry and entry.ids not in needed:
                _drop(place / entry.ids)
    for file in [*place.glob("*.ids"), *place.glob(".*.tmp")]:
        with suppress(OSError):
            if file.name not in needed and time.time() - file.stat().st_mtime > _ABANDONED:
                _drop(file)


def _drop(file: Path) -> None:
    with suppress(OSError):  # Windows keeps what is mapped
        file.unlink(missing_ok=True)
