"""Feedback: what a long call reports while it works; Python programs get none unless they ask for it."""

from contextlib import nullcontext
from typing import Any, Protocol, Self


class Bar(Protocol):
    """A count that grows."""

    def update(self, n: float = ..., /) -> object:
        """Count n more."""

    def close(self) -> object:
        """Finish early."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: Any, error: Any, trace: Any, /) -> Any: ...


class Feedback(Protocol):
    """Where notes and counts go."""

    def note(self, message: str) -> None:
        """Report something that is not the result, such as characters that were left out."""

    def bar(self, total: int | None, description: str, unit: str = "char", delay: float = 0) -> Bar:
        """Return a bar over so many characters (or another unit), for the time of a `with` block."""


class _NoBar(nullcontext["_NoBar"]):
    def __init__(self) -> None:
        super().__init__(self)

    def update(self, n: float = 1, /) -> None:
        pass

    def close(self) -> None:
        pass


class Silent:
    """No feedback."""

    def note(self, message: str) -> None:
        """Ignore a note."""

    def bar(self, total: int | None, description: str, unit: str = "char", delay: float = 0) -> Bar:
        """Return a bar that nobody sees."""
        return _NoBar()


SILENT = Silent()
