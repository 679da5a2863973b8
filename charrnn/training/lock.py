"""One run, one writer: a run folder's lock, which ends with its process however that ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from charrnn.errors import RunError

LOCK = ".lock"


class Lock:
    """The right to write to a run folder: a lock of the operating system on a file in it that names the process.

    The file stays when the lock is let go, and means nothing by itself: no stale lock can keep anybody out.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / LOCK)

    def take(self) -> None:
        """Take the lock.

        Raises:
            RunError: another process holds it.
            OSError: the folder cannot be written.
        """
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise RunError(
                f"{self._folder} is being written to by another run (process {_holder(self._folder)})",
                "wait for it or stop it, or name another folder with --out",
            ) from None
        (self._folder / LOCK).write_text(str(os.getpid()), "ascii")

    def let_go(self) -> None:
        """Let others write."""
        self._lock.release()

    def retake(self) -> None:
        """Take the lock of a folder that was removed and made anew.

        Raises:
            RunError: another process was faster.
        """
        self.let_go()
        self.take()

    @property
    def holds(self) -> bool:
        """Whether the folder is still the one that was locked."""
        return _holder(self._folder) == str(os.getpid())


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Hold the lock of a folder; errors as those of `Lock.take`."""
    lock = Lock(folder)
    lock.take()
    try:
        yield lock
    finally:
        lock.let_go()


def _holder(folder: Path) -> str:
    """The number of the process that took the lock last; "unknown" where it cannot be read."""
    try:
        return (folder / LOCK).read_text("ascii")[:20] or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
