"""The terminal as a screen to draw on: light or dark, as COLORFGBG says or the terminal answers."""

import os
import re
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

from charrnn.display.terminal import Terminal

BACKGROUND = "CHARRNN_BACKGROUND"  # "light" or "dark" settles it
_PATIENCE = 0.2  # seconds within which a terminal answers, or is taken for a light one
# What is the background (OSC 11)? And which terminal is it (DA1)? All answer the second, which ends the waiting.
_QUESTION = b"\x1b]11;?\x1b\\\x1b[c"
_ANSWER = re.compile(rb"\x1b\]11;rgba?:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_LAST = re.compile(rb"\x1b\[\?[0-9;]*c")


def console() -> Terminal:
    """Return the console that writes to stdout, with the scale of colours that suits its background."""
    return Terminal(dark=sys.stdout.isatty() and is_dark())


def is_dark() -> bool:
    """Whether the terminal's background is dark; where nothing says so, it is not."""
    if os.environ.get(BACKGROUND) in ("light", "dark"):
        return os.environ[BACKGROUND] == "dark"
    number = os.environ.get("COLORFGBG", "").rpartition(";")[2]  # of the 16 colours, as rxvt and Konsole set it
    if number.isdecimal():
        return int(number) in (*range(7), 8)
    found = _ANSWER.search(_asked())
    if not found:
        return False
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5


def _asked() -> bytes:
    """The terminal's answers; nothing where it cannot be asked, or does not answer in time."""
    answer = b""
    with suppress(OSError, ImportError), _listening() as terminal:
        if select.select([terminal], [], [], 0)[0]:
            return b""  # what the user has typed ahead is not to be swallowed
        os.write(terminal, _QUESTION)
        end = monotonic() + _PATIENCE
        while not _LAST.search(answer) and select.select([terminal], [], [], max(0.0, end - monotonic()))[0]:
            answer += os.read(terminal, 1024)
    return answer


@contextmanager
def _listening() -> Iterator[int]:
    """The terminal, which neither echoes nor waits for whole lines meanwhile; only for who is in its foreground."""
    import termios
    import tty

    terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    try:
        if os.tcgetpgrp(terminal) != os.getpgrp():
            raise OSError("another program has the terminal, and to ask would stop this one")
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSADRAIN)
            yield terminal
        except termios.error as error:
            raise OSError(str(error)) from None
        finally:
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
    finally:
        os.close(terminal)
