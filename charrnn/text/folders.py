"""A folder or a glob -> the files in it, sorted and each once; what is no text to read is noted, not opened."""

import errno
import glob
import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from itertools import dropwhile
from pathlib import Path

from charrnn.errors import SourceError, some

RUN = "folders of runs left out of {}"
LOGS = "logs of a run left out of {}"
HIDDEN = "hidden files and folders left out of {}"
BINARY = "binary files left out of {}"
OUTSIDE = "links in {} that lead out of it or nowhere, not followed"
AGAIN = "links in {} to what is read already, not followed"
BELOW = "links to folders that {} does not follow"
SPECIAL = "pipes, devices and dead links in {} not opened"
_OF_A_RUN = ({"log.jsonl", "state.safetensors"}, {"log.jsonl", "best.safetensors"})  # what such a folder holds
_LOGS = ("log.jsonl", "samples.jsonl")  # the texts that a run writes
_SHOWN = 60  # characters of a path that is too long


class LeftOut:
    """What is not read of a folder or glob: of each kind how many, and the first few by name."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._names: dict[str, list[str]] = defaultdict(list)

    def add(self, what: str, path: Path) -> None:
        """Note a path that is left out; `what` is one of the kinds above."""
        self._names[what].append(os.path.relpath(path, self._source) if os.path.isdir(self._source) else str(path))

    @property
    def notes(self) -> list[str]:
        """One line for each kind."""
        return [f"{what.format(self._source)}: {len(names):,} ({some(names)})" for what, names in self._names.items()]


def files_of(source: str, left_out: LeftOut) -> Iterator[Path]:
    """Yield the files of a folder and the folders in it, or those that match a glob.

    Left out are hidden ones, what is no file, and folders of runs, whose logs are not what they learn from. A file or
    folder that links lead to as well is read once, where it is met first; links that lead out of the folder are not
    followed, nor links to folders under a glob's `**`.

    Raises:
        SourceError: a folder cannot be read, or lies too deep.
    """
    for path in _walk(Path(source), left_out) if os.path.isdir(source) else _matches(source, left_out):
        if path.name in _LOGS and not source.endswith(".jsonl") and _holds_a_run(path.parent):
            left_out.add(LOGS, path)
        elif _is_regular(path):
            yield path
        else:
            left_out.add(SPECIAL, path)


def _walk(top: Path, left_out: LeftOut) -> Iterator[Path]:
    """What is in a folder, and in those below it; each is entered once, so that links cannot multiply them."""
    root = os.path.realpath(top)
    met, waiting = set[str](), [(top, root, True)]  # paths, where they really lie, and whether they are folders
    while waiting:
        path, real, is_folder = waiting.pop()
        if real in met:
            if path.is_symlink():
                left_out.add(AGAIN, path)
            continue
        met.add(real)
        if is_folder:
            waiting += reversed(list(_shown(path, real, root, left_out)))
        else:
            yield path


def _shown(folder: Path, real: str, root: str, left_out: LeftOut) -> Iterator[tuple[Path, str, bool]]:
    """What is in a folder that really lies at `real`, but for what is hidden, and links that lead out of the root."""
    for entry in _entries(folder):
        path = folder / entry.name
        if entry.name.startswith("."):
            left_out.add(HIDDEN, path)
        elif _holds_a_run(path):
            left_out.add(RUN, path)
        elif not entry.is_symlink():
            yield path, os.path.join(real, entry.name), entry.is_dir()
        elif _inside(target := os.path.realpath(path), root):
            yield path, target, os.path.isdir(target)
        else:
            left_out.add(OUTSIDE, path)


def _holds_a_run(folder: Path) -> bool:
    """Whether it is a run's folder: one may stand in the very folder that the run learns from."""
    return any(all(os.path.isfile(folder / name) for name in names) for names in _OF_A_RUN)


def _inside(real: str, root: str) -> bool:
    return os.path.exists(real) and os.path.commonpath([real, root]) == root


def _matches(pattern: str, left_out: LeftOut) -> Iterator[Path]:
    """What matches a glob and is no folder."""
    met = set[str]()
    for name in sorted(set(_expanded(pattern, "", left_out))):
        real = os.path.realpath(name)
        if real in met:
            left_out.add(AGAIN, Path(name))
        elif not os.path.isdir(name):
            met.add(real)
            yield Path(name)


def _expanded(pattern: str, root: str, left_out: LeftOut) -> Iterator[str]:
    """The names below a folder that match, as `glob` finds them, which would follow links under `**` in a circle."""
    parts = Path(pattern).parts
    if "**" not in parts:
        yield from (os.path.join(root, name) for name in glob.glob(pattern, root_dir=root))
        return
    at = parts.index("**")
    before, after = parts[:at], list(dropwhile(lambda part: part == "**", parts[at:]))
    for top in _expanded(os.path.join(*before), root, left_out) if before else [root]:
        for folder in _below(top, left_out):
            yield from _expanded(os.path.join(*after) if after else "*", folder, left_out)


def _below(top: str, left_out: LeftOut) -> Iterator[str]:
    """A folder and those below it that are neither hidden nor links; nothing for what is no folder."""
    waiting = [top] if os.path.isdir(top or ".") else []
    while waiting:
        folder = waiting.pop()
        yield folder
        for entry in _entries(Path(folder)):
            path = os.path.join(folder, entry.name)
            if entry.is_symlink():
                if os.path.isdir(path):
                    left_out.add(BELOW, Path(path))
            elif _holds_a_run(Path(path)):
                left_out.add(RUN, Path(path))
            elif entry.is_dir() and not entry.name.startswith("."):
                waiting.append(path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(folder, error) from None


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise _unreadable(path, error) from None
        return False


def _unreadable(path: Path, error: OSError) -> SourceError:
    if error.errno == errno.ENAMETOOLONG:
        shown = f"{str(path)[:_SHOWN]}…, a path of {len(str(path)):,} characters,"
        return SourceError(f"{shown} is too long for the system", "name a folder further down, or move that one up")
    return SourceError(f"{path} cannot be read ({error.strerror})", "check its permissions, or name single files")
