"""Which items stand in a text, by a hash of eight bytes of each; and which of them is nearest to another one."""

import os
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from charrnn.errors import RunError
from charrnn.files import is_special, replacing

NAME = "items.npy"  # of the file in a run folder
Hashes = npt.NDArray[np.uint64]


class ItemIndex:
    """The distinct items of a text, by their hashes in ascending order.

    What is not found in it is not in the text. Of a million other items, 1 in 20 million million are found wrongly.

    >>> "anna" in ItemIndex.of(["bob", "anna"]), "ann" in ItemIndex.of(["bob", "anna"])
    (True, False)
    """

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    @classmethod
    def of(cls, texts: Iterable[str]) -> "ItemIndex":
        """Return the index of items."""
        return cls(np.unique(np.fromiter(map(_hash, set(texts)), np.uint64)))

    @classmethod
    def load(cls, path: Path) -> "ItemIndex | None":
        """Return the index in a file, which stays on the disk; None where there is no file.

        Raises:
            RunError: it is none.
        """
        if not os.path.lexists(path):
            return None
        cure = "remove it, and name the text with --text"
        if is_special(path):
            raise RunError(f"{path} is no regular file", cure)
        try:
            hashes = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise RunError(f"{path} cannot be read as the index of a run's items ({error})", cure) from None
        if hashes.dtype != np.uint64 or hashes.ndim != 1 or (np.diff(hashes.astype(np.float64)) < 0).any():
            raise RunError(f"{path} is no index of a run's items", cure)
        return cls(hashes)

    def save(self, path: Path) -> None:
        """Write the index in one step. Raises OSError."""
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.save(file, self._hashes, allow_pickle=False)

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, text: str) -> bool:
        wanted = np.uint64(_hash(text))
        place = int(np.searchsorted(self._hashes, wanted))
        return place < len(self._hashes) and bool(self._hashes[place] == wanted)


class Nearest:
    """The items of a text, to look up which is nearest to another item by insertions, deletions and replacements.

    >>> Nearest(["anna", "bob", "joanna"]).to("hanna")
    ('anna', 1)
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts: Sequence[str] = sorted(set(texts))  # of several, the first one is told

    def __len__(self) -> int:
        return len(self._texts)

    def to(self, text: str) -> tuple[str, int]:
        """Return the nearest item, and how many characters differ (Levenshtein's distance)."""
        found, distance, _ = process.extractOne(text, self._texts, scorer=Levenshtein.distance, processor=None)
        return found, int(distance)


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
