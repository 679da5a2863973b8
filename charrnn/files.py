"""Writing files so that a reader sees the old content or the new, never half of it; and folders that are one's own."""

import errno
import itertools
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from fnmatch import fnmatch
from pathlib import Path

LOCK = ".lock"
SHARED, SHARED_FILE = 0o775, 0o664  # modes of a folder and a file that not everybody may write to, under any umask
_OLD = 86_400  # seconds after which what has no lock is nobody's
_DRAWN = 8  # characters that `tempfile` puts behind a prefix


@contextmanager
def replacing(path: Path, foreign: tuple[type[Exception], ...] = (), mode: int = SHARED_FILE) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; when the block ends well, it takes the place of `path`.

    The content is on the disk before the name changes, and the name before this returns. When the block raises, the
    temporary file is removed and `path` is as it was; what a killed process leaves, `sweep` removes, and a later call
    when it is old. The umask takes its bits from `mode`.

    Raises OSError, with `path` as its file name, where it cannot be written, for the `foreign` errors of a library that
    writes it too, and where a device, a pipe or a socket stands there.
    """
    with naming(path, foreign):
        if is_special(path):  # renaming would put a plain file in its place
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        try:
            os.close(handle)
            _sweep_old(path, temporary)
            yield temporary
            sync(temporary)
            os.chmod(temporary, mode & ~_umask())  # mkstemp makes files that only their owner can read
            os.replace(temporary, path)
            sync(path.parent)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def beside(path: Path) -> list[str]:
    """Return the paths of what lies in the same folder under a name like that of a mistyped path."""
    try:
        there = sorted(name for name in os.listdir(path.parent) if name.isprintable() and name != path.name)
    except (OSError, ValueError):
        return []
    names = {name.casefold(): name for name in there}
    return [str(path.parent / names[name]) for name in get_close_matches(path.name.casefold(), names, cutoff=0.7)]


def is_special(path: Path) -> bool:
    """Return whether a device, a pipe or a socket is there, or a link to one: reading it may never end."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # there is nothing, or nothing can have that name
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def append(path: Path, content: bytes) -> None:
    """Write at the end of a file, which is made where it is missing. Raises OSError with `path` as its file name."""
    with naming(path), open(path, "ab", buffering=0, opener=_shared) as file:
        while content:  # a disk that is nearly full takes a part
            content = content[file.write(content) :]


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    folder = path.is_dir()
    if os.name == "nt" and folder:
        return  # Windows has no handle on a folder to flush
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(path: Path) -> None:
    """Remove what processes that were killed while replacing `path` have left beside it."""
    for left in leftovers(path):
        left.unlink(missing_ok=True)


def leftovers(path: Path) -> Iterator[Path]:
    """Yield the temporary files that processes which replace `path`, or were killed while they did, have beside it.

    Safetensors writes to a file of its own, which it then renames: beside a path of its kind, such are among them.
    """
    for left in path.parent.iterdir():
        ours = left.name.startswith(f".{path.name}.") and left.suffix == ".tmp"
        theirs = path.suffix == ".safetensors" and fnmatch(left.name, ".tmp??????")
        if (ours or theirs) and not left.is_dir():
            yield left


def _sweep_old(path: Path, kept: Path) -> None:
    with suppress(OSError):  # the folder may be written to, not read; another process may have been faster
        for left in leftovers(path):
            if left.name != kept.name and is_old(left):
                left.unlink()


def is_old(path: Path) -> bool:
    """Return whether a temporary file or folder that no lock owns was left so long ago that nobody uses it."""
    return time.time() - path.lstat().st_mtime > _OLD


def is_free(lock: Path) -> bool:
    """Return whether no living process holds the lock in a file, which is not made where it is missing."""
    from filelock import FileLock

    if not os.path.lexists(lock):
        return True
    try:
        with FileLock(lock, blocking=False):
            return True
    except (OSError, RuntimeError):
        return False


