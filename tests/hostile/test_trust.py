"""Folders that other users own or can write to: nothing is written there or believed, but where the user allows it."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from charrnn import trust
from charrnn.text import cache

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
SMALL = ("--hidden-size=8", "--embedding-size=4", "--seq-length=8", "--batch-size=2", "--precision=float32")
NEW = ["train", "BOOK", *SMALL, "--steps=2", "--out=new"]
RESUME = ["train", "--resume=there", "--steps=31"]
OPEN, THEIRS = "open", "theirs"
TAKE_AWAY = "take that away (chmod o-w), or name it in CHARRNN_SAFE_FOLDERS"
TRUST = "where you trust what is in it, name it in CHARRNN_SAFE_FOLDERS"

# What is tried -> the folder, what it is, the command, its exit status, and what is told.
FOLDERS = {
    "a run open to every user": ("there", OPEN, RESUME, 1, f"Error: every user can write to there; {TAKE_AWAY}"),
    "a run of another user": ("there", THEIRS, RESUME, 1, f"; {TRUST}"),
    "a new run in a folder open to every user": ("new", OPEN, NEW, 1, f"every user can write to new; {TAKE_AWAY}"),
    "a new run in another user's folder": ("new", THEIRS, NEW, 1, f"; {TRUST}"),
    "a cache open to every user": ("cache", OPEN, NEW, 0, "the text is not kept for the next time: every user can"),
    "a cache of another user": ("cache", THEIRS, NEW, 0, "the text is not kept for the next time: cache belongs to"),
    "to read a run open to every user": ("there", OPEN, ["sample", "there", "--length=5"], 0, ""),
    "to read a run of another user": ("there", THEIRS, ["history", "there"], 0, "100 % of its 30 steps used"),
}


@pytest.fixture
def given(run, book, here, monkeypatch):
    """A function that makes the folder of a row, and returns the row's command."""
    monkeypatch.setenv("CHARRNN_CACHE", "cache")
    monkeypatch.setattr(cache, "LARGE", 1)

    def make(what):
        name, kind, command, *_ = FOLDERS[what]
        shutil.copytree(run, "there")
        Path(name).mkdir(exist_ok=True)
        Path(name).chmod(0o777 if kind == OPEN else 0o755)
        monkeypatch.setenv(trust.VARIABLE, "new" if name == "cache" else "")
        monkeypatch.setattr(trust, "_is_own", lambda owner: kind == OPEN)
        return [book if part == "BOOK" else part for part in command]

    return make


def names(folder):
    return sorted((path, path.stat().st_mtime_ns) for path in Path(folder).rglob("*"))


@pytest.mark.parametrize("what", FOLDERS)
def test_what_others_could_have_made_is_read_with_care_and_neither_written_nor_believed(row, given, what):
    folder, _, _, status, says = FOLDERS[what]
    command = given(what)
    before = names(folder)
    row(command, status, says)
    assert names(folder) == before


@pytest.mark.parametrize("allowed", ["*", "there:new:cache", "."])
@pytest.mark.parametrize("what", FOLDERS)
def test_what_is_allowed_is_used_without_a_word(charrnn, given, monkeypatch, what, allowed):
    command = given(what)
    monkeypatch.setenv(trust.VARIABLE, allowed)
    done = charrnn(*command)
    assert done.status == 0, done.err
    assert trust.VARIABLE not in done.err


def test_what_a_run_makes_can_be_resumed_whatever_the_umask(row, book, here):
    before = os.umask(0)
    try:
        row([*(book if part == "BOOK" else part for part in NEW)], 0, "finished")
    finally:
        os.umask(before)
    row(["train", "--resume=new", "--steps=3"], 0, "finished after 3 steps")
