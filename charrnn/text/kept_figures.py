"""Figures in the cache: what costs much to compute and says little, under the hash of all that it depends on.

What cannot be kept, or is not as it was written, is computed anew: nothing is refused for it.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from charrnn import trust
from charrnn.files import make_folder
from charrnn.text.cache import FOLDER_MODE, folder
from charrnn.text.cache_files import FIGURES, drop, ours, seal, sealed

MOST = 500  # files of them that are kept, those used last

Figures = Mapping[str, tuple[float, ...]]


def key_of(*parts: bytes | str) -> str:
    """Return the hash of parts that figures depend on, 32 hexadecimal digits."""
    digest = sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()[:32]


def recalled(key: str) -> dict[str, tuple[float, ...]]:
    """Return the figures that are kept under a key, by their names; none where there are none."""
    file = _file(key)
    found = None if file is None else sealed(file, dict[str, tuple[float, ...]])
    if found and file:
        with suppress(OSError):
            os.utime(file)  # used now
    return found or {}


def keep(key: str, figures: Figures) -> None:
    """Keep figures under a key, beside those that are there, where that is possible."""
    file = _file(key)
    if file is None:
        return
    with suppress(OSError):
        make_folder(file.parent, FOLDER_MODE)
        seal(file, {**recalled(key), **figures})
        for old in sorted(ours(file.parent, FIGURES), key=lambda path: -path.stat().st_mtime_ns)[MOST:]:
            drop(old)


def _file(key: str) -> Path | None:
    """Where the figures of a key are; None where the cache is somebody else's."""
    place = folder()
    return None if trust.refusal(place) else place / f"{key}.figures"