@contextmanager
def workshop(place: Path, prefix: str, holds: str) -> Iterator[Path]:
    """Give a new folder in `place` that only its owner can read, to make something in; it is gone when the block ends.

    Its name begins with `prefix`, and what is made there has names like the pattern `holds`. A lock shows that its
    process lives: what processes that were killed have left is removed first.
    """
    from filelock import FileLock

    remove_abandoned(place, prefix, holds)
    folder = Path(tempfile.mkdtemp(dir=place, prefix=prefix))
    lock = FileLock(folder / LOCK)
    try:
        with suppress(NotImplementedError):  # the disk knows no locks
            lock.acquire()
        os.chmod(folder, 0o700)  # where another process removed it before it had a lock, that has made it anew
        yield folder
    finally:
        with suppress(OSError):  # the file is gone at once
            lock.release()
        _remove(folder)


def abandoned(place: Path, prefix: str, holds: str) -> Iterator[Path]:
    """Yield the workshops of this user in which nobody works: the lock ended with its process.

    One without a lock, as older versions made them, is nobody's when it is old.
    """
    for left in place.glob(f"{prefix}*"):
        if len(left.name) == len(prefix) + _DRAWN and _is_own_folder(left) and _is_abandoned(left, holds):
            yield left


def remove_abandoned(place: Path, prefix: str, holds: str) -> None:
    """Remove the workshops in which nobody works, as far as that is possible."""
    for left in abandoned(place, prefix, holds):
        _remove(left)


def _remove(folder: Path) -> None:
    """Remove a folder as far as that is possible; what failed is tried once more."""
    for _ in range(2):
        with suppress(OSError):  # of a call that `ignore_errors` does not cover
            shutil.rmtree(folder, ignore_errors=True)


def private(path: str, flags: int) -> int:
    """Open a file that only its owner can read, as an `opener` of `open`."""
    return os.open(path, flags, 0o600)


def _shared(path: str, flags: int) -> int:
    return os.open(path, flags, SHARED_FILE)


def _is_own_folder(path: Path) -> bool:
    with suppress(OSError):
        found = path.lstat()
        return stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.geteuid())
    return False


def _is_abandoned(left: Path, holds: str) -> bool:
    try:
        names = set(os.listdir(left))
        if not all(fnmatch(name, holds) for name in names - {LOCK}):
            return False
        return is_free(left / LOCK) if LOCK in names else is_old(left)
    except OSError:
        return False


def make_folder(path: Path, mode: int = SHARED) -> None:
    """Make a folder and those above it where they are missing, none of which everybody may write to; raises OSError.

    The umask takes its bits from `mode`, which is that of the folder itself.
    """
    for folder in reversed(path.parents):
        if not os.path.lexists(folder):
            folder.mkdir(SHARED, exist_ok=True)
    path.mkdir(mode, exist_ok=True)


def made_anew(path: Path) -> Path:
    """Make the folder path, or the first of path-2, path-3, … that is not there, and return it; raises OSError.

    Of several processes that do so at once, each gets one of its own.
    """
    make_folder(path.parent)
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(folder for folder in itertools.chain([path], numbered) if _is_made(folder))


@contextmanager
def naming(path: Path, foreign: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Name in an OSError what was asked for; by itself it names the temporary file, or for a full disk nothing.

    Errors of the `foreign` types become one, too: libraries raise them where the disk fails.
    """
    try:
        yield
    except OSError as error:
        elsewhere = isinstance(error.filename, str) and Path(error.filename).absolute().parent != path.absolute().parent
        number = error.errno or _number_in(error)
        if number is None or elsewhere:
            raise
        raise OSError(number, os.strerror(number), str(path)) from None
    except foreign as error:
        number = _number_in(error) or errno.EIO
        raise OSError(number, os.strerror(number), str(path)) from None


def _number_in(error: Exception) -> int | None:
    """The system's number of an error that a library has put into words."""
    found = re.search(r"(?:os error|errno =) (\d+)", str(error))
    return int(found[1]) if found else None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _is_made(folder: Path) -> bool:
    """Make a folder; return whether it was not there."""
    try:
        folder.mkdir(SHARED)
    except FileExistsError:
        return False
    return True
