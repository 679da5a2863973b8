"""Whose a folder is: one that another user owns, or that every user can write to, is used only where that is allowed.

Such a folder may hold what somebody else has put there to be read as one's own. It is meant for folders that a command
writes to and believes: what it only reads is checked by its content. Windows has no such modes, and nothing is refused.
"""

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

VARIABLE = "CHARRNN_SAFE_FOLDERS"
_ROOT = 0  # who can change any file, and is trusted by all
_CALLERS = ("SUDO_UID", "DOAS_UID", "PKEXEC_UID")  # in which such programs leave whom root works for
_CONTAINERS = ("/.dockerenv", "/run/.containerenv")  # of Docker; of Podman and CRI-O
_CONTAINED = ("container", "KUBERNETES_SERVICE_HOST", "CI")  # variables of systemd and Podman, Kubernetes, and services


def refusal(folder: Path) -> tuple[str, str] | None:
    """Return why a folder is not to be used, and what to do; None where it may be used, or is not there yet."""
    try:
        found = os.stat(folder)
    except (OSError, ValueError):  # the user of the folder tells
        return None
    if os.name == "nt" or is_allowed(folder):
        return None
    name = f"name it in {VARIABLE}"
    if not _is_own(found.st_uid) and _keeps(folder, lambda made: made.st_uid == os.geteuid()):
        return f"{folder} belongs to {_user(found.st_uid)}", f"where you trust what is in it, {name}"
    if found.st_mode & stat.S_IWOTH and _keeps(folder, lambda made: not made.st_mode & 0o077):
        return f"every user can write to {folder}", f"take that away (chmod o-w), or {name}"
    return None


def is_allowed(folder: Path) -> bool:
    """Return whether the user has allowed a folder, or one that it is in; "*" allows all."""
    names = os.environ.get(VARIABLE, "").split(os.pathsep)
    real = Path(os.path.realpath(folder))
    return "*" in names or any(real.is_relative_to(os.path.realpath(name)) for name in names if name)


def _is_own(owner: int) -> bool:
    """Whether it is this user, root, or for root whom it works for; in a container root is all users.

    A folder of the host has there the number of an owner that the container knows nothing of.
    """
    if owner in (os.geteuid(), _ROOT):
        return True
    return os.geteuid() == _ROOT and (str(owner) in map(os.environ.get, _CALLERS) or _is_contained())


def _is_contained() -> bool:
    return any(map(os.path.exists, _CONTAINERS)) or any(map(os.environ.get, _CONTAINED))


def _keeps(folder: Path, as_made: Callable[[os.stat_result], bool]) -> bool:
    """Whether a file is there as it was made: some disks keep no modes, or owners, and show the same for all files.

    Such are those of Windows, as WSL mounts them, and many of a network.
    """
    with suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        return as_made(os.fstat(file.fileno()))
    return True


def _user(number: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"user {number}"
