"""Large texts, encoded once: a file of ids for each, memory-mapped, and found again by what is in the text.

A text is known by the SHA-256 of its files' bytes. To tell that they are the same without reading them again, each
file's device, inode, size and times are kept beside the hash, as git's index does: a file in which these are the same
is the same, and one that was touched or copied is told by its hash.
"""

import errno
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from charrnn.errors import SourceError
from charrnn.files import replacing
from charrnn.text.encoding import Encoded, encode
from charrnn.text.opening import is_file, packing, raw
from charrnn.text.reading import Reading
from charrnn.text.sources import Listing

FOLDER_VARIABLE = "CHARRNN_CACHE"
LARGE = 64_000_000  # bytes from which on a text is not held in memory
_PACKED = 4  # times its size that a compressed file is taken for: what a text is packed to, about
LIMIT = 8_000_000_000  # bytes of ids kept; beyond, those not used for longest are dropped
_FILES_KNOWN = 1000
_SETTLED = 2_000_000_000  # nanoseconds: a file changed less than this ago may change again within one tick of its clock
_ABANDONED = 86_400  # seconds after which a temporary file is nobody's
_FILES = "files"
_ID_TYPES = ("uint8", "uint16", "int32")
_VERSION = 2  # of what is kept
_FOLDER_MODE, _FILE_MODE = 0o700, 0o600  # the ids and the vocabulary give a private text away

Stamp = tuple[int, int, int, int, int]
IdsName = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\.ids\Z")]  # never a path that leads elsewhere
T = TypeVar("T")


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of an encoded text: of which bytes, how read, and the file of its ids with its own stamp."""

    content: str
    choices: dict[str, Any]
    encoded: Encoded
    notes: tuple[str, ...]
    ids: IdsName
    stamp: Stamp


def folder() -> Path:
    """Return where encoded texts are kept: $CHARRNN_CACHE, else in the user's cache folder."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("charrnn") / "encoded"


def is_large(files: Sequence[Path]) -> bool:
    """Return whether the text of some files is better kept here than in memory."""
    sizes = (file.stat().st_size * (_PACKED if packing(file) else 1) for file in files if is_file(file))
    return sum(sizes) >= LARGE


def encoded(
    listing: Listing, reading: Reading, min_count: int = 1, on_bytes: Callable[[int], object] = lambda count: None
) -> tuple[Encoded, npt.NDArray[Any], tuple[str, ...]]:
    """Return what is known of the text of files, its ids [T] as they lie on the disk, and what a reader should be told.

    The text is encoded where it was not yet, in one pass over its bytes; `on_bytes` is told of them as they are read.

    Raises:
        SourceError: a file cannot be read or decoded, changes meanwhile, or there is no room for the ids.
    """
    place = folder()
    try:
        place.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        choices = {**asdict(reading), "min_count": min_count, "files": _layout(listing.files)}
        entry = _found(listing.files, choices, place, on_bytes) or _made(listing, reading, choices, place, on_bytes)
        ids = np.memmap(place / entry.ids, entry.encoded.id_type, "r")
    except OSError as error:
        cure = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        raise SourceError(
            f"the encoded text of {listing.about.name} cannot be kept in {place} ({error.strerror or error})",
            f"{cure}, or name another folder with {FOLDER_VARIABLE}",
        ) from None
    return entry.encoded, np.asarray(ids), entry.notes


def _layout(files: Sequence[Path]) -> str:
    """What beside the bytes of files, one after the other, decides on their text: where each ends, and how packed."""
    return _name([(file.stat().st_size, packing(file)) for file in files])


def _found(
    files: Sequence[Path], choices: dict[str, Any], place: Path, on_bytes: Callable[[int], object]
) -> _Entry | None:
    """The entry of files' text: at once where they are known, else by their hash where an entry has their sizes."""
    stamps = _stamps(files)
    content = _files(place).get(_name(stamps))
    if content is None and any(entry.choices == choices for entry in _entries(place)):
        content = _hash_of(files, on_bytes)
        _remember(files, stamps, content, place)
    if content is None:
        return None
    file = _entry_file(place, content, choices)
    entry = _sealed(file, _Entry)
    if entry is None or not _is_sound(entry, place / entry.ids):
        return None
    with suppress(OSError):
        os.utime(file)  # used now
    return entry


