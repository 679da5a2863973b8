"""The lines of a run's log or samples, as they stand in its folder; and taking back those of later steps."""

from pathlib import Path

import msgspec

from charrnn.errors import RunError
from charrnn.files import is_special, replacing

_LARGEST = 2**30  # bytes of a log


def raw_lines(path: Path) -> list[bytes]:
    """Return the lines of a log or of samples with their ends; none where there is no such file.

    Raises:
        RunError: it is no regular file, or larger than any run writes.
    """
    if is_special(path):
        raise RunError(f"{path} is no regular file", "remove it: it is not the run's")
    if not path.exists():
        return []
    if path.stat().st_size > _LARGEST:
        raise RunError(f"{path} is larger than a run writes in weeks ({_LARGEST >> 20:,} MiB)", "look what is in it")
    return path.read_bytes().splitlines(keepends=True)


def take_back(path: Path, step: int) -> None:
    """Remove the lines of later steps, and one that a kill has cut off. Raises OSError, and what `raw_lines` raises."""
    lines = raw_lines(path)
    kept = [line for line in lines if step_of(line) <= step]
    if kept != lines:
        with replacing(path) as temporary:
            temporary.write_bytes(b"".join(kept))


def step_of(line: bytes) -> float:
    """Return the step that a line is of; infinity for one that was cut off or tells another thing."""
    try:
        return float(msgspec.json.decode(line)["step"])
    except (msgspec.DecodeError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return float("inf")
