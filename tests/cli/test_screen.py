"""Whether the terminal is light or dark: what the environment says, else what it answers, else light."""

import os
import subprocess
import sys
import time

import pytest

from charrnn.cli import screen
from charrnn.cli.screen import is_dark

DARK, LIGHT = b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\", b"\x1b]11;rgba:ff/ff/f0/ff\x07"


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.delenv(screen.BACKGROUND, raising=False)
    monkeypatch.delenv("COLORFGBG", raising=False)
    monkeypatch.setattr(screen, "_asked", bytes)


@pytest.mark.parametrize(
    ("number", "dark"), [("15;0", True), ("0;15", False), ("15;default;0", True), ("15;8", True), ("0;7", False)]
)
def test_the_numbers_of_colours_say_it(monkeypatch, number, dark):
    monkeypatch.setenv("COLORFGBG", number)
    assert is_dark() == dark


@pytest.mark.parametrize("number", ["", "default", "15;default", "\x1b"])
def test_what_says_nothing_is_light(monkeypatch, number):
    monkeypatch.setenv("COLORFGBG", number)
    assert not is_dark()


def test_the_user_has_the_last_word(monkeypatch):
    monkeypatch.setenv("COLORFGBG", "15;0")
    monkeypatch.setenv(screen.BACKGROUND, "light")
    assert not is_dark()


@pytest.mark.parametrize(("answer", "dark"), [(DARK, True), (LIGHT, False), (b"\x1b]11;rgb:0/0\x1b\\", False)])
def test_an_answer_is_read(monkeypatch, answer, dark):
    monkeypatch.setattr(screen, "_asked", lambda: answer)
    assert is_dark() == dark


def in_a_terminal(answer, typed=b""):
    """What `_asked` returns in a terminal that answers so once it is asked, and what it leaves to be read."""
    pty = pytest.importorskip("pty")
    code = "import os, sys; from charrnn.cli.screen import _asked; sys.stdout.write(_asked().hex() + chr(10))"
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    run = [sys.executable, "-c", code]
    child = subprocess.Popen(run, stdin=theirs, stdout=subprocess.PIPE, start_new_session=True, preexec_fn=_own)
    os.close(theirs)
    asked, end = b"", time.monotonic() + 30
    while not asked.endswith(b"\x1b[c") and child.poll() is None and time.monotonic() < end and not typed:
        asked += os.read(ours, 100)
        if asked.endswith(b"\x1b[c"):
            os.write(ours, answer)
    out = child.communicate(timeout=60)[0]
    os.close(ours)
    return bytes.fromhex(out.decode())


def _own():
    """Make stdin the terminal of this session."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_terminal_is_asked_and_its_answer_ends_the_waiting():
    assert in_a_terminal(DARK + b"\x1b[?62;22c") == DARK + b"\x1b[?62;22c"


def test_a_terminal_that_does_not_answer_is_not_waited_for():
    assert in_a_terminal(b"") == b""


def test_what_is_typed_ahead_is_left_to_be_read():
    assert in_a_terminal(DARK, typed=b"q\n") == b""
