"""`charrnn doctor` over what is damaged and what is left behind: it names all of it, and removes orphans alone."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from charrnn import files
from charrnn.model import shipped
from charrnn.text import cache
from charrnn.text.corpus import Corpus
from charrnn.text.sources import listed

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes and pipes of POSIX")
RUN, OLD = Path("checkpoints/run"), (1, 1)


@pytest.fixture
def place(run, book, here, monkeypatch):
    """A folder with a run, a cached text and a corpus, all whole; the temporary folder is in it as well."""
    shutil.copytree(run, RUN)
    for name, folder in (("CHARRNN_CACHE", "cache"), ("CHARRNN_CORPORA", "corpora"), ("TMPDIR", "temporary")):
        (here / folder).mkdir()
        monkeypatch.setenv(name, folder)
    monkeypatch.setattr("tempfile.tempdir", "temporary")
    monkeypatch.setattr(cache, "LARGE", 1)
    monkeypatch.setattr(shipped, "shipped", lambda name: None)
    monkeypatch.setattr("charrnn.api.checkup.shipped", lambda name: None)  # where that was imported before
    Corpus.from_listing(listed([str(book)]))
    return here


def flip(pattern):
    """What changes a bit in the middle of a file."""

    def damage():
        (path,) = Path().glob(pattern)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)

    return damage


def pipe(name):
    """What puts a pipe in the place of a file."""

    def damage():
        Path(name).unlink(missing_ok=True)
        os.mkfifo(name)

    return damage


def left(name, *names):
    """What a killed process leaves: a file, or a folder with files and the lock that nobody holds any more."""

    def damage():
        if names:
            Path(name).mkdir(parents=True)
        for path in [Path(name, other) for other in names] or [Path(name)]:
            path.write_bytes(b"x" * 1_000_000)
            os.utime(path, OLD)

    return damage


IDS = f"cache/{'0' * 32}.ids"
BY_RESUME = "make it anew: charrnn train --resume checkpoints/run"

# What has happened -> how, the exit status, and what is told.
DAMAGE = {
    "nothing": (lambda: None, 0, "whole     1 run, 1 state, 2 checkpoints, 2 logs, 1 cached text; "),
    "a bit of the best checkpoint": (flip(f"{RUN}/best.*"), 1, f"its digest does not fit its content; {BY_RESUME}"),
    "the last checkpoint is gone": (
        lambda: (RUN / "last.safetensors").unlink(),
        1,
        f"broken    {RUN}/last.safetensors is gone; {BY_RESUME}",
    ),
    "a bit of the state": (flip(f"{RUN}/state.*"), 1, f"charrnn train SOURCE --init-from {RUN}"),
    "a line of the log": (
        lambda: files.append(RUN / "log.jsonl", b"?\n{"),
        1,
        f"broken    {RUN}/log.jsonl has 1 damaged line; what reads it leaves them out",
    ),
    "a pipe for the samples": (pipe(RUN / "samples.jsonl"), 1, f"{RUN}/samples.jsonl is no regular file; remove it"),
    "a pipe for a checkpoint": (pipe(RUN / "best.safetensors"), 1, f"best.safetensors is no regular file; {BY_RESUME}"),
    "an entry of the cache": (flip("cache/*.entry"), 1, ".entry is damaged; it is made anew when it is needed"),
    "the ids of a cached text": (flip("cache/*.ids"), 1, ".entry is damaged; it is made anew when it is needed"),
    "a cache open to all": (lambda: Path("cache").chmod(0o777), 1, "broken    every user can write to cache; take"),
    "another text for a corpus": (
        lambda: Path("corpora/shakespeare.txt").write_text("else"),
        1,
        "broken    corpora/shakespeare.txt is not the text of the corpus shakespeare (its SHA-256 differs); move it",
    ),
    "a pipe for a corpus": (pipe("corpora/kernel.txt"), 1, "broken    corpora/kernel.txt is no regular file; remove"),
    "a save was killed": (
        left(RUN / ".best.safetensors.abcdefgh.tmp"),
        0,
        f"orphan    {RUN}/.best.safetensors.abcdefgh.tmp, 1.0 MB, left by a process that was killed",
    ),
    "a save was killed within safetensors": (
        left(RUN / ".tmpx1Y2z3"),
        0,
        f"orphan    {RUN}/.tmpx1Y2z3, 1.0 MB, left by",
    ),
    "a stage's save was killed": (
        left(RUN / "stages", ".step-1.abcdefgh.tmp"),
        0,
        "orphan    checkpoints/run/stages",
    ),
    "an encoding was killed": (
        left(f"cache/.{'0' * 32}.ids.abcdefgh.tmp"),
        0,
        f"orphan    cache/.{'0' * 32}.ids.abcdefgh.tmp, 1.0 MB,",
    ),
    "ids without an entry": (left(IDS), 0, f"orphan    {IDS}, 1.0 MB, needed by no entry of the cache"),
    "a download was killed": (
        left("corpora/.kernel.abcdefgh", "part", ".lock"),
        0,
        "orphan    corpora/.kernel.abcdefg",
    ),
    "a recording was killed": (left("temporary/charrnn-abcdefgh", "values", ".lock"), 0, "2.0 MB, left by a process"),
    "a dump was killed": (left(".dump-abcdefgh", "h.npy", ".lock"), 0, "orphan    .dump-abcdefgh, 2.0 MB, left by a"),
}


def content():
    """All that is there: names, times and bytes."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(Path().rglob("*"))
        if path.name != ".lock"
    }


