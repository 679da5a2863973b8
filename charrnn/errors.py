"""What a user can do wrong, each with its cause and its cure; the command line prints one on one line."""

import re
from collections.abc import Sequence


class CharrnnError(Exception):
    """An error that the user can mend.

    Its message is one sentence of two halves: the problem (what, and where) and the cure (what to do next).

    >>> str(CharrnnError("the text is empty", "give a file with at least two characters"))
    'the text is empty; give a file with at least two characters'
    """

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}; {cure}")


class SourceError(CharrnnError):
    """A text cannot be found, read or decoded."""


class VocabularyError(CharrnnError):
    """A text has characters that the model does not know, or a vocabulary is not one."""


class ConfigError(CharrnnError):
    """A setting is outside its allowed range."""


class CheckpointError(CharrnnError):
    """A checkpoint is missing, damaged, foreign or of another format version."""


class RunError(CharrnnError):
    """A run folder cannot be made, written or continued."""


class DeviceError(CharrnnError):
    """The device that was asked for is not there."""


def counted(number: float, noun: str) -> str:
    """Return a number with its noun, which has an s in the plural.

    >>> counted(1, "minute"), counted(0.5, "minute"), counted(2000, "character")
    ('1 minute', '0.5 minutes', '2,000 characters')
    """
    shown = f"{number:,.0f}" if number % 1 == 0 else f"{number:g}"
    return f"{shown} {noun}" if number == 1 else f"{shown} {noun}s"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is for want of memory; torch tells that of the CPU and of some devices in words only.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"))
    True
    """
    return isinstance(error, MemoryError) or bool(re.search("alloc.* memory|out of memory|ALLOC_FAILED", str(error)))


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError unless low ≤ value ≤ high (NaN is never in a range)."""
    if not low <= value <= high:
        low, high = (int(bound) if bound % 1 == 0 else bound for bound in (low, high))  # 1000000, not 1000000.0
        raise ConfigError(f"{name} is {value}", f"give a value from {low} to {high}")


def check_whole(name: str, value: int, low: int, high: int) -> None:
    """Raise ConfigError unless value is an int (no float, not even a whole one, and no bool) and low ≤ value ≤ high."""
    if type(value) is not int:
        raise ConfigError(f"{name} is {value!r}", f"give a whole number from {low} to {high}, of type int")
    check_range(name, value, low, high)


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ConfigError unless value is one of the choices."""
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}", f"choose one of {', '.join(choices)}")