def _is_sound(entry: _Entry, file: Path) -> bool:
    """Return whether a file holds the ids that an entry vouches for, and no others than its characters have."""
    known = entry.encoded
    if known.id_type not in _ID_TYPES or not is_file(file) or _stamp(file) != entry.stamp:
        return False
    if known.length < 1 or entry.stamp[2] != known.length * np.dtype(known.id_type).itemsize:
        return False
    characters = all(0 <= code < 0xD800 or 0xE000 <= code < 0x110000 for code in known.codes)
    if known.codes != sorted(set(known.codes)) or not characters:
        return False
    return int(np.memmap(file, known.id_type, "r").max()) < len(known.codes)


def _made(
    listing: Listing, reading: Reading, choices: dict[str, Any], place: Path, on_bytes: Callable[[int], object]
) -> _Entry:
    """Encode the text of files and keep it: its ids appear first, then the entry that vouches for them."""
    stamps, content, notes = _stamps(listing.files), sha256(), list[str]()

    def seen(chunk: bytes) -> None:
        content.update(chunk)
        on_bytes(len(chunk))

    ids = place / f"{_name((stamps, choices))}.ids"
    with replacing(ids, mode=_FILE_MODE) as temporary, open(temporary, "w+b") as file:
        result = encode(listing.pieces(reading, notes, seen), file, choices["min_count"])
        _check(listing.files, stamps)
    entry = _Entry(content.hexdigest(), choices, result, tuple(notes), ids.name, _stamp(ids))
    _seal(_entry_file(place, entry.content, choices), entry)
    _remember(listing.files, stamps, entry.content, place)
    _trim(place, ids.name)
    return entry


def _check(files: Sequence[Path], stamps: Sequence[Stamp]) -> None:
    for file, stamp in zip(files, stamps, strict=True):
        if _stamp(file) != stamp:
            raise SourceError(f"{file} changed while it was read", "wait until it is whole, then try again")


def _stamp(path: Path) -> Stamp:
    """What tells that a file is the same as before, without reading it."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _stamps(files: Sequence[Path]) -> list[Stamp]:
    return [_stamp(file) for file in files]


def _hash_of(files: Sequence[Path], on_bytes: Callable[[int], object]) -> str:
    digest = sha256()
    for chunk in chain.from_iterable(map(raw, files)):
        digest.update(chunk)
        on_bytes(len(chunk))
    return digest.hexdigest()


def _name(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


def _files(place: Path) -> dict[str, str]:
    """The files that are known: their stamps' names, and the hash of what is in each."""
    return _sealed(place / _FILES, dict[str, str]) or {}


def _remember(files: Sequence[Path], stamps: Sequence[Stamp], content: str, place: Path) -> None:
    """Note what is in some files, where they cannot have changed unseen since their stamps were taken."""
    changed = max(moment for stamp in stamps for moment in stamp[3:])
    if _stamps(files) != stamps or time.time_ns() - changed < _SETTLED:
        return
    known = [*_files(place).items(), (_name(stamps), content)][-_FILES_KNOWN:]
    _seal(place / _FILES, dict(known))


def _entry_file(place: Path, content: str, choices: dict[str, Any]) -> Path:
    return place / f"{_name((_VERSION, content, choices))}.entry"


def _entries(place: Path) -> Iterator[_Entry]:
    return (entry for file in place.glob("*.entry") if (entry := _sealed(file, _Entry)))


def _seal(file: Path, value: Any) -> None:
    """Write a value under the hash of what is written."""
    content = msgspec.json.encode(value)
    with replacing(file, mode=_FILE_MODE) as temporary:
        temporary.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)


def _sealed(file: Path, kind: type[T]) -> T | None:
    """What was written to a file; none where there is no file, or it is not whole."""
    try:
        digest, _, content = file.read_bytes().partition(b"\n")
        value = msgspec.json.decode(content, type=kind)
    except (OSError, msgspec.DecodeError, RecursionError):
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
