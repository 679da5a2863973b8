"""A folder or a glob -> the files in it, in sorted order; what is no text to read is counted, not opened."""

import glob
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from charrnn.text.opening import is_file

HIDDEN = "hidden files or folders in {} were left out"
BINARY = "binary files in {} were left out"
LINKS = "links in {} that lead out of it, nowhere or in a circle were not followed"
SPECIAL = "pipes or devices in {} were not opened"


def files_of(source: str, left_out: Counter[str]) -> Iterator[Path]:
    """Yield the files of a folder and the folders in it, or those that match a glob.

    Hidden ones are left out, and what is no file; so are links that lead out of the folder, nowhere, or back to a
    folder that they stand in.
    """
    if not os.path.isdir(source):
        matches = [Path(name) for name in sorted(glob.glob(source, recursive=True)) if not os.path.isdir(name)]
        yield from (path for path in matches if _is_regular(path, left_out))
        return
    root = os.path.realpath(source)
    yield from _walk(Path(source), root, (root,), left_out)


def _walk(folder: Path, root: str, above: tuple[str, ...], left_out: Counter[str]) -> Iterator[Path]:
    """`above` are the real paths of the folder and of those that it stands in."""
    for name in sorted(os.listdir(folder)):
        path = folder / name
        real = os.path.realpath(path)
        if name.startswith("."):
            left_out[HIDDEN] += 1
        elif path.is_symlink() and (not _inside(real, root) or real in above):
            left_out[LINKS] += 1
        elif os.path.isdir(path):
            yield from _walk(path, root, (*above, real), left_out)
        elif _is_regular(path, left_out):
            yield path


def _inside(real: str, root: str) -> bool:
    return os.path.exists(real) and os.path.commonpath([real, root]) == root


def _is_regular(path: Path, left_out: Counter[str]) -> bool:
    regular = is_file(path)
    left_out[SPECIAL] += not regular
    return regular
