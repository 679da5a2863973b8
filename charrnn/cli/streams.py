"""stdin, stdout and stderr as every command needs them, whatever the caller has made of them."""

import os
import sys
from io import FileIO, TextIOWrapper, UnsupportedOperation
from typing import Any, TextIO


def prepare() -> None:
    """Let streams take every character, stand the null device in for closed ones, and let stderr fail in silence.

    A file that is opened next would get the number of a closed stream, and whatever a library complains of there.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is the closed stream's
            mode = "w" if number else "r"
            setattr(sys, name, open(opened, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (to the end)
    if sys.stdout.isatty():
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    else:
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stderr = _unfailing(sys.stderr)
    if os.environ.get("COLUMNS", "").strip("0") == "":
        os.environ.pop("COLUMNS", None)  # some terminals say 0 where they do not know


class _Talk(FileIO):
    """A stream of which what cannot be written is lost: a full disk or a closed terminal must not end a training."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or 0
        except OSError:
            return len(memoryview(content).cast("B"))


def _unfailing(stream: TextIO) -> TextIO:
    try:
        number = stream.fileno()
    except UnsupportedOperation:  # it is no file of the system's
        return stream
    stream.flush()
    talk = _Talk(number, "w", closefd=False)
    return TextIOWrapper(
        talk,  # unbuffered, as nothing may be left to fail at the end
        stream.encoding,
        stream.errors,
        write_through=True,
    )
