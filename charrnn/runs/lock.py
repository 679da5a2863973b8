"""One run, one writer: a run folder's lock, which ends with its process however that ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from charrnn import trust
from charrnn.errors import RunError
from charrnn.files import append
from charrnn.model.checkpoint import STAGES

LOCK = ".lock"
LOG = "log.jsonl"  # what a run appends to, a line at a time
SAMPLES = "samples.jsonl"


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
            RunError: another process holds it, the folder is another user's or open to every user, or what a run
                writes to leads out of it.
            OSError: the folder cannot be written.
        """
        if refusal := trust.refusal(self._folder):
            raise RunError(*refusal)
        _refuse_ways_out(self._folder)
        append(self._folder / LOCK, b"")  # the lock's library would let everybody write to it
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
        """Whether the folder is still the one that was locked. Raises OSError where that cannot be read."""
        path = self._folder / LOCK
        return path.exists() and path.read_bytes() == str(os.getpid()).encode()


@contextmanager
def locked(folder: Path) -> Iterator[Lock]:
    """Hold the lock of a folder; errors as those of `Lock.take`."""
    lock = Lock(folder)
    lock.take()
    try:
        yield lock
    finally:
        lock.let_go()


def _refuse_ways_out(folder: Path) -> None:
    """Refuse what a stranger may have put into a folder: links that would be written through, and pipes to wait at."""
    for name in (LOCK, LOG, SAMPLES, STAGES):
        path = folder / name
        own = path.is_dir() if name == STAGES else path.is_file()
        if path.is_symlink() or (path.exists() and not own):
            raise RunError(f"{path} is a link or no regular file", "remove it: a run writes into its own folder alone")


def _holder(folder: Path) -> str:
    """The number of the process that took the lock last; "unknown" where it cannot be read."""
    try:
        with (folder / LOCK).open(encoding="ascii") as file:
            return file.read(20) or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
