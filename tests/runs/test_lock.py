"""One run, one writer; and no lock outlives its process."""

import os
import subprocess
import sys

import pytest

from charrnn.errors import RunError
from charrnn.runs.lock import LOCK, Lock, locked

HOLD = "import sys, pathlib\nfrom charrnn.runs.lock import locked\n"
HOLD += "with locked(pathlib.Path(sys.argv[1])):\n  print('held', flush=True)\n  sys.stdin.read()"


def test_the_second_is_refused_and_told_who_was_first(tmp_path):
    with locked(tmp_path), pytest.raises(RunError, match=rf"by another run \(process {os.getpid()}\); wait for it"):
        Lock(tmp_path).take()


def test_who_lets_go_lets_others_in(tmp_path):
    with locked(tmp_path):
        pass
    with locked(tmp_path) as lock:
        assert lock.holds


def test_what_a_lock_has_left_behind_means_nothing(tmp_path):
    for content in (b"", b"1", b"\xff\xfe"):
        (tmp_path / LOCK).write_bytes(content)
        with locked(tmp_path) as lock:
            assert lock.holds


def test_another_process_holds_it_until_it_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match=rf"\(process {holder.pid}\)"):
            Lock(tmp_path).take()
        holder.kill()
    with locked(tmp_path) as lock:
        assert lock.holds


def test_a_folder_that_was_removed_is_no_longer_held_and_can_be_taken_again(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    with locked(folder) as lock:
        (folder / LOCK).unlink()
        assert not lock.holds
        lock.retake()
        assert lock.holds
        with pytest.raises(RunError):
            Lock(folder).take()
