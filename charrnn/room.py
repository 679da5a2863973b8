"""How much memory and disk there is, and a refusal of what would take more, before any of it is taken."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from charrnn.errors import ConfigError

_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # as containers are bounded


def available() -> float:
    """Return the bytes of memory that a process may have here at most; infinity where the system does not tell."""
    bounds = [float("inf")]
    with suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
        bounds.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for group in _GROUPS:
        with suppress(OSError, ValueError):  # "max" is no number
            bounds.append(int(Path(group).read_text("ascii")))
    return min(bound for bound in bounds if bound > 0)


def check_memory(what: str, needed: float, there: float, cure: str) -> None:
    """Raise ConfigError where something needs more bytes of memory than there are.

    >>> check_memory("a short text", 10, 1e9, "choose a shorter one")
    >>> check_memory("a long text", 1e12, 1e9, "choose a shorter one")
    Traceback (most recent call last):
    charrnn.errors.ConfigError: a long text takes 1,000 GB of memory, and there are 1.0 GB; choose a shorter one
    """
    if needed > there:
        raise ConfigError(f"{what} takes {_shown(needed)} of memory, and there are {_shown(there)}", cure)


def check_disk(what: str, needed: float, folder: Path, cure: str) -> None:
    """Raise ConfigError where something needs more bytes than are free where a folder is, or is to be made."""
    while not os.path.exists(folder):  # unlike Path.exists, false for a name that no folder can have
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ConfigError(f"{what} takes {_shown(needed)}, and {folder} has {_shown(free)} free", cure)


def _shown(size: float) -> str:
    if size < 1e9:
        return f"{size / 1e6:,.1f} MB"
    return f"{size / 1e9:,.1f} GB" if size < 1e11 else f"{size / 1e9:,.0f} GB"
