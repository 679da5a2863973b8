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
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn import trust
from charrnn.errors import SourceError
from charrnn.files import make_folder, replacing
from charrnn.text.cache_files import (
    ENTRIES,
    FILE_MODE,
    FILES,
    Entry,
    Stamp,
    close,
    damaged,
    drop,
    entries,
    is_sound,
    kept,
    orphans,
    ours,
    seal,
    sealed,
    stamp,
)
from charrnn.text.encoding import Encoded, encode
from charrnn.text.opening import is_file, packing, raw
from charrnn.text.reading import Reading
from charrnn.text.sources import Listing
from charrnn.text.symbols import Kind, Symbols

FOLDER_VARIABLE = "CHARRNN_CACHE"
LARGE = 64_000_000  # bytes from which on a text is not held in memory
_PACKED = 4  # times its size that a compressed file is taken for: what a text is packed to, about
LIMIT = 8_000_000_000  # bytes of ids kept; beyond, those not used for longest are dropped
_FILES_KNOWN = 1000
_SETTLED = 2_000_000_000  # nanoseconds: a file changed less than this ago may change again within one tick of its clock
_VERSION = 2  # of what is kept
FOLDER_MODE = 0o700


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
    listing: Listing,
    reading: Reading,
    min_count: int = 1,
    kind: Kind = "character",
    known: Symbols | None = None,
    on_bytes: Callable[[int], object] = lambda count: None,
) -> tuple[Encoded, npt.NDArray[Any], tuple[str, ...]]:
    """Return what is known of the text of files, its ids [T] as they lie on the disk, and what a reader should be told.

    The text is encoded where it was not yet, in one pass over its bytes; `on_bytes` is told of them as they are read.

    Raises:
        SourceError: a file cannot be read or decoded, changes meanwhile, or there is no room for the ids.
    """
    place = folder()
    try:
        make_folder(place, FOLDER_MODE)
        choices = {**asdict(reading), "min_count": min_count, "files": _layout(listing.files)}
        if kind != "character":
            choices |= {"symbols": kind, "known": None if known is None else _name(known.names)}
        told = [*_closed(place), *(_dropped(file) for file in damaged(place))]
        entry = _found(listing.files, choices, place, on_bytes, told)
        entry = entry or _made(listing, reading, choices, known, place, on_bytes)
        ids = np.memmap(place / entry.ids, entry.encoded.id_type, "r")
    except OSError as error:
        cure = "make room there" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
        raise SourceError(
            f"the encoded text of {listing.about.name} cannot be kept in {place} ({error.strerror or error})",
            f"{cure}, or name another folder with {FOLDER_VARIABLE}",
        ) from None
    return entry.encoded, np.asarray(ids), (*entry.notes, *told)


def _closed(place: Path) -> Iterator[str]:
    """Close what an older charrnn left open to other users, and tell of it; a folder that is named may have other uses.

    Where the user has allowed a folder, it is shared.
    """
    if not trust.is_allowed(place):
        wide = [*kept(place)] if os.environ.get(FOLDER_VARIABLE) else [place, *kept(place)]
        if sum(map(close, wide)):
            yield f"the cache in {place} could be read by other users and is closed to them now"


def _dropped(file: Path) -> str:
    """Remove a damaged file, and return what to tell of it."""
    drop(file)
    return f"{file} was damaged and is dropped; what it held is made anew when it is needed"


def _layout(files: Sequence[Path]) -> str:
    """What beside the bytes of files, one after the other, decides on their text: where each ends, and how packed."""
    return _name([(file.stat().st_size, packing(file)) for file in files])


def _found(
    files: Sequence[Path], choices: dict[str, Any], place: Path, on_bytes: Callable[[int], object], told: list[str]
) -> Entry | None:
    """The entry of files' text: at once where they are known, else by their hash where an entry has their sizes.

    One that is damaged is dropped, and told of.
    """
    stamps = _stamps(files)
    content = _files(place).get(_name(stamps))
    if content is None and any(entry.choices == choices for entry in entries(place)):
        content = _hash_of(files, on_bytes)
        _remember(files, stamps, content, place)
    if content is None:
        return None
    file = _entry_file(place, content, choices)
    entry = sealed(file, Entry)
    if entry is None:
        return None
    if not is_sound(entry, place):
        told.append(_dropped(file))
        return None
    with suppress(OSError):
        os.utime(file)  # used now
    return entry


def _made(
    listing: Listing,
    reading: Reading,
    choices: dict[str, Any],
    known: Symbols | None,
    place: Path,
    on_bytes: Callable[[int], object],
) -> Entry:
    """Encode the text of files and keep it: its ids appear first, then the entry that vouches for them."""
    stamps, content, notes = _stamps(listing.files), sha256(), list[str]()

    def seen(chunk: bytes) -> None:
        content.update(chunk)
        on_bytes(len(chunk))

    made = [ids := place / f"{_name((stamps, choices))}.ids"]
    try:
        with replacing(ids, mode=FILE_MODE) as temporary, open(temporary, "w+b") as file:
            kind = choices.get("symbols", "character")
            result = encode(listing.pieces(reading, notes, seen), file, choices["min_count"], kind, known)
            _check(listing.files, stamps)
        entry = Entry(content.hexdigest(), choices, result, tuple(notes), ids.name, stamp(ids))
        made.append(_entry_file(place, entry.content, choices))
        seal(made[-1], entry)
    except OSError:  # ids that no entry vouches for are nobody's
        for path in made:
            drop(path)
        raise
    _remember(listing.files, stamps, entry.content, place)
    _trim(place, ids.name)
    return entry


def _check(files: Sequence[Path], stamps: Sequence[Stamp]) -> None:
    for file, known in zip(files, stamps, strict=True):
        if stamp(file) != known:
            raise SourceError(f"{file} changed while it was read", "wait until it is whole, then try again")


def _stamps(files: Sequence[Path]) -> list[Stamp]:
    return [stamp(file) for file in files]


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
    return sealed(place / FILES, dict[str, str]) or {}


def _remember(files: Sequence[Path], stamps: Sequence[Stamp], content: str, place: Path) -> None:
    """Note what is in some files, where they cannot have changed unseen since their stamps were taken."""
    changed = max(moment for known in stamps for moment in known[3:])
    if _stamps(files) != stamps or time.time_ns() - changed < _SETTLED:
        return
    known = [*_files(place).items(), (_name(stamps), content)][-_FILES_KNOWN:]
    seal(place / FILES, dict(known))


def _entry_file(place: Path, content: str, choices: dict[str, Any]) -> Path:
    return place / f"{_name((_VERSION, content, choices))}.entry"


def _trim(place: Path, kept: str) -> None:
    """Drop the entries that were not used for longest until the others' ids are within the limit, and what is nobody's.

    The ids in use now are kept in any case. A file that another process has mapped stays readable to it.
    """
    total, needed = 0, set[str]()
    for file in sorted(ours(place, ENTRIES), key=lambda file: -file.stat().st_mtime_ns):
        entry = sealed(file, Entry)
        total += entry.stamp[2] if entry else 0
        if entry and (total <= LIMIT or entry.ids == kept):
            needed.add(entry.ids)
        else:
            drop(file)
            if entry and entry.ids not in needed:
                drop(place / entry.ids)
    for file in orphans(place, needed):
        drop(file)