def removable(what):
    return DAMAGE[what][1] == 0 or "made anew when" in DAMAGE[what][2]


@pytest.mark.parametrize("what", DAMAGE)
def test_the_doctor_names_what_is_broken_and_what_is_orphaned_and_changes_nothing(charrnn, place, what):
    damage, status, says = DAMAGE[what]
    damage()
    before = content()
    told = charrnn("doctor")
    assert told.status == status, told.err
    assert says in told.out
    assert re.fullmatch("Error: 1 of [0-9]+ .* broken; what to do stands beside it\n" if status else "", told.err)
    described = json.loads(charrnn("doctor", "--json").out)
    assert bool(described["broken"]) == bool(status)
    assert bool(described["orphans"]) == (what != "nothing" and not status)
    assert content() == before


@pytest.mark.parametrize("what", DAMAGE)
def test_pruning_says_what_it_removes_and_removes_orphans_alone(charrnn, place, what):
    before = content()
    damage, status, says = DAMAGE[what]
    damage()
    damaged = content()
    told = charrnn("doctor", "--prune")
    assert says in told.out
    assert told.status == (0 if removable(what) else status), told.err
    assert ("removed   nothing" in told.out) == (what == "nothing" or not removable(what))
    if removable(what):
        after = content()
        assert {path for path in after if path.is_file()} <= set(before)
        assert not [path for path in before if path.parts[0] == "checkpoints" and path not in after]
        assert charrnn("doctor").status == 0
    else:
        assert content() == damaged


def test_the_doctor_leaves_alone_what_a_living_process_works_in(charrnn, place):
    with files.workshop(Path("temporary"), "charrnn-", "values") as living, files.workshop(Path(), ".dump-", "*.npy"):
        told = charrnn("doctor", "--prune", "--json")
        assert json.loads(told.out)["removed"] == []
        assert living.is_dir()


def test_the_doctor_follows_no_link_out_of_a_run(charrnn, place):
    left("elsewhere", ".step-1.abcdefgh.tmp")()
    (RUN / "stages").symlink_to(Path("elsewhere").resolve())
    assert json.loads(charrnn("doctor", "--prune", "--json").out)["removed"] == []
    assert len(list(Path("elsewhere").iterdir())) == 1


def test_the_doctor_shows_names_as_signs(charrnn, place):
    RUN.rename("checkpoints/\x1b]0;pwn\x07[red]")
    flip("checkpoints/*/last.*")()
    told = charrnn("doctor")
    assert "broken    checkpoints/␛]0;pwn␇[red]/last.safetensors is damaged" in told.out
    assert not {"\x1b", "\x07"} & set(told.out + told.err)


def test_the_doctor_finds_runs_by_name_and_refuses_what_is_not_there(charrnn, row, place):
    assert charrnn("doctor", "run").out == charrnn("doctor", RUN).out == charrnn("doctor", "checkpoints").out
    row(["doctor", "checkpoints/rum"], 1, "there is no folder checkpoints/rum; give a run folder made by")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are in Unicode")
def test_the_doctor_has_a_name_that_no_command_takes_changed(charrnn, place):
    RUN.rename(os.fsdecode(b"checkpoints/caf\xe9"))
    told = charrnn("doctor")
    assert told.status == 1
    assert "broken    the name checkpoints/caf‹U+DCE9› is not in UTF-8; rename it, or use a UTF-8 locale" in told.out
