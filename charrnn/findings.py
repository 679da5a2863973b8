"""Finding: one thing that was looked at, whether it is whole, and whether it is anybody's."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """A file or folder of a kind; what is wrong with it and what to do, both empty where it is whole.

    An orphan is needed by nobody, as what a killed process has left: nothing is broken by it. With what is `removable`
    nothing is lost.
    """

    kind: str
    path: Path
    problem: str = ""
    cure: str = ""
    orphan: bool = False
    removable: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problem

    @property
    def is_broken(self) -> bool:
        """Whether something is wrong with what is not to be removed in any case."""
        return bool(self.problem) and not self.orphan

    @property
    def size(self) -> int:
        """Bytes that it holds on the disk."""
        return _size(self.path)

    def remove(self) -> None:
        """Remove it; raises OSError."""
        if self.path.is_dir() and not self.path.is_symlink():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)


def orphan(path: Path, problem: str = "left by a process that was killed") -> Finding:
    """Return the finding of what nobody needs."""
    return Finding("temporary file", path, problem, orphan=True, removable=True)


def _size(path: str | os.PathLike[str]) -> int:
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            return sum(map(_size, os.scandir(path)))
        return os.lstat(path).st_size
    except OSError:  # it is gone, or may not be looked at
        return 0
